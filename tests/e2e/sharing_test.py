# SPDX-License-Identifier: MIT
"""How the streams of a connection, and the connections of a worker, share what there is: nobody's
answer takes a whole turn of the loop, urgent bodies go first, others of the same urgency share, and
who waits for its turn is not taken for a client that does not read."""
import struct
import threading
import time

import pytest
from misbehave import Misbehaving, answer, behaviour
from servers import until

CONFIG = '''
workers = 1
timeouts {{ send = 2s }}
listen "https://localhost:0" {{}}
listen "http://127.0.0.1:0" {{}}
pool "php" {{ servers = {{ "{fastcgi}" }} }}
site "localhost" {{
    root = "{root}"
    pool = "php"
}}
'''
BAD_PING = struct.pack('>I', 8)[1:] + b'\x06\0' + struct.pack('>I', 1) + bytes(8)   # on a stream


@behaviour
def names_a_huge_file_when_told(peer):
    TOLD.wait(10)
    peer.send(answer(b'', b'X-Accel-Redirect: /huge.bin\r\n\r\n'))


TOLD = threading.Event()


@pytest.fixture
def backend(tmp_path):
    made = Misbehaving(tmp_path / 'fastcgi.sock')
    yield made
    made.stop()


@pytest.fixture
def outrider(make_outrider, site, backend):
    return make_outrider(config=CONFIG.format(root=site, fastcgi=backend.address))


def sparse(site, name, size):
    with open(site / name, 'wb') as file:
        file.truncate(size)


def test_a_file_for_a_connection_in_error_is_not_read(outrider, site, backend, connect):
    """The answer goes nowhere any more: it must not be read to its end, in one turn of the loop."""
    sparse(site, 'huge.bin', 3 << 30)
    (site / 'asks.php').touch()
    TOLD.clear()
    broken, other = connect(outrider, tls=False), connect(outrider, tls=False)
    other.get('/assets/style.css')
    for _ in range(6):
        broken.request('/asks.php?names_a_huge_file_when_told')
    until(lambda: backend.count('names_a_huge_file_when_told') == 6, 5, 'not asked')
    broken.sock.sendall(BAD_PING)
    until(lambda: broken.terminated or broken.turn(0.1) and False, 5, 'no GOAWAY')
    TOLD.set()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        began = time.monotonic()
        assert other.get('/assets/style.css').status == 200
        assert time.monotonic() - began < 0.5
