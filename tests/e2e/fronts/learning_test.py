# SPDX-License-Identifier: MIT
"""What is learned behind a front is what is learned without one: fonts that three networks ask for,
what sessions share, private pages, and nothing of one user's."""
import shutil
import time

import pytest
from h2client import Client
from shop import HINTS, VISIT_OVER, Shop

from fronts.fronts import Front, free_ports

FONT = '/assets/blocks.ttf'
NAMES = ('site', 'path', 'route', 'pattern', 'query', 'audience', 'state')


class FrontShop(Shop):
    """The shop behind an HAProxy that speaks HTTP/2 to Outrider and keeps few connections for all."""

    def __init__(self, folder, *rest, **options):
        web, proxied = free_ports(2)
        super().__init__(*rest, top=f'listen "127.0.0.1:{web}" {{ trusted = {{ "127.0.0.1" }} }}', **options)
        self.front = Front(folder, 'haproxy', web, proxied)
        self.origin = f"https://localhost:{self.front.port('h2c')}"

    def client(self, network):
        if network not in self.clients:
            self.clients[network] = Client(self.front.port('h2c'), source=f'127.0.{network}.1')
        return self.clients[network]


@pytest.fixture
def shops(make_outrider, fpm, connect, site, tmp_path):
    other = tmp_path / 'other'
    shutil.copytree(site, other)
    direct = Shop(make_outrider, fpm, connect, site)
    behind = FrontShop(tmp_path / 'front', make_outrider, fpm, connect, other, root=other)
    yield direct, behind
    behind.front.stop()


def signed_in(user):
    return {'headers': [('cookie', f'lang=en; PHPSESSID=user{user}')]}


def play(shop):
    for network in range(1, 5):
        shop.visit(network, '/')
        assert set(shop.fetch(network, '/', *HINTS, FONT)) == {200}
    for user in range(5, 9):
        shop.visit(user, '/desk/', **signed_in(user))
        shop.visit(user, '/', **signed_in(user))
        shop.visit(user, '/account/')


def learned(shop):
    """{route: what it is hinted}, with nothing that differs by chance or by the clock."""
    return {tuple(sorted((name, str(route[name])) for name in NAMES if name in route)):
            sorted((str(hint['link']), hint['verdict'], hint['voters']) for hint in route['hints'])
            for route in shop.outrider.routes()}


def test_behind_a_front_the_same_is_learned(shops):
    for shop in shops:
        play(shop)
    time.sleep(VISIT_OVER)
    direct, behind = shops
    assert learned(direct) == learned(behind)
    for path, options in (('/', {}), ('/desk/', signed_in(20)), ('/account/', {}), ('/never-seen/', {})):
        assert direct.hints(20, path, **options) == behind.hints(20, path, **options), path
    assert FONT in behind.hints(21, '/')
    assert not any('/members/' in hint for hint in behind.hints(22, '/desk/', **signed_in(22)))
    assert '/assets/bar.css' in behind.hints(23, '/', **signed_in(23))
