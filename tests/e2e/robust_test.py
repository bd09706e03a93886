# SPDX-License-Identifier: MIT
"""What must hold when clients, backends and files misbehave or are merely slow: timers that fire
when they should and only then, requests that never hang, and shares that one client cannot take
from the others."""
import os
import re
import resource
import socket
import ssl
import struct
import threading
import time

import pytest
from h2client import Client, Exchange
from servers import until

CONFIG = '''
workers = 1
{top}
listen "https://localhost:0" {{}}
listen "http://127.0.0.1:0" {{}}
pool "php" {{
    servers = {{ "unix:{fastcgi}" }}
    {pool}
}}
site "localhost" {{
    root = "{root}"
    pool = "php"
    {site}
    hints {{ mode = off }}
}}
admin {{ listen = "{admin}" }}
'''


@pytest.fixture
def configured(make_outrider, site, tmp_path):
    """configured(fpm or path, pool='...', ...): an Outrider of one worker with these options."""
    def make(fastcgi='/nowhere', top='', pool='', root=site, **options):
        return make_outrider(config=CONFIG.format(
            fastcgi=getattr(fastcgi, 'path', fastcgi), top=top, pool=pool, root=root,
            site=options.get('site', ''), admin=options.get('admin', f'unix:{tmp_path}/admin.sock')))
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


def read_all(sock):
    data = b''
    while part := sock.recv(65536):
        data += part
    return data


def read_answer(sock):
    """One response with a Content-Length; gives (status, body)."""
    data = b''
    while b'\r\n\r\n' not in data:
        part = sock.recv(65536)
        assert part, f'closed in the middle of {data!r}'
        data += part
    head, _, body = data.partition(b'\r\n\r\n')
    length = next(int(line.split(b':')[1]) for line in head.lower().split(b'\r\n')
                  if line.startswith(b'content-length'))
    while len(body) < length:
        part = sock.recv(65536)
        assert part, 'closed in the middle of a body'
        body += part
    return int(head.split()[1]), body


@pytest.fixture
def full_backend(tmp_path):
    """The path of a socket whose listen queue is full and stays full."""
    path = str(tmp_path / 'full.sock')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(0)
    waiting = []
    for _ in range(8):
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        waiting.append(sock)
        try:
            sock.connect(path)
        except BlockingIOError:
            break
    yield path
    for sock in (listener, *waiting):
        sock.close()


# ---- timers -------------------------------------------------------------------------------------

def test_an_http1_connection_in_use_is_not_idle(configured):
    """Files are answered within one turn of the loop: the timer must see those requests too."""
    outrider = configured(top='timeouts { idle = 1s head = 1s }')
    with clear(outrider) as sock:
        for _ in range(12):
            sock.sendall(get('/assets/style.css'))
            assert read_answer(sock)[0] == 200
            time.sleep(0.3)


def test_an_idle_connection_ends(configured):
    outrider = configured(top='timeouts { idle = 1s }')
    with clear(outrider) as sock:
        sock.sendall(get('/assets/style.css'))
        assert read_answer(sock)[0] == 200
        assert sock.recv(100) == b''
    client = Client(outrider.tls_port)
    assert client.get('/assets/style.css').status == 200
    until(lambda: client.eof or client.turn(0.1) and False, 8, 'the connection stays')
    assert client.terminated.error_code == 0


def test_a_slow_reader_that_reads_is_not_cut_off(configured, site):
    """The kernel tells of room only when a third of its buffer is free: no reason to be impatient."""
    (site / 'large.bin').write_bytes(os.urandom(12 << 20))
    outrider = configured(top='timeouts { send = 2s }')
    with clear(outrider, rcvbuf=16384) as sock:
        sock.sendall(get('/large.bin'))
        end, got = time.monotonic() + 7, 0
        while time.monotonic() < end:
            got += len(sock.recv(8192))
            time.sleep(0.1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while got < 12 << 20:
            part = sock.recv(65536)
            assert part, f'cut off after {got} bytes'
            got += len(part)


def test_a_reader_that_has_stopped_is_cut_off(configured, site):
    (site / 'large.bin').write_bytes(bytes(32 << 20))
    outrider = configured(top='timeouts { send = 1s }')
    with clear(outrider, rcvbuf=16384) as sock:
        sock.sendall(get('/large.bin'))
        time.sleep(5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        got = 0
        try:
            while part := sock.recv(1 << 20):
                got += len(part)
        except ConnectionResetError:
            pass
        assert got < 32 << 20


@pytest.mark.parametrize('path', ['/big.php?mib=2', '/large.bin', '/small.bin'])
def test_a_client_that_keeps_its_window_shut_is_cut_off(configured, fpm, site, path):
    """HTTP/2 has windows of its own: the socket takes everything, and nothing ever leaves."""
    (site / 'large.bin').write_bytes(bytes(1 << 20))
    (site / 'small.bin').write_bytes(bytes(30000))
    outrider = configured(fpm, top='timeouts { send = 1s }', site='buffer-response = false')
    client = Client(outrider.tls_port, window=1000)
    client.reads = False
    stuck = client.request(path)
    until(lambda: stuck.over or client.turn(0.1) and False, 8, 'the stream stays open')
    assert stuck.status == 200 and stuck.reset is not None and len(stuck.body) == 1000
    # The connection lives on. It is the client who was slow: counted once, and no error of ours.
    assert client.get('/sleep.php?ms=0&n=1').body == b'slept 0 as 1'
    assert len(re.findall(r'Z info .*client too slow', outrider.log)) == 1 and 'Z error ' not in outrider.log


def test_a_window_that_opens_slowly_is_no_stall(configured, site):
    (site / 'small.bin').write_bytes(bytes(30000))
    outrider = configured(top='timeouts { send = 1s }')
    client = Client(outrider.tls_port, window=1000)
    client.reads = False
    slow = client.request('/small.bin')
    end = time.monotonic() + 4
    while time.monotonic() < end:
        time.sleep(0.3)
        client.turn(0)
        client.h2.increment_flow_control_window(100, slow.number)
        client.flush()
    client.h2.increment_flow_control_window(40000, slow.number)
    client.flush()
    client.wait(slow)
    assert slow.reset is None and len(slow.body) == 30000


def test_a_body_that_we_held_up_has_not_stopped_coming(configured, tmp_path):
    """The client may only send what the backend takes: its silence is ours."""
    path = str(tmp_path / 'slow.sock')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    outrider = configured(path, top='timeouts { body = 2s }', site='buffer-request = false')
    client = Client(outrider.tls_port)
    size = 4 << 20
    sent = 0

    def send():
        nonlocal sent
        while sent < size and (n := min(client.h2.local_flow_control_window(asked.number), 16384,
                                        size - sent)):
            client.h2.send_data(asked.number, bytes(n), end_stream=sent + n == size)
            client.flush()
            sent += n

    asked = client.exchanges[1] = Exchange('/upload.php')
    asked.number = 1
    client.h2.send_headers(1, [(':method', 'POST'), (':scheme', 'https'), (':authority', client.authority),
                               (':path', '/upload.php'), ('content-length', str(size))])
    client.flush()
    end = time.monotonic() + 3.5  # the backend takes nothing
    while time.monotonic() < end:
        send()
        client.turn(0.1)
    backend = None
    listener.settimeout(5)
    while backend is None or not taken:
        backend, _ = listener.accept()
        backend.settimeout(0.5)
        try:
            taken = backend.recv(1 << 16)
        except OSError:
            taken = b''
    # Now it takes all; the client is slow to see it.
    end = time.monotonic() + 1.5
    backend.setblocking(False)
    while time.monotonic() < end:
        try:
            backend.recv(1 << 20)
        except BlockingIOError:
            time.sleep(0.02)
    assert not asked.over
    client.turn(0.5)
    while client.turn(0.1):
        pass
    assert not asked.over, (asked.status, asked.reset)
    assert 'stopped coming' not in outrider.log
    client.close()
    backend.close()
    listener.close()


# ---- backends -----------------------------------------------------------------------------------

def test_a_full_listen_queue_and_no_queue_of_ours_is_a_503(configured, full_backend):
    outrider = configured(full_backend, pool='queue = 0')
    client = Client(outrider.tls_port)
    assert client.get('/sleep.php').status == 503
    assert client.get('/assets/style.css').status == 200


def test_a_full_listen_queue_is_not_waited_for_longer_than_queue_timeout(configured, full_backend):
    outrider = configured(full_backend, pool='queue-timeout = 1s')
    client = Client(outrider.tls_port)
    asked = [client.request('/sleep.php') for _ in range(3)]
    client.wait(*asked, timeout=6)
    assert [e.status for e in asked] == [503] * 3


def test_a_kept_connection_is_read_again_after_its_client_was_slow(configured, make_fpm):
    outrider = configured(make_fpm(children=1), pool='keepalive = 1\n think-timeout = 3s',
                          site='buffer-response = false')
    client = Client(outrider.tls_port, window=1 << 20)
    for n in range(20):
        # PHP's last bytes come in one read with its END: reading is paused then.
        assert len(client.get('/page.php').body) > 100000
        assert client.get(f'/sleep.php?ms=0&n={n}').body == b'slept 0 as %d' % n


@pytest.mark.parametrize('field', ['Content-Length: many', 'Content-Length: 1\\r\\nContent-Length: 2'])
@pytest.mark.parametrize('tls', [True, False])
def test_a_length_that_no_client_may_see_is_left_out(configured, fpm, site, field, tls):
    lines = ' '.join(f"header('{line}', false);" for line in field.split('\\r\\n'))
    (site / 'wrong.php').write_text(f'<?php {lines} echo "body";')
    outrider = configured(fpm)
    if tls:
        client = Client(outrider.tls_port)
        answer = client.get('/wrong.php', timeout=5)
        assert (answer.status, answer.body, answer.header('content-length')) == (200, b'body', None)
        assert client.get('/assets/style.css').status == 200
    else:
        with clear(outrider, timeout=5) as sock:
            sock.sendall(get('/wrong.php'))
            answer = b''
            while not answer.endswith(b'\r\n4\r\nbody\r\n0\r\n\r\n'):
                answer += (piece := sock.recv(65536))
                assert piece, answer
            assert answer.startswith(b'HTTP/1.1 200 ') and b'content-length' not in answer.lower()


def test_a_head_that_fills_what_was_left_of_the_queue_is_followed_by_its_body(configured, site):
    """Of two requests sent at once: the first answer leaves 20 bytes of the queue's 64 KiB."""
    (site / 'first.bin').write_bytes(bytes(60000))
    (site / 'second.bin').write_bytes(bytes(70000))
    outrider = configured()
    with clear(outrider) as sock:
        sock.sendall(get('/first.bin', 'Connection: close\r\n'))
        head = len(read_all(sock)) - 60000 - len('Connection: close\r\n')
    (site / 'first.bin').write_bytes(bytes(65536 - 20 - head))
    time.sleep(1.2)
    with clear(outrider, timeout=5) as sock:
        sock.sendall(get('/first.bin') + get('/second.bin', 'Connection: close\r\n'))
        assert len(read_all(sock)) > 65536 - 20 + 70000


# ---- sharing ------------------------------------------------------------------------------------

def test_one_fast_reader_leaves_the_others_their_turn(configured, site):
    with open(site / 'huge.bin', 'wb') as file:
        file.truncate(3 << 30)
    outrider = configured()
    stop = threading.Event()

    def drain():
        with clear(outrider) as sock:
            sock.sendall(get('/huge.bin'))
            room = bytearray(1 << 20)
            while not stop.is_set() and sock.recv_into(room):
                pass

    readers = [threading.Thread(target=drain) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        time.sleep(0.3)
        slowest = 0
        with clear(outrider) as sock:
            for _ in range(20):
                began = time.monotonic()
                sock.sendall(get('/assets/style.css'))
                assert read_answer(sock)[0] == 200
                slowest = max(slowest, time.monotonic() - began)
        assert slowest < 0.5
    finally:
        stop.set()
        for reader in readers:
            reader.join()


# ---- files --------------------------------------------------------------------------------------

def test_a_root_may_be_replaced_by_another_folder_of_its_name(configured, tmp_path):
    for name in ('root', 'next'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'a.txt').write_text(name)
    client = Client(configured(root=tmp_path / 'root').tls_port)
    assert client.get('/a.txt').body == b'root'
    (tmp_path / 'root').rename(tmp_path / 'last')
    (tmp_path / 'next').rename(tmp_path / 'root')
    time.sleep(1.2)
    assert client.get('/a.txt').body == b'next'


def test_a_file_changed_without_a_sign_in_its_size_or_time_is_read_again(configured, site):
    (site / 'a.txt').write_text('public')
    client = Client(configured().tls_port)
    assert client.get('/a.txt').body == b'public'
    # Same size, same time of change: only the inode tells.
    stat = os.stat(site / 'a.txt')
    (site / 'a.txt').write_text('secret')
    os.utime(site / 'a.txt', ns=(stat.st_atime_ns, stat.st_mtime_ns))
    time.sleep(1.2)
    assert client.get('/a.txt').body == b'secret'


def test_a_large_file_that_is_deleted_is_not_held_open(configured, site):
    (site / 'large.bin').write_bytes(bytes(1 << 20))
    outrider = configured()
    client = Client(outrider.tls_port)
    assert len(client.get('/large.bin').body) == 1 << 20
    (site / 'large.bin').unlink()
    fds = f'/proc/{outrider.pid}/fd'
    held = [os.readlink(f'{fds}/{fd}') for fd in os.listdir(fds) if os.path.islink(f'{fds}/{fd}')]
    assert not any('large.bin' in name for name in held)


def test_a_file_that_shrinks_while_it_is_sent_does_not_look_complete(configured, site):
    (site / 'large.bin').write_bytes(bytes(24 << 20))
    outrider = configured()
    with clear(outrider, rcvbuf=16384) as sock:
        sock.sendall(get('/large.bin'))
        got = len(sock.recv(1000))
        time.sleep(0.3)
        os.truncate(site / 'large.bin', 100)
        try:
            got += len(read_all(sock))
        except ConnectionResetError:
            pass
        assert got < 24 << 20
    assert outrider.is_running()


def test_what_is_no_file_is_not_opened(configured, site):
    os.mkfifo(site / 'fifo.txt')
    (site / 'folder.txt').mkdir()
    client = Client(configured().tls_port)
    assert client.get('/fifo.txt', timeout=3).status in (403, 404)
    assert client.get('/folder.txt', timeout=3).status in (301, 403, 404)


# ---- ends of connections ------------------------------------------------------------------------

def test_the_preface_of_http2_does_no_harm_at_the_admin_endpoint(configured, tmp_path):
    outrider = configured()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(tmp_path / 'admin.sock'))
        sock.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        try:
            sock.recv(1000)
        except ConnectionResetError:
            pass
    assert outrider.is_running()
    assert Client(outrider.tls_port).get('/assets/style.css').status == 200


def test_a_client_that_has_shut_its_side_gets_the_file(configured, site):
    (site / 'large.bin').write_bytes(bytes(24 << 20))
    outrider = configured()
    with clear(outrider, rcvbuf=16384) as sock:
        sock.sendall(get('/large.bin'))
        sock.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        assert len(read_all(sock)) > 24 << 20


def test_close_notify_is_answered(configured):
    outrider = configured()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = context.wrap_socket(socket.create_connection(('127.0.0.1', outrider.tls_port), 5),
                               server_hostname='localhost')
    sock.sendall(get('/assets/style.css'))
    assert read_answer(sock)[0] == 200
    sock.unwrap().close()


def ended(data, number):
    """Whether the frames in `data` complete the stream: END_STREAM on DATA."""
    while len(data) >= 9:
        length, kind, flags, stream = struct.unpack('>I', b'\0' + data[:3])[0], data[3], data[4], data[5:9]
        if kind == 0 and flags & 1 and struct.unpack('>I', stream)[0] == number:
            return len(data) >= 9 + length
        data = data[9 + length:]
    return False


def test_a_request_that_crosses_a_goaway_is_answered(configured):
    """RFC 9113, 6.8: the first GOAWAY names no stream; the second comes after the client's answer."""
    outrider = configured()
    client = Client(outrider.tls_port)
    assert client.get('/assets/style.css').status == 200
    outrider.process.terminate()
    time.sleep(0.5)  # the GOAWAY is on its way, we have not read it
    asked = client.request('/assets/style.css')
    # python-h2 knows nothing that may follow a GOAWAY, so the frames are looked at here.
    data, end = b'', time.monotonic() + 5
    while not ended(data, asked.number) and time.monotonic() < end:
        part = client.sock.recv(65536)
        assert part, 'closed without an answer'
        data += part
    client.close()
    assert outrider.process.wait(5) == 0


def test_a_client_that_ignores_a_goaway_does_not_keep_the_program(configured):
    outrider = configured()
    client = Client(outrider.tls_port)
    assert client.get('/assets/style.css').status == 200
    began = time.monotonic()
    outrider.process.terminate()
    assert outrider.process.wait(10) == 0
    assert time.monotonic() - began < 7
    client.close()


def test_a_process_without_descriptors_waits_quietly_until_it_has_some(configured):
    outrider = configured()
    limit = len(os.listdir(f'/proc/{outrider.pid}/fd')) + 16
    resource.prlimit(outrider.pid, resource.RLIMIT_NOFILE, (limit, limit))
    many = []
    for _ in range(40):
        many.append(clear(outrider, timeout=2))
        many[-1].sendall(get('/assets/style.css'))
    assert read_answer(many[0])[0] == 200, 'those that are in are served'
    time.sleep(1)
    assert len(outrider.log) < 20000, 'the log is flooded'
    for sock in many[:20]:
        sock.close()
    assert read_answer(many[20])[0] == 200, 'those who wait are served when there is room'
    for sock in many:
        sock.close()
    assert outrider.stop() == 0
