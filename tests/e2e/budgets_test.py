# SPDX-License-Identifier: MIT
"""What the clients of one network may hold: connections, handshakes, requests, places in a queue,
abandoned requests, memory and disk. What one is refused another gets; what is over is forgotten."""
import contextlib
import re
import socket
import ssl
import time
from pathlib import Path

import pytest
from faults_test import errors, metrics, misbehaving, start  # noqa: F401
from h2client import Client, Exchange
from hpack import Encoder
from hyperframe.frame import HeadersFrame, SettingsFrame
from servers import SANITIZED, until

HOSTILE, OTHER = '127.0.0.2', '127.0.0.3'
REFUSED_STREAM = 7
MIB = 1 << 20


@pytest.fixture
def bounded(start, misbehaving):  # noqa: F811
    def make(bounds, pool='', workers=1):
        raw = misbehaving()
        outrider = start(raw.address, pool=pool, workers=workers, top=f'clients {{ except = {{}} {bounds} }}')
        return outrider, raw
    return make


def connect(outrider, source):
    return socket.create_connection(('127.0.0.1', outrider.clear_port), 10, (source, 0))


def status(sock, target='/x.php?plain'):
    """Of a request over HTTP/1.1; None when the connection is closed instead."""
    sock.settimeout(10)
    try:
        sock.sendall(f'GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
        found = re.match(rb'HTTP/1.1 (\d+)', sock.recv(65536))
    except ConnectionError:
        return None
    return int(found[1]) if found else None


def once(outrider, source, target='/x.php?plain'):
    with connect(outrider, source) as sock:
        return status(sock, target)


def client(outrider, source, **rest):
    return Client(outrider.clear_port, tls=False, source=source, **rest)


def answered(c, question):
    until(lambda: question() or (c.turn(0.1) and question()), 10, 'no answer')


def test_one_network_can_not_take_all_connections(bounded):
    outrider, _ = bounded('connections = 3')
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(connect(outrider, HOSTILE)) for _ in range(3)]
        assert [status(sock) for sock in mine] == [200] * 3
        assert once(outrider, HOSTILE) is None
        assert once(outrider, OTHER) == 200
        assert errors(outrider) == {'client_connections': 1}
        outrider.wait_log(f'connection from {HOSTILE} closed: too many connections from one client network')
    until(lambda: once(outrider, HOSTILE) == 200, 5, 'the places were not given back')


def test_workers_share_what_a_network_may_hold(bounded):
    outrider, _ = bounded('connections = 6', workers=4)
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(connect(outrider, HOSTILE)) for _ in range(20)]
        assert [status(sock) for sock in mine].count(200) == 6
        assert once(outrider, OTHER) == 200


def test_one_network_can_not_take_all_handshakes(bounded):
    outrider, _ = bounded('handshakes = 1')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def shakes_hands(source):
        with socket.create_connection(('127.0.0.1', outrider.tls_port), 10, (source, 0)) as sock:
            try:
                context.wrap_socket(sock, server_hostname='localhost').close()
            except OSError:
                return False
        return True

    assert [shakes_hands(HOSTILE) for _ in range(10)] == [True] * 10
    refused = [shakes_hands(HOSTILE) for _ in range(5)].count(False)
    assert refused >= 3     # a slow machine has earned one or two meanwhile
    assert shakes_hands(OTHER)
    assert once(outrider, HOSTILE) == 200
    assert errors(outrider) == {'client_handshakes': refused}


def test_one_network_can_not_have_all_requests_under_way(bounded):
    outrider, _ = bounded('requests = 2')
    with client(outrider, HOSTILE, window=0) as c:
        held = [c.request('/x.php?plain') for _ in range(2)]
        answered(c, lambda: all(e.status for e in held))
        over = [c.request('/x.php?plain') for _ in range(2)]
        answered(c, lambda: all(e.status for e in over))
        assert [e.status for e in over] == [429, 429]
        assert over[0].header('retry-after') is not None
        beyond = c.request('/x.php?plain')
        c.wait(beyond)
        assert (beyond.status, beyond.reset) == (None, REFUSED_STREAM)
        assert once(outrider, HOSTILE) is None      # on HTTP/1.1 that is a closed connection
        assert once(outrider, OTHER) == 200
        assert errors(outrider)['client_requests'] == 4
    until(lambda: once(outrider, HOSTILE) == 200, 5, 'the places were not given back')


def test_one_network_can_not_have_the_whole_queue(bounded):
    outrider, raw = bounded('queue = 2', pool='connections = 1 queue = 8 queue-timeout = 20s')
    with client(outrider, HOSTILE) as c:
        asked = [c.request('/x.php?never') for _ in range(3)]
        c.get('/none.txt')      # all of these have been read
        over = c.get('/x.php?plain')
        assert over.status == 429
        with client(outrider, OTHER) as other:
            waits = other.request('/x.php?plain')
            other.get('/none.txt')
            for exchange in asked:
                c.abort(exchange)
            raw.stop()      # what ran ends
            other.wait(waits)
            assert waits.status != 429
    assert errors(outrider)['client_queue'] == 1


def test_one_network_can_not_have_all_executions_with_what_it_abandons(bounded):
    outrider, raw = bounded('orphans = 2', pool='connections = 4')
    with client(outrider, HOSTILE) as c:
        asked = [c.request('/x.php?works') for _ in range(2)]
        until(lambda: raw.count('works') == 2, 10, 'not asked')
        for exchange in asked:
            c.abort(exchange)
        assert c.get('/x.php?plain').status == 429
        assert once(outrider, OTHER) == 200
        assert errors(outrider)['client_orphans'] == 1
    assert once(outrider, HOSTILE) == 429       # its connection is gone, its orphans are not


@pytest.mark.parametrize('bounds, expected, other', [
    ('disk = 1MB', (503, 'client_disk'), 200), ('all-disk = 1MB', (507, 'spool_all'), 507)])
def test_bodies_that_wait_hold_so_much_disk(bounded, bounds, expected, other):
    outrider, _ = bounded(bounds)
    with client(outrider, HOSTILE) as c:
        uploads = [begin_upload(c, MIB) for _ in range(4)]
        for upload in uploads:
            if not upload.over:
                c.send_body(upload, b'x' * (400 << 10), end=False)
        answered(c, lambda: any(u.status for u in uploads))
        assert {u.status for u in uploads if u.status} == {expected[0]}
        assert errors(outrider).keys() == {expected[1]}
        with client(outrider, OTHER) as honest:
            assert post(honest, 300 << 10) == other
    # All has been given back.
    with client(outrider, HOSTILE) as c:
        until(lambda: post(c, 300 << 10) == 200, 5, 'the disk was not given back')


def begin_upload(c, size):
    """Of which nothing has come yet."""
    fields = [(':method', 'POST'), (':scheme', 'http'), (':authority', c.authority),
              (':path', '/x.php?plain'), ('content-length', str(size))]
    number = c.h2.get_next_available_stream_id()
    exchange = c.exchanges[number] = Exchange('/x.php?plain')
    exchange.number = number
    c.h2.send_headers(number, fields)
    c.flush()
    return exchange


def post(c, size):
    return c.get('/x.php?plain', method='POST', body=b'x' * size).status


def on_disk(outrider):
    """Bytes of the files without names that it has open."""
    found = 0
    for fd in Path(f'/proc/{outrider.pid}/fd').iterdir():
        with contextlib.suppress(OSError):
            if fd.readlink().name.endswith('(deleted)'):
                found += fd.stat().st_size
    return found


def test_a_response_that_would_take_more_disk_makes_the_pool_wait(bounded):
    outrider, _ = bounded('disk = 1MB')
    with connect(outrider, HOSTILE) as sock:
        sock.sendall(b'GET /x.php?large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        until(lambda: on_disk(outrider) > MIB - (128 << 10), 10, 'nothing waits')
        time.sleep(0.3)
        assert on_disk(outrider) <= MIB
        assert once(outrider, HOSTILE) == 200
        sock.settimeout(10)
        got = b''.join(iter(lambda: sock.recv(1 << 20), b''))
        assert got.count(b'x') == 12000000
    assert errors(outrider) == {}
    until(lambda: on_disk(outrider) == 0, 5, 'files are left')


# ---- the memory bomb ----------------------------------------------------------------------------

def bomb(outrider, source, streams=100):
    """A connection whose requests repeat one field of 390 bytes 33 times, a byte each on the wire, and
    that takes nothing of the answers."""
    encoder = Encoder()
    fields = [(':method', 'GET'), (':scheme', 'http'), (':authority', 'localhost'), (':path', '/x.php?plain'),
              *[('x', 'v' * 390)] * 33]
    blocks = [encoder.encode(fields), encoder.encode(fields)]
    frames = [HeadersFrame(2 * n + 1, blocks[min(n, 1)], flags=['END_HEADERS', 'END_STREAM'])
              for n in range(streams)]
    sock = connect(outrider, source)
    sock.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' +
                 SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 0}).serialize() +
                 b''.join(frame.serialize() for frame in frames))
    return sock


def resident_mib(outrider):
    return int(re.search(r'VmRSS:\s+(\d+) kB', Path(f'/proc/{outrider.pid}/status').read_text())[1]) / 1024


@pytest.mark.parametrize('bounds', ['', 'requests = 0'])
def test_many_requests_that_wait_hold_little_memory_and_give_it_back(bounded, bounds):
    outrider, _ = bounded(bounds, pool='queue = 8 connections = 8')
    assert once(outrider, OTHER) == 200
    before = resident_mib(outrider)
    socks = [bomb(outrider, HOSTILE) for _ in range(60)]
    asked = metrics(outrider)
    until(lambda: metrics(outrider)['requests_total{protocol="h2"}'] == 6000, 60, f'not read: {asked}')
    time.sleep(2.5)     # until what answers were made from is freed
    most = outrider.peak_mib() - before
    assert once(outrider, OTHER) is not None
    for sock in socks:
        sock.close()
    until(lambda: metrics(outrider)['connections'] <= 1, 20, 'connections are left')
    assert once(outrider, OTHER) == 200
    if not SANITIZED:
        assert most < 200, f'{most:.0f} MiB'    # it was 1,472
        until(lambda: resident_mib(outrider) < before + 24, 10, f'{resident_mib(outrider):.0f} MiB are kept')
