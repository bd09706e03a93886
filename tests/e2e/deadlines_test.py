# SPDX-License-Identifier: MIT
"""Every wait has an end, and it comes when the options say."""
import contextlib
import os
import re
import socket
import ssl
import struct
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from h2.exceptions import ProtocolError
from h2client import Exchange
from servers import until

CONFIG = '''
workers = 1
timeouts {{ {timeouts} }}
{top}
listen "https://localhost:0" {{}}
listen "http://127.0.0.1:0" {{}}
pool "php" {{
    servers = {{ {servers} }}
    {pool}
}}
site "localhost" {{
    root = "{root}"
    pool = "php"
    check-script = false
    {site}
    hints {{ mode = off }}
}}
admin {{ listen = "unix:{admin}" }}
'''


@pytest.fixture
def start(make_outrider, site, tmp_path):
    def make(*servers, timeouts='', pool='', top='', **options):
        outrider = make_outrider(config=CONFIG.format(
            servers=', '.join(f'"{server}"' for server in servers or ('unix:/nowhere',)), root=site,
            timeouts=timeouts, pool=pool, top=top, site=options.get('site', ''), admin=tmp_path / 'admin.sock'))
        outrider.admin = str(tmp_path / 'admin.sock')
        return outrider
    return make


def get(path, more='', method='GET'):
    return f'{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n'.encode()


def clear(outrider, rcvbuf=None, timeout=10):
    sock = socket.socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(timeout)
    sock.connect(('127.0.0.1', outrider.clear_port))
    return sock


@pytest.fixture
def silent():
    """silent(): the address of a server that takes connections and says nothing; silent(False): of
    one whose listen queue is full, so that a connection is never made."""
    held = []

    def make(accepts=True):
        listener = socket.socket()
        listener.bind(('127.0.0.1', 0))
        listener.listen(64 if accepts else 0)
        held.append(listener)
        while not accepts:
            sock = socket.socket()
            held.append(sock)
            sock.settimeout(0.2)
            try:
                sock.connect(listener.getsockname())
            except TimeoutError:
                break
        return '127.0.0.1:{}'.format(listener.getsockname()[1])

    yield make
    for sock in held:
        sock.close()


# ---- the backend --------------------------------------------------------------------------------

@pytest.mark.parametrize(('accepts', 'pool', 'status'), [
    (False, 'connect-timeout = 100ms', 502),
    (True, 'think-timeout = 100ms', 504),
    (True, 'total-timeout = 100ms', 504),
], ids=['connect', 'think', 'total'])
def test_a_timeout_of_100_milliseconds_takes_no_second(start, silent, accepts, pool, status):
    outrider = start(silent(accepts), pool=pool)
    for _ in range(3):  # wherever the second stands
        with clear(outrider) as sock:
            began = time.monotonic()
            sock.sendall(get('/x.php'))
            head = sock.recv(1000)
            took = time.monotonic() - began
        assert head.startswith(b'HTTP/1.1 %d ' % status), head
        assert 0.1 <= took < 0.4, took


@pytest.mark.parametrize(('pool', 'status'), [
    ('queue-timeout = 100ms', 503),
    ('total-timeout = 150ms queue-timeout = 20s', 504),
], ids=['queue', 'total'])
def test_a_request_that_waits_for_its_turn_is_answered_in_time(start, silent, pool, status):
    outrider = start(silent(), pool=f'connections = 1 {pool}')
    with clear(outrider) as first, clear(outrider) as second:
        first.sendall(get('/x.php'))
        time.sleep(0.05)
        began = time.monotonic()
        second.sendall(get('/x.php'))
        head = second.recv(1000)
        took = time.monotonic() - began
    assert head.startswith(b'HTTP/1.1 %d ' % status), head
    assert 0.09 <= took < 0.45, took


# ---- clients ------------------------------------------------------------------------------------

SHORT = 'head = 1s idle = 1s send = 1s body = 1s grace = 1s'


def ends(sock, limit=8):
    """Reads to the end; gives (what came, how long that took)."""
    began, data = time.monotonic(), b''
    sock.settimeout(limit)
    try:
        while part := sock.recv(1 << 20):
            data += part
    except ConnectionResetError:
        pass
    return data, time.monotonic() - began


REFUSED = {
    '405': {'method': 'TRACE'},
    '431': {'headers': [('x', 'y' * 9000)]},
    '400': {'authority': 'a b'},
}


@pytest.mark.parametrize('status', REFUSED)
def test_a_refusal_that_finds_no_window_does_not_stay(start, connect, status):
    """What the engine answers by itself has the same end as what others answer."""
    outrider = start(timeouts=SHORT)
    client = connect(outrider, window=0)
    client.reads = False
    refused = client.request('/', **REFUSED[status])
    until(lambda: refused.over or client.turn(0.1) and False, 8, 'the stream stays open')
    assert refused.status in (None, int(status)) and refused.reset is not None
    until(lambda: client.eof or client.turn(0.1) and False, 8, 'the connection stays')


def expand(secret, label, size, digest):
    full = b'tls13 ' + label
    info = struct.pack('>HB', size, len(full)) + full + b'\0'
    return HKDFExpand(digest, size, info).derive(secret)


def half_a_key_update(keylog, number, cipher):
    """The record with which a client begins a KeyUpdate and keeps its last byte back (RFC 8446, 4.6.3)."""
    secret = bytes.fromhex(re.search(r'CLIENT_TRAFFIC_SECRET_0 \w+ (\w+)', keylog.read_text())[1])
    digest = hashes.SHA384() if 'SHA384' in cipher else hashes.SHA256()
    key = expand(secret, b'key', 16 if 'AES_128' in cipher else 32, digest)
    iv = int.from_bytes(expand(secret, b'iv', 12, digest), 'big') ^ number
    plain = b'\x18\0\0\1' + b'\x16'
    head = struct.pack('>BHH', 23, 0x303, len(plain) + 16)
    seal = ChaCha20Poly1305 if 'CHACHA' in cipher else AESGCM
    return head + seal(key).encrypt(iv.to_bytes(12, 'big'), plain, head)


def test_half_a_key_update_holds_nothing_for_ever(start, site, tmp_path):
    """In the middle of the client's message nothing can be encrypted: it has as long as one that
    takes nothing."""
    (site / 'large.bin').write_bytes(bytes(64 << 20))
    outrider = start(timeouts=SHORT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.keylog_filename = tmp_path / 'keys'
    with socket.create_connection(('127.0.0.1', outrider.tls_port), 10) as sock:
        tls = context.wrap_socket(sock, server_hostname='localhost')
        with socket.socket(fileno=os.dup(tls.fileno())) as raw:
            tls.sendall(get('/large.bin'))
            raw.sendall(half_a_key_update(tmp_path / 'keys', 1, tls.cipher()[0]))
            data, took = ends(raw)
    assert len(data) < 64 << 20 and took < 6, took


@pytest.mark.parametrize('what', ['stream', 'connection'])
def test_a_window_of_a_byte_a_second_does_not_stay(start, connect, site, what):
    (site / 'small.bin').write_bytes(bytes(300000))
    outrider = start(timeouts=SHORT)
    client = connect(outrider, window=0 if what == 'stream' else 200000)
    client.reads = False
    slow = client.request('/small.bin')
    end = time.monotonic() + 8
    while not slow.over and not client.eof and time.monotonic() < end:
        time.sleep(0.2)
        client.h2.increment_flow_control_window(1, slow.number if what == 'stream' else None)
        try:
            client.flush()
            client.turn(0)
        except (ConnectionError, ssl.SSLError):
            client.eof = True
    assert slow.reset is not None if what == 'stream' else client.eof
    assert len(slow.body) < 100000


def drip(sock, byte, each, limit=8):
    """Sends a byte each so many seconds until the other side ends; gives how long that took."""
    began = time.monotonic()
    sock.settimeout(each)
    while time.monotonic() < began + limit:
        try:
            sock.sendall(byte)
            if not sock.recv(1000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_a_body_of_a_few_bytes_a_second_does_not_stay(start, fpm):
    outrider = start(f'unix:{fpm.path}', timeouts=SHORT)
    with clear(outrider) as sock:
        sock.sendall(get('/page.php', 'Content-Length: 100000\r\n', 'POST'))
        assert drip(sock, b'x', 0.2) < 5


def test_a_body_of_a_few_bytes_a_second_does_not_stay_on_http2(start, connect, fpm):
    outrider = start(f'unix:{fpm.path}', timeouts=SHORT)
    client = connect(outrider)
    number = client.h2.get_next_available_stream_id()
    slow = client.exchanges[number] = Exchange('/page.php')
    client.h2.send_headers(number, [(':method', 'POST'), (':scheme', 'https'), (':path', '/page.php'),
                                    (':authority', client.authority)])
    end = time.monotonic() + 8
    while not slow.over and time.monotonic() < end:
        client.h2.send_data(number, b'x')
        client.flush()
        time.sleep(0.2)
        client.turn(0)
    assert slow.status == 408


def test_a_reader_slower_than_the_least_rate_does_not_stay(start, site):
    (site / 'large.bin').write_bytes(bytes(32 << 20))
    outrider = start(timeouts=SHORT)
    with clear(outrider, rcvbuf=4096) as sock:
        sock.sendall(get('/large.bin'))
        end, got = time.monotonic() + 12, 0
        try:
            while time.monotonic() < end and (part := sock.recv(280)):
                got += len(part)
                time.sleep(0.2)
        except ConnectionResetError:
            pass
        assert time.monotonic() < end and got < 100000


def test_slow_clients_that_are_honest_stay(start, connect, fpm, site):
    """8 KB a second up and down, as on 2G, for longer than every limit."""
    (site / 'page.bin').write_bytes(bytes(48000))
    outrider = start(f'unix:{fpm.path}', timeouts=SHORT)
    with clear(outrider, rcvbuf=4096) as down, clear(outrider) as up:
        down.sendall(get('/page.bin'))
        up.sendall(get('/page.php', 'Content-Length: 40000\r\n', 'POST'))
        client = connect(outrider, window=4000)
        client.reads = False
        streams = [client.request('/page.bin') for _ in range(2)]
        got, sent = 0, 0
        while got < 48000 or sent < 40000:
            time.sleep(0.1)
            got += len(down.recv(1000)) if got < 48000 else 0
            if sent < 40000:
                up.sendall(bytes(800))
                sent += 800
            client.turn(0)
            for stream in streams:
                if not stream.over:
                    client.h2.increment_flow_control_window(800, stream.number)
            client.h2.increment_flow_control_window(1600)
            client.flush()
        assert up.recv(1000).startswith(b'HTTP/1.1 200 ')
        assert all(stream.reset is None for stream in streams)
        assert all(len(stream.body) >= 30000 for stream in streams)


def test_a_connection_is_not_used_for_ever(start, connect):
    outrider = start(timeouts='lifetime = 1s')
    client = connect(outrider)
    end = time.monotonic() + 6
    with contextlib.suppress(ProtocolError):  # this client takes no answer behind a GOAWAY
        while client.terminated is None and time.monotonic() < end:
            assert client.get('/assets/style.css').status == 200
    assert time.monotonic() < end
    with clear(outrider) as sock:
        data = b''
        while b'onnection: close' not in data and time.monotonic() < end + 6:
            sock.sendall(get('/assets/style.css'))
            data = sock.recv(65536)
            time.sleep(0.05)
        assert b'onnection: close' in data and sock.recv(100) == b''


def test_a_request_ends_however_it_moves(start, silent, connect):
    outrider = start(silent(), timeouts='request = 1s')
    client = connect(outrider)
    asked = client.request('/x.php')
    until(lambda: asked.over or client.turn(0.1) and False, 5, 'the stream stays open')
    assert asked.reset is not None
    with clear(outrider) as sock:
        sock.sendall(get('/x.php'))
        assert ends(sock, 5)[0] == b''
