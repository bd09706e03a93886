# SPDX-License-Identifier: MIT
"""Asks a FastCGI server directly, to compare with what came through Outrider. As little of the
protocol as that takes: one request, one connection."""
import socket
import struct

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


def record(kind, content=b''):
    return struct.pack('>BBHHBx', 1, kind, 1, len(content), 0) + content


def pair(name, value):
    def length(data):
        return bytes([len(data)]) if len(data) < 128 else struct.pack('>L', len(data) | 1 << 31)
    name, value = name.encode(), value.encode()
    return length(name) + length(value) + name + value


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError('the FastCGI server closed early')
    return data


def ask(path, script, uri='/', root='', headers=()):
    """GETs the script from the FastCGI server at the unix socket `path`; gives (fields, body)."""
    params = {
        'GATEWAY_INTERFACE': 'CGI/1.1', 'REQUEST_METHOD': 'GET', 'SCRIPT_FILENAME': script,
        'SCRIPT_NAME': uri.split('?')[0], 'REQUEST_URI': uri, 'DOCUMENT_ROOT': root,
        'QUERY_STRING': uri.partition('?')[2], 'SERVER_PROTOCOL': 'HTTP/2.0', 'SERVER_NAME': 'localhost',
        'REMOTE_ADDR': '127.0.0.1', 'CONTENT_LENGTH': '0', 'REDIRECT_STATUS': '200',
        **{'HTTP_' + name.upper().replace('-', '_'): value for name, value in headers},
    }
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(path)
        sock.sendall(record(BEGIN_REQUEST, struct.pack('>HB5x', 1, 0)) +
                     record(PARAMS, b''.join(pair(*item) for item in params.items())) +
                     record(PARAMS) + record(STDIN))
        answer = b''
        with sock.makefile('rb') as stream:
            while True:
                _, kind, _, size, padding = struct.unpack('>BBHHBx', read_exactly(stream, 8))
                content = read_exactly(stream, size + padding)[:size]
                if kind == STDOUT:
                    answer += content
                elif kind == END_REQUEST:
                    break
    head, _, body = answer.partition(b'\r\n\r\n')
    fields = [tuple(part.strip() for part in line.split(':', 1))
              for line in head.decode('latin-1').split('\r\n') if line]
    return fields, body
