# SPDX-License-Identifier: MIT
"""What `outrider check` finds besides mistakes in the file: what would keep `run` from starting is an error,
what would keep it from serving a warning. Each says what, why, and what to write."""
import os
import re
import resource
import socket
import subprocess
import time

import pytest
from servers import BINARY

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root can try what another user may do')

CONFIG = '''
{top}
listen "{listen}" {{ }}
pool "php" {{ servers = {{ "{server}" }} }}
site "a.example" {{
  root = "{root}"
  pool = "php"
  {site}
}}
'''


@pytest.fixture
def check(tmp_path):
    """Runs check; returns its status and what it wrote."""
    tmp_path.chmod(0o755)
    for folder in [tmp_path, *tmp_path.parents]:       # pytest's folders are of their owner alone
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(('pytest-', 'popen-')):
            folder.chmod(0o755)
    (tmp_path / 'root').mkdir()
    fpm = socket.socket(socket.AF_UNIX)
    fpm.bind(str(tmp_path / 'fpm.sock'))
    os.chmod(tmp_path / 'fpm.sock', 0o666)
    fpm.listen()

    def run(top='', listen='127.0.0.1:0', server=None, site='', root=None, changed=None, **more):
        path = tmp_path / 'outrider.conf'
        path.write_text(CONFIG.format(top=top, listen=listen, server=server or f'unix:{tmp_path}/fpm.sock',
                                      root=root or tmp_path / 'root', site=site))
        os.utime(path, changed and (changed, changed))
        done = subprocess.run([BINARY, 'check', path], capture_output=True, text=True, timeout=60, **more)
        return done.returncode, done.stdout + done.stderr
    yield run
    fpm.close()


def test_good_means_that_it_starts_and_serves(check):
    status, told = check()
    assert status == 0 and ': good\n' in told
    assert 'error: ' not in told and 'warning: ' not in told


def test_what_would_not_start_is_not_called_good(check, tmp_path):
    for found, arguments in {
        r'error: user: there is no user "nobody-at-all"; make it': {'top': 'user = "nobody-at-all"'},
        r'error: admin unix:/no/folder/x.sock: No such file.*RuntimeDirectory=outrider':
            {'top': 'admin { listen = "unix:/no/folder/x.sock" }'},
        r'error: listen 192\.0\.2\.1:80: Cannot assign requested address': {'listen': '192.0.2.1:80'},
    }.items():
        status, told = check(**arguments)
        assert status == 1 and re.search(found, told) and 'would not start' in told, told


def test_an_address_of_another_program_is_told_and_one_of_outrider_is_not(check, make_outrider):
    with socket.create_server(('127.0.0.1', 0)) as other:
        status, told = check(listen='127.0.0.1:%d' % other.getsockname()[1])
    assert re.search(r'warning: listen 127.0.0.1:\d+: another program has this address.*ss -ltnp', told), told
    status, told = check(listen=f'127.0.0.1:{make_outrider(workers=1).clear_port}')
    assert status == 0 and 'another program' not in told


def test_a_pool_that_is_not_there(check, tmp_path):
    status, told = check(server=f'unix:{tmp_path}/nobody.sock')
    assert status == 0 and re.search(r'warning: pool "php": \S+ cannot connect to unix:\S+nobody.sock, so all pages are '
                                     r'502: No such file or directory; start PHP-FPM', told), told


def test_open_files_and_the_clock(check):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    few = min(hard, 512)
    status, told = check(top='connections = 1000\nworkers = 2', changed=time.time() + 40 * 86400,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
    assert status == 0 and re.search(rf'warning: connections = 1000: .*the limit is {few}; write LimitNOFILE=\d+', told), told
    assert re.search(r'warning: the clock: \S+ was changed (39|40) days from now; .*set-ntp', told), told


def make_certificate(folder, *arguments):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
                    folder / 'key.pem', '-out', folder / 'cert.pem', '-subj', '/CN=x', *arguments], check=True,
                   capture_output=True)
    return f'certificate = "{folder}/cert.pem"  key = "{folder}/key.pem"  aliases = {{ "b.example" }}'


def test_a_certificate_that_is_not_for_a_name_is_told(check, tmp_path):
    site = make_certificate(tmp_path, '-days', '9', '-addext', 'subjectAltName=DNS:a.example')
    told = check(site=site)[1]
    assert re.search(r'certificate "\S+cert.pem": it is not for "b.example"', told), told
    assert 'not for "a.example"' not in told and 'expire' not in told


def test_a_certificate_that_was_not_renewed_is_told(check, tmp_path):
    site = make_certificate(tmp_path, '-days', '9', '-addext', 'subjectAltName=DNS:a.example')
    (tmp_path / 'index').touch()
    (tmp_path / 'ca.conf').write_text(f"""
[ca]
default_ca = x
[x]
database = {tmp_path}/index
new_certs_dir = {tmp_path}
default_md = sha256
policy = p
rand_serial = yes
[p]
commonName = supplied
""")
    def run(*arguments):
        subprocess.run(['openssl', *arguments], check=True, capture_output=True, cwd=tmp_path)
    day = 86400

    def at(seconds):
        return time.strftime('%Y%m%d%H%M%SZ', time.gmtime(time.time() + seconds))
    run('req', '-new', '-key', 'key.pem', '-subj', '/CN=a.example', '-out', 'csr.pem')
    for begins, ends, found in ((-80 * day, 3 * day, 'expires soon'), (-80 * day, -day, 'has expired'),
                                (day, 9 * day, 'is not valid yet')):
        run('ca', '-selfsign', '-batch', '-config', 'ca.conf', '-in', 'csr.pem', '-keyfile', 'key.pem', '-startdate', at(begins),
            '-enddate', at(ends), '-notext', '-out', 'cert.pem')
        (tmp_path / 'index').write_text('')
        told = check(site=site)[1]
        assert re.search(rf'certificate "\S+cert.pem": it {found}', told), told


@needs_root
def test_it_looks_as_the_user_that_it_becomes(check, tmp_path):
    top = 'user = "nobody"'
    assert check(top=top)[1].count('warning') == 0
    inner = tmp_path / 'shut/inner'
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    told = check(top=top, root=inner)[1]
    assert re.search(rf'warning: site "a.example": nobody may not enter {inner.parent}, so all of its files are 404: '
                     rf'chmod o\+x {inner.parent}', told), told
    inner.parent.chmod(0o755)
    inner.chmod(0o750)
    told = check(top=top, root=inner)[1]
    assert re.search(rf'warning: site "a.example": nobody may not (enter|read) {inner}', told), told
    os.chmod(tmp_path / 'fpm.sock', 0o600)
    told = check(top=f'{top}\ntemp = "{inner}"\nstore {{ path = "{inner}/learned.db" }}')[1]
    assert re.search(r'warning: pool "php": nobody cannot connect .* Permission denied; .*listen.mode = 0660', told), told
    assert re.search(r'warning: store \S+learned.db: nobody may not write it or its folder \(Permission denied\)', told), told
    assert re.search(r'warning: temp \S+: nobody may not write there \(Permission denied\)', told), told
    assert 'good' in told
