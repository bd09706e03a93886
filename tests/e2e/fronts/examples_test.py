# SPDX-License-Identifier: MIT
"""The examples of php-examples/behind-* run as they are printed, and show what they promise."""
import os
import subprocess

import pytest
from h2client import Client
from servers import BINARY, ROOT, Process

from fronts.fronts import DEAF, free_ports


@pytest.mark.parametrize('kind', ['haproxy', 'nginx', 'caddy', 'apache', 'varnish'])
def test_the_example_of_a_front_works_as_printed(tmp_path, kind):
    front, web, inside = free_ports(3)
    environment = dict(os.environ, FRONT_PORT=str(front), OUTRIDER_PORT=str(web), INSIDE_PORT=str(inside),
                       OUTRIDER=BINARY, TMPDIR=str(tmp_path))
    tmp_path.chmod(0o755)
    show = Process(['sh', str(ROOT / 'php-examples/behind.sh'), kind], tmp_path / 'log', env=environment)
    try:
        show.wait_started(lambda: 'ready: ' in show.log, 30)
        for page in range(3):
            with Client(front) as client:
                assert client.navigate('/').status == 200
        with Client(front) as client:
            page = client.navigate('/')
        assert len(page.hints) == (0 if kind in DEAF else 1)
    finally:
        show.stop(20)
    assert os.listdir(tmp_path) == ['log'], 'something is left behind'
    left = subprocess.run(['pgrep', '-f', str(tmp_path)], capture_output=True, text=True).stdout
    assert not left, left


def test_the_page_about_fronts_shows_the_examples():
    text = (ROOT / 'php-examples/FRONTS.md').read_text()
    for kind in ('haproxy', 'nginx', 'caddy', 'apache', 'varnish'):
        assert f'(behind-{kind})' in text
