# SPDX-License-Identifier: MIT
"""Chromium itself, as the first visitor and as the second one: what it asked for is learned, what
it is then hinted it fetches early, and uses."""
import asyncio

import pytest
from relay import Relay

from wordpress.chromium import Chromium
from wordpress.proxy import Proxy
from wordpress.site import HOST, THEMES
from wordpress.truth import ORIGIN
from wordpress.visitor import Visitor, hinted

URL = '/2024/05/post-29/'


async def look(folder, outrider, port):
    async with Chromium(folder, [outrider.pin]) as chromium:
        proxy = await Proxy(HOST, port).start()
        view = await chromium.look_at(ORIGIN + URL, proxy.address)
        await proxy.close()
        return view


@pytest.mark.parametrize('theme', THEMES)
def test_chromium_uses_what_the_first_view_taught(front, truth, tmp_path, theme):
    outrider = front(theme)
    page = truth[theme][URL]
    relay = Relay(outrider.tls_port, 0.025)     # a 103 that comes too soon is lost in Chromium
    try:
        first = asyncio.run(look(tmp_path / 'first', outrider, relay.port))
        assert not any(asked['early'] for asked in first.asked)
        outrider.settle()
        with Visitor(outrider, 2) as visitor:
            assert hinted(visitor.open(page)) >= page.blocking
        for attempt in range(3):    # that happens with a delay, too, now and then
            view = asyncio.run(look(tmp_path / f'second{attempt}', outrider, relay.port))
            early = {asked['url'] for asked in view.asked if asked['early']}
            if early:
                break
    finally:
        relay.close()
    assert early >= {url for url, _ in page.blocking}
    assert early <= {url for url, _ in page.wanted}, 'and nothing that the page did not want'
