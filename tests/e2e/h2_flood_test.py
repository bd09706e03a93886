# SPDX-License-Identifier: MIT
"""The floods of HTTP/2 on the whole program: each ends by GOAWAY or a close, whatever it costs the
client, and meanwhile no more requests execute than may, memory stays, and others are answered. With
CI_FULL=1 each is sent by many connections for a minute."""
import os
import re
import socket
import struct
import threading
import time
from pathlib import Path

import pytest
from faults_test import metrics, misbehaving, start  # noqa: F401
from h2client import Client
from hpack import Encoder
from servers import SANITIZED, until

FULL = os.environ.get('CI_FULL') == '1'
CONNECTIONS, SECONDS = (40, 60) if FULL else (4, 10)
EXECUTIONS = 4
MOST = 4 << 20      # bytes that a flood may send on one connection and still be listened to
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + bytes([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])


def frame(kind, flags=0, stream=0, content=b''):
    return struct.pack('>I', len(content))[1:] + struct.pack('>BBI', kind, flags, stream) + content


def block(path='/x.php?works', method='GET', *more):
    return Encoder().encode([(':method', method), (':scheme', 'http'), (':authority', 'localhost'),
                             (':path', path), *more])


GET, POST = block(), block(method='POST')
U32 = struct.Struct('>I').pack


def request(stream, flags=END_HEADERS | END_STREAM, head=GET):
    return frame(HEADERS, flags, stream, head)


# name: (what is sent once, what is sent again and again by the number of the round)
FLOODS = {
    'rapid reset': (b'', lambda n: request(2 * n + 1) + frame(RST_STREAM, 0, 2 * n + 1, U32(8))),
    'made you reset: windows': (b'', lambda n: request(2 * n + 1) +
                                frame(WINDOW_UPDATE, 0, 2 * n + 1, U32(0x7fffffff))),
    'made you reset: window of 0': (b'', lambda n: request(2 * n + 1) + frame(WINDOW_UPDATE, 0, 2 * n + 1, U32(0))),
    'made you reset: itself': (b'', lambda n: request(2 * n + 1) +
                               frame(PRIORITY, 0, 2 * n + 1, U32(2 * n + 1) + b'\0')),
    'CONTINUATION': (frame(HEADERS, END_STREAM, 1, GET), lambda n: frame(CONTINUATION, 0, 1, b'\x40\1x\1y' * 200)),
    'empty CONTINUATION': (frame(HEADERS, END_STREAM, 1, GET), lambda n: frame(CONTINUATION, 0, 1)),
    'SETTINGS': (b'', lambda n: frame(SETTINGS, 0, 0, struct.pack('>HI', 4, n % 65536))),
    'PING': (b'', lambda n: frame(PING, 0, 0, b'flooding')),
    'empty DATA': (request(1, END_HEADERS, POST), lambda n: frame(DATA, 0, 1)),
    'padded DATA': (request(1, END_HEADERS, POST), lambda n: frame(DATA, 8, 1, b'\xff' + bytes(255))),
    'PRIORITY': (b'', lambda n: frame(PRIORITY, 0, 2 * n + 1, U32(0) + b'\1')),
    'window by a byte': (b'', lambda n: frame(WINDOW_UPDATE, 0, 0, U32(1))),
    'trailers': (b'', lambda n: request(2 * n + 1, END_HEADERS, POST) +
                 request(2 * n + 1, END_HEADERS | END_STREAM, Encoder().encode([(':path', '/')]))),
    'unknown frames': (b'', lambda n: frame(0xbb, 0, 0, b'x')),
}


class Flood:
    """One connection that floods until it is told to go or `stop` is set."""

    def __init__(self, port, name, stop):
        self.once, self.round = FLOODS[name]
        self.port, self.stop, self.sent, self.end = port, stop, 0, None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set() and (self.end is None or FULL):
            with socket.create_connection(('127.0.0.1', self.port), 10) as sock:
                self._flood(sock)

    def _flood(self, sock):
        self.sent, got, rounds = 0, b'', 0
        sock.settimeout(0.01)
        sock.sendall(PREFACE + self.once)
        while not self.stop.is_set():
            piece = b''.join(self.round(n) for n in range(rounds, rounds + 20))
            rounds += 20
            try:
                sock.sendall(piece)
                self.sent += len(piece)
            except TimeoutError:
                pass        # it is not read: that is a way to end a flood's harm, too, but no end of it
            except OSError:
                self.end = 'closed'
                return
            try:
                read = sock.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                read = b''
            got = got[-16:] + read
            if not read or re.search(rb'\0\0[\x08-\xff]\x07\0\0\0\0\0', got):
                self.end = 'GOAWAY' if read else 'closed'
                return


def resident_mib(outrider):
    return int(re.search(r'VmRSS:\s+(\d+) kB', Path(f'/proc/{outrider.pid}/status').read_text())[1]) / 1024


@pytest.mark.parametrize('name', FLOODS)
def test_a_flood_ends_and_harms_nobody(start, misbehaving, name):   # noqa: F811
    raw = misbehaving()
    outrider = start(raw.address, pool=f'connections = {EXECUTIONS}\nqueue = 100\nqueue-timeout = 200ms',
                     top='clients { except = {} }')
    other = Client(outrider.clear_port, tls=False, source='127.0.0.9')
    assert other.get('/none.txt').status == 404
    before, stop = resident_mib(outrider), threading.Event()
    floods = [Flood(outrider.clear_port, name, stop) for _ in range(CONNECTIONS)]
    began = time.monotonic()
    try:
        while time.monotonic() - began < SECONDS and any(f.thread.is_alive() for f in floods):
            assert len(raw.peers) <= EXECUTIONS
            assert other.get('/none.txt').status == 404
            time.sleep(0.02)
    finally:
        stop.set()
        for f in floods:
            f.thread.join(20)
    assert all(f.end for f in floods), f'{name}: still listened to after {[f.sent for f in floods]} bytes'
    assert FULL or max(f.sent for f in floods) < MOST
    other.close()
    until(lambda: metrics(outrider)['connections'] <= 1, 20, 'connections are left')
    assert SANITIZED or resident_mib(outrider) < before + 24
