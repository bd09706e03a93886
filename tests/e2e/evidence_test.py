# SPDX-License-Identifier: MIT
"""What teaches and what does not: HTML plain and compressed, fonts that only requests reveal, the
requests that our own hints cause, visitors with full caches, assets that no browser can keep."""
import time

import pytest
from faults_test import metrics
from h2client import links
from servers import until
from shop import HINTS, VISIT_OVER, Shop

FONT = '/assets/blocks.ttf'


@pytest.fixture
def shop(make_outrider, fpm, connect, site):
    return Shop(make_outrider, fpm, connect, site)


def cold(shop, network, path='/'):
    """A browser that has nothing yet."""
    shop.visit(network, path)
    assert set(shop.fetch(network, path, *HINTS, FONT)) == {200}


@pytest.mark.parametrize('coding', ['identity', 'gzip'])
def test_the_html_of_the_first_visit_is_the_hint_of_the_second(shop, coding):
    page = shop.visit(1, '/', headers=[('accept-encoding', coding)])
    assert (page.header('content-encoding') == 'gzip') == (coding == 'gzip')
    shop.settle()
    assert shop.hints(2, '/') == list(HINTS)
    until(lambda: metrics(shop.outrider)['learner_routes'] > 0, 5, 'what is learned is not counted')
    counted = metrics(shop.outrider)
    assert counted['links_total'] >= len(HINTS) and counted['learner_assets'] >= len(HINTS)
    assert counted['store_failures_total'] == 0


def test_what_is_not_learned_is_counted_by_its_reason(shop, site):
    (site / 'odd.php').write_text("""<?php
        header('Link: </a.css>; rel=preload; as=style; media=print'); ?><!doctype html><p>odd""")
    shop.visit(1, '/odd.php')
    shop.visit(2, '/odd.php', headers=[('sec-purpose', 'prefetch')])
    wanted = {'outrider_links_refused_total{reason="media"} 1',
              'outrider_learn_decisions_total{reason="ok"} 1',
              'outrider_learn_decisions_total{reason="prefetch"} 1'}
    until(lambda: wanted <= set(shop.outrider.ask_admin('/metrics')[1].decode().split('\n')), 5,
          'the reasons are not counted')


def test_a_font_is_hinted_after_three_cold_networks_asked_for_it(shop):
    for network in (1, 2):
        for _ in range(3):
            cold(shop, network)
    time.sleep(VISIT_OVER)
    assert FONT not in shop.hints(8, '/')
    cold(shop, 3)
    time.sleep(VISIT_OVER)
    page = shop.visit(9, '/')
    font = [attributes for _, _, fields in page.hints for target, attributes in links(fields)
            if target == FONT]
    assert len(font) == 1 and 'crossorigin' in font[0] and 'as=font' in font[0]


def test_visitors_who_have_left_are_told_of_at_once(shop):
    for network in (1, 2, 3):
        cold(shop, network)
        shop.clients.pop(network).close()
    time.sleep(2)     # and not VISIT_OVER
    assert FONT in shop.hints(8, '/')


def test_a_font_that_nobody_asks_for_is_not_hinted(shop):
    for network in range(1, 9):
        shop.visit(network, '/')
        shop.fetch(network, '/', *HINTS)
    time.sleep(VISIT_OVER)
    assert shop.hints(20, '/') == list(HINTS)


def test_what_our_hints_made_browsers_fetch_proves_nothing(shop):
    """Two networks asked by themselves; then others, marked as hinted, which must not make three."""
    for network in (1, 2):
        cold(shop, network)
    for network in range(3, 12):
        shop.visit(network, '/')
        shop.fetch(network, '/', *HINTS, FONT, headers=[('x-moz', 'early hint')])
    time.sleep(VISIT_OVER)
    assert FONT not in shop.hints(20, '/')


def test_visitors_with_full_caches_take_nothing_away(shop):
    for network in (1, 2, 3):
        cold(shop, network)
    time.sleep(VISIT_OVER)
    before = shop.hints(9, '/')
    assert FONT in before
    for network in range(10, 60):
        shop.visit(network, '/')
    time.sleep(VISIT_OVER)
    assert shop.hints(9, '/') == before


def test_images_and_icons_of_one_device_are_not_hinted(shop, site):
    for network in range(1, 6):
        cold(shop, network)
        shop.fetch(network, '/', '/assets/hero.svg')
    time.sleep(VISIT_OVER)
    assert set(shop.hints(20, '/')) == {*HINTS, FONT}


def test_an_asset_that_no_browser_can_keep_is_not_hinted(shop, site):
    (site / 'made.php').write_text('<?php header("Content-Type: text/css"); header("Cache-Control: no-store");')
    (site / 'kept.php').write_text('<?php header("Content-Type: text/css"); header("Cache-Control: max-age=60");')
    shop.touch('head', '<link rel=stylesheet href=/made.php><link rel=stylesheet href=/kept.php>')
    for network in range(1, 6):
        shop.visit(network, '/')
        assert shop.fetch(network, '/', '/made.php', '/kept.php') == [200, 200]
    shop.settle()
    hints = shop.hints(20, '/')
    assert '/made.php' not in hints and '/kept.php' in hints


def test_data_that_a_script_answers_is_hinted_once_it_was_seen(shop, site):
    for name, control in (('data', 'max-age=60'), ('live', 'no-store')):
        (site / f'{name}.php').write_text('<?php header("Content-Type: application/json"); '
                                          f'header("Cache-Control: {control}"); echo "[1]";')
    shop.touch('head', '<link rel=preload as=fetch crossorigin href=/data.php>'
                       '<link rel=preload as=fetch crossorigin href=/live.php>')
    shop.known('/')
    assert '/data.php' not in shop.hints(19, '/')
    assert shop.fetch(19, '/', '/data.php', '/live.php', as_='empty') == [200, 200]
    shop.settle()
    hints = shop.hints(20, '/')
    assert '/data.php' in hints and '/live.php' not in hints


UNTEACHING = {
    'POST': dict(method='POST', body=b'a=b', navigation=True),
    'HEAD': dict(method='HEAD', navigation=True),
    'a prefetch': dict(navigation=True, headers=[('sec-purpose', 'prefetch')]),
}


@pytest.mark.parametrize('how', UNTEACHING)
def test_what_is_no_navigation_teaches_nothing(shop, how):
    for network in range(1, 6):
        shop.client(network).get('/unseen/', **UNTEACHING[how])
    shop.settle()
    assert shop.hints(20, '/unseen/') == []


def test_a_404_teaches_nothing_and_gets_nothing(shop):
    for network in range(1, 6):
        assert shop.visit(network, '/gone/page/').status == 404
    shop.settle()
    page = shop.visit(20, '/gone/page/')
    assert page.status == 404 and not page.hints
    assert not shop.visit(20, '/gone/other/').hints


def test_a_page_never_seen_gets_what_its_kind_has_in_common(shop):
    shop.known(*(f'/product/{n}/' for n in range(6)), networks=range(1, 4))
    hints = shop.hints(20, '/product/never-seen/')
    assert set(hints) == {*HINTS, '/assets/product.css'}


NO_PAGES = {
    'feed': 'Content-Type: application/rss+xml',
    'api': 'Content-Type: application/json',
    'export': 'Content-Disposition: attachment; filename=export.html',
}


def test_what_shows_no_page_gets_nothing_from_the_third_view(shop, site):
    """Its kind is hinted, and a feed, data or a file to save looks like one of it by its path."""
    shop.known(*(f'/product/{n}/' for n in range(4)), networks=range(1, 4))
    (site / 'product').mkdir()
    for name, field in NO_PAGES.items():
        (site / 'product' / f'{name}.php').write_text(f'<?php usleep(50000); header("{field}"); echo "<p>x";')
        for network in (11, 12):
            shop.visit(network, f'/product/{name}.php')
    shop.settle()
    assert {name: shop.hints(13, f'/product/{name}.php') for name in NO_PAGES} == dict.fromkeys(NO_PAGES, [])
    assert set(shop.hints(13, '/product/never-seen/')) > set(HINTS)
