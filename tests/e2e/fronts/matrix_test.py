# SPDX-License-Identifier: MIT
"""Each front of Debian 12, each way in which it speaks to Outrider: PHP sees the client as if it had
come itself, hints reach it where the front relays them, kept connections are nobody's own, and a
restart of Outrider costs no request where the front repeats it."""
import http.client
import json
import os
import signal
import ssl
import threading

import pytest
from h2client import Client
from servers import ROOT, Fpm, Outrider, until

from fronts.fronts import DEAF, ROWS, Front, free_ports

CONFIG = '''
workers = 1
listen "127.0.0.1:{web}" {{ trusted = {{ "127.0.0.1" }} }}
listen "127.0.0.1:{proxied}" {{ trusted = {{ "127.0.0.1" }}  proxy = require }}
listen "https://127.0.0.1:0" {{ }}
pool "php" {{ servers = {{ "{fastcgi}" }} }}
{sites}
admin {{ listen = "unix:{admin}" }}
'''
SITE = '''
site "{name}" {{
    root = "{root}"
    pool = "php"
    hints {{ min-think = 0ms  holdback = 0%  {via} }}
    route "/echo.php" {{ hint = {{ "</style.css>; rel=preload; as=style" }} }}
}}
'''
# Of deaf fronts' site nothing is said over HTTP/1.1.
NAMES = {'deaf.test': '', 'relayed.test': 'via = front'}
SEEN = ('REMOTE_ADDR', 'HTTPS', 'REQUEST_SCHEME', 'SERVER_PORT', 'SERVER_NAME', 'HTTP_HOST')


def name_of(kind):
    return 'deaf.test' if kind in DEAF else 'relayed.test'


class World:
    def __init__(self, folder):
        self.folder = folder
        self.web, self.proxied = free_ports(2)
        self.fpm = Fpm(folder / 'fpm')
        self.fronts = {}
        self.run()

    def run(self):
        folder = self.folder / 'outrider'
        sites = ''.join(SITE.format(name=name, root=ROOT / 'tests/e2e/site', via=via) for name, via in NAMES.items())
        self.outrider = Outrider(folder, config=CONFIG.format(
            web=self.web, proxied=self.proxied, fastcgi=f'unix:{self.fpm.path}', sites=sites, admin=folder / 'admin.sock'))

    def client(self, kind, way, source):
        """A browser's connection to the front."""
        if kind not in self.fronts:
            self.fronts[kind] = Front(self.folder / kind, kind, self.web, self.proxied)
        client = Client(self.fronts[kind].port(way), source=source)
        client.authority = f'{name_of(kind)}:{client.port}'
        return client

    def close(self):
        for front in self.fronts.values():
            front.stop()
        self.outrider.stop()
        self.fpm.stop()


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp('fronts')
    folder.chmod(0o755)
    made = World(folder)
    yield made
    made.close()
    assert 'Sanitizer' not in made.outrider.log


@pytest.mark.parametrize('kind, way', ROWS)
def test_php_sees_the_client_as_if_it_had_come_itself(world, kind, way):
    with world.client(kind, way, '127.0.7.1') as client:
        forged = [('x-forwarded-for', '6.6.6.6'), ('x-real-ip', '6.6.6.6'), ('client-ip', '6.6.6.6')]
        answer = client.get('/echo.php', headers=forged)
        assert answer.status == 200, bytes(answer.body)
        env = json.loads(answer.body)
    direct = {'REMOTE_ADDR': '127.0.7.1', 'HTTPS': 'on', 'REQUEST_SCHEME': 'https', 'SERVER_PORT': str(client.port),
              'SERVER_NAME': name_of(kind), 'HTTP_HOST': client.authority}
    if way == 'v1':     # says nothing of TLS; only port 443 would
        direct.update(HTTPS=None, REQUEST_SCHEME='http')
    assert {name: env.get(name) for name in SEEN} == direct
    assert '6.6.6.6' not in json.dumps(env)


@pytest.mark.parametrize('kind, way', ROWS)
def test_a_browser_is_hinted_where_the_front_relays_it(world, kind, way):
    with world.client(kind, way, '127.0.7.1') as client:
        page = client.navigate('/echo.php')
    assert page.status == 200
    assert len(page.hints) == (0 if kind in DEAF else 1)


@pytest.mark.parametrize('kind, way', [row for row in ROWS if row[0] not in DEAF and row[1] in ('h1', 'h2c', 'v2')])
def test_fifteen_users_over_kept_connections_all_get_theirs(world, kind, way):
    clients = [world.client(kind, way, f'127.0.{n}.1') for n in range(1, 16)]
    pages = [client.navigate('/echo.php') for client in clients]
    for client in clients:
        client.close()
    assert [len(page.hints) for page in pages] == [1] * 15
    assert [json.loads(page.body)['REMOTE_ADDR'] for page in pages] == [f'127.0.{n}.1' for n in range(1, 16)]


# The port is closed for a moment: the front comes back in its own time, after a second or more.
@pytest.mark.parametrize('kind', ['haproxy', 'caddy'])
def test_a_restart_costs_no_request_where_the_front_repeats_it(world, kind):
    statuses, done = [], threading.Event()

    def ask(client):
        with client:
            while not done.is_set():
                statuses.append(client.get('/sleep.php?ms=20').status)

    def pass_again():
        seen = len(statuses)
        until(lambda: len(statuses) > seen + 8 or not any(thread.is_alive() for thread in threads), 40, 'requests pass')

    threads = [threading.Thread(target=ask, args=(world.client(kind, 'h2c', f'127.0.7.{n}'),)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        pass_again()
        world.outrider.stop()
        world.run()
    pass_again()
    done.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}, statuses


RELOADS = {'nginx': signal.SIGHUP, 'apache': signal.SIGUSR1}


@pytest.mark.parametrize('kind, way', [('haproxy', 'h2c'), ('caddy', 'h2c'), ('nginx', 'h1'), ('apache', 'h1')])
def test_a_reload_of_either_side_costs_no_request(world, kind, way):
    """Each request has a connection of its own: what a front tells its own clients is its affair."""
    statuses, done = [], threading.Event()
    with world.client(kind, way, '127.0.7.1') as client:
        port, authority = client.port, client.authority

    def ask(source):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while not done.is_set():
            connection = http.client.HTTPSConnection('127.0.0.1', port, timeout=20, source_address=(source, 0), context=context)
            connection.request('GET', '/sleep.php?ms=20', headers={'Host': authority})
            statuses.append(connection.getresponse().status)
            connection.close()

    threads = [threading.Thread(target=ask, args=(f'127.0.7.{n}',)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for turn in range(3):
        seen, told = len(statuses), world.outrider.log.count('the new configuration is in use')
        os.kill(world.outrider.pid, signal.SIGHUP)
        if turn == 1 and kind in RELOADS:
            os.kill(world.fronts[kind].processes[0].pid, RELOADS[kind])
        until(lambda: world.outrider.log.count('the new configuration is in use') > told, 20, 'a reload')
        until(lambda: len(statuses) > seen + 8 or not any(thread.is_alive() for thread in threads), 40, 'requests pass')
    done.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}, statuses
