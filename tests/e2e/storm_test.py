# SPDX-License-Identifier: MIT
"""A storm on the whole program: clients that say anything in HTTP/1, HTTP/2 and TLS, read slowly, leave
anywhere, and servers that misbehave in every way at once. Nobody knows what must come of it; but an
honest visitor is answered all the time, and nothing is left behind. With CI_FULL=1 it takes ten minutes;
OUTRIDER=build/asan/outrider SANITIZED=1 shows what is kept too long."""
import contextlib
import os
import random
import socket
import ssl
import struct
import threading
import time

from faults_test import ask, metrics, misbehaving, start  # noqa: F401
from h2_flood_test import (DATA, END_HEADERS, END_STREAM, FLOODS, HEADERS, PREFACE, RST_STREAM, SETTINGS, U32,
                           WINDOW_UPDATE, block, frame, request, resident_mib)
from load_test import descriptors
from misbehave import BEHAVIOURS
from servers import SANITIZED, until

FULL = os.environ.get('CI_FULL') == '1'
SECONDS = 600 if FULL else 4
CLIENTS = 12
PATIENCE = 'think-timeout = 400ms idle-timeout = 400ms total-timeout = 2s queue-timeout = 1s keepalive = 2'
RARE = ['large', 'flood'] + ['works'] * FULL        # which goes on for 20 s, whoever leaves
NAMES = [name for name in BEHAVIOURS if name not in ('large', 'flood', 'works')] * 3 + RARE


def target(chance):
    return chance.choice([f'/x.php?{chance.choice(NAMES)}'] * 6 +
                         ['/large.bin', '/small.txt', '/none.txt', '/', '/../x', '/%00', '/' + 'y' * 9000, '*'])


def line(chance):
    return chance.choice([b'Host: localhost', b'Host: a b', b'Content-Length: 5', b'Content-Length: 100000',
                          b'Content-Length: -1', b'Transfer-Encoding: chunked', b'Connection: close', b'X', b'X : y',
                          b'Expect: 100-continue', b'Range: bytes=0-9,5-', b'Upgrade: h2c', b'Accept-Encoding: gzip',
                          b'If-None-Match: *', b'Cookie: ' + b'c=d; ' * 900, b'\0', b'Sec-Fetch-Mode: navigate'])


def http1(chance):
    """Requests, more or less, one behind the other."""
    out = b''
    for _ in range(chance.randint(1, 5)):
        method = chance.choice([b'GET', b'GET', b'POST', b'HEAD', b'PUT', b'OPTIONS', b'TRACE', b'get', b'\x16\x03'])
        lines = [line(chance) for _ in range(chance.randint(0, 4))] + [b'Host: localhost']
        out += method + b' ' + target(chance).encode() + b' HTTP/1.1\r\n' + b'\r\n'.join(lines) + b'\r\n\r\n'
        out += chance.choice([b'', b'', b'hello', b'5\r\nhello\r\n0\r\n\r\n', b'fffffffffffffffff\r\n',
                              bytes(chance.randint(0, 99999))])
    return out


def http2(chance):
    """Frames, more or less, in any order."""
    kinds = [lambda stream: request(stream, head=block(target(chance)))] * 6 + [
        lambda stream: request(stream, END_HEADERS, block(target(chance), 'POST')),
        lambda stream: request(stream, END_STREAM, block(target(chance))),
        lambda stream: frame(DATA, chance.choice([0, END_STREAM, 8]), stream, bytes(chance.randint(0, 16384))),
        lambda stream: frame(RST_STREAM, 0, stream, U32(chance.randint(0, 13))),
        lambda stream: frame(WINDOW_UPDATE, 0, chance.choice([0, stream]), U32(chance.choice([0, 1, 99999, 1 << 31]))),
        lambda stream: frame(SETTINGS, 0, 0, struct.pack('>HI', chance.randint(0, 9), chance.choice([0, 1, 1 << 20]))),
        lambda stream: frame(HEADERS, END_HEADERS, stream, chance.randbytes(chance.randint(0, 60))),
        lambda stream: frame(chance.randint(0, 12), chance.randint(0, 255), stream, chance.randbytes(8)),
        lambda stream: chance.choice(list(FLOODS.values()))[1](stream // 2) * chance.randint(1, 200),
        lambda stream: chance.randbytes(chance.randint(1, 30)),
    ]
    return PREFACE + b''.join(chance.choice(kinds)(2 * n + 1) for n in range(chance.randint(1, 40)))


class Storm:
    def __init__(self, outrider, seed):
        self.outrider, self.chance, self.made = outrider, random.Random(seed), 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.ended.is_set():
            self.made += 1
            with contextlib.suppress(OSError, EOFError):
                self._connect(self.chance.choice([self.outrider.clear_port, self.outrider.tls_port]))

    def _connect(self, port):
        with socket.create_connection(('127.0.0.1', port), 10) as sock:
            if self.chance.random() < 0.3:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            if self.chance.random() < 0.3:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            sock.settimeout(0.05)
            is_h2 = self.chance.random() < 0.5
            if port == self.outrider.tls_port and self.chance.random() < 0.9:
                sock.settimeout(2)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(['h2'] if is_h2 else ['http/1.1'])
                sock = context.wrap_socket(sock, server_hostname='localhost')
                sock.settimeout(0.05)
            self._talk(sock, http2(self.chance) if is_h2 else http1(self.chance))

    def _talk(self, sock, out):
        """Says it in pieces, and reads now and then, slowly or not at all."""
        until_ = time.monotonic() + self.chance.choice([0.1, 0.5, 3])
        reads, most = self.chance.random() < 0.8, self.chance.choice([100, 65536])
        with sock:
            while time.monotonic() < until_ and not self.ended.is_set():
                piece, out = out[:(n := self.chance.choice([1, 30, 5000, 1 << 20]))], out[n:]
                with contextlib.suppress(TimeoutError):
                    if piece:
                        sock.sendall(piece)
                    if reads and not sock.recv(most):
                        return
                if not piece and not reads:
                    time.sleep(0.05)


def test_a_storm_leaves_others_alone_and_nothing_behind(start, misbehaving, tmp_path):      # noqa: F811
    root = tmp_path / 'root'
    root.mkdir()
    (root / 'large.bin').write_bytes(bytes(4 << 20))
    (root / 'small.txt').write_bytes(b'small')
    (root / 'x.php').write_text('')
    outrider = start(misbehaving(backlog=256).address, misbehaving(tcp=True, backlog=256).address, root=root, workers=2,
                     pool=PATIENCE, top='timeouts { send = 3s body = 3s head = 3s idle = 3s }')
    before = descriptors(outrider)
    memory, answered, began = 0, 0, time.monotonic()
    storms = [Storm(outrider, seed) for seed in range(CLIENTS)]
    try:
        while time.monotonic() - began < SECONDS:
            answer = ask(outrider.clear_port, '/small.txt', timeout=20)
            assert (answer.status, answer.body) == (200, b'small')
            answered += 1
            if time.monotonic() - began < SECONDS / 2:
                memory = max(memory, resident_mib(outrider))
            time.sleep(0.05)
    finally:
        for storm in storms:
            storm.ended.set()
        for storm in storms:
            storm.thread.join(30)
    print(f'{sum(storm.made for storm in storms)} connections in {SECONDS} s, {answered} honest answers, '
          f'{memory:.0f} then {resident_mib(outrider):.0f} MiB', metrics(outrider))
    until(lambda: metrics(outrider)['orphans'] == 0, 40, 'servers work for nobody')
    until(lambda: metrics(outrider)['connections'] <= 1, 20, 'connections are left')
    until(lambda: descriptors(outrider) <= before + 4, 20, 'descriptors are left')
    assert SANITIZED or resident_mib(outrider) < memory + 32
