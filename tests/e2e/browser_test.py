# SPDX-License-Identifier: MIT
"""Headless Chromium acts on the hint: it asks for the style while PHP thinks, and uses it once.

A certificate that Chromium is told to trust by its key (--ignore-certificate-errors-spki-list) may be
cached; one whose errors it only ignores may not, and then hinted assets are fetched twice."""
import json
import os
import re
import signal
import subprocess
import time

import pytest
from relay import Relay


def browse(url, pin, folder):
    """Opens the page in a Chromium of its own and gives what it wrote into #proof."""
    folder.mkdir()
    process = subprocess.Popen(
        ['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', f'--user-data-dir={folder}',
         f'--ignore-certificate-errors-spki-list={pin}', '--virtual-time-budget=3000', '--dump-dom', url],
        env=dict(os.environ, HOME=str(folder)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, errors = process.communicate(timeout=60)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    proof = re.search(r'<pre id="proof">(.*?)</pre>', out)
    assert proof and proof[1], f'no proof in the page:\n{out[-2000:]}\n{errors[-2000:]}'
    return json.loads(proof[1].replace('&amp;', '&').replace('&quot;', '"'))


@pytest.fixture
def near(request):
    """near(outrider): the port of a relay that is 25 ms away."""
    relays = []

    def make(outrider):
        relays.append(Relay(outrider.tls_port, 0.025))
        return relays[-1].port

    yield make
    for relay in relays:
        relay.close()


def visit(outrider, near, connect, site, folder, page):
    # What a browser cannot keep is not hinted, so the style must have been seen, too.
    connect(outrider).navigate(page)
    connect(outrider).get('/watched-style.php')
    time.sleep(0.2)
    (site / 'watched.log').unlink(missing_ok=True)
    proof = browse(f'https://localhost:{near(outrider)}{page}', outrider.pin, folder)
    lines = (site / 'watched.log').read_text().split() if (site / 'watched.log').exists() else []
    return proof, list(zip(lines[::2], map(float, lines[1::2])))


def test_chromium_requests_the_style_before_the_final_head_and_uses_it_once(
        connect, outrider, near, site, tmp_path):
    proof, log = visit(outrider, near, connect, site, tmp_path / 'chromium', '/watched.php')
    # PHP's own evidence: one request for the style, well before the page had its head.
    assert [what for what, _ in log] == ['style', 'final']
    assert log[1][1] - log[0][1] >= 0.2
    # The browser's: the 103 came first, and what the page used is what the hint had fetched.
    assert proof['protocol'] == 'h2'
    assert 0 < proof['interim'] < proof['final'] - 200
    assert proof['styles'] == [['early-hints', 'cache', 0]]
    assert proof['color'] == 'rgb(1, 2, 3)'


def test_without_hints_chromium_asks_for_the_style_after_the_head(
        connect, make_outrider, fpm, near, site, tmp_path):
    """So that the test above would fail without the 103."""
    outrider = make_outrider(fpm, mode='off')
    proof, log = visit(outrider, near, connect, site, tmp_path / 'chromium', '/watched.php')
    assert [what for what, _ in log] == ['final', 'style']
    assert not proof['interim'] and proof['styles'][0][0] == 'link'


def test_the_example_page_says_what_happened(connect, outrider, near, site, tmp_path):
    proof, _ = visit(outrider, near, connect, site, tmp_path / 'chromium', '/')
    assert proof['hinted'] and proof['final'] - proof['interim'] >= 200
    early = {asset['name'] for asset in proof['assets'] if asset['early']}
    assert early == {'/assets/style.css', '/assets/app.js', '/assets/blocks.ttf', '/assets/hero.svg'}
    assert len(proof['assets']) == 4, 'each asset was fetched and used once'
