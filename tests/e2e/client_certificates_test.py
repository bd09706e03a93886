# SPDX-License-Identifier: MIT
"""Certificates of clients: whom each site asks, whom it believes, what PHP is told, and that nobody
gets what was meant for another site or another client."""
import json
import re
import shutil
import socket
import ssl
import struct
import subprocess

import pytest
from authority import Authority
from servers import ROOT, Fpm, Outrider, until

CONFIG = '''
workers = 1
listen "https://127.0.0.1:0" {{}}
listen "https://127.0.0.4:0" {{ origin-frame = true }}
listen "127.0.0.1:0" {{ trusted = {{ "127.0.0.2" }} }}
pool "php" {{ servers = {{ "unix:{fpm}" }} }}
{sites}
'''
SITE = '''
site "{name}" {{
    root = "{root}"
    pool = "php"
    {more}
    server-timing = true
    hints {{ min-think = 0ms  holdback = 0% }}
}}
'''
KEY = 'certificate = "{0}/open.test.pem"  key = "{0}/open.test.pem"'
ASKS = 'client-certificate = {mode}  client-ca = "{folder}/{ca}.crt"  client-crl = "{folder}/{ca}.crl"'
NAVIGATION = ['-H', 'Sec-Fetch-Mode: navigate', '-H', 'Sec-Fetch-Dest: document']
FORGED = ['SSL-Client-Verify: SUCCESS', 'SSL-Client-S-DN: CN=root', 'X-SSL-Client-Verify: SUCCESS', 'X-SSL-Client-S-DN: CN=root',
          'X-SSL-Client-CN: root', 'X-SSL-Cert: forged', 'X-Client-Cert: forged', 'X-Client-Verify: SUCCESS', 'Client-Cert: :Zm9yZ2Vk:',
          'X-ARR-ClientCert: forged', 'X-Client-Cert-Subject: root', 'Ssl_Client_Verify: SUCCESS']


class World:
    def __init__(self, folder):
        self.folder = folder
        self.users, self.staff = Authority(folder, 'users'), Authority(folder, 'staff')
        self.serials = {name: self.users.sign(name, usage='clientAuth') for name in ('alice', 'bob', 'mallory')}
        self.users.sign('server', usage='serverAuth')
        self.users.sign('late', usage='clientAuth', days=0)
        self.staff.sign('boss', usage='clientAuth')
        self.users.revoke(self.serials['mallory'])
        self.users.list_revoked()
        self.staff.list_revoked()
        self.users.sign('open.test', names=['more.test', 'maybe.test', 'must.test', 'staff.test'])
        root = folder / 'root'
        shutil.copytree(ROOT / 'php-examples/site/assets', root / 'assets')
        shutil.copy(ROOT / 'tests/e2e/site/echo.php', root)
        (root / 'page.php').write_text('<?php header("Link: </assets/style.css>; rel=preload; as=style");')
        self.fpm = Fpm(folder / 'fpm')
        sites = [('open.test', KEY.format(folder)), ('more.test', ''), ('alien.test', ''),
                 ('maybe.test', ASKS.format(mode='optional', folder=folder, ca='users')),
                 ('must.test', ASKS.format(mode='require', folder=folder, ca='users')),
                 ('staff.test', ASKS.format(mode='require', folder=folder, ca='staff'))]
        self.outrider = Outrider(folder / 'outrider', config=CONFIG.format(
            fpm=self.fpm.path, sites=''.join(SITE.format(name=name, root=root, more=more)
                                             for name, more in sites)))

    def ask(self, name, who=None, *more, host=None, tls=True, path='/echo.php', source='127.0.0.1'):
        """The status, what PHP was told, and the head of the response."""
        port = self.outrider.tls_port if tls else next(int(port) for kind, port in self.outrider.listeners if kind == 'http')
        shown = ['--cert', self.folder / f'{who}.crt', '--key', self.folder / f'{who}.key'] if who else []
        out = subprocess.run(['curl', '-sk', '-D-', '-w', '\n%{http_code}', '--resolve', f'{name}:{port}:127.0.0.1', '--interface',
                              source, '-H', f'Host: {host or name}', *shown, *more,
                              f'http{"s" if tls else ""}://{name}:{port}{path}'], capture_output=True, text=True, timeout=20).stdout
        told = re.search(r'^\{.*\}$', out, re.MULTILINE)
        return int(out.rsplit('\n', 1)[1]), json.loads(told[0]) if told else {}, out

    def status(self, *arguments, **options):
        return self.ask(*arguments, **options)[0]

    def resumes(self, name, session, version, *more):
        out = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{self.outrider.tls_port}', '-servername', name,
                              version, '-sess_in', session, *more], input='', capture_output=True, text=True).stdout
        return 'Reused' in out

    def stop(self):
        self.outrider.stop()
        self.fpm.stop()


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp('certificates'))
    yield world
    world.stop()
    assert 'Sanitizer' not in world.outrider.log


def certificate_of(told):
    return {name: value for name, value in told.items() if 'SSL' in name or 'CERT' in name or 'CLIENT_' in name}


def test_php_is_told_who_was_believed(world):
    status, told, _ = world.ask('must.test', 'alice', *(part for field in FORGED for part in ('-H', field)))
    print_of = subprocess.run(['openssl', 'x509', '-in', world.folder / 'alice.crt', '-noout', '-fingerprint', '-sha1'],
                              capture_output=True, text=True, check=True).stdout
    told = certificate_of(told)
    assert status == 200 and re.match(r'\w+ +\d+ .* GMT$', told.pop('SSL_CLIENT_V_START')) and told.pop('SSL_CLIENT_V_END')
    assert told == {'SSL_CLIENT_VERIFY': 'SUCCESS', 'SSL_CLIENT_S_DN': 'CN=alice,O=Outrider tests', 'SSL_CLIENT_S_DN_CN': 'alice',
                    'SSL_CLIENT_I_DN': 'CN=users,O=Outrider tests', 'SSL_CLIENT_M_SERIAL': f'{world.serials["alice"]:04X}',
                    'SSL_CLIENT_FINGERPRINT': print_of.split('=')[1].strip().replace(':', '').lower()}
    assert certificate_of(world.ask('maybe.test', 'bob')[1])['SSL_CLIENT_S_DN_CN'] == 'bob'
    assert certificate_of(world.ask('maybe.test')[1]) == {'SSL_CLIENT_VERIFY': 'NONE'}


def test_who_is_not_believed_is_answered_400(world):
    for who in (None, 'boss', 'mallory', 'server', 'late'):
        assert world.status('must.test', who) == 400, who
        assert world.status('maybe.test', who) == (200 if who is None else 400), who
        assert world.status('must.test', who, path='/page.php') == 400, who
    assert world.status('staff.test', 'boss') == 200
    world.outrider.wait_log(r'info the certificate that 127.0.0.1 shows is not believed: certificate revoked')
    assert 'failed;desc="certificate_none"' in world.ask('must.test')[2]


def test_no_field_stands_for_a_certificate(world):
    for name, known in (('open.test', {}), ('maybe.test', {'SSL_CLIENT_VERIFY': 'NONE'})):
        told = world.ask(name, None, *(part for field in FORGED for part in ('-H', field)))[1]
        assert told and certificate_of(told) == known
    # What a trusted front was shown is its word, and passes; not that it was shown to us.
    told = certificate_of(world.ask('maybe.test', None, '-H', FORGED[0], tls=False, source='127.0.0.2')[1])
    assert told == {'SSL_CLIENT_VERIFY': 'NONE', 'HTTP_SSL_CLIENT_VERIFY': 'SUCCESS'}
    assert world.status('must.test', None, '-H', FORGED[0], tls=False, source='127.0.0.2') == 400


@pytest.mark.parametrize('protocol', ['--http1.1', '--http2'])
def test_a_connection_of_one_site_is_none_of_another_that_asks(world, protocol):
    for name, who, host in (('open.test', 'alice', 'must.test'), ('open.test', None, 'maybe.test'), ('must.test', 'alice', 'staff.test'),
                            ('must.test', 'alice', 'maybe.test'), ('unknown.test', 'alice', 'must.test')):
        assert world.status(name, who, protocol, host=host) == 421, (name, host)
    status, told, _ = world.ask('must.test', 'alice', protocol, host='open.test')
    assert status == 200 and certificate_of(told) == {}


def test_nothing_shown_in_clear_text(world):
    assert world.status('must.test', tls=False) == 400
    assert certificate_of(world.ask('maybe.test', tls=False)[1]) == {'SSL_CLIENT_VERIFY': 'NONE'}


def test_what_was_learned_of_who_has_one_is_not_for_the_public(world):
    def reason(name, who=None):
        out = world.ask(name, who, *NAVIGATION, path='/page.php')[2]
        return re.findall(r'outrider;desc="(\w+)"', out)[-1]

    assert reason('open.test') == 'nothing_learned'
    until(lambda: reason('open.test') == 'send', 5, 'the public is hinted')
    assert [reason('maybe.test', 'alice') for _ in range(4)] == ['nothing_learned'] * 4
    assert reason('maybe.test') == 'nothing_learned'


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
def test_an_identity_is_resumed_at_its_site_and_by_its_rules_only(world, version):
    session = world.folder / 'session'
    shown = ['-cert', world.folder / 'bob.crt', '-key', world.folder / 'bob.key']
    subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{world.outrider.tls_port}', '-servername', 'must.test', version,
                    '-sess_out', session, '-ign_eof', *shown], input=b'GET / HTTP/1.0\r\nHost: must.test\r\n\r\n', capture_output=True)
    assert world.resumes('must.test', session, version)
    assert not any(world.resumes(name, session, version) for name in ('maybe.test', 'open.test', 'staff.test'))
    if version == '-tls1_3':
        # Another list of who is revoked is another rule; it needs no word to us.
        assert world.status('must.test', 'bob') == 200
        world.users.revoke(world.serials['bob'])
        world.users.list_revoked()
        until(lambda: world.status('must.test', 'bob') == 400, 15, 'a revoked certificate is believed')
        assert not world.resumes('must.test', session, version)
        assert world.status('must.test', 'alice') == 200


def origins_of(host, port, name):
    """What an ORIGIN frame says, before anything that comes behind the answer to our SETTINGS; None: nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(['h2'])
    with context.wrap_socket(socket.create_connection((host, port), 10), server_hostname=name) as sock:
        sock.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + b'\0\0\0\4\0\0\0\0\0')
        stream = sock.makefile('rb')
        while True:
            head = stream.read(9)
            payload = stream.read(int.from_bytes(head[:3], 'big'))
            if head[3] == 4 and head[4] & 1:
                return None
            if head[3] == 12:
                break
    assert struct.unpack('>I', head[5:])[0] == 0
    origins = []
    while payload:
        n = int.from_bytes(payload[:2], 'big')
        origins.append(payload[2:2 + n].decode())
        payload = payload[2 + n:]
    return origins


def test_clients_are_told_which_sites_share_a_connection(world):
    """Only by choice, and only those that the certificate is for and that ask for none."""
    silent, telling = (int(port) for kind, port in world.outrider.listeners if kind == 'https')
    assert origins_of('127.0.0.4', telling, 'open.test') == [f'https://{name}:{telling}' for name in ('more.test', 'open.test')]
    assert origins_of('127.0.0.1', silent, 'open.test') is None
