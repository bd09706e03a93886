# SPDX-License-Identifier: MIT
"""The program itself: starting, checking a configuration, ending, HTTP/1 connections."""
import socket
import subprocess
import time

import pytest
from h2client import Client
from servers import BINARY, until

CONFIG = '''workers = 1

listen "https://localhost:0" {{ }}
listen "http://127.0.0.1:0" {{ }}

pool "php" {{
  servers = {{ "unix:{fpm}" }}
  keepalive = 2
  think-timeout = {think}
}}

site "localhost" {{
  root = "{root}"
  front-controller = "/index.php"
  pool = "php"
  hints {{
    mode = hint
    learn = {{ "link" }}
  }}
  route "/quiet/*" {{ mode = off }}
  route "/echo.php" {{ hint = {{ "</assets/style.css>; rel=preload; as=style" }} }}
}}

admin {{ listen = "unix:{folder}/admin.sock" }}
'''


def command(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20)


@pytest.fixture
def config(tmp_path, site):
    def text(fpm='/nowhere', think='60s'):
        return CONFIG.format(fpm=fpm, think=think, root=site, folder=tmp_path)
    return text


def test_a_configuration_file_serves_and_its_rules_hint_at_once(connect, make_outrider, fpm, config):
    client = connect(make_outrider(config=config(fpm.path)))
    first = client.navigate('/echo.php')
    assert first.status == 200
    assert [value for _, _, headers in first.hints for name, value in headers if name == 'link'] == [
        '</assets/style.css>; rel=preload; as=style']


def test_without_a_file_the_arguments_are_enough(connect, make_outrider, fpm, site):
    outrider = make_outrider(arguments=[
        '--root', str(site), '--fastcgi', f'unix:{fpm.path}', '--listen', 'https://localhost:0',
        '--listen', 'http://127.0.0.1:0', '--front-controller', '/index.php'])
    assert sorted(scheme for scheme, _ in outrider.listeners) == ['http', 'https']
    for tls in (True, False):
        assert connect(outrider, tls=tls).navigate('/').status == 200
    assert len(outrider.pin) == 44


def test_a_route_that_is_off_is_off(connect, make_outrider, fpm, config, site):
    (site / 'quiet').mkdir()
    (site / 'quiet/page.php').write_text((site / 'page.php').read_text())
    client = connect(make_outrider(config=config(fpm.path)))
    for _ in range(2):
        assert not client.navigate('/quiet/page.php').interims
        time.sleep(0.2)


def test_a_page_that_thinks_too_long_is_a_504(connect, make_outrider, fpm, config):
    outrider = make_outrider(config=config(fpm.path, think='300ms'))
    client = connect(outrider)
    assert client.get('/sleep.php?ms=3000').status == 504
    outrider.wait_log(r'/sleep\.php.*did not answer in time|did not answer in time.*/sleep\.php')
    assert client.get('/sleep.php?ms=0').status == 200


def test_check_accepts_a_good_file(tmp_path, config):
    (tmp_path / 'good.conf').write_text(config())
    done = command('check', str(tmp_path / 'good.conf'))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('server, is_far', [('unix:/run/none', False), ('127.0.0.1:9000', False),
                                            ('192.0.2.7:9000', True)])
def test_check_tells_where_nobody_sees_what_a_server_can_execute(tmp_path, config, server, is_far):
    path = tmp_path / 'far.conf'
    path.write_text(config('/run/none').replace('unix:/run/none', server))
    done = command('check', str(path))
    assert done.returncode == 0, done.stderr
    assert (f'of "{server}" nothing is seen if it is on another machine' in done.stdout) == is_far
    assert ('Write connections = N' in done.stdout) == is_far
    assert 'connections begins at 32' in done.stdout


WRONG = {
    'an unknown option': ('keepalive = 2', 'keepalife = 2', 'keepalife'),
    'a number out of range': ('keepalive = 2', 'keepalive = 2000000', 'keepalive'),
    'no number': ('workers = 1', 'workers = many', 'workers'),
    'a time without sense': ('think-timeout = 60s', 'think-timeout = 60parsecs', 'think-timeout'),
    'an unknown mode': ('mode = hint', 'mode = shout', 'mode'),
    'a pool that is not there': ('pool = "php"', 'pool = "perl"', 'perl'),
    'a link that is none': ('</assets/style.css>; rel=preload; as=style', 'style.css', 'hint'),
    'an address that is none': ('"https://localhost:0"', '"gopher://localhost:0"', 'gopher'),
    'an open brace': ('admin {', 'admin {{', ''),
}


@pytest.mark.parametrize('what', WRONG)
def test_check_says_file_and_line_and_why(tmp_path, config, what):
    before, after, word = WRONG[what]
    text = config()
    assert before in text
    path = tmp_path / 'wrong.conf'
    path.write_text(text.replace(before, after))
    line = text[:text.index(before)].count('\n') + 1
    done = command('check', str(path))
    assert done.returncode != 0
    report = done.stdout + done.stderr
    assert f'{path}:' in report and word in report, report
    if word:
        said = int(report[report.index(f'{path}:') + len(f'{path}:'):].split(':')[0])
        # A fault between several lines may be told at the section's end.
        assert line <= said <= line + 12, report


def test_run_refuses_what_check_refuses(tmp_path, config):
    path = tmp_path / 'wrong.conf'
    path.write_text(config().replace('workers = 1', 'wrokers = 1'))
    done = command('run', '--config', str(path))
    assert done.returncode != 0 and f'{path}:1:' in done.stderr and 'wrokers' in done.stderr


def test_check_reports_a_missing_file():
    done = command('check', '/no/such/file.conf')
    assert done.returncode != 0 and '/no/such/file.conf' in done.stderr


def test_an_address_in_use_is_said_and_ends_the_program(tmp_path, site):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command('run', '--root', str(site), '--fastcgi', 'unix:/nowhere', '--listen',
                       f'http://127.0.0.1:{port}')
    assert done.returncode != 0 and str(port) in done.stderr and 'in use' in done.stderr


def test_help_and_version_and_nonsense():
    assert 'outrider run' in command('help').stdout
    assert 'outrider' in command('--version').stdout
    assert command('nonsense').returncode != 0
    assert command('run', '--nonsense').returncode != 0
    assert command('routes', '--admin', 'unix:/no/such.sock').returncode != 0


def test_sigterm_finishes_what_is_under_way(outrider, tmp_path):
    curl = subprocess.Popen(['curl', '-sk', '--http2', '-o', str(tmp_path / 'page'), '-w', '%{http_code}',
                             f'https://localhost:{outrider.tls_port}/page.php'], stdout=subprocess.PIPE)
    time.sleep(0.15)
    assert curl.poll() is None
    outrider.process.terminate()
    assert curl.communicate(timeout=10)[0] == b'200' and curl.returncode == 0
    assert len((tmp_path / 'page').read_bytes()) == 200078
    assert outrider.process.wait(10) == 0
    with pytest.raises(OSError):
        Client(outrider.tls_port)


def test_sigterm_does_not_wait_for_idle_connections(connect, outrider):
    connect(outrider).get('/assets/style.css')
    before = time.monotonic()
    assert outrider.stop() == 0
    assert time.monotonic() - before < 5


class H1:
    """Enough of HTTP/1.1 to read answers with a Content-Length or chunks from one connection."""

    def __init__(self, port):
        self.sock = socket.create_connection(('127.0.0.1', port), 10)
        self.stream = self.sock.makefile('rb')

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def answer(self):
        status = int(self.stream.readline().split()[1])
        fields = {}
        while (line := self.stream.readline().strip()):
            name, _, value = line.partition(b':')
            fields[name.decode().lower()] = value.strip().decode()
        if fields.get('transfer-encoding') == 'chunked':
            body = b''
            while (size := int(self.stream.readline(), 16)):
                body += self.stream.read(size)
                self.stream.readline()
            self.stream.readline()
        else:
            body = self.stream.read(int(fields.get('content-length', 0)))
        return status, fields, body

    def close(self):
        self.stream.close()
        self.sock.close()


@pytest.fixture
def h1(outrider):
    client = H1(outrider.clear_port)
    yield client
    client.close()


def test_http1_keeps_the_connection(h1, site):
    for _ in range(3):
        h1.send('GET /assets/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n')
        status, _, body = h1.answer()
        assert status == 200 and body == (site / 'assets/style.css').read_bytes()
        h1.send('GET /sleep.php?ms=0&n=5 HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert h1.answer()[2] == b'slept 0 as 5'


def test_http1_pipelined_requests_are_answered_in_order(h1):
    h1.send(''.join(f'GET /sleep.php?ms={ms}&n={ms} HTTP/1.1\r\nHost: localhost\r\n\r\n'
                    for ms in (120, 0, 60)))
    assert [h1.answer()[2] for _ in range(3)] == [
        b'slept 120 as 120', b'slept 0 as 0', b'slept 60 as 60']


SMUGGLING = {
    'two lengths': 'Content-Length: 3\r\nContent-Length: 4\r\n',
    'length and chunks': 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n',
    'an unknown coding': 'Transfer-Encoding: chunked, cow\r\n',
    'a signed length': 'Content-Length: +3\r\n',
    'a blank before the colon': 'Content-Length : 3\r\n',
    'a folded line': 'X-A: b\r\n c\r\n',
}


@pytest.mark.parametrize('what', SMUGGLING)
def test_ambiguous_framing_is_refused_and_the_connection_closed(h1, what):
    h1.send(f'POST /upload.php HTTP/1.1\r\nHost: localhost\r\n{SMUGGLING[what]}\r\nabc')
    status, _, _ = h1.answer()
    assert status in (400, 501)
    assert h1.stream.read() == b''


def test_a_request_without_host_is_400(h1):
    h1.send('GET / HTTP/1.1\r\n\r\n')
    assert h1.answer()[0] == 400


def test_nonsense_does_not_end_the_program(connect, outrider):
    for data in (b'\0' * 100, b'\x16\x03\x01\x02\x00' + b'\xff' * 600, b'GET\r\n\r\n',
                 b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + b'\xff' * 100):
        for port in (outrider.tls_port, outrider.clear_port):
            with socket.create_connection(('127.0.0.1', port), 5) as sock:
                try:
                    sock.sendall(data)
                    sock.shutdown(socket.SHUT_WR)
                    sock.settimeout(10)
                    while sock.recv(65536):
                        pass
                except ConnectionError:
                    pass
    assert connect(outrider).get('/assets/style.css').status == 200
    assert outrider.is_running()


def test_a_thousand_connections_come_and_go(connect, outrider):
    for _ in range(10):
        socks = [socket.create_connection(('127.0.0.1', outrider.clear_port), 5) for _ in range(100)]
        for sock in socks:
            sock.close()
    with connect(outrider) as client:
        assert client.get('/assets/style.css').status == 200
    until(lambda: open_files(outrider) < 60, 5, f'{open_files(outrider)} descriptors stay open')


def open_files(outrider):
    import os
    return len(os.listdir(f'/proc/{outrider.pid}/fd'))
