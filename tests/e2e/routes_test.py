# SPDX-License-Identifier: MIT
"""Routes: the same requests to Outrider and to nginx, each with the rules that say the same in its
own words. Where the answers differ, the row says why."""
import subprocess
from urllib.parse import quote

import pytest

from parity_test import NGINX, TELL, Nginx, ask, get, told
from servers import BINARY, Fpm, Outrider, until

FILES = {'index.php': TELL, 'blog/index.php': TELL, 'blog/style.css': 'blog{}', 'wp-login.php': TELL, 'wp-admin/x.css': 'x{}',
         'wp-admin/index.php': TELL, 'cache/page.html': 'cached', 'closed/x.php': TELL, 'kept/paid.txt': 'the film', 'app': TELL,
         '.git/config': 'the secret', 'old.bak': 'the secret', 'docs/index.html': 'docs'}
ROUTES = '''
    internal = {"/kept/*"}
    deny = {"/closed/*"}
    scripts = {"/app"}
    route "/blog/*" { front-controller = "/blog/index.php" }
    route "/moved/*" { redirect = "/new/{1}" redirect-status = 301 }
    route "/away/*" { redirect = "https://new.example/{1}?from=old&{query}" }
    route "/see" { redirect = "/other?" redirect-status = 303 }
    route "/gone" { try = {"=410"} }
    route "~ ^/post/([0-9]+)$" { rewrite = "/index.php?p={1}&{query}" }
    route "/cached/*" { try = {"/cache/{1}.html", "{path}", "/index.php"} }
    route "/sub/wp-*" { rewrite = "/wp-{1}" }
    route "/only/*" { try = {"/{1}", "=404"} }
    route "/paid/*" { rewrite = "/kept/{1}" }
    route "/to/*" { rewrite = "/{1}" }
    route "/absent/*" { missing-scripts = front-controller }
'''
LOCATIONS = r'''
        location ^~ /closed/ {{ deny all; }}
        location /blog/ {{ try_files $uri $uri/ /blog/index.php$is_args$args; }}
        location /moved/ {{ rewrite ^/moved/(.*)$ /new/$1 permanent; }}
        location /away/ {{ rewrite ^/away/(.*)$ https://new.example/$1?from=old redirect; }}
        location = /see {{ return 303 /other; }}
        location = /gone {{ return 410; }}
        location /post/ {{ rewrite ^/post/([0-9]+)$ /index.php?p=$1 last; try_files $uri /index.php$is_args$args; }}
        location /cached/ {{ rewrite ^/cached/(.*)$ /find/$1 break; try_files /cache/$1.html $uri /index.php$is_args$args; }}
        location ^~ /sub/ {{ rewrite ^/sub/wp-(.*)$ /wp-$1 last; }}
        location /only/ {{ rewrite ^/only/(.*)$ /$1 break; try_files $uri =404; }}
        location /paid/ {{ rewrite ^/paid/(.*)$ /kept/$1 last; }}
        location ^~ /to/ {{ rewrite ^/to/(.*)$ /$1 last; }}
        location ^~ /absent/ {{ try_files $uri /index.php$is_args$args; }}
        location ~ ^/app(/|$) {{
            fastcgi_split_path_info ^(/app)(/.*)$;
            set $info $fastcgi_path_info;
            include /etc/nginx/fastcgi.conf;
            fastcgi_param PATH_INFO $info;
            fastcgi_pass unix:{fpm};
        }}
        location /kept/ '''
TARGETS = '''
/blog/ /blog/a/b?c=d /blog/style.css /blog/index.php/x /blog /moved/a/b?c=d /moved/a%20b /moved/ /moved/%0d%0aX:y
/away/x?y=z /away//evil.example /away/%2F%2Fevil.example/ /see?x=y /gone /post/17 /post/17?q=a%20b /post/x /post/17%0a
/cached/page /cached/none?x /sub/wp-admin/x.css /sub/wp-login.php?a /sub/wp-login.php/info /sub/wp-admin/ /only/docs/index.html
/only/none /paid/paid.txt /paid/none /kept/paid.txt /to/closed/x.php /to/.git/config /to/old.bak /to/kept/paid.txt
/to/blog/a /absent/none.php /none.php /app /app/x/y?z /to/app/x /to/none /closed/x.php/y /to/%2e%2e/%2e%2e/etc/passwd
'''.split()
UNLIKE = {
    '/away/x?y=z': (302, 302, '{query} is where it is written'),
    '/away//evil.example': (302, 302, 'likewise'),
    '/away/%2F%2Fevil.example/': (302, 302, 'likewise'),
    '/post/17%0a': (200, 200, "the end of an expression of nginx's is also before a line feed"),
    '/moved/%0d%0aX:y': (301, 404, "no dot of nginx's is a line feed"),
    '/paid/none': (200, 404, 'the location of nginx has no front controller'),
}


@pytest.fixture(scope='module')
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp('routes')
    root = folder / 'root'
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    fpm = Fpm(folder / 'fpm', children=2, more='security.limit_extensions =')
    nginx = Nginx(folder / 'nginx', root, fpm.path, NGINX.replace('location /kept/ ', LOCATIONS.strip() + ' ', 1))
    outrider = Outrider(folder / 'outrider', root=root, fastcgi=f'unix:{fpm.path}', workers=1,
                        front_controller='/index.php', site=ROUTES)
    yield outrider, nginx
    for process in (outrider, nginx, fpm):
        process.stop()
    assert 'Sanitizer' not in outrider.log


def test_routes_lead_to_the_same_answer(servers):
    wrong = []
    for target in TARGETS:
        ours, theirs = (ask(s, get(target.encode())) for s in servers)
        assert b'the secret' not in ours.body
        assert not ours.field('x') and not any(value.startswith('//') for value in ours.field('location')), target
        row = UNLIKE.get(target)
        alike = (ours.status, theirs.status) == row[:2] if row else told(ours) == told(theirs)
        if not alike:
            wrong.append((target, told(ours), told(theirs)))
    assert not wrong, '\n'.join(map(str, wrong))


def test_a_redirect_keeps_a_post(servers):
    outrider, _ = servers
    for path, status in (b'/moved/a', 301), (b'/away/a', 307), (b'/see', 303):
        assert ask(outrider, get(path, b'Content-Length: 0\r\n', b'POST')).status == status, path
    assert ask(outrider, get(b'/away/a?b')).field('location') == ['https://new.example/a?from=old&b']


# ---- what answers are made of -------------------------------------------------------------------

ANSWERS = '''
    headers = {"X-Frame-Options: DENY", "-X-Powered-By", "?Cache-Control: no-store", "X-Site: a"}
    error-pages = {"404 /404.html", "410 403 /oops.php"}
    intercept-errors = true
    maintenance = "/down.html"
    maintenance-retry = 90s
    route "/gone" { try = {"=410"} }
    route "/own/*" { headers = {"X-Site: b", "+X-More: c"} headers-spare-errors = true error-pages = {"404 /own.txt"} }
    route "/near/*" { allow-from = {"10.0.0.0/8"} }
    route "/small/*" { body-limit = 4 }
    route "/pretty*" { error-pages = {"404 /error/404"} }
    route "/fails*" { error-pages = {"404 /none.php"} }
'''
PAGES = {'404.html': '<p>not here</p>', 'oops.php': '<?php echo "oops ", $_SERVER["REDIRECT_STATUS"], " ", $_SERVER["REQUEST_URI"];',
         'own.txt': 'own', 'style.css': 'x{}',
         'index.php': '<?php header("X-Frame-Options: ALLOW"); if ($_GET) http_response_code(+$_GET["s"]); echo "page";'}


def test_answers_are_what_the_operator_says(make_fpm, make_outrider, tmp_path):
    root = tmp_path / 'root'
    root.mkdir()
    for name, text in PAGES.items():
        (root / name).write_text(text)
    outrider = make_outrider(make_fpm(), root=root, workers=1, site=ANSWERS, front_controller='/index.php')
    for path, status, body, more in [
            ('/', 200, b'page', {'x-frame-options': ['DENY'], 'x-powered-by': [], 'x-site': ['a'], 'cache-control': ['no-store']}),
            ('/style.css', 200, b'x{}', {'x-frame-options': ['DENY'], 'cache-control': ['no-store']}),
            ('/none.php', 404, b'<p>not here</p>', {'content-type': ['text/html'], 'x-site': ['a'], 'content-length': ['15']}),
            ('/?s=404', 404, b'<p>not here</p>', {'x-frame-options': ['DENY']}),
            ('/?s=500', 500, b'page', {}), ('/gone', 410, b'oops 410 /gone', {'x-site': ['a']}),
            ('/near/x', 403, b'oops 403 /near/x', {}), ('/own/', 200, b'page', {'x-site': ['b'], 'x-more': ['c']}),
            ('/own/x.php', 404, b'own', {'x-site': ['a'], 'x-more': []}), ('/pretty.php', 404, b'page', {}), ('/fails.php', 404, b'<!doctype', {})]:
        got = ask(outrider, get(path.encode()))
        assert (got.status, got.body[:len(body)]) == (status, body), path
        assert {name: got.field(name) for name in more} == more, path
    assert ask(outrider, get(b'/none.php', b'Range: bytes=0-1\r\nIf-None-Match: *\r\n')).status == 404
    assert ask(outrider, get(b'/none.php', method=b'HEAD')).body == b''
    for body, status in (b'1234', 200), (b'12345', 413):
        request = get(b'/small/x', b'Content-Length: %d\r\n' % len(body), b'POST') + body
        assert ask(outrider, request).status == status
    (root / 'down.html').write_text('we are at work')
    until(lambda: ask(outrider, get(b'/')).status == 503, 10, 'maintenance')
    got = ask(outrider, get(b'/style.css'))
    assert (got.status, got.body, got.field('retry-after')) == (503, b'we are at work', ['90'])
    (root / 'down.html').unlink()
    until(lambda: ask(outrider, get(b'/')).status == 200, 10, 'the end of maintenance')


def test_explain_says_what_becomes_of_a_request(servers, tmp_path):
    """The same code answers, without a server: what PHP is told is what it is told by explain."""
    outrider, _ = servers
    conf = outrider.log_path.parent / 'outrider.conf'

    def explain(*arguments):
        done = subprocess.run([BINARY, 'explain', '--config', str(conf), *arguments], capture_output=True, text=True, timeout=20)
        return done.returncode, [tuple(line.split(None, 1)) for line in done.stdout.splitlines()], done.stderr

    for path in '/post/17?q=a', '/sub/wp-login.php/info', '/blog/x', '/app/x/y?z':
        code, lines, _ = explain(f'https://localhost{path}')
        params = dict(text.split('=', 1) for name, text in lines if name == 'param')
        seen = dict(line.split('=', 1) for line in ask(outrider, get(path.encode())).body.decode().splitlines())
        told = ('SCRIPT_FILENAME', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'REQUEST_URI', 'DOCUMENT_ROOT')
        assert code == 0 and {n: quote(params.get(n, ''), safe='') for n in told} == {n: seen.get(n, '') for n in told}, path
    _, lines, _ = explain('https://localhost/moved/%0d%0a%1b[2J')
    assert ('answer', '301 Moved Permanently: the route redirects it') in lines and ('route', '"/moved/*"') in lines
    assert ('path', r'/moved/\x0d\x0a\x1b[2J') in lines
    assert ('answer', '403 Forbidden: deny or internal has the path, or it is none') in explain('https://localhost/closed/x.php')[1]
    assert explain('localhost/')[0] == 2 and explain('https://localhost/', '--from', 'x')[0] == 2
