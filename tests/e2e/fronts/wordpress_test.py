# SPDX-License-Identifier: MIT
"""Stock WordPress, whose address is https, behind every front: one can log in and administer it,
nothing of a page is asked for in the clear, and comments have the address of who wrote them."""
import re
from urllib.parse import urlencode

import pytest
from h2client import Client
from servers import Outrider
from wordpress.site import HOST

from fronts.fronts import ROWS, Front, free_ports

CONFIG = '''
workers = 1
listen "127.0.0.1:{web}" {{ trusted = {{ "127.0.0.1" }} }}
listen "127.0.0.1:{proxied}" {{ trusted = {{ "127.0.0.1" }}  proxy = require }}
pool "php" {{ servers = {{ "{fastcgi}" }} }}
site "{host}" {{
    root = "{root}"
    front-controller = "/index.php"
    pool = "php"
    params = {{ "WP_THEME=twentytwentyone" }}
}}
admin {{ listen = "unix:{admin}" }}
'''


@pytest.fixture(scope='module')
def person(wordpress, tmp_path_factory):
    """person(kind, way, source): somebody's connection to a front before the WordPress."""
    folder = tmp_path_factory.mktemp('fronts-wordpress')
    folder.chmod(0o755)
    web, proxied = free_ports(2)
    outrider = Outrider(folder / 'outrider', config=CONFIG.format(
        web=web, proxied=proxied, fastcgi=wordpress.fastcgi, root=wordpress.root, host=HOST,
        admin=folder / 'outrider/admin.sock'))
    fronts = {}

    def make(kind, way, source):
        if kind not in fronts:
            fronts[kind] = Front(folder / kind, kind, web, proxied)
        return Person(fronts[kind].port(way), source)

    yield make
    for front in fronts.values():
        front.stop()
    outrider.stop()


class Person(Client):
    def __init__(self, port, source):
        super().__init__(port, source=source)
        self.authority = HOST
        self.cookies = {}

    def ask(self, path, form=None):
        headers = [('cookie', '; '.join(f'{k}={v}' for k, v in self.cookies.items()))] if self.cookies else []
        if form is None:
            return self.take_cookies(self.navigate(path, headers=headers))
        headers.append(('content-type', 'application/x-www-form-urlencoded'))
        return self.take_cookies(self.get(path, method='POST', headers=headers, body=urlencode(form).encode()))

    def take_cookies(self, answer):
        for name, value in answer.headers:
            if name == 'set-cookie':
                key, _, rest = value.partition('=')
                self.cookies[key] = rest.partition(';')[0]
        return answer


# PROXY's first version says nothing of TLS: it is for fronts that listen on 443.
@pytest.mark.parametrize('number, kind, way', [(n, *row) for n, row in enumerate(ROWS, 10) if row[1] != 'v1'])
def test_log_in_administer_and_comment(wordpress, person, number, kind, way):
    with person(kind, way, f'127.0.{number}.1') as somebody:
        home = somebody.ask('/')
        text = bytes(home.body).decode()
        assert home.status == 200 and f'https://{HOST}/' in text and f'http://{HOST}' not in text
        assert somebody.ask('/wp-login.php').status == 200, 'it redirects to itself'
        welcome = somebody.ask('/wp-login.php', {'log': 'admin', 'pwd': 'secret', 'testcookie': '1'})
        assert (welcome.status, welcome.header('location')) == (302, f'https://{HOST}/wp-admin/')
        assert any('; secure' in value.lower() for name, value in welcome.headers if name == 'set-cookie')
        desk = somebody.ask('/wp-admin/')
        assert desk.status == 200 and b'wp-admin-bar' in desk.body
        somebody.cookies.clear()
        post = re.search(r'comment_post_ID\D+value=\D?(\d+)', bytes(somebody.ask('/2024/03/post-5/').body).decode())[1]
        done = somebody.ask('/wp-comments-post.php', {
            'comment_post_ID': post, 'author': f'{kind} {way}', 'email': f'{kind}-{way}@example.test', 'comment': f'by {kind} {way}'})
        assert done.status == 302, bytes(done.body)[-300:]
    row = wordpress.started[0].ask(f"select comment_author_IP from wordpress.wp_comments where comment_author='{kind} {way}'")
    assert row.stdout.split()[-1] == f'127.0.{number}.1'
