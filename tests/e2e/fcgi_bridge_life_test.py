# SPDX-License-Identifier: MIT
"""fcgi-bridge alone: who waits for whom, what lives on after a request and for how long, what the
options say, what the protocol asks for besides requests."""
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from fcgi_bridge_test import (ABORT, BEGIN, BRIDGE, HEAD, HERE, PARAMS, SH, Bridge, Client, bridge, children,
                              family, gone, is_alive, make, pair, record, root, run, until)

GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11
STATUS = {'SCRIPT_NAME': '/bridge-status'}


def status(bridge):
    with Client(bridge.address) as client:
        client.begin(STATUS)
        client.send()
        return client.finish().json


# ---- final output waits for the body ----

def test_final_output_waits_until_the_body_is_read_and_interim_blocks_do_not(bridge, root):
    root.write('early.sh', SH + 'printf "Status: 103 Early Hints\\nLink: </a>; rel=preload\\n\\n"\n' +
               HEAD + 'echo before; cat; echo after')
    with Client(bridge.address) as client:
        client.begin(bridge.params('early.sh', CONTENT_LENGTH='8'))
        client.send(b'one.', end=False)
        client.take_until(lambda reply: reply.out.endswith(b'\n\n'), 'the interim block')
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.take()
        client.socket.settimeout(20)
        client.send(b'two.')
        assert client.finish().ended
    assert client.reply.out.endswith(b'\r\n\r\nbefore\none.two.after\n')


@pytest.mark.parametrize('text', ['exec <&-; echo done; sleep 30', 'echo done; exit 0'])
def test_final_output_comes_when_the_program_closes_its_input_or_exits(make, root, text):
    bridge = make('--grace', '0s')
    root.write('deaf.sh', SH + HEAD + text)
    with Client(bridge.address) as client:
        client.begin(bridge.params('deaf.sh', CONTENT_LENGTH='100000'))
        client.send(b'x' * 50000, end=False)
        client.take_until(lambda reply: reply.body == b'done\n', 'the answer')


@pytest.mark.parametrize('spool', ['1G', '100K'])
def test_a_body_is_read_for_a_program_that_writes_more_than_is_held(make, root, spool):
    """Such a program reads on only once it is read from. Where the file is full the answer begins."""
    bridge = make('--hold', '10K', '--spool', spool)
    body = os.urandom(1000000)
    with Client(bridge.address) as client:
        client.begin(bridge.params('echo.py', CONTENT_LENGTH=str(len(body))))
        if spool == '1G':
            client.send(body)  # all of it, before anything is read
        else:
            threading.Thread(target=client.send, args=(body,)).start()
        assert client.finish().ended and client.reply.out.endswith(body)


def test_final_output_does_not_wait_for_a_body_that_does_not_come(make, root):
    bridge = make('--hold', '10K')
    root.write('much.sh', SH + HEAD + 'head -c 30000 /dev/zero; exec sleep 30')
    with Client(bridge.address) as client:
        client.begin(bridge.params('much.sh', CONTENT_LENGTH='5'))
        client.take_until(lambda reply: len(reply.body) == 30000, 'the answer')


# ---- turns ----

def test_kept_connections_take_turns(make, root):
    bridge = make('--workers', '2')
    root.write('short.sh', SH + HEAD + 'echo done')
    end = time.monotonic() + 2
    served = [0] * 6
    def ask(at):
        with Client(bridge.address) as client:
            while time.monotonic() < end:
                client.begin(bridge.params('short.sh'), keep=True)
                client.send()
                assert client.finish().ended
                served[at] += 1
    threads = [threading.Thread(target=ask, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert min(served) >= sum(served) / 6 / 2, served


def test_a_request_whose_client_left_while_it_waited_is_not_run(make, root, tmp_path):
    bridge = make('--workers', '1', '--status', '/bridge-status')
    root.write('slow.sh', SH + HEAD + 'sleep 1')
    root.write('mark.sh', SH + HEAD + f'touch {tmp_path}/ran')
    with Client(bridge.address) as first:
        first.begin(bridge.params('slow.sh'))
        first.send()
        until(lambda: status(bridge)['running'] == 1, 'it runs')
        with Client(bridge.address) as second:
            second.begin(bridge.params('mark.sh'))
            second.send()
            until(lambda: status(bridge)['waiting'] == 1, 'it waits')
        until(lambda: status(bridge)['waiting'] == 0, 'it does not wait any more')
        assert first.finish().ended
    assert bridge.ask('environment.py').ended and not (tmp_path / 'ran').exists()
    assert status(bridge)['dropped'] == 1


# ---- what lives on ----

SETUID = r'''
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void) { setuid(0); FILE *f = fopen(PIDS, "w"); fprintf(f, "%d", getpid()); fclose(f); sleep(6); return 0; }
'''


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_a_program_that_may_not_be_killed_is_answered_in_time_and_holds_no_worker():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(HERE / 'cgi', folder / 'root')
        (folder / 'a.c').write_text(SETUID)
        program = folder / 'root/other'
        subprocess.run(['gcc', f'-DPIDS="{folder}/pid"', '-o', program, folder / 'a.c'], check=True)
        program.chmod(0o4755)
        bridge = Bridge(folder, '--user', 'nobody', '--workers', '1', '--timeout', '500ms',
                        '--grace', '100ms', '--status', '/bridge-status')
        try:
            started = time.monotonic()
            reply = bridge.ask('other')
            assert (reply.status, reply.ended) == (504, True)
            assert bridge.ask('environment.py').ended
            assert time.monotonic() - started < 4
            pid = int((folder / 'pid').read_text())
            assert is_alive(pid) and status(bridge)['left'] == 1
            until(lambda: status(bridge)['left'] == 0, 'it is watched until it ends')
            assert not Path(f'/proc/{pid}').exists()
        finally:
            bridge.stop()


CAREFUL = SH + '''trap 'echo cleaned >"$HTTP_X_MARK"; exit 0' TERM
echo $$ >"$HTTP_X_PID"
while :; do sleep 0.05; done
'''


def leave(bridge, name, tmp_path):
    """Asks, and goes away once the program runs. Gives its number."""
    path = tmp_path / 'own'
    with Client(bridge.address) as client:
        client.begin(bridge.params(name, HTTP_X_MARK=str(tmp_path / 'mark'), HTTP_X_PID=str(path)))
        client.send()
        return int(until(lambda: path.exists() and path.read_text().strip(), 'it runs'))


def test_a_program_whose_client_leaves_may_clean_up(bridge, root, tmp_path):
    root.write('careful.sh', CAREFUL)
    pid = leave(bridge, 'careful.sh', tmp_path)
    until(lambda: not is_alive(pid), 'it has ended', 5)
    assert (tmp_path / 'mark').read_text() == 'cleaned\n'


def test_a_program_that_does_not_end_is_killed_after_the_grace_period(make, root, tmp_path):
    bridge = make('--workers', '1', '--grace', '1s')
    root.write('deaf.sh', SH + 'trap "" TERM; echo $$ >"$HTTP_X_PID"; while :; do sleep 0.1; done')
    pid = leave(bridge, 'deaf.sh', tmp_path)
    left = time.monotonic()
    assert bridge.ask('environment.py').ended  # it holds no worker meanwhile
    assert is_alive(pid) and time.monotonic() - left < 1
    until(lambda: not is_alive(pid), 'it is killed', 5)
    assert time.monotonic() - left > 0.9


def test_a_program_may_finish_although_its_client_left(make, root, tmp_path):
    bridge = make('--gone', 'finish')
    root.write('work.sh', SH + HEAD + 'echo $$ >"$HTTP_X_PID"; sleep 0.7; head -c 300000 /dev/zero; '
               'echo whole >"$HTTP_X_MARK"')
    leave(bridge, 'work.sh', tmp_path)
    until(lambda: (tmp_path / 'mark').exists(), 'it has finished', 5)


def test_a_program_that_closes_its_output_and_works_on_is_answered(make, root, tmp_path):
    bridge = make('--workers', '1', '--status', '/bridge-status')
    root.write('on.sh', SH + HEAD + f'echo $$; exec >&- 2>&-; sleep 2; touch {tmp_path}/done')
    started = time.monotonic()
    reply = bridge.ask('on.sh')
    assert reply.ended and bridge.ask('environment.py').ended
    assert time.monotonic() - started < 1.5 and is_alive(int(reply.body))
    assert status(bridge)['left'] == 1 and status(bridge)['endings']['answered'] == 1
    until(lambda: (tmp_path / 'done').exists() and status(bridge)['left'] == 0, 'it has finished')


def test_background_jobs_live_and_the_time_limit_reaches_them(make, root, tmp_path):
    bridge = make('--timeout', '1500ms', '--status', '/bridge-status')
    # The second one leaves group and session; both are orphans at once.
    root.write('jobs.sh', SH + HEAD + f'(sleep 300 & echo $! >>{tmp_path}/pids) >/dev/null 2>&1\n'
               f'(setsid sleep 300 & echo $! >>{tmp_path}/pids) >/dev/null 2>&1\n')
    started = time.monotonic()
    assert bridge.ask('jobs.sh').ended
    assert time.monotonic() - started < 1
    pids = [int(pid) for pid in (tmp_path / 'pids').read_text().split()]
    time.sleep(0.3)
    assert all(map(is_alive, pids)) and status(bridge)['left'] == 1
    until(lambda: not any(Path(f'/proc/{pid}').exists() for pid in pids), 'they have ended', 5)
    until(lambda: status(bridge)['left'] == 0, 'nothing is left')
    assert status(bridge)['late']['time'] == 1
    assert 'what a request left behind: killed: over its time' in bridge.log


def test_what_left_the_group_ends_at_the_limit_and_leaves_no_zombie(make, root, tmp_path):
    bridge = make('--timeout', '700ms', '--workers', '1')
    root.write('away.sh', SH + f'setsid sleep 300 & echo $! >{tmp_path}/pid; setsid true & wait; sleep 300')
    assert bridge.ask('away.sh').status == 504
    pid = int((tmp_path / 'pid').read_text())
    until(lambda: not Path(f'/proc/{pid}').exists(), 'it has ended', 5)
    until(lambda: all(map(is_alive, bridge.workers)), 'no zombies')


def test_more_left_behind_than_is_watched_waits(make, root, tmp_path):
    bridge = make('--workers', '1', '--status', '/bridge-status', '--timeout', '60s')
    gate = tmp_path / 'gate'
    root.write('job.sh', SH + HEAD + f'while [ ! -e {gate} ]; do sleep 0.3; done >/dev/null 2>&1 &')
    for _ in range(65):
        assert bridge.ask('job.sh').ended
    until(lambda: 'too many requests have left processes behind' in bridge.log, 'the log says it')
    with Client(bridge.address) as client:
        client.begin(bridge.params('environment.py'))
        client.send()
        until(lambda: status(bridge)['waiting'] == 1, 'it waits')
        gate.touch()
        assert client.finish().ended  # once some have ended


# ---- limits ----

@pytest.mark.parametrize('options, text, label', [
    (['--idle', '500ms'], 'sleep 30', 'idle'),
    (['--processes', '5'], 'for i in 1 2 3 4 5 6 7 8; do sleep 30 & done; wait', 'processes'),
    (['--cpu', '1s'], 'while :; do :; done', 'cpu'),
    (['--file', '10K'], 'exec head -c 20000 /dev/zero >big', 'file'),
])
def test_limits_kill_and_say_so(make, root, options, text, label):
    bridge = make('--status', '/bridge-status', *options)
    root.write('over.sh', SH + text)
    reply = bridge.ask('over.sh')
    assert reply.status == (504 if label == 'idle' else 502)
    assert f'(--{label})'.encode() in reply.err and f'(--{label})' in bridge.log
    until(lambda: status(bridge)['endings'][label] == 1, 'it is counted')


def test_the_log_and_the_counters_say_who_watches_limits(make):
    bridge = make('--memory', '1G', '--cgroup', 'none', '--status', '/bridge-status')
    until(lambda: '--memory: measured: --cgroup none' in bridge.log, bridge.log)
    assert status(bridge)['limits'] == {'memory': 'measured', 'processes': 'none'}


def test_a_directory_that_is_no_cgroup_is_refused(tmp_path):
    done = run('--root', '/', '--listen', f'unix:{tmp_path}/s', '--processes', '9', '--cgroup', str(tmp_path))
    assert done.returncode == 1 and f'--cgroup: {tmp_path} is no cgroup of version 2' in done.stderr


def test_work_that_reads_or_writes_is_not_idle(make, root):
    bridge = make('--idle', '600ms')
    root.write('drip.sh', SH + HEAD + 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done')
    assert bridge.ask('drip.sh').body == b'1\n2\n3\n4\n5\n6\n'


def test_a_client_that_takes_nothing_is_left_after_the_idle_time(make, root):
    bridge = make('--workers', '1', '--idle', '700ms', '--status', '/bridge-status')
    root.write('endless.sh', SH + HEAD + 'exec yes')
    with Client(bridge.address) as client:
        client.begin(bridge.params('endless.sh'))
        client.send()
        until(lambda: status(bridge)['running'] == 1, 'it runs')
        assert bridge.ask('environment.py').ended
        assert not client.finish().ended


RUNTIMES = {
    'go': '/usr/bin/go', 'node': '/usr/bin/node', 'java': '/usr/bin/java', 'perl': '/usr/bin/perl',
    'python': '/usr/bin/python3', 'ruby': '/usr/bin/ruby', 'sh': '/bin/sh',
}
SOURCES = {
    'node': '#!/usr/bin/node\nprocess.stdout.write("Content-Type: text/plain\\n\\nnode")\n',
    'perl': '#!/usr/bin/perl\nprint "Content-Type: text/plain\\n\\nperl";\n',
    'python': '#!/usr/bin/python3\nprint("Content-Type: text/plain\\n\\npython", end="")\n',
    'ruby': '#!/usr/bin/ruby\nprint "Content-Type: text/plain\\n\\nruby"\n',
    'sh': SH + 'printf "Content-Type: text/plain\\n\\nsh"\n',
    'java': '#!/usr/bin/java --source 11\nclass A { public static void main(String[] a) {'
            'System.out.print("Content-Type: text/plain\\n\\njava"); } }\n',
}
GO = 'package main\nimport "fmt"\nfunc main() { fmt.Print("Content-Type: text/plain\\n\\ngo") }\n'


@pytest.mark.parametrize('name', RUNTIMES)
def test_programs_of_every_runtime_start_under_the_defaults(make, root, tmp_path, name):
    if not os.access(RUNTIMES[name], os.X_OK):
        pytest.skip(f'no {RUNTIMES[name]}')
    if name == 'go':
        (tmp_path / 'a.go').write_text(GO)
        subprocess.run(['go', 'build', '-o', root / 'program', tmp_path / 'a.go'], check=True,
                       timeout=120, env={**os.environ, 'GO111MODULE': 'off', 'CGO_ENABLED': '0',
                                         'GOCACHE': os.environ.get('GOCACHE', '/tmp/go-cache')})
    elif name == 'java':
        if not shutil.which('javac'):
            pytest.skip('no compiler of Java')
        root.write('program', SOURCES[name])
    else:
        root.write('program', SOURCES[name])
    reply = make().ask('program')
    assert reply.body == name.encode(), reply.err


# ---- which program ----

def test_a_root_that_is_a_link_is_resolved_for_each_request(tmp_path):
    for release in 'ab':
        (tmp_path / release).mkdir()
        path = tmp_path / release / 'x.sh'
        path.write_text(SH + HEAD + f'echo {release}')
        path.chmod(0o755)
    current = tmp_path / 'current'
    current.symlink_to('a')
    bridge = Bridge(tmp_path, root=current)
    try:
        assert bridge.ask('x.sh').body == b'a\n'
        (tmp_path / 'next').symlink_to('b')
        os.replace(tmp_path / 'next', current)
        assert bridge.ask('x.sh').body == b'b\n'
    finally:
        bridge.stop()


@pytest.mark.parametrize('params', [
    {'SCRIPT_FILENAME': '{root}/environment.py/more/of it', 'SCRIPT_NAME': '/cgi/environment.py/more/of it'},
    {'SCRIPT_FILENAME': 'proxy:fcgi://127.0.0.1:9000{root}/environment.py/more/of it',
     'SCRIPT_NAME': '/cgi/environment.py/more/of it'},
    {'SCRIPT_FILENAME': 'proxy:fcgi://localhost{root}/environment.py/more/of it', 'SCRIPT_NAME': '/cgi/environment.py'},
    {'SCRIPT_FILENAME': '', 'DOCUMENT_ROOT': '{root}/..//root', 'SCRIPT_NAME': '/environment.py/more/of it'},
    {'SCRIPT_FILENAME': '', 'DOCUMENT_ROOT': '/elsewhere', 'SCRIPT_NAME': '/environment.py/more/of it'},
])
def test_what_is_behind_the_program_is_path_info(bridge, root, params):
    params = {name: value.format(root=root) for name, value in params.items()}
    if '..' in params.get('DOCUMENT_ROOT', ''):
        params['DOCUMENT_ROOT'] = str(root)
    seen = bridge.ask('environment.py', **params).json['environment']
    assert seen['PATH_INFO'] == '/more/of it'
    assert seen['SCRIPT_FILENAME'] == str(root / 'environment.py')
    assert seen['SCRIPT_NAME'] in ('/cgi/environment.py', '/environment.py')


def test_several_roots_and_a_list_of_programs(make, root, tmp_path):
    other = tmp_path / 'other'
    (other / 'deep').mkdir(parents=True)
    for path in (other / 'two.sh', other / 'deep/three.sh', root / 'one.sh', root / 'no.sh'):
        path.write_text(SH + HEAD + f'echo {path.stem}')
        path.chmod(0o755)
    bridge = make('--root', other, '--program', 'one.sh', '--program', '*/three.sh', '--program', 'two*')
    def ask(path):
        return bridge.ask('x', SCRIPT_FILENAME=str(path))
    assert ask(root / 'one.sh').body == b'one\n'
    assert ask(other / 'two.sh').body == b'two\n'
    assert ask(other / 'deep/three.sh').body == b'three\n'
    assert ask(root / 'no.sh').status == 403 and b'no --program' in ask(root / 'no.sh').err


def test_variables_folder_and_socket_are_the_operator_s_to_choose(make, root, tmp_path):
    environment = {**os.environ, 'TZ': 'Europe/Oslo', 'OTHER': 'kept to itself'}
    bridge = make('--env', 'GIT_PROJECT_ROOT=/srv/git', '--env', 'HTTP_X_SET=ours', '--inherit', 'TZ',
                  '--inherit', 'NOT_THERE', '--chdir', tmp_path, '--socket-mode', '0606',
                  '--socket-group', 'nogroup', env=environment)
    seen = bridge.ask('environment.py', TZ='UTC', HTTP_X_SET='theirs').json
    environment = seen['environment']
    assert environment['GIT_PROJECT_ROOT'] == '/srv/git' and environment['TZ'] == 'Europe/Oslo'
    assert environment['HTTP_X_SET'] == 'ours' and not {'OTHER', 'NOT_THERE'} & set(environment)
    assert seen['directory'] == str(tmp_path)
    path = bridge.address[5:]
    assert os.stat(path).st_mode & 0o777 == 0o606
    assert os.stat(path).st_gid == grp.getgrnam('nogroup').gr_gid


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_users_and_groups_may_be_numbers():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(HERE / 'cgi', folder / 'root')
        bridge = Bridge(folder, '--user', '54321', '--group', '54322', '--socket-owner', 'nobody',
                        '--socket-group', '54323')
        try:
            seen = bridge.ask('environment.py').json
            at = os.stat(folder / 'socket')
        finally:
            assert bridge.stop() == 0
        assert (seen['uid'], seen['groups']) == (54321, [54322])
        assert (at.st_uid, at.st_gid) == (pwd.getpwnam('nobody').pw_uid, 54323)


@pytest.mark.parametrize('arguments, words', [
    (['--user', 'no-such'], '--user no-such: no such user'),
    (['--group', 'no-such'], '--group no-such: no such group'),
    (['--socket-owner', 'no-such'], '--socket-owner no-such: no such user'),
])
def test_a_name_that_nobody_has_is_told(arguments, words):
    done = run('--root', '/', '--listen', 'unix:/no/such', *arguments)
    assert done.returncode == 1 and words in done.stderr


def test_the_unit_is_good(tmp_path):
    unit = (HERE.parents[1] / 'fcgi-bridge/fcgi-bridge.service.in').read_text()
    words = re.search(r'^ExecStart=@CMAKE_INSTALL_FULL_BINDIR@/fcgi-bridge (.*)$', unit, re.MULTILINE)[1].split()
    done = run(*[word.replace('/usr/lib/cgi-bin', str(tmp_path)) for word in words])
    assert '--listen ADDRESS is required' in done.stderr  # all else is understood


# ---- the protocol ----

def test_questions_about_us_are_answered(make):
    bridge = make('--workers', '3')
    names = ('FCGI_MAX_CONNS', 'FCGI_MAX_REQS', 'FCGI_MPXS_CONNS', 'OTHER')
    with Client(bridge.address) as client:
        client.socket.sendall(record(GET_VALUES, b''.join(pair(n, '') for n in names), 0) +
                              record(99, b'x', 0))
        version, kind, number, size, padding = struct.unpack('>BBHHBx', client._exactly(8))
        content = client._exactly(size + padding)[:size]
        assert (kind, number) == (GET_VALUES_RESULT, 0)
        assert pair('FCGI_MAX_REQS', '3') in content and pair('FCGI_MPXS_CONNS', '0') in content
        assert int(re.search(rb'FCGI_MAX_CONNS(\d+)', content)[1]) > 50 and b'OTHER' not in content
        version, kind, number, size, padding = struct.unpack('>BBHHBx', client._exactly(8))
        assert (kind, client._exactly(size)[0]) == (UNKNOWN_TYPE, 99)
        client.begin(bridge.params('environment.py'))
        client.send()
        assert client.finish().ended


def test_an_abort_within_the_body_is_answered_and_the_connection_kept(bridge, family):
    with Client(bridge.address) as client:
        client.begin(bridge.params('family.sh', **family.params), keep=True)
        client.send(b'x' * 30000, end=False)
        until(family, 'the family has started')
        client.socket.sendall(record(ABORT))
        assert client.finish().ended and client.reply.out == b''
        client.begin(bridge.params('environment.py'))
        client.send()
        assert client.finish().status == 200 and client.reply.ended
        assert gone(family)


def test_a_second_request_on_a_busy_connection_is_refused(bridge, root):
    root.write('slow.sh', SH + HEAD + 'sleep 0.4; echo done')
    with Client(bridge.address) as client:
        client.begin(bridge.params('slow.sh'))
        client.send()
        client.socket.sendall(record(BEGIN, struct.pack('>HB5x', 1, 0), 2))
        version, kind, number, size, _ = struct.unpack('>BBHHBx', client._exactly(8))
        assert (number, client._exactly(size)[4]) == (2, 1)  # FCGI_CANT_MPX_CONN
        assert client.finish().body == b'done\n'


def test_parameters_without_end_are_refused(bridge):
    with Client(bridge.address) as client:
        client.socket.sendall(record(BEGIN, struct.pack('>HB5x', 1, 0)))
        client.socket.sendall(b''.join(record(PARAMS, b'x' * 60000) for _ in range(20)))
        assert client.finish().status == 431


def test_idle_connections_hold_up_nobody(make):
    bridge = make('--workers', '1')
    idle = [Client(bridge.address) for _ in range(50)]
    started = time.monotonic()
    assert all(bridge.ask('environment.py').ended for _ in range(3))
    assert time.monotonic() - started < 3
    for client in idle:
        client.socket.close()


@pytest.mark.parametrize('descriptors', [250, 175])
def test_more_connections_than_there_is_room_for_replace_idle_ones(root, tmp_path, descriptors):
    """Of the fewer a client more than there is room for made all polling fail."""
    bridge = started_with_descriptors(root, tmp_path, descriptors, descriptors, '--workers', '1')
    try:
        until(bridge._is_listening, 'it listens')
        idle = [Client(bridge.address) for _ in range(150)]
        assert bridge.ask('environment.py').ended
        assert idle[0].socket.recv(1) == b''
        assert len(os.listdir(f'/proc/{bridge.process.pid}/fd')) < 150
    finally:
        bridge.stop()


def started_with_descriptors(root, tmp_path, soft, hard, *options):
    bridge = Bridge.__new__(Bridge)
    bridge.root, bridge.log_path, bridge.address = root, tmp_path / 'log', f'unix:{tmp_path}/socket'
    with open(bridge.log_path, 'ab') as log:
        bridge.process = subprocess.Popen(
            ['prlimit', f'--nofile={soft}:{hard}', BRIDGE, '--root', str(root), '--listen', bridge.address,
             *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return bridge


def test_workers_leave_descriptors_to_clients_and_programs_get_what_was_given(root, tmp_path):
    """With 100 workers a soft limit of 100 descriptors was full before anybody could be accepted."""
    bridge = started_with_descriptors(root, tmp_path, 100, 1000, '--workers', '100')
    root.write('limit.sh', SH + HEAD + 'ulimit -Sn; ulimit -Hn')
    try:
        until(bridge._is_listening, 'it listens')
        assert bridge.ask('limit.sh').body == b'100\n1000\n'
    finally:
        bridge.stop()


def test_more_workers_than_descriptors_are_refused(root, tmp_path):
    bridge = started_with_descriptors(root, tmp_path, 100, 200, '--workers', '100')
    assert bridge.process.wait(20) == 1
    assert '--workers 100 takes 360 descriptors of 200 (ulimit -n)' in bridge.log


def test_sighup_replaces_the_workers_and_cuts_nothing(make, root, tmp_path):
    bridge = make('--workers', '2')
    gate = tmp_path / 'gate'
    before = set(until(lambda: len(bridge.workers) == 2 and bridge.workers, 'two workers'))
    with Client(bridge.address) as kept, Client(bridge.address) as client:
        kept.begin(bridge.params('environment.py'), keep=True)
        kept.send()
        assert kept.finish().ended
        client.begin(bridge.params('interim.sh', HTTP_X_GATE=str(gate)))
        client.send()
        client.take_until(lambda reply: reply.out, 'it runs')
        bridge.process.send_signal(signal.SIGHUP)
        until(lambda: len(set(bridge.workers) - before) == 2, 'two new workers')
        kept.begin(bridge.params('environment.py'), keep=True)
        kept.send()
        assert kept.finish().ended
        gate.touch()
        assert client.finish().ended and client.reply.out.endswith(b'</title>\n')
    until(lambda: not set(bridge.workers) & before, 'the old ones have gone')
    assert 'ended by' not in bridge.log


def test_whoever_waits_when_it_is_to_stop_is_served_first(make, root):
    bridge = make('--workers', '1')
    root.write('slow.sh', SH + HEAD + 'sleep 0.5; echo done')
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(bridge.ask('slow.sh'))) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.25)
    bridge.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(20)
    assert [reply.body for reply in replies] == [b'done\n'] * 3
    assert bridge.process.wait(20) == 0


@pytest.mark.skipif(os.environ.get('CI_FULL') != '1', reason='takes minutes: CI_FULL=1')
def test_a_hundred_thousand_requests_leave_nothing(make, root):
    bridge = make('--workers', '2', '--status', '/bridge-status')
    true = root / 'true'
    true.write_text(SH + 'printf "Content-Type: text/plain\\n\\n"')
    true.chmod(0o755)
    def figures():
        pids = [bridge.process.pid, *bridge.workers]
        memory = sum(int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{pid}/status').read_text())[1])
                     for pid in pids)
        return len(pids), sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in pids), memory
    def ask(times):
        with Client(bridge.address) as client:
            for _ in range(times):
                client.begin(bridge.params('true'), keep=True)
                client.send()
                assert client.finish().ended
    ask(1000)
    before = figures()
    threads = [threading.Thread(target=ask, args=(25000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = figures()
    print(before, after)
    assert after[:2] == before[:2] and after[2] < before[2] + 1024, (before, after)
