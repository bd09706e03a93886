# SPDX-License-Identifier: MIT
"""How the streams of a connection, and the connections of a worker, share what there is: nobody's
answer takes a whole turn of the loop, urgent bodies go first, others of the same urgency share, and
who waits for its turn is not taken for a client that does not read."""
import struct
import threading
import time

import pytest
from h2.events import DataReceived
from h2client import Client
from misbehave import Misbehaving, answer, behaviour
from servers import until

CONFIG = '''
workers = 1
timeouts {{ send = 1s }}
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


# ---- the order of bodies ------------------------------------------------------------------------

class Watcher(Client):
    """Keeps the order in which the bytes of all bodies came: [path, bytes]."""

    def __init__(self, *args, **options):
        self.order = []
        super().__init__(*args, **options)

    def take(self, event, now):
        super().take(event, now)
        if isinstance(event, DataReceived) and event.data:
            path = self.exchanges[event.stream_id].path
            if self.order and self.order[-1][0] == path:
                self.order[-1][1] += len(event.data)
            else:
                self.order.append([path, len(event.data)])

    def between(self, path):
        """How many bytes of others came between the first and the last of this one."""
        places = [i for i, (name, _) in enumerate(self.order) if name == path]
        return sum(size for name, size in self.order[places[0]:places[-1]] if name != path)


@pytest.mark.parametrize('tls', [True, False], ids=['tls', 'clear'])
def test_an_urgent_body_overtakes_those_under_way_and_is_whole_before_they_go_on(outrider, site, tls):
    for n in range(10):
        sparse(site, f'image{n}.png', 3 << 20)
    sparse(site, 'script.js', 1 << 20)
    with Watcher(outrider.tls_port if tls else outrider.clear_port, tls=tls) as client:
        images = [client.request(f'/image{n}.png', headers=[('priority', 'u=5, i')]) for n in range(10)]
        until(lambda: client.turn(5) and all(len(image.body) > 1 << 17 for image in images), 10, 'images')
        script = client.request('/script.js', headers=[('priority', 'u=1')])
        client.wait(script)
        assert not any(image.over for image in images)
        assert client.between('/script.js') <= 16384, client.order


@pytest.mark.parametrize('headers', [[], [('priority', 'u=3')]], ids=['unsaid', 'one after the other'])
def test_a_stream_that_waits_for_its_turn_is_not_stalled(outrider, site, headers):
    """With the windows of a client that sets none, who reads all the time, if slowly."""
    sparse(site, 'one.bin', 3 << 20)
    sparse(site, 'two.bin', 1 << 20)
    with Watcher(outrider.clear_port, tls=False, window=65535) as client:
        both = [client.request(path, headers=headers) for path in ('/one.bin', '/two.bin')]
        while not all(each.over for each in both):
            client.turn(5)
            time.sleep(0.05)
        assert [(each.reset, len(each.body)) for each in both] == [(None, 3 << 20), (None, 1 << 20)]
        shared = client.between('/one.bin') > 0
        assert shared == (not headers), client.order[:8]


def test_streams_that_a_client_keeps_back_end_and_are_no_errors_of_ours(outrider, site):
    sparse(site, 'large.bin', 1 << 20)
    with Client(outrider.clear_port, tls=False, window=0) as client:
        kept_back = [client.request('/large.bin') for _ in range(5)]
        client.wait(*kept_back, timeout=10)
        assert all(each.reset is not None for each in kept_back)
    assert ' error ' not in outrider.log
