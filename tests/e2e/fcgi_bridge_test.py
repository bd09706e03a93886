# SPDX-License-Identifier: MIT
"""fcgi-bridge alone, asked by a small FastCGI client: what CGI programs get, what a client sees when
they misbehave, and what is left of them when they are to end."""
import json
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
OUTRIDER = os.environ.get('OUTRIDER', str(HERE.parents[1] / 'build/release/outrider'))
BRIDGE = os.environ.get('FCGI_BRIDGE', str(Path(OUTRIDER).parent / 'fcgi-bridge'))
PHP = '/usr/bin/php-cgi8.2'

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
# Sanitizers multiply memory: figures of memory then say nothing.
SANITIZED = os.environ.get('SANITIZED') == '1'
PATIENCE = 20  # seconds; no test needs that long unless something hangs


@pytest.fixture(scope='session', autouse=True)
def binary():
    assert os.access(BRIDGE, os.X_OK), f'{BRIDGE} is not built'


def until(question, what, timeout=PATIENCE):
    end = time.monotonic() + timeout
    while not (answer := question()):
        assert time.monotonic() < end, what
        time.sleep(0.02)
    return answer


def is_alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def record(kind, content=b'', number=1):
    return struct.pack('>BBHHBx', 1, kind, number, len(content), 0) + content


def pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack('>L', n | 1 << 31)
    name, value = os.fsencode(name), os.fsencode(value)
    return length(len(name)) + length(len(value)) + name + value


class Reply:
    """What came for one request, as it came."""

    def __init__(self):
        self.out = self.err = b''
        self.ended = False     # END_REQUEST came
        self.exit_status = None
        self.protocol_status = None

    @property
    def head(self):
        return self.out.replace(b'\r\n', b'\n').partition(b'\n\n')[0].decode()

    @property
    def body(self):
        return self.out.replace(b'\r\n', b'\n').partition(b'\n\n')[2]

    @property
    def status(self):
        found = re.search(r'^Status: (\d+)', self.head, re.MULTILINE)
        return int(found[1]) if found else 200

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """A connection; one request after the other if `keep` is asked for."""

    def __init__(self, address):
        if address.startswith('unix:'):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE)
            self.socket.connect(address[5:])
        else:
            host, _, port = address.rpartition(':')
            self.socket = socket.create_connection((host.strip('[]'), int(port)), PATIENCE)
        self.reply = Reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def begin(self, params, keep=False):
        self.reply = Reply()
        pairs = b''.join(pair(*item) for item in
                         (params.items() if isinstance(params, dict) else params))
        self.socket.sendall(
            record(BEGIN, struct.pack('>HB5x', 1, int(keep))) +
            b''.join(record(PARAMS, pairs[at:at + 65000]) for at in range(0, len(pairs), 65000)) +
            record(PARAMS))

    def send(self, body=b'', end=True):
        for at in range(0, len(body), 32000):
            self.socket.sendall(record(STDIN, body[at:at + 32000]))
        if end:
            self.socket.sendall(record(STDIN))

    def _exactly(self, size):
        data = b''
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def take(self):
        """One record. False at its END_REQUEST or when the connection is closed."""
        try:
            version, kind, number, size, padding = struct.unpack('>BBHHBx', self._exactly(8))
            content = self._exactly(size + padding)[:size]
        except (EOFError, ConnectionResetError):
            return False
        assert (version, number) == (1, 1)
        if kind == STDOUT:
            self.reply.out += content
        elif kind == STDERR:
            self.reply.err += content
        elif kind == END:
            self.reply.exit_status, self.reply.protocol_status = struct.unpack('>LB3x', content)
            self.reply.ended = True
        return kind != END

    def take_until(self, question, what):
        while not question(self.reply):
            assert self.take(), f'{what}: {self.reply.out[-500:]} {self.reply.err[-500:]}'

    def finish(self):
        while self.take():
            pass
        return self.reply


class Bridge:
    def __init__(self, folder, *arguments, listen='unix', root=None, **popen):
        self.root = root or folder / 'root'
        self.log_path = folder / 'log'
        self.address = f'unix:{folder}/socket' if listen == 'unix' else listen
        command = [BRIDGE, '--root', str(self.root), *map(str, arguments)]
        if listen is not None:
            command += ['--listen', self.address]
        with open(self.log_path, 'ab') as log:
            popen.setdefault('stdin', subprocess.DEVNULL)
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **popen)
        if listen is not None:
            until(self._is_listening, f'it listens: {self.log}')

    def _is_listening(self):
        assert self.process.poll() is None, self.log
        try:
            Client(self.address).socket.close()
            return True
        except OSError:
            return False

    @property
    def log(self):
        return self.log_path.read_text(errors='replace')

    @property
    def workers(self):
        return children(self.process.pid)

    def params(self, name, **more):
        return {'SCRIPT_FILENAME': f'{self.root}/{name}', 'SCRIPT_NAME': f'/{name}',
                'REQUEST_METHOD': 'GET', 'QUERY_STRING': '', 'SERVER_PROTOCOL': 'HTTP/1.1',
                'CONTENT_LENGTH': '', **more}

    def ask(self, name, body=b'', **more):
        with Client(self.address) as client:
            client.begin(self.params(name, **more))
            client.send(body)
            return client.finish()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def root(tmp_path):
    """A root with the programs of tests/e2e/cgi; root.write('name', text) adds one."""
    class Root(type(tmp_path)):
        def write(self, name, text, mode=0o755):
            path = self / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
            return path

    shutil.copytree(HERE / 'cgi', tmp_path / 'root')
    return Root(tmp_path / 'root')


@pytest.fixture
def make(tmp_path, root):
    made = []

    def start(*arguments, **options):
        made.append(Bridge(tmp_path, *arguments, root=root, **options))
        return made[-1]

    yield start
    for bridge in made:
        workers = bridge.workers if bridge.process.poll() is None else []
        bridge.stop()
        assert 'Sanitizer' not in bridge.log and 'runtime error' not in bridge.log, bridge.log
        until(lambda: not any(map(is_alive, workers)), 'the workers are gone')


@pytest.fixture
def bridge(make):
    return make('--timeout', '15s')


SH = '#!/bin/sh\n'
HEAD = 'printf "Content-Type: text/plain\\r\\n\\r\\n"\n'


# ---- what a program gets, and what it gives ----

def test_a_program_is_run_and_its_answer_comes_as_it_is(bridge, root):
    root.write('a/page.sh', SH + 'printf "Status: 201 Made\\nX-One: 1\\n\\nhello"')
    reply = bridge.ask('a/page.sh')
    assert reply.out == b'Status: 201 Made\nX-One: 1\n\nhello'
    assert (reply.err, reply.ended, reply.exit_status, reply.protocol_status) == (b'', True, 0, 0)


def test_an_interim_block_comes_while_the_program_still_thinks(bridge, tmp_path):
    gate = tmp_path / 'gate'
    with Client(bridge.address) as client:
        client.begin(bridge.params('interim.sh', HTTP_X_GATE=str(gate)))
        client.send()
        client.take_until(lambda reply: reply.out.endswith(b'\r\n\r\n'), 'the interim block')
        assert client.reply.out.startswith(b'Status: 103 Early Hints\r\nLink: </style.css>')
        assert b'Status: 200' not in client.reply.out
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.take()
        client.socket.settimeout(PATIENCE)
        gate.touch()
        reply = client.finish()
    assert reply.ended and reply.out.count(b'\r\n\r\n') == 2
    assert b'\r\n\r\nStatus: 200 OK\r\n' in reply.out and reply.out.endswith(b'</title>\n')


def test_an_interim_block_is_a_second_ahead_of_the_final_one(bridge):
    with Client(bridge.address) as client:
        client.begin(bridge.params('interim.sh'))
        client.send()
        client.take_until(lambda reply: b'Status: 103' in reply.out, 'the interim block')
        interim = time.monotonic()
        client.take_until(lambda reply: b'Status: 200' in reply.out, 'the final block')
        assert time.monotonic() - interim > 0.8


@pytest.mark.parametrize('listen', ['unix', '127.0.0.1:0', '[::1]:0'])
def test_five_megabytes_go_in_and_come_out_at_the_same_time(make, listen):
    bridge = make(listen=free_port(listen))
    body = os.urandom(5 << 20)
    with Client(bridge.address) as client:
        client.begin(bridge.params('echo.py', CONTENT_LENGTH=str(len(body)), REQUEST_METHOD='POST'))
        sender = threading.Thread(target=client.send, args=(body,))
        sender.start()
        reply = client.finish()
        sender.join(PATIENCE)
    assert reply.ended and reply.out.partition(b'\r\n\r\n')[2] == body


def free_port(listen):
    if not listen.endswith(':0'):
        return listen
    host = listen[:-2]
    with socket.socket(socket.AF_INET6 if host[0] == '[' else socket.AF_INET) as sock:
        sock.bind((host.strip('[]'), 0))
        return f'{host}:{sock.getsockname()[1]}'


def test_output_does_not_wait_for_the_end_of_the_body_where_nothing_is_held(make):
    bridge = make('--hold', '0')
    with Client(bridge.address) as client:
        client.begin(bridge.params('echo.py', CONTENT_LENGTH='8'))
        client.send(b'one.', end=False)
        client.take_until(lambda reply: reply.out.endswith(b'one.'), 'the first half')
        client.send(b'two.')
        assert client.finish().out.endswith(b'one.two.')


def test_records_that_come_in_one_packet_or_byte_by_byte_are_the_same(bridge):
    wire = (record(BEGIN, struct.pack('>HB5x', 1, 0)) +
            record(PARAMS, b''.join(pair(*p) for p in bridge.params('echo.py').items())) +
            record(PARAMS) + record(STDIN, b'a') + record(STDIN, b'bc') + record(STDIN))
    for step in (len(wire), 1):
        with Client(bridge.address) as client:
            for at in range(0, len(wire), step):
                client.socket.sendall(wire[at:at + step])
            assert client.finish().out.endswith(b'\r\n\r\nabc')


def test_standard_error_is_a_stream_of_its_own(bridge, root):
    root.write('err.sh', SH + HEAD + 'echo body; echo careful >&2; exit 0')
    reply = bridge.ask('err.sh')
    assert reply.err == b'careful\n' and b'careful' not in reply.out and reply.body == b'body\n'


def test_a_flood_of_errors_is_cut_and_the_answer_comes(bridge, root):
    root.write('flood.sh', SH + 'head -c 8000000 /dev/zero | tr "\\0" e >&2\n' + HEAD + 'echo well')
    reply = bridge.ask('flood.sh')
    assert reply.body == b'well\n' and reply.ended
    assert 1 << 20 <= len(reply.err) < (1 << 20) + 65536
    assert reply.err.endswith(b'the rest of its errors is dropped\n')


def test_the_environment_is_the_request_s_and_nothing_else(make, root):
    bridge = make('--pass', 'APP_ENV', '--pass', 'MY_*', env={**os.environ, 'SECRET': 'inherited'})
    asked = bridge.params(
        'environment.py', QUERY_STRING='a=b', HTTP_COOKIE='c=d', HTTP_PROXY='evil:3128',
        PATH_INFO='/more', HTTPS='on', SSL_PROTOCOL='TLSv1.3', APP_ENV='prod', MY_OWN='1',
        SECRET='asked', LD_PRELOAD='/evil.so', LD_AUDIT='/evil.so', BASH_ENV='/evil', ENV='/evil',
        PYTHONPATH='/evil', PERL5OPT='-Mevil', PATH='/evil', IFS='x', http_proxy='evil:3128')
    asked |= {'HTTP_BAD-NAME': '1', 'HTTP_B\nAD': '1', 'BASH_FUNC_ls%%': '() { evil; }', '': 'x'}
    with Client(bridge.address) as client:
        client.begin([*asked.items(), ('HTTP_COOKIE', 'second'), ('GATEWAY_INTERFACE', 'other')])
        client.send()
        seen = client.finish().json
    assert len(seen['names']) == len(set(seen['names']))
    seen = seen['environment']
    seen.pop('LC_CTYPE', None)  # Python's own
    assert seen == {
        'SCRIPT_FILENAME': str(root / 'environment.py'), 'SCRIPT_NAME': '/environment.py',
        'REQUEST_METHOD': 'GET', 'QUERY_STRING': 'a=b', 'SERVER_PROTOCOL': 'HTTP/1.1',
        'CONTENT_LENGTH': '', 'HTTP_COOKIE': 'c=d', 'PATH_INFO': '/more', 'HTTPS': 'on',
        'SSL_PROTOCOL': 'TLSv1.3', 'APP_ENV': 'prod', 'MY_OWN': '1', 'PATH': os.environ['PATH'],
        'GATEWAY_INTERFACE': 'CGI/1.1', 'REDIRECT_STATUS': '200'}


@pytest.mark.parametrize('query', ['-s', 'a+b', '-d+allow_url_include%3d1', 'x', ''])
def test_a_query_string_is_never_an_argument(make, root, query):
    bridge = make('--interpreter', '.script=/usr/bin/python3')
    shutil.copy(root / 'environment.py', root / 'by.script')
    (root / 'by.script').chmod(0o644)
    path = root / 'environment.py'
    assert bridge.ask(path.name, QUERY_STRING=query).json['arguments'] == [str(path)]
    path = root / 'by.script'
    assert bridge.ask(path.name, QUERY_STRING=query).json['arguments'] == [str(path)]


def test_a_program_starts_clean(make, root, tmp_path):
    root.write('deep/er/own.py', (root / 'environment.py').read_text())
    with open(tmp_path / 'left-open', 'wb') as leak:
        bridge = make(pass_fds=[leak.fileno()])
        seen = bridge.ask('deep/er/own.py').json
    assert seen['descriptors'] == [0, 1, 2]
    assert seen['directory'] == str(root / 'deep/er')
    assert seen['pid'] == seen['group'] == seen['session'] and seen['parent'] in bridge.workers
    assert seen['memory'] == -1  # of address space runtimes take what they like
    assert seen['blocked'] == []


def test_a_file_may_be_named_by_the_root_and_script_name(bridge):
    params = bridge.params('environment.py')
    del params['SCRIPT_FILENAME']
    with Client(bridge.address) as client:
        client.begin(params)
        client.send()
        assert client.finish().json['environment']['SCRIPT_FILENAME'].endswith('/environment.py')


@pytest.mark.skipif(not os.access(PHP, os.X_OK), reason='no php-cgi')
def test_php_runs_by_php_cgi_and_shows_no_source(make, root):
    bridge = make('--interpreter', f'.php={PHP}')
    root.write('page.php', '<?php header("X-Php: yes"); http_response_code(202);'
               'echo $_GET["a"] ?? "none", "|", file_get_contents("php://input");', 0o644)
    reply = bridge.ask('page.php', QUERY_STRING='a=1', body=b'body', CONTENT_LENGTH='4',
                       REQUEST_METHOD='POST', CONTENT_TYPE='text/plain')
    assert (reply.status, reply.body) == (202, b'1|body') and 'X-Php: yes' in reply.head
    reply = bridge.ask('page.php', QUERY_STRING='-s')
    assert reply.body == b'none|' and b'http_response_code' not in reply.out


# ---- what is not run ----

@pytest.mark.parametrize('name, status', [
    ('missing.sh', 404), ('plain.txt', 403), ('folder', 403), ('', 403), ('folder/more', 404),
    ('../outside.sh', 403), ('folder/../echo.py', 403), ('./../outside.sh', 403), ('..', 403),
    ('link-out.sh', 403), ('link-dir/outside.sh', 403), ('link-nowhere', 404), ('link-loop', 404),
    ('fifo', 403), ('x' * 5000, 404), ('x' * 300, 404), ('../missing', 403),
], ids=lambda value: str(value)[:20] or 'nothing')
def test_what_is_no_program_below_the_root_is_refused(bridge, root, tmp_path, name, status):
    (root / 'folder').mkdir()
    root.write('plain.txt', 'secret', 0o644)
    outside = tmp_path / 'elsewhere'
    outside.mkdir()
    for path in (outside / 'outside.sh', tmp_path / 'outside.sh'):
        path.write_text(SH + HEAD + 'echo ran')
        path.chmod(0o755)
    (root / 'link-out.sh').symlink_to(outside / 'outside.sh')
    (root / 'link-dir').symlink_to(outside)
    (root / 'link-nowhere').symlink_to(root / 'nowhere')
    (root / 'link-loop').symlink_to(root / 'link-loop')
    os.mkfifo(root / 'fifo')
    reply = bridge.ask(name)
    assert (reply.status, reply.ended) == (status, True), reply.out
    assert b'ran' not in reply.out and b'secret' not in reply.out and reply.err
    assert str(tmp_path) not in reply.body.decode()


@pytest.mark.parametrize('path', ['/bin/true', '/etc/passwd', '{root}x/echo.py', 'echo.py', '/',
                                  '{root}', '/proc/self/exe'])
def test_a_path_outside_the_root_is_refused(bridge, root, path):
    shutil.copytree(root, f'{root}x')
    reply = bridge.ask('echo.py', SCRIPT_FILENAME=path.format(root=root))
    assert (reply.status, reply.ended) == (403, True)


def test_a_link_within_the_root_runs_under_its_own_name_and_in_its_own_folder(bridge, root):
    (root / 'sub').mkdir()
    (root / 'sub/alias.py').symlink_to('../environment.py')
    seen = bridge.ask('sub/alias.py').json
    assert seen['environment']['SCRIPT_FILENAME'] == str(root / 'sub/alias.py')
    assert seen['arguments'] == [str(root / 'sub/alias.py')]
    assert seen['directory'] == str(root / 'sub')


def test_a_path_with_a_nul_or_a_newline_runs_nothing_and_writes_no_line_of_its_own(bridge):
    reply = bridge.ask('missing', SCRIPT_NAME='/a\nfcgi-bridge: fake')
    assert reply.status == 404 and reply.err.count(b'\n') == 1
    assert bridge.ask('echo.py\0plain').status == 400


def test_a_request_too_large_for_an_environment_is_an_error_of_its_own(bridge):
    reply = bridge.ask('environment.py', HTTP_X_LONG='x' * 300000)
    assert (reply.status, reply.ended) == (500, True)
    assert b'environment.py: the request is too large for an environment' in reply.err
    assert bridge.ask('environment.py', HTTP_X_LONG='x' * 100000).status == 200


@pytest.mark.parametrize('text', ['#!/no/such/interpreter\n', '#!/etc/passwd\n', 'no format\n', ''])
def test_what_cannot_be_executed_is_an_error_with_a_reason(bridge, root, text):
    root.write('broken', text)
    reply = bridge.ask('broken')
    assert (reply.status, reply.ended) == (500, True)
    assert b'broken: cannot be executed: ' in reply.err


# ---- how a program ends ----

def test_an_exit_status_is_told(bridge, root):
    root.write('three.sh', SH + HEAD + 'echo body; exit 3')
    reply = bridge.ask('three.sh')
    assert (reply.status, reply.body, reply.exit_status) == (200, b'body\n', 3) and reply.ended
    assert reply.err.endswith(b'three.sh: exit status 3\n')


@pytest.mark.parametrize('text, why', [('exit 0', b'wrote nothing'), ('exit 9', b'exit status 9'),
                                       ('kill -SEGV $$', b'killed by signal 11 (Seg'),
                                       ('exec >&-; exit 1', b'exit status 1')])
def test_a_program_without_output_is_a_502(bridge, root, text, why):
    root.write('silent.sh', SH + text)
    reply = bridge.ask('silent.sh')
    assert (reply.status, reply.ended) == (502, True) and why in reply.err


def test_a_program_that_is_killed_in_the_middle_does_not_look_complete(bridge, root):
    root.write('half.sh', SH + HEAD + 'echo half; kill -KILL $$')
    reply = bridge.ask('half.sh')
    assert reply.body == b'half\n' and not reply.ended
    assert reply.err.endswith(b'half.sh: killed by signal 9 (Killed)\n')


def test_a_program_that_reads_nothing_of_a_large_body_answers(bridge, root):
    root.write('deaf.sh', SH + HEAD + 'echo ready')
    with Client(bridge.address) as client:
        client.begin(bridge.params('deaf.sh', CONTENT_LENGTH=str(5 << 20)))
        client.send(b'x' * (5 << 20))
        assert client.finish().body == b'ready\n' and client.reply.ended


@pytest.fixture
def family(tmp_path):
    """family(): the numbers of the processes of family.sh, once all three are there."""
    path = tmp_path / 'pids'

    def pids():
        found = path.read_text().split() if path.exists() else []
        return [int(pid) for pid in found] if len(found) == 3 else None

    pids.params = {'HTTP_X_PIDS': str(path)}
    yield pids
    for pid in pids() or []:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def gone(family):
    pids = until(family, 'the family has started')
    until(lambda: not any(map(is_alive, pids)), f'{pids} are gone', 5)
    return True


def test_a_program_over_its_time_is_killed_with_its_children(make, family):
    bridge = make('--timeout', '700ms')
    started = time.monotonic()
    reply = bridge.ask('family.sh', **family.params)
    assert 0.6 < time.monotonic() - started < 10
    assert (reply.status, reply.ended) == (504, True) and b'over its time' in reply.err
    assert gone(family)


def test_over_its_time_in_the_middle_does_not_look_complete(make, family):
    bridge = make('--timeout', '700ms')
    reply = bridge.ask('family.sh', HTTP_X_HEAD='1', **family.params)
    assert reply.body == b'first half\n' and not reply.ended and b'over its time' in reply.err
    assert gone(family)


def test_a_child_that_keeps_the_output_open_is_killed_at_the_time_limit(make, root):
    bridge = make('--timeout', '700ms', '--workers', '1')
    root.write('leave.sh', SH + HEAD + 'echo $$; sleep 300 & exit 0')
    reply = bridge.ask('leave.sh')
    assert not reply.ended
    assert bridge.ask('environment.py').ended


def test_what_a_program_leaves_behind_ends_with_it_where_that_is_asked_for(make, root, tmp_path):
    bridge = make('--jobs', 'end')
    root.write('leave.sh', SH + HEAD + f'sleep 300 >/dev/null 2>&1 & echo $! >{tmp_path}/left')
    assert bridge.ask('leave.sh').ended
    pid = int((tmp_path / 'left').read_text())
    until(lambda: not is_alive(pid), 'the left-over is gone', 5)


@pytest.mark.parametrize('listen', ['unix', '127.0.0.1:0'])
@pytest.mark.parametrize('body', ['whole', 'half', 'more than the program takes'])
def test_a_client_that_goes_away_ends_the_program(make, family, listen, body):
    bridge = make(listen=free_port(listen))
    with Client(bridge.address) as client:
        client.begin(bridge.params('family.sh', **family.params))
        client.send(b'x' * (100000 if body.startswith('more') else 10), end=body == 'whole')
        until(family, 'the family has started')
    assert gone(family)
    until(lambda: 'family.sh: killed: the client went away' in bridge.log, 'the log says it')


def test_an_abort_ends_the_program_and_is_answered(bridge, family):
    with Client(bridge.address) as client:
        client.begin(bridge.params('family.sh', HTTP_X_HEAD='1', **family.params), keep=True)
        client.send()
        until(family, 'the family has started')
        client.socket.sendall(record(ABORT, number=2))  # another's
        time.sleep(0.2)
        assert all(map(is_alive, family()))
    assert gone(family)


def test_an_abort_of_this_request_is_answered_with_its_end(bridge, family):
    with Client(bridge.address) as client:
        client.begin(bridge.params('family.sh', **family.params), keep=True)
        client.send()
        until(family, 'the family has started')
        client.socket.sendall(record(ABORT))
        reply = client.finish()
        assert reply.ended and reply.protocol_status == 0 and reply.out == b''
        assert gone(family)


def test_a_client_that_shuts_only_its_own_side_is_answered(bridge, root):
    root.write('slow.sh', SH + 'sleep 0.5\n' + HEAD + 'echo late')
    with Client(bridge.address) as client:
        client.begin(bridge.params('slow.sh'))
        client.send()
        client.socket.shutdown(socket.SHUT_WR)
        assert client.finish().body == b'late\n' and client.reply.ended


def test_output_has_a_limit(make, root):
    bridge = make('--output', '1M')
    root.write('endless.sh', SH + HEAD + 'exec yes')
    reply = bridge.ask('endless.sh')
    assert len(reply.out) == 1 << 20 and not reply.ended and b'over its output' in reply.err


def test_output_has_no_limit_unless_one_is_asked_for(make, root):
    size, zeros = 65 << 20, 0  # a clone of a large repository is more
    root.write('large.sh', f'{SH}{HEAD}exec head -c {size} /dev/zero')
    bridge = make()
    with Client(bridge.address) as client:
        client.begin(bridge.params('large.sh'))
        client.send()
        while client.take():  # what came is counted, not kept
            zeros += client.reply.out.count(0)
            client.reply.out = b''
        assert client.reply.ended and not client.reply.err and zeros == size


def test_memory_has_a_limit(make, root):
    bridge = make('--memory', '100M')
    root.write('eat.py', '#!/usr/bin/python3\nimport time\nx = bytearray(200 << 20)\n'
               'time.sleep(60)\n')
    reply = bridge.ask('eat.py')
    assert reply.status == 502 and b'over its memory (--memory)' in reply.err
    assert 'eat.py: killed: over its memory' in bridge.log


def test_a_client_that_does_not_read_holds_the_program_back_and_ends_at_the_time_limit(make, root):
    bridge = make('--timeout', '1500ms', '--workers', '1')
    root.write('endless.sh', SH + HEAD + 'exec yes')
    with Client(bridge.address) as client:
        client.begin(bridge.params('endless.sh'))
        client.send()
        started = time.monotonic()
        time.sleep(1)
        status = Path(f'/proc/{bridge.workers[0]}/status').read_text()
        if not SANITIZED:
            assert int(re.search(r'VmRSS:\s+(\d+)', status)[1]) < 16384
        assert bridge.ask('environment.py').ended  # once the worker is free again
        assert time.monotonic() - started < 8
        assert not client.finish().ended and 1000 < len(client.reply.out) < 4 << 20


# ---- connections and workers ----

def test_a_kept_connection_is_served_again_also_after_an_error(make, root):
    bridge = make('--workers', '3')
    root.write('deaf.sh', SH + HEAD + 'echo ready')
    with Client(bridge.address) as client:
        for name, status in [('environment.py', 200), ('missing', 404), ('deaf.sh', 200),
                             ('echo.py', 200), ('environment.py', 200)]:
            client.begin(bridge.params(name), keep=True)
            client.send(b'body of it' * 5000)
            reply = client.finish()
            assert (name, reply.status, reply.ended) == (name, status, True)
            assert reply.out


@pytest.mark.parametrize('name', ['deaf.sh', 'missing'])
def test_a_body_that_comes_after_its_answer_is_no_part_of_the_next_request(make, root, name):
    bridge = make('--workers', '1')
    root.write('deaf.sh', SH + HEAD + 'echo ready')
    with Client(bridge.address) as client:
        client.begin(bridge.params(name), keep=True)
        client.send(b'first', end=False)
        assert client.finish().ended
        client.send(b'second' * 50000)
        client.begin(bridge.params('echo.py'), keep=True)
        client.send(b'own')
        assert client.finish().ended and client.reply.body == b'own'


def test_an_idle_kept_connection_does_not_hold_the_only_worker(make):
    bridge = make('--workers', '1')
    with Client(bridge.address) as kept, Client(bridge.address):
        for _ in range(2):
            kept.begin(bridge.params('environment.py'), keep=True)
            kept.send()
            assert kept.finish().ended
            started = time.monotonic()
            assert bridge.ask('environment.py').ended
            assert time.monotonic() - started < 3


def test_as_many_requests_run_at_once_as_there_are_workers(make, root, tmp_path):
    bridge = make('--workers', '3')
    (tmp_path / 'here').mkdir()
    # Each waits until three are here; a fourth comes only once one of them has gone.
    root.write('meet.sh', SH + f'cd {tmp_path}/here\n: >$$\n'
               'while [ $(ls | wc -l) -lt 3 ]; do sleep 0.02; done\n'
               f'ls | wc -l >{tmp_path}/count.$$; sleep 0.3\n' + HEAD + 'echo met')
    replies = [None] * 6
    def ask(at):
        replies[at] = bridge.ask('meet.sh')
    threads = [threading.Thread(target=ask, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: len(list(tmp_path.glob('count.*'))) >= 3, 'three run at once')
    assert len(list((tmp_path / 'here').iterdir())) == 3
    for thread in threads:
        thread.join(PATIENCE)
    assert all(reply and reply.body == b'met\n' for reply in replies)


def test_many_requests_of_different_sizes_stay_apart(make, root):
    bridge = make('--workers', '4')
    root.write('own.sh', SH + HEAD + 'i=0; while [ $i -lt $HTTP_X_TIMES ]; do echo $HTTP_X_WORD;'
               ' i=$((i + 1)); done')
    wrong = []
    def ask(at):
        for turn in range(8):
            word = f'{at}-{turn}'
            reply = bridge.ask('own.sh', HTTP_X_TIMES=str(1 + at * 199), HTTP_X_WORD=word)
            if reply.body != f'{word}\n'.encode() * (1 + at * 199):
                wrong.append(word)
    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_worker_that_crashes_is_replaced_and_its_program_is_killed(make, family):
    bridge = make('--workers', '2')
    before = until(lambda: len(bridge.workers) == 2 and bridge.workers, 'two workers')
    with Client(bridge.address) as client:
        client.begin(bridge.params('family.sh', **family.params))
        client.send()
        pids = set(until(family, 'the family has started'))
        worker = next(pid for pid in before if pids & set(children(pid)))
        os.kill(worker, signal.SIGKILL)
        assert gone(family)
        assert not client.finish().ended
    until(lambda: len(bridge.workers) == 2 and worker not in bridge.workers, 'a new worker')
    assert all(bridge.ask('environment.py').ended for _ in range(4))
    assert f'worker {worker} ended by signal 9' in bridge.log


def test_workers_that_die_young_are_replaced_ever_more_slowly(make):
    bridge = make('--workers', '1')
    for pause in (100, 200, 400):
        worker, = until(lambda: bridge.workers, 'a worker')
        os.kill(worker, signal.SIGKILL)
        until(lambda: f'starts in {pause} ms' in bridge.log, f'a pause of {pause} ms: {bridge.log}')
    assert bridge.ask('environment.py').ended


def test_a_client_that_never_ends_its_parameters_holds_no_worker(make):
    bridge = make('--workers', '1')
    with Client(bridge.address) as client:
        client.socket.sendall(record(BEGIN, struct.pack('>HB5x', 1, 0)))
        started = time.monotonic()
        assert bridge.ask('environment.py').ended
        assert time.monotonic() - started < 3
        assert not client.finish().ended  # closed after ten seconds


def test_nonsense_on_the_wire_closes_that_connection_only(make):
    bridge = make('--workers', '1')
    for wire in [b'GET / HTTP/1.1\r\n\r\n', record(STDIN, b'x'), record(BEGIN, b'short'),
                 record(BEGIN, struct.pack('>HB5x', 9, 0)),
                 record(BEGIN, struct.pack('>HB5x', 1, 0)) + record(PARAMS, b'\xff\xff\xff\xff') +
                 record(PARAMS),
                 record(BEGIN, struct.pack('>HB5x', 1, 0)) + record(PARAMS, b'\x05\x05abc') +
                 record(PARAMS)]:
        with Client(bridge.address) as client:
            client.socket.sendall(wire)
            client.socket.shutdown(socket.SHUT_WR)
            assert client.finish().out == b''
    assert bridge.ask('environment.py').ended


def test_a_parameter_of_two_gigabytes_costs_nothing(make):
    bridge = make('--workers', '1')
    with Client(bridge.address) as client:
        client.socket.sendall(record(BEGIN, struct.pack('>HB5x', 1, 0)) +
                              record(PARAMS, struct.pack('>BL', 5, 0xff000000) + b'HTTP_x') +
                              record(PARAMS))
        assert client.finish().out == b''
    assert bridge.ask('environment.py').ended
    assert 'ended by' not in bridge.log


def test_no_descriptor_is_lost(make):
    bridge = make('--workers', '1')
    def count():
        return len(os.listdir(f'/proc/{bridge.workers[0]}/fd'))
    bridge.ask('environment.py')
    until(lambda: count() == 4, 'standard input, output, error and the socket')
    for name in ['environment.py', 'missing', 'echo.py'] * 5:
        assert bridge.ask(name).ended
    until(lambda: count() == 4, 'the same again')


# ---- starting and stopping ----

def test_sigterm_lets_the_running_request_end(make, root, tmp_path):
    bridge = make()
    gate = tmp_path / 'gate'
    with Client(bridge.address) as client:
        client.begin(bridge.params('interim.sh', HTTP_X_GATE=str(gate)))
        client.send()
        client.take_until(lambda reply: reply.out, 'it runs')
        bridge.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert bridge.process.poll() is None
        gate.touch()
        assert client.finish().ended and client.reply.out.endswith(b'</title>\n')
    assert bridge.process.wait(PATIENCE) == 0
    assert not os.path.exists(bridge.address[5:])


def test_sigterm_does_not_cut_what_a_client_is_slow_to_read(make, root):
    bridge = make()
    root.write('large.sh', SH + HEAD + 'exec head -c 4000000 /dev/zero')
    with Client(bridge.address) as client:
        client.begin(bridge.params('large.sh'))
        client.send()
        until(lambda: any(map(children, bridge.workers)), 'it runs')
        time.sleep(0.4)  # by now the socket is full
        bridge.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert len(client.finish().body) == 4000000 and client.reply.ended
    assert bridge.process.wait(PATIENCE) == 0


@pytest.mark.parametrize('signals', [[signal.SIGQUIT], [signal.SIGTERM, signal.SIGTERM]])
def test_sigquit_or_a_second_sigterm_kills_what_runs(make, family, signals):
    bridge = make()
    with Client(bridge.address) as client:
        client.begin(bridge.params('family.sh', **family.params))
        client.send()
        until(family, 'the family has started')
        for number in signals:
            bridge.process.send_signal(number)
            time.sleep(0.2)
        reply = client.finish()
        assert (reply.status, reply.ended) == (503, True)
    assert bridge.process.wait(PATIENCE) == 0 and gone(family)


def test_workers_end_with_their_supervisor(make):
    bridge = make('--workers', '3')
    workers = until(lambda: len(bridge.workers) == 3 and bridge.workers, 'three workers')
    bridge.process.kill()
    bridge.process.wait(PATIENCE)
    until(lambda: not any(map(is_alive, workers)), 'the workers are gone')


def test_a_program_ends_with_its_worker_even_when_nobody_is_left_to_kill_it(make, root, tmp_path):
    bridge = make('--workers', '1')
    root.write('wait.sh', SH + f'echo $$ >{tmp_path}/pid; exec sleep 300')
    with Client(bridge.address) as client:
        client.begin(bridge.params('wait.sh'))
        client.send()
        pid = int(until(lambda: (tmp_path / 'pid').exists() and (tmp_path / 'pid').read_text(), 'pid'))
        worker, = bridge.workers
        bridge.process.kill()
        os.kill(worker, signal.SIGKILL)
        bridge.process.wait(PATIENCE)
        until(lambda: not is_alive(pid), 'the program is gone', 5)


def test_a_unix_socket_has_mode_0660_and_replaces_a_dead_one(make, tmp_path):
    path = tmp_path / 'socket'
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    old = path.stat().st_ino
    bridge = make()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660 and stat.S_ISSOCK(path.stat().st_mode)
    assert path.stat().st_ino != old or bridge.ask('environment.py').ended
    assert bridge.ask('environment.py').ended


def run(*arguments, **options):
    return subprocess.run([BRIDGE, *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE, **options)


def test_a_living_socket_or_another_file_is_not_replaced(bridge, root, tmp_path):
    done = run('--root', root, '--listen', bridge.address)
    assert done.returncode == 1 and 'another program listens at' in done.stderr
    assert bridge.ask('environment.py').ended
    (tmp_path / 'file').write_text('kept')
    done = run('--root', root, '--listen', f'unix:{tmp_path}/file')
    assert done.returncode == 1 and 'is not a socket' in done.stderr
    assert (tmp_path / 'file').read_text() == 'kept'


def test_a_socket_may_be_passed_by_systemd(root, tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / 'passed'))
        sock.listen()
        # What systemd does: the socket as descriptor 3, and in LISTEN_PID who it is for.
        command = (f'import os; os.dup2({sock.fileno()}, 3); os.environ.update('
                   'LISTEN_PID=str(os.getpid()), LISTEN_FDS="1");'
                   f'os.execv({BRIDGE!r}, ["fcgi-bridge", "--root", {str(root)!r}])')
        process = subprocess.Popen(['/usr/bin/python3', '-c', command], pass_fds=[sock.fileno()])
    try:
        with Client(f'unix:{tmp_path}/passed') as client:
            client.begin({'SCRIPT_FILENAME': f'{root}/environment.py'})
            client.send()
            assert client.finish().json['descriptors'] == [0, 1, 2]
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert (tmp_path / 'passed').exists()  # not ours to remove


def test_a_socket_may_be_passed_as_standard_input(root, tmp_path):
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        sock.listen()
        address = f'127.0.0.1:{sock.getsockname()[1]}'
        process = subprocess.Popen([BRIDGE, '--root', str(root)], stdin=sock)
    try:
        with Client(address) as client:
            client.begin({'SCRIPT_FILENAME': f'{root}/environment.py'})
            client.send()
            assert client.finish().json['descriptors'] == [0, 1, 2]
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_it_becomes_the_user_it_is_told_to(tmp_path):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(HERE / 'cgi', folder / 'root')
        bridge = Bridge(folder, '--user', 'nobody')
        try:
            seen = bridge.ask('environment.py').json
            status = os.stat(folder / 'socket')
        finally:
            assert bridge.stop() == 0
        assert seen['uid'] == status.st_uid != 0 and 0 not in seen['groups']
        assert 'as root' not in bridge.log


@pytest.mark.parametrize('arguments, words', [
    ([], '--root DIR is required'),
    (['--root', '/no/such'], '--root /no/such: not a directory'),
    (['--root', '/bin/sh'], '--root /bin/sh: not a directory'),
    (['--root'], '--root: needs DIR'),
    (['--root='], '--root: needs DIR'),
    (['--root', '/', '--workers', '1', '--workers', '1'], '--workers: given twice'),
    (['--root', '/', '--wrokers', '3'], '--wrokers: no such option'),
    (['--root', '/', 'extra'], 'extra: not an option'),
    (['--root', '/', '--workers', '0'], '--workers 0: expected 1 to 1024'),
    (['--root', '/', '--workers', '2x'], '--workers 2x: expected 1 to 1024'),
    (['--root', '/', '--workers', '-1'], '--workers -1: expected 1 to 1024'),
    (['--root', '/', '--timeout', '60'], '--timeout 60: expected 100ms to 24h, like 1h'),
    (['--root', '/', '--timeout', '25h'], '--timeout 25h: expected'),
    (['--root', '/', '--cgroup', 'relative'], '--cgroup relative: expected auto, none or an absolute path'),
    (['--root', '/', '--memory', '99999999999999999999'], '--memory 99999999999999999999: expected'),
    (['--root', '/', '--memory', '17179869185G'], '--memory 17179869185G: expected 0 to 1024G'),
    (['--root', '/', '--output=5x'], '--output 5x: expected 0 to 1024G, like 0'),
    (['--root', '/', '--env', '1A=b'], '--env 1A=b: expected NAME=VALUE'),
    (['--root', '/', '--env', 'A'], '--env A: expected NAME=VALUE'),
    (['--root', '/', '--inherit', 'A=b'], '--inherit A=b: expected a name'),
    (['--root', '/', '--gone', 'x'], '--gone x: expected end or finish'),
    (['--root', '/', '--jobs', 'x'], '--jobs x: expected live or end'),
    (['--root', '/', '--socket-mode', '0680'], '--socket-mode 0680: expected an octal mode'),
    (['--root', '/', '--chdir', 'x'], '--chdir x: expected an absolute path'),
    (['--root', '/', '--chdir', '/no/such'], '--chdir /no/such: not a directory'),
    (['--root', '/', '--interpreter', 'py=/usr/bin/python3'], '--interpreter py=/usr/bin/python3'),
    (['--root', '/', '--interpreter', '.py=python3'], 'expected .SUFFIX=/absolute/path'),
    (['--root', '/', '--interpreter', '.py=/no/such'], '/no/such cannot be run'),
    (['--root', '/', '--pass', 'a-b'], '--pass a-b: expected a name'),
    (['--root', '/', '--pass', '*'], '--pass *: expected a name'),
])
def test_a_wrong_option_is_named_with_what_is_allowed(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count('\n') == 1


@pytest.mark.parametrize('listen, words', [
    (None, '--listen ADDRESS is required'), ('unix:relative', 'expected an absolute path'),
    ('unix:/' + 'x' * 200, 'expected an absolute path shorter than 108 bytes'),
    ('unix:/no/such/folder/socket', 'cannot listen'), ('9000', 'expected unix:/path'),
    (':9000', 'expected unix:/path'), ('::1:9000', 'expected unix:/path'),
    ('localhost:', 'expected unix:/path'), ('127.0.0.1:http', '--listen 127.0.0.1:http: '),
    ('192.0.2.1:9000', 'cannot listen at 192.0.2.1:9000'),
])
def test_a_wrong_address_is_named_with_what_is_allowed(listen, words):
    done = run('--root', '/', *(['--listen', listen] if listen else []))
    assert done.returncode == 1 and words in done.stderr and done.stderr.count('\n') == 1


def test_help_and_version_say_what_there_is():
    done = run('--help')
    assert done.returncode == 0 and not done.stderr
    for option in ('listen', 'root', 'workers', 'timeout', 'memory', 'output', 'interpreter', 'user'):
        assert f'\n  --{option} ' in done.stdout
    assert '(default 1h; 100ms to 24h)' in done.stdout
    assert max(map(len, done.stdout.split('\n'))) <= 80
    assert re.fullmatch(r'fcgi-bridge \d+\.\d+\.\d+\n', run('--version').stdout)
