# SPDX-License-Identifier: MIT
"""How many requests a PHP-FPM executes at once is learned where its pool file says nothing: a flood of
requests that are abandoned then waits before Outrider, where it ends, and not in the listen queue of
PHP-FPM, where other visitors stand behind it."""
import collections
import contextlib
import socket
import threading
import time

import pytest
from faults_test import metrics, start  # noqa: F401
from fronts.fronts import free_ports
from servers import Fpm, until

CHILDREN = 4
WORK = 0.3                          # seconds of a page
EACH, ABANDONED = 0.02, 0.08        # seconds between two requests of the flood, and until it leaves one
LEARNED = 'pool_learned_connections'


@pytest.fixture(params=['unix', 'tcp'])
def fpm(tmp_path, request):
    server = Fpm(tmp_path / 'fpm', CHILDREN, port=free_ports(1)[0] if request.param == 'tcp' else None)
    yield server
    server.stop()


def ask(port):
    sock = socket.create_connection(('127.0.0.1', port), 30)
    sock.sendall(b'GET /slow.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    return sock


def visit(port):
    """Seconds until a page is there."""
    began = time.monotonic()
    with ask(port) as sock:
        answer = b''.join(iter(lambda: sock.recv(65536), b''))
    assert answer.startswith(b'HTTP/1.1 200 '), answer[:200]
    return time.monotonic() - began


@contextlib.contextmanager
def flood(port):
    ended = threading.Event()

    def run():
        under_way = collections.deque()
        while not ended.wait(EACH):
            under_way.append((time.monotonic(), ask(port)))
            while under_way[0][0] + ABANDONED < time.monotonic():
                under_way.popleft()[1].close()
        for _, sock in under_way:
            sock.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def slow_site(folder, start, fpm, pool=''):     # noqa: F811
    root = folder / 'root'
    root.mkdir()
    (root / 'slow.php').write_text(f'<?php usleep({int(WORK * 1e6)}); echo "done";')
    return start(fpm.address, root=root, workers=2, pool=pool)


def test_a_flood_that_is_abandoned_does_not_stand_before_other_visitors(tmp_path, start, fpm):     # noqa: F811
    outrider = slow_site(tmp_path, start, fpm)
    port = outrider.clear_port
    assert metrics(outrider)[LEARNED] == 32
    alone = visit(port)
    with flood(port):
        until(lambda: metrics(outrider)[LEARNED] <= CHILDREN + 2, 20, 'nothing was learned')
        until(lambda: visit(port) < 3 * alone, 20, 'a visitor waits for what nobody wants any more')
        times = sorted(visit(port) for _ in range(9))
    # Behind the rest of 32 it is more than eight times as long.
    assert times[len(times) // 2] < 4 * alone, (alone, times)
    outrider.wait_log(r'is given \d requests at once, as many as it was seen to execute \(32 before\)')


def test_what_a_server_can_do_is_not_lowered_by_long_pages(tmp_path, start, fpm):     # noqa: F811
    outrider = slow_site(tmp_path, start, fpm)
    waiting = [ask(outrider.clear_port) for _ in range(CHILDREN)]
    for sock in waiting:
        with sock:
            assert sock.recv(65536).startswith(b'HTTP/1.1 200 ')
    assert metrics(outrider)[LEARNED] == 32
