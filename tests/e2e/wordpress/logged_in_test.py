# SPDX-License-Identifier: MIT
"""What only logged-in visitors are given, WordPress's admin bar, is hinted to logged-in visitors
only, and to them once three different sessions have been given it."""
import asyncio

import pytest

from wordpress.conftest import Front
from wordpress.site import CLASSIC
from wordpress.truth import collect
from wordpress.visitor import Visitor, hinted

URL = '/about/'
BAR = {'dashicons.min.css', 'admin-bar.min.css', 'hoverintent-js.min.js', 'admin-bar.min.js'}


def bar(pairs):
    """Those of the admin bar, by file name."""
    return {url.split('?')[0].rpartition('/')[2] for url, _ in pairs} & BAR


@pytest.fixture(scope='module')
def sessions(wordpress, tmp_path_factory):
    """The cookies of four users, and what Chromium asks for with those of the first."""
    folder = tmp_path_factory.mktemp('sessions')
    outrider = Front(folder / 'front', wordpress, CLASSIC, hints='mode = off')
    try:
        cookies = []
        for name in ('anna', 'boris', 'clara', 'david'):
            with Visitor(outrider, 1) as visitor:
                visitor.log_in(name)
                cookies.append(visitor.cookies)
        found = asyncio.run(collect(folder / 'chromium', {CLASSIC: outrider}, {CLASSIC: [URL]}, cookies[0]))
    finally:
        outrider.stop()
    page = found[CLASSIC][URL]
    assert bar(page.wanted) == BAR
    return cookies, page


def test_the_admin_bar_is_hinted_to_the_fourth_session_and_never_to_the_public(front, truth, sessions):
    cookies, page = sessions
    public = truth[CLASSIC][URL]
    outrider = front(CLASSIC)

    def hints(number, truth, cookies=None):
        with Visitor(outrider, number, cookies) as visitor:
            return hinted(visitor.open(truth))

    for number in (5, 6, 7):
        with Visitor(outrider, number) as visitor:
            visitor.visit(public)
    outrider.settle()
    assert hints(8, public) >= public.blocking

    # Each of three sessions, more than once and from its own network. Until the third was there,
    # nobody else is told, not even in a session; what is public is hinted to all.
    for number, session in enumerate(cookies[:3], 1):
        early = hints(number, page, session)
        assert early >= public.blocking
        assert not bar(early), f'after {number - 1} other sessions'
        for _ in range(3):
            with Visitor(outrider, number, session) as visitor:
                visitor.visit(page)
        outrider.settle(visits=number > 1)  # two and three sessions are where it is decided
        assert not bar(hints(8, public)), 'never to the public'

    late = hints(4, page, cookies[3])
    assert bar(late) == BAR
    assert late >= page.blocking
    assert late <= page.wanted, late - page.wanted
    for number in (1, 2, 3, 9):     # not even to their neighbours
        assert not bar(hints(number, public))
