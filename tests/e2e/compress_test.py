# SPDX-License-Identifier: MIT
"""Compressed responses, with curl as the client that unpacks them."""
import gzip
import re
import socket
import subprocess
import zlib

import pytest
from parity_test import ask, get
from servers import Fpm, Outrider, until

PAGE = '<!doctype html><link rel=stylesheet href=/style.css>' + '<p>one two one two</p>' * 400
STYLE = 'body { color: red }\n' * 400
FILES = {
    'style.css': STYLE, 'small.css': 'a{}', 'large.txt': 'all work and no play\n' * 200000, 'photo.jpg': 'x' * 5000,
    'page.php': '''<?php header('ETag: "a"'); header('Content-Digest: sha-256=:AAAA:'); echo $_GET['t'] ?? ''; ?>''' + PAGE,
    'secret.php': PAGE,
    'own.php': '<?php header("Content-Encoding: gzip"); echo gzencode(str_repeat("own", 500));',
    'keep.php': '<?php header("Cache-Control: public, no-transform"); ?>' + PAGE,
    'part.php': '<?php http_response_code(206); header("Content-Range: bytes 0-7999/9000"); ?>' + PAGE,
    'events.php': '''<?php header('Content-Type: text/event-stream'); echo "data: 1\\n\\n"; flush();
                     while (!file_exists(__DIR__ . '/go')) { usleep(10000); clearstatcache(); } echo "data: 2\\n\\n";''',
}


@pytest.fixture(scope='module')
def outrider(tmp_path_factory):
    folder = tmp_path_factory.mktemp('compress')
    root = folder / 'root'
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text)
    fpm = Fpm(folder / 'fpm', children=3)
    outrider = Outrider(folder / 'outrider', root=root, fastcgi=f'unix:{fpm.path}', workers=1,
                        site='compress { mode = all }  route "/secret.php" { compress = false }')
    outrider.root = root
    yield outrider
    outrider.stop()
    fpm.stop()
    assert 'Sanitizer' not in outrider.log


def curl(outrider, path, coding, *more):
    got = subprocess.run(['curl', '-ksS', '--compressed', '-D-', '-H', f'Accept-Encoding: {coding}', *more,
                          f'https://localhost:{outrider.tls_port}{path}'], capture_output=True, check=True, timeout=60)
    head, _, body = got.stdout.partition(b'\r\n\r\n')
    return head.decode().lower(), body


@pytest.mark.parametrize('coding', ['gzip', 'br', 'zstd'])
def test_a_client_reads_what_was_sent(outrider, coding):
    for path in '/page.php', '/style.css', '/large.txt':
        for version in '--http1.1', '--http2':
            head, body = curl(outrider, path, coding, version)
            assert f'content-encoding: {coding}' in head and 'vary: accept-encoding' in head, (path, version)
            assert 'content-length' not in head and 'accept-ranges' not in head and 'digest' not in head
            assert body.decode() == FILES[path[1:]].rpartition('?>')[2], (path, version)


# A path, the request's fields, whether it is compressed, and whether it says that it might have been.
ROWS = [
    ('/page.php', '', False, True), ('/page.php', 'Accept-Encoding: identity;q=1, *;q=0', False, True),
    ('/style.css', 'Accept-Encoding: gzip;q=0', False, True), ('/style.css', 'Accept-Encoding: x-gzip', True, True),
    ('/style.css', 'Accept-Encoding: gzip\r\nRange: bytes=0-9', False, True), ('/small.css', 'Accept-Encoding: gzip', False, False),
    ('/photo.jpg', 'Accept-Encoding: gzip', False, False), ('/secret.php', 'Accept-Encoding: gzip', False, False),
    ('/keep.php', 'Accept-Encoding: gzip', False, False), ('/part.php', 'Accept-Encoding: gzip', False, True),
    ('/own.php', 'Accept-Encoding: br', True, False), ('/none.css', 'Accept-Encoding: gzip', False, False),
]


def test_what_is_compressed_and_what_is_not(outrider):
    for path, fields, is_packed, varies in ROWS:
        got = ask(outrider, get(path.encode(), (fields + '\r\n').encode() if fields else b''))
        assert bool(got.field('content-encoding')) == is_packed, (path, fields)
        assert (got.field('vary') == ['Accept-Encoding']) == varies, (path, fields)
    assert gzip.decompress(ask(outrider, get(b'/own.php', b'Accept-Encoding: gzip\r\n')).body) == b'own' * 500
    old = ask(outrider, b'GET /style.css HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n')
    assert old.field('vary') and not old.field('content-encoding')


def test_validators_are_weak_and_known_again(outrider):
    accepts = b'Accept-Encoding: gzip\r\n'
    for path in b'/page.php', b'/style.css':
        packed, plain, head = (ask(outrider, get(path, more, method))
                               for more, method in ((accepts, b'GET'), (b'', b'GET'), (accepts, b'HEAD')))
        tag = packed.field('etag')[0]
        assert tag == 'W/' + plain.field('etag')[0]
        assert [f for f in head.fields if f[0] not in ('date', 'transfer-encoding')] == [
            f for f in packed.fields if f[0] not in ('date', 'transfer-encoding')] and head.body == b''
    again = ask(outrider, get(b'/style.css', accepts + f'If-None-Match: {tag}\r\n'.encode()))
    assert (again.status, again.field('etag'), again.field('vary')) == (304, [tag], ['Accept-Encoding'])
    assert not again.field('content-encoding')
    assert ask(outrider, get(b'/style.css', f'If-None-Match: {tag}\r\n'.encode())).field('etag') == [tag[2:]]
    whole = ask(outrider, get(b'/style.css', accepts + f'Range: bytes=0-9\r\nIf-Range: {tag}\r\n'.encode()))
    assert whole.status == 200 and gzip.decompress(whole.body).decode() == STYLE


def test_an_event_does_not_wait_for_the_next(outrider):
    with socket.create_connection(('127.0.0.1', outrider.clear_port), 20) as sock:
        sock.sendall(get(b'/events.php', b'Accept-Encoding: gzip\r\n').replace(b'HOST', b'localhost'))
        stream, data, plain = zlib.decompressobj(31), b'', b''

        def read():
            nonlocal data, plain
            data += sock.recv(65536)
            head, end, body = data.partition(b'\r\n\r\n')
            chunks = re.findall(rb'[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n|$)', body, re.DOTALL) if end else []
            plain = zlib.decompressobj(31).decompress(b''.join(chunks))
            return plain
        while b'data: 1\n\n' not in plain:
            read()
        assert b'data: 2' not in plain
        (outrider.root / 'go').touch()
        while b'data: 2\n\n' not in plain:
            read()


def test_pages_are_learned_from_all_the_same_and_counted(outrider):
    def metrics():
        return outrider.ask_admin('/metrics')[1].decode()
    curl(outrider, '/page.php?t=%3Clink+rel=stylesheet+href=/small.css%3E', 'zstd', '-H', 'Sec-Fetch-Mode: navigate',
         '-H', 'Sec-Fetch-Dest: document')
    until(lambda: 'style.css' in outrider.ask_admin('/routes')[1].decode(), 10, 'the packed page is not learned from')
    count = {name: int(n) for name, n in re.findall(r'^outrider_(compress\w+)(?:\{.*\})? (\d+)$', metrics(), re.MULTILINE)}
    assert count['compressed_total'] > 5 and count['compressions_refused_total'] == 0
    assert 0 < count['compressed_output_bytes_total'] < count['compressed_input_bytes_total'] / 5
