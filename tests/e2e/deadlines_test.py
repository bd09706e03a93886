# SPDX-License-Identifier: MIT
"""Every wait has an end, and it comes when the options say."""
import contextlib
import os
import re
import socket
import ssl
import struct
import time
from concurrent.futures import ThreadPoolExecutor

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
        assert 0.09 <= took < 0.4, took     # the clock of a turn is read at its beginning


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


def test_what_nobody_waits_for_any_more_is_told_and_keeps_its_place(start, silent):
    outrider = start(silent(), pool='connections = 1 think-timeout = 300ms queue-timeout = 200ms')
    with clear(outrider) as gone:
        gone.sendall(get('/x.php'))
        assert gone.recv(1000).startswith(b'HTTP/1.1 504 ')
    outrider.wait_log('still works on a request that nobody waits for any more')
    with clear(outrider) as other:
        other.sendall(get('/x.php'))
        assert other.recv(1000).startswith(b'HTTP/1.1 503 ')


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


# ---- every state, every peer --------------------------------------------------------------------

def frame(kind, flags, stream, payload):
    return struct.pack('>I', len(payload))[1:] + bytes([kind, flags]) + struct.pack('>I', stream) + payload


def h2_open(window=65535):
    """What an HTTP/2 client says first, with windows of its streams of that size."""
    return b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(4, 0, 0, struct.pack('>HI', 4, window))


def h2_head(path, method=b'\x82', more=b'', flags=5):
    block = method + b'\x86\x41\x09localhost\x44' + bytes([len(path)]) + path.encode() + more
    return frame(1, flags, 1, block)


def grant(stream):
    return frame(8, 0, stream, struct.pack('>I', 1))


PING = frame(6, 0, 0, bytes(8))
ESTABLISHED = 1  # of tcp(7)
UPLOAD = h2_head('/x.php', b'\x83', b'\x0f\x0d\x06100000', flags=4)
POST = get('/x.php', 'Content-Length: 100000\r\n', 'POST')
IMPORT = get('/import', 'Content-Length: 100000\r\n', 'POST')

# state: (where, what leads into it, what a dripping peer sends each time; None: it reads a little)
STATES = {
    'nothing said': ('clear', b'', b'PRI * HTTP/2.0\r\n'),
    'a handshake': ('tls', b'\x16', b'\x03'),
    'a head': ('clear', b'GET / HTTP/1.1\r\nx', b'y'),
    'a head of HTTP/2': ('clear', h2_open() + h2_head('/', flags=1)[:30], b'\0'),
    'a header block of HTTP/2': ('clear', h2_open() + h2_head('/', flags=1), frame(9, 0, 1, b'\x82')),
    'idle': ('clear', get('/assets/style.css'), b'\r\n'),
    'idle in HTTP/2': ('clear', h2_open(), PING),
    'a body that is collected': ('clear', POST, b'x'),
    'a body that is passed on': ('clear', POST.replace(b'/x', b'/through/x'), b'x'),
    'a body of HTTP/2': ('clear', h2_open() + UPLOAD, frame(0, 0, 1, b'x')),
    'a body of HTTP/2 that is passed on': ('clear', h2_open() + UPLOAD.replace(b'\x06/x.php', b'\x06/t.php'),
                                           frame(0, 0, 1, b'x')),
    'the window of a stream': ('clear', h2_open(0) + h2_head('/large.bin'), grant(1)),
    'the window of a refusal': ('clear', h2_open(0) + h2_head('/', b'\x02\x05TRACE'), grant(1)),
    'the window of the connection': ('clear', h2_open(1 << 30) + h2_head('/large.bin'), grant(0)),
    'a file': ('clear', get('/large.bin'), None),
    'a file over HTTP/1.0': ('clear', get('/large.bin').replace(b'1.1', b'1.0'), None),
    'a page': ('clear', get('/think.php'), b'x'),
    'the last byte': ('clear', get('/assets/style.css', 'Connection: close\r\n'), b'x'),
    'the admin port, a head': ('admin', b'GET /health', b'y'),
    'the admin port, a body': ('admin', IMPORT, b'x'),
}


def walk(outrider, state, peer):
    """Puts a connection into the state and sees its end; gives the seconds that took."""
    where, lead, drop = STATES[state]
    if where == 'admin':
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(outrider.admin)
    else:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(('127.0.0.1', outrider.tls_port if where == 'tls' else outrider.clear_port))
    began = time.monotonic()
    with sock, contextlib.suppress(OSError):
        sock.sendall(lead)
        if peer == 'half-closed':
            sock.shutdown(socket.SHUT_WR)
        reads_little = drop is None and peer != 'half-closed'
        while time.monotonic() < began + 30:
            if peer == 'dripping' and drop is not None:
                sock.sendall(drop)
                time.sleep(0.2)  # or answers would set the pace
            sock.settimeout(0.2)
            if reads_little:
                time.sleep(0.2)
                if peer == 'silent':  # the end is seen without reading
                    if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] != ESTABLISHED:
                        break
                    continue
            with contextlib.suppress(TimeoutError):
                if not sock.recv(100 if reads_little else 1 << 16):
                    break
    return time.monotonic() - began


@pytest.mark.parametrize('peer', ['silent', 'dripping', 'half-closed'])
def test_every_state_has_an_end(start, silent, site, peer):
    """All at once, so that the walk takes as long as its longest step."""
    (site / 'large.bin').write_bytes(bytes(32 << 20))
    outrider = start(silent(), timeouts=SHORT, pool='think-timeout = 2s',
                     site='route "/through/*" { buffer-request = false } route "/t.php" { buffer-request = false }')
    with ThreadPoolExecutor(len(STATES)) as threads:
        took = dict(zip(STATES, threads.map(lambda state: walk(outrider, state, peer), STATES), strict=True))
    late = {state: seconds for state, seconds in took.items()
            if seconds > (25 if STATES[state][0] == 'admin' else 9)}
    assert not late, took
    until(lambda: b'\noutrider_connections 0\n' in outrider.ask_admin('/metrics')[1], 5, 'one is still open')


def test_health_is_answered_whatever_else_waits(start):
    outrider = start()
    held = []
    try:
        for _ in range(150):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(outrider.admin)
            sock.sendall(IMPORT)
            held.append(sock)
        began = time.monotonic()
        for _ in range(5):
            assert outrider.ask_admin('/health')[0] == 200
        assert time.monotonic() - began < 2
    finally:
        for sock in held:
            sock.close()
