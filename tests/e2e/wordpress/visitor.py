# SPDX-License-Identifier: MIT
"""A client that asks for what Chromium asked for, in Chromium's words, from a client network of its
own: quick enough for hundreds of views. It acts on a 103 as a browser does: fetches what is hinted
at once, and not again."""
import re
from urllib.parse import urljoin

from h2client import Client
from wordpress.site import HOST
from wordpress.truth import ICON, ORIGIN


def network(number):
    """An address in the client network with that number."""
    return f'127.0.{number}.1'


def hinted(exchange):
    """The (URL, destination) pairs of the only 103; what is neither preload nor modulepreload has
    its rel as destination."""
    assert len(exchange.hints) <= 1, 'browsers honour the first 103 only'
    field = ','.join(value for _, _, head in exchange.hints for name, value in head if name == 'link')
    pairs = set()
    for target, attributes in re.findall(r'<([^>]*)>([^,<]*)', field):     # targets may have commas
        fields = dict(re.findall(r';\s*(\w+)(?:="?([\w-]+))?', attributes))
        dest = {'preload': fields.get('as'), 'modulepreload': 'script'}.get(fields['rel'], fields['rel'])
        pairs.add((urljoin(ORIGIN, target), dest))
    return pairs


class Visitor(Client):
    """One connection of one person."""

    def __init__(self, outrider, number, cookies=None):
        super().__init__(outrider.tls_port, source=network(number))
        self.authority = HOST
        self.cookies = dict(cookies or {})

    def ask(self, path, headers, **rest):
        if self.cookies:
            headers = [*headers, ('cookie', '; '.join(f'{k}={v}' for k, v in self.cookies.items()))]
        return self.request(path, headers=headers, **rest)

    def open(self, truth):
        """The page alone. The exchange."""
        navigation = truth.requests[0]
        return self.wait(self.ask(navigation.path, navigation.headers))

    def visit(self, truth):
        """The page, all it needs, and the icon. The page's exchange."""
        navigation = truth.requests[0]
        page = self.ask(navigation.path, navigation.headers)
        while not (page.hints or page.over):
            self.turn(20)
        early = {url: self.ask(url[len(ORIGIN):], self.words(truth, dest))
                 for url, dest in sorted(hinted(page)) if url.startswith(ORIGIN + '/')}
        self.wait(page)
        late = [self.ask(r.path, r.headers) for r in truth.requests[1:] if r.path and r.url not in early]
        self.wait(page, *early.values(), *late)
        for url in ICON:
            self.wait(self.ask(url[len(ORIGIN):], self.words(truth, 'image')))
        return page

    def words(self, truth, dest):
        """The fields of a request that no recorded one stands for: of what a 103 asks for, Chromium
        leaves out sec-ch-ua."""
        agent = dict(truth.requests[0].headers)['user-agent']
        return [('accept', '*/*'), ('user-agent', agent), ('referer', truth.requests[0].url),
                ('sec-fetch-site', 'same-origin'), ('sec-fetch-dest', dest),
                ('sec-fetch-mode', 'cors' if dest == 'font' else 'no-cors')]

    def log_in(self, name, password='secret'):
        """Keeps the cookies that WordPress gives."""
        body = f'log={name}&pwd={password}&wp-submit=Log+In&testcookie=1'.encode()
        self.cookies['wordpress_test_cookie'] = 'WP%20Cookie%20check'
        answer = self.wait(self.ask('/wp-login.php', [('content-type', 'application/x-www-form-urlencoded')],
                                    method='POST', body=body))
        assert answer.status == 302, bytes(answer.body[:2000])
        for field, value in answer.headers:
            if field == 'set-cookie' and 'path=/;' in value + ';':
                key, _, rest = value.partition('=')
                self.cookies[key] = rest.partition(';')[0]
        assert any(key.startswith('wordpress_logged_in_') for key in self.cookies), answer.headers
