# SPDX-License-Identifier: MIT
"""One network tries to change what others are hinted: with forged requests, names, queries, cookies
and fields. What an honest visitor gets stays what it was, in its order."""
import subprocess
import time

import pytest
from servers import SANITIZED
from shop import HINTS, VISIT_OVER, Shop

ATTACKER = 66
FORGED = 10000 if SANITIZED else 100000
REPEATS = 40 if SANITIZED else 150


@pytest.fixture
def shop(make_outrider, fpm, connect, site):
    return Shop(make_outrider, fpm, connect, site)


def h2load(shop, paths, count, tmp_path, *fields):
    """`count` requests over the paths, from the network of 127.0.0.1."""
    uris = tmp_path / 'uris'
    uris.write_text('\n'.join(shop.origin + path for path in paths) + '\n')
    options = [part for field in fields for part in ('-H', field)]
    done = subprocess.run(['h2load', '-n', str(count), '-c', '4', '-m', '16', '-i', str(uris), *options],
                          check=True, capture_output=True, text=True, timeout=300)
    assert f'{count} succeeded' in done.stdout, done.stdout


def test_a_hundred_thousand_forged_referers_change_nothing(shop, tmp_path):
    shop.known('/', '/product/1/')
    heavy = [f'/assets/heavy-{n}.{ext}' for n in (1, 2, 3, 4) for ext in ('css', 'js')]
    before = {path: shop.hints(9, path) for path in ('/', '/product/1/')}
    assert before['/'] == list(HINTS)
    # Forged visits of one network: navigations, and requests that name them as Referer.
    for _ in range(REPEATS):
        shop.visit(ATTACKER, '/')
        shop.fetch(ATTACKER, '/', *heavy)
    h2load(shop, heavy + ['/assets/blocks.ttf'], FORGED, tmp_path, f'referer: {shop.origin}/',
           'sec-fetch-dest: style')
    h2load(shop, heavy, FORGED // 10, tmp_path, f'referer: {shop.origin}/product/1/',
           'sec-fetch-dest: font', 'x-moz: early hint')
    time.sleep(VISIT_OVER)
    for network in (10, 11, 12):
        for path, hints in before.items():
            assert shop.hints(network, path) == hints


def test_requests_that_ask_for_nothing_take_no_hint_away(shop):
    shop.known('/')
    for _ in range(REPEATS):
        shop.visit(ATTACKER, '/')
    for _ in range(REPEATS):
        shop.visit(ATTACKER, '/')
        shop.fetch(ATTACKER, '/', '/assets/heavy-1.css')
    time.sleep(VISIT_OVER)
    assert shop.hints(10, '/') == list(HINTS)


NAMES = {
    'authority': dict(authority='evil.example'),
    'authority with the port': dict(authority='evil.example:443'),
    'x-forwarded-host': dict(headers=[('x-forwarded-host', 'evil.example')]),
    'forwarded': dict(headers=[('forwarded', 'host=evil.example;proto=http'),
                               ('x-forwarded-host', 'evil.example')]),
    'several': dict(headers=[('x-host', 'evil.example'), ('x-original-url', '/evil'),
                             ('x-forwarded-host', 'evil.example'), ('x-forwarded-proto', 'http'),
                             ('x-forwarded-server', 'evil.example'), ('x-rewrite-url', '/evil')]),
}


@pytest.mark.parametrize('how', NAMES)
def test_foreign_names_reach_nobody(shop, how):
    for _ in range(20):
        for network in (ATTACKER, ATTACKER + 1):
            assert shop.visit(network, '/host/', **NAMES[how]).status in (200, 400, 421)
    shop.settle()
    for network in (10, 11):
        for path in ('/host/', '/host/never-seen/', '/'):
            assert not any('evil' in target for target in shop.hints(network, path)), path
    shop.known('/host/')
    hints = shop.hints(12, '/host/')
    assert not any('evil' in target for target in hints)
    assert set(HINTS) <= set(hints)


@pytest.mark.parametrize('query', ['?look=evil', '?p=7&look=evil', '?utm_source=a&look=evil', '?LOOK=1&look=evil',
                                   '?%6cook=evil', '?look=evil&look=evil', '?look=evil&p'])
def test_what_a_query_reflects_is_hinted_to_nobody(shop, query):
    for _ in range(20):
        for network in range(ATTACKER, ATTACKER + 4):   # even several networks
            shop.visit(network, '/' + query)
    shop.settle()
    shop.known('/', '/?p=7')
    for path in ('/', '/?p=7', '/' + query, '/?look=other', '/never-seen/'):
        assert not any('evil' in target for target in shop.hints(10, path)), path
    assert shop.hints(11, '/') == list(HINTS)


CHOICES = {
    'a cookie': [('cookie', 'look=evil')],
    'a field': [('x-look', 'evil')],
}


@pytest.mark.parametrize('how', CHOICES)
def test_what_one_network_chooses_for_itself_stays_its_own(shop, how):
    shop.known('/', '/product/1/')
    for _ in range(REPEATS):
        shop.visit(ATTACKER, '/', headers=CHOICES[how])
        shop.visit(ATTACKER, '/product/1/', headers=CHOICES[how])
    shop.settle()
    assert shop.hints(10, '/') == list(HINTS)
    assert not any('evil' in target for target in shop.hints(11, '/product/1/'))
    assert not any('evil' in target for target in shop.hints(12, '/product/never-seen/'))


def test_who_comes_first_does_not_decide(shop):
    for _ in range(REPEATS):
        shop.visit(ATTACKER, '/new/', headers=[('x-look', 'evil')])
    shop.known('/new/', networks=range(1, 5))
    assert shop.hints(10, '/new/') == list(HINTS)


def test_one_network_keeps_no_pattern_against_two_others(shop):
    for n in range(REPEATS):
        shop.visit(ATTACKER, f'/fresh/{n}/', headers=[('x-look', 'evil')])
    shop.settle()
    shop.visit(1, '/fresh/a/')
    shop.visit(2, '/fresh/b/')
    shop.settle()
    for path in ('/fresh/never-seen/', '/never-seen/'):
        assert not any('evil' in target for target in shop.hints(10, path))


def test_failures_of_one_network_stop_no_hints(shop):
    """A 404 or 304 that only a strange request gets."""
    shop.known('/')
    for _ in range(REPEATS):
        shop.visit(ATTACKER, '/', headers=[('range', 'bytes=5-1'), ('if-none-match', '*')])
        shop.visit(ATTACKER, '/', method='HEAD')
    shop.settle()
    assert shop.hints(10, '/') == list(HINTS)


# ---- what users name --------------------------------------------------------------------------

@pytest.mark.parametrize('token', ['0123456789abcdef0123456789abcdef', 'Zk3nX0b9yQ1m2N3o4P5q6R', 'x7Kp2mQ9aZ4tB1c'])
def test_what_is_named_after_a_share_stays_in_it(shop, token):
    (shop.site / 'share' / token).mkdir(parents=True)
    shop.touch(f'share/{token}/theme.css', 'p{}')
    for network in (1, 2, 3, 4):            # all who were told it
        for page in range(3):
            shop.visit(network, f'/share/{token}/{page}{network}/')
            shop.visit(network, f'/other-{page}/{network}/')
    shop.settle()
    assert f'/share/{token}/theme.css' in shop.hints(5, f'/share/{token}/11/')
    for path in ('/share/guess/x/', '/share/', '/never-seen/'):
        assert not any(token.lower() in target.lower() for target in shop.hints(10, path)), path
    assert set(HINTS) <= set(shop.hints(11, '/share/guess/x/'))
    assert not any(token in route['route'] for route in shop.outrider.routes())


def test_one_network_teaches_no_pattern(shop):
    for page in range(12):
        shop.visit(ATTACKER, f'/young/{page}/')
    shop.settle()
    assert shop.hints(10, '/young/never-seen/') == []
    assert shop.hints(10, '/never-seen/') == []


def test_what_a_user_wrote_is_hinted_to_no_other_page(shop):
    for network in (1, 2, 3, 4):
        for page in range(3):
            path = f'/forum/{page}{network}/'
            shop.visit(network, path)
            assert shop.fetch(network, path, '/clear.css?cart=all') == [200]
    shop.settle()
    assert '/clear.css?cart=all' in shop.hints(5, '/forum/11/')     # which has it itself
    for path in ('/forum/never-seen/', '/never-seen/'):
        hints = shop.hints(10, path)
        assert not any('clear' in target or 'tracker' in target for target in hints), hints
    assert set(HINTS) <= set(shop.hints(11, '/forum/never-seen/'))


# ---- what one network says of assets and votes --------------------------------------------------

def test_one_network_keeps_no_versions_apart(shop):
    shop.touch('version', '1')
    shop.known('/', '/about/')
    for _ in range(3):
        shop.visit(ATTACKER, '/wrote/1/')
    shop.settle()
    shop.touch('version', '2')
    shop.visit(10, '/about/')
    shop.visit(12, '/about/')
    shop.settle()
    assert '/assets/style.css?ver=1' not in shop.hints(11, '/')
    shop.settle()
    assert '/assets/style.css?ver=2' in shop.hints(13, '/')


def test_an_asset_that_is_refused_to_one_network_stays_for_others(shop):
    page, asset = '/forum/a/', '/clear.css?cart=all'
    for network in (1, 2, 3):
        shop.visit(network, page)
        assert shop.fetch(network, page, asset) == [200]
    shop.settle()
    assert asset in shop.hints(9, page)
    for _ in range(5):
        assert shop.fetch(ATTACKER, page, asset, headers=[('x-block', '1')]) == [403]
    shop.settle()
    assert asset in shop.hints(10, page)
    # Of those who were given it most have to be refused it.
    for network in range(ATTACKER + 1, ATTACKER + 4):
        assert shop.fetch(network, page, asset, headers=[('x-block', '1')]) == [403]
    shop.settle()
    assert asset not in shop.hints(11, page)


def test_three_networks_bring_nothing_against_eight(shop):
    shop.known('/', networks=range(1, 9))
    for _ in range(4):
        for network in (ATTACKER, ATTACKER + 1, ATTACKER + 2):
            shop.visit(network, '/', headers=[('x-look', 'evil')])
        shop.settle()
    assert shop.hints(10, '/') == list(HINTS)
