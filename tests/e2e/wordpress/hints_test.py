# SPDX-License-Identifier: MIT
"""After one view of a page that WordPress rendered, the next visitor is hinted what a cold browser
needs for it, and nothing else. WordPress says nothing of this itself: all of it is learned from the
HTML that passed and from what the first visitor asked for."""
import pytest

from wordpress.conftest import FONT_URLS
from wordpress.score import Score, by_kind, mistakes, table
from wordpress.site import FONTS, THEMES
from wordpress.urls import KIND
from wordpress.visitor import Visitor, hinted

FIRST, SECOND, THIRD, FOURTH = 1, 2, 3, 4   # client networks


def hints_for(outrider, number, truths):
    """{url: what somebody from that network is hinted}."""
    hints = {}
    for url, page in truths.items():
        with Visitor(outrider, number) as visitor:
            exchange = visitor.open(page)
            assert exchange.status == 200
            hints[url] = hinted(exchange)
            if not hints[url]:
                print(f'{url}: no hints: {exchange.header("outrider")}')
    return hints


@pytest.fixture(scope='module', params=THEMES)
def views(request, front, truth):
    """(theme, hints of the second view, hints after views from four networks), as of hints_for."""
    theme = request.param
    outrider = front(theme)

    def visit(number):
        for page in truth[theme].values():
            with Visitor(outrider, number) as visitor:
                visitor.visit(page)

    visit(FIRST)
    outrider.settle(visits=True)
    second = hints_for(outrider, SECOND, truth[theme])
    for number in (SECOND, THIRD, FOURTH):
        visit(number)
    outrider.settle(visits=True)
    return theme, second, hints_for(outrider, FOURTH + 1, truth[theme])


def scored(hints, truths):
    """({url: Score}, the Score of all)."""
    scores = {url: Score.of(hints[url], page.wanted, page.blocking) for url, page in truths.items()}
    return scores, sum(scores.values(), Score())


def test_the_second_view_is_hinted_what_the_page_needs(views, truth, show):
    theme, hints, _ = views
    scores, everything = scored(hints, truth[theme])
    show(table(f'{theme}: hints of the second view', by_kind(scores, KIND)))
    faults = mistakes(hints, truth[theme])
    assert everything.precision >= 0.98, faults
    assert everything.blocking_recall >= 0.95, faults
    assert everything.recall >= 0.95, faults


def test_what_many_visitors_asked_for_makes_the_hints_no_worse(views, truth, show):
    """By then requests count as evidence, too, and of them some are for what pages do not need."""
    theme, _, hints = views
    scores, everything = scored(hints, truth[theme])
    show(table(f'{theme}: hints after views from four networks', by_kind(scores, KIND)))
    faults = mistakes(hints, truth[theme])
    assert everything.precision >= 0.98, faults
    assert everything.recall >= 0.95, faults


@pytest.mark.parametrize('after', ['one view', 'views from four networks'])
def test_no_decoy_is_hinted(views, truth, after):
    theme, second, later = views
    hints = second if after == 'one view' else later
    assert any(hints.values())
    for url, page in truth[theme].items():
        urls = {asset for asset, _ in hints[url]}
        assert not urls & page.decoys, url
        assert not [asset for asset in urls if 'polyfills' in asset], url
        assert {dest for _, dest in hints[url]} <= {'style', 'script'}, 'no images, no unused fonts'


def test_a_font_is_hinted_once_three_client_networks_have_fetched_it(front, truth):
    """Many are declared; only requests tell which are used, and one network could tell anything."""
    outrider = front(FONTS)
    url = FONT_URLS[0]
    page = truth[FONTS][url]
    for number in (FIRST, FIRST, SECOND, FIRST, SECOND):
        with Visitor(outrider, number) as visitor:
            visitor.visit(page)
    outrider.settle(visits=True)
    with Visitor(outrider, THIRD) as visitor:
        exchange = visitor.visit(page)
        assert hinted(exchange) >= page.blocking
        assert 'font' not in {dest for _, dest in hinted(exchange)}, 'two networks are not enough'
    outrider.settle(visits=True)
    with Visitor(outrider, FOURTH) as visitor:
        exchange = visitor.open(page)
    fonts = {pair for pair in hinted(exchange) if pair[1] == 'font'}
    assert fonts == page.fonts, 'the one of the eleven that is used'
    links = [value for name, value in exchange.hints[0][2] if name == 'link']
    assert 'crossorigin' in ','.join(links), 'fonts are fetched with CORS'
