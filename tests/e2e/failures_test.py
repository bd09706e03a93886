# SPDX-License-Identifier: MIT
"""When the backend fails, the client sees a 502 and the log says which backend and why."""
import os
import re
import socket
import threading
import time

import pytest


def served(listener, answer):
    """A FastCGI server that reads a little, says `answer`, and closes; for each connection."""
    def loop():
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(5)
                try:
                    conn.recv(65536)
                    conn.sendall(answer)
                except OSError:
                    pass
    threading.Thread(target=loop, daemon=True).start()


@pytest.fixture
def false_backend(tmp_path):
    """false_backend(bytes): the address of a server that answers every request with them."""
    made = []

    def make(answer):
        path = str(tmp_path / f'false{len(made)}.sock')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(16)
        made.append(listener)
        served(listener, answer)
        return path

    yield make
    for listener in made:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def stdout(content, end=True):
    record = b'\x01\x06\x00\x01' + len(content).to_bytes(2, 'big') + b'\0\0' + content
    return record + (b'\x01\x03\x00\x01\x00\x08\x00\x00' + b'\0' * 8 if end else b'')


def test_a_script_that_dies_is_a_502_and_a_log_line(connect, outrider, fpm):
    client = connect(outrider)
    answer = client.get('/die.php')
    assert answer.status == 502
    line = outrider.wait_log(r'^.*/die\.php.*$')[0]
    assert fpm.path in line and 'closed before it answered' in line
    # The pool lives on.
    assert client.get('/sleep.php?ms=0&n=1').body == b'slept 0 as 1'


def test_a_script_that_dies_in_the_middle_does_not_look_complete(connect, outrider, fpm):
    answer = connect(outrider).get('/die.php?late')
    assert answer.status == 200 and answer.reset is not None
    line = outrider.wait_log(r'^.*/die\.php.*$')[0]
    assert fpm.path in line and 'closed in the middle' in line


def test_a_fatal_error_of_php_is_its_own_500_and_its_words_are_logged(connect, outrider):
    answer = connect(outrider).get('/fatal.php')
    assert answer.status == 500
    outrider.wait_log(r'no_such_function_here')


def test_a_pool_that_is_down_is_a_502_and_a_log_line(connect, make_outrider, tmp_path):
    address = f'unix:{tmp_path}/nobody.sock'
    outrider = make_outrider(fastcgi=address)
    answer = connect(outrider).get('/page.php', timeout=10)
    assert answer.status == 502
    line = outrider.wait_log(r'^.*/page\.php.*$')[0]
    assert 'nobody.sock' in line and 'cannot connect' in line and 'no such file' in line.lower()


def test_a_tcp_pool_that_is_down_is_a_502_too(connect, make_outrider):
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))
        port = unused.getsockname()[1]
    outrider = make_outrider(fastcgi=f'127.0.0.1:{port}')
    assert connect(outrider).get('/page.php', timeout=10).status == 502
    line = outrider.wait_log(r'^.*/page\.php.*$')[0]
    assert f'127.0.0.1:{port}' in line and 'refused' in line


def test_a_pool_that_comes_back_is_used_again(connect, make_outrider, make_fpm, tmp_path):
    fpm = make_fpm()
    outrider = make_outrider(fpm)
    client = connect(outrider)
    assert client.get('/sleep.php?ms=0&n=1').status == 200
    fpm.stop()
    assert client.get('/sleep.php?ms=0&n=2', timeout=10).status in (502, 503)
    again = make_fpm()
    os.symlink(again.path, fpm.path)
    time.sleep(0.1)
    answers = []
    for _ in range(20):
        answers.append(client.get('/sleep.php?ms=0&n=3', timeout=10))
        if answers[-1].status == 200:
            break
        time.sleep(0.25)
    assert answers[-1].body == b'slept 0 as 3'


def test_a_line_that_is_no_field_is_left_out_and_logged(connect, outrider, fpm):
    answer = connect(outrider).get('/badhead.php')
    assert (answer.status, bytes(answer.body)) == (200, b'body')
    line = outrider.wait_log(r'^.*/badhead\.php.*$')[0]
    assert fpm.path in line and 'left out of the response: header line without a colon' in line


WRONG = {
    'a block without end': (stdout(b'Content-Type: text/html\r\n'), 'bad header block'),
    'a status of four digits': (stdout(b'Status: 2000 What\r\n\r\n'), 'Status'),
    'nothing': (b'', 'closed before it answered'),
    'no record': (b'HTTP/1.1 200 OK\r\n\r\n', 'malformed FastCGI record'),
    'an answer to another request': (stdout(b'Status: 200\r\n\r\n').replace(b'\x00\x01', b'\x00\x09', 1),
                                     ''),
    'a refusal': (b'\x01\x03\x00\x01\x00\x08\x00\x00' + b'\0\0\0\0\x03\0\0\0', 'refused'),
    'a name with a blank': (stdout(b'Bad Name: x\r\n\r\nbody'), 'bad header block'),
    'a carriage return in a value': (stdout(b'X-A: a\rb\r\n\r\nbody'), 'bad header block'),
}


@pytest.mark.parametrize('what', WRONG)
def test_a_backend_that_says_nonsense_is_a_502(connect, make_outrider, false_backend, what):
    answer, why = WRONG[what]
    path = false_backend(answer)
    outrider = make_outrider(fastcgi=f'unix:{path}')
    client = connect(outrider)
    assert client.get('/page.php', timeout=10).status == 502
    line = outrider.wait_log(rf'^.*/page\.php.*{path}.*$')[0]
    assert why in line
    # One bad answer ends neither the connection nor the program.
    assert client.get('/assets/style.css').status == 200


def test_a_page_whose_only_head_says_103_is_a_200(connect, outrider):
    """What PHP-FPM makes of header('HTTP/1.1 103 Early Hints'). A final 1xx would break the client."""
    answer = connect(outrider).get('/says103.php')
    assert answer.status == 200 and answer.body == b'page'


def test_an_interim_block_of_the_backend_is_passed_on(connect, make_outrider, false_backend):
    path = false_backend(stdout(b'Status: 103 Early Hints\r\nLink: </early.css>; rel=preload; as=style\r\n\r\n'
                                b'Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nfinal'))
    answer = connect(make_outrider(fastcgi=f'unix:{path}')).navigate('/page.php')
    assert [status for _, status, _ in answer.interims] == [103]
    assert answer.status == 200 and answer.body == b'final'


def test_what_a_backend_writes_to_the_log_cannot_forge_a_line(connect, make_outrider, false_backend):
    words = b'harmless\n2026-01-01T00:00:00Z error forged\x1b[2J' + b'x' * 20000
    record = b'\x01\x07\x00\x01' + len(words).to_bytes(2, 'big') + b'\0\0' + words
    path = false_backend(record + stdout(b'Status: 200\r\n\r\nfine'))
    outrider = make_outrider(fastcgi=f'unix:{path}')
    assert connect(outrider).get('/page.php').body == b'fine'
    outrider.wait_log('harmless')
    assert '\x1b' not in outrider.log
    own = re.compile(r'\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warn|error) (?!forged)')
    assert all(own.match(line) for line in outrider.log.splitlines())
    assert max(map(len, outrider.log.splitlines())) < 6000
