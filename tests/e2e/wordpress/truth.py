# SPDX-License-Identifier: MIT
"""What a page really needs: everything that headless Chromium asks for when it opens the page for
the first time ever, with hints off. From that:

  wanted    the styles and scripts that the HTML asks for: whose request the parser began. Not the
            styles whose media does not apply (Chromium asks for them, but late and without any
            hurry), and not what scripts put in, such as the emoji script.
  blocking  those of them that block rendering, by Chromium's own word, and by the place for
            scripts: Chromium calls a script at the end of the body blocking or not by how soon
            its preload scanner came by.
  fonts     the fonts that were used, of the many that may be declared
  decoys    all other URLs that were asked for, and the fonts that were declared but not used;
            and the icon, which a browser with a window asks for

All of them are sets of (URL, destination) as in sec-fetch-dest, decoys of URLs."""
import asyncio

from wordpress.chromium import Chromium
from wordpress.proxy import Proxy
from wordpress.site import HOST

ORIGIN = f'https://{HOST}'
AT_ONCE = 2                         # pages that Chromium looks at side by side
NETWORK = '127.0.200.1'             # where it comes from
# WordPress redirects the first to the second.
ICON = [ORIGIN + '/favicon.ico', ORIGIN + '/wp-includes/images/w-logo-blue-white-bg.png']
# What a browser says of itself and of its request; the rest is the client's business.
KEPT = ('accept', 'accept-language', 'origin', 'referer', 'user-agent', 'upgrade-insecure-requests')


class Request:
    """One request of the page, with the fields by which it can be played again."""

    def __init__(self, asked):
        self.url, self.status = asked['url'], asked['status']
        self.dest = asked['headers'].get('sec-fetch-dest', 'image')
        self.by_parser = asked['initiator'] == 'parser'
        self.rendering = asked['blocking']
        self.headers = [(name, value) for name, value in asked['headers'].items()
                        if name in KEPT or name.startswith('sec-')]

    @property
    def path(self):
        """Path and query on the site; None elsewhere."""
        return self.url[len(ORIGIN):] if self.url.startswith(ORIGIN + '/') else None

    @property
    def pair(self):
        return self.url, self.dest


class Truth:
    """Of one page. `requests[0]` is the navigation."""

    def __init__(self, view):
        self.requests = [Request(asked) for asked in view.asked]
        assets = self.requests[1:]
        self.wanted = {r.pair for r in assets if r.by_parser and
                       (r.dest == 'script' or r.dest == 'style' and r.rendering != 'NonBlocking')}
        behind = {script['url'] for script in view.document['scripts']
                  if not script['head'] or script['late']}
        self.blocking = {(url, dest) for url, dest in self.wanted
                         if dest == 'style' or url not in behind}
        self.fonts = {r.pair for r in assets if r.dest == 'font'}
        self.declared_fonts = {url for url in view.document['fonts'] if url.startswith(ORIGIN)}
        needed = {url for url, _ in self.wanted | self.fonts}
        self.decoys = ({r.url for r in assets} | self.declared_fonts | set(ICON)) - needed


async def collect(folder, outriders, urls, cookies=None):
    """{name: {url: Truth}} for `outriders` {name: Outrider} with hints off and `urls` {name: list}."""
    found = {name: {} for name in outriders}
    turn = asyncio.Semaphore(AT_ONCE)
    async with Chromium(folder, [outrider.pin for outrider in outriders.values()]) as chromium:
        async def look(name, url, proxy):
            async with turn:
                found[name][url] = Truth(await chromium.look_at(ORIGIN + url, proxy.address, cookies))

        proxies = {name: await Proxy(HOST, outrider.tls_port, NETWORK).start()
                   for name, outrider in outriders.items()}
        await asyncio.gather(*(look(name, url, proxies[name]) for name in outriders for url in urls[name]))
        for proxy in proxies.values():
            await proxy.close()
    return found
