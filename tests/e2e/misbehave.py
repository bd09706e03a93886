# SPDX-License-Identifier: MIT
"""A raw FastCGI server that misbehaves on request: the query string names the behaviour, which is a
row of BEHAVIOURS. It keeps count of what it was asked, so that a test can tell how often a request
was really run."""
import os
import random
import select
import socket
import struct
import threading
import time

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
HEAD = b'Content-Type: text/plain\r\n\r\n'
PIECE = b'x' * 20000


def record(kind, content=b'', number=1, version=1, padding=b'', length=None):
    return struct.pack('>BBHHBx', version, kind, number, len(content) if length is None else length,
                       len(padding)) + content + padding


def out(content, **rest):
    return record(STDOUT, content, **rest)


def end(status=0, protocol=0, number=1):
    """END_REQUEST, with leftovers in its reserved bytes, as PHP-FPM has them."""
    return record(END, struct.pack('>LB', status, protocol) + b'\0\x08x', number)


def answer(body, head=HEAD, number=1):
    return out(head + body, number=number) + end(number=number)


FOREIGN = answer(b'foreign', b'X-Foreign: 1\r\n\r\n')


class Peer:
    """One connection of the server, and the request that came on it last."""

    def __init__(self, sock):
        self.sock = sock
        self.params, self.body_len, self.keep, self.number = {}, 0, False, 1
        self.served = 0     # requests on this connection so far

    def _exactly(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _record(self):
        _, kind, self.number, size, padding = struct.unpack('>BBHHBx', self._exactly(8))
        return kind, self._exactly(size + padding)[:size]

    def take_params(self):
        kind, content = self._record()
        assert kind == BEGIN, kind
        self.keep = bool(content[2] & 1)
        pairs = b''
        while True:
            kind, content = self._record()
            assert kind == PARAMS, kind
            if not content:
                break
            pairs += content
        self.params, self.body_len = dict(decode(pairs)), 0

    def take_body(self):
        while True:
            kind, content = self._record()
            assert kind == STDIN, kind
            if not content:
                return
            self.body_len += len(content)

    def send(self, *pieces, pause=0.0):
        for piece in pieces:
            self.sock.sendall(piece)
            time.sleep(pause)

    def answer_served(self, more=b''):
        """The right answer on a connection that may be kept: which request on it this was."""
        self.send(answer(b'%d' % self.served, number=self.number) + more)

    def wait_closed(self, timeout=20):
        """Until the other side closes; True if it did."""
        end_at = time.monotonic() + timeout
        while (left := end_at - time.monotonic()) > 0:
            if select.select([self.sock], [], [], left)[0]:
                try:
                    if not self.sock.recv(65536):
                        return True
                except OSError:
                    return True
        return False

    def reset(self):
        """Closes so that the other side sees ECONNRESET (TCP only)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def decode(pairs):
    at = 0

    def length():
        nonlocal at
        size, at = pairs[at], at + 1
        if size > 127:
            size, at = int.from_bytes(pairs[at - 1:at + 3], 'big') & 0x7fffffff, at + 3
        return size

    while at < len(pairs):
        name_len, value_len = length(), length()
        yield (pairs[at:at + name_len].decode('latin-1'),
               pairs[at + name_len:at + name_len + value_len].decode('latin-1'))
        at += name_len + value_len


# ---- behaviours: what is done once the request was read completely ------------------------------

BEHAVIOURS = {}     # name: function of a Peer. The connection is closed after it, unless it gives True


def behaviour(function):
    BEHAVIOURS[function.__name__] = function
    return function


def says(name, *pieces):
    """A behaviour that only says this, and closes."""
    BEHAVIOURS[name] = lambda peer: peer.send(*pieces)


# What is right, if unusual.
says('plain', answer(b'plain'))
says('padded', out(HEAD + b'pad', padding=b'P' * 255) + out(b'ded', padding=b'Q') + end())
says('managed', record(11, b'\x0cxxxxxxx', 0) + record(10, b'', 0) + answer(b'managed'))
says('empty_records', out(b'') + record(STDERR) + answer(b'empty')[:-16] + out(b'') + record(STDERR) + end())
says('exit_status', out(HEAD + b'failed') + end(3))
says('no_body', answer(b''))
says('own_503', answer(b'mine', b'Status: 503 Mine\r\nRetry-After: 77\r\n\r\n'))
says('long', out(b'Content-Length: 3\r\n\r\n123456789') + end())
says('after_end', answer(b'mine') + FOREIGN)

# Before a head there can be.
says('close')
says('version', out(HEAD + b'x', version=9) + end())
says('other_id', out(HEAD + b'x', number=2) + end(number=2))
says('stdout_of_id_0', out(HEAD + b'x', number=0) + end())
says('type_of_a_server', record(STDIN, HEAD) + end())
says('unknown_type', record(99, HEAD) + end())
says('short_end', out(b'X: ') + record(END, b'1234'))
says('long_end', record(END, b'1' * 65535))
says('cannot_multiplex', end(protocol=1))
says('overloaded', end(protocol=2))
says('unknown_role', end(protocol=3))
says('unknown_protocol_status', end(protocol=200))
says('only_end', end())
says('only_stderr', record(STDERR, b'why I do not answer') + end())
says('eof_in_header', out(HEAD + b'x')[:5])
says('eof_in_head', out(HEAD + b'x')[:20])
says('half_a_head', out(HEAD[:-4]) + end())
says('endless_head', *[out(b'X-%d: %s\r\n' % (n, b'y' * 1000)) for n in range(200)])
says('noise', random.Random(1).randbytes(3000))
says('http', b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')


@behaviour
def reset(peer):
    peer.reset()


@behaviour
def never(peer):
    peer.wait_closed()


says('large', out(b'Content-Length: 12000000\r\n\r\n'), *[out(PIECE)] * 600, end())


@behaviour
def works(peer):
    """As PHP: works on, and hears nothing meanwhile, until the connection is closed for good."""
    poll = select.poll()
    poll.register(peer.sock, 0)
    poll.poll(20000)


@behaviour
def only_stderr_forever(peer):
    while not peer.wait_closed(0.05):
        peer.send(record(STDERR, b'still busy\n'))


@behaviour
def half_closed(peer):
    """Says nothing any more, but goes on to listen."""
    peer.sock.shutdown(socket.SHUT_WR)
    peer.wait_closed()


# In the middle of the answer.
says('cut', out(HEAD + PIECE))
says('cut_in_record', out(HEAD + PIECE) + out(PIECE)[:-1])
says('cut_in_header', out(HEAD + PIECE) + out(PIECE)[:3])
says('cut_in_end', out(HEAD + PIECE) + end()[:-1])
says('version_later', out(HEAD + PIECE) + out(PIECE, version=0) + end())
says('other_id_later', out(HEAD + PIECE) + out(b'foreign', number=7) + end())
says('refused_later', out(HEAD + PIECE) + end(protocol=2))
says('shorter_than_said', out(b'Content-Length: 30000\r\n\r\n' + PIECE) + end())


@behaviour
def cut_reset(peer):
    peer.send(out(HEAD + PIECE))
    time.sleep(0.2)
    peer.reset()


@behaviour
def stops(peer):
    peer.send(out(HEAD + PIECE))
    peer.wait_closed()


@behaviour
def stops_in_record(peer):
    peer.send(out(HEAD + PIECE) + out(PIECE)[:-1])
    peer.wait_closed()


@behaviour
def half_closed_later(peer):
    peer.send(out(HEAD + PIECE))
    peer.sock.shutdown(socket.SHUT_WR)
    peer.wait_closed()


@behaviour
def never_ends(peer):
    """All of the body its Content-Length says, but no END_REQUEST."""
    peer.send(out(b'Content-Length: 3\r\n\r\n123'))
    peer.wait_closed()


# Slow, but right.
@behaviour
def drip(peer):
    """Each byte of the wire alone."""
    for byte in answer(b'drip', b'Content-Type: a/b\r\n\r\n'):
        peer.send(bytes([byte]), pause=0.004)


@behaviour
def drip_head(peer):
    """A head that is never complete, and never silent."""
    for _ in range(1000):
        peer.send(out(b'X'), pause=0.02)


@behaviour
def steady(peer):
    """Longer than every timeout in all, but never silent for that long."""
    peer.send(out(HEAD))
    peer.send(*[out(b'%d' % n) for n in range(10)], pause=0.15)
    peer.send(end())


@behaviour
def slow_end(peer):
    """As PHP-FPM: done with writing, then waits for the other side to close."""
    peer.send(answer(b'slow end'))
    peer.sock.shutdown(socket.SHUT_WR)
    assert peer.wait_closed(5)


@behaviour
def deaf(peer):
    """Takes nothing any more, but answers."""
    peer.sock.shutdown(socket.SHUT_RD)
    peer.send(answer(b'deaf'))


@behaviour
def flood(peer):
    """1 MB of binary on the error stream before and after the head."""
    noise = random.Random(2)
    for piece in (noise.randbytes(50000) for _ in range(10)):
        peer.send(record(STDERR, piece))
    peer.send(out(HEAD + b'answer'))
    for piece in (noise.randbytes(50000) for _ in range(10)):
        peer.send(record(STDERR, piece))
    peer.send(end())


@behaviour
def keep(peer):
    """As a program that keeps its connection if asked to, and says which request on it this was."""
    peer.answer_served()
    return True


@behaviour
def keep_with_more(peer):
    """Keeps its connection, but says more than it was asked."""
    peer.answer_served(FOREIGN)
    return True


@behaviour
def keep_and_add(peer):
    """The same, a little later."""
    peer.answer_served()
    time.sleep(random.uniform(0, 0.01))
    peer.send(FOREIGN)
    return True


@behaviour
def keep_two(peer):
    """As PHP with PHP_FCGI_MAX_REQUESTS=2: closes a kept connection without a word."""
    peer.answer_served()
    return peer.served < 2


@behaviour
def keep_briefly(peer):
    """Closes a kept connection a little after the answer."""
    peer.answer_served()
    time.sleep(random.uniform(0, 0.004))


@behaviour
def keep_once(peer):
    """Takes a second request on a kept connection, and closes without an answer."""
    if peer.served > 1:
        return False
    peer.answer_served()
    return True


class Misbehaving:
    """Listens at a unix socket, or with path=None at a port; each connection has its own thread."""

    def __init__(self, path=None, backlog=128, accept=True, always=None):
        if path:
            self.listener, self.address = socket.socket(socket.AF_UNIX), f'unix:{path}'
            self.listener.bind(str(path))
        else:
            self.listener = socket.create_server(('127.0.0.1', 0))
            self.address = '127.0.0.1:%d' % self.listener.getsockname()[1]
        self.listener.listen(backlog)
        self.lock = threading.Lock()
        self.asked = []         # (behaviour, method, bytes of its body)
        self.connections = 0
        self.pause = 0.0        # before each is accepted
        self.always = always    # the behaviour, whatever is asked for
        self.peers = set()
        if accept:
            self.start()

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            time.sleep(self.pause)
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.peers.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        peer = Peer(sock)
        with sock:
            try:
                while self._serve_one(peer) and peer.keep:
                    pass
            except (EOFError, OSError):
                pass
        with self.lock:
            self.peers.discard(sock)

    def _serve_one(self, peer):
        peer.take_params()
        name = self.always or peer.params['QUERY_STRING'].partition('&')[0]
        if name == 'early':     # does not wait for the body
            peer.send(answer(b'early'))
            return False
        peer.take_body()
        peer.served += 1
        with self.lock:
            self.asked.append((name, peer.params['REQUEST_METHOD'], peer.body_len))
        return BEHAVIOURS[name](peer)

    def count(self, name):
        with self.lock:
            return sum(asked[0] == name for asked in self.asked)

    def stop(self):
        """Nobody listens any more, and what was under way is cut."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        if self.address.startswith('unix:') and os.path.exists(self.address[5:]):
            os.unlink(self.address[5:])
        with self.lock:
            for sock in self.peers:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
