# SPDX-License-Identifier: MIT
"""Every fault a FastCGI backend can have, from a raw server that misbehaves on request and from real
ones that are killed: what the client sees, what is logged and what is counted. An answer that is not
whole never looks whole."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from h2client import Client
from misbehave import PIECE, Misbehaving
from servers import BINARY, ROOT, SANITIZED, Outrider, Process, until

BRIDGE = os.environ.get('FCGI_BRIDGE', str(Path(BINARY).parent / 'fcgi-bridge'))
PHP_CGI = shutil.which('php-cgi8.2') or '/usr/bin/php-cgi8.2'

CONFIG = '''
workers = {workers}
listen "https://localhost:0" {{}}
listen "http://127.0.0.1:0" {{}}
pool "raw" {{
    servers = {{ {servers} }}
    {pool}
}}
site "localhost" {{
    root = "{root}"
    pool = "raw"
    check-script = {check}
    scripts = {{ {scripts} }}
    {site}
    hints {{ clients = all }}
}}
admin {{ listen = "unix:{admin}" }}
{top}
'''


def started(folder, *servers, pool='', site='', root=None, workers=1, scripts=('.php',), top=''):
    """An Outrider before these servers. Without a root of its own it asks for any script."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    admin = folder / 'a.sock'

    def quoted(words):
        return ', '.join(f'"{word}"' for word in words)

    outrider = Outrider(folder, config=CONFIG.format(
        servers=quoted(servers), pool=pool, site=site, root=root or folder, workers=workers, admin=admin,
        check='true' if root else 'false', scripts=quoted(scripts), top=top))
    outrider.admin = str(admin)
    return outrider


def ended(outrider):
    crashed = not outrider.is_running()
    outrider.stop()
    assert not crashed and 'Sanitizer' not in outrider.log, outrider.log[-4000:]


@pytest.fixture
def start(tmp_path):
    made = []

    def make(*servers, **options):
        made.append(started(tmp_path / f'o{len(made)}', *servers, **options))
        return made[-1]

    yield make
    for outrider in made:
        ended(outrider)


@pytest.fixture
def misbehaving(tmp_path):
    made = []

    def make(tcp=False, **options):
        made.append(Misbehaving(None if tcp else tmp_path / f'raw{len(made)}', **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def metrics(outrider):
    """Of /metrics: what is counted, by its name and labels. Errors that did not happen are 0."""
    status, text = outrider.ask_admin('/metrics')
    assert status == 200
    found = re.findall(r'^outrider_(\S+) (\d+)$', text.decode(), re.MULTILINE)
    return {name: int(value) for name, value in found}


def errors(outrider):
    return {name[len('errors_total{error="'):-2]: value for name, value in metrics(outrider).items()
            if name.startswith('errors_total') and value}


def counted(outrider, before):
    """What errors have been counted since."""
    return {label: value - before.get(label, 0) for label, value in errors(outrider).items()
            if value != before.get(label, 0)}


class Answer:
    """Of HTTP/1.1, read until the connection is closed. `whole` is what the framing says."""

    def __init__(self, data):
        head, _, rest = data.partition(b'\r\n\r\n')
        self.data, self.body, self.whole = data, b'', False
        self.status = int(head[9:12]) if head.startswith(b'HTTP/1.1 ') else None
        self.fields = dict(line.lower().split(b': ', 1) for line in head.split(b'\r\n')[1:])
        if b'content-length' in self.fields:
            self.body = rest
            self.whole = len(rest) == int(self.fields[b'content-length'])
        elif self.fields.get(b'transfer-encoding') == b'chunked':
            self._unchunk(rest)

    def _unchunk(self, rest):
        while True:
            size, found, rest = rest.partition(b'\r\n')
            if not found:
                return
            size = int(size, 16)
            self.body += rest[:size]
            if size == 0 or len(rest) < size + 2:
                self.whole = size == 0 and rest == b'\r\n'
                return
            rest = rest[size + 2:]


def ask(port, target, method='GET', body=None, timeout=20):
    """One request over HTTP/1.1 on a connection of its own."""
    with socket.create_connection(('127.0.0.1', port), timeout) as sock:
        length = f'Content-Length: {len(body)}\r\n' if body is not None else ''
        sock.sendall(f'{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}\r\n'
                     .encode() + (body or b''))
        data = b''
        with contextlib.suppress(ConnectionResetError):
            while part := sock.recv(1 << 16):
                data += part
    return Answer(data)


# ---- one answer each ----------------------------------------------------------------------------

POOL = 'think-timeout = 700ms idle-timeout = 500ms connections = 8 queue-timeout = 2s'


@pytest.fixture(scope='module', params=['unix', 'tcp'])
def stage(request, tmp_path_factory):
    """A misbehaving server and an Outrider before it, for all of the tests that only ask."""
    folder = tmp_path_factory.mktemp('stage')
    server = Misbehaving(folder / 'raw' if request.param == 'unix' else None)
    outrider = started(folder / 'o', server.address, pool=POOL)
    outrider.server = server
    yield outrider
    server.stop()
    ended(outrider)


GOOD = {    # behaviour: (status, body)
    'plain': (200, b'plain'), 'padded': (200, b'padded'), 'managed': (200, b'managed'),
    'empty_records': (200, b'empty'), 'exit_status': (200, b'failed'), 'no_body': (200, b''),
    'own_503': (503, b'mine'), 'long': (200, b'123'), 'after_end': (200, b'mine'),
    'drip': (200, b'drip'), 'steady': (200, b'0123456789'), 'slow_end': (200, b'slow end'),
    'deaf': (200, b'deaf'),
}


@pytest.fixture
def skip_slow(stage, name):
    """What takes time does not depend on the kind of socket."""
    if name in SLOW and not stage.server.address.startswith('unix:'):
        pytest.skip('asked over the unix socket')


SLOW = {'steady', 'drip', 'drip_head', 'never', 'only_stderr_forever', 'stops', 'stops_in_record', 'never_ends'}


@pytest.mark.parametrize('name', GOOD)
@pytest.mark.usefixtures('skip_slow')
def test_what_is_right_if_unusual_is_answered(stage, name):
    status, body = GOOD[name]
    before = errors(stage)
    with Client(stage.tls_port) as client:
        h2 = client.request(f'/x.php?{name}')
        h1 = ask(stage.clear_port, f'/x.php?{name}')
        client.wait(h2)
        assert (h2.status, bytes(h2.body), h2.reset) == (status, body, None)
        assert not h2.header('x-foreign')
    assert (h1.status, h1.body, h1.whole) == (status, body, True)
    assert b'foreign' not in h1.data
    assert counted(stage, before) == {}


BEFORE_HEAD = {     # behaviour: (status, label, words of the log)
    'close': (502, 'backend_closed', 'closed before it answered'),
    'reset': (502, 'backend_closed', 'closed before it answered'),
    'half_closed': (502, 'backend_closed', 'closed before it answered'),
    'eof_in_header': (502, 'backend_closed', 'closed before it answered'),
    'eof_in_head': (502, 'backend_closed', 'closed before it answered'),
    'version': (502, 'backend_record', 'malformed FastCGI record'),
    'other_id': (502, 'backend_record', 'record of another request'),
    'stdout_of_id_0': (502, 'backend_record', 'malformed FastCGI record'),
    'type_of_a_server': (502, 'backend_record', 'type not for clients'),
    'unknown_type': (502, 'backend_record', 'type not for clients'),
    'short_end': (502, 'backend_record', 'END_REQUEST of a wrong length'),
    'long_end': (502, 'backend_record', 'END_REQUEST of a wrong length'),
    'cannot_multiplex': (502, 'backend_refused', 'second request'),
    'overloaded': (503, 'backend_overloaded', 'overloaded'),
    'unknown_role': (502, 'backend_refused', 'responders'),
    'unknown_protocol_status': (502, 'backend_refused', 'unknown protocol status'),
    'only_end': (502, 'backend_head', 'bad header block'),
    'only_stderr': (502, 'backend_head', 'bad header block'),
    'half_a_head': (502, 'backend_head', 'bad header block'),
    'endless_head': (502, 'backend_head', 'bad header block'),
    'noise': (502, 'backend_record', 'malformed FastCGI record'),
    'http': (502, 'backend_record', 'malformed FastCGI record'),
    'never': (504, 'backend_think_timeout', 'did not answer in time'),
    'only_stderr_forever': (504, 'backend_think_timeout', 'did not answer in time'),
    'drip_head': (504, 'backend_think_timeout', 'did not answer in time'),
}


@pytest.mark.parametrize('name', BEFORE_HEAD)
@pytest.mark.usefixtures('skip_slow')
def test_a_fault_before_the_head_is_a_clean_error(stage, name):
    status, label, words = BEFORE_HEAD[name]
    before, asked = errors(stage), stage.server.count(name)
    began = time.monotonic()
    h1 = ask(stage.clear_port, f'/h1.php?{name}')
    took = time.monotonic() - began
    assert (h1.status, h1.whole) == (status, True)
    assert took < 0.5 or status == 504 and 0.6 < took < 1.7
    assert counted(stage, before) == {label: 1}
    line = stage.wait_log(rf'^.*error GET \S*/h1\.php\?{name}: .*$')[0]
    assert stage.server.address in line and words in line
    # An error that says nothing of the next request: the connection of the client goes on.
    with Client(stage.tls_port) as client:
        post = client.get(f'/h2.php?{name}', method='POST', body=b'once')
        assert (post.status, post.reset) == (status, None)
        assert client.get('/x.php?plain').body == b'plain'
    # A POST ran once, whatever became of it.
    posts = [asked for asked in stage.server.asked if asked[:2] == (name, 'POST')]
    assert posts == [(name, 'POST', 4)]
    assert stage.server.count(name) - asked <= 3


IN_BODY = {     # behaviour: (label, words of the log)
    'cut': ('backend_short', 'closed in the middle'),
    'cut_reset': ('backend_short', 'closed in the middle'),
    'cut_in_record': ('backend_short', 'closed in the middle'),
    'cut_in_header': ('backend_short', 'closed in the middle'),
    'cut_in_end': ('backend_short', 'closed in the middle'),
    'half_closed_later': ('backend_short', 'closed in the middle'),
    'version_later': ('backend_record', 'another version'),
    'other_id_later': ('backend_record', 'record of another request'),
    'refused_later': ('backend_overloaded', 'overloaded'),
    'stops': ('backend_idle_timeout', 'stopped in the middle'),
    'stops_in_record': ('backend_idle_timeout', 'stopped in the middle'),
    'never_ends': ('backend_idle_timeout', 'stopped in the middle'),
}


@pytest.mark.parametrize('name', IN_BODY)
@pytest.mark.usefixtures('skip_slow')
def test_a_fault_in_the_body_is_seen_by_the_client(stage, name):
    label, words = IN_BODY[name]
    before = errors(stage)
    h1 = ask(stage.clear_port, f'/h1.php?{name}')
    assert h1.status == 200
    if name == 'never_ends':
        assert h1.body == b'123'
    else:
        assert not h1.whole and h1.body.startswith(PIECE) and b'foreign' not in h1.body
    assert counted(stage, before) == {label: 1}
    line = stage.wait_log(rf'^.*error GET \S*/h1\.php\?{name}: .*$')[0]
    assert stage.server.address in line and words in line
    with Client(stage.tls_port) as client:
        h2 = client.get(f'/h2.php?{name}')
        assert h2.status == 200 and h2.reset is not None and h2.ended_at is None
        assert b'foreign' not in h2.body
        assert client.get('/x.php?plain').body == b'plain'


@pytest.mark.parametrize('name', ['cut', 'cut_reset', 'version_later', 'refused_later'])
def test_a_client_of_http_1_0_sees_a_fault_in_the_body_as_a_reset(stage, name):
    """To it the end of the connection is the end of the body."""
    with socket.create_connection(('127.0.0.1', stage.clear_port), 10) as sock:
        sock.sendall(f'GET /x.php?{name} HTTP/1.0\r\nHost: localhost\r\n\r\n'.encode())
        with pytest.raises(ConnectionResetError):
            while sock.recv(1 << 16):
                pass


def test_an_answer_shorter_than_it_says_is_seen_by_the_client(stage):
    before = errors(stage)
    h1 = ask(stage.clear_port, '/h1.php?shorter_than_said')
    assert (h1.status, h1.body, h1.whole) == (200, PIECE, False)
    assert sum(counted(stage, before).values()) == 1
    stage.wait_log(r'GET \S*/h1\.php\?shorter_than_said: ')
    with Client(stage.tls_port) as client:
        h2 = client.get('/x.php?shorter_than_said')     # its head may be held back by then
        assert h2.status in (200, None) and h2.reset is not None and h2.ended_at is None
        assert client.get('/x.php?shorter_than_said', method='HEAD').reset is None


def test_an_answer_without_asking_for_the_body_reaches_the_client(stage):
    for _ in range(3):
        with Client(stage.tls_port) as client:
            exchange = client.request('/x.php?early', 'POST', body=bytes(3 << 20))
            assert client.wait(exchange).body == b'early'


def test_a_flood_of_binary_errors_is_bounded_and_escaped_and_the_answer_arrives(stage):
    at = len(stage.log)
    with Client(stage.tls_port) as client:
        answer = client.get('/flood.php?flood')
        assert (answer.status, answer.body, answer.reset) == (200, b'answer', None)
    stage.wait_log(r'flood\.php.*no more is logged')
    logged = stage.log_path.read_bytes()[at:]
    assert 4000 < len(logged) < 64000
    assert all(32 <= byte < 127 or byte == 10 for byte in logged)
    assert all(re.match(rb'\d{4}-\d\d-\d\dT', line) for line in logged.splitlines())


def test_nothing_is_left_of_all_that(stage):
    """No execution counts as under way, no connection to the server is open."""
    def left():
        now = metrics(stage)
        return now['orphans'], now['connections'], len(stage.server.peers)
    with contextlib.suppress(TimeoutError):
        until(lambda: left() == (0, 0, 0), 5, '')
    assert left() == (0, 0, 0)
    with Client(stage.tls_port) as client:
        answers = [client.request('/x.php?plain') for _ in range(30)]
        client.wait(*answers)
        assert {answer.status for answer in answers} == {200}


# ---- kept connections ---------------------------------------------------------------------------

@pytest.mark.parametrize('tcp', [False, True])
@pytest.mark.parametrize('name', ['keep', 'keep_two', 'keep_briefly', 'keep_with_more', 'keep_and_add'])
def test_a_kept_connection_that_is_closed_is_no_error_of_a_client(start, misbehaving, tcp, name):
    server = misbehaving(tcp=tcp)
    outrider = start(server.address, pool='keepalive = 4')
    with Client(outrider.tls_port) as client:
        for n in range(60):
            answers = [client.request(f'/x.php?{name}') for _ in range(3)]
            client.wait(*answers)
            assert [answer.status for answer in answers] == [200, 200, 200], (n, outrider.log)
            assert not any(answer.header('x-foreign') for answer in answers)
            time.sleep(n % 5 / 1000)
    assert errors(outrider) == {}
    if name == 'keep':
        assert server.connections < 10
    if name == 'keep_two':
        assert 90 <= server.connections < 180


@pytest.mark.parametrize('name', ['keep_two', 'keep_briefly'])
def test_a_post_is_run_once_and_answered_where_kept_connections_are_closed(start, misbehaving, name):
    server = misbehaving()
    outrider = start(server.address, pool='keepalive = 4')
    with Client(outrider.tls_port) as client:
        for n in range(60):
            answers = [client.request(f'/x.php?{name}', 'POST', body=b'%d' % n) for _ in range(3)]
            client.wait(*answers)
            assert [answer.status for answer in answers] == [200, 200, 200], (n, outrider.log)
    assert errors(outrider) == {}
    assert server.count(name) == 180


def test_a_kept_connection_closed_instead_of_an_answer_is_asked_again_only_if_safe(start, misbehaving):
    server = misbehaving()
    outrider = start(server.address, pool='keepalive = 4')
    for method, statuses, times in (('GET', {200}, 19), ('POST', {200, 502}, 10)):
        before = server.count('keep_once')
        with Client(outrider.tls_port) as client:
            answers = [client.get('/x.php?keep_once', method=method) for _ in range(10)]
        assert {answer.status for answer in answers} <= statuses
        assert server.count('keep_once') - before <= times


# ---- several servers ----------------------------------------------------------------------------

def test_requests_go_to_the_server_that_lives_until_the_other_comes_back(start, misbehaving, tmp_path):
    one, two = misbehaving(), misbehaving()
    outrider = start(one.address, two.address)
    with Client(outrider.tls_port) as client:
        assert {client.get('/x.php?plain').status for _ in range(20)} == {200}
        assert one.count('plain') == two.count('plain') == 10
        one.stop()
        died = time.monotonic()
        assert {client.get('/x.php?plain').status for _ in range(40)} == {200}
        assert two.count('plain') == 50
        # After three refusals it is not even asked.
        assert outrider.log.count('cannot connect') == outrider.log.count('; asked again') == 3
        again = misbehaving()
        os.rename(again.address[5:], one.address[5:])
        client.get('/x.php?plain')
        assert again.count('plain') == 0 or time.monotonic() - died > 9

        def is_back():
            return client.get('/x.php?plain').status == 200 and again.count('plain') > 2
        until(is_back, 15, 'the server is not asked again')
    assert errors(outrider) == {}


def test_a_server_whose_every_page_breaks_has_three_chances(start, misbehaving):
    bad, good = misbehaving(always='half_a_head'), misbehaving()
    outrider = start(bad.address, good.address)
    with Client(outrider.tls_port) as client:
        statuses = [client.get(f'/{n}.php?plain').status for n in range(20)]
    assert statuses.count(502) == bad.connections == 3
    assert statuses[-10:] == [200] * 10 and good.count('plain') == 17


def test_a_single_page_that_breaks_does_not_take_its_server_out(start, misbehaving):
    one, two = misbehaving(), misbehaving()
    outrider = start(one.address, two.address)
    with Client(outrider.tls_port) as client:
        broken = [client.get(f'/broken.php?half_a_head&{n}').status for n in range(20)]
        assert broken == [502] * 20
        assert {client.get('/x.php?plain').status for _ in range(20)} == {200}
    assert one.count('half_a_head') == two.count('half_a_head') == 10
    assert one.count('plain') == two.count('plain') == 10


def test_a_request_is_tried_at_every_server_until_something_of_it_was_sent(start, misbehaving):
    dead, deader, alive = misbehaving(tcp=True), misbehaving(tcp=True), misbehaving(tcp=True)
    outrider = start(dead.address, deader.address, alive.address, pool='max-fails = 1000',
                     site='route "/stream*" { buffer-request = false }')
    dead.stop()
    deader.stop()
    with Client(outrider.tls_port) as client:
        answers = [client.get('/x.php?plain') for _ in range(6)]
        answers += [client.get(f'/{path}.php?plain', method='POST', body=b'x' * 100000)
                    for path in ('x', 'stream') for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 18
    assert [asked[2] for asked in alive.asked] == [0] * 6 + [100000] * 12


def test_a_listen_queue_that_is_full_is_asked_again(start, misbehaving):
    server = misbehaving(backlog=0, accept=False)
    server.pause = 0.005
    outrider = start(server.address, pool='connections = 0')
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(outrider.tls_port)) for _ in range(5)]
        answers = [[client.request('/x.php?plain') for _ in range(10)] for client in clients]
        time.sleep(0.3)
        server.start()
        for client, own in zip(clients, answers):
            client.wait(*own)
        assert {answer.status for own in answers for answer in own} == {200}
    assert server.count('plain') == 50 and errors(outrider) == {}


# ---- PHP-FPM that is killed ---------------------------------------------------------------------

def children(pid):
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class PhpCgi(Process):
    """php-cgi -b with children of its own, which it replaces."""

    def __init__(self, folder, children=4, requests=500):
        self.path = f'{folder}/cgi.sock'
        super().__init__([PHP_CGI, '-n', '-b', self.path], folder / 'cgi.log',
                         env={'PATH': '/usr/bin:/bin', 'PHP_FCGI_CHILDREN': str(children),
                              'PHP_FCGI_MAX_REQUESTS': str(requests)})
        until(lambda: os.path.exists(self.path), 10, 'php-cgi does not listen')

    def stop(self, timeout=10):
        orphans = children(self.pid) if self.is_running() else []
        super().stop(timeout)
        kill_all(orphans)


@pytest.fixture
def make_cgi(tmp_path):
    made = []

    def make(**options):
        made.append(PhpCgi(tmp_path, **options))
        return made[-1]

    yield make
    for process in made:
        process.stop()


@pytest.fixture(params=['php-fpm', 'php-cgi'])
def php(request):
    """Four children of a real PHP."""
    return request.getfixturevalue('make_fpm' if request.param == 'php-fpm' else 'make_cgi')(children=4)


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_children_killed_before_they_answer_are_a_502_or_asked_again(start, php, site, method):
    outrider = start(f'unix:{php.path}', root=site)
    os.chmod(site, 0o777)
    body = b'x' if method == 'POST' else None

    def runs():
        files = [site / f'count.{n}' for n in range(4)]
        return [len(file.read_text()) if file.exists() else 0 for file in files]
    with Client(outrider.tls_port) as client:
        answers = [client.request(f'/count.php?ms=300&n={n}', method, body=body) for n in range(4)]
        until(lambda: runs() == [1] * 4, 5, 'all four are running')
        kill_all(children(php.pid))
        client.wait(*answers)
        if method == 'POST':
            assert [(answer.status, answer.reset) for answer in answers] == [(502, None)] * 4
            assert runs() == [1] * 4
        else:
            # Nothing of them had been answered, and to run them twice does no harm.
            assert [(answer.status, answer.reset) for answer in answers] == [(200, None)] * 4
            assert runs() == [2] * 4
        assert client.get('/sleep.php?ms=1').status == 200
    assert errors(outrider) == ({'backend_closed': 4} if method == 'POST' else {})
    assert outrider.log.count('closed before it answered') == 4
    assert outrider.log.count('; asked again') == (0 if method == 'POST' else 4)


def test_children_killed_in_the_middle_of_an_answer_are_seen_by_the_client(start, php, site):
    outrider = start(f'unix:{php.path}', root=site)
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Client(outrider.tls_port))
        answers = [client.request('/halves.php?ms=9000') for _ in range(2)]
        raw = [stack.enter_context(socket.create_connection(('127.0.0.1', outrider.clear_port), 10))
               for _ in range(2)]
        data = [b'', b'']
        for sock in raw:
            sock.sendall(b'GET /halves.php?ms=9000 HTTP/1.1\r\nHost: localhost\r\n\r\n')
        for n, sock in enumerate(raw):
            while len(data[n]) < 90000:
                data[n] += sock.recv(1 << 16)
        until(lambda: client.turn(0.05) is not None and all(len(a.body) > 90000 for a in answers), 10,
              'the first halves')
        kill_all(children(php.pid))
        killed = time.monotonic()
        client.wait(*answers)
        for n, sock in enumerate(raw):
            with contextlib.suppress(ConnectionResetError):
                while part := sock.recv(1 << 16):
                    data[n] += part
        assert time.monotonic() - killed < 2
        for answer in answers:
            assert answer.status == 200 and answer.reset is not None and answer.ended_at is None
        for got in map(Answer, data):
            assert got.status == 200 and not got.whole and b'second half' not in got.body
        assert client.get('/sleep.php?ms=1').status == 200
    assert errors(outrider) == {'backend_short': 4}
    assert outrider.log.count('closed in the middle') == 4


def test_a_single_child_serves_fifty_clients(start, make_fpm, site):
    fpm = make_fpm(children=1)
    outrider = start(f'unix:{fpm.path}', root=site, workers=2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(outrider.tls_port)) for _ in range(50)]
        answers = [client.request(f'/sleep.php?ms=20&n={n}') for n, client in enumerate(clients)]
        for client, answer in zip(clients, answers):
            client.wait(answer)
        assert [bytes(answer.body) for answer in answers] == [b'slept 20 as %d' % n for n in range(50)]


def test_fifty_clients_of_a_single_slow_child_get_an_answer_or_a_clean_503(start, make_fpm, site):
    fpm = make_fpm(children=1)
    outrider = start(f'unix:{fpm.path}', root=site, pool='connections = 1 queue = 20 queue-timeout = 700ms')
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(outrider.tls_port)) for _ in range(50)]
        answers = [client.request('/sleep.php?ms=100') for client in clients]
        for client, answer in zip(clients, answers):
            client.wait(answer)
    assert time.monotonic() - began < 5
    served = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(served) + len(refused) == 50 and 4 <= len(served) <= 12
    for answer in refused:
        assert answer.header('retry-after').isdigit() and answer.reset is None
    told = errors(outrider)
    assert told == {'queue_full': 29, 'queue_timeout': 50 - 29 - len(served)}
    assert outrider.log.count('too many requests wait') == 29
    assert outrider.log.count('no backend became free in time') == told['queue_timeout']


# ---- CGI programs -------------------------------------------------------------------------------

@pytest.fixture
def bridge(tmp_path):
    """fcgi-bridge on the programs of tests/e2e/cgi, and such as are added to its `root`."""
    root = tmp_path / 'cgi'
    shutil.copytree(ROOT / 'tests/e2e/cgi', root)
    path = tmp_path / 'bridge.sock'
    process = Process([BRIDGE, '--listen', f'unix:{path}', '--root', str(root), '--workers', '4'],
                      tmp_path / 'bridge.log')
    until(path.exists, 10, 'fcgi-bridge does not listen')
    process.root, process.address = root, f'unix:{path}'
    yield process
    process.stop()
    assert 'Sanitizer' not in process.log, process.log


CGI = {'scripts': ('.sh', '.py')}


def program(bridge, name, text):
    path = bridge.root / name
    path.write_text('#!/bin/sh\n' + text)
    path.chmod(0o755)


def test_an_interim_block_of_a_program_is_ahead_of_its_final_one(bridge, start, tmp_path):
    gate = tmp_path / 'gate'
    outrider = start(bridge.address, root=bridge.root, **CGI)
    with Client(outrider.tls_port) as client:
        answer = client.request('/interim.sh', headers=[('x-gate', str(gate))])
        until(lambda: client.turn(0.02) is not None and answer.interims, 5, 'the interim response')
        informed, status, fields = answer.interims[0]
        assert status == 103 and ('link', '</style.css>; rel=preload; as=style') in fields
        # However long the program thinks, the final head does not come before it says so.
        end = time.monotonic() + 0.4
        while time.monotonic() < end:
            client.turn(0.05)
        assert answer.head_at is None
        gate.touch()
        client.wait(answer)
    assert answer.status == 200 and answer.body.endswith(b'</title>\n')
    assert answer.head_at - informed >= 0.4
    assert informed - answer.sent_at < 0.4
    assert len(answer.interims) == 1


def test_a_program_that_is_killed_does_not_look_complete(bridge, start):
    program(bridge, 'early.sh', 'kill -9 $$')
    program(bridge, 'late.sh', f'printf "Content-Type: text/plain\\r\\n\\r\\n"; head -c 50000 /dev/zero; kill -9 $$')
    outrider = start(bridge.address, root=bridge.root, **CGI)
    early, late = ask(outrider.clear_port, '/early.sh'), ask(outrider.clear_port, '/late.sh')
    assert (early.status, early.whole) == (502, True)
    assert (late.status, late.whole) == (200, False)
    with Client(outrider.tls_port) as client:
        answer = client.get('/late.sh')
        assert answer.reset is not None and answer.ended_at is None


def test_a_program_that_floods_its_errors_is_answered(bridge, start):
    program(bridge, 'flood.sh', 'head -c 1000000 /dev/urandom >&2\n'
            'printf "Content-Type: text/plain\\r\\n\\r\\nanswer"\nhead -c 1000000 /dev/urandom >&2')
    outrider = start(bridge.address, root=bridge.root, **CGI)
    answer = ask(outrider.clear_port, '/flood.sh')
    assert (answer.status, answer.body, answer.whole) == (200, b'answer', True)
    logged = outrider.log_path.read_bytes()
    assert b'no more is logged' in logged and len(logged) < 70000
    assert all(32 <= byte < 127 or byte == 10 for byte in logged)


def test_workers_of_the_bridge_that_are_killed_do_not_look_complete(bridge, start):
    program(bridge, 'half.sh', 'printf "Content-Type: text/plain\\r\\n\\r\\nhalf"; sleep 5; echo done')
    outrider = start(bridge.address, root=bridge.root, **CGI)
    with Client(outrider.tls_port) as client:
        answers = [client.request('/half.sh') for _ in range(3)]
        until(lambda: client.turn(0.05) is not None and all(a.body == b'half' for a in answers), 5, 'halves')
        kill_all(children(bridge.pid))
        client.wait(*answers, timeout=5)
        assert all(a.reset is not None and a.ended_at is None for a in answers)
        assert client.get('/environment.py').status == 200


@pytest.mark.parametrize('requests', [1, 7])
def test_php_cgi_that_closes_kept_connections_is_no_error_of_a_client(start, make_cgi, site, requests):
    process = make_cgi(children=2, requests=requests)
    outrider = start(f'unix:{process.path}', root=site, pool='keepalive = 2 connections = 2')
    with Client(outrider.tls_port) as client:
        for n in range(20):
            answers = [client.request(f'/sleep.php?n={n}') for _ in range(3)]
            answers.append(client.request('/upload.php', 'POST', body=b'x'))
            client.wait(*answers)
            assert [a.status for a in answers] == [200] * 4, outrider.log
    assert errors(outrider) == {}


# ---- disk ---------------------------------------------------------------------------------------

@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / 'small'
    folder.mkdir()
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip('a file system of 1 MB cannot be mounted here')
    yield folder
    subprocess.run(['umount', '-l', str(folder)], check=True)


def test_a_disk_that_fills_is_507_for_uploads_and_makes_php_wait_for_downloads(
        start, make_fpm, site, small_disk):
    fpm = make_fpm()
    outrider = start(f'unix:{fpm.path}', root=site, top=f'temp = "{small_disk}"')
    answer = ask(outrider.clear_port, '/upload.php', 'POST', bytes(1 << 20 | 1 << 19))
    assert (answer.status, answer.whole) == (507, True)
    assert errors(outrider) == {'spool_disk': 1}
    with socket.create_connection(('127.0.0.1', outrider.clear_port), 20) as sock:
        sock.sendall(b'GET /big.php?mib=20 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        time.sleep(0.5)
        data = bytearray()
        while part := sock.recv(1 << 20):
            data += part
    answer = Answer(bytes(data))
    assert answer.whole and len(answer.body) == 20 << 20
    assert all(answer.body[n << 10:].startswith(b'%d ' % n) for n in range(0, 20 << 10, 7))
    # The space is given back.
    assert ask(outrider.clear_port, '/upload.php', 'POST', bytes(1 << 19)).status == 200
