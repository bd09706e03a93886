# SPDX-License-Identifier: MIT
"""Nobody is hinted what belongs to somebody else: the assets of users, of sessions, of pages that
are marked as private, and URLs that are good once."""
import base64
import time

import pytest
from shop import HINTS, Shop


@pytest.fixture
def shop(make_outrider, fpm, connect, site):
    return Shop(make_outrider, fpm, connect, site)


def signed_in(user):
    return {'headers': [('cookie', f'lang=en; PHPSESSID=user{user}')]}


def basic(user):
    return {'headers': [('authorization', 'Basic ' + base64.b64encode(f'user{user}:x'.encode()).decode())]}


@pytest.mark.parametrize('how', [signed_in, basic])
def test_the_assets_of_two_users_are_hinted_to_nobody_else(shop, how):
    for n in range(40):
        shop.visit(1 + n % 5, '/desk/', **how(1))
        shop.visit(6 + n % 5, '/desk/', **how(2))
        shop.visit(11 + n % 5, '/desk/orders/', **how(1))
    shop.settle()
    seen = []
    for path in ('/desk/', '/desk/orders/', '/desk/never-seen/', '/', '/elsewhere/'):
        seen += shop.hints(30, path)                                # nobody in particular
        seen += shop.hints(31, path, **how(7))                      # another user
    assert not any('/members/' in target for target in seen), seen


def test_what_three_sessions_share_is_hinted_to_sessions_only(shop):
    shop.known('/')
    for user in (1, 2):
        shop.visit(user, '/', **signed_in(user))
    shop.settle()
    assert '/assets/bar.css' not in shop.hints(3, '/', **signed_in(3))
    shop.settle()
    hints = shop.hints(4, '/', **signed_in(4))
    assert '/assets/bar.css' in hints and set(HINTS) <= set(hints)
    assert not any('/members/' in target for target in hints)
    for user in range(5, 12):
        shop.visit(user, '/', **signed_in(user))
    shop.settle()
    assert shop.hints(20, '/') == list(HINTS)
    assert '/assets/bar.css' not in shop.hints(21, '/never-seen/')


def test_pages_marked_as_private_teach_what_three_networks_were_given(shop):
    for n in range(20):
        shop.visit(1 + n % 2, '/account/')
    shop.settle()
    assert shop.hints(3, '/account/') == []         # which makes three
    shop.settle()
    assert shop.hints(4, '/account/') == list(HINTS)
    for network in range(5, 40):
        shop.visit(network, '/account/')
        time.sleep(0.05)
    shop.settle()
    assert shop.hints(50, '/account/') == list(HINTS)
    assert not any('members' in target for target in shop.hints(51, '/account/never-seen/'))


def test_urls_that_are_good_once_are_no_hints(shop):
    shop.known('/once/', networks=range(1, 9))
    assert shop.hints(20, '/once/') == list(HINTS)
    assert not any('once' in target for target in shop.hints(21, '/once/never-seen/'))


def test_a_visitor_who_signs_in_takes_nothing_along(shop):
    """The same network, the same connection, with and without a session."""
    client = shop.client(1)
    for _ in range(10):
        client.navigate('/mixed/')
        client.navigate('/mixed/', **signed_in(1))
    shop.settle()
    assert shop.hints(2, '/mixed/') == list(HINTS)
