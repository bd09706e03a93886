# SPDX-License-Identifier: MIT
"""X-Accel-Redirect and X-Sendfile: the application decides, the server sends the file; never one
outside the root. The fields themselves are not the client's business."""
import os
import re
from urllib.parse import quote

import pytest


def sendfile(client, field, value, **rest):
    return client.get(f'/sendfile.php?field={field}&value={quote(value)}', **rest)


@pytest.fixture
def client(connect, outrider):
    return connect(outrider)


@pytest.fixture
def style(site):
    return (site / 'assets/style.css').read_bytes()


def test_x_accel_redirect_names_a_path_of_the_site(client, style):
    answer = sendfile(client, 'X-Accel-Redirect', '/assets/style.css')
    assert (answer.status, bytes(answer.body)) == (200, style)
    assert answer.header('content-type').startswith('text/x-chosen')
    assert answer.header('cache-control') == 'max-age=5'
    assert answer.header('content-length') == str(len(style))
    assert answer.header('etag')
    assert answer.header('x-accel-redirect') is None


def test_x_sendfile_names_a_file_below_the_root(client, site, style):
    answer = sendfile(client, 'X-Sendfile', str(site / 'assets/style.css'))
    assert (answer.status, bytes(answer.body)) == (200, style)
    assert answer.header('x-sendfile') is None


def test_a_range_of_it_can_be_asked_for(client, style):
    answer = sendfile(client, 'X-Accel-Redirect', '/assets/style.css', headers=[('range', 'bytes=10-19')])
    assert (answer.status, bytes(answer.body)) == (206, style[10:20])


def test_a_large_file_arrives_whole(client, site):
    data = os.urandom(5 << 20)
    (site / 'large.bin').write_bytes(data)
    answer = sendfile(client, 'X-Accel-Redirect', '/large.bin')
    assert bytes(answer.body) == data


@pytest.mark.parametrize('field, value, status, why', [
    ('X-Accel-Redirect', '/assets/missing.css', 404, 'there is no such file'),
    ('X-Accel-Redirect', '/../../../../etc/passwd', 502, 'it leads above the root'),
    ('X-Accel-Redirect', '/%2e%2e/%2e%2e/etc/passwd', 502, 'it leads above the root'),
    ('X-Accel-Redirect', 'etc/passwd', 502, 'it names no path of this site'),
    ('X-Accel-Redirect', '@named', 502, 'it names no path of this site'),
    ('X-Accel-Redirect', '/a%00b', 502, 'a control character stands in it'),
    ('X-Accel-Redirect', '/source.txt', 403, 'this path is denied'),
    ('X-Accel-Redirect', '/.env', 403, 'this path is denied'),
    ('X-Accel-Redirect', '/old.bak', 403, 'this path is denied'),
    ('X-Sendfile', '/etc/passwd', 502, "it is not below the site's root"),
    ('X-Sendfile', 'ROOT/../../../../../etc/passwd', 502, 'it leads above the root'),
    ('X-Sendfile', 'ROOT-else/x', 502, "it is not below the site's root"),
    ('X-Sendfile', 'ROOT/leading-out', 403, 'this path is denied'),
    ('X-Sendfile', 'ROOT/assets', 404, 'there is no such file'),
    ('X-Sendfile', 'ROOT/page.php', 502, 'it is a script, whose source is not sent'),
    ('X-LIGHTTPD-send-file', 'ROOT/.env', 403, 'this path is denied'),
])
def test_nothing_else_is_sent(client, outrider, site, field, value, status, why):
    (site / 'leading-out').symlink_to('/etc/passwd')
    if os.getuid() == 0:   # whose links are followed
        os.lchown(site / 'leading-out', 65534, 65534)
    (site / 'source.txt').symlink_to('page.php')
    (site / 'page.PHP').write_text('<?php')
    (site / '.env').write_text('root:')
    (site / 'old.bak').write_text('root:')
    answer = sendfile(client, field, value.replace('ROOT', str(site)))
    assert answer.status == status
    assert b'root:' not in answer.body and b'<?php' not in answer.body
    outrider.wait_log(re.escape(f'the file that the application names: {why}'))


@pytest.mark.parametrize('value', [
    '/up/a b+c.txt', '/up/a%20b+c.txt', '/up/a%20b%2bc.txt', '//up/./a b+c.txt', '/up/a b+c.txt?x=1'])
def test_a_name_may_be_encoded_or_not(client, site, value):
    (site / 'up').mkdir()
    (site / 'up/a b+c.txt').write_text('the file')
    assert sendfile(client, 'X-Accel-Redirect', value).body == b'the file'


@pytest.mark.parametrize('name', ['caf\u00e9.txt', '100%.txt', 'what?.txt', 'a%20b.txt', 'back\\slash.txt'])
def test_a_name_may_have_any_byte(client, site, name):
    (site / name).write_text('the file')
    assert sendfile(client, 'X-Accel-Redirect', f'/{name}').body == b'the file'
    assert sendfile(client, 'X-Sendfile', f'{site}/{name}').body == b'the file'


def test_fields_of_the_body_that_is_not_sent_are_dropped(client, site, style):
    about = {'Content-Encoding': 'gzip', 'ETag': '"app"', 'Content-Range': 'bytes 0-1/2', 'Content-MD5': 'eA==',
             'Digest': 'x', 'Last-Modified': 'Thu, 01 Jan 1970 00:00:00 GMT', 'Accept-Ranges': 'none',
             'X-LIGHTTPD-send-file': '/x'}
    lines = ''.join(f"header({f'{name}: {value}'!r});" for name, value in about.items())
    (site / 'fields.php').write_text(f"<?php {lines} header('X-Accel-Redirect: /assets/style.css');"
                                     "header('Content-Disposition: attachment'); echo 'no';")
    answer = client.get('/fields.php')
    assert (answer.status, bytes(answer.body)) == (200, style)
    for name, value in about.items():
        assert answer.header(name.lower()) != value, name
    assert answer.header('content-encoding') is None and answer.header('etag')
    assert answer.header('content-disposition') == 'attachment'


def test_a_file_is_named_at_other_statuses_and_of_internal_paths(connect, make_outrider, fpm, site):
    (site / 'paid').mkdir()
    (site / 'paid/film.txt').write_text('the film')
    (site / 'gone.php').write_text("<?php http_response_code(410); header('X-Accel-Redirect: /paid/film.txt');")
    client = connect(make_outrider(fpm, site='internal = {"/paid/*"}'))
    assert client.get('/paid/film.txt').status == 404
    assert sendfile(client, 'X-Accel-Redirect', '/paid/film.txt').body == b'the film'
    answer = client.get('/gone.php', headers=[('range', 'bytes=0-1')])
    assert (answer.status, answer.body) == (410, b'the film')


def test_x_accel_buffering_is_obeyed_and_not_passed_on(client):
    answer = sendfile(client, 'X-Accel-Buffering', 'no')
    assert (answer.status, bytes(answer.body)) == (200, b'this is not the body')
    assert answer.header('x-accel-buffering') is None
