# SPDX-License-Identifier: MIT
"""Chromium behind a front that relays a 103: it asks for the style while PHP thinks, and uses what
it got."""
import subprocess

import pytest
from browser_test import browse
from h2client import Client
from relay import Relay

from fronts.fronts import Front, free_ports

CONFIG = '''
workers = 1
listen "127.0.0.1:{web}" {{ trusted = {{ "127.0.0.1" }} }}
pool "php" {{ servers = {{ "unix:{fpm.path}" }} }}
site "localhost" {{
    root = "{root}"
    pool = "php"
    hints {{ min-think = 0ms  holdback = 0%  via = front }}
}}
'''


def pin_of(folder):
    """The hash of the front's key, by which Chromium is told to trust it."""
    return subprocess.run(
        'openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform der | '
        'openssl dgst -sha256 -binary | openssl enc -base64', shell=True, check=True, cwd=folder,
        capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize('kind', ['haproxy', 'caddy'])
def test_chromium_behind_a_front_uses_what_a_103_told(kind, tmp_path, make_outrider, fpm, site):
    web, proxied = free_ports(2)
    make_outrider(config=CONFIG.format(web=web, fpm=fpm, root=site))
    front = Front(tmp_path / kind, kind, web, proxied)
    relay = Relay(front.port('h2c'), 0.025)
    try:
        with Client(front.port('h2c')) as client:
            client.navigate('/watched.php')
            client.get('/watched-style.php')
        (site / 'watched.log').unlink()
        proof = browse(f'https://localhost:{relay.port}/watched.php', pin_of(tmp_path / kind), tmp_path / 'chromium')
    finally:
        relay.close()
        front.stop()
    asked = (site / 'watched.log').read_text().split()[::2]
    assert asked == ['style', 'final']
    assert proof['protocol'] == 'h2' and 0 < proof['interim'] < proof['final'] - 100, proof
    assert proof['styles'] == [['early-hints', 'cache', 0]]
