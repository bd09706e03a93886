# SPDX-License-Identifier: MIT
"""Backends that are restarted under load, clients that give up by the hundred, and bodies larger than
memory. With CI_FULL=1 the bodies have 2 GB, else a sixteenth of that."""
import contextlib
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest
from faults_test import BRIDGE, CGI, Answer, ask, bridge, children, errors, metrics, start  # noqa: F401
from h2client import Client
from servers import SANITIZED, Fpm, until

MIB = 1 << 20
BODY_MIB = 2048 if os.environ.get('CI_FULL') == '1' else 128
MEMORY_MIB = 64


class Load:
    """Clients that ask one thing after the other until they are stopped."""

    def __init__(self, port, targets, clients=8):
        self.port, self.targets = port, targets
        self.stopped = threading.Event()
        self.answers = []       # (began, ended, target, Answer)
        self.hung = []
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, n):
        while not self.stopped.is_set():
            target = self.targets[n % len(self.targets)]
            began = time.monotonic()
            try:
                answer = ask(self.port, target, timeout=10)
            except TimeoutError:
                self.hung.append(target)
                return
            self.answers.append((began, time.monotonic(), target, answer))
            n += 1

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)
        assert not self.hung
        return self.answers

    def count(self):
        return len(self.answers)


HALVES = b'first half' * 10000 + b'second half'
TARGETS = {'/halves.php?ms=30': HALVES, '/sleep.php?ms=20&n=7': b'slept 20 as 7', '/halves.php?ms=0': HALVES}


def judge(answers, down=()):
    """Nothing looks whole that is not, and where somebody listened every GET got at least a part of its
    answer. Gives how many were whole, truncated, and refused while nobody listened."""
    whole = cut = refused = 0
    for began, ended, target, answer in answers:
        what = f'{target} {began:.3f} to {ended:.3f}, down {down}: {answer.data[:200]!r}'
        assert answer.status, what
        if answer.status != 200:
            assert answer.status in (502, 503) and answer.whole, what
            assert any(began <= until and ended >= since for since, until in down), what
            refused += 1
        elif answer.whole:
            assert answer.body == TARGETS[target], what
            whole += 1
        else:
            assert TARGETS[target].startswith(answer.body) and answer.body != TARGETS[target], what
            cut += 1
    return whole, cut, refused


def test_a_pool_that_reloads_under_load_fails_no_request_that_got_no_answer(start, make_fpm, site):
    fpm = make_fpm(children=4)
    outrider = start(f'unix:{fpm.path}', root=site, workers=2)
    load = Load(outrider.clear_port, list(TARGETS))
    old = set(children(fpm.pid))
    for _ in range(4):
        time.sleep(0.4)
        fpm.process.send_signal(signal.SIGUSR2)
    time.sleep(0.6)
    whole, cut, refused = judge(load.stop())
    assert not old & set(children(fpm.pid))
    assert whole > 50 and refused == 0 and cut <= 16
    with Client(outrider.tls_port) as client:
        assert client.get('/sleep.php?ms=1').status == 200


def test_a_pool_that_is_stopped_and_started_under_load_is_down_only_meanwhile(start, tmp_path, site):
    fpm = Fpm(tmp_path / 'fpm')
    down = []
    try:
        outrider = start(f'unix:{fpm.path}', root=site, workers=2)
        load = Load(outrider.clear_port, list(TARGETS))
        for _ in range(2):
            time.sleep(0.5)
            began = time.monotonic()
            fpm.stop()
            time.sleep(0.2)
            fpm = Fpm(tmp_path / 'fpm')
            with socket.socket(socket.AF_UNIX) as sock:
                until(lambda: sock.connect_ex(fpm.path) == 0, 5, 'php-fpm does not listen')
            down.append((began, time.monotonic()))
        since = load.count()
        time.sleep(0.6)
        whole, _, refused = judge(load.stop(), down)
        assert whole > 30 and refused > 0 and load.count() > since
    finally:
        fpm.stop()


# ---- clients that give up -----------------------------------------------------------------------

def give_up(port, seed, target):
    """Asks, and resets the connection at some moment."""
    chance = random.Random(seed)
    for _ in range(40):
        with socket.create_connection(('127.0.0.1', port), 10) as sock:
            if chance.random() < 0.5:
                sock.sendall(f'GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
            else:
                sock.sendall(f'POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n'
                             .encode() + bytes(chance.randrange(300001)))
            time.sleep(chance.uniform(0, 0.02))
            if chance.random() < 0.5:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def storm(outrider, target):
    threads = [threading.Thread(target=give_up, args=(outrider.clear_port, n, target)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def descriptors(outrider):
    """How many are open. That there is an answer means that what a listener opens once is open."""
    metrics(outrider)
    return len(os.listdir(f'/proc/{outrider.pid}/fd'))


def test_clients_that_give_up_leave_nothing_behind(start, make_fpm, site):
    fpm = make_fpm(children=4)
    outrider = start(f'unix:{fpm.path}', root=site, pool='connections = 4')
    assert ask(outrider.clear_port, '/sleep.php').status == 200
    before = descriptors(outrider)
    storm(outrider, '/big.php?mib=3')
    until(lambda: metrics(outrider)['orphans'] == 0, 10, 'PHP works on for nobody')
    until(lambda: descriptors(outrider) <= before, 10, 'descriptors are left')
    assert [ask(outrider.clear_port, '/sleep.php').status for _ in range(8)] == [200] * 8


def test_programs_whose_clients_give_up_end(bridge, start):     # noqa: F811
    program = bridge.root / 'endless.sh'
    program.write_text('#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nexec cat /dev/zero\n')
    program.chmod(0o755)
    outrider = start(bridge.address, root=bridge.root, pool='connections = 4 think-timeout = 2s', **CGI)
    assert ask(outrider.clear_port, '/environment.py').status == 200
    before = descriptors(outrider)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            sock = stack.enter_context(socket.create_connection(('127.0.0.1', outrider.clear_port), 10))
            sock.sendall(b'GET /endless.sh HTTP/1.1\r\nHost: localhost\r\n\r\n')
            assert sock.recv(1000)
    workers = children(bridge.pid)
    until(lambda: not any(map(children, workers)), 10, 'programs run on for nobody')
    until(lambda: metrics(outrider)['orphans'] == 0, 5, 'orphans')
    assert ask(outrider.clear_port, '/environment.py').status == 200
    until(lambda: descriptors(outrider) <= before, 10, 'descriptors are left')


# ---- large bodies -------------------------------------------------------------------------------

def block(n):
    return (b'%-15d\n' % n) * 65536


def check_memory(outrider):
    if not SANITIZED:
        assert outrider.peak_mib() < MEMORY_MIB


@pytest.fixture
def large(start, make_fpm, site, tmp_path):
    return start(f'unix:{make_fpm(children=2).path}', root=site, top=f'temp = "{tmp_path}"', site='''
        body-limit = "4GB"
        route "/streamed/*" { buffer-request = false buffer-response = false }''')


@pytest.fixture
def streamed(site):
    (site / 'streamed').mkdir()
    os.link(site / 'blocks.php', site / 'streamed/blocks.php')


@pytest.mark.parametrize('path', ['/blocks.php', '/streamed/blocks.php'])
@pytest.mark.parametrize('protocol', ['http1.1', 'http2'])
def test_a_large_download_arrives_whole_in_little_memory(streamed, large, path, protocol):
    url = f'https://localhost:{large.tls_port}{path}?mib={BODY_MIB}'
    with subprocess.Popen(['curl', '-sSkN', f'--{protocol}', url], stdout=subprocess.PIPE) as curl:
        for n in range(BODY_MIB):
            assert curl.stdout.read(MIB) == block(n), n
        assert curl.stdout.read() == b''
    assert curl.returncode == 0
    check_memory(large)


def upload(large, path, pieces, length):
    with socket.create_connection(('127.0.0.1', large.clear_port), 60) as sock:
        sock.sendall(f'PUT {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                     f'{length}\r\n\r\n'.encode())
        for piece in pieces:
            sock.sendall(piece)
        data = b''
        while part := sock.recv(1 << 16):
            data += part
    return Answer(data)


@pytest.mark.parametrize('path', ['/blocks.php', '/streamed/blocks.php'])
@pytest.mark.parametrize('framing', ['length', 'chunked'])
def test_a_large_upload_arrives_whole_in_little_memory(streamed, large, path, framing):
    crc = 0

    def pieces():
        nonlocal crc
        for n in range(BODY_MIB):
            data = block(n)
            crc = zlib.crc32(data, crc)
            yield b'%x\r\n%s\r\n' % (len(data), data) if framing == 'chunked' else data
        if framing == 'chunked':
            yield b'0\r\n\r\n'

    length = f'Content-Length: {BODY_MIB * MIB}' if framing == 'length' else 'Transfer-Encoding: chunked'
    answer = upload(large, path, pieces(), length)
    assert answer.status == 200, answer.data
    assert answer.body.decode() == f'{crc:08x} {BODY_MIB * MIB}'
    check_memory(large)
