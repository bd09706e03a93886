# SPDX-License-Identifier: MIT
"""An HTTP/2 client that tells when each thing arrived: interim responses, promises, the final
head, the body. Over TLS or in clear text with prior knowledge; python3-h2 does the protocol."""
import select
import socket
import ssl
import time

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.events import (ConnectionTerminated, DataReceived, InformationalResponseReceived,
                       PushedStreamReceived, ResponseReceived, StreamEnded, StreamReset)
from h2.settings import SettingCodes

NAVIGATION = [('sec-fetch-mode', 'navigate'), ('sec-fetch-dest', 'document'),
              ('accept', 'text/html,application/xhtml+xml')]
WINDOW = 1 << 20


def links(headers):
    """The (target, attributes) of all Link fields, as the tests write them: no comma or semicolon
    inside quotes or targets."""
    found = []
    for name, value in headers:
        if name.lower() != 'link':
            continue
        for link in value.split(','):
            target, *attributes = [part.strip() for part in link.split(';')]
            found.append((target.strip('<>'), attributes))
    return found


class Exchange:
    """One request and what came back. Times are time.monotonic()."""

    def __init__(self, path):
        self.path = path
        self.sent_at = time.monotonic()
        self.interims = []          # (time, status, headers)
        self.pushes = []            # Exchange; its path is what was promised
        self.status = self.headers = self.head_at = self.ended_at = self.reset = None
        self.promised_at = None     # of a push
        self.body = bytearray()
        self.chunks = []            # (time, length)

    @property
    def over(self):
        return self.ended_at is not None or self.reset is not None

    def header(self, name):
        return next((value for key, value in self.headers or () if key == name), None)

    @property
    def hints(self):
        """The 103 responses."""
        return [interim for interim in self.interims if interim[1] == 103]


class Client:
    def __init__(self, port, tls=True, push=False, host='127.0.0.1', window=None, context=None,
                 source=None):
        self.port, self.tls = port, tls
        self.authority = f'localhost:{port}'
        self.exchanges = {}
        self.terminated = None
        self.eof = False
        self.reads = True           # a client that does not read tests patience
        sock = socket.create_connection((host, port), 10, (source, 0) if source else None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(['h2', 'http/1.1'])
            sock = context.wrap_socket(sock, server_hostname='localhost')
            assert sock.selected_alpn_protocol() == 'h2'
        self.sock = sock
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding='utf-8'))
        # After a GOAWAY streams go on (RFC 9113, 6.8), of which python3-h2 knows nothing.
        machine, goaway = self.h2.state_machine, (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY)
        machine._transitions = {**machine._transitions, goaway: (None, ConnectionState.CLIENT_OPEN)}
        self.h2.local_settings[SettingCodes.ENABLE_PUSH] = int(push)
        self.h2.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = WINDOW if window is None else window
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        if window is None:
            self.h2.increment_flow_control_window(16 * WINDOW)
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.sock.settimeout(20)
            self.sock.sendall(data)

    def request(self, path, method='GET', headers=(), body=None, navigation=False, authority=None):
        """Sends a request, with its body as far as the windows allow; gives the Exchange at once."""
        fields = [(':method', method), (':scheme', 'https' if self.tls else 'http'),
                  (':authority', authority or self.authority), (':path', path)]
        if body is not None and not any(name == 'content-length' for name, _ in headers):
            fields.append(('content-length', str(len(body))))
        fields += (NAVIGATION if navigation else []) + list(headers)
        number = self.h2.get_next_available_stream_id()
        exchange = self.exchanges[number] = Exchange(path)
        exchange.number = number
        self.h2.send_headers(number, fields, end_stream=body is None)
        self.flush()
        if body is not None:
            self.send_body(exchange, body)
        return exchange

    def send_body(self, exchange, body, end=True):
        view, at = memoryview(body), 0
        while at < len(view) and not exchange.over:
            size = min(self.h2.local_flow_control_window(exchange.number),
                       self.h2.max_outbound_frame_size, len(view) - at)
            if size == 0:
                self.turn(20)
                continue
            self.h2.send_data(exchange.number, view[at:at + size].tobytes())
            self.flush()
            at += size
            self.turn(0)
        if end and not exchange.over:
            self.h2.end_stream(exchange.number)
            self.flush()

    def abort(self, exchange):
        self.h2.reset_stream(exchange.number, ErrorCodes.CANCEL)
        self.flush()

    def turn(self, timeout):
        """Receives once, waiting at most `timeout` seconds. False if nothing came."""
        if self.eof:
            raise ConnectionError(f'the server closed the connection: {self.terminated}')
        pending = self.tls and self.sock.pending()
        if not pending and not select.select([self.sock], [], [], timeout)[0]:
            return False
        self.sock.settimeout(20)
        data = self.sock.recv(65536)
        if not data:
            self.eof = True
            return True
        now = time.monotonic()
        for event in self.h2.receive_data(data):
            self.take(event, now)
        self.flush()
        return True

    def take(self, event, now):
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
            return
        exchange = self.exchanges.get(getattr(event, 'stream_id', None))
        if isinstance(event, InformationalResponseReceived):
            headers = [(str(k), str(v)) for k, v in event.headers]
            exchange.interims.append((now, int(dict(headers)[':status']), headers))
        elif isinstance(event, ResponseReceived):
            exchange.headers = [(str(k), str(v)) for k, v in event.headers]
            exchange.status = int(dict(exchange.headers)[':status'])
            exchange.head_at = now
        elif isinstance(event, DataReceived):
            exchange.body += event.data
            exchange.chunks.append((now, len(event.data)))
            if event.flow_controlled_length and self.reads:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            exchange.ended_at = now
        elif isinstance(event, StreamReset):
            if exchange:
                exchange.reset = event.error_code
        elif isinstance(event, PushedStreamReceived):
            headers = {str(k): str(v) for k, v in event.headers}
            pushed = self.exchanges[event.pushed_stream_id] = Exchange(headers[':path'])
            pushed.number, pushed.promised_at = event.pushed_stream_id, now
            self.exchanges[event.parent_stream_id].pushes.append(pushed)

    def wait(self, *exchanges, timeout=20):
        """Until all are over, pushes too."""
        end = time.monotonic() + timeout
        while not all(e.over and all(p.over for p in e.pushes) for e in exchanges):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f'no complete answer to {[e.path for e in exchanges if not e.over]}')
            self.turn(left)
        return exchanges[0]

    def get(self, path, timeout=20, **rest):
        return self.wait(self.request(path, **rest), timeout=timeout)

    def navigate(self, path, **rest):
        return self.get(path, navigation=True, **rest)
