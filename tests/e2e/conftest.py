# SPDX-License-Identifier: MIT
"""Fixtures: a document root (the example site and the tests' scripts together), a PHP-FPM on it,
and Outrider before it. `fpm` and `outrider` are one pool of four and one Outrider with default
options; tests that need others make them with `make_fpm` and `make_outrider`."""
import os
import shutil

import browsers
import pytest
from h2client import Client
from servers import BINARY, ROOT, Fpm, Outrider
from stage import Stage
from wordpress.site import WordPress


# Browsers and WordPress take the whole machine, and browsers ask late when it is busy.
ALONE = {'browser', 'staged', 'wordpress'}


def pytest_collection_modifyitems(items):
    """Marks what tests/run.sh runs by itself, after those that it runs side by side."""
    for item in items:
        if ALONE & set(item.fixturenames) or 'browser_test' in item.nodeid:
            item.add_marker('alone')


@pytest.fixture(scope='session', autouse=True)
def binary():
    assert os.access(BINARY, os.X_OK), f'{BINARY} is not built: cmake --build --preset release'
    return BINARY


@pytest.fixture
def site(tmp_path):
    """A document root of its own for the test, which may add and change files."""
    root = tmp_path / 'site'
    shutil.copytree(ROOT / 'php-examples/site', root)
    shutil.copytree(ROOT / 'tests/e2e/site', root, dirs_exist_ok=True)
    return root


@pytest.fixture
def make_fpm(tmp_path):
    made = []

    def make(**options):
        made.append(Fpm(tmp_path / f'fpm{len(made)}', **options))
        return made[-1]

    yield make
    for fpm in made:
        fpm.stop()


@pytest.fixture
def make_outrider(tmp_path, site):
    made = []

    def make(fpm=None, **options):
        if 'config' not in options and 'arguments' not in options:
            options.setdefault('root', site)
            options.setdefault('fastcgi', f'unix:{fpm.path}' if fpm else 'unix:/nowhere')
        made.append(Outrider(tmp_path / f'outrider{len(made)}', **options))
        return made[-1]

    yield make
    faults = []
    for outrider in made:   # all of them, whatever one says
        if not outrider.is_running() and outrider.process.returncode < 0:
            faults.append(f'outrider ended by itself:\n{outrider.log[-4000:]}')
        try:
            outrider.stop()
        except AssertionError as error:
            faults.append(str(error))
        if 'Sanitizer' in outrider.log:
            faults.append(outrider.log[-4000:])
    assert not faults, '\n'.join(faults)


@pytest.fixture
def fpm(make_fpm):
    return make_fpm()


@pytest.fixture
def outrider(make_outrider, fpm):
    return make_outrider(fpm, front_controller='/index.php')


@pytest.fixture
def connect(make_outrider):
    """connect(outrider): an HTTP/2 connection over TLS, or with tls=False in clear text. They are
    closed before the servers end, so that nobody waits for them."""
    made = []

    def make(outrider, tls=True, **options):
        made.append(Client(outrider.tls_port if tls else outrider.clear_port, tls=tls, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope='session')
def wordpress(tmp_path_factory):
    """One WordPress for the whole run."""
    site = WordPress(tmp_path_factory.mktemp('wordpress'))
    yield site
    errors = site.errors()
    site.close()
    assert not errors, '\n'.join(errors[:20])


@pytest.fixture(scope='session')
def stage(tmp_path_factory):
    """The site that the browser tests play on, with one PHP-FPM for all of them."""
    made = Stage(tmp_path_factory.mktemp('stage'))
    yield made
    assert not any('Sanitizer' in log for log in made.close())


@pytest.fixture(scope='session')
def staged(stage):
    """staged(hints=..., site=...): an Outrider before the stage, the same one for the same options."""
    made = {}

    def make(**options):
        key = str(sorted(options.items()))
        if key not in made or not made[key].is_running():
            made[key] = stage.outrider(**options)
        return made[key]

    return make


@pytest.fixture(scope='session', params=browsers.NAMES)
def browser(request, stage):
    """A Chromium and a Firefox, each open for all the tests."""
    made = browsers.Browser(request.param, stage)
    yield made
    made.close()
