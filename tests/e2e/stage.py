# SPDX-License-Identifier: MIT
"""A site whose pages and assets a test writes down, and the log of what was asked of it: stage.php
plays it, in a PHP-FPM of its own. It lives as long as its browsers, over many tests, so that each
test takes paths of its own."""
import base64
import json
import shutil
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from h2client import Client
from relay import Relay
from servers import ROOT, Fpm, Outrider

NEAR = 0.03     # seconds to a browser and back: Chromium loses a 103 that comes at once
THINK = 400     # milliseconds that a page takes by itself
KEEP = 'Cache-Control: max-age=600'
TYPES = {'css': 'text/css', 'js': 'text/javascript', 'svg': 'image/svg+xml', 'ttf': 'font/ttf',
         'json': 'application/json'}
SCRIPT = '''<script>
if (window === top) addEventListener('load', () => setTimeout(async () => {
  const said = entry => (entry.serverTiming || []).map(part => part.description || part.name);
  const page = performance.getEntriesByType('navigation')[0];
  const report = {
    url: location.href, protocol: page.nextHopProtocol, interim: page.firstInterimResponseStart,
    final: page.finalResponseHeadersStart, loaded: page.loadEventStart, said: said(page), more: await window.more,
    assets: performance.getEntriesByType('resource').map(e => ({
      path: e.name.replace(location.origin, ''), initiator: e.initiatorType, delivery: e.deliveryType || '',
      size: e.transferSize, interim: e.firstInterimResponseStart, start: e.requestStart,
      end: e.responseEnd, said: said(e) })),
  };
  for (let body = JSON.stringify(report); ; body = undefined) {
    const method = body === undefined ? 'GET' : 'POST';
    const next = await (await fetch('/stage/report', { method, body })).text();
    if (next.startsWith('!')) { eval(next.slice(1)); break; }
    if (next) { location.href = next; break; }
  }
}, 150))</script>'''

CONFIG = '''
workers = 1
listen "https://localhost:0" {{ }}
listen "http://localhost:0" {{ }}
pool "php" {{ servers = {{ "unix:{socket}" }} }}
site "localhost" {{
    root = "{root}"
    front-controller = "/stage.php"
    pool = "php"
    certificate = "{folder}/leaf.pem"
    key = "{folder}/leaf.key"
    server-timing = true
    {site}
    hints {{
        min-think = 0ms
        holdback = 0%
        {hints}
    }}
}}
admin {{ listen = "unix:{admin}" }}
'''


def page(head='', body='', more='undefined'):
    """A page that reports what the browser measured; `more` is an expression to report, too."""
    return ('<!doctype html><html lang=en><meta charset=utf-8><title>stage</title>'
            f'<link rel=icon href="data:,">{head}<p>stage</p>{body}'
            f'<script>addEventListener("load", () => {{ window.more = {more} }})</script>{SCRIPT}')


def certificates(folder):
    """An authority and its certificate for localhost; gives the SPKI hash of the latter's key."""
    def openssl(*arguments, data=None):
        return subprocess.run(['openssl', *arguments], check=True, cwd=folder, input=data,
                              capture_output=True).stdout
    for name in ('ca', 'leaf'):
        openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{name}.key')
    openssl('req', '-x509', '-new', '-key', 'ca.key', '-days', '9', '-subj', '/CN=Stage CA', '-out', 'ca.pem',
            '-addext', 'basicConstraints=critical,CA:TRUE')
    openssl('req', '-new', '-key', 'leaf.key', '-subj', '/CN=localhost', '-out', 'leaf.csr')
    (folder / 'leaf.ext').write_text('subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n')
    openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
            '-days', '9', '-extfile', 'leaf.ext', '-out', 'leaf.pem')
    der = openssl('pkey', '-in', 'leaf.key', '-pubout', '-outform', 'der')
    return base64.b64encode(openssl('dgst', '-sha256', '-binary', data=der)).decode()


class Prompter:
    """Stands before PHP-FPM and speaks first: PHP cannot send an interim block of its own. `lines` has
    for each path what to say, as (seconds since the request or the line before, Link field's value)."""

    def __init__(self, path, fpm):
        self.path, self.fpm, self.lines = str(path), fpm, {}
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, socket.socket(socket.AF_UNIX) as app:
            app.connect(self.fpm.path)
            asked = peer.recv(65536)    # the parameters come in one piece where they are this short
            app.sendall(asked)
            threading.Thread(target=self.pump, args=(peer, app), daemon=True).start()
            number = struct.unpack('>H', asked[2:4])[0]
            for path, lines in self.lines.items():
                if bytes([11, len(path)]) + b'REQUEST_URI' + path.encode() not in asked:
                    continue
                for seconds, link in lines:
                    time.sleep(seconds)
                    block = f'Status: 103 Early Hints\r\nLink: {link}\r\n\r\n'.encode()
                    peer.sendall(struct.pack('>BBHHBx', 1, 6, number, len(block), 0) + block)
            self.pump(app, peer)

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass


class Stage:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.root = self.folder / 'root'
        self.root.mkdir(parents=True)
        shutil.copy(ROOT / 'tests/e2e/site/stage.php', self.root)
        self.parts = {}
        self.add('/stage/idle', page())
        self.pin = certificates(self.folder)
        self.fpm = Fpm(self.folder / 'fpm', children=16)
        self.prompter = Prompter(self.folder / 'prompter.sock', self.fpm)
        self.made, self.relays, self.started = [], [], 0

    def close(self):
        """Ends everything; gives the logs of the Outriders."""
        for relay in self.relays:
            relay.close()
        for outrider in self.made:
            outrider.stop()
        self.prompter.close()
        self.fpm.stop()
        return [outrider.log for outrider in self.made]

    def outrider(self, hints='', site='', pool=None):
        """An Outrider before the stage; `near` is its port as seen from 30 ms away. `pool` is who runs
        the scripts: the Prompter, or PHP-FPM itself."""
        self.started += 1
        folder = self.folder / f'outrider{self.started}'
        made = Outrider(folder, config=CONFIG.format(
            socket=(pool or self.fpm).path, root=self.root, folder=self.folder, admin=folder / 'admin.sock',
            hints=hints, site=site))
        self.made.append(made)
        self.relays += [Relay(made.tls_port, NEAR), Relay(made.clear_port, NEAR)]
        made.near, made.near_clear = (relay.port for relay in self.relays[-2:])
        return made

    def add(self, path, body='', fields=(), **rest):
        """What is answered at `path`: a page, or an asset by what the name ends in."""
        kind = path.partition('?')[0].rpartition('.')[2]
        if kind in TYPES:
            rest.setdefault('type', TYPES[kind])
        if isinstance(body, bytes):
            rest['base64'] = base64.b64encode(body).decode()
        else:
            rest['body'] = body
        self.parts[path] = dict(rest, fields=list(fields))
        new = self.root / 'stage.json.new'
        new.write_text(json.dumps(self.parts))
        new.rename(self.root / 'stage.json')
        return path

    def log(self, path, what='asked', since=0):
        """The entries of one path after the moment `since`, a time.time()."""
        try:
            lines = (self.root / 'stage.log').read_text().splitlines()
        except FileNotFoundError:
            return []
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries
                if entry['path'] == path and entry['what'] == what and entry['t'] > since]

    def teach(self, outrider, path, assets=()):
        """A visit as a browser makes one, over the h2 client, and the time to learn from it. An asset
        that is fetched with CORS is ("cors", path)."""
        with Client(outrider.tls_port) as client:
            assert client.navigate(path).status < 400
            referer = ('referer', f'https://{client.authority}{path}')
            modes = [asset if isinstance(asset, tuple) else ('no-cors', asset) for asset in assets]
            asked = [client.request(asset, headers=[referer, ('sec-fetch-mode', mode)]) for mode, asset in modes]
            if asked:
                client.wait(*asked)
        time.sleep(0.3)
