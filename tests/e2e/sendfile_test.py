# SPDX-License-Identifier: MIT
"""X-Accel-Redirect and X-Sendfile: the application decides, the server sends the file; never one
outside the root. The fields themselves are not the client's business."""
import os
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


@pytest.mark.parametrize('field, value, status', [
    ('X-Accel-Redirect', '/assets/missing.css', 404),
    ('X-Accel-Redirect', '/../../../../etc/passwd', 400),
    ('X-Accel-Redirect', '/%2e%2e/%2e%2e/etc/passwd', 400),
    ('X-Accel-Redirect', 'etc/passwd', 400),
    ('X-Sendfile', '/etc/passwd', 403),
    ('X-Sendfile', 'ROOT/../../../../../etc/passwd', 403),
    ('X-Sendfile', 'ROOT-else/x', 403),
    ('X-Sendfile', 'ROOT/leading-out', 403),
    ('X-Sendfile', 'ROOT/assets', 404),
])
def test_nothing_else_is_sent(client, outrider, site, field, value, status):
    (site / 'leading-out').symlink_to('/etc/passwd')
    answer = sendfile(client, field, value.replace('ROOT', str(site)))
    assert answer.status in {status, 404} and b'root:' not in bytes(answer.body)
    assert 'the file that the application names' in outrider.log


def test_x_accel_buffering_is_obeyed_and_not_passed_on(client):
    answer = sendfile(client, 'X-Accel-Buffering', 'no')
    assert (answer.status, bytes(answer.body)) == (200, b'this is not the body')
    assert answer.header('x-accel-buffering') is None
