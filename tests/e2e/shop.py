# SPDX-License-Identifier: MIT
"""The shop of site/shop.php and its visitors, each from a network of its own: connections come from
127.0.N.1, which is another /24 for every N."""
import os
import time

from h2client import links

HINTS = ('/assets/style.css?ver=1', '/assets/app.js')
DESTINATIONS = {'css': 'style', 'js': 'script', 'svg': 'image'}
VISIT_OVER = 4.5   # seconds after which the requests behind a navigation are evidence


class Shop:
    def __init__(self, make_outrider, fpm, connect, site, **options):
        self.site = site
        (site / 'members').mkdir()
        for name in ('product', 'bar', 'once', 'evil', 'heavy-1', 'heavy-2', 'heavy-3', 'heavy-4'):
            self.touch(f'assets/{name}.css', 'p{color:red}')
            self.touch(f'assets/{name}.js', '1')
        for name in [*(f'user{n}' for n in range(12)), *(f'of-127-0-{n}-1' for n in range(64))]:
            self.touch(f'members/{name}.css', 'p{color:blue}')
        (site / 'index.php').unlink()     # shop.php answers for / too
        options.setdefault('site', 'assets { max-age = 1h }')
        self.outrider = make_outrider(fpm, front_controller='/shop.php', **options)
        self.connect = connect
        self.origin = f'https://localhost:{self.outrider.tls_port}'
        self.clients = {}

    def client(self, network):
        """The connection of that network, always the same one."""
        if network not in self.clients:
            self.clients[network] = self.connect(self.outrider, source=f'127.0.{network}.1')
        return self.clients[network]

    def visit(self, network, path, **rest):
        """A navigation. Over a new connection each: what was hinted on one is not repeated there."""
        old = self.clients.pop(network, None)
        if old:
            old.close()
        return self.client(network).navigate(path, **rest)

    def fetch(self, network, page, *assets, as_=None, **rest):
        """The asset requests that follow a navigation of the page, as a browser makes them."""
        client = self.client(network)
        more = [('referer', self.origin + page), *rest.pop('headers', ())]
        asked = [client.request(asset, headers=[*more, *self.destination(asset, as_)], **rest)
                 for asset in assets]
        client.wait(*asked)
        return [answer.status for answer in asked]

    def destination(self, asset, as_=None):
        if as_ == 'empty':      # fetch(), on the page's own origin
            return [('sec-fetch-dest', 'empty'), ('sec-fetch-mode', 'cors')]
        ending = asset.partition('?')[0].rpartition('.')[2]
        if ending == 'ttf':
            return [('sec-fetch-dest', 'font'), ('sec-fetch-mode', 'cors'), ('origin', self.origin)]
        return [('sec-fetch-dest', DESTINATIONS.get(ending, 'style')), ('sec-fetch-mode', 'no-cors')]

    def hints(self, network, path, **rest):
        """What a visitor from there is hinted: paths in their order."""
        page = self.visit(network, path, **rest)
        assert page.status == 200
        return [target for _, _, fields in page.hints for target, _ in links(fields)]

    def known(self, *paths, networks=range(1, 6)):
        """The pages as a public that has been there knows them."""
        self.settle()
        for network in networks:
            for path in paths:
                assert self.visit(network, path).status == 200
        self.settle()

    @staticmethod
    def settle():
        """The moment that it may take to publish what was learned, and until a route that was asked
        for often may teach again."""
        time.sleep(1.1)

    def touch(self, name, text):
        """Writes a file that the application or a browser reads, old enough to be kept."""
        path = self.site / name
        path.write_text(text)
        os.utime(path, (time.time() - 1000000, time.time() - 1000000))
