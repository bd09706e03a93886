# SPDX-License-Identifier: MIT
"""Clients that are no browsers, as Debian has them: each asks for three pages that are hinted, and for
the first once more, on one connection. None breaks; a 103 gets who speaks HTTP/2, where the operator
wants all clients hinted."""
import hashlib
import os
import random
import re
import subprocess
from pathlib import Path

import pytest
from h2client import Client

HERE = Path(__file__).resolve().parent / 'clients'
H1, H2, BLIND = 'HTTP/1.1', 'HTTP/2', 'HTTP/2, and shows no 103'
CLIENTS = {     # what runs it, and what it speaks
    'curl.sh': (['sh'], H2),
    'nghttp.sh': (['sh'], H2),
    'node_http2.mjs': (['node'], H2),
    'node_fetch.mjs': (['node'], H1),
    'undici.cjs': (['node'], H1),
    'go_http.go': ([], H2),
    'JavaHttp.java': (['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1'], BLIND),
    'python_httpx.py': (['/usr/bin/python3'], BLIND),
    'python_requests.py': (['/usr/bin/python3'], H1),
    'python_http_client.py': (['/usr/bin/python3'], H1),
    'wget.sh': (['sh'], H1),
    'php_curl.php': (['php8.2'], H2),
    'php_stream.php': (['php8.2'], H1),
}


@pytest.fixture(scope='module')
def go_program(tmp_path_factory):
    folder = tmp_path_factory.mktemp('go')
    subprocess.run(['go', 'build', '-o', str(folder / 'client'), str(HERE / 'go_http.go')], check=True, timeout=300,
                   env=dict(os.environ, HOME=str(folder), GO111MODULE='off', GOFLAGS='', GOTOOLCHAIN='local'))
    return str(folder / 'client')


@pytest.fixture(scope='module')
def pages(stage):
    """Three pages, short, long and odd, each with a style; gives their bodies' hashes."""
    noise = random.Random(1)
    bodies = {'short': b'short', 'long': b''.join(b'<p>%d\n' % n for n in range(40000)),
              'odd': noise.randbytes(100001)}
    for name, body in bodies.items():
        stage.add(f'/clients/{name}.css', 'p {}', ['Cache-Control: max-age=600'])
        stage.add(f'/clients/{name}', body, [f'Link: </clients/{name}.css>; rel=preload; as=style'], think=60)
    return {f'/clients/{name}': hashlib.sha256(body).hexdigest() for name, body in bodies.items()}


def sent(outrider):
    """How many 103 have left so far."""
    _, metrics = outrider.ask_admin('/metrics')
    return int(re.search(r'^outrider_hints_total (\d+)$', metrics.decode(), re.MULTILINE)[1])


@pytest.fixture
def run(stage, go_program):
    def run(client, urls):
        command = [*CLIENTS[client][0], str(HERE / client)] if CLIENTS[client][0] else [go_program]
        ca = str(stage.folder / 'ca.pem')
        done = subprocess.run(
            [*command, *urls], capture_output=True, text=True, timeout=60,
            env=dict(os.environ, CA=ca, NODE_EXTRA_CA_CERTS=ca, NODE_PATH='/usr/share/nodejs'))
        assert done.returncode == 0, done.stderr[-2000:]
        return [line.split() for line in done.stdout.splitlines()]
    return run


@pytest.fixture(scope='module', params=['browsers', 'all', 'all http1 = true'])
def hinted(request, stage, staged, pages):
    """Whom the operator wants hinted, and an Outrider that knows the pages and does so."""
    outrider = staged(hints=f'clients = {request.param}')
    for path in pages:
        stage.teach(outrider, path, [f'{path}.css'])
    with Client(outrider.tls_port) as teacher:
        assert all(teacher.navigate(path).hints for path in pages), 'browsers get one'
    return request.param, outrider


@pytest.mark.parametrize('client', CLIENTS)
def test_each_page_comes_whole_and_a_103_only_to_those_who_shall_have_it(pages, run, client, hinted):
    clients, outrider = hinted
    paths = [*pages] if client == 'nghttp.sh' else [*pages, next(iter(pages))]     # it asks once for each
    before = sent(outrider)
    answers = run(client, [f'https://localhost:{outrider.tls_port}{path}' for path in paths])
    assert [(status, body) for status, body, _ in answers] == [('200', pages[path]) for path in paths]
    speaks = CLIENTS[client][1]
    due = clients != 'browsers' and speaks != H1   # over HTTP/1.1 only to those who say they navigate
    seen = {early for _, _, early in answers[:3]} - {'-'}     # the page seen again has no news for it
    assert seen == {str(int(due))} or (not seen and speaks != H2)
    assert sent(outrider) - before >= len(pages) if due else sent(outrider) == before


CHROMIUM = [('user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) '
             'Chrome/156.0.0.0 Safari/537.36'), ('sec-ch-ua', '"Chromium";v="156"')]
RELAYED = {'first': (1, 1), 'all': (1, 3), 'off': (0, 0)}      # of three: to a browser, to others


@pytest.mark.parametrize('relay', RELAYED)
def test_of_three_103_by_the_application_a_browser_gets_one_and_others_as_many_as_is_wanted(stage, staged, relay):
    outrider = staged(pool=stage.prompter, hints=f'clients = all relay = {relay} learn = {{}}')
    path = stage.add('/clients/prompted', 'prompted', think=300)
    stage.prompter.lines[path] = [(0.03, f'</clients/{n}.css>; rel=preload; as=style') for n in range(3)]
    with Client(outrider.tls_port) as client:
        browser = client.navigate(path, headers=CHROMIUM)
        other = client.get(path, headers=[('user-agent', 'probe/1')])
    assert (browser.status, other.status) == (200, 200) and browser.body == other.body == b'prompted'
    assert (len(browser.hints), len(other.hints)) == RELAYED[relay]
    assert not browser.hints or '/clients/0.css' in str(browser.hints)
