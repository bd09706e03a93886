# SPDX-License-Identifier: MIT
"""Certificates, names and session tickets, as clients meet them: two sites with a certificate each."""
import re
import subprocess

import pytest
from servers import BINARY

CONFIG = '''
workers = 2
listen "https://127.0.0.1:0" {{}}
site "a.example" {{ root = "{root}" certificate = "{folder}/a.pem" key = "{folder}/a.pem" }}
site "b.example" {{ root = "{root}" certificate = "{folder}/{b}.pem" key = "{folder}/{key}.pem" }}
'''


def make_pair(folder, name, kind='ec', file=None):
    file = file or name
    algorithm = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] if kind == 'ec' else ['rsa:2048']
    subprocess.run(['openssl', 'req', '-x509', '-newkey', *algorithm, '-nodes', '-days', '9', '-subj', f'/CN={name}',
                    '-addext', f'subjectAltName=DNS:{name}.example', '-keyout', folder / f'{file}.key',
                    '-out', folder / f'{file}.crt'], check=True, capture_output=True)
    (folder / f'{file}.pem').write_text((folder / f'{file}.crt').read_text() + (folder / f'{file}.key').read_text())


@pytest.fixture
def make_config(tmp_path, site):
    for name, kind in (('a', 'ec'), ('b', 'ec'), ('c', 'rsa')):
        make_pair(tmp_path, name, kind)

    def make(b='b', key='b'):
        return CONFIG.format(root=site, folder=tmp_path, b=b, key=key)

    return make


BOTH = '''
listen "https://127.0.0.1:0" {{}}
site "b.example" {{ root = "{root}" certificate = "{folder}/b.pem" key = "{folder}/b.pem" }}
site "a.example" {{
    root = "{root}"
    certificate = {{ "{folder}/{first}.pem", "{folder}/{second}.pem" }}
    key = {{ "{folder}/{first}.pem", "{folder}/{second}.pem" }}
}}
'''


def test_each_client_is_given_the_kind_of_key_that_it_understands(make_outrider, make_config, site, tmp_path):
    make_config()
    make_pair(tmp_path, 'a', 'rsa', 'a-rsa')

    def kind(port, *arguments):
        out = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-servername', 'a.example',
                              *arguments], input='', capture_output=True, text=True).stdout
        assert 'subject=CN = a' in out, out
        return re.search(r'Peer signature type: (.*)', out)[1]

    for first, second in (('a', 'a-rsa'), ('a-rsa', 'a')):
        port = make_outrider(config=BOTH.format(root=site, folder=tmp_path, first=first, second=second)).tls_port
        for version in ('-tls1_2', '-tls1_3'):
            assert kind(port, version) == 'ECDSA'
            assert kind(port, version, '-sigalgs', 'RSA-PSS+SHA256') == 'RSA-PSS'
        assert kind(port, '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256') == 'RSA-PSS'
    path = tmp_path / 'outrider.conf'
    path.write_text(BOTH.format(root=site, folder=tmp_path, first='a', second='a'))
    told = subprocess.run([BINARY, 'check', path], capture_output=True, text=True)
    assert told.returncode != 0 and 'there is one of that kind of key already' in told.stdout + told.stderr


def test_a_request_for_a_site_of_another_certificate_is_misdirected(make_outrider, make_config):
    port = make_outrider(config=make_config()).tls_port

    def status(name, host):
        out = subprocess.run(['curl', '-sk', '-o', '/dev/null', '-w', '%{http_code}', '-H', f'Host: {host}', '--resolve',
                              f'{name}:{port}:127.0.0.1', f'https://{name}:{port}/assets/style.css'],
                             check=True, capture_output=True, text=True)
        return int(out.stdout)

    assert status('a.example', 'a.example') == status('b.example', 'b.example') == 200
    assert status('a.example', 'b.example') == status('b.example', 'a.example') == 421
    assert status('a.example', 'unknown.example') == 200


@pytest.mark.parametrize('version', ['-tls1_2', '-tls1_3'])
def test_a_ticket_resumes_on_every_worker_and_for_its_site_only(make_outrider, make_config, tmp_path, version):
    port = make_outrider(config=make_config()).tls_port
    session = str(tmp_path / 'session')

    def connect(name, *options):
        out = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-servername', name, version,
                              *options], input=b'', capture_output=True)
        return out.stdout

    request = ['-sess_out', session, '-ign_eof']
    subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-servername', 'a.example', version, *request],
                   input=b'GET / HTTP/1.0\r\nHost: a.example\r\n\r\n', capture_output=True)
    assert all(b'Reused' in connect('a.example', '-sess_in', session) for _ in range(4))
    assert b'Reused' not in connect('b.example', '-sess_in', session)


@pytest.mark.parametrize('key, why', [('a', 'it does not belong to the certificate'),
                                      ('c', 'it does not belong to the certificate'),
                                      ('none', 'No such file or directory')])
def test_what_cannot_start_is_not_called_good(make_config, tmp_path, key, why):
    path = tmp_path / 'outrider.conf'
    path.write_text(make_config(key=key))
    for command in (['check', str(path)], ['run', '--config', str(path)]):
        done = subprocess.run([BINARY, *command], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1, done.returncode
        assert f'outrider.conf:5: key "{tmp_path}/{key}.pem": {why}' in done.stderr
