# SPDX-License-Identifier: MIT
"""Slow and fickle clients hold no PHP: bodies are buffered, and a request that its client gave up
counts as executing until PHP is done with it."""
import hashlib
import os
import socket
import time

import pytest
from servers import until

CONFIG = '''
workers = {workers}
listen "https://localhost:0" {{ }}
listen "http://127.0.0.1:0" {{ }}
pool "php" {{ servers = {{ "unix:{socket}" }} connections = {connections} queue = {queue} }}
site "localhost" {{
  root = "{root}"
  pool = "php"
  {site_options}
  route "/stream.php" {{ buffer-response = false }}
}}
admin {{ listen = "unix:{admin}" }}
'''


def configured(make_outrider, tmp_path, site, fpm, connections=0, queue=256, site_options='', workers=1):
    admin = tmp_path / 'admin.sock'
    outrider = make_outrider(config=CONFIG.format(
        socket=fpm.path, root=site, admin=admin, connections=connections, queue=queue,
        site_options=site_options, workers=workers))
    outrider.admin = str(admin)
    return outrider


def deleted_files(outrider):
    folder = f'/proc/{outrider.pid}/fd'
    return sum('(deleted)' in os.readlink(f'{folder}/{fd}') for fd in os.listdir(folder))


def head_of(outrider, request):
    sock = socket.create_connection(('127.0.0.1', outrider.clear_port))
    sock.settimeout(10)
    sock.sendall(request)
    return sock


def test_a_slow_upload_holds_no_php_worker(make_outrider, make_fpm, tmp_path, site):
    fpm = make_fpm(children=1)
    outrider = configured(make_outrider, tmp_path, site, fpm)
    slow = head_of(outrider, b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf')
    quick = head_of(outrider, b'GET /sleep.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    # The only worker of the pool answers others meanwhile.
    assert quick.recv(100).startswith(b'HTTP/1.1 200')
    slow.sendall(b'done')
    answer = slow.recv(65536)
    assert answer.startswith(b'HTTP/1.1 200')
    assert hashlib.sha256(b'halfdone').hexdigest().encode() in answer


def test_a_slow_download_holds_no_php_worker(make_outrider, make_fpm, tmp_path, site):
    fpm = make_fpm(children=1)
    outrider = configured(make_outrider, tmp_path, site, fpm)
    slow = head_of(outrider, b'GET /big.php?mib=30 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert slow.recv(10)
    quick = head_of(outrider, b'GET /sleep.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert quick.recv(100).startswith(b'HTTP/1.1 200')
    until(lambda: deleted_files(outrider) == 1, 5, 'no temporary file')
    data = b'HTTP/1.1 2'
    while part := slow.recv(1 << 20):
        data += part
    body, rest = b'', data.partition(b'\r\n\r\n')[2]
    while rest != b'0\r\n\r\n':
        size, _, rest = rest.partition(b'\r\n')
        size = int(size, 16)
        body, rest = body + rest[:size], rest[size + 2:]
    assert len(body) == 30 << 20
    assert all(body[n << 10:].startswith(b'%d ' % n) for n in range(0, 30 << 10, 997))
    until(lambda: deleted_files(outrider) == 0, 5, 'the temporary file stays')
    assert outrider.peak_mib() < 64 or 'SANITIZED' in os.environ


def test_a_body_of_unknown_length_arrives_whole(make_outrider, fpm, tmp_path, site):
    outrider = configured(make_outrider, tmp_path, site, fpm)
    body = os.urandom(3 << 20)
    sock = head_of(outrider, b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    for at in range(0, len(body), 100000):
        part = body[at:at + 100000]
        sock.sendall(b'%x\r\n%s\r\n' % (len(part), part))
    sock.sendall(b'0\r\n\r\n')
    assert hashlib.sha256(body).hexdigest().encode() in sock.recv(65536)


def test_a_body_over_the_limit_is_refused_before_php_sees_it(make_outrider, fpm, tmp_path, site):
    outrider = configured(make_outrider, tmp_path, site, fpm, site_options='body-limit = "100k"')
    announced = head_of(outrider, b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n')
    assert announced.recv(100).startswith(b'HTTP/1.1 413')
    grown = head_of(outrider, b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    grown.sendall(b'1ffff\r\n' + b'x' * 0x1ffff + b'\r\n')
    assert grown.recv(100).startswith(b'HTTP/1.1 413')


def test_no_disk_for_a_body_is_507(make_outrider, fpm, tmp_path, site):
    outrider = configured(make_outrider, tmp_path, site, fpm)
    config = (tmp_path / 'outrider0/outrider.conf')
    text = config.read_text().replace('workers = 1', 'workers = 1\ntemp = "/nonexistent"')
    other = make_outrider(config=text.replace('admin.sock', 'admin2.sock'))
    other.admin = str(tmp_path / 'admin2.sock')
    sock = head_of(other, b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n' + b'x' * 200000)
    assert sock.recv(100).startswith(b'HTTP/1.1 507')
    small = head_of(other, b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour')
    assert small.recv(100).startswith(b'HTTP/1.1 200')
    assert outrider.is_running()


def test_no_disk_for_a_response_makes_php_wait_and_loses_nothing(make_outrider, fpm, tmp_path, site):
    outrider = configured(make_outrider, tmp_path, site, fpm)
    config = (tmp_path / 'outrider0/outrider.conf')
    text = config.read_text().replace('workers = 1', 'workers = 1\ntemp = "/nonexistent"')
    other = make_outrider(config=text.replace('admin.sock', 'admin2.sock'))
    sock = head_of(other, b'GET /big.php?mib=10 HTTP/1.0\r\nHost: localhost\r\n\r\n')
    time.sleep(1)
    data = b''
    while part := sock.recv(1 << 16):
        data += part
    body = data.partition(b'\r\n\r\n')[2]
    assert len(body) == 10 << 20
    assert all(body[n << 10:].startswith(b'%d ' % n) for n in range(10 << 10))
    assert outrider.is_running()


@pytest.fixture
def counted(site):
    """How many of busy.php execute, and have executed at once at most."""
    os.chmod(site, 0o777)
    (site / 'busy.count').write_text('0 0')
    os.chmod(site / 'busy.count', 0o666)
    return site / 'busy.count'


def check_count(counted, most):
    until(lambda: counted.read_text().startswith('0 '), 10, 'PHP is still busy')
    assert 1 <= int(counted.read_text().split()[1]) <= most


@pytest.mark.parametrize('workers', [1, 4])
def test_requests_given_up_count_until_php_is_done_with_them(
        make_outrider, make_fpm, tmp_path, site, connect, counted, workers):
    fpm = make_fpm(children=8)
    outrider = configured(make_outrider, tmp_path, site, fpm, connections=2, workers=workers)
    for _ in range(30):
        client = connect(outrider)  # each resets less than what is an attack
        exchanges = [client.request('/busy.php?ms=300') for _ in range(10)]
        client.flush()
        time.sleep(0.05)
        for exchange in exchanges:
            client.abort(exchange)
        client.flush()
        client.close()
    check_count(counted, 2)
    # The slots come back.
    assert connect(outrider).get('/busy.php?ms=1').status == 200
    status, text = outrider.ask_admin('/metrics')
    assert status == 200 and b'outrider_orphans 0\n' in text


def test_unfinished_uploads_given_up_count_until_php_is_done_with_them(
        make_outrider, make_fpm, tmp_path, site, connect, counted):
    """PHP runs with what it has got of the body, and does not notice that nobody waits."""
    fpm = make_fpm(children=8)
    outrider = configured(make_outrider, tmp_path, site, fpm, connections=1,
                          site_options='buffer-request = false')
    for _ in range(12):
        sock = head_of(outrider, b'POST /busy.php?ms=300 HTTP/1.1\r\nHost: localhost\r\n'
                                 b'Content-Length: 100\r\n\r\nhalf')
        time.sleep(0.05)
        sock.close()
    check_count(counted, 1)
    assert connect(outrider).get('/busy.php?ms=1').status == 200


def test_a_full_queue_is_503_with_retry_after(make_outrider, fpm, tmp_path, site, connect):
    outrider = configured(make_outrider, tmp_path, site, fpm, connections=1, queue=2)
    client = connect(outrider)
    exchanges = [client.request('/sleep.php?ms=300') for _ in range(6)]
    client.wait(*exchanges)
    statuses = sorted(exchange.status for exchange in exchanges)
    assert statuses == [200, 200, 200, 503, 503, 503]
    refused = next(exchange for exchange in exchanges if exchange.status == 503)
    assert refused.header('retry-after')
