# SPDX-License-Identifier: MIT
"""What fronts need of long connections: an end that they can tell from a lost request, a name for
what is not learned, and no silence where somebody asks for another protocol."""
import socket

import pytest
from h2client import Client
from servers import ROOT, Fpm, Outrider

FRONT = '127.0.0.2'
TOP = f'''
timeouts {{ idle = 300ms  front-idle = 900ms }}
listen "{FRONT}:0" {{ trusted = {{ "{FRONT}" }} }}
'''
PAGE = '<link rel=stylesheet href=/style.css>'


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('manners')
    fpm = Fpm(folder / 'fpm')
    outrider = Outrider(folder / 'outrider', root=ROOT / 'tests/e2e/site', fastcgi=f'unix:{fpm.path}', top=TOP,
                        hints='via = front', site='server-timing = true '
                        'route "/echo.php" { hint = { "</style.css>; rel=preload; as=style" } }')
    yield outrider
    outrider.stop()
    fpm.stop()
    assert 'Sanitizer' not in outrider.log


def front(world, **options):
    return Client(int(world.listeners[2][1]), tls=False, host=FRONT, source=FRONT, **options)


def goaways(client):
    """The last stream of each GOAWAY, until the connection ends. Nothing is answered."""
    last, data = [], b''
    client.sock.settimeout(5)
    while piece := client.sock.recv(65536):
        data += piece
    while len(data) >= 9:
        size, kind = int.from_bytes(data[:3], 'big'), data[3]
        if kind == 7:
            last.append(int.from_bytes(data[9:13], 'big'))
        data = data[9 + size:]
    return last


def test_an_idle_end_names_the_last_request_also_to_who_reads_nothing(world):
    with Client(world.clear_port, tls=False) as direct, front(world) as kept:
        for client in (direct, kept):
            assert client.get('/echo.php').status == 200
        direct.turn(5)
        assert kept.get('/echo.php').status == 200, 'a front keeps its connections for longer'
        for client, last in ((kept, 3),):
            assert goaways(client)[-1] == last


def test_a_drain_names_the_last_request(tmp_path):
    fpm = Fpm(tmp_path / 'fpm')
    outrider = Outrider(tmp_path / 'outrider', root=ROOT / 'tests/e2e/site', fastcgi=f'unix:{fpm.path}')
    with Client(outrider.clear_port, tls=False) as client:
        assert client.get('/echo.php').status == 200
        outrider.process.terminate()
        assert goaways(client) == [2**31 - 1, 1]
    outrider.stop()
    fpm.stop()


def raw(world, *fields, front_too=False, protocol='HTTP/1.1'):
    """The answer over HTTP/1.1, interim ones too."""
    address = (FRONT, int(world.listeners[2][1])) if front_too else ('127.0.0.1', world.clear_port)
    with socket.create_connection(address, 5, (FRONT, 0)) as sock:
        head = [f'GET /echo.php {protocol}', 'Host: localhost', 'Connection: close', *fields, '', '']
        sock.sendall('\r\n'.join(head).encode())
        return b''.join(iter(lambda: sock.recv(65536), b'')).decode()


def test_a_websocket_is_refused_and_another_version_of_http_is_not(world):
    assert raw(world, 'Upgrade: websocket', 'Connection: Upgrade').startswith('HTTP/1.1 501 ')
    assert raw(world, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk', 'Connection: Upgrade, HTTP2-Settings'
               ).startswith('HTTP/1.1 200 ')
    assert raw(world, 'Upgrade: websocket').startswith('HTTP/1.1 200 ')


NAVIGATES = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']


def test_a_front_relays_a_103_over_http1_by_the_operators_word(world):
    answer = raw(world, *NAVIGATES, 'X-Forwarded-For: 192.0.2.1', front_too=True)
    assert answer.startswith('HTTP/1.1 103 ') and 'link: </style.css>' in answer.lower()
    for fields in ([], NAVIGATES[:1], [*NAVIGATES, 'Via: 1.1 front'], [*NAVIGATES, 'No-Early-Hints: 1'],
                   [*NAVIGATES, 'X-Forwarded-Proto-Version: HTTP/1.1']):
        assert raw(world, *fields, front_too=True).startswith('HTTP/1.1 200 '), fields
    assert raw(world, *NAVIGATES, front_too=True, protocol='HTTP/1.0').startswith('HTTP/1.1 200 ')
    # Who is no trusted front gets none, whatever he says.
    assert raw(world, *NAVIGATES, 'X-Forwarded-For: 192.0.2.1').startswith('HTTP/1.1 200 ')


def test_an_unknown_host_is_a_reason_of_its_own_and_told_once(world):
    with Client(world.clear_port, tls=False) as client:
        for name in ('one.example', 'two.example'):
            page = client.navigate('/sleep.php', authority=name)
            assert page.status == 200 and 'unknown_host' in page.header('server-timing')
        assert 'nothing_learned' in client.navigate('/sleep.php').header('server-timing')
    world.wait_log(r'warn a page was asked for at "one.example", which is no name of any site')
    assert 'two.example' not in world.log
    assert b'outrider_hint_decisions_total{reason="unknown_host"} 2' in world.ask_admin('/metrics')[1]
