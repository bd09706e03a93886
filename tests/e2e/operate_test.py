# SPDX-License-Identifier: MIT
"""What an operator and a service manager do: reload by a command, keys that only root may read, sockets and
messages of systemd, the first process of a container."""
import contextlib
import ctypes
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest
from servers import BINARY, ROOT, Outrider, until
from tls_test import make_pair

IN_USE = 'the new configuration is in use'


def command(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20)


def conf_of(outrider):
    return outrider.log_path.parent / 'outrider.conf'


# ---- reload -------------------------------------------------------------------------------------

def test_reload_says_what_is_wrong_or_that_it_is_done(make_outrider):
    outrider = make_outrider(workers=1)
    conf = conf_of(outrider)
    done = command('reload', '--config', conf)
    assert (done.returncode, done.stdout) == (0, f'{IN_USE}\n')
    outrider.wait_log(IN_USE)
    good = conf.read_text()
    conf.write_text(good.replace('workers = 1', 'workers = 1\nworker = 2'))
    for where in (['--config', conf], ['--admin', f'unix:{outrider.admin}']):
        refused = command('reload', *where)
        assert refused.returncode == 1
        assert re.search(r'^\S+outrider.conf:3: there is no option worker', refused.stderr), refused.stderr
    assert 'the new configuration is refused; the one before stays in use\n' in refused.stderr
    # What only the running program can find out is told as well.
    conf.write_text(good.replace('pool = "php"', 'pool = "php"\naccess-log { to = "/proc/none/file" }'))
    refused = command('reload', '--config', conf)
    assert refused.returncode == 1 and 'access log /proc/none/file cannot be opened' in refused.stderr
    assert command('ready', '--admin', f'unix:{outrider.admin}').returncode == 0
    outrider.stop()
    assert command('ready', '--admin', f'unix:{outrider.admin}').returncode == 1
    assert command('reload', '--admin', f'unix:{outrider.admin}').returncode == 1


# ---- what only root may open --------------------------------------------------------------------

@pytest.fixture
def open_folder():
    """One that everybody may enter, with one below that only root may."""
    folder = Path(tempfile.mkdtemp(prefix='outrider-operate-'))
    folder.chmod(0o755)
    (folder / 'roots').mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


def served(outrider):
    return ssl.get_server_certificate(('127.0.0.1', outrider.tls_port))


@pytest.mark.skipif(os.geteuid() != 0, reason='only root has rights to give up')
def test_keys_and_logs_that_are_roots_own_are_renewed_after_the_rights_are_gone(open_folder):
    secret, log = open_folder / 'roots', open_folder / 'roots/access.log'
    for name in ('a', 'b'):
        make_pair(secret, name)
    (open_folder / 'www').mkdir()
    config = f'''user = "nobody"
workers = 1
listen "https://127.0.0.1:0" {{}}
listen "http://127.0.0.1:0" {{}}
site "a.example" {{
    root = "{open_folder}/www"
    certificate = "{secret}/a.crt"
    key = "{secret}/a.key"
    access-log {{ to = "{log}" }}
}}
'''
    outrider = Outrider(open_folder / 'run', config=config)
    try:
        assert os.stat(f'/proc/{outrider.pid}').st_uid == pwd.getpwnam('nobody').pw_uid
        before = served(outrider)
        make_pair(secret, 'a')
        outrider.wait_log('renewed certificates are in use', 10)
        assert served(outrider) != before
        conf_of(outrider).write_text(config.replace('a.crt', 'b.crt').replace('a.key', 'b.key'))
        outrider.process.send_signal(signal.SIGHUP)         # names that the opener did not know
        outrider.wait_log(IN_USE, 10)
        assert served(outrider) == (secret / 'b.crt').read_text()
        log.rename(secret / 'access.log.1')
        outrider.process.send_signal(signal.SIGUSR1)
        until(log.exists, 5, 'the log is not made again')
        # A configuration that others may write names nothing.
        conf_of(outrider).chmod(0o666)
        make_pair(secret, 'c')
        conf_of(outrider).write_text(config.replace('a.crt', 'c.crt').replace('a.key', 'c.key'))
        outrider.process.send_signal(signal.SIGHUP)
        outrider.wait_log(r'error \S+: certificate "\S+c.crt": Permission denied', 10)
    finally:
        assert outrider.stop() == 0
    until(lambda: not [p for p in processes() if p[3] == outrider.pid and p[1] != 'Z'], 5, 'the opener is still there')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root has rights to give up')
def test_a_link_in_the_users_own_folder_gives_it_nothing_of_roots(open_folder):
    logs, made = open_folder / 'logs', open_folder / 'roots/made'
    logs.mkdir()
    shutil.chown(logs, 'nobody')
    outrider = Outrider(open_folder / 'run', config=f'''user = "nobody"
workers = 1
listen "http://127.0.0.1:0" {{}}
site "a.example" {{ root = "{open_folder}" access-log {{ to = "{logs}/access.log" }} }}
''')
    try:
        assert (logs / 'access.log').owner() == 'nobody'
        (logs / 'access.log').unlink()
        (logs / 'access.log').symlink_to(made)
        outrider.process.send_signal(signal.SIGUSR1)
        outrider.wait_log(r"access.log is not opened with root's rights", 10)
        assert not made.exists()
    finally:
        assert outrider.stop() == 0


def processes():
    """(number, state, parent, session) of each."""
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            words = path.read_text().rpartition(')')[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(path.parent.name), words[0], int(words[1]), int(words[3])


# ---- a service manager --------------------------------------------------------------------------

class Manager:
    """The socket on which a service manager is told."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(15)
        self.path = path

    def wait(self, line):
        """The datagram that has this line; others are passed over."""
        while line not in (told := self.socket.recv(4096).decode()).split('\n'):
            pass
        return told


@pytest.fixture
def manager(tmp_path):
    made = Manager(str(tmp_path / 'manager'))
    yield made
    made.socket.close()


def started(folder, config, env, sockets=()):
    """Like a service manager: with these sockets as descriptors 3 and following."""
    folder.mkdir()
    (folder / 'outrider.conf').write_text(config)
    log = folder / 'log'

    def before():
        kept = [os.dup2(s, 200 + i) for i, s in enumerate(sockets)]
        for i, s in enumerate(kept):
            os.dup2(s, 3 + i)
        os.environ.update(env)
        if sockets:
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)))
        os.execv(BINARY, [BINARY, 'run', '--config', str(folder / 'outrider.conf')])

    with open(log, 'ab') as out:
        process = subprocess.Popen(['true'], stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=before,
                                   close_fds=False)
    return process, log


def test_a_manager_is_told_where_we_are_and_holds_the_sockets(tmp_path, site, manager):
    with socket.create_server(('127.0.0.1', 0)) as held:
        port = held.getsockname()[1]
        config = f'''workers = 2
listen "http://127.0.0.1:{port}" {{}}
site "localhost" {{ root = "{site}" }}
admin {{ listen = "unix:{tmp_path}/admin.sock" }}
'''
        process, log = started(tmp_path / 'run', config, {'NOTIFY_SOCKET': manager.path, 'WATCHDOG_USEC': '1000000'},
                               [held.fileno()])
        try:
            manager.wait('READY=1')
            for _ in range(8):                                  # whichever worker accepts
                assert urllib.request.urlopen(f'http://127.0.0.1:{port}/assets/style.css', timeout=5).status == 200
            manager.wait('WATCHDOG=1')
            process.send_signal(signal.SIGHUP)
            assert re.search(r'^MONOTONIC_USEC=\d+$', manager.wait('RELOADING=1'), re.MULTILINE)
            manager.wait('READY=1')
            manager.wait('WATCHDOG=1')
            process.send_signal(signal.SIGTERM)
            manager.wait('STOPPING=1')
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
        held.setblocking(False)                                 # and still holds it
        socket.create_connection(('127.0.0.1', port), timeout=5).close()
        held.accept()[0].close()
    assert 'inherited' not in log.read_text()


def test_a_worker_that_is_stuck_is_told_to_nobody_as_alive(tmp_path, site, manager):
    config = f'''workers = 1
listen "http://127.0.0.1:0" {{}}
site "localhost" {{ root = "{site}" }}
'''
    process, log = started(tmp_path / 'run', config, {'NOTIFY_SOCKET': manager.path, 'WATCHDOG_USEC': '1000000'})
    try:
        manager.wait('WATCHDOG=1')
        threads = {int(p.name) for p in Path(f'/proc/{process.pid}/task').iterdir()}
        worker = max(threads)                                   # the one that was made last
        with stopped_thread(process.pid, worker):
            until(lambda: 'worker 0 does not turn its loop any more' in log.read_text(), 15, log.read_text())
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def stopped_thread(pid, thread):
    """One thread of the process does not run: a debugger has stopped it."""
    libc = ctypes.CDLL(None, use_errno=True)
    seize, interrupt, detach = 0x4206, 0x4207, 17
    if libc.ptrace(seize, thread, 0, 0) != 0:
        pytest.skip('ptrace is not allowed')
    libc.ptrace(interrupt, thread, 0, 0)
    os.waitpid(thread, 0x40000000)                              # __WALL
    try:
        yield
    finally:
        libc.ptrace(detach, thread, 0, 0)


def test_the_unit_is_good():
    unit = (ROOT / 'sidecar/outrider.service.in').read_text()
    assert re.search(r'^ExecStart=@CMAKE_INSTALL_FULL_BINDIR@/outrider run --config ', unit, re.MULTILINE)
    if not shutil.which('systemd-analyze'):
        pytest.skip('systemd-analyze is not here')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'outrider.service'
        path.write_text(unit.replace('@CMAKE_INSTALL_FULL_BINDIR@/outrider', shutil.which('true')))
        out = subprocess.run(['systemd-analyze', 'security', '--offline=true', str(path)], capture_output=True, text=True,
                             timeout=60)
    level = re.search(r'Overall exposure level for outrider.service: ([\d.]+)', out.stdout)
    assert level and float(level[1]) <= 2.0, out.stdout + out.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason='only root makes a namespace of processes')
def test_the_first_process_of_a_container_reaps_orphans_and_ends_on_sigterm(tmp_path, site):
    config = tmp_path / 'outrider.conf'
    config.write_text(f'workers = 1\nlisten "http://127.0.0.1:0" {{}}\nsite "localhost" {{ root = "{site}" }}\n')
    log = tmp_path / 'log'
    with open(log, 'wb') as out:
        outside = subprocess.Popen(['unshare', '--pid', '--fork', '--kill-child', BINARY, 'run', '--config', str(config)],
                                   stderr=out, stdout=out)
    try:
        until(lambda: 'info ready' in log.read_text() or outside.poll() is not None, 10, 'not ready')
        if outside.poll() is not None:
            pytest.skip(f'no namespace: {log.read_text()}')
        first = next(p[0] for p in processes() if p[2] == outside.pid)
        for _ in range(3):
            subprocess.run(['nsenter', '-t', str(first), '-p', 'sh', '-c', 'sleep 0.1 & sleep 0.05 &'], check=True)
        until(lambda: not [p for p in processes() if p[2] == first], 10, 'orphans are left')
        os.kill(first, signal.SIGTERM)
        assert outside.wait(10) == 0
    finally:
        outside.kill()
        outside.wait()
