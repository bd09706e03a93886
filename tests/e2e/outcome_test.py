# SPDX-License-Identifier: MIT
"""What hints are worth is measured: a share of the navigations is held back, and how soon the last
render-critical asset was sent is compared. Visitors come from different networks, each over a
connection of its own."""
import os
import re
import time

import pytest

PAGE = '''<?php usleep(60000); ?><!doctype html><title>x</title>
<link rel="stylesheet" href="/outcome.css"><p>x</p>'''
AGENT = [('user-agent', 'Mozilla/5.0 Chrome/156.0.0.0 Safari/537.36')]
CHROMIUM = [('sec-ch-ua', '"Chromium";v="156"'), *AGENT]   # what it fetches for a 103 lacks the first
STYLE = [('sec-fetch-dest', 'style'), ('sec-fetch-mode', 'no-cors')]
VISITS = 80


@pytest.fixture
def front(make_outrider, make_fpm, site):
    (site / 'outcome.php').write_text(PAGE)
    (site / 'outcome.css').write_text('p{color:red}')
    os.utime(site / 'outcome.css', (0, 10 ** 9))
    return make_outrider(make_fpm(), workers=1, holdback='50%', site='assets { max-age = 1h }')


def visit(connect, front, number, early):
    """A navigation as a cold browser makes it. `early`: seconds from the 103 to the asset's request,
    or None for a client that takes no notice of it. True when there was a 103."""
    client = connect(front, source=f'127.0.{1 + number}.1')
    page = client.request('/outcome.php', navigation=True, headers=CHROMIUM)
    while not page.hints and not page.over:
        client.turn(5)
    referer = [('referer', f'https://localhost:{front.tls_port}/outcome.php')]
    if page.hints and early is not None:
        time.sleep(early)
        client.wait(client.request('/outcome.css', headers=STYLE + AGENT + referer))
        client.wait(page)
    else:
        client.wait(page)
        late = 0.12 if page.hints else 0
        time.sleep(late)
        client.wait(client.request('/outcome.css', headers=STYLE + CHROMIUM + referer))
    client.close()
    return bool(page.hints)


def route(front, path):
    return next(route for route in front.routes() if route['route'] == path)


def measured(front, path, hinted, held):
    """The outcome of that route, once so many visits are counted: a route that is visited often does
    not teach with each visit."""
    for _ in range(100):
        outcome = route(front, path)['outcome']
        if outcome['hinted']['n'] >= hinted and outcome['held']['n'] >= held:
            return outcome
        time.sleep(0.1)
    raise AssertionError(outcome)


def decisions(front):
    text = front.ask_admin('/metrics')[1].decode()
    return {reason: int(float(count)) for reason, count in
            re.findall(r'outrider_hint_decisions_total\{reason="(\w+)"\} (\S+)', text)}


def test_hinted_visits_are_compared_with_those_held_back(connect, front):
    visit(connect, front, VISITS, 0)
    time.sleep(0.3)
    hinted = sum(visit(connect, front, number, 0.005) for number in range(VISITS))
    held = VISITS - hinted
    assert abs(hinted - held) <= 4
    counted = decisions(front)
    assert counted['held'] == held and counted['send'] == hinted
    assert sum(counted.values()) == VISITS + 1
    outcome = measured(front, '/outcome.php', hinted // 3, held // 3)
    # The page takes 60 ms. Who was hinted has the style long before, who was not after it.
    assert outcome['hinted']['mean_us'] < 45000 and outcome['held']['mean_us'] > 60000
    assert outcome['hinted']['interval_us'] < 10000
    assert route(front, '/outcome.php')['state'] == 'hinting'
    site = measured(front, '/*', hinted // 3, held // 3)
    assert site['hinted']['mean_us'] < site['held']['mean_us']


def test_a_route_that_hints_make_slower_is_only_observed_and_says_so(connect, front):
    visit(connect, front, VISITS, 0)
    time.sleep(0.3)
    for number in range(VISITS):
        visit(connect, front, number, None)
    for _ in range(100):
        if route(front, '/outcome.php')['state'] == 'observed':
            break
        time.sleep(0.1)
    assert route(front, '/outcome.php')['state'] == 'observed'
    before = decisions(front).get('worse', 0)
    assert not visit(connect, front, VISITS, None)
    assert decisions(front).get('worse', 0) == before + 1
