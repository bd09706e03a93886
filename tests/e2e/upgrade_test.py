# SPDX-License-Identifier: MIT
"""Another program takes the place of the running one (SIGUSR2, `outrider upgrade`) with its sockets: no request is
lost. When it does not get ready, the one before goes on."""
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import servers
from reload_test import BIG, Download, Keepers, Streams, ask, big, open_client  # noqa: F401 (big is a fixture)
from servers import Outrider, until

SERVES = r'process (\d+) serves in the place of this one'
BINARY = servers.BINARY


def is_gone(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] == 'Z'
    except FileNotFoundError:
        return True


@pytest.fixture
def make_own(tmp_path, site, monkeypatch):
    """An Outrider from a file of its own, which may be replaced; all that take its place are ended."""
    made = []

    def make(top='', **options):
        binary = tmp_path / 'outrider'
        shutil.copy2(servers.BINARY, binary)
        monkeypatch.setattr(servers, 'BINARY', str(binary))
        made.append(Outrider(tmp_path / 'run', root=site, fastcgi='unix:/nowhere', top=top, **options))
        return made[-1]

    yield make
    for outrider in made:
        followers = [int(pid) for pid in re.findall(r'is started as process (\d+)', outrider.log)]
        for pid in followers:
            if not is_gone(pid):
                os.kill(pid, signal.SIGTERM)
                until(lambda pid=pid: is_gone(pid), 10, f'process {pid} does not end:\n{outrider.log[-2000:]}')
        outrider.stop()
        assert 'Sanitizer' not in outrider.log, outrider.log[-4000:]


def replace(outrider, text):
    """Another file in the place of the program."""
    path = outrider.log_path.parent.parent / 'outrider'
    other = path.with_name('other')
    other.write_text(text)
    other.chmod(0o755)
    other.rename(path)


def served_by(outrider):
    return int(re.search(rb'"pid": ?(\d+)', outrider.ask_admin('/process')[1])[1])


def test_no_request_is_lost_while_programs_take_each_others_place(make_own, big, tmp_path):
    outrider = make_own(workers=2, top=f'drain-timeout = 120s\nstore {{ path = "{tmp_path}/learned.db" }}')
    download = Download(outrider.clear_port)
    keepers = [Keepers(outrider, pause) for pause in (0, 0.01, 0.05)]
    streams = Streams(outrider.tls_port)
    outrider.process.send_signal(signal.SIGUSR2)
    second = int(outrider.wait_log(SERVES, 20)[1])
    done = subprocess.run([servers.BINARY, 'upgrade', '--admin', f'unix:{outrider.admin}'], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    third = served_by(outrider)
    assert f'process {third} serves in the place of process {second}' in done.stdout and third != second
    until(lambda: all(k.closed >= 2 for k in keepers) or any(k.faults for k in keepers), 20, 'they keep their connections')
    for thread in (*keepers, streams):
        thread.stopped.set()
        thread.join(20)
        assert not thread.faults, thread.faults
    assert streams.connections >= 3 and all(k.answers > 2 for k in keepers)
    assert outrider.is_running()                        # for the sake of the download
    assert download.body() == b'0123456789abcdef' * (BIG // 16)
    assert outrider.process.wait(15) == 0
    until(lambda: is_gone(second), 15, 'the second does not end')
    assert len(re.findall('stopped; 0 requests cut', outrider.log)) == 2


def test_what_does_not_get_ready_is_given_up(make_own, tmp_path):
    outrider = make_own(workers=1, top=f'upgrade-timeout = 400ms\nstore {{ path = "{tmp_path}/learned.db" }}')
    replace(outrider, '#!/bin/sh\nexit 3\n')
    done = subprocess.run([BINARY, 'upgrade', '--admin',
                           f'unix:{outrider.admin}'], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and 'did not get ready' in done.stderr, (done.stdout, done.stderr)
    replace(outrider, '#!/bin/sh\nexec sleep 60\n')
    outrider.process.send_signal(signal.SIGUSR2)
    outrider.wait_log(r'was not ready in time; this one goes on', 10)
    outrider.process.send_signal(signal.SIGUSR2)        # and once more, at once
    until(lambda: outrider.log.count('not ready in time') == 2, 10, outrider.log)
    for pid in re.findall(r'is started as process (\d+)', outrider.log):
        until(lambda pid=pid: is_gone(pid), 5, f'{pid} was not killed')
    assert ask(open_client(outrider), '/assets/style.css')[0].status == 200
    assert served_by(outrider) == outrider.pid
    assert outrider.stop() == 0
    assert 'store' not in ''.join(re.findall(r' error store.*', outrider.log))


def test_a_kill_in_the_middle_leaves_a_clean_next_start(make_own, tmp_path):
    outrider = make_own(workers=1, top=f'store {{ path = "{tmp_path}/learned.db" }}')
    replace(outrider, '#!/bin/sh\nexec sleep 60\n')
    outrider.process.send_signal(signal.SIGUSR2)
    first = int(outrider.wait_log(r'is started as process (\d+)')[1])
    os.kill(first, signal.SIGKILL)                      # the new one
    outrider.wait_log('has ended before it was ready; this one goes on')
    assert ask(open_client(outrider), '/assets/style.css')[0].status == 200
    outrider.process.send_signal(signal.SIGUSR2)
    until(lambda: len(re.findall('is started as process', outrider.log)) == 2, 5, outrider.log)
    outrider.process.kill()                             # the old one
    outrider.process.wait()
    for pid in re.findall(r'is started as process (\d+)', outrider.log):
        if not is_gone(int(pid)):
            os.kill(int(pid), signal.SIGKILL)
    config = (tmp_path / 'run/outrider.conf').read_text()
    (tmp_path / 'outrider').unlink()
    shutil.copy2(BINARY, tmp_path / 'outrider')
    again = Outrider(tmp_path / 'again', config=config)   # the same sockets and store
    assert ask(open_client(again), '/assets/style.css')[0].status == 200
    assert again.stop() == 0
