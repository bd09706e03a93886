# SPDX-License-Identifier: MIT
"""Every wait has an end, and it comes when the options say."""
import socket
import time

import pytest

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
        assert 0.1 <= took < 0.4, took


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
