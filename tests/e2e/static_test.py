# SPDX-License-Identifier: MIT
"""Files from the document root: what hints point at."""
import os

import pytest
from servers import until

SECRET = 'root:'


@pytest.fixture
def client(connect, make_outrider, fpm):
    return connect(make_outrider(fpm))


@pytest.mark.parametrize('name, media', [
    ('style.css', 'text/css'), ('app.js', 'text/javascript'), ('hero.svg', 'image/svg+xml'),
    ('blocks.ttf', 'font/ttf')])
def test_files_have_their_media_type_and_validators(client, site, name, media):
    answer = client.get(f'/assets/{name}')
    assert answer.status == 200
    assert answer.header('content-type').split(';')[0] == media
    assert answer.body == (site / 'assets' / name).read_bytes()
    assert int(answer.header('content-length')) == len(answer.body)
    assert answer.header('etag') and answer.header('last-modified') and answer.header('date')


def test_conditional_requests(client, site):
    full = client.get('/assets/style.css')
    tag, date = full.header('etag'), full.header('last-modified')
    for headers in ([('if-none-match', tag)], [('if-none-match', f'"other", W/{tag.removeprefix("W/")}')],
                    [('if-none-match', '*')], [('if-modified-since', date)]):
        answer = client.get('/assets/style.css', headers=headers)
        assert answer.status == 304 and answer.body == b'', headers
        assert answer.header('etag') == tag
    for headers in ([('if-none-match', '"other"')],
                    [('if-none-match', '"other"'), ('if-modified-since', date)],
                    [('if-modified-since', 'Thu, 01 Jan 1970 00:00:01 GMT')]):
        assert client.get('/assets/style.css', headers=headers).status == 200, headers
    assert client.get('/assets/style.css', headers=[('if-match', '"other"')]).status == 412


def test_a_changed_file_has_another_tag_a_moment_later(client, site):
    before = client.get('/assets/style.css')
    (site / 'new').write_text('body { color: red }')
    (site / 'new').rename(site / 'assets/style.css')

    def is_new():
        now = client.get('/assets/style.css')
        assert (now.body == before.body) == (now.header('etag') == before.header('etag'))
        return now.body == b'body { color: red }'
    until(is_new, 3, 'the old file is still served')


@pytest.mark.parametrize('asked, first, last', [
    ('bytes=0-9', 0, 9), ('bytes=100-', 100, None), ('bytes=-7', -7, None), ('bytes=5-99999999', 5, None)])
def test_ranges(client, site, asked, first, last):
    whole = (site / 'assets/blocks.ttf').read_bytes()
    want = whole[first:] if last is None else whole[first:last + 1]
    answer = client.get('/assets/blocks.ttf', headers=[('range', asked)])
    assert answer.status == 206 and answer.body == want
    start = first % len(whole)
    assert answer.header('content-range') == f'bytes {start}-{start + len(want) - 1}/{len(whole)}'


def test_a_range_beyond_the_end_is_416(client, site):
    size = (site / 'assets/blocks.ttf').stat().st_size
    answer = client.get('/assets/blocks.ttf', headers=[('range', f'bytes={size}-')])
    assert answer.status == 416 and answer.header('content-range') == f'bytes */{size}'


def test_a_range_of_another_version_gives_the_whole_file(client, site):
    answer = client.get('/assets/blocks.ttf', headers=[('range', 'bytes=0-9'), ('if-range', '"other"')])
    assert answer.status == 200 and len(answer.body) == (site / 'assets/blocks.ttf').stat().st_size


def test_a_large_file_comes_whole(client, site):
    data = os.urandom(3 << 20)
    (site / 'large.bin').write_bytes(data)
    assert client.get('/large.bin').body == data
    # Many at once.
    asked = [client.request('/large.bin') for _ in range(8)]
    client.wait(*asked)
    assert all(e.body == data for e in asked)


def test_an_empty_file(client, site):
    (site / 'empty.css').write_bytes(b'')
    answer = client.get('/empty.css')
    assert answer.status == 200 and answer.body == b'' and answer.header('content-length') == '0'


def test_what_is_not_there_is_404(client):
    assert client.get('/no/such/file.css').status == 404
    assert client.get('/no-such.php').status == 404


def test_other_methods_on_a_file_are_405(client):
    answer = client.get('/assets/style.css', method='DELETE')
    assert answer.status == 405 and answer.header('allow').split(', ')[:2] == ['GET', 'HEAD']


TRAVERSALS = [
    '/../../../../../../etc/passwd', '/assets/../../../../../../../etc/passwd', '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2f..%2f..%2f..%2fetc/passwd', '/assets/..%5c..%5cetc%5cpasswd', '//etc/passwd',
    '/assets/%00/../style.css', '/assets/style.css%00.php', '/.%2e/%2e./etc/passwd', '/%252e%252e/etc/passwd',
    '/link-out/passwd',
]


@pytest.mark.parametrize('path', TRAVERSALS)
def test_nothing_outside_the_root_is_served(client, site, path):
    (site / 'link-out').symlink_to('/etc')
    if os.getuid() == 0:   # whose links are followed
        os.lchown(site / 'link-out', 65534, 65534)
    answer = client.get(path)
    assert answer.status in (400, 403, 404), answer.status
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize('path', [
    '/page.php%20', '/page.php.', '/page.PHP', '/page.php%00', '/assets/style.css/x.php', '/page.php::$DATA'])
def test_a_script_is_neither_shown_nor_run_under_another_name(client, site, path):
    answer = client.get(path)
    assert b'<?php' not in answer.body
    assert answer.status in (400, 403, 404), answer.status


def test_hidden_files_are_not_served(client, site):
    (site / '.git').mkdir()
    (site / '.git/config').write_text('secret')
    (site / '.env').write_text('secret')
    for path in ('/.git/config', '/.env', '/%2eenv'):
        answer = client.get(path)
        assert answer.status in (403, 404) and b'secret' not in answer.body, path


def test_a_folder_gives_its_index_and_wants_its_slash(client, site):
    (site / 'sub').mkdir()
    (site / 'sub/index.html').write_text('the index')
    assert client.get('/sub/').body == b'the index'
    answer = client.get('/sub?x=1')
    assert answer.status == 301 and answer.header('location').endswith('/sub/?x=1')
