# SPDX-License-Identifier: MIT
"""Floods of URLs that nobody will ever ask for again, against an application that answers 200 to all
of them: what is known of real pages stays, and memory does not grow. CI_FULL=1 sends a million."""
import os
import random
import re
import subprocess
from pathlib import Path

import pytest
from servers import SANITIZED
from shop import HINTS, Shop

COUNT = 1000000 if os.environ.get('CI_FULL') == '1' else 4000 if SANITIZED else 40000
REAL = [f'/product/{n}/' for n in range(30)]
BOUNDS = 'learner { routes = 2048 memory = 4MB }'


@pytest.fixture
def shop(make_outrider, fpm, connect, site):
    made = Shop(make_outrider, fpm, connect, site, top=BOUNDS)
    made.known('/', *REAL, networks=range(1, 4))
    return made


def resident_mib(outrider):
    status = Path(f'/proc/{outrider.pid}/status').read_text()
    return int(re.search(r'VmRSS:\s+(\d+) kB', status)[1]) / 1024


def flood(shop, tmp_path, make, count, seed):
    chance = random.Random(seed)
    uris = tmp_path / f'uris{seed}'
    uris.write_text(''.join(f'{shop.origin}{make(chance)}\n' for _ in range(count)))
    command = ['h2load', '-n', str(count), '-c', '8', '-m', '8', '-i', str(uris),
               '-H', 'sec-fetch-mode: navigate', '-H', 'sec-fetch-dest: document', '-H', 'accept: text/html']
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=3600)
    assert f'{count} succeeded' in done.stdout, done.stdout


def token(chance):
    return ''.join(chance.choice('abcdefghij0123456789') for _ in range(12))


KINDS = {
    'folders': lambda chance: f'/{token(chance)}/{token(chance)}/',
    'siblings of real pages': lambda chance: f'/product/{token(chance)}/',
    'searches': lambda chance: f'/?s={token(chance)}',
    'listed numbers': lambda chance: f'/?p={chance.randrange(10 ** 9)}',
    'queries': lambda chance: f'/?{token(chance)}={token(chance)}',
    'long paths': lambda chance: '/' + '/'.join(token(chance) for _ in range(30)),
}


def test_random_urls_push_nothing_out_and_take_no_memory(shop, tmp_path):
    kinds = list(KINDS.values())
    part = COUNT // (2 * len(kinds))
    for seed, make in enumerate(kinds):
        flood(shop, tmp_path, make, part, seed)
    before = resident_mib(shop.outrider)
    for seed, make in enumerate(kinds):
        flood(shop, tmp_path, make, part, 100 + seed)
    after = resident_mib(shop.outrider)
    if not SANITIZED:
        assert after < before + 8, f'{before:.1f} MiB grew to {after:.1f} MiB'
    shop.settle()
    for path in random.Random(1).sample(REAL, 10):
        assert set(shop.hints(9, path)) == {*HINTS, '/assets/product.css'}, path
    assert shop.hints(9, '/') == list(HINTS)


def test_a_flood_from_many_networks_pushes_nothing_out(shop):
    chance = random.Random(5)
    for n in range(len(REAL) * 4 if SANITIZED else 3000):
        shop.client(10 + n % 50).navigate(f'/{token(chance)}/{token(chance)}/')
    shop.settle()
    for path in random.Random(1).sample(REAL, 10):
        assert set(shop.hints(9, path)) == {*HINTS, '/assets/product.css'}, path
