# SPDX-License-Identifier: MIT
"""The site is what the facts say of WordPress, and the decoys are really there: else the tests of
the hints would prove little."""
import pytest

from wordpress.site import BLOCK, CLASSIC, FONTS, THEMES
from wordpress.truth import ORIGIN
from wordpress.urls import BY_KIND, KIND, URLS


def names(pairs):
    """The file names alone."""
    return {(pair if isinstance(pair, str) else pair[0]).split('?')[0].rpartition('/')[2] for pair in pairs}


def counts(truths):
    """A table: what the pages of each kind ask for, as the least and the most of a page."""
    lines = [f'{"":10}  pages  {"blocking":9}{"wanted":9}{"fonts":9}{"decoys":9}{"requests":9}']
    for kind, urls in BY_KIND.items():
        cells = ''
        for what in ('blocking', 'wanted', 'fonts', 'decoys', 'requests'):
            found = sorted(len(getattr(truths[url], what)) for url in urls)
            cells += f'{found[0]}-{found[-1]}'.ljust(9)
        lines.append(f'{kind:10}  {len(urls):5}  {cells}')
    return '\n'.join(lines)


@pytest.mark.parametrize('theme', THEMES)
def test_every_page_is_there_and_was_seen_whole(truth, show, theme):
    assert sorted(truth[theme]) == sorted(URLS)
    for url, page in truth[theme].items():
        assert (page.requests[0].url, page.requests[0].status) == (ORIGIN + url, 200)
        failed = [r.url for r in page.requests if r.path and r.status != 200]
        assert not failed, url
    show(f'\n{theme}: what Chromium asks for\n{counts(truth[theme])}')


def test_the_classic_theme_needs_its_styles_and_has_its_decoys(truth):
    for url, page in truth[CLASSIC].items():
        assert names(page.blocking) >= {'style.min.css', 'classic-themes.min.css', 'style.css'}, url
        assert names(page.decoys) >= {'print.css', 'wp-emoji-release.min.js'}, url
        # The name stands in an inline script only, and no browser of today asks for it.
        assert 'polyfills.js' not in names(page.wanted) | names(page.decoys)


def test_the_block_theme_declares_fonts_that_it_does_not_use(truth):
    for url, page in truth[BLOCK].items():
        assert names(page.blocking) >= {'style.min.css', 'view.min.js', 'view-modal.min.js'}, url
        assert len(page.declared_fonts) == 11 and not page.fonts, url
        assert page.declared_fonts <= page.decoys


def test_a_style_variation_uses_one_of_them(truth):
    for url, page in truth[FONTS].items():
        assert len(page.declared_fonts) == 11 and len(page.fonts) == 1, url


@pytest.mark.parametrize('theme', THEMES)
def test_pages_of_one_kind_differ(truth, theme):
    """Else a page never seen would say nothing."""
    for kind in ('post', 'page'):
        sets = {frozenset(page.wanted) for url, page in truth[theme].items() if KIND[url] == kind}
        assert len(sets) > 1, kind


@pytest.mark.parametrize('theme', THEMES)
def test_images_are_among_the_decoys(truth, theme):
    assert any(name.endswith('.jpg') for page in truth[theme].values() for name in names(page.decoys))
