# SPDX-License-Identifier: MIT
"""The access log: who asked for what, how it was answered and hinted; to files, which are rotated, to
pipes, which may be full, and to a syslog socket."""
import json
import os
import re
import signal
import socket

import pytest
from faults_test import metrics
from h2client import Client
from servers import until


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def wait_lines(path, n):
    until(lambda: len(lines(path)) >= n, 10, f'not {n} lines in {path}')
    return lines(path)


def clear(outrider, raw):
    """What comes back when these bytes are sent in the clear."""
    with socket.create_connection(('127.0.0.1', outrider.clear_port), timeout=10) as client:
        client.sendall(raw)
        answer = b''
        while piece := client.recv(65536):
            answer += piece
    return answer


def get(path='/assets/style.css', fields=''):
    return f'GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n'.encode('latin-1')


def test_json_says_how_a_page_was_answered_and_hinted(make_outrider, make_fpm, tmp_path):
    path = tmp_path / 'access.log'
    outrider = make_outrider(make_fpm(), workers=1, front_controller='/index.php',
                             site=f'access-log {{ to = "{path}"  format = json }}')
    with Client(outrider.tls_port) as client:
        client.navigate('/')
        until(outrider.routes, 5, 'nothing is learned')
    with Client(outrider.tls_port) as client:
        client.navigate('/')
        client.get('/assets/style.css')
    first, page, asset = (json.loads(line) for line in wait_lines(path, 3))
    assert (page['status'], page['method'], page['target'], page['protocol']) == (200, 'GET', '/', 'HTTP/2.0')
    assert (page['client'], page['site'], page['tls'], page['alpn']) == ('127.0.0.1', 'localhost', 'TLSv1.3', 'h2')
    assert page['gate'] == 'send' and page['hints'] >= 1 and page['source'] == 'learned' and page['lead'] > 0
    assert page['bytes'] > 0 and page['upstream'].startswith('unix:') and page['error'] is None
    assert page['queue'] + page['connect'] + page['think'] <= page['total']
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', page['time'])
    assert (first['hints'], first['lead']) == (0, None)
    assert asset['bytes'] > 0 and (asset['upstream'], asset['think']) == (None, None)


def test_combined_is_rotated_and_says_what_clients_send_escaped(make_outrider, tmp_path):
    path = tmp_path / 'access.log'
    outrider = make_outrider(workers=2, site=f'access-log {{ to = "{path}"  ipv4-prefix = 24 }}')
    clear(outrider, get(fields='User-Agent: a"b\\c\xff\x9b2J\r\nReferer: https://x/\r\n'))
    line, = wait_lines(path, 1)
    assert re.fullmatch(r'127\.0\.0\.0 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
                        r'"GET /assets/style\.css HTTP/1\.1" 200 \d+ "https://x/" "a\\x22b\\x5cc\\xff\\x9b2J"', line), line
    path.rename(tmp_path / 'access.log.1')          # nobody says so
    until(path.exists, 10, 'not opened again after a rename')
    clear(outrider, get())
    wait_lines(path, 1)
    path.rename(tmp_path / 'access.log.2')
    outrider.process.send_signal(signal.SIGUSR1)
    until(path.exists, 10, 'not opened again on SIGUSR1')
    outrider.process.send_signal(signal.SIGHUP)     # the next generation writes to the same file
    outrider.wait_log('the new configuration is in use')
    clear(outrider, get())
    outrider.stop()                                 # and what waits is written at the end
    assert [len(lines(p)) for p in (tmp_path / 'access.log.1', tmp_path / 'access.log.2', path)] == [1, 1, 1]


def test_a_pipe_that_nobody_reads_holds_nobody_up(make_outrider, tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reads = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    agent = 'x' * 390
    outrider = make_outrider(workers=1, site=f'access-log {{ to = "{pipe}"  format = "{{status}} {{agent}}{{agent}}{{agent}}{{agent}}" }}')
    asked = 0
    with Client(outrider.clear_port, tls=False) as client:
        while metrics(outrider)['access_log_lines_lost_total'] == 0 and asked < 4000:
            streams = [client.request('/assets/style.css', headers=[('user-agent', agent)]) for _ in range(100)]
            client.wait(*streams)
            assert {e.status for e in streams} == {200}
            asked += 100
    outrider.wait_log(r'warn \d+ lines of the access log \S+ were lost')
    os.close(reads)                                 # now there is nobody: the rest is lost as well
    assert outrider.stop() == 0


@pytest.fixture
def syslog(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / 'log'))
        made.settimeout(10)
        yield made


def test_syslog_gets_a_message_a_line(make_outrider, tmp_path, syslog):
    outrider = make_outrider(workers=1, site=f'access-log {{ to = "syslog:{tmp_path}/log"  format = "{{status}} {{target}}" }}')
    clear(outrider, get('/no.css') + get())
    message = syslog.recv(4096).decode()
    assert re.fullmatch(r'<190>\w{3} [ \d]\d \d\d:\d\d:\d\d outrider\[\d+\]: 404 /no.css', message), message


def test_a_place_that_cannot_be_opened_is_told_and_refused(make_outrider, tmp_path):
    outrider = make_outrider(workers=1)
    path = outrider.log_path.parent / 'outrider.conf'
    path.write_text(path.read_text().replace('pool = "php"', f'pool = "php"\naccess-log {{ to = "{tmp_path}/no/file" }}'))
    outrider.process.send_signal(signal.SIGHUP)
    outrider.wait_log(r'error access log \S+/no/file cannot be opened: No such file or directory')
    outrider.wait_log('the new configuration is refused')
