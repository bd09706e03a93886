# SPDX-License-Identifier: MIT
"""What is gone is not hinted any more, anywhere, once the disk or two networks show it; what has a
newer version is hinted in that one."""
import pytest
from shop import HINTS, Shop

PAGES = ('/', '/about/', '/product/1/', '/product/2/', '/product/3/')


@pytest.fixture
def shop(make_outrider, fpm, connect, site):
    made = Shop(make_outrider, fpm, connect, site)
    made.touch('version', '1')
    return made


def test_a_404_of_an_asset_removes_it_everywhere(shop, site):
    for network in range(10, 18):     # all workers have seen it answer 200
        shop.visit(network, '/product/1/')
        assert shop.fetch(network, '/product/1/', '/assets/product.css') == [200]
    shop.known(*PAGES)
    for path in ('/product/1/', '/product/2/', '/product/new/'):
        assert '/assets/product.css' in shop.hints(9, path)
    (site / 'assets/product.css').rename(site / 'assets/gone.css')
    # shop.php answers 200 to everything, with HTML: that is no stylesheet. 404 comes from /gone/.
    (site / 'shop.php').write_text((site / 'shop.php').read_text().replace("'/gone/'", "'/assets/'"))
    assert shop.fetch(9, '/product/1/', '/assets/product.css') == [404]
    shop.settle()
    for path in ('/product/1/', '/product/2/', '/product/new/'):
        hints = shop.hints(10, path)
        assert '/assets/product.css' not in hints and set(HINTS) <= set(hints), path
    # Back again: with its next 200, whichever worker sees it.
    (site / 'assets/gone.css').rename(site / 'assets/product.css')
    shop.visit(20, '/product/1/')
    assert shop.fetch(20, '/product/1/', '/assets/product.css') == [200]
    shop.settle()
    assert '/assets/product.css' in shop.hints(40, '/product/1/')


def test_an_asset_that_redirects_is_not_hinted(shop, site):
    shop.known(*PAGES)
    assert '/assets/app.js' in shop.hints(9, '/')
    (site / 'assets/app.js').unlink()
    (site / 'shop.php').write_text((site / 'shop.php').read_text().replace(
        "http_response_code(404)", "header('Location: /elsewhere', true, 302)").replace("'/gone/'", "'/assets/'"))
    assert shop.fetch(9, '/', '/assets/app.js') == [302]
    shop.settle()
    for path in PAGES:
        assert '/assets/app.js' not in shop.hints(10, path)


def test_a_new_ver_retires_the_old_one_once_two_networks_were_given_it(shop):
    shop.known(*PAGES)
    assert all(HINTS[0] in shop.hints(9, path) for path in PAGES)
    shop.touch('version', '2')
    shop.visit(10, '/about/')
    shop.visit(12, '/product/1/')
    shop.settle()
    for path in PAGES:
        hints = shop.hints(11, path)
        assert '/assets/style.css?ver=1' not in hints, path
        assert '/assets/app.js' in hints
    shop.settle()
    for path in PAGES:
        assert '/assets/style.css?ver=2' in shop.hints(12, path)


def test_a_renamed_bundle_retires_the_old_one(shop, site):
    for name in ('3f9a1c2e', 'b07d44f1'):
        shop.touch(f'assets/app.{name}.js', '1')
    shop.touch('head', '<script src="/assets/app.3f9a1c2e.js"></script>')
    shop.known(*PAGES)
    assert all('/assets/app.3f9a1c2e.js' in shop.hints(9, path) for path in PAGES)
    shop.touch('head', '<script src="/assets/app.b07d44f1.js"></script>')
    shop.visit(10, '/product/1/')
    shop.visit(12, '/about/')
    shop.settle()
    for path in PAGES:
        assert '/assets/app.3f9a1c2e.js' not in shop.hints(11, path), path
    shop.settle()
    assert '/assets/app.b07d44f1.js' in shop.hints(12, '/product/1/')


def test_a_page_that_stops_using_an_asset_loses_the_hint(shop):
    shop.touch('head', '<script src="/assets/once.js"></script>')
    shop.known('/')
    assert '/assets/once.js' in shop.hints(9, '/')
    shop.touch('head', '')
    shop.known('/', networks=range(1, 12))
    assert shop.hints(20, '/') == list(HINTS)
