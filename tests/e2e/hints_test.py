# SPDX-License-Identifier: MIT
"""Learn from the first visitor, hint the second: over TLS, in clear text, and not where a client
would not gain or would break."""
import os
import re
import socket
import ssl
import subprocess
import time

import fastcgi
import pytest
from h2client import NAVIGATION, links
from servers import until

PAGE_LINKS = {
    ('/assets/style.css', 'style'), ('/assets/app.js', 'script'),
    ('/assets/blocks.ttf', 'font'), ('/assets/hero.svg', 'image'),
}
SEC_FETCH = [part for name, value in NAVIGATION for part in ('-H', f'{name}: {value}')]


def targets(headers):
    """The (target, as) of the Link fields."""
    return {(target, attribute[3:].strip('"')) for target, attributes in links(headers)
            for attribute in attributes if attribute.startswith('as=')}


def wait_learned(outrider, path):
    """Until something is learned of the page, and the moment that it may take to publish it."""
    until(lambda: any(route['route'] == path and route['links'] for route in outrider.routes()), 10,
          'it is not learned')
    time.sleep(0.2)


def learn(client, path, **rest):
    """The first visit, and the moment that Outrider may take to publish what it learned."""
    first = client.navigate(path, **rest)
    time.sleep(0.4)
    return first


def test_the_second_visitor_gets_the_links_in_a_103_long_before_the_head(connect, outrider, fpm, site):
    first = connect(outrider).navigate('/page.php')
    assert first.status == 200 and not first.interims
    wait_learned(outrider, '/page.php')
    second = connect(outrider).navigate('/page.php')

    assert [status for _, status, _ in second.interims] == [103]
    hinted_at, _, headers = second.interims[0]
    assert targets(headers) == PAGE_LINKS
    assert second.status == 200
    assert hinted_at < second.head_at
    assert second.head_at - hinted_at >= 0.3, 'the 103 came too late to be of use'
    assert hinted_at - second.sent_at < 0.2

    fields, body = fastcgi.ask(fpm.path, str(site / 'page.php'), '/page.php', str(site))
    assert len(body) > 100000
    assert first.body == second.body == body
    # The application's own fields, unchanged and in order.
    said = [(name.lower(), value) for name, value in fields]
    for name in ('link', 'x-two', 'content-type'):
        assert [v for k, v in second.headers if k == name] == [v for k, v in said if k == name]


def test_the_103_says_what_browsers_insist_on(connect, outrider):
    client = connect(outrider)
    learn(client, '/page.php')
    hints = client.navigate('/page.php').hints[0][2]
    font = next(attributes for target, attributes in links(hints) if target.endswith('.ttf'))
    assert 'crossorigin' in font
    names = {name for name, _ in hints if not name.startswith(':')}
    assert names == {'link'}


def test_curl_sees_103_then_200(outrider, tmp_path):
    command = ['curl', '-sk', '--http2', '-v', '--trace-time', '-o', str(tmp_path / 'body'), *SEC_FETCH,
               f'https://localhost:{outrider.tls_port}/page.php']

    def ask():
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
        return [(sum(float(part) * scale for part, scale in zip(clock.split(':'), (3600, 60, 1))), status)
                for clock, status in re.findall(r'^([\d:.]+) < HTTP/2 (\d+)', done.stderr, re.MULTILINE)]

    assert [status for _, status in ask()] == ['200']
    body = (tmp_path / 'body').read_bytes()
    wait_learned(outrider, '/page.php')
    (early, hint), (late, final) = ask()
    assert (hint, final) == ('103', '200')
    assert (late - early) % 86400 >= 0.3
    assert (tmp_path / 'body').read_bytes() == body


def nghttp(outrider, path, *options):
    done = subprocess.run(
        ['nghttp', '-nv', *options, *SEC_FETCH, f'http://localhost:{outrider.clear_port}{path}'],
        check=True, capture_output=True, text=True, timeout=30)
    return re.sub(r'\x1b\[[\d;]*m', '', done.stdout)


def nghttp_times(log, status):
    """The times in seconds at which header blocks with the status came."""
    return [float(at) for at in re.findall(r'\[ *([\d.]+)\] recv \(stream_id=\d+\) :status: ' + status, log)]


def test_over_h2c_nghttp_gets_the_103_and_then_the_page(outrider):
    assert not nghttp_times(nghttp(outrider, '/page.php', '--no-push'), '103')
    wait_learned(outrider, '/page.php')
    log = nghttp(outrider, '/page.php', '--no-push')
    (early,), (late,) = nghttp_times(log, '103'), nghttp_times(log, '200')
    assert late - early >= 0.3
    assert 'link: ' in log


def test_nghttp_receives_pushes_when_it_allows_them(outrider):
    log = nghttp(outrider, '/page.php')
    promised = re.findall(r'recv PUSH_PROMISE frame', log)
    assert len(promised) == 4
    for target, _ in PAGE_LINKS:
        assert f':path: {target}' in log
    assert len(nghttp_times(log, '200')) == 5
    assert log.count('x-http2-push: pushed') == 4


def test_nghttp_receives_no_push_with_no_push(outrider):
    nghttp(outrider, '/page.php', '--no-push')
    wait_learned(outrider, '/page.php')
    log = nghttp(outrider, '/page.php', '--no-push')
    assert 'PUSH_PROMISE' not in log and 'recv GOAWAY' not in log.replace('send GOAWAY', '')


def test_pushed_assets_are_whole_and_promised_before_the_page_that_needs_them(connect, outrider, site):
    page = connect(outrider, push=True).navigate('/page.php')
    assert {push.path for push in page.pushes} == {target for target, _ in PAGE_LINKS}
    for push in page.pushes:
        assert push.promised_at <= page.chunks[0][0]
        assert push.status == 200 and push.header('x-http2-push') == 'pushed'
        assert push.body == (site / push.path[1:]).read_bytes()


def test_a_push_is_not_repeated_on_the_connection(connect, outrider):
    client = connect(outrider, push=True)
    assert len(client.navigate('/page.php').pushes) == 4
    assert not client.navigate('/page.php').pushes


@pytest.mark.parametrize('method', ['POST', 'PUT', 'HEAD'])
def test_only_what_is_fetched_pushes(connect, outrider, method):
    answer = connect(outrider, push=True).get('/page.php', method=method)
    assert answer.status == 200 and not answer.pushes


def test_nopush_is_honoured_and_stays_out_of_the_103(connect, outrider, site):
    for name, text in [('a,b.css', 'a{}'), ('late.js', '1'), ('module.js', '1')]:
        (site / name).write_text(text)
        os.utime(site / name, (0, 10 ** 9))   # what has just been changed is no browser's to keep
    client = connect(outrider, push=True)
    first = learn(client, '/messy.php')
    assert '/a,b.css' not in {push.path for push in first.pushes}
    # Not everybody knows modules.
    second = client.navigate('/messy.php', headers=[('sec-ch-ua', '"Chromium";v="156"')])
    hint = ','.join(value for name, value in second.hints[0][2] if name == 'link')
    assert '</a,b.css>' in hint and '</late.js>' in hint and '</module.js>' in hint
    for never in ('nopush', 'title', 'wp-json', 'shortlink', 'noas', 'print.css', 'elsewhere.example/x.js'):
        assert never not in hint, never
    # The application's own fields stay as they were.
    mine = [value for name, value in second.headers if name == 'link']
    assert len(mine) == 7 and any('nopush' in value for value in mine)


def test_mode_push_pushes_the_learned_assets_while_php_thinks(connect, make_outrider, fpm):
    outrider = make_outrider(fpm, mode='push')
    learn(connect(outrider), '/page.php')
    page = connect(outrider, push=True).navigate('/page.php')
    assert {push.path for push in page.pushes} == {target for target, _ in PAGE_LINKS}
    for push in page.pushes:
        assert page.head_at - push.promised_at >= 0.3
        assert page.head_at - push.ended_at >= 0.2


def raw_h1(port, request, tls):
    sock = socket.create_connection(('127.0.0.1', port), 10)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(['http/1.1'])
        sock = context.wrap_socket(sock, server_hostname='localhost')
    with sock:
        sock.settimeout(20)
        sock.sendall(request)
        answer = b''
        while part := sock.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize('tls', [True, False])
def test_http1_gets_no_103(connect, outrider, tls):
    client = connect(outrider)
    learn(client, '/page.php')
    fields = ''.join(f'{name}: {value}\r\n' for name, value in NAVIGATION)
    port = outrider.tls_port if tls else outrider.clear_port
    answer = raw_h1(port, f'GET /page.php HTTP/1.1\r\nHost: localhost:{port}\r\n{fields}'
                          'Connection: close\r\n\r\n'.encode(), tls)
    assert answer.startswith(b'HTTP/1.1 200 ')
    assert answer.count(b'HTTP/1.1 ') == 1
    assert client.navigate('/page.php').hints, 'HTTP/2 gets it meanwhile'


NOT_HINTED = {
    'without sec-fetch fields': dict(headers=[('accept', 'text/html')]),
    'into a frame': dict(headers=[('sec-fetch-mode', 'navigate'), ('sec-fetch-dest', 'iframe')]),
    'by fetch()': dict(headers=[('sec-fetch-mode', 'cors'), ('sec-fetch-dest', 'empty')]),
    'as a prefetch': dict(navigation=True, headers=[('sec-purpose', 'prefetch')]),
    'with POST': dict(navigation=True, method='POST', body=b'a=b'),
    'with HEAD': dict(navigation=True, method='HEAD'),
}


@pytest.mark.parametrize('how', NOT_HINTED)
def test_what_is_no_navigation_is_not_hinted(connect, outrider, how):
    client = connect(outrider)
    learn(client, '/page.php')
    other = client.get('/page.php', **NOT_HINTED[how])
    assert other.status == 200 and not other.interims
    assert client.navigate('/page.php').hints


def test_clients_all_hints_clients_that_say_nothing(connect, make_outrider, fpm):
    client = connect(make_outrider(fpm, clients='all'))
    learn(client, '/page.php')
    assert client.get('/page.php').hints


def test_clients_accept_html_goes_by_the_accept_field(connect, make_outrider, fpm):
    client = connect(make_outrider(fpm, clients='accept-html'))
    learn(client, '/page.php')
    assert client.get('/page.php', headers=[('accept', 'text/html,*/*;q=0.8')]).hints
    assert not client.get('/page.php', headers=[('accept', 'image/png')]).interims


@pytest.mark.parametrize('mode', ['off', 'observe'])
def test_modes_off_and_observe_send_nothing(connect, make_outrider, fpm, mode):
    client = connect(make_outrider(fpm, mode=mode))
    learn(client, '/page.php')
    again = client.navigate('/page.php')
    assert again.status == 200 and not again.interims and not again.pushes


UNTEACHING = {
    'a request with a cookie': ('/session.php', dict(headers=[('cookie', 'who=ann; PHPSESSID=abc')])),
    'a request with credentials': ('/session.php', dict(headers=[('authorization', 'Basic YTpi')])),
    'a POST': ('/page.php', dict(method='POST', body=b'')),
    'a 404': ('/missing.php', {}),
}


@pytest.mark.parametrize('what', UNTEACHING)
def test_only_a_200_to_an_anonymous_get_teaches(connect, outrider, what):
    path, how = UNTEACHING[what]
    client = connect(outrider)
    for _ in range(3):
        learn(client, path, **how)
    assert not any(route['route'] == path and route['links'] for route in outrider.routes())
    assert not client.navigate(path).interims


def test_what_was_learned_on_one_route_is_not_sent_on_another(connect, outrider):
    client = connect(outrider)
    learn(client, '/page.php')
    assert not client.navigate('/sleep.php?ms=50').interims


def test_two_workers_have_the_same_plan(connect, make_outrider, fpm):
    outrider = make_outrider(fpm, workers=2)
    learn(connect(outrider), '/page.php')
    # The kernel spreads connections by a hash of the ports: with 16, one worker alone is unlikely.
    pages = []
    clients = [connect(outrider) for _ in range(16)]
    for at in range(0, 16, 4):
        batch = [(c, c.request('/page.php', navigation=True)) for c in clients[at:at + 4]]
        pages += [c.wait(exchange) for c, exchange in batch]
    assert all(targets(page.hints[0][2]) == PAGE_LINKS for page in pages)


def test_many_tasks_share_the_process(make_outrider, fpm):
    """Two workers are really two threads, else the test above says nothing."""
    outrider = make_outrider(fpm, workers=2)
    with open(f'/proc/{outrider.pid}/status') as status:
        threads = int(re.search(r'Threads:\s+(\d+)', status.read())[1])
    assert threads >= 3


def test_routes_are_shown_in_json_and_as_a_table(connect, outrider):
    client = connect(outrider)
    learn(client, '/page.php')
    learn(client, '/page.php')
    (route,) = [route for route in outrider.routes() if route['route'] == '/page.php']
    assert targets([('link', link) for link in route['links']]) == PAGE_LINKS
    assert route['seen'] == 2 and route['site'] == 'localhost'

    from servers import BINARY
    table = subprocess.run([BINARY, 'routes', '--admin', f'unix:{outrider.admin}'], check=True,
                           capture_output=True, text=True, timeout=10).stdout
    line = next(line for line in table.splitlines() if '/page.php' in line)
    assert 'seen 2' in line
    curl = subprocess.run(['curl', '-sS', '--unix-socket', outrider.admin, 'http://admin/routes'],
                          check=True, capture_output=True, text=True, timeout=10).stdout
    assert '/page.php' in curl
