# SPDX-License-Identifier: MIT
"""SIGHUP: another generation serves the configuration as it is now, while the one before completes what
it has begun. SIGTERM: what is under way is completed, for drain-timeout at most."""
import contextlib
import http.client
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from faults_test import metrics
from h2client import Client
from servers import Outrider, until
from tls_test import make_pair

BIG = 12 << 20  # bytes of a download that no buffer of the kernel holds
GENERATIONS = 32    # that complete requests at a time (server_reload.c)
IN_USE = 'the new configuration is in use'
ENDED = r'the configuration before has ended; (\d+) requests cut'


@pytest.fixture
def big(site):
    (site / 'big.bin').write_bytes(b'0123456789abcdef' * (BIG // 16))


def reload(outrider):
    """Until the new generation serves."""
    before = outrider.log.count(IN_USE)
    outrider.process.send_signal(signal.SIGHUP)
    until(lambda: outrider.log.count(IN_USE) > before, 10, f'no reload:\n{outrider.log[-2000:]}')


def change(outrider, old, new):
    path = outrider.log_path.parent / 'outrider.conf'
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def open_client(outrider):
    client = http.client.HTTPConnection('127.0.0.1', outrider.clear_port, timeout=20)
    client.connect()
    return client


def ask(client, path):
    client.request('GET', path, headers={'Host': 'localhost'})
    answer = client.getresponse()
    return answer, answer.read()


class Download:
    """A client that reads no more than its socket's small buffer until it is told to."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.socket.settimeout(20)
        self.socket.connect(('127.0.0.1', port))
        self.socket.sendall(b'GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n')
        self.bytes = self.socket.recv(8192)

    def take(self, most):
        while len(self.bytes) < most and (piece := self.socket.recv(65536)):
            self.bytes += piece

    def body(self):
        """All of it."""
        head, _, _ = self.bytes.partition(b'\r\n\r\n')
        self.take(len(head) + 4 + BIG)
        return self.bytes[len(head) + 4:]


def is_refused(port):
    try:
        socket.create_connection(('127.0.0.1', port), timeout=5).close()
    except (ConnectionRefusedError, ConnectionResetError):     # reset: it was about to be accepted
        return True
    return False


# ---- another generation -------------------------------------------------------------------------

def h2load(url, *options):
    return subprocess.Popen(['h2load', '-c8', '-n8000', *options, f'{url}/assets/style.css'],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Keepers(threading.Thread):
    """A client that keeps its connection for as long as the server does, and pauses between requests. Who
    is told `Connection: close` connects anew; everything else that goes wrong is a fault."""

    def __init__(self, outrider, pause):
        super().__init__()
        self.outrider, self.pause = outrider, pause
        self.stopped = threading.Event()
        self.answers, self.closed, self.faults = 0, 0, []
        self.start()

    def run(self):
        try:
            while not self.stopped.is_set():
                client = open_client(self.outrider)
                while not self.stopped.is_set():
                    answer, _ = ask(client, '/assets/style.css')
                    assert answer.status == 200
                    self.answers += 1
                    if answer.will_close:
                        self.closed += 1
                        break
                    time.sleep(self.pause)
                client.close()
        except Exception as fault:  # any: it is looked at by the test
            self.faults.append(repr(fault))


class Streams(threading.Thread):
    """The same over HTTP/2, eight streams at a time. After a GOAWAY every stream that it names as taken is
    answered, and those beyond are asked again on another connection."""

    def __init__(self, port):
        super().__init__()
        self.port, self.stopped = port, threading.Event()
        self.answers, self.connections, self.faults = 0, 0, []
        self.start()

    def run(self):
        try:
            while not self.stopped.is_set():
                with Client(self.port) as client:
                    self.connections += 1
                    self.use(client)
        except Exception as fault:  # any: it is looked at by the test
            self.faults.append(repr(fault))

    def use(self, client):
        while client.terminated is None and not self.stopped.is_set():
            asked = [client.request('/assets/style.css') for _ in range(8)]
            while not all(e.over for e in asked):
                last = client.terminated.last_stream_id if client.terminated else 1 << 31
                asked = [e for e in asked if e.number <= last]
                assert client.turn(10) or all(e.over for e in asked)
            assert {e.status for e in asked} <= {200}
            self.answers += len(asked)


def test_no_request_is_lost_while_generations_change(make_outrider, big):
    outrider = make_outrider(workers=2, top='drain-timeout = 120s')
    download = Download(outrider.clear_port)
    keepers = [Keepers(outrider, pause) for pause in (0, 0.01, 0.05, 0.3)]
    loads = [h2load(f'http://127.0.0.1:{outrider.clear_port}', '--h1'),
             h2load(f'https://localhost:{outrider.tls_port}', '--h1')]
    streams = Streams(outrider.tls_port)
    for mib in range(1, 4):
        reload(outrider)
        time.sleep(0.3)
        download.take(mib << 20)
    assert download.body() == b'0123456789abcdef' * (BIG // 16)
    for load in loads:
        out, _ = load.communicate(timeout=60)
        assert re.search(r'8000 succeeded, 0 failed, 0 errored, 0 timeout', out), out
    for keeper in keepers:
        keeper.stopped.set()
        keeper.join(10)
        assert not keeper.faults and keeper.closed >= 1, (keeper.faults, keeper.closed, keeper.answers)
    streams.stopped.set()
    streams.join(10)
    assert not streams.faults and streams.connections == 4, (streams.faults, streams.connections, streams.answers)
    until(lambda: len(re.findall(ENDED, outrider.log)) == 3, 10, outrider.log)
    assert set(re.findall(ENDED, outrider.log)) == {'0'}


def test_of_too_many_generations_with_requests_the_oldest_is_cut_and_told(make_outrider, big):
    outrider = make_outrider(workers=1, top='drain-timeout = 120s')
    downloads = []
    for _ in range(GENERATIONS):
        downloads.append(Download(outrider.clear_port))
        assert not re.search('of the oldest are cut', outrider.log)
        reload(outrider)
    outrider.wait_log(f'warn {GENERATIONS} configurations before this one still have requests under way: those of the oldest are')
    outrider.wait_log(r'the configuration before has ended; 1 requests cut')
    until(lambda: metrics(outrider)['requests_cut_total'] == 1, 5, 'not counted')
    with contextlib.suppress(ConnectionResetError):
        downloads[0].take(BIG)
    assert len(downloads[0].bytes) < BIG
    assert downloads[1].body() == b'0123456789abcdef' * (BIG // 16)
    for download in downloads:
        download.socket.close()


def test_a_kill_in_the_middle_of_a_reload_leaves_a_clean_next_start(site, tmp_path):
    folder = tmp_path / 'kept'
    folder.mkdir()
    config = f'''workers = 2
listen "http://127.0.0.1:0" {{}}
listen "unix:{folder}/web.sock" {{}}
admin {{ listen = "unix:{folder}/admin.sock" }}
store {{ path = "{folder}/learned.db" }}
site "localhost" {{
  root = "{site}"
  access-log {{ to = "{folder}/access.log" }}
}}
'''
    for delay in (0, 0.002, 0.01, 0.03):
        outrider = Outrider(tmp_path / f'killed after {delay}', config=config)
        outrider.process.send_signal(signal.SIGHUP)
        time.sleep(delay)
        outrider.process.kill()
        outrider.process.wait()
    outrider = Outrider(tmp_path / 'again', config=config)
    try:
        assert ask(open_client(outrider), '/assets/style.css')[0].status == 200
        reload(outrider)
        subprocess.run(['curl', '-sf', '--unix-socket', folder / 'web.sock', 'http://localhost/assets/style.css'], check=True,
                       capture_output=True)
    finally:
        assert outrider.stop() == 0
    assert not re.search(' (warn|error) ', outrider.log), outrider.log
    assert not {path.name for path in folder.iterdir()} - {'web.sock', 'admin.sock', 'learned.db', 'learned.db.lock', 'access.log'}


def test_an_http2_connection_is_told_to_go_and_its_streams_end_whole(make_outrider, make_fpm):
    outrider = make_outrider(make_fpm(), workers=1)
    with Client(outrider.tls_port) as client:
        stream = client.request('/sleep.php?ms=700&n=3')
        until(lambda: b'outrider_requests_total{protocol="h2"} 1' in outrider.ask_admin('/metrics')[1], 5, 'no request')
        reload(outrider)
        client.wait(stream)
        assert stream.body == b'slept 700 as 3' and client.terminated.error_code == 0
    outrider.wait_log(ENDED)


def test_the_new_configuration_is_served_and_what_was_learned_stays(make_outrider, make_fpm, site, tmp_path):
    outrider = make_outrider(make_fpm(), workers=1)
    client = open_client(outrider)
    assert ask(client, '/index.php')[0].status == 200
    until(outrider.routes, 5, 'nothing is learned')
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'new.txt').write_text('new')
    assert ask(client, '/new.txt')[0].status == 404
    change(outrider, f'root = "{site}"', f'root = "{other}"')
    reload(outrider)
    assert ask(open_client(outrider), '/new.txt')[1] == b'new'
    answer, _ = ask(client, '/assets/style.css')    # of the generation that it began with
    assert answer.status == 200 and answer.will_close
    assert outrider.routes()


def test_a_bad_file_is_refused_and_the_one_before_goes_on(make_outrider):
    outrider = make_outrider(workers=1)
    client = open_client(outrider)
    change(outrider, 'workers = 1', 'workers = 1\nworker = 2')
    outrider.process.send_signal(signal.SIGHUP)
    outrider.wait_log(r'error \S+outrider.conf:3: there is no option worker')
    outrider.wait_log('the new configuration is refused; the one before stays in use')
    answer, _ = ask(client, '/assets/style.css')
    assert answer.status == 200 and not answer.will_close
    assert ask(open_client(outrider), '/assets/style.css')[0].status == 200


def test_addresses_come_and_go(make_outrider, tmp_path):
    outrider = make_outrider(workers=2)
    path = tmp_path / 'more.sock'
    taken = socket.create_server(('127.0.0.1', 0))
    port = taken.getsockname()[1]
    change(outrider, 'listen "http://127.0.0.1:0" {}', f'listen "unix:{path}" {{}}\nlisten "http://127.0.0.1:{port}" {{}}')
    outrider.process.send_signal(signal.SIGHUP)
    outrider.wait_log('the new configuration is refused')
    assert ask(open_client(outrider), '/assets/style.css')[0].status == 200
    taken.close()
    reload(outrider)
    until(lambda: is_refused(outrider.clear_port), 10, 'an address that is not named is still listened on')
    assert not is_refused(port)
    subprocess.run(['curl', '-sf', '--unix-socket', path, 'http://localhost/assets/style.css'], check=True,
                   capture_output=True)


def test_programs_go_on_and_other_programs_take_a_restart(make_outrider, site, tmp_path):
    config = f'''workers = 1
listen "http://127.0.0.1:0" {{}}
pool "php" {{ spawn {{ command = {{"/usr/bin/php-cgi8.2"}} processes = 2 }} }}
site "localhost" {{ root = "{site}" pool = "php" }}
'''
    outrider = make_outrider(config=config)
    assert ask(open_client(outrider), '/sleep.php?ms=0&n=1')[1] == b'slept 0 as 1'
    reload(outrider)
    assert ask(open_client(outrider), '/sleep.php?ms=0&n=2')[1] == b'slept 0 as 2'
    change(outrider, 'processes = 2', 'processes = 3')
    outrider.process.send_signal(signal.SIGHUP)
    outrider.wait_log('spawn: other programs than those that run need a restart')
    outrider.wait_log('the new configuration is refused')
    assert ask(open_client(outrider), '/sleep.php?ms=0&n=3')[1] == b'slept 0 as 3'


def test_a_renewed_certificate_is_served_without_a_signal_and_tickets_stay_good(make_outrider, site, tmp_path):
    make_pair(tmp_path, 'a')
    config = f'''workers = 2
listen "https://127.0.0.1:0" {{}}
site "a.example" {{ root = "{site}" certificate = "{tmp_path}/a.pem" key = "{tmp_path}/a.pem" }}
'''
    outrider = make_outrider(config=config)
    session = str(tmp_path / 'session')

    def s_client(*options):
        return subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{outrider.tls_port}', '-servername',
                               'a.example', *options], input=b'GET / HTTP/1.0\r\nHost: a.example\r\n\r\n',
                              capture_output=True).stdout.decode(errors='replace')

    certificate = re.compile('-----BEGIN.*?END CERT', re.DOTALL)
    before = s_client('-sess_out', session, '-ign_eof')
    pair = (tmp_path / 'a.pem').read_text()
    (tmp_path / 'a.pem').write_text('the certificate is there, its key is not yet\n' + pair.partition('-----BEGIN PRIV')[0])
    outrider.wait_log('renewed certificates cannot be used; those before stay in use', 10)
    assert certificate.search(before)[0] == certificate.search(s_client('-ign_eof'))[0]
    make_pair(tmp_path, 'a')
    outrider.wait_log('renewed certificates are in use', 10)
    assert certificate.search(before)[0] != certificate.search(s_client('-ign_eof'))[0]
    assert 'Reused' in s_client('-sess_in', session, '-ign_eof')


# ---- the end ------------------------------------------------------------------------------------

def test_sigterm_completes_what_is_under_way_and_accepts_nothing_more(make_outrider, make_fpm, big):
    outrider = make_outrider(make_fpm(), workers=2)
    download, client = Download(outrider.clear_port), open_client(outrider)
    client.request('GET', '/sleep.php?ms=1000&n=5', headers={'Host': 'localhost'})
    until(lambda: b'outrider_requests_total{protocol="http/1.1"} 2' in outrider.ask_admin('/metrics')[1], 5, 'no request')
    outrider.process.send_signal(signal.SIGTERM)
    until(lambda: is_refused(outrider.clear_port), 5, 'it still accepts')
    assert outrider.ask_admin('/health')[0] == 503
    answer = client.getresponse()
    assert answer.read() == b'slept 1000 as 5' and answer.will_close
    assert download.body() == b'0123456789abcdef' * (BIG // 16)
    assert outrider.process.wait(10) == 0
    assert 'stopped; 0 requests cut' in outrider.log


@pytest.mark.parametrize('ending', ['drain-timeout', 'a second signal'])
def test_what_takes_too_long_is_cut_and_told(make_outrider, big, ending):
    seconds = '1s' if ending == 'drain-timeout' else '60s'
    outrider = make_outrider(workers=2, top=f'drain-timeout = {seconds}')
    download = Download(outrider.clear_port)
    began = time.monotonic()
    outrider.process.send_signal(signal.SIGTERM)
    if ending == 'a second signal':
        outrider.wait_log('stopping on signal')
        outrider.process.send_signal(signal.SIGTERM)
    assert outrider.process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert 'stopped; 1 requests cut' in outrider.log
    with contextlib.suppress(ConnectionResetError):
        download.take(BIG)
    assert len(download.bytes) < BIG


def test_quiet_clients_do_not_hold_the_end_up(make_outrider):
    outrider = make_outrider(workers=1)
    used, unused = open_client(outrider), open_client(outrider)
    assert ask(used, '/assets/style.css')[0].status == 200
    began = time.monotonic()
    outrider.process.send_signal(signal.SIGTERM)
    assert outrider.process.wait(10) == 0
    assert time.monotonic() - began < 3
    assert unused.sock.recv(1) == b''


def test_idle_connections_that_a_front_keeps_do_not_hold_up_the_end(make_outrider):
    outrider = make_outrider(workers=1, listen='trusted = { "127.0.0.1" }', top='drain-timeout = 120s')
    client = http.client.HTTPSConnection('127.0.0.1', outrider.tls_port, timeout=20, context=ssl._create_unverified_context())
    answer, _ = ask(client, '/assets/style.css')
    assert answer.status == 200 and not answer.will_close
    outrider.process.send_signal(signal.SIGTERM)
    assert outrider.process.wait(20) == 0               # not for drain-timeout, and not for front-idle
