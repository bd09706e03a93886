# SPDX-License-Identifier: MIT
"""What `cmake --install` installs works as it is installed: the example configuration serves its site
and gets a 103."""
import os
import subprocess
from pathlib import Path

import pytest
from servers import BINARY, ROOT, until


@pytest.fixture
def installed(tmp_path):
    """The root of a system into which the build was installed."""
    root = tmp_path / 'system'
    subprocess.run(['cmake', '--install', str(Path(BINARY).parent)], check=True, capture_output=True,
                   env={**os.environ, 'DESTDIR': str(root)}, timeout=60)
    return root


def prefix(root):
    """Where `cmake --install` put the program."""
    return next(path for path in root.rglob('bin/outrider')).parents[1]


def test_all_that_is_installed_is_in_a_package(installed):
    """Of each file there is one row in debian/*.install, and the other way round."""
    top = prefix(installed)
    rows = {row.split()[0] for path in (ROOT / 'debian').glob('*.install') for row in path.read_text().split('\n') if row}
    rows = {row.replace('usr/', '', 1).replace('vendor-completions', 'site-functions') for row in rows}
    files = {str(path.relative_to(top)) for path in top.rglob('*') if path.is_file()}
    assert len(files) > 15
    assert {row for row in rows if not any(name.startswith(row) for name in files)} == set()
    assert {name for name in files if not any(name.startswith(row) for row in rows)} == set()


def test_the_example_works_as_installed(installed, make_fpm, make_outrider, connect, tmp_path):
    top = prefix(installed)
    text = (top / 'share/doc/outrider/examples/outrider.conf').read_text()
    # In the place of the paths of the system, which belong to others here, those below `installed`.
    site = str(top / 'share/outrider/site')
    assert f'root    = "{site.removeprefix(str(installed))}"' in text
    text = text.replace(site.removeprefix(str(installed)), site)
    fpm = make_fpm(children=1)
    for was, now in (('localhost:8443', 'localhost:0'), ('/run/php/php-fpm.sock', fpm.path),
                     ('user = "outrider"', ''),
                     ('/run/outrider/', f'{tmp_path}/'), ('/var/lib/outrider/', f'{tmp_path}/')):
        assert was in text
        text = text.replace(was, str(now))
    client = connect(make_outrider(config=text))
    assert b'Outrider is installed' in client.get('/').body
    until(lambda: client.navigate('/index.php').hints, 10, 'a 103')
