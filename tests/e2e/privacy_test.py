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


def cookie(text):
    return {'headers': [('cookie', text)]}


def members(hints):
    return [target for target in hints if '/members/' in target]


def hinted_anywhere(shop, network, **how):
    """What a visitor is hinted on a page that others had, and on one that nobody has seen."""
    return shop.hints(network, '/desk/', **how) + shop.hints(network, '/desk/never-seen/', **how)


def test_one_user_who_signs_in_again_and_again_is_one(shop):
    """Three sessions of one network; and two of other users who were given something else."""
    for n in range(3):
        for path in ('/desk/', '/desk/orders/', '/desk/parts/'):
            shop.visit(1, path, **cookie(f'PHPSESSID=user1.{n}'))
    shop.settle()
    assert members(hinted_anywhere(shop, 9, **signed_in(9))) == []
    for n in range(2, 5):       # he roams, too: of five who vote two were not given it
        shop.visit(n, '/desk/', **cookie(f'PHPSESSID=user1.{n}'))
    shop.settle()
    assert members(hinted_anywhere(shop, 8, **signed_in(8))) == []


def test_a_session_whose_cookie_changes_with_each_answer_has_one_vote(shop):
    """From five networks, with five programs: where he came from is not known, so he counts as nobody."""
    for n in range(1, 6):
        for path in ('/desk/', '/desk/orders/', '/desk/parts/'):
            agent = ('user-agent', f'program {n}')
            shop.visit(n, path, headers=[('cookie', f'laravel_session=user1.{n}{path}'), agent])
    shop.settle()
    assert members(hinted_anywhere(shop, 9, **cookie('laravel_session=user9.0'))) == []


def test_a_cookie_that_nobody_knows_does_not_teach_the_public(shop):
    for n in range(1, 5):       # one user wherever he is
        for path in ('/desk/', '/desk/orders/', '/desk/parts/'):
            shop.visit(n, path, **cookie('a=b; auth=user1'))
    shop.settle()
    assert members(hinted_anywhere(shop, 9)) == []
    assert '/assets/bar.css' not in hinted_anywhere(shop, 9)
    for n in range(5, 8):       # and three others: what all were given is everybody's
        shop.visit(n, '/desk/', headers=[('cookie', f'auth=user{n}'), ('user-agent', f'program {n}')])
    shop.settle()
    hints = shop.hints(9, '/desk/')
    assert set(HINTS) | {'/assets/bar.css'} <= set(hints) and members(hints) == []
    # Who has such a cookie is answered like the public, and who has a harmless one is the public.
    assert shop.hints(10, '/desk/', **cookie('auth=user10')) == hints
    shop.visit(11, '/open/', **cookie('_ga=1; OptanonConsent=2'))
    shop.settle()
    assert shop.hints(12, '/open/') == list(HINTS)


def test_a_field_by_which_a_front_says_who_asks_makes_a_session(shop):
    for n in range(1, 5):
        shop.visit(n, '/desk/', headers=[('x-auth-user', 'user1')])
    shop.settle()
    for hints in (shop.hints(9, '/desk/'), shop.hints(8, '/desk/', headers=[('x-auth-user', 'user8')])):
        assert members(hints) == [] and '/assets/bar.css' not in hints


def test_a_private_page_is_its_users_and_teaches_no_whole_site(shop):
    for n in range(1, 5):       # one user who roams
        shop.visit(n, '/private-1/', **cookie('auth=user1'))
    shop.settle()
    assert shop.hints(9, '/private-1/') == []
    for n in range(10, 22):     # four pages of a folder, of networks and programs enough
        shop.visit(n, f'/private-2/{n % 4}/', headers=[('user-agent', f'program {n}')])
    shop.settle()
    assert '/assets/bar.css' in shop.hints(30, '/private-2/0/')
    assert '/assets/bar.css' in shop.hints(31, '/private-2/never-seen/')
    assert '/assets/bar.css' not in shop.hints(32, '/never-seen/')


@pytest.fixture
def fronted(make_outrider, fpm, connect, site):
    """The shop behind a front that says from where its clients come."""
    return Shop(make_outrider, fpm, connect, site, listen='trusted = { "127.0.0.0/8" }')


def come_from(address):
    return {'headers': [('x-forwarded-for', address)]}


def test_what_a_page_gives_to_its_own_network_is_hinted_there_only(fronted):
    for n in range(3):
        fronted.visit(n, f'/portal/{n}/', **come_from(f'10.1.{n % 2}.7'))
    fronted.settle()
    assert '/assets/bar.css' in fronted.hints(8, '/portal/0/', **come_from('10.1.1.8'))
    assert '/assets/bar.css' in fronted.hints(8, '/portal/never-seen/', **come_from('10.1.1.8'))
    for path in ('/portal/0/', '/portal/other/', '/'):
        assert '/assets/bar.css' not in fronted.hints(9, path, **come_from('203.0.113.9')), path
    fronted.settle()
    assert fronted.hints(7, '/portal/0/', **come_from('198.51.100.1')) == list(HINTS)


def test_a_48_of_ipv6_is_one_network(fronted):
    for n in range(1, 6):
        fronted.visit(n, '/account/', **come_from(f'2001:db8:7:{n}00::1'))
    fronted.settle()
    assert fronted.hints(9, '/account/', **come_from('2001:db8:8::1')) == []
    fronted.visit(8, '/account/', **come_from('2001:db8:9::1'))
    fronted.settle()
    assert fronted.hints(9, '/account/', **come_from('2001:db8:a::1')) == list(HINTS)
