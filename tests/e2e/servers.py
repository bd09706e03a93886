# SPDX-License-Identifier: MIT
"""Starts and ends the programs the tests talk to: PHP-FPM and Outrider, each with its own folder,
sockets and log. Only processes started here are ended here."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get('OUTRIDER', str(ROOT / 'build/release/outrider'))
# Sanitizers multiply memory: figures of memory then say nothing.
SANITIZED = os.environ.get('SANITIZED') == '1'


def until(question, timeout, what):
    """The first true answer to `question`."""
    end = time.monotonic() + timeout
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


def is_open(port):
    with socket.socket() as sock:
        return sock.connect_ex(('127.0.0.1', port)) == 0


class Process:
    def __init__(self, command, log, **options):
        self.log_path = Path(log)
        with open(log, 'ab') as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True, **options)

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_path.read_text(errors='replace')

    def is_running(self):
        return self.process.poll() is None

    def wait_started(self, question, timeout=15):
        """Until `question` is true. What does not start is ended here: nobody else knows it."""
        try:
            until(lambda: question() or not self.is_running(), timeout, '')
            assert self.is_running()
        except (TimeoutError, AssertionError):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'did not start:\n{self.log}') from None

    def wait_log(self, pattern, timeout=5):
        """The match of `pattern` in the log, as soon as it is there."""
        try:
            return until(lambda: re.search(pattern, self.log, re.MULTILINE), timeout, '')
        except TimeoutError:
            raise AssertionError(f'no {pattern!r} in the log:\n{self.log}') from None

    def stop(self, timeout=10):
        """SIGTERM, and SIGKILL if that does not help; gives the exit status."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'did not end on SIGTERM:\n{self.log[-2000:]}') from None


class Fpm(Process):
    """A real PHP-FPM with a static pool on a unix socket, or a port of 127.0.0.1."""

    def __init__(self, folder, children=4, port=None, more=''):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = str(folder / 'fpm.sock')
        self.children = children
        config = folder / 'fpm.conf'
        config.write_text(f'''[global]
error_log = {folder}/fpm-error.log
daemonize = no
[www]
listen = {f'127.0.0.1:{port}' if port else self.path}
pm = static
pm.max_children = {children}
php_admin_value[post_max_size] = 256M
php_admin_value[memory_limit] = 512M
php_admin_value[opcache.enable] = 0
php_admin_value[display_errors] = 0
php_admin_value[log_errors] = 1
{more}
{'user = root' if os.getuid() == 0 else ''}
{'group = root' if os.getuid() == 0 else ''}
''')
        program = shutil.which('php-fpm8.2') or '/usr/sbin/php-fpm8.2'
        super().__init__([program, *(['-R'] if os.getuid() == 0 else []), '-n', '-y', str(config)],
                         folder / 'fpm.log')
        self.address = f'127.0.0.1:{port}' if port else f'unix:{self.path}'
        self.wait_started(lambda: is_open(port) if port else os.path.exists(self.path))


CONFIG = '''
workers = {workers}
listen "https://localhost:0" {{ {listen} }}
listen "http://127.0.0.1:0" {{}}
pool "php" {{ servers = {{ "{fastcgi}" }} }}
site "localhost" {{
    root = "{root}"
    {front_controller}
    pool = "php"
    hints {{
        mode = {mode}
        clients = {clients}
        min-think = {min_think}
        holdback = {holdback}
        {hints}
    }}
    {site}
}}
{top}
admin {{ listen = "unix:{admin}" }}
'''


class Outrider(Process):
    """`outrider run`, waited for until it listens: with `arguments`, or with the configuration file
    `config`, or with one like CONFIG made of the options. The tests' pages are faster than any page
    that is worth hinting, and chance is no part of a test: min-think and holdback are 0 here."""

    def __init__(self, folder, config=None, arguments=None, root=None, fastcgi=None, workers='auto',
                 mode='hint', clients='browsers', front_controller=None, min_think='0ms', holdback='0%',
                 hints='', site='', top='', listen=''):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.admin = str(folder / 'admin.sock')
        if arguments is None:
            path = folder / 'outrider.conf'
            path.write_text(config or CONFIG.format(
                root=root, fastcgi=fastcgi, workers=workers, mode=mode, clients=clients, admin=self.admin,
                min_think=min_think, holdback=holdback, hints=hints, site=site, top=top, listen=listen,
                front_controller=f'front-controller = "{front_controller}"' if front_controller else ''))
            arguments = ['--config', str(path)]
        super().__init__([BINARY, 'run', *arguments], folder / 'outrider.log')
        self.wait_started(lambda: 'info ready' in self.log)
        self.listeners = re.findall(r'listening on (https?)://\S*?:(\d+)\b', self.log)

    def port(self, scheme):
        return next(int(port) for kind, port in self.listeners if kind == scheme)

    @property
    def tls_port(self):
        return self.port('https')

    @property
    def clear_port(self):
        return self.port('http')

    @property
    def pin(self):
        """The SPKI hash of the certificate made in memory."""
        return self.wait_log(r'SPKI sha256/([A-Za-z0-9+/]+=*)')[1]

    def peak_mib(self):
        """The most memory it ever had resident."""
        status = Path(f'/proc/{self.pid}/status').read_text()
        return int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) / 1024

    def ask_admin(self, path):
        """GET on the admin socket; gives (status, body)."""
        client = http.client.HTTPConnection('localhost', timeout=5)
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.connect(self.admin)
        try:
            client.request('GET', path)
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()

    def routes(self):
        status, body = self.ask_admin('/routes')
        assert status == 200
        answer = json.loads(body)
        assert not answer['truncated']
        return answer['routes']
