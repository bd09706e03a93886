# SPDX-License-Identifier: MIT
"""Outrider starts the FastCGI program itself: php-cgi, PHP-FPM, fcgi-bridge. Pages are served, what
dies is started again, and whatever ends Outrider, no process and no socket is left."""
import http.client
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from servers import BINARY, Outrider, until

PHP = '/usr/bin/php-cgi8.2'
FPM = shutil.which('php-fpm8.2') or '/usr/sbin/php-fpm8.2'
BRIDGE = os.environ.get('FCGI_BRIDGE', str(Path(BINARY).parent / 'fcgi-bridge'))
AS_ROOT = os.getuid() == 0
PATIENCE = 20

CONFIG = '''
workers = 2
{top}
listen "http://127.0.0.1:0" {{}}
pool "php" {{ {servers} spawn {{ {spawn} }} }}
site "localhost" {{ root = "{root}" scripts = {{ ".php", ".sh" }} pool = "php" }}
'''


def config(root, spawn, servers='', top=''):
    return CONFIG.format(root=root, spawn=spawn, servers=servers, top=top)


def cgi(root, more='processes = 4', top=''):
    return config(root, f'command = {{ "{PHP}" }} {more}', top=top)


def is_alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    try:
        return [int(pid) for pid in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def keeper(outrider):
    found = [pid for pid in children(outrider.pid)
             if Path(f'/proc/{pid}/comm').read_text() != 'outrider-open\n']     # root's hand
    assert len(found) == 1, outrider.log
    return found[0]


def programs(outrider, count):
    """Their numbers, as soon as there are `count` that have been executed."""
    def executed():
        pids = children(keeper(outrider))
        return pids if len(pids) == count and all(
            os.path.basename(os.readlink(f'/proc/{pid}/exe')) != os.path.basename(BINARY)
            for pid in pids if is_alive(pid)) else None
    return until(executed, PATIENCE, f'not {count} programs')


def family(pid):
    return [pid] + [one for child in children(pid) for one in family(child)]


def uids(pid):
    return {int(uid) for uid in re.search(r'^Uid:\s+(.*)', Path(f'/proc/{pid}/status').read_text(),
                                          re.MULTILINE)[1].split()}


def none_alive(pids):
    until(lambda: not any(map(is_alive, pids)), PATIENCE, f'alive: {[p for p in pids if is_alive(p)]}')


def ask(outrider, path):
    """Over HTTP/1: python3-h2 takes no response after a GOAWAY."""
    client = http.client.HTTPConnection('127.0.0.1', outrider.clear_port, timeout=PATIENCE)
    client.request('GET', path)
    return client


@pytest.fixture(autouse=True)
def sockets(tmp_path_factory, monkeypatch):
    """Where the sockets are made: at the end of every test nothing may be left there."""
    with tempfile.TemporaryDirectory(prefix='spawn') as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setenv('TMPDIR', folder)
        yield Path(folder)
        until(lambda: not os.listdir(folder), PATIENCE, f'left: {os.listdir(folder)}')


@pytest.fixture
def fpm_config(tmp_path, site):
    """A configuration with a PHP-FPM that opens its own socket; gives (text, path of the socket)."""
    sock, ini = tmp_path / 'fpm.sock', tmp_path / 'fpm.ini'
    who = 'user = root\ngroup = root\n' if AS_ROOT else ''
    ini.write_text(f'[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n[www]\nlisten = {sock}\n'
                   f'pm = static\npm.max_children = 3\n{who}')
    words = [FPM, '--nodaemonize', *(['-R'] if AS_ROOT else []), '-n', '-y', str(ini)]
    command = ', '.join(f'"{word}"' for word in words)
    return config(site, f'command = {{ {command} }}', servers=f'servers = {{ "unix:{sock}" }}'), sock


def test_a_folder_and_a_program_are_a_working_server(connect, make_outrider, site):
    outrider = make_outrider(arguments=['--root', str(site), '--spawn', PHP, '--listen',
                                        'http://127.0.0.1:0', '--workers', '2'])
    client = connect(outrider, tls=False)
    assert client.get('/index.php').status == 200
    assert client.get('/sleep.php?ms=1&n=2').body == b'slept 1 as 2'
    assert len(programs(outrider, 4)) == 4


def test_processes_share_the_work(connect, make_outrider, site):
    client = connect(make_outrider(config=cgi(site)), tls=False)
    client.get('/sleep.php')
    began = time.monotonic()
    answers = [client.request(f'/sleep.php?ms=1000&n={n}') for n in range(4)]
    client.wait(*answers)
    assert [answer.body for answer in answers] == [f'slept 1000 as {n}'.encode() for n in range(4)]
    assert time.monotonic() - began < 3


def test_the_socket_is_nobody_elses(make_outrider, sockets, site):
    make_outrider(config=cgi(site))
    folder, = sockets.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == ['fastcgi.sock']


def test_killed_processes_are_started_again_and_requests_wait_for_them(connect, make_outrider, site):
    outrider = make_outrider(config=cgi(site))
    client = connect(outrider, tls=False)
    for _ in range(3):
        before = programs(outrider, 4)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        none_alive(before)  # who is about to die may still take a connection
        assert client.get('/sleep.php?n=7').body == b'slept 0 as 7'
        assert not set(before) & set(programs(outrider, 4))
    assert outrider.wait_log(r'warn pool php: process \d+ was ended by signal 9; to be started again in 100 ms')


def test_one_that_dies_while_others_work_costs_nobody_else_anything(connect, make_outrider, site):
    outrider = make_outrider(config=cgi(site))
    client = connect(outrider, tls=False)
    answers = [client.request(path) for path in ('/sleep.php?ms=1500', '/die.php', '/sleep.php?ms=1500')]
    client.wait(*answers)
    assert [answer.status for answer in answers] == [200, 502, 200]


def test_a_program_that_ends_after_some_requests_loses_none(connect, make_outrider, site):
    outrider = make_outrider(config=cgi(site, 'processes = 2 env = { "PHP_FCGI_MAX_REQUESTS=4" }'))
    client = connect(outrider, tls=False)
    assert {client.get('/sleep.php').status for _ in range(40)} == {200}
    assert outrider.wait_log(r'info pool php: process \d+ exited with status 0; ')


def test_php_fpm_is_waited_for_kept_running_and_ended(connect, make_outrider, fpm_config):
    text, sock = fpm_config
    outrider = make_outrider(config=text)
    client = connect(outrider, tls=False)
    assert client.get('/sleep.php?n=1').body == b'slept 0 as 1'  # the first one, at once
    master, = programs(outrider, 1)
    workers = until(lambda: len(children(master)) == 3 and children(master), PATIENCE, 'no workers')
    os.kill(master, signal.SIGKILL)
    none_alive([master, *workers])
    until(lambda: client.get('/sleep.php?n=2').body == b'slept 0 as 2', PATIENCE, 'not served again')
    everybody = family(keeper(outrider))
    assert len(everybody) == 5
    assert outrider.stop() == 0
    none_alive(everybody)
    assert not sock.exists()
    # Its own log, escaped like all that it writes.
    assert re.search(r'warn pool php: process \d+: \[.*NOTICE: fpm is running', outrider.log)


def test_who_is_slow_to_open_its_socket_is_waited_for(connect, make_outrider, fpm_config):
    text, _ = fpm_config
    command = re.search(r'command = \{ (.*?) \}', text)[1]
    words = command.replace('", "', ' ').strip('"')
    outrider = make_outrider(config=text.replace(command, f'"/bin/sh", "-c", "sleep 1; exec {words}"'))
    assert connect(outrider, tls=False).get('/sleep.php?n=1').body == b'slept 0 as 1'
    assert 'does not yet' not in outrider.log


def test_who_never_opens_its_socket_does_not_hold_the_start_up(connect, make_outrider, site, tmp_path):
    outrider = make_outrider(config=config(site, 'command = { "/bin/sleep", "600" }',
                                           servers=f'servers = {{ "unix:{tmp_path}/no.sock" }}'))
    outrider.wait_log(r'warn the program that should listen on unix:\S+/no.sock does not listen yet: No such file')
    client = connect(outrider, tls=False)
    assert client.get('/assets/style.css').status == 200
    assert client.get('/sleep.php').status == 502


def test_fcgi_bridge_can_be_spawned(connect, make_outrider, site):
    script = site / 'hello.sh'
    script.write_text('#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nhello $QUERY_STRING"\n')
    script.chmod(0o755)
    outrider = make_outrider(config=config(
        site, f'processes = 1 command = {{ "{BRIDGE}", "--root", "{site}", "--workers", "2" }}'))
    client = connect(outrider, tls=False)
    assert client.get('/hello.sh?you').body == b'hello you'
    everybody = family(keeper(outrider))
    assert len(everybody) >= 4
    assert outrider.stop() == 0
    none_alive(everybody)


def test_a_program_that_cannot_run_backs_off_and_nobody_hangs(connect, make_outrider, site):
    outrider = make_outrider(config=config(site, 'command = { "/bin/false" } processes = 2'))
    client = connect(outrider, tls=False)
    for pause in (100, 200, 400, 800):
        outrider.wait_log(rf'process \d+ exited with status 1; to be started again in {pause} ms')
    for _ in range(6):
        began = time.monotonic()
        assert client.get('/sleep.php').status in (502, 503)
        assert time.monotonic() - began < 5
    starts = outrider.log.count(': /bin/false')
    time.sleep(2)
    assert outrider.log.count(': /bin/false') - starts <= 4
    assert client.get('/assets/style.css').status == 200


def test_who_asks_before_it_is_known_is_answered_too(connect, make_outrider, site):
    client = connect(make_outrider(config=config(site, 'command = { "/bin/false" }')), tls=False)
    assert client.get('/sleep.php').status in (502, 503)


def test_what_the_program_writes_is_in_the_log_escaped_and_cut(connect, make_outrider, site):
    (site / 'says.php').write_text(r'''<?php
        file_put_contents('php://stderr', "red \x1b[31m and a backslash \\ and \xff\nnext\r\n");
        file_put_contents('php://stderr', str_repeat('x', 100000) . "\nlast\n");''')
    outrider = make_outrider(config=cgi(site))
    assert connect(outrider, tls=False).get('/says.php').status == 200
    outrider.wait_log(r'process \d+: last$')
    outrider.wait_log(r'warn pool php: process \d+: red \\x1b\[31m and a backslash \\\\ and \\xff$')
    outrider.wait_log(r'process \d+: next$')
    assert max(map(len, outrider.log.split('\n'))) < 1200
    assert '\x1b' not in outrider.log


def test_a_flood_of_output_does_not_fill_the_log(connect, make_outrider, site):
    (site / 'flood.php').write_text(r'''<?php
        for ($i = 0; $i < 300; $i++) file_put_contents('php://stderr', str_repeat("flood $i\n", 200));
        echo 'done';''')
    outrider = make_outrider(config=cgi(site))
    client = connect(outrider, tls=False)
    assert client.get('/flood.php', timeout=60).body == b'done'
    assert outrider.log.count('flood') < 3000
    time.sleep(1.1)
    assert client.get('/flood.php', timeout=60).body == b'done'
    outrider.wait_log(r'warn pool php: \d+ lines of output were too many to be logged')


def test_sigterm_finishes_what_is_under_way_and_leaves_nothing(connect, make_outrider, sockets, site):
    outrider = make_outrider(config=cgi(site))
    connect(outrider, tls=False).get('/sleep.php')
    programs(outrider, 4)
    everybody = family(outrider.pid)
    assert len(everybody) == 6
    client = ask(outrider, '/sleep.php?ms=1500&n=3')
    time.sleep(0.3)
    outrider.process.terminate()
    assert client.getresponse().read() == b'slept 1500 as 3'
    assert outrider.process.wait(10) == 0
    assert not any(map(is_alive, everybody))
    assert not list(sockets.iterdir())


def test_a_signal_to_the_whole_group_is_still_a_clean_end(make_outrider, site):
    """As a terminal or a service manager sends it: to Outrider and the keeper."""
    outrider = make_outrider(config=cgi(site))
    programs(outrider, 4)
    everybody = family(outrider.pid)
    client = ask(outrider, '/sleep.php?ms=1000&n=3')
    time.sleep(0.3)
    os.killpg(outrider.pid, signal.SIGINT)
    assert client.getresponse().read() == b'slept 1000 as 3'
    assert outrider.process.wait(10) == 0
    assert not any(map(is_alive, everybody))


def test_kill_9_leaves_no_process_and_no_socket(connect, tmp_path, sockets, site):
    outrider = Outrider(tmp_path / 'killed', config=cgi(site))
    connect(outrider, tls=False).get('/sleep.php')
    programs(outrider, 4)
    everybody = family(outrider.pid)
    assert len(everybody) == 6 and list(sockets.iterdir())
    outrider.process.kill()
    outrider.process.wait()
    none_alive(everybody)
    until(lambda: not list(sockets.iterdir()), PATIENCE, 'the socket is left')


def test_kill_9_leaves_no_php_fpm(connect, tmp_path, fpm_config):
    text, sock = fpm_config
    outrider = Outrider(tmp_path / 'killed', config=text)
    assert connect(outrider, tls=False).get('/sleep.php').status == 200
    everybody = until(lambda: len(family(outrider.pid)) == 6 and family(outrider.pid), PATIENCE, 'no fpm')
    outrider.process.kill()
    outrider.process.wait()
    none_alive(everybody)
    assert not sock.exists()


def test_kill_9_of_the_keeper_too_leaves_no_process(tmp_path, fpm_config, sockets, site):
    for text, count in ((cgi(site), 6), (fpm_config[0], 6)):
        outrider = Outrider(tmp_path / f'killed{count}', config=text)
        everybody = until(lambda: len(family(outrider.pid)) == count and family(outrider.pid),
                          PATIENCE, 'no programs')
        programs(outrider, len(children(keeper(outrider))))
        for pid in (outrider.pid, keeper(outrider)):
            os.kill(pid, signal.SIGSTOP)  # neither may act any more
        for pid in everybody[:2]:
            os.kill(pid, signal.SIGKILL)
        outrider.process.wait()
        none_alive(everybody)
    for folder in sockets.iterdir():
        shutil.rmtree(folder)  # nobody was left to do it


def test_without_its_keeper_it_ends_so_that_it_is_started_again(connect, make_outrider, site):
    outrider = make_outrider(config=cgi(site))
    programs(outrider, 4)
    everybody = family(outrider.pid)
    os.kill(keeper(outrider), signal.SIGKILL)
    assert outrider.process.wait(10) == 1
    none_alive(everybody)
    assert 'error the process that keeps the spawned programs running has died' in outrider.log


def test_an_address_in_use_starts_nothing_and_leaves_nothing(tmp_path, make_outrider, site):
    outrider = make_outrider(config=cgi(site))
    path = tmp_path / 'second.conf'
    path.write_text(cgi(site).replace('127.0.0.1:0', f'127.0.0.1:{outrider.clear_port}'))
    done = subprocess.run([BINARY, 'run', '--config', str(path)], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 1 and 'in use' in done.stderr
    assert 'started' not in done.stderr


@pytest.fixture
def open_site(site):
    """The site where everybody may read it, and a program there is."""
    with tempfile.TemporaryDirectory(prefix='site', dir='/tmp') as folder:
        os.chmod(folder, 0o755)
        root = Path(folder) / 'site'
        shutil.copytree(site, root)
        yield root


@pytest.mark.skipif(not AS_ROOT, reason='only root can become somebody else')
@pytest.mark.parametrize('top, more, server, program', [
    ('', 'user = "www-data"', 'root', 'www-data'),
    ('user = "www-data"', '', 'www-data', 'www-data'),
    ('user = "nobody"', 'user = "www-data"', 'nobody', 'www-data'),
])
def test_programs_run_as_their_user_again_and_again(connect, make_outrider, open_site, sockets,
                                                     top, more, server, program):
    outrider = make_outrider(config=cgi(open_site, f'processes = 2 {more}', top=top))
    client = connect(outrider, tls=False)
    assert client.get('/sleep.php?n=1').body == b'slept 0 as 1'
    assert uids(outrider.pid) == {pwd.getpwnam(server).pw_uid}
    folder, = sockets.iterdir()
    assert folder.stat().st_uid == pwd.getpwnam(server).pw_uid and folder.stat().st_mode & 0o777 == 0o700
    for _ in range(2):
        pids = programs(outrider, 2)
        for pid in pids:
            assert uids(pid) == {pwd.getpwnam(program).pw_uid}
            os.kill(pid, signal.SIGKILL)
        none_alive(pids)
        assert client.get('/sleep.php?n=2').body == b'slept 0 as 2'
    assert outrider.stop() == 0
    assert not list(sockets.iterdir())


def test_requests_go_on_while_processes_are_killed_all_the_time(connect, make_outrider, site):
    """No request hangs, and of those that meet no kill none fails."""
    outrider = make_outrider(config=cgi(site))
    client = connect(outrider, tls=False)
    over = threading.Event()

    def kill():
        while not over.wait(0.25):
            for pid in children(keeper(outrider))[:1]:
                os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        statuses = [client.get('/sleep.php?ms=5').status for _ in range(200)]
    finally:
        over.set()
        killer.join()
    assert set(statuses) <= {200, 502}
    assert statuses.count(200) > 180


@pytest.mark.parametrize('spawn, why', [
    ('command = { "php-cgi" }', 'an absolute path must come first'),
    ('command = { "/no/such" }', 'cannot be executed'),
    ('processes = 3', 'spawn needs a command'),
    ('command = { "/bin/sh" } env = { "X" }', 'it must be NAME=value'),
    ('command = { "/bin/sh" } user = "nobody at all"', 'there is no user'),
])
def test_check_says_what_is_wrong_with_it(tmp_path, site, spawn, why):
    path = tmp_path / 'wrong.conf'
    path.write_text(config(site, spawn))
    done = subprocess.run([BINARY, 'check', str(path)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert f'{path}:5: ' in done.stderr and why in done.stderr
