# SPDX-License-Identifier: MIT
"""Many clients behind one connection of a trusted front: what one of them does is done to that one."""
import contextlib

import pytest
from h2client import Client
from servers import ROOT, Fpm, Outrider, until

FRONT = '127.0.0.2'
TOP = f'''
listen "{FRONT}:0" {{ trusted = {{ "{FRONT}" }} }}
clients {{ orphans = 2  requests = 5 }}
'''


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('crowd')
    fpm = Fpm(folder / 'fpm', children=6)
    outrider = Outrider(folder / 'outrider', root=ROOT / 'tests/e2e/site', fastcgi=f'unix:{fpm.path}', top=TOP)
    yield outrider
    outrider.stop()
    fpm.stop()
    assert 'Sanitizer' not in outrider.log


@pytest.fixture
def front(world):
    """The front's one connection."""
    with Client(int(world.listeners[2][1]), tls=False, host=FRONT, source=FRONT) as client:
        yield client


def of(user):
    return [('x-forwarded-for', user)]


def test_250_cancels_by_one_client_harm_nobody(front):
    others = [front.request('/sleep.php?ms=700', headers=of(f'192.0.2.{n}')) for n in range(1, 4)]
    for _ in range(250):
        front.abort(front.request('/sleep.php?ms=300', headers=of('198.51.100.66')))
        front.turn(0)
    late = front.request('/echo.php', headers=of('192.0.2.9'))
    front.wait(*others, late)
    assert [e.status for e in (*others, late)] == [200] * 4 and front.terminated is None


def test_malformed_requests_of_one_client_are_reset_alone(front):
    front.h2.config.validate_outbound_headers = front.h2.config.normalize_outbound_headers = False
    bad = [front.request('/echo.php', headers=[*of('198.51.100.66'), ('Upper', 'case')]) for _ in range(60)]
    good = front.request('/echo.php', headers=of('192.0.2.9'))
    front.wait(good, *bad)
    assert good.status == 200 and all(e.reset is not None for e in bad) and front.terminated is None


def test_the_bounds_of_a_client_are_its_own(front):
    """Seven at once of one client, of whom five may be; another has all it may have."""
    many = [front.request('/sleep.php?ms=200', headers=of('198.51.100.66')) for _ in range(7)]
    other = front.request('/echo.php', headers=of('192.0.2.9'))
    front.wait(*many, other)
    assert sorted(e.status for e in many) == [200] * 5 + [429] * 2 and other.status == 200
    assert front.get('/echo.php', headers=of('198.51.100.66')).status == 200


def test_who_leaves_work_behind_waits_for_its_end(front):
    for _ in range(2):
        gone = front.request('/sleep.php?ms=2500', headers=of('198.51.100.66'))
        front.turn(.15)
        front.abort(gone)
    front.turn(.1)
    assert front.get('/echo.php', headers=of('198.51.100.66')).status == 429
    assert front.get('/echo.php', headers=of('192.0.2.9')).status == 200


def test_a_direct_client_is_told_to_calm_down(world):
    with Client(world.clear_port, tls=False) as client:
        client.turn(1)
        with contextlib.suppress(OSError):      # it may be gone before all are sent
            for _ in range(250):
                client.abort(client.request('/sleep.php?ms=200'))
        until(lambda: client.terminated or (client.turn(.05) and client.terminated), 10, 'no GOAWAY')
        assert client.terminated.error_code == 11     # ENHANCE_YOUR_CALM
