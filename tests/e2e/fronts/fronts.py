# SPDX-License-Identifier: MIT
"""The fronts of Debian 12 before Outrider: one process a kind, with a TLS port for each way in which
it can speak to Outrider: h1, h2c, and the PROXY protocol (v1, v2), which passes the client's own
bytes on. HAPROXY, NGINX, CADDY, APACHE name newer ones in the environment, which need not be
installed; an nginx from 1.29 on speaks h2c as well, and passes a 103 on."""
import os
import re
import shutil
import socket
import subprocess

from servers import Process, is_open


def program(name, path):
    return os.environ.get(name.upper()) or shutil.which(path.rsplit('/', 1)[1]) or path


def nginx_relays():
    try:
        said = subprocess.run([program('nginx', '/usr/sbin/nginx'), '-v'], capture_output=True, text=True).stderr
    except FileNotFoundError:
        return False
    return tuple(map(int, re.search(r'/(\d+)\.(\d+)', said).groups())) >= (1, 29)


IS_NEW_NGINX = nginx_relays()
WAYS = {'haproxy': ['h1', 'h2c', 'v1', 'v2'], 'nginx': ['h1', 'h2c'] if IS_NEW_NGINX else ['h1'],
        'caddy': ['h1', 'h2c'], 'apache': ['h1', 'h2c'], 'varnish': ['h1'], 'hitch': ['v1', 'v2']}
ROWS = [(kind, way) for kind, ways in WAYS.items() for way in ways]
# These break on a 103 over HTTP/1.1: nginx before 1.29 waits for more, Varnish answers 503.
DEAF = ['varnish'] if IS_NEW_NGINX else ['nginx', 'varnish']


def free_ports(n):
    """Ports that nobody listens on just now."""
    socks = [socket.create_server(('127.0.0.1', 0)) for _ in range(n)]
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


def make_certificate(folder):
    """Certificate and key for localhost: in one file, and each in its own."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
                    '-keyout', folder / 'key.pem', '-out', folder / 'cert.pem'], check=True, capture_output=True)
    (folder / 'both.pem').write_text((folder / 'cert.pem').read_text() + (folder / 'key.pem').read_text())


# ---- what each is told --------------------------------------------------------------------------

def haproxy(folder, ports, web, proxied):
    def section(way, mode, frontend, server):
        return f'''
frontend {way}
    mode {mode}
    bind 127.0.0.1:{ports[way]} ssl crt {folder}/both.pem alpn h2,http/1.1
    {frontend}
    default_backend {way}
backend {way}
    mode {mode}
    server outrider 127.0.0.1:{server}
'''
    http = 'option forwardfor\n    http-request set-header X-Forwarded-Proto https'
    (folder / 'haproxy.cfg').write_text(f'''
global
    maxconn 256
    nbthread 2
defaults
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    retries 5
    retry-on all-retryable-errors
''' + section('h1', 'http', http, web) + section('h2c', 'http', http, f'{web} proto h2')
        + section('v1', 'tcp', '', f'{proxied} send-proxy') + section('v2', 'tcp', '', f'{proxied} send-proxy-v2-ssl'))
    return [program('haproxy', '/usr/sbin/haproxy'), '-db', '-f', str(folder / 'haproxy.cfg')]


def nginx(folder, ports, web, proxied):
    temporary = '\n'.join(f'    {name}_temp_path {folder};' for name in
                          ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    user = 'user root;' if os.getuid() == 0 else ''
    protocols = 'ssl;\n        http2 on' if IS_NEW_NGINX else 'ssl http2'
    relays = 'early_hints $http_sec_fetch_mode;' if IS_NEW_NGINX else ''
    versions = {'h1': '1.1', 'h2c': '2'}
    servers = ''.join(f'''
    upstream {way} {{ server 127.0.0.1:{web}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} {protocols};
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{
            {relays}
            proxy_pass http://{way};
            proxy_http_version {versions[way]};
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
''' for way, port in ports.items())
    (folder / 'nginx.conf').write_text(f'''
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
{temporary}
    client_max_body_size 100m;
{servers}
}}
''')
    return [program('nginx', '/usr/sbin/nginx'), '-c', str(folder / 'nginx.conf'), '-e', str(folder / 'e.log')]


def caddy(folder, ports, web, proxied):
    sites = ''.join(f'''
https://:{ports[way]} {{
    bind 127.0.0.1
    tls {folder}/cert.pem {folder}/key.pem
    reverse_proxy {scheme}127.0.0.1:{web} {{
        lb_try_duration 5s
    }}
}}
''' for way, scheme in (('h1', ''), ('h2c', 'h2c://')))
    (folder / 'Caddyfile').write_text('{\n    admin off\n    auto_https off\n}\n' + sites)
    return [program('caddy', '/usr/bin/caddy'), 'run', '--config', str(folder / 'Caddyfile'), '--adapter', 'caddyfile']


def apache(folder, ports, web, proxied):
    modules = ['mpm_event', 'authz_core', 'socache_shmcb', 'ssl', 'http2', 'proxy', 'proxy_http', 'proxy_http2', 'headers']
    hosts = ''.join(f'''
Listen 127.0.0.1:{ports[way]}
<VirtualHost 127.0.0.1:{ports[way]}>
    SSLEngine on
    SSLCertificateFile {folder}/cert.pem
    SSLCertificateKeyFile {folder}/key.pem
    ProxyPreserveHost On
    RequestHeader set X-Forwarded-Proto https
    ProxyPass / {scheme}://127.0.0.1:{web}/
</VirtualHost>
''' for way, scheme in (('h1', 'http'), ('h2c', 'h2c')))
    (folder / 'apache.conf').write_text('\n'.join(
        f'LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so' for name in modules) + f'''
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
Mutex file:{folder} default
ErrorLog {folder}/apache-error.log
{'User www-data' if os.getuid() == 0 else ''}
{'Group www-data' if os.getuid() == 0 else ''}
Protocols h2 http/1.1
H2EarlyHints on
H2Push off
StartServers 1
ThreadsPerChild 25
MaxRequestWorkers 50
''' + hosts)
    return [program('apache', '/usr/sbin/apache2'), '-DFOREGROUND', '-f', str(folder / 'apache.conf')]


def varnish(folder, ports, web, proxied):
    """Behind a hitch, which speaks TLS for it."""
    (folder / 'default.vcl').write_text(f'''
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{web}"; }}
sub vcl_recv {{
    set req.http.X-Forwarded-Proto = "https";
    return (pass);
}}
''')
    return [shutil.which('varnishd') or '/usr/sbin/varnishd', '-F', '-f', str(folder / 'default.vcl'), '-n',
            str(folder / 'varnish'), '-j', 'none', '-a', f'127.0.0.1:{ports["inside"]},PROXY', '-p', 'feature=+http2',
            '-s', 'malloc,10M', '-T', 'none']


def hitch_of(folder, name, port, to, version):
    """A hitch of one port: it has one way for all its ports."""
    (folder / name).write_text(f'''
frontend = {{ host = "127.0.0.1" port = "{port}" }}
backend = "[127.0.0.1]:{to}"
pem-file = "{folder}/both.pem"
alpn-protos = "h2,http/1.1"
write-proxy-{version} = on
workers = 1
daemon = off
{'user = "nobody"' if os.getuid() == 0 else ''}
''')
    return [shutil.which('hitch') or '/usr/sbin/hitch', '--config', str(folder / name)]


CONFIGS = {'haproxy': haproxy, 'nginx': nginx, 'caddy': caddy, 'apache': apache, 'varnish': varnish}


class Front:
    """All ways of one kind; port(way) speaks TLS."""

    def __init__(self, folder, kind, web, proxied):
        folder.mkdir(parents=True)
        self.kind = kind
        names = [*WAYS[kind], *(['inside'] if kind == 'varnish' else [])]
        self.ports = dict(zip(names, free_ports(len(names))))
        make_certificate(folder)
        commands = []
        if kind == 'hitch':
            commands += [hitch_of(folder, way, self.ports[way], proxied, f'{way}') for way in WAYS[kind]]
        else:
            commands.append(CONFIGS[kind](folder, self.ports, web, proxied))
        if kind == 'varnish':
            commands.append(hitch_of(folder, 'tls', self.ports['h1'], self.ports['inside'], 'v2'))
        environment = {**os.environ, 'HOME': str(folder), 'XDG_DATA_HOME': str(folder), 'XDG_CONFIG_HOME': str(folder)}
        self.processes = []
        try:
            for n, command in enumerate(commands):
                self.processes.append(Process(command, folder / f'{n}.log', env=environment))
            for process in self.processes:
                process.wait_started(lambda: all(is_open(port) for port in self.ports.values()), 20)
        except BaseException:
            self.stop()
            raise

    def port(self, way):
        return self.ports[way]

    def stop(self):
        for process in self.processes:
            if process.is_running():
                process.process.terminate()
        for process in self.processes:
            process.stop()
