# SPDX-License-Identifier: MIT
"""Links with every attribute that was measured, against the families of clients: which field exactly
each is sent in its 103, and what a real Chromium and a real Firefox then do. What is hinted is asked for
while the page is made, what is not after that; and everything once.

The links are learned from the page's Link fields. When a browser comes, the page has none any more: a
final response's links are another matter."""
import os
import socket
import threading
import time
import types

import pytest
from h2client import Client
from servers import ROOT
from stage import KEEP, page

SAFARI = [('user-agent', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 '
           '(KHTML, like Gecko) Version/18.5 Safari/605.1.15')]
UNKNOWN = [('user-agent', 'Gazelle/1.0')]
HASH = 'integrity="sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="'     # of nothing
STYLE = '</s>; rel=preload; as=style'
SCRIPT = '</s>; rel=preload; as=script'
FONT = '</s>; rel=preload; as=font; crossorigin'
IMAGE = '</s>; rel=preload; as=image'
FETCH = '</s>; rel=preload; as=fetch; crossorigin'
MODULE = '</s>; rel=modulepreload'
CONNECT = '<o>; rel=preconnect'

# What the application says, and what Chromium and Firefox are told, and what unknown clients are told
# where that is something else. "s" stands for the URL of an asset of the row's own, "o" for an origin of
# its own. Safari is told the preconnects, and nothing else.
NONE = None
ROWS = {
    'style': ('</s>; rel=preload; as=style', STYLE),
    'script': ('</s>; rel=preload; as=script', SCRIPT),
    'font': ('</s>; rel=preload; as=font; crossorigin', FONT),
    'font without crossorigin': ('</s>; rel=preload; as=font', FONT),
    'font with type': ('</s>; rel=preload; as=font; type=font/ttf; crossorigin', f'{FONT}; type="font/ttf"', FONT),
    'image': ('</s>; rel=preload; as=image', IMAGE),
    'fetch': ('</s>; rel=preload; as=fetch; crossorigin=anonymous', FETCH),
    'fetch without crossorigin': ('</s>; rel=preload; as=fetch', FETCH),
    'module': ('</s>; rel=modulepreload', MODULE, NONE),
    'module as script': ('</s>; rel=modulepreload; as=script; crossorigin', f'{MODULE}; crossorigin', NONE),
    'no as': ('</s>; rel=preload', NONE),
    'an unknown as': ('</s>; rel=preload; as=banana', NONE),
    'as document': ('</s>; rel=preload; as=document', NONE),
    'as video': ('</s>; rel=preload; as=video', NONE),
    'as track': ('</s>; rel=preload; as=track', NONE),
    'as worker': ('</s>; rel=preload; as=worker', NONE),
    'rel stylesheet': ('</s>; rel=stylesheet', NONE),
    'rel prefetch': ('</s>; rel=prefetch; as=style', NONE),
    'two relations': ('</s>; rel="preload next"; as=style', STYLE),
    'preconnect': ('<o>; rel=preconnect', CONNECT),
    'preconnect with crossorigin': ('<o>; rel=preconnect; crossorigin', f'{CONNECT}; crossorigin'),
    'preconnect and dns-prefetch': ('<o>; rel="preconnect dns-prefetch"', CONNECT),
    'another origin': ('<o/a.css>; rel=preload; as=style', CONNECT),
    'dns-prefetch': ('<o>; rel=dns-prefetch', NONE),
    'imagesrcset': ('</s>; rel=preload; as=image; imagesrcset="/s 1x"; imagesizes=100vw', NONE),
    'fetchpriority high': (f'{IMAGE}; fetchpriority=high', f'{IMAGE}; fetchpriority=high', IMAGE),
    'fetchpriority low': (f'{STYLE}; fetchpriority=low', f'{STYLE}; fetchpriority=low', STYLE),
    'fetchpriority auto': (f'{STYLE}; fetchpriority=auto', f'{STYLE}; fetchpriority=auto', STYLE),
    'fetchpriority nonsense': (f'{STYLE}; fetchpriority=soon', STYLE),
    'media that matches': (f'{STYLE}; media=all', NONE),
    'media that does not match': (f'{STYLE}; media=print', NONE),
    'type': (f'{STYLE}; type="text/css"', f'{STYLE}; type="text/css"', STYLE),
    'type without quotes': (f'{STYLE}; type=text/css', f'{STYLE}; type="text/css"', STYLE),
    'nopush': (f'{STYLE}; nopush', STYLE),
    'push only': (f'{STYLE}; x-http2-push-only', NONE),
    'unknown parameters': (f'{STYLE}; foo=bar; x-y="a, b; c"', STYLE),
    'pr': (f'{STYLE}; pr=1', STYLE),
    'importance': (f'{STYLE}; importance=high', STYLE),
    'nonce': (f'{STYLE}; nonce=abc', STYLE),
    'blocking': (f'{STYLE}; blocking=render', STYLE),
    'title': (f'{STYLE}; title="x, y; z"; title*=UTF-8\'\'x', STYLE),
    'hreflang': (f'{STYLE}; hreflang=en; rev=made', STYLE),
    'anchor': (f'{STYLE}; anchor="/other"', NONE),
    'referrerpolicy': (f'{STYLE}; referrerpolicy=no-referrer', STYLE),
    'a wrong integrity': (f'{STYLE}; {HASH}', STYLE),
    'crossorigin': (f'{STYLE}; crossorigin', f'{STYLE}; crossorigin'),
    'crossorigin anonymous': (f'{STYLE}; crossorigin=anonymous', f'{STYLE}; crossorigin'),
    'crossorigin empty': (f'{STYLE}; crossorigin=""', f'{STYLE}; crossorigin'),
    'crossorigin nonsense': (f'{STYLE}; crossorigin=zzz', f'{STYLE}; crossorigin'),
    'crossorigin with credentials': (f'{STYLE}; crossorigin=use-credentials', f'{STYLE}; crossorigin=use-credentials'),
    'upper case': ('</s>; REL=PRELOAD; AS=STYLE', STYLE),
    'no blanks': ('</s>;as="style";rel="preload"', STYLE),
    'a trailing semicolon': (f'{STYLE};', STYLE),
    'as twice': (f'{STYLE}; as=script', STYLE),
    'rel twice': (f'{STYLE}; rel=prefetch', STYLE),
    'the same twice': (f'{STYLE}, {STYLE}', STYLE),
    'garbage before it': (f'garbage, <>; rel=preload, {STYLE}', STYLE),
    'data before it': (f'<data:text/css,p>; rel=preload; as=style, {STYLE}', STYLE),
    'a query': ('</s?v=1>; rel=preload; as=style', '</s?v=1>; rel=preload; as=style'),
    'a fragment': ('</s#part>; rel=preload; as=style', STYLE),
}
KINDS = {   # by what the link is for: what the asset is, and how the page uses it
    'style': ('css', '<link rel=stylesheet href="{url}"{cors}>'),
    'script': ('js', '<script src="{url}"></script>'),
    'module': ('js', '<script type=module src="{url}"></script>'),
    'font': ('ttf', '<style>@font-face {{ font-family: f{n}; src: url({url}) }}</style>'
                    '<p style="font-family: f{n}">text</p>'),
    'image': ('svg', '<img src="{url}" alt="">'),
    'fetch': ('json', '<script>fetch("{url}")</script>'),
}
BODIES = {
    'css': 'p { color: green }', 'js': 'window.ran = true', 'json': '{}',
    'ttf': (ROOT / 'php-examples/site/assets/blocks.ttf').read_bytes(),
    'svg': '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
}


class Origin:
    """An address that notes when somebody connects."""

    def __init__(self):
        self.sock = socket.create_server(('127.0.0.1', 0))
        self.name = f'https://localhost:{self.sock.getsockname()[1]}'
        self.came = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                self.sock.accept()[0].close()
            except OSError:
                return
            self.came.append(time.time())

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Row:
    def __init__(self, name, number, folder):
        said, told, *others = ROWS[name]
        self.name = name
        kind = ('module' if 'modulepreload' in said else
                next((kind for kind in KINDS if f'as={kind}' in said), 'style'))
        ending, use = KINDS[kind]
        self.path = f'{folder}/{number}.{ending}'
        self.body = BODIES[ending]
        self.is_file = kind == 'fetch'      # what an application makes for fetch() is no asset to it
        self.mode = 'cors' if kind in ('font', 'fetch', 'module') or 'crossorigin' in said else 'no-cors'
        self.origin = Origin() if '<o' in said else None
        self.url = self.path + ('?v=1' if '?v=1' in said else '')
        self.target = self.origin.name if self.origin else self.url
        cors = next((f' crossorigin={mode}' for mode in ('use-credentials', 'anonymous') if mode in said),
                    ' crossorigin' if 'crossorigin' in said else '')
        self.use = '' if self.origin else use.format(url=self.url, n=number, cors=cors)
        self.said = self.fill(said)
        self.told = {'browsers': self.fill(told), 'unknown': self.fill(others[0] if others else told),
                     'safari': self.fill(told) if told and 'preconnect' in told else None}

    def fill(self, link):
        if link and self.origin:
            link = link.replace('<o', f'<{self.origin.name}')
        return link and link.replace('/s', self.path)


@pytest.fixture(scope='module')
def matrix(stage, staged, browser):
    """A page with all the rows, which the browser has been to: what each family was told, and the log."""
    made = types.SimpleNamespace()
    folder = f'/{browser.name[0]}'
    outrider = staged(hints='learn = {"link"} bytes = 8k')
    path = f'{folder}/page'
    made.rows = {name: Row(name, number, folder) for number, name in enumerate(ROWS)}
    for row in made.rows.values():
        if row.is_file:
            file = stage.root / row.path[1:]
            file.parent.mkdir(exist_ok=True)
            file.write_text(row.body)
            os.utime(file, (1e9, 1e9))      # old, so that browsers keep it without being told
        elif not row.origin:
            stage.add(row.url, row.body, [KEEP])
    html = page(''.join(row.use for row in made.rows.values()))
    stage.add(path, html, [f'Link: {row.said}' for row in made.rows.values()], think=400)
    report = browser.visit(f'https://localhost:{outrider.near}/stage/idle')
    assert report.protocol == 'h2'
    own = stage.log('/stage/idle')[-1]['fields']
    families = {'browsers': [(name, value) for name, value in own.items() if name not in (
        'host', 'sec-fetch-mode', 'sec-fetch-dest', 'accept')], 'safari': SAFARI, 'unknown': UNKNOWN}
    stage.teach(outrider, path, [(row.mode, row.url) for row in made.rows.values() if not row.origin])
    made.told = {}
    for family, fields in families.items():
        with Client(outrider.tls_port) as client:
            answer = client.navigate(path, headers=fields)
        made.told[family] = [value for _, _, said in answer.hints for name, value in said if name == 'link']
    stage.add(path, html, think=400)
    since = time.time()
    made.report = browser.visit(f'https://localhost:{outrider.near}{path}')
    made.answered = stage.log(path, 'answered', since)[0]['t']
    made.asked = {name: ([at for at in row.origin.came if at > since] if row.origin else
                         [entry['t'] for entry in stage.log(row.url, since=since)])
                  for name, row in made.rows.items()}
    yield made
    for row in made.rows.values():
        if row.origin:
            row.origin.close()


@pytest.mark.parametrize('family', ['browsers', 'safari', 'unknown'])
def test_each_family_is_told_exactly_what_it_takes(matrix, family):
    (field,) = matrix.told[family]
    told = field.split(', ')
    for name, row in matrix.rows.items():
        mine = [link for link in told if link[1:link.index('>')] == row.target]
        assert mine == ([row.told[family]] if row.told[family] else []), name
    assert len(told) == len([row for row in matrix.rows.values() if row.told[family]])


def test_the_browser_asks_early_for_what_is_hinted_and_once_for_everything(matrix):
    assert matrix.report.got_103
    for name, row in matrix.rows.items():
        asked = matrix.asked[name]
        early = [at for at in asked if at < matrix.answered]
        if row.origin:
            assert bool(early) == bool(row.told['browsers']), name
        elif row.is_file:       # of which PHP has no log
            assert matrix.report.used_early(row.url) and len(matrix.report.entries(row.url)) == 1, name
        else:
            assert len(asked) == 1, name
            assert len(early) == (1 if row.told['browsers'] else 0), name
