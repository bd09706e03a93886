# SPDX-License-Identifier: MIT
"""`http1 = true`: browsers that act on a 103 over HTTP/1.1 get one, and only they; what follows on the
connection is in order, byte by byte."""
import socket
import ssl
import time

import pytest

PAIR = {'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document'}
FIREFOX = {'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', **PAIR}
CHROME = ('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
          'Chrome/156.0.0.0 Safari/537.36')


class Http1:
    """A connection of which each byte is accounted for."""

    def __init__(self, outrider, tls):
        self.sock = socket.create_connection(
            ('127.0.0.1', outrider.tls_port if tls else outrider.clear_port), timeout=15)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(['http/1.1'])
            self.sock = context.wrap_socket(self.sock, server_hostname='localhost')
        self.port = outrider.tls_port if tls else outrider.clear_port
        self.rest = b''

    def more(self):
        data = self.sock.recv(65536)
        assert data, f'closed after {self.rest[-200:]!r}'
        self.rest += data

    def until(self, end):
        while end not in self.rest:
            self.more()
        taken, _, self.rest = self.rest.partition(end)
        return taken

    def exactly(self, size):
        while len(self.rest) < size:
            self.more()
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def head(self):
        start, *lines = self.until(b'\r\n\r\n').decode('latin-1').split('\r\n')
        version, status = start.split(' ')[:2]
        return version, int(status), [(name.lower(), value.strip()) for name, _, value in
                                      (line.partition(':') for line in lines)]

    def body(self, fields):
        named = dict(fields)
        if 'content-length' in named:
            return self.exactly(int(named['content-length']))
        if named.get('transfer-encoding') != 'chunked':
            body = self.rest
            while data := self.sock.recv(65536):
                body += data
            return body
        body = b''
        while size := int(self.until(b'\r\n'), 16):
            body += self.exactly(size)
            assert self.exactly(2) == b'\r\n'
        assert self.exactly(2) == b'\r\n'
        return body

    def ask(self, path, fields, version='HTTP/1.1'):
        lines = [f'GET {path} {version}', f'Host: localhost:{self.port}',
                 *(f'{name}: {value}' for name, value in fields.items())]
        self.sock.sendall('\r\n'.join([*lines, '', '']).encode())

    def answer(self):
        """(statuses of the heads, fields of the first interim one, final fields, body)."""
        statuses, interim = [], None
        while True:
            version, status, fields = self.head()
            assert version == 'HTTP/1.1'
            statuses.append(status)
            if status >= 200:
                return statuses, interim, fields, self.body(fields)
            interim = interim or fields

    def get(self, path, fields, **rest):
        self.ask(path, fields, **rest)
        return self.answer()


@pytest.fixture(params=['tls', 'clear'])
def dial(request, make_outrider, fpm, connect):
    """dial(): an HTTP/1.1 connection to an Outrider that knows /page.php."""
    tls = request.param == 'tls'
    outrider = make_outrider(fpm, front_controller='/index.php', hints='http1 = true')
    made = []
    assert connect(outrider, tls=tls).navigate('/page.php').status == 200
    time.sleep(0.3)

    def make():
        made.append(Http1(outrider, tls))
        return made[-1]

    yield make
    for client in made:
        client.sock.close()


def test_firefox_gets_one_103_and_then_the_page_on_a_connection_that_goes_on(dial):
    client = dial()
    statuses, interim, fields, body = client.get('/page.php', FIREFOX)
    assert statuses == [103, 200]
    assert {name for name, _ in interim} == {'link'}
    assert '</assets/style.css>' in ', '.join(value for _, value in interim)
    assert len(body) > 100000 and client.rest == b''
    # What it was hinted it has: the same page again is only the page, and another file is itself.
    statuses, _, _, again = client.get('/page.php', FIREFOX)
    assert statuses == [200] and again == body and client.rest == b''
    statuses, _, fields, style = client.get('/assets/style.css', {'Sec-Fetch-Dest': 'style',
                                                                  'Sec-Fetch-Mode': 'no-cors'})
    assert statuses == [200] and dict(fields)['content-type'].startswith('text/css') and style
    assert client.rest == b''
    assert dial().get('/page.php', FIREFOX)[0] == [103, 200]


def test_requests_sent_ahead_are_answered_in_order_around_the_103(dial):
    client = dial()
    client.ask('/assets/style.css', {})
    client.ask('/page.php', FIREFOX)
    client.ask('/assets/app.js', {})
    answers = [client.answer() for _ in range(3)]
    assert [statuses for statuses, *_ in answers] == [[200], [103, 200], [200]]
    assert [dict(fields)['content-type'].partition(';')[0] for _, _, fields, _ in answers] == [
        'text/css', 'text/html', 'text/javascript']
    assert client.rest == b''


UNHINTED = {
    'a program': {'User-Agent': 'curl/8.10'},
    'a program that accepts HTML': {'User-Agent': 'python-requests/2.32', 'Accept': 'text/html'},
    'Firefox that does not navigate': {**FIREFOX, 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty'},
    'an old Firefox without the pair': {'User-Agent': FIREFOX['User-Agent']},
    'Firefox by way of a proxy': {**FIREFOX, 'Via': '1.1 proxy'},
    'Chromium': {'User-Agent': CHROME, 'Sec-CH-UA': '"Chromium";v="156", "Not=A?Brand";v="24"', **PAIR},
    'Chromium that says less of itself': {'User-Agent': CHROME, **PAIR},
}


@pytest.mark.parametrize('who', UNHINTED)
def test_nobody_else_gets_a_103(dial, who):
    client = dial()
    statuses, _, _, body = client.get('/page.php', UNHINTED[who])
    assert statuses == [200] and len(body) > 100000 and client.rest == b''


def test_http_1_0_gets_none_whoever_asks(dial):
    client = dial()
    statuses, _, _, body = client.get('/page.php', FIREFOX, version='HTTP/1.0')
    assert statuses == [200] and len(body) > 100000
