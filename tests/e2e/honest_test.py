# SPDX-License-Identifier: MIT
"""Honest clients on default settings lose nothing: load generators in a hurry, and clients whose
network has 300 ms of round trip and loses 2 % of the packets each way. With CI_FULL=1 each asks
10,000 times."""
import collections
import contextlib
import fcntl
import os
import random
import re
import select
import struct
import subprocess
import threading
import time

import pytest
from faults_test import metrics, misbehaving, start  # noqa: F401
from fronts.fronts import Front
from servers import SANITIZED

FULL = os.environ.get('CI_FULL') == '1'
COUNT = 10000 if FULL else 100
FAR_COUNT = 10000 if FULL else 160
HERE, THERE = '10.203.7.1', '10.203.7.2'
TUNSETIFF, IFF_TUN_NO_PI = 0x400454ca, 0x1001


def run(command, timeout=600):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=timeout).stdout


def h2load(origin, path, count, *more):
    out = run(['h2load', '-n', count, '-c', 20, '-m', 8, *more, origin + path])
    assert f'{count} succeeded, 0 failed, 0 errored, 0 timeout' in out, out
    assert f'status codes: {count} 2xx' in out, out


def h2load_h1(origin, path, count):
    h2load(origin, path, count, '--h1')


def ab(origin, path, count, *more):
    out = run(['ab', '-q', '-n', count, '-c', 20, *more, origin + path])
    assert re.search(r'Complete requests:\s+%d\n' % count, out), out
    assert re.search(r'Failed requests:\s+0\n', out) and 'Non-2xx' not in out, out


def ab_kept(origin, path, count):
    ab(origin, path, count, '-k')


def curl(origin, path, count):
    out = run(['curl', '-sSk', '--parallel', '--parallel-max', 20, '-o', '/dev/null', '-w', '%{http_code}\n',
               f'{origin}{path}&[1-{count}]'])
    assert out.split() == ['200'] * count


def nghttp(origin, path, count):
    out = run(['nghttp', '-ns', '-m', 20, f'{origin}{path}'])
    assert out.count(' 200 ') == 20, out


def wrk(origin, path, count):
    out = run(['wrk', '-t', 1, '-c', 20, '-d', '10s' if FULL else '1s', origin + path])
    assert int(re.search(r'(\d+) requests in', out)[1]) > 0, out
    assert 'Socket errors' not in out and 'Non-2xx' not in out, out


CLIENTS = [h2load, h2load_h1, ab, ab_kept, curl, nghttp, wrk]


@pytest.mark.parametrize('tls', [False, True], ids=['clear', 'tls'])
@pytest.mark.parametrize('client', CLIENTS, ids=lambda client: client.__name__)
def test_clients_in_a_hurry_lose_nothing(start, misbehaving, client, tls):  # noqa: F811
    outrider = start(misbehaving(backlog=1024).address)
    origin = f'https://localhost:{outrider.tls_port}' if tls else f'http://127.0.0.1:{outrider.clear_port}'
    client(origin, '/x.php?plain', COUNT // 4 if SANITIZED else COUNT)
    refused = {name: n for name, n in metrics(outrider).items() if name.startswith('errors_total') and n}
    assert refused == {}


@pytest.mark.parametrize('way', ['h1', 'h2c'])
def test_clients_behind_haproxy_lose_nothing(start, misbehaving, tmp_path, way):     # noqa: F811
    outrider = start(misbehaving(backlog=1024).address, top='listen "127.0.0.1:0" { trusted = { "127.0.0.1" } }')
    port = re.findall(r'listening on http://127.0.0.1:(\d+)', outrider.log)[-1]
    front = Front(tmp_path / 'front', 'haproxy', port, port)
    try:
        for client in (h2load, ab_kept):
            client(f'https://localhost:{front.port(way)}', '/x.php?plain', COUNT // 4 if SANITIZED else COUNT)
    finally:
        front.stop()
    refused = {name: n for name, n in metrics(outrider).items() if name.startswith('errors_total') and n}
    assert refused == {}


class Far:
    """A network namespace, and between it and us a wire that is long and loses packets: two tun devices,
    whose packets a thread carries over, late or not at all. (netem is not in every kernel.)"""
    DELAY, LOSS = 0.15, 0.02

    def __init__(self):
        self.name = f'far{os.getpid()}'
        self.inside = ['ip', 'netns', 'exec', self.name]
        self.files, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self._carry)

    def open(self):
        run(['ip', 'netns', 'add', self.name])
        for end, place, address in (('h', [], HERE), ('t', self.inside, THERE)):
            device = f'f{end}{os.getpid()}'
            self.files.append(os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK))
            fcntl.ioctl(self.files[-1], TUNSETIFF, struct.pack('16sH22x', device.encode(), IFF_TUN_NO_PI))
            if place:
                run(['ip', 'link', 'set', device, 'netns', self.name])
            run([*place, 'ip', 'addr', 'add', f'{address}/30', 'dev', device])
            run([*place, 'ip', 'link', 'set', device, 'up'])
        self.thread.start()

    def _carry(self):
        under_way, chance = collections.deque(), random.Random(1)
        while not self.ended.is_set():
            wait = max(0, under_way[0][0] - time.monotonic()) if under_way else 0.1
            for file in select.select(self.files, [], [], wait)[0]:
                with contextlib.suppress(OSError):
                    packet = os.read(file, 65536)
                    if chance.random() >= self.LOSS:
                        other = self.files[1 - self.files.index(file)]
                        under_way.append((time.monotonic() + self.DELAY, other, packet))
            while under_way and under_way[0][0] <= time.monotonic():
                _, file, packet = under_way.popleft()
                with contextlib.suppress(OSError):
                    os.write(file, packet)

    def close(self):
        self.ended.set()
        if self.thread.is_alive():
            self.thread.join()
        for file in self.files:
            os.close(file)
        subprocess.run(['ip', 'netns', 'del', self.name], stderr=subprocess.DEVNULL)


@pytest.fixture
def far():
    """How to run a command far away."""
    made = Far()
    try:
        made.open()
    except (OSError, subprocess.CalledProcessError) as error:
        made.close()
        pytest.skip(f'no network of our own here: {getattr(error, "stderr", "") or error}')
    yield made.inside
    made.close()


@pytest.mark.parametrize('path', ['/x.php?plain', '/large.bin'] if FULL else ['/large.bin'])
def test_clients_far_away_lose_nothing(far, start, misbehaving, path, site):    # noqa: F811
    (site / 'large.bin').write_bytes(os.urandom(100_000))
    (site / 'x.php').write_text('')
    outrider = start(misbehaving(backlog=1024).address, root=site, top=f'listen "http://{HERE}:0" {{}}')
    port = re.search(rf'listening on http://{re.escape(HERE)}:(\d+)', outrider.log)[1]
    out = run([*far, 'h2load', '-n', FAR_COUNT, '-c', 20, '-m', 4, f'http://{HERE}:{port}{path}'], timeout=1800)
    assert f'{FAR_COUNT} succeeded, 0 failed, 0 errored, 0 timeout' in out, out
    assert f'status codes: {FAR_COUNT} 2xx' in out, out
