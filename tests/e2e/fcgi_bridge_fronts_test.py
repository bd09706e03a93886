# SPDX-License-Identifier: MIT
"""fcgi-bridge behind nginx, lighttpd, Apache (mod_proxy_fcgi) and Outrider: programs that answer
before they have read, kept connections, PATH_INFO, git's clone and push."""
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest
from fcgi_bridge_test import HEAD, HERE, SH, Bridge
from servers import BINARY, ROOT, Outrider, Process

FRONTS = ('nginx', 'lighttpd', 'apache', 'outrider')
FULL = os.environ.get('CI_FULL') == '1'

NGINX = '''
daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; client_max_body_size 0; client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi; proxy_temp_path {folder}/proxy; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream bridge {{ server {bridge}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location / {{
            fastcgi_pass bridge;
            fastcgi_keep_conn on;
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_param SCRIPT_NAME $fastcgi_script_name;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param DOCUMENT_ROOT $document_root;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param SERVER_NAME $server_name;
            fastcgi_param SERVER_PORT $server_port;
        }}
    }}
}}
'''
LIGHTTPD = '''
server.modules = ("mod_fastcgi")
server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/error.log"
server.upload-dirs = ("{folder}")
fastcgi.server = ("/" => (("host" => "{host}", "port" => {bridge_port}, "check-local" => "disable")))
'''
APACHE = '''
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
User www-data
Group www-data
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
DocumentRoot {folder}
ProxyPass / fcgi://{bridge}{root}/ enablereuse=on
'''
OUTRIDER = '''
workers = 1
listen "http://127.0.0.1:0" {{}}
pool "cgi" {{ servers = {{ "{bridge}" }} keepalive = 4 }}
site "localhost" {{
    root = "{root}"
    pool = "cgi"
    scripts = {{".cgi", ".sh", ".py"}}
    body-limit = 1GB
}}
admin {{ listen = "unix:{folder}/a.sock" }}
'''


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def started(name, folder, bridge):
    """A front of that name; it has `port` and `stop`."""
    folder.mkdir(exist_ok=True)
    host, _, bridge_port = bridge.address.rpartition(':')
    port = free_port()
    values = {'folder': folder, 'bridge': bridge.address, 'root': bridge.root, 'port': port,
              'host': host, 'bridge_port': bridge_port}
    if name == 'outrider':
        front = Outrider(folder, config=OUTRIDER.format(**values))
        front.port = front.clear_port
        return front
    text, command = {
        'nginx': (NGINX, ['nginx', '-c']),
        'lighttpd': (LIGHTTPD, ['lighttpd', '-D', '-f']),
        'apache': (APACHE, ['apache2', '-D', 'FOREGROUND', '-f']),
    }[name]
    program = shutil.which(command[0]) or f'/usr/sbin/{command[0]}'
    if not os.access(program, os.X_OK):
        pytest.skip(f'no {program}')
    (folder / 'conf').write_text(text.format(**values))
    front = Process([program, *command[1:], str(folder / 'conf')], folder / 'log')
    front.wait_started(lambda: answers(port))
    front.port = port
    return front


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """The bridge, and `place.front(name)`, each started once."""
    folder = tmp_path_factory.mktemp('fronts')
    shutil.copytree(HERE / 'cgi', folder / 'root')
    for name, text in {'git.cgi': SH + 'exec /usr/lib/git-core/git-http-backend\n',
                       'short.sh': SH + HEAD + 'echo done',
                       'early.sh': SH + HEAD + 'echo before; sleep 0.5; wc -c',
                       'deaf.sh': SH + HEAD + 'echo done'}.items():
        (folder / 'root' / name).write_text(text)
        (folder / 'root' / name).chmod(0o755)
    # What is pushed is random: nothing is gained by packing it well.
    (folder / '.gitconfig').write_text('[core]\n\tcompression = 0\n\tbigFileThreshold = 1m\n')
    bridge = Bridge(folder, '--workers', '2', '--timeout', '10m', '--idle', '60s',
                    '--env', f'GIT_PROJECT_ROOT={folder}/git', '--env', 'GIT_HTTP_EXPORT_ALL=1',
                    '--env', f'HOME={folder}', listen=f'127.0.0.1:{free_port()}')
    fronts = {}

    class Place:
        @staticmethod
        def front(name):
            if name not in fronts:
                fronts[name] = started(name, folder / name, bridge)
            return fronts[name]

    Place.bridge, Place.folder = bridge, folder
    yield Place
    for front in fronts.values():
        front.stop()
    assert bridge.stop() == 0


LARGE = os.urandom(12000000)  # more than all sockets on the way take


def ask(port, path, body=None, timeout=30):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=timeout)
    try:
        connection.request('POST' if body is not None else 'GET', path, body, {'Host': 'localhost'})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize('name', FRONTS)
def test_a_program_that_answers_before_it_reads_gets_the_whole_body(place, name):
    front = place.front(name)
    started = time.monotonic()
    assert ask(front.port, '/early.sh', LARGE) == (200, b'before\n%d\n' % len(LARGE))
    assert ask(front.port, '/deaf.sh', LARGE) == (200, b'done\n')
    assert time.monotonic() - started < 20


@pytest.mark.parametrize('name', FRONTS)
def test_a_program_that_writes_what_it_reads_gets_all_of_it(place, name):
    assert ask(place.front(name).port, '/echo.py', LARGE) == (200, LARGE)


@pytest.mark.parametrize('name', FRONTS)
def test_what_is_behind_the_program_is_path_info(place, name):
    status, body = ask(place.front(name).port, '/environment.py/more/of-it?a=b')
    seen = json.loads(body)['environment']
    assert (status, seen['PATH_INFO'], seen['QUERY_STRING']) == (200, '/more/of-it', 'a=b')
    assert seen['SCRIPT_NAME'] == '/environment.py'
    assert seen['SCRIPT_FILENAME'] == str(place.bridge.root / 'environment.py')


@pytest.mark.parametrize('name', FRONTS)
def test_kept_connections_take_turns_behind_a_front(place, name):
    front = place.front(name)
    served = [0] * 6
    end = time.monotonic() + 1.5

    def go(at):
        connection = http.client.HTTPConnection('127.0.0.1', front.port, timeout=20)
        while time.monotonic() < end:
            connection.request('GET', '/short.sh', headers={'Host': 'localhost'})
            assert connection.getresponse().read() == b'done\n'
            served[at] += 1
        connection.close()

    threads = [threading.Thread(target=go, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert min(served) >= sum(served) / 6 / 2, served


def git(place, *arguments, folder=None):
    environment = {**os.environ, 'HOME': str(place.folder), 'GIT_TERMINAL_PROMPT': '0',
                   'GIT_AUTHOR_NAME': 'a', 'GIT_AUTHOR_EMAIL': 'a@localhost',
                   'GIT_COMMITTER_NAME': 'a', 'GIT_COMMITTER_EMAIL': 'a@localhost'}
    done = subprocess.run(['git', *map(str, arguments)], cwd=folder or place.folder, env=environment,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize('name', FRONTS)
@pytest.mark.parametrize('size', [400 << 10, *([50 << 20, 300 << 20] if FULL else [])])
def test_git_pushes_and_clones(place, name, size):
    """Behind nginx a push of 200 KB hung: git-http-backend prints its head before it reads."""
    front, label = place.front(name), f'{name}-{size}'
    (place.folder / 'git').mkdir(exist_ok=True)
    git(place, 'init', '-q', '--bare', f'git/{label}.git')
    git(place, '-C', f'git/{label}.git', 'config', 'http.receivepack', 'true')
    work = place.folder / f'work-{label}'
    git(place, 'init', '-q', '-b', 'main', work)
    (work / 'large').write_bytes(os.urandom(size))
    git(place, 'add', '.', folder=work)
    git(place, 'commit', '-qm', 'One', folder=work)
    url = f'http://localhost:{front.port}/git.cgi/{label}.git'
    git(place, 'push', '-q', url, 'main', folder=work)
    git(place, 'clone', '-q', '-b', 'main', url, place.folder / f'clone-{label}')
    assert (place.folder / f'clone-{label}/large').stat().st_size == size
    for path in (work, place.folder / f'clone-{label}', place.folder / f'git/{label}.git'):
        shutil.rmtree(path)


def example(path, *arguments):
    done = subprocess.run(['sh', str(ROOT / 'php-examples' / path), *arguments, '--once'], text=True,
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, 'OUTRIDER': BINARY, 'PORT': str(free_port())})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_of_an_interim_block_shows_one():
    lines = example('cgi-early/run.sh').split('\n')
    assert any('< HTTP/2 103' in line for line in lines) and any('< HTTP/2 200' in line for line in lines)


@pytest.mark.parametrize('name', ['outrider', 'nginx'])
def test_the_example_of_git_clones_pushes_and_shows_pages(name):
    assert example('git/run.sh', name).count('A first commit') == 3
