# SPDX-License-Identifier: MIT
"""For how long browsers may use static files: what the operator says in `assets`, and nothing where
an application speaks."""
import pytest

FOR_EVER = 'public, max-age=31536000, immutable'
FILES = {'app.3f2a9c1b.js': 'a', 'report-2024.05.css': 'b', 'doc.html': '<p>c'}

NAMED = '''<?php
// SPDX-License-Identifier: MIT
header('X-Accel-Redirect: /assets/style.css');
header('Content-Type: text/css');
header('Cache-Control: private, max-age=7');
'''
SILENT = NAMED.replace("header('Cache-Control: private, max-age=7');\n", '')


@pytest.fixture
def ask(connect, make_outrider, fpm, site):
    for name, text in FILES.items():
        (site / 'assets' / name).write_text(text)
    (site / 'named.php').write_text(NAMED)
    (site / 'silent.php').write_text(SILENT)

    def make(assets):
        client = connect(make_outrider(fpm, site=assets))
        return lambda path, **options: client.get(path, **options)
    return make


@pytest.mark.parametrize('assets, expected', [
    ('', {'/assets/style.css': None, '/assets/style.css?ver=6.4': None, '/assets/app.3f2a9c1b.js': None}),
    ('assets { max-age = 1h }',
     {'/assets/style.css': 'public, max-age=3600', '/assets/style.css?ver=6.4': 'public, max-age=3600',
      '/assets/app.3f2a9c1b.js': 'public, max-age=3600', '/assets/doc.html': None}),
    ('assets { versioned = immutable }',
     {'/assets/style.css': None, '/assets/style.css?ver=6.4': FOR_EVER, '/assets/style.css?v=2': FOR_EVER,
      '/assets/app.3f2a9c1b.js': FOR_EVER, '/assets/report-2024.05.css': None,
      '/assets/doc.html?ver=1': None}),
    ('assets { max-age = 2h\n versioned = immutable }',
     {'/assets/style.css': 'public, max-age=7200', '/assets/style.css?ver=6.4': FOR_EVER}),
])
def test_files_say_what_the_operator_said(ask, assets, expected):
    get = ask(assets)
    for path, value in expected.items():
        answer = get(path)
        assert (answer.status, answer.header('cache-control')) == (200, value), path


def test_a_304_says_it_too(ask):
    get = ask('assets { max-age = 1h }')
    etag = get('/assets/style.css').header('etag')
    again = get('/assets/style.css', headers=[('if-none-match', etag)])
    assert (again.status, again.header('cache-control')) == (304, 'public, max-age=3600')


def test_a_missing_file_says_nothing(ask):
    answer = ask('assets { max-age = 1h\n versioned = immutable }')('/assets/none.css?ver=1')
    assert answer.status == 404 and answer.header('cache-control') is None


@pytest.mark.parametrize('path, value', [('/named.php', 'private, max-age=7'), ('/silent.php', None)])
def test_the_application_speaks_for_the_files_it_names(ask, path, value):
    answer = ask('assets { max-age = 1h\n versioned = immutable }')(path + '?ver=1')
    assert answer.status == 200 and len(answer.body) > 10
    assert [v for k, v in answer.headers if k == 'cache-control'] == ([value] if value else [])
