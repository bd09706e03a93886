# SPDX-License-Identifier: MIT
"""The same requests to Outrider and to Debian's nginx, before the same PHP-FPM and the same files,
each with the configuration that its manual gives for such a site: status, what PHP was told, fields
and body must be alike. Where they are not, the row says why."""
import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from fronts.fronts import free_ports, is_open, make_certificate
from h2client import Client
from servers import BINARY, Fpm, Outrider, Process, until

TELL = '''<?php
header('Content-Type: text/plain');
foreach (['SCRIPT_FILENAME', 'SCRIPT_NAME', 'PATH_INFO', 'REQUEST_URI', 'QUERY_STRING', 'REQUEST_METHOD',
          'CONTENT_LENGTH', 'CONTENT_TYPE', 'DOCUMENT_ROOT', 'SERVER_NAME', 'HTTP_HOST'] as $name)
    if (($_SERVER[$name] ?? '') !== '') echo $name, '=', rawurlencode($_SERVER[$name]), "\\n";
echo 'body=', rawurlencode(file_get_contents('php://input')), "\\n";
'''
# Fields and a status as a script sends them: ?s=404&h[]=Name: value
ODD = '''<?php
foreach ($_GET['h'] ?? [] as $line) header($line, false);
if (isset($_GET['s'])) http_response_code((int)$_GET['s']);
echo $_GET['b'] ?? 'the page';
'''
FILES = {
    'kept/paid.txt': 'the film', 'up/x.bak': 'the secret',
    'index.php': TELL, 'odd.php': ODD, 'tell.php': TELL, 'docs/index.php': TELL, 'style.css': 'body{}', 'a b.txt': 'blank',
    'old.html': '<p>', 'app.js': '',
    'café.txt': 'accent', 'wiki.net/page.txt': 'dot inside', '.git/config': 'the secret', '.env': 'the secret',
    'notes.txt~': 'the secret', 'wp-config.php.bak': 'the secret', '.well-known/acme': 'the token',
}
NGINX = '''
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    index index.php index.html;
    server {{
        listen 127.0.0.1:{clear} default_server;
        listen 127.0.0.1:{tls} ssl http2 default_server;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        server_name localhost;
        root {root};
        location /kept/ {{ internal; }}
        location ~ ^/\\.well-known/ {{ try_files $uri /index.php$is_args$args; }}
        location ~ \\.php(/|$) {{
            fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
            try_files $fastcgi_script_name =404;
            set $info $fastcgi_path_info;
            include /etc/nginx/fastcgi.conf;
            fastcgi_param PATH_INFO $info;
            fastcgi_param HTTP_PROXY "";
            fastcgi_pass unix:{fpm};
        }}
        location ~ (/\\.|~$|\\.bak$) {{
            if (-e $request_filename) {{ return 403; }}
            try_files $uri /index.php$is_args$args;
        }}
        location / {{ try_files $uri $uri/ /index.php$is_args$args; }}
    }}
}}
'''


class Nginx(Process):
    def __init__(self, folder, root, fpm, conf=NGINX):
        folder.mkdir()
        make_certificate(folder)
        self.clear_port, self.tls_port = free_ports(2)
        (folder / 'nginx.conf').write_text(conf.format(
            folder=folder, root=root, fpm=fpm, clear=self.clear_port, tls=self.tls_port,
            user='user root;' if os.getuid() == 0 else ''))
        super().__init__([shutil.which('nginx') or '/usr/sbin/nginx', '-c', str(folder / 'nginx.conf'),
                          '-e', str(folder / 'e.log')], folder / 'log')
        self.wait_started(lambda: is_open(self.clear_port))


class Answer:
    """A response: status (None where the connection ended without one), fields in lower case, body."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, bytes(body)

    def field(self, name):
        return [value for key, value in self.fields if key == name]


def ask(server, request):
    """One request in its very bytes on a connection of its own; b'HOST' stands for the host."""
    host = f'localhost:{server.clear_port}'.encode()
    with socket.create_connection(('127.0.0.1', server.clear_port), 10) as sock:
        sock.sendall(request.replace(b'HOST', host))
        data = b''
        while piece := sock.recv(65536):
            data += piece
    head, _, body = data.partition(b'\r\n\r\n')
    line, *lines = head.decode('latin-1').split('\r\n')
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(':') for line in lines)]
    if ('transfer-encoding', 'chunked') in fields:
        whole = b''
        while size := int(body.split(b'\r\n', 1)[0] or b'0', 16):
            body = body.split(b'\r\n', 1)[1]
            whole, body = whole + body[:size], body[size + 2:]
        body = whole
    return Answer(int(line.split()[1]) if line else None, fields, body)


def ask_h2(server, path):
    with Client(server.tls_port) as client:
        got = client.get(path)
        return Answer(got.status, got.headers or [], got.body)


def odd(server, query):
    return ask(server, get(b'/odd.php?' + query.encode()))


def told(answer):
    """The answer as both should give it: ports, and pages of their own, are each one's own."""
    body = answer.body
    if answer.status >= 300 and b'SCRIPT_NAME=' not in body:
        body = b''
    location = [re.sub(r'^https?://[^/]*', '', value) for value in answer.field('location')]
    media = [value for value in answer.field('content-type') if answer.status == 200]
    return answer.status, location, media, re.sub(rb'localhost%3A\d+', b'HOST', body)


@pytest.fixture(scope='module')
def servers(tmp_path_factory):
    """(Outrider, nginx, document root)."""
    folder = tmp_path_factory.mktemp('parity')
    root = folder / 'root'
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    fpm = Fpm(folder / 'fpm', children=2)
    nginx = Nginx(folder / 'nginx', root, fpm.path)
    outrider = Outrider(folder / 'outrider', root=root, fastcgi=f'unix:{fpm.path}', workers=1,
                        front_controller='/index.php', site='internal = {"/kept/*"}')
    yield outrider, nginx, root
    for process in (outrider, nginx, fpm):
        process.stop()
    assert 'Sanitizer' not in outrider.log


def get(target, more=b'', method=b'GET'):
    return method + b' ' + target + b' HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n' + more + b'\r\n'


# ---- targets ------------------------------------------------------------------------------------

TARGETS = '''
/ /index.php /index.php/ /index.php/a/b?x=1 /tell.php?a=b&c /docs/ /docs /docs?x=1 /style.css /pretty/link/?q=%20
/wiki/a%2Fb /index.php/a%2Fb /index.php/a%5Cb /index.php/a\\b /a%09b /index.php/a%09b%0a /café /café.txt
/index.php/café?q=é /caf%C3%A9.txt /%E9 /a%20b.txt /index.php/a+b%2B?a+b /%73tyle.css /index.php/%7B%7D{}|^`"<>
/index.php/100%25 /index.php/a//b /index.php/a/../b /docs/../style.css /docs%2F..%2Fstyle.css /docs%2Findex.php
/index.php/.git/x /wiki/.NET /wiki/notes~ /search/.net/feed/rss2/ /.git/config /.git/none /.env /notes.txt~
/wp-config.php.bak /wiki.net/page.txt /.well-known/acme /.well-known/none /%2egit/config /.%67it/config
/none.php /none.php/x /style.css/ /style.css/x.php /a%00b /a%2 /a%zz /../etc/passwd /%2e%2e%2fetc/passwd /..%5cx
/old.html /app.js /index.php/a:b@c;d=e,f /index.php/a&b=c /?a=%2F&b=/&c=? /docs/?/../.. /~user/ /%7Euser/ /a*b'$!()
'''.split()
# (Outrider's status, nginx's), and why.
UNLIKE = {
    '/app.js': (200, 200, 'text/javascript is the type of scripts now (RFC 9239)'),
    '/.git/none': (403, 200, 'nginx looks at the whole name, Outrider at the folder that is there'),
    '/none.php/x': (200, 404, "a pretty link may have a dot in it: without such a script it is the application's"),
    '/index.php/a%09b%0a': (200, 200, 'the expression of fastcgi_split_path_info loses the line feed at the end'),
}


@pytest.mark.parametrize('version', ['http/1.1', 'h2'])
def test_targets_lead_to_the_same_answer(servers, version):
    outrider, nginx, _ = servers
    wrong = []
    for target in TARGETS:
        ours, theirs = ((ask(s, get(target.encode())) if version == 'http/1.1' else ask_h2(s, target))
                        for s in (outrider, nginx))
        assert b'the secret' not in ours.body
        if target in UNLIKE:
            alike = (ours.status, theirs.status) == UNLIKE[target][:2]
        else:
            alike = told(ours) == told(theirs)
        if not alike:
            wrong.append((target, told(ours), told(theirs)))
    assert not wrong, '\n'.join(map(str, wrong))


# ---- bodies -------------------------------------------------------------------------------------

def test_lengths_are_told(servers):
    outrider, nginx, _ = servers
    rows = [(b'POST', b'Content-Length: 0\r\n', b''), (b'POST', b'Content-Length: 3\r\n', b'a=b'), (b'GET', b'', b''),
            (b'GET', b'Content-Length: 0\r\n', b''), (b'DELETE', b'', b''), (b'PUT', b'Content-Length: 0\r\n', b''),
            (b'POST', b'Transfer-Encoding: chunked\r\n', b'0\r\n\r\n'),
            (b'POST', b'Transfer-Encoding: chunked\r\n', b'3\r\na=b\r\n0\r\n\r\n')]
    for method, field, body in rows:
        request = get(b'/tell.php', b'Content-Type: text/x\r\n' + field, method) + body
        ours, theirs = ask(outrider, request), ask(nginx, request)
        assert told(ours) == told(theirs), request
        assert (b'CONTENT_LENGTH=' in ours.body) == (field != b''), request


# ---- what PHP answers ---------------------------------------------------------------------------

# What may cost a field and not the page. Where Outrider's status is another than nginx's, it says why.
ANSWERS = [
    ('h[]=This is no field', 'nginx refuses blanks in names'),
    ('h[]=none', ''), ('h[]=Content-Length:', ''), ('h[]=Content-Length: x', ''),
    ('h[]=Content-Length: 8&h[]=Content-Length: 9', 'nginx takes the last length and waits, or cuts'),
    ('h[]=Content-Type: text/x&h[]=Content-Type: text/y', ''), ('s=600', ''), ('s=999', ''), ('s=555&h[]=X-A: b', ''),
    ('h[]=X-A: %C3%A4', ''), ('h[]=X A: b', 'nginx refuses blanks in names'), ('h[]=X-A: %01', ''),
    ('h[]=X(A): b', ''), ('h[]=X-A:&h[]=: b', 'nginx refuses an empty name'), ('s=204', ''), ('s=404', ''), ('s=500', ''),
    ('h[]=Location: /x', ''), ('h[]=Location: /x&s=201', ''), ('h[]=Status: 404 Gone fishing', ''),
]


def test_one_odd_field_does_not_cost_the_page(servers):
    outrider, nginx, _ = servers
    wrong = []
    for query, reason in ANSWERS:
        ours, theirs = (odd(s, query.replace(' ', '%20')) for s in (outrider, nginx))
        page = (ours.status, ours.body, ours.field('content-type'), ours.field('location'))
        same = (theirs.status, theirs.body, theirs.field('content-type'), theirs.field('location'))
        if ours.status == 502 or (page != same and not reason):
            wrong.append((query, page, same))
    assert not wrong, '\n'.join(map(str, wrong))
    outrider.wait_log('left out of the response: header line without a colon')
    assert re.search(rb'fields_left_out_total [1-9]', outrider.ask_admin('/metrics')[1])


def test_what_was_sent_before_a_break_arrives(servers):
    outrider, nginx, _ = servers
    for server in (outrider, nginx):
        for query in ('h[]=Content-Length:%2030', 'h[]=Content-Length:%2030&b=' + 'x' * 25):
            with Client(server.tls_port) as client:
                got = client.get('/odd.php?' + query)
            body = query.partition('b=')[2].encode() or b'the page'
            assert (got.status, bytes(got.body), got.reset is not None) == (200, body, True), server


# ---- authorities and old clients ----------------------------------------------------------------

# A request line, its Host, and the host that PHP is told; where it is not nginx's word for it, why.
HOSTS = [
    ('GET /tell.php HTTP/1.1', 'a.example:', 'a.example', 'nginx tells PHP the empty port'),
    ('GET http://localhost/tell.php HTTP/1.1', 'b.example', 'localhost', 'nginx tells PHP the Host field (RFC 9112, 3.2.2)'),
    ('GET http://localhost:81/tell.php?x HTTP/1.1', 'b.example:82', 'localhost:81', 'likewise'),
    ('GET http://localhost/tell.php HTTP/1.0', 'b.example', 'localhost', 'likewise'),
    ('GET /tell.php HTTP/1.1', 'A.Example', 'a.example', 'nginx tells PHP the case'),
    ('GET /tell.php HTTP/1.0', None, None, ''),
]


def test_a_host_is_one_host(servers):
    outrider, nginx, _ = servers
    for line, host, want, _ in HOSTS:
        request = f"{line}\r\n{f'Host: {host}' if host else 'X: y'}\r\nConnection: close\r\n\r\n".encode()
        ours, theirs = ask(outrider, request), ask(nginx, request)
        assert (ours.status, theirs.status) == (200, 200), line
        found = re.search(rb'HTTP_HOST=(.*)', ours.body)
        assert (found and found[1].decode().replace('%3A', ':')) == want, line
    for line in 'OPTIONS *', 'OPTIONS http://localhost', 'OPTIONS http://localhost:80':
        request = f'{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'.encode()
        assert ask(outrider, request).status == 200, line   # of the server (RFC 9110, 9.3.7); nginx: 400
    assert b'REQUEST_METHOD=OPTIONS' in ask(outrider, get(b'/tell.php', method=b'OPTIONS')).body


def test_a_client_of_http_1_0_alone_is_served(servers):
    outrider, nginx, _ = servers
    for offered, chosen in (['http/1.0'], 'http/1.0'), (['http/1.0', 'http/1.1'], 'http/1.1'), ([], None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection(('127.0.0.1', outrider.tls_port), 10) as sock:
            with context.wrap_socket(sock, server_hostname='localhost') as secure:
                assert secure.selected_alpn_protocol() == chosen
                secure.sendall(b'GET /style.css HTTP/1.0\r\n\r\n')
                data = b''
                while piece := secure.recv(65536):
                    data += piece
        assert data.startswith(b'HTTP/1.') and b' 200 ' in data[:16] and data.endswith(b'body{}')


# ---- ranges -------------------------------------------------------------------------------------

# Of the ten bytes of digits.txt; where nginx answers otherwise, its status and why.
RANGES = [
    ('bytes=0-1', None, ''), ('bytes=-3', None, ''), ('bytes=8-99', None, ''), ('bytes=10-', None, ''), ('bytes=-0', None, ''),
    ('bytes=0-1,4-5', None, ''), ('bytes=7-8, 0-0 ,-1', None, ''), ('bytes=5-9,0-4', None, ''), ('bytes=0-1,30-40', None, ''),
    ('bytes=30-,40-', None, ''), ('bytes=0-,0-', None, ''), ('bytes=0-5,3-9', None, ''), ('lines=0-1', None, ''),
    ('bytes=' + '0-0,' * 70 + '1-1', None, ''),
    ('bytes=x', 416, 'what is no range is not there (RFC 9110, 14.2)'), ('bytes=5-4', 416, 'likewise'),
]


def parts_of(answer):
    """Status and body; of multipart/byteranges with the same boundary for all."""
    media = ''.join(answer.field('content-type')) if answer.status < 300 else ''
    if 'multipart/byteranges; boundary=' in media:
        boundary = media.partition('boundary=')[2]
        media, body = media.replace(boundary, 'B'), answer.body.replace(boundary.encode(), b'B')
        assert answer.field('content-length') == [str(len(answer.body))] and b'\r\n--B--\r\n' in body
        return answer.status, media, body, answer.field('content-range')
    return answer.status, media, answer.body if answer.status < 300 else b'', answer.field('content-range')


def test_ranges_are_what_nginx_gives(servers):
    outrider, nginx, root = servers
    (root / 'digits.txt').write_text('0123456789')
    os.utime(root / 'digits.txt', (784111777, 784111777))
    date = 'Sun, 06 Nov 1994 08:49:37 GMT'
    for asked, status, reason in RANGES:
        ours, theirs = (parts_of(ask(s, get(b'/digits.txt', f'Range: {asked}\r\n'.encode()))) for s in (outrider, nginx))
        assert (ours == theirs) if not reason else (ours[0], theirs[0]) == (200, status), (asked, ours, theirs)
    tag = {s: ask(s, get(b'/digits.txt')).field('etag')[0] for s in (outrider, nginx)}
    for asked in 'bytes=2-3', 'bytes=2-3,5-6':
        for condition in date, 'Sun, 06 Nov 1994 08:49:38 GMT', 'TAG', 'W/TAG', '"other"':
            ours, theirs = (parts_of(ask(s, get(b'/digits.txt', f'Range: {asked}\r\nIf-Range: {condition}\r\n'
                                                .replace('TAG', tag[s]).encode()))) for s in (outrider, nginx))
            assert ours == theirs and ours[0] == (206 if condition in (date, 'TAG') else 200), (asked, condition)
    # Not asked of a file: what PHP says of ranges is passed on, and what it does not say is not made up.
    for query, status in ('s=206&h[]=Content-Range:%20bytes%200-7/20', 206), ('b=0123', 200):
        ours, theirs = (parts_of(ask(s, get(b'/odd.php?' + query.encode(), b'Range: bytes=0-7\r\n'))) for s in (outrider, nginx))
        assert ours == theirs and ours[0] == status, query
    with Client(outrider.tls_port) as client:
        got = client.get('/digits.txt', headers=[('range', 'bytes=0-1,-1')])
        assert got.status == 206 and got.body.count(b'content-range'.title()) == 2


# ---- what PHP hands over ------------------------------------------------------------------------

# What X-Accel-Redirect names, both statuses, and why they differ.
NAMED = [
    ('/tell.php?a=b%2520c', 200, 200, ''), ('/docs/', 200, 200, ''), ('/tell.php/info?x', 200, 200, ''),
    ('/style.css', 200, 200, ''), ('/kept/paid.txt', 200, 200, ''), ('/index.php/.git/x', 200, 200, ''),
    ('/.env', 403, 403, ''), ('/.git/config', 403, 403, ''), ('/up/x.bak', 403, 403, ''), ('/none.php', 404, 404, ''),
    ('/none.txt', 404, 200, 'nginx asks the front controller, which would be asked for the same request again'),
    ('/docs', 502, 301, 'a folder without its slash is an error of the application'),
    ('/odd.php?h[]=X-Accel-Redirect:%2520/tell.php?y', 200, 200, ''),
]


def test_what_is_handed_over_goes_through_routing(servers):
    outrider, nginx, _ = servers
    for name, ours_status, theirs_status, reason in NAMED:
        request = get('/odd.php?h[]=Set-Cookie:%20a=b&h[]=X-Accel-Redirect:%20{}'.format(name.replace('?', '%3F')
                      .replace('&', '%26')).encode(), b'Content-Length: 1\r\n', b'POST') + b'x'
        ours, theirs = ask(outrider, request), ask(nginx, request)
        assert (ours.status, theirs.status) == (ours_status, theirs_status), name
        assert b'the secret' not in ours.body
        if ours.status == 200 and not reason:
            # nginx sends the body along with its GET, and tells its length.
            body = re.sub(rb'CONTENT_LENGTH=1|body=x', lambda m: m[0].replace(b'=1', b'=0').replace(b'=x', b'='), theirs.body)
            assert (re.sub(rb'%3A\d+', b'', ours.body), ours.field('set-cookie')) == (
                re.sub(rb'%3A\d+', b'', body), theirs.field('set-cookie')), name
    assert b'REQUEST_METHOD=GET' in odd(outrider, 'h[]=X-Accel-Redirect:%20/tell.php').body


def test_scripts_do_not_name_each_other_for_ever(servers):
    outrider, nginx, root = servers
    (root / 'loop.php').write_text('<?php header("X-Accel-Redirect: /loop.php");')
    assert ask(outrider, get(b'/loop.php')).status == 502
    assert ask(nginx, get(b'/loop.php')).status == 500   # the same bound of ten
    outrider.wait_log('scripts name each other without end')
    assert ask(outrider, get(b'/tell.php')).status == 200


# ---- links --------------------------------------------------------------------------------------

def test_links_lead_where_their_owner_may(make_fpm, make_outrider, tmp_path):
    """An application as Debian packages it, and Laravel's storage: all belongs to one user, and the
    links lead out of the root."""
    root, away = tmp_path / 'app/public', tmp_path / 'away'
    for folder in root, tmp_path / 'app/storage', away:
        folder.mkdir(parents=True)
    (root / 'index.php').write_text(TELL)
    (tmp_path / 'app/storage/x.txt').write_text('storage')
    (tmp_path / 'app/.env').write_text('the secret')
    (away / 'conf.php').write_text(TELL)
    (away / 'conf.php.bak').write_text('the secret')
    for name, to in {'storage': '../storage', 'conf.php': away / 'conf.php', 'abs.php': root / 'index.php',
                     'env.txt': '../.env', 'old.txt': away / 'conf.php.bak', 'source.txt': away / 'conf.php',
                     'passwd.txt': '/etc/passwd'}.items():
        (root / name).symlink_to(to)
    strange = os.getuid() == 0
    if strange:
        os.lchown(root / 'passwd.txt', 65534, 65534)
    fpm = make_fpm()
    want = {'/storage/x.txt': (200, 403), '/conf.php': (200, 403), '/conf.php/a': (200, 403), '/abs.php': (200, 403),
            '/env.txt': (403, 403), '/old.txt': (403, 403), '/source.txt': (403, 403)}
    for column, mode in enumerate(['owner', 'beneath']):
        outrider = make_outrider(fpm, root=root, site=f'symlinks = {mode}', workers=1)
        for path, statuses in want.items():
            answer = ask(outrider, get(path.encode()))
            assert (answer.status, b'the secret' in answer.body) == (statuses[column], False), (mode, path)
        if strange:
            assert ask(outrider, get(b'/passwd.txt')).status == 403
    told = subprocess.run([BINARY, 'check', str(tmp_path / 'outrider1/outrider.conf')], capture_output=True, text=True,
                          timeout=20).stdout
    assert 'the link /storage leads to ../storage and is not followed' in told and '2 more links' in told


def test_a_root_that_is_turned_is_the_next_release(make_fpm, make_outrider, tmp_path):
    for number in 1, 2:
        release = tmp_path / f'releases/{number}/public'
        release.mkdir(parents=True)
        (release / 'index.php').write_text('<?php echo __FILE__, " ", $_SERVER["DOCUMENT_ROOT"], " ", $_SERVER["SCRIPT_FILENAME"];')
        (release / 'style.css').write_text(f'release {number}')
        (release / f'only{number}.txt').write_text('x')
    current = tmp_path / 'current'
    current.symlink_to('releases/1')
    outrider = make_outrider(make_fpm(), root=current / 'public', workers=1, front_controller='/index.php')
    for number in 1, 2:
        root = tmp_path / f'releases/{number}/public'
        page = f'{root}/index.php {root} {root}/index.php'.encode()
        until(lambda: ask(outrider, get(b'/pretty')).body == page, 10, f'release {number}')
        assert ask(outrider, get(b'/style.css')).body == f'release {number}'.encode()
        assert ask(outrider, get(b'/index.php')).body == page
        assert ask(outrider, get(f'/only{number}.txt'.encode())).status == 200
        (tmp_path / 'next').symlink_to('releases/2')
        os.replace(tmp_path / 'next', current)


# ---- sizes --------------------------------------------------------------------------------------

def test_heads_are_as_large_as_the_operator_says(servers, make_fpm, make_outrider, site):
    outrider, nginx, root = servers
    sizes = [('X-A', 8000, 200), ('X-A', 8300, 431), ('Cookie', 16384, 431), ('X-A', 40000, 431)]
    for name, size, status in sizes:   # as nginx by default, which calls it 400
        answers = [ask(s, get(b'/tell.php', f'{name}: {"v" * size}\r\n'.encode())).status for s in (outrider, nginx)]
        assert answers == [status, 200 if status == 200 else 400], (name, size)
    (site / 'cookie.php').write_text('<?php echo strlen($_SERVER["HTTP_COOKIE"]), " ", strlen($_SERVER["QUERY_STRING"]);')
    large = make_outrider(make_fpm(), workers=1, top='requests { field = 20k  target = 16k  fields = 128k  count = 200 } '
                                                      'responses { fields = 16k  count = 100 }')
    request = get(b'/cookie.php?' + b'q' * 12000, b'Cookie: ' + b'v' * 16384 + b'\r\n' + b'X-A: b\r\n' * 150)
    assert ask(large, request).body == b'16384 12000'
    with Client(large.tls_port) as client:
        got = client.get('/cookie.php?' + 'q' * 12000, headers=[('cookie', 'v' * 10000), ('cookie', 'w' * 10000)])
        assert got.body == b'20002 12000'
        assert client.get('/cookie.php', headers=[('cookie', 'v' * 21000)]).status == 431
    # A response's: nginx by default refuses what does not fit into 4 KiB.
    for folder in (root, site):
        (folder / 'many.php').write_text('<?php for ($i = 0; $i < $_GET["n"]; $i++) '
                                         'header("X-$i: " . str_repeat("v", $_GET["len"]));')
    heads = [(outrider, 300, 5, 200), (outrider, 2, 31000, 200), (outrider, 5, 31000, 502), (outrider, 1001, 5, 502),
             (large, 90, 5, 200), (large, 101, 5, 502), (large, 2, 8100, 200), (large, 2, 8300, 502)]
    for server, n, length, status in heads:
        target = f'/many.php?n={n}&len={length}'
        assert ask(server, get(target.encode())).status == status, target
        with Client(server.tls_port) as client:
            assert client.get(target).status == status, target
