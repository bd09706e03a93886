# SPDX-License-Identifier: MIT
"""Server-Timing says what was decided, how long the pool thought and what failed; total-timeout ends
what other timeouts let live."""
import re
import socket
import time

import pytest

CONFIG = '''
workers = 1
listen "https://localhost:0" {{ }}
pool "php" {{ servers = {{ "unix:{socket}" }} think-timeout = 1s total-timeout = {total} }}
site "localhost" {{ root = "{root}" front-controller = "/index.php" pool = "php" server-timing = true }}
'''


@pytest.fixture
def timed(make_outrider, fpm, site, connect):
    def make(total='0ms'):
        outrider = make_outrider(config=CONFIG.format(socket=fpm.path, root=site, total=total))
        return outrider, connect(outrider)
    return make


def timing(answer):
    return answer.header('server-timing') or ''


def test_the_decision_and_the_think_time_are_told(timed):
    _, client = timed()
    first = client.navigate('/')
    time.sleep(0.2)  # the learner publishes a few milliseconds later
    second = client.navigate('/')
    assert timing(first).startswith('outrider;desc="nothing_learned", think;dur=4')
    assert timing(second).startswith('outrider;desc="send", think;dur=4')
    assert timing(client.get('/assets/style.css')).startswith('outrider;desc="file"')


def test_what_failed_is_told(timed):
    outrider, client = timed()
    answer = client.get('/sleep.php?ms=4000')
    assert answer.status == 504
    assert re.fullmatch(r'outrider;desc="\w+", think;dur=(999|[12]\d{3})\.\d{3}, failed;desc="backend_think_timeout"',
                        timing(answer))
    outrider.wait_log('think-timeout')


def test_a_response_that_never_ends_is_broken_off_after_the_total_timeout(timed):
    outrider, client = timed(total='1s')
    exchange = client.request('/stream.php?pieces=20')
    client.wait(exchange)
    assert exchange.status == 200 and exchange.reset is not None
    outrider.wait_log('total-timeout')


def test_a_body_that_ends_early_is_a_reset_where_its_end_is_the_connections(make_outrider, fpm, site):
    """HTTP/1.0 without Content-Length: FIN would say that the page is whole."""
    outrider = make_outrider(config=CONFIG.format(socket=fpm.path, root=site, total='1s').replace(
        'listen "https', 'listen "http://127.0.0.1:0" { }\nlisten "https'))
    with socket.create_connection(('127.0.0.1', outrider.clear_port)) as sock:
        sock.settimeout(10)
        sock.sendall(b'GET /stream.php?pieces=30 HTTP/1.0\r\nHost: localhost\r\n\r\n')
        with pytest.raises(ConnectionResetError):
            while sock.recv(65536):
                pass
