# SPDX-License-Identifier: MIT
"""Whom a listener believes about its clients: nobody, a front by its address, a front by the PROXY
protocol. What PHP is told is what is believed."""
import itertools
import json
import os
import pwd
import socket
import struct

import pytest
from h2client import Client
from servers import ROOT, Fpm, Outrider

FORGED = ['Forwarded: for=6.6.6.6;proto=https;host=evil.example', 'X-Forwarded-For: 6.6.6.6',
          'X-Real-IP: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example',
          'X-Forwarded-Port: 6666', 'CF-Connecting-IP: 6.6.6.6', 'True-Client-IP: 6.6.6.6',
          'Client-IP: 6.6.6.6', 'X-Client-IP: 6.6.6.6', 'X-Cluster-Client-IP: 6.6.6.6',
          'Fastly-Client-IP: 6.6.6.6', 'X-Forwarded: for=6.6.6.6', 'Front-End-Https: on',
          'X-Url-Scheme: https', 'X-Original-URL: /evil', 'X-Rewrite-URL: /evil',
          'X-Forwarded-Ssl: on', 'X-Forwarded-Prefix: /evil', 'X-Forwarded-Server: evil.example']

LISTENS = '''
listen "127.0.0.2:0" { trusted = { "127.0.0.2" }  health = "/-/health" }
listen "127.0.0.3:0" { trusted = { "127.0.0.2", "10.0.0.0/8" }  client-ip = { "forwarded", "x-real-ip" }
                       forwarded-host = true }
listen "127.0.0.4:0" { trusted = { "127.0.0.2" }  proxy = require }
listen "127.0.0.5:0" { trusted = { "127.0.0.2" }  proxy = allow  client-ip = { "x-forwarded-for" } }
listen "unix:%s"     { trusted = { "unix" }  mode = "0666" }
'''


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """One PHP-FPM and one Outrider with a listener for each kind of trust."""
    folder = tmp_path_factory.mktemp('trust')
    fpm = Fpm(folder / 'fpm')
    path = str(folder / 'front.sock')
    outrider = Outrider(folder / 'outrider', root=ROOT / 'tests/e2e/site', fastcgi=f'unix:{fpm.path}', top=LISTENS % path)
    outrider.socket_path = path
    outrider.ports = dict(zip(['default', 'xff', 'forwarded', 'require', 'allow'],
                              [port for kind, port in outrider.listeners if kind == 'http']))
    yield outrider
    outrider.stop()
    fpm.stop()
    assert 'Sanitizer' not in outrider.log


HOSTS = {'default': '127.0.0.1', 'xff': '127.0.0.2', 'forwarded': '127.0.0.3', 'require': '127.0.0.4',
         'allow': '127.0.0.5'}


def connect(world, name, source='127.0.0.2'):
    if name == 'unix':
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(world.socket_path)
        return sock
    return socket.create_connection((HOSTS[name], int(world.ports[name])), 10, (source, 0))


def ask(sock, *fields, target='/echo.php', first=b'', host='localhost'):
    """One request over HTTP/1.0; gives (status, body)."""
    head = '\r\n'.join([f'GET {target} HTTP/1.0', f'Host: {host}', *fields, '', ''])
    with sock:
        sock.sendall(first + head.encode())
        answer = b''.join(iter(lambda: sock.recv(65536), b''))
    assert answer, 'closed without an answer'
    head, _, body = answer.partition(b'\r\n\r\n')
    return int(head.split()[1]), body


def told(*arguments, **options):
    status, body = ask(*arguments, **options)
    assert status == 200, body
    return json.loads(body)


def v2(source, destination, source_port, destination_port, tlvs=b'', command=0x21):
    family = 0x21 if ':' in source else 0x11
    pack = socket.inet_pton
    kind = socket.AF_INET6 if family == 0x21 else socket.AF_INET
    body = pack(kind, source) + pack(kind, destination) + struct.pack('>HH', source_port, destination_port)
    body += tlvs
    return b'\r\n\r\n\0\r\nQUIT\n' + struct.pack('>BBH', command, family, len(body)) + body


def tlv(kind, value):
    return struct.pack('>BH', kind, len(value)) + value


def test_nobody_is_believed_by_default(world):
    for field in FORGED:
        env = told(connect(world, 'default', '127.0.0.9'), field)
        text = json.dumps({k: v for k, v in env.items() if k not in ('REQUEST_TIME', 'REQUEST_TIME_FLOAT')})
        assert '6.6.6.6' not in text and 'evil' not in text and '6666' not in text, field
        assert env['REMOTE_ADDR'] == '127.0.0.9' and env['REQUEST_SCHEME'] == 'http' and 'HTTPS' not in env
        # Applications that open doors to this machine look whether somebody stands between.
        assert env['HTTP_X_FORWARDED_FOR'] == 'unknown'
    assert 'HTTP_X_FORWARDED_FOR' not in told(connect(world, 'default'))
    world.wait_log(r'warn a request came with forwarded, but its sender is not trusted.*trusted = ')
    assert world.log.count('its sender is not trusted') == 1


@pytest.mark.parametrize('source', ['127.0.0.9', '127.0.0.2'])
def test_no_pair_of_fields_forges_more_than_was_named(world, source):
    """Of a trusted front too only what the operator named is passed on, with what was found out."""
    for pair in itertools.combinations(FORGED, 2):
        env = told(connect(world, 'xff', source), *pair, 'X-Forwarded-For: 6.6.6.6, 192.0.2.7')
        for name in env:
            if name.startswith('HTTP_') and ('FORWARDED' in name or 'IP' in name.split('_') or 'URL' in name):
                known = ('HTTP_X_FORWARDED_FOR', 'HTTP_X_FORWARDED_PROTO', 'HTTP_X_FORWARDED_PORT')
                assert source == '127.0.0.2' and name in known or env[name] == 'unknown', (pair, name)
        assert env['REMOTE_ADDR'] == ('192.0.2.7' if source == '127.0.0.2' else source), pair
        assert env['HTTP_HOST'] == 'localhost' and env['SERVER_NAME'] == 'localhost'


def test_the_client_that_a_trusted_front_names(world):
    env = told(connect(world, 'xff'), 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 192.0.2.7:4711',
               'X-Forwarded-Proto: https')
    assert (env['REMOTE_ADDR'], env['REMOTE_PORT']) == ('192.0.2.7', '4711')
    assert (env['HTTPS'], env['REQUEST_SCHEME'], env['SERVER_PORT']) == ('on', 'https', '443')
    assert env['HTTP_X_FORWARDED_FOR'] == '192.0.2.7' and env['HTTP_X_FORWARDED_PROTO'] == 'https'
    env = told(connect(world, 'xff'), 'X-Forwarded-For: 2001:db8::7', 'X-Forwarded-Port: 8443', host='localhost:99')
    assert (env['REMOTE_ADDR'], env['SERVER_PORT'], env['REQUEST_SCHEME']) == ('2001:db8::7', '8443', 'http')
    env = told(connect(world, 'xff'), 'X-Forwarded-For: garbage')
    assert env['REMOTE_ADDR'] == '127.0.0.2' and env['SERVER_PORT'] == '80'


def test_forwarded(world):
    env = told(connect(world, 'forwarded'), 'Forwarded: for=6.6.6.6, for="[2001:db8::7]:1";proto=https;host="a.example:8443"',
               'X-Forwarded-For: 6.6.6.6')
    assert (env['REMOTE_ADDR'], env['REMOTE_PORT'], env['REQUEST_SCHEME']) == ('2001:db8::7', '1', 'https')
    assert (env['HTTP_HOST'], env['SERVER_PORT']) == ('a.example:8443', '8443')
    assert env['HTTP_FORWARDED'] == 'for="[2001:db8::7]";proto=https' and 'HTTP_X_FORWARDED_FOR' not in env
    env = told(connect(world, 'forwarded'), 'X-Real-IP: 192.0.2.8', 'X-Forwarded-Host: bad host')
    assert (env['REMOTE_ADDR'], env['HTTP_HOST']) == ('192.0.2.8', 'localhost')


def test_a_unix_socket(world):
    env = told(connect(world, 'unix'), 'X-Forwarded-For: 192.0.2.7', 'X-Forwarded-Proto: https')
    assert (env['REMOTE_ADDR'], env['REQUEST_SCHEME'], env['SERVER_PORT']) == ('192.0.2.7', 'https', '443')
    assert os.stat(world.socket_path).st_mode & 0o777 == 0o666


def test_the_scheme_of_an_h2_front(world):
    client = Client(int(world.ports['xff']), tls=False, host=HOSTS['xff'], source='127.0.0.2')
    client.tls = True       # :scheme is https, as HAProxy writes it
    exchange = client.request('/echo.php', headers=[('x-forwarded-for', '192.0.2.7')])
    client.tls = False
    client.wait(exchange)
    env = json.loads(exchange.body)
    assert (env['REMOTE_ADDR'], env['HTTPS'], env['SERVER_PROTOCOL']) == ('192.0.2.7', 'on', 'HTTP/2.0')
    client.close()


HEADS = {
    'v1': (b'PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n', '192.0.2.7', '4711', 'https'),
    'v1 of IPv6': (b'PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n', '2001:db8::7', '4711', 'http'),
    'v2': (v2('192.0.2.7', '198.51.100.1', 4711, 80), '192.0.2.7', '4711', 'http'),
    'v2 to 443': (v2('192.0.2.7', '198.51.100.1', 4711, 443), '192.0.2.7', '4711', 'https'),
    'v2 that denies TLS': (v2('192.0.2.7', '198.51.100.1', 4711, 443, tlv(0x20, b'\0\0\0\0\1')), '192.0.2.7', '4711',
                           'http'),
    'v2 with TLS': (v2('2001:db8::7', '2001:db8::1', 4711, 443, tlv(0x20, b'\x01\0\0\0\1') + tlv(2, b'localhost')),
                    '2001:db8::7', '4711', 'https'),
    'v1 unknown': (b'PROXY UNKNOWN\r\n', '127.0.0.2', None, 'http'),
    'v2 local': (v2('192.0.2.7', '198.51.100.1', 4711, 443, command=0x20), '127.0.0.2', None, 'http'),
}


@pytest.mark.parametrize('name', ['require', 'allow'])
@pytest.mark.parametrize('kind', HEADS)
def test_the_proxy_protocol(world, name, kind):
    head, address, port, scheme = HEADS[kind]
    env = told(connect(world, name), first=head)
    assert (env['REMOTE_ADDR'], env['REQUEST_SCHEME']) == (address, scheme)
    assert port is None or env['REMOTE_PORT'] == port
    # Byte by byte, and with HTTP/2 behind it.
    with connect(world, name) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head:
            sock.sendall(bytes([byte]))
        sock.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + b'\0\0\0\4\0\0\0\0\0')
        assert sock.recv(9)[3] == 4, 'no SETTINGS'


def test_a_client_behind_proxy_is_trusted_only_if_its_address_is(world):
    """The word in X-Forwarded-For is then that of the client, not of the front."""
    head = v2('192.0.2.7', '198.51.100.1', 4711, 443)
    env = told(connect(world, 'allow'), 'X-Forwarded-For: 6.6.6.6', first=head)
    assert env['REMOTE_ADDR'] == '192.0.2.7' and 'HTTP_X_FORWARDED_FOR' not in env
    env = told(connect(world, 'allow'), 'X-Forwarded-For: 192.0.2.9', first=v2('127.0.0.2', '127.0.0.5', 1, 2))
    assert env['REMOTE_ADDR'] == '192.0.2.9'


def is_closed(sock, data):
    with sock:
        sock.sendall(data)
        try:
            return sock.recv(100) == b''
        except ConnectionResetError:
            return True


def test_what_is_no_proxy_header(world):
    request = b'GET /echo.php HTTP/1.0\r\n\r\n'
    head = b'PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n'
    assert is_closed(connect(world, 'require'), request)
    assert is_closed(connect(world, 'require'), b'PROXY TCP4 x y 1 2\r\n' + request)
    assert is_closed(connect(world, 'allow'), b'PROXY TCP4 x y 1 2\r\n' + request)
    assert is_closed(connect(world, 'allow'), v2('192.0.2.7', '192.0.2.8', 1, 2, b'\1\0\5x') + request)
    assert told(connect(world, 'allow'))['REMOTE_ADDR'] == '127.0.0.2'
    # Of somebody else it is no HTTP, and where it is required nobody else may come.
    assert is_closed(connect(world, 'allow', '127.0.0.9'), head + request)
    with pytest.raises((ConnectionError, AssertionError)):
        ask(connect(world, 'require', '127.0.0.9'), first=head)
    assert b'outrider_proxy_refused_total 5' in world.ask_admin('/metrics')[1]


def test_health_is_answered_without_a_pool(world):
    assert ask(connect(world, 'xff'), target='/-/health') == (200, b'ok\n')
    assert ask(connect(world, 'default'), target='/-/health')[0] == 404
    with connect(world, 'default') as sock:
        sock.sendall(b'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        assert sock.recv(1000).startswith(b'HTTP/1.1 200')


@pytest.mark.skipif(os.getuid() != 0, reason='only root gives files away')
def test_a_unix_socket_belongs_to_whom_the_operator_says(make_outrider, tmp_path):
    top = (f'user = "nobody"\nlisten "unix:{tmp_path}/a" {{}}\n'
           f'listen "unix:{tmp_path}/b" {{ owner = "www-data"  group = "daemon" }}\n')
    tmp_path.chmod(0o755)
    make_outrider(top=top)
    a, b = os.stat(tmp_path / 'a'), os.stat(tmp_path / 'b')
    assert (a.st_uid, a.st_mode & 0o777) == (pwd.getpwnam('nobody').pw_uid, 0o600)
    assert (pwd.getpwuid(b.st_uid).pw_name, b.st_mode & 0o777) == ('www-data', 0o660)
