# SPDX-License-Identifier: MIT
"""Bodies both ways: large, many, slow, aborted; and the memory that takes."""
import hashlib
import json
import random
import socket
import time

import pytest
from h2client import Client, Exchange
from servers import SANITIZED, until

MEMORY_MIB = 64
MIB = 1 << 20


def check_memory(outrider):
    if not SANITIZED:
        assert outrider.peak_mib() < MEMORY_MIB, outrider.peak_mib()


def test_a_post_of_50_mb_arrives_whole_in_little_memory(connect, outrider):
    body = random.Random(2).randbytes(50 * MIB)
    client = connect(outrider)
    answer = client.wait(client.request('/upload.php', 'POST', body=body), timeout=60)
    assert answer.status == 200
    told = json.loads(answer.body)
    assert told == {'sha256': hashlib.sha256(body).hexdigest(), 'length': len(body),
                    'said': str(len(body))}
    check_memory(outrider)


def test_an_upload_from_far_away_need_not_wait_for_its_window(connect, outrider):
    """With 64 KiB a round trip of 100 ms let no more than 640 KB a second pass."""
    client = connect(outrider)
    number = client.h2.get_next_available_stream_id()
    client.h2.send_headers(number, [(':method', 'POST'), (':scheme', 'https'), (':path', '/upload.php'),
                                    (':authority', client.authority), ('content-length', '10000000')])
    client.flush()
    client.exchanges[number] = Exchange('/upload.php')
    end = time.monotonic() + 20
    while client.h2.local_flow_control_window(number) < 4 * MIB:
        assert time.monotonic() < end, client.h2.local_flow_control_window(number)
        client.turn(1)


def test_a_post_over_http1_arrives_whole_too(outrider):
    body = random.Random(3).randbytes(5 * MIB)
    for framing in ('length', 'chunked'):
        with socket.create_connection(('127.0.0.1', outrider.clear_port), 20) as sock:
            head = 'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
            if framing == 'length':
                sock.sendall(f'{head}Content-Length: {len(body)}\r\n\r\n'.encode() + body)
            else:
                sock.sendall(f'{head}Transfer-Encoding: chunked\r\n\r\n'.encode())
                for at in range(0, len(body), 70000):
                    part = body[at:at + 70000]
                    sock.sendall(f'{len(part):x}\r\n'.encode() + part + b'\r\n')
                sock.sendall(b'0\r\n\r\n')
            answer = b''
            while part := sock.recv(65536):
                answer += part
        assert answer.startswith(b'HTTP/1.1 200 '), answer[:200]
        assert hashlib.sha256(body).hexdigest().encode() in answer, framing
        assert str(len(body)).encode() in answer


def test_expect_100_continue_is_answered_before_the_body_is_sent(outrider):
    with socket.create_connection(('127.0.0.1', outrider.clear_port), 5) as sock:
        sock.sendall(b'POST /upload.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                     b'Expect: 100-continue\r\nContent-Length: 3\r\n\r\n')
        assert sock.recv(1000).startswith(b'HTTP/1.1 100 ')
        sock.sendall(b'abc')
        answer = b''
        while part := sock.recv(65536):
            answer += part
    assert answer.startswith(b'HTTP/1.1 200 ')
    assert hashlib.sha256(b'abc').hexdigest().encode() in answer


def test_100_parallel_streams_against_4_children_all_answer(connect, outrider):
    client = connect(outrider)
    asked = [client.request(f'/sleep.php?ms=20&n={n}') for n in range(100)]
    client.wait(*asked, timeout=60)
    assert [e.status for e in asked] == [200] * 100
    assert [e.body.decode() for e in asked] == [f'slept 20 as {n}' for n in range(100)]


def test_parallel_navigations_get_their_103_although_the_pool_is_full(connect, make_outrider, make_fpm):
    """The hint does not wait for a PHP child."""
    outrider = make_outrider(make_fpm(children=1))
    client = connect(outrider)
    client.navigate('/page.php')
    time.sleep(0.2)
    # A connection of several visitors: one visitor would not be told four times.
    asked = [client.request('/page.php', navigation=True, headers=[('via', '2 proxy')]) for _ in range(4)]
    client.wait(*asked)
    assert all(e.status == 200 and len(e.hints) == 1 for e in asked)
    assert max(e.hints[0][0] for e in asked) < min(e.head_at for e in asked)


def test_a_streaming_page_is_passed_on_piece_by_piece(connect, outrider):
    answer = connect(outrider).get('/stream.php')
    assert answer.body == b''.join(b'piece %d\n' % n for n in range(5))
    times = [at for at, length in answer.chunks if length]
    assert times[-1] - times[0] >= 0.6
    assert answer.ended_at - answer.head_at >= 0.6


def numbered(mib):
    return b''.join(b'%d ' % n + b'.' * (1024 - len(b'%d ' % n)) for n in range(1024 * mib))


def test_a_large_answer_comes_whole_in_little_memory(connect, outrider):
    answer = connect(outrider).get('/big.php?mib=100', timeout=60)
    assert len(answer.body) == 100 * MIB
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(numbered(100)).digest()
    check_memory(outrider)


def test_a_slow_reader_costs_little_memory_and_gets_everything(connect, outrider):
    """It opens its window by 16 KiB a time; what PHP says meanwhile must not pile up."""
    client = connect(outrider, window=16384)
    client.reads = False
    slow = client.request('/big.php?mib=80')
    until(lambda: client.turn(0.1) and len(slow.body) >= 16384 or slow.over, 10, 'no body')
    time.sleep(1)
    check_memory(outrider)
    # Others are served meanwhile.
    assert connect(outrider).get('/sleep.php?ms=0').status == 200
    client.reads = True
    client.h2.acknowledge_received_data(len(slow.body), slow.number)
    client.h2.increment_flow_control_window(64 * MIB, slow.number)
    client.h2.increment_flow_control_window(64 * MIB)
    client.flush()
    client.wait(slow, timeout=60)
    assert len(slow.body) == 80 * MIB and slow.body == numbered(80)
    check_memory(outrider)


def test_a_reader_that_stops_on_http1_costs_little_memory(connect, outrider):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(('127.0.0.1', outrider.clear_port))
        sock.sendall(b'GET /big.php?mib=100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        time.sleep(1.5)
        check_memory(outrider)
        assert connect(outrider).get('/sleep.php?ms=0').status == 200


def test_a_stream_that_the_client_aborts_leaves_the_others_alone(connect, outrider):
    client = connect(outrider)
    gone = client.request('/big.php?mib=50')
    stays = client.request('/sleep.php?ms=300&n=1')
    until(lambda: client.turn(0.1) and len(gone.body) > 100000, 10, 'no body')
    client.abort(gone)
    client.wait(stays)
    assert stays.body == b'slept 300 as 1'
    assert client.get('/sleep.php?ms=0&n=2').body == b'slept 0 as 2'


def test_php_children_are_free_again_after_clients_left_in_the_middle(make_outrider, make_fpm, connect):
    outrider = make_outrider(make_fpm(children=2))
    for _ in range(4):
        client = Client(outrider.tls_port)
        gone = client.request('/big.php?mib=50')
        until(lambda: client.turn(0.1) and len(gone.body) > 100000, 10, 'no body')
        client.close()
    assert connect(outrider).get('/sleep.php?ms=0&n=9', timeout=10).body == b'slept 0 as 9'


def test_a_client_that_goes_away_while_php_thinks_is_forgotten(connect, outrider):
    for _ in range(3):
        client = Client(outrider.tls_port)
        client.request('/sleep.php?ms=300')
        client.close()
    assert connect(outrider).get('/sleep.php?ms=0&n=4').body == b'slept 0 as 4'


@pytest.mark.parametrize('path', ['/assets/style.css', '/sleep.php?ms=0'])
def test_head_has_the_head_only(connect, outrider, path):
    answer = connect(outrider).get(path, method='HEAD')
    assert answer.status == 200 and answer.body == b''


def test_php_is_told_what_cgi_promises(connect, outrider, site):
    client = connect(outrider)
    told = json.loads(client.get('/echo.php?a=1&b=%20x', headers=[
        ('user-agent', 'test/1'), ('cookie', 'a=1'), ('cookie', 'b=2'), ('proxy', 'http://evil'),
        ('x_under', 'score')]).body)
    assert told['REQUEST_METHOD'] == 'GET'
    assert told['SCRIPT_FILENAME'] == str(site / 'echo.php')
    assert told['SCRIPT_NAME'] == '/echo.php' and told['DOCUMENT_ROOT'] == str(site)
    assert told['REQUEST_URI'] == '/echo.php?a=1&b=%20x' and told['QUERY_STRING'] == 'a=1&b=%20x'
    assert told['HTTPS'] == 'on' and told['SERVER_PROTOCOL'] == 'HTTP/2.0'
    assert told['HTTP_HOST'] == f'localhost:{outrider.tls_port}'
    assert told['SERVER_PORT'] == str(outrider.tls_port) and told['REMOTE_ADDR'] == '127.0.0.1'
    assert told['HTTP_USER_AGENT'] == 'test/1' and told['HTTP_COOKIE'] == 'a=1; b=2'
    assert 'HTTP_PROXY' not in told, 'CVE-2016-5385'
    assert 'HTTP_X_UNDER' not in told, 'a name that could pass for another'
    clear = json.loads(connect(outrider, tls=False).get('/echo.php').body)
    assert 'HTTPS' not in clear


def test_the_front_controller_answers_what_is_no_file(make_outrider, fpm, connect, site):
    outrider = make_outrider(fpm, front_controller='/echo.php')
    client = connect(outrider)
    told = json.loads(client.get('/blog/2026/post?x=1').body)
    assert told['SCRIPT_FILENAME'] == str(site / 'echo.php')
    assert told['REQUEST_URI'] == '/blog/2026/post?x=1'
    assert client.get('/assets/style.css').header('content-type').startswith('text/css')
