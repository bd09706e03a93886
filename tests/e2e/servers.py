# SPDX-License-Identifier: MIT
"""Starts and ends the programs the tests talk to: PHP-FPM and Outrider, each with its own folder,
sockets and log. Only processes started here are ended here."""
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
    """A real PHP-FPM with a static pool on a unix socket."""

    def __init__(self, folder, children=4):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = str(folder / 'fpm.sock')
        self.children = children
        config = folder / 'fpm.conf'
        config.write_text(f'''[global]
error_log = {folder}/fpm-error.log
daemonize = no
[www]
listen = {self.path}
pm = static
pm.max_children = {children}
php_admin_value[post_max_size] = 256M
php_admin_value[memory_limit] = 512M
php_admin_value[opcache.enable] = 0
php_admin_value[display_errors] = 0
php_admin_value[log_errors] = 1
{'user = root' if os.getuid() == 0 else ''}
{'group = root' if os.getuid() == 0 else ''}
''')
        program = shutil.which('php-fpm8.2') or '/usr/sbin/php-fpm8.2'
        super().__init__([program, *(['-R'] if os.getuid() == 0 else []), '-n', '-y', str(config)],
                         folder / 'fpm.log')
        until(lambda: os.path.exists(self.path) or not self.is_running(), 10, 'php-fpm did not start')
        assert self.is_running(), self.log


class Outrider(Process):
    """`outrider run ...`; options as on the command line without the leading dashes, or a
    configuration file's text as `config` (then the ports stand in there)."""

    def __init__(self, folder, root=None, fastcgi=None, config=None, listen=None, env=None, **options):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.admin = str(folder / 'admin.sock')
        command = [BINARY, 'run']
        if config is not None:
            (folder / 'outrider.conf').write_text(config)
            command += ['--config', str(folder / 'outrider.conf')]
        else:
            options.setdefault('admin', 'unix:' + self.admin)
            command += ['--root', str(root), '--fastcgi', fastcgi]
            for address in listen or ['https://localhost:0', 'http://127.0.0.1:0']:
                command += ['--listen', address]
            for name, value in options.items():
                command += ['--' + name.replace('_', '-'), str(value)]
        super().__init__(command, folder / 'outrider.log', env=dict(os.environ, **(env or {})))
        wanted = config.count('listen "') if config is not None else len(listen or 'xx')
        # "localhost" may listen on more than one address, so there may be more lines.
        self.listeners = until(
            lambda: (lambda found: found if len(found) >= wanted or not self.is_running() else None)(
                re.findall(r'listening on (https?)://\S*?:(\d+)\b', self.log)),
            15, 'outrider did not listen')
        assert self.is_running(), f'outrider did not start:\n{self.log}'

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
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(self.admin)
            sock.sendall(f'GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n'.encode())
            data = b''
            while part := sock.recv(65536):
                data += part
        head, _, body = data.partition(b'\r\n\r\n')
        return int(head.split()[1]), body

    def routes(self):
        status, body = self.ask_admin('/routes')
        assert status == 200
        return json.loads(body)
