# SPDX-License-Identifier: MIT
"""What an operator and a service manager do: reload by a command, keys that only root may read."""
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest
from servers import BINARY, Outrider, until
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
    assert (done.returncode, done.stdout) == (0, f'{IN_USE}\n') and IN_USE in outrider.log
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
    assert outrider.ask_admin('/health')[0] == 200
    outrider.stop()
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
    until(lambda: not children(outrider.pid), 5, 'the opener is still there')


def children(pid):
    """Processes of the session that `pid` led."""
    out = subprocess.run(['ps', '-s', str(pid), '-o', 'pid='], capture_output=True, text=True).stdout
    return out.split()
