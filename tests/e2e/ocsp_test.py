# SPDX-License-Identifier: MIT
"""OCSP responses from files: each certificate with its own, renewed without a word to us, and what is
wrong with one is told by `check` and once in the log."""
import re
import subprocess

from authority import Authority
from servers import BINARY, until

CONFIG = '''
workers = 1
listen "https://127.0.0.1:0" {{}}
site "a.test" {{
    root = "{root}"
    certificate = {{ "{folder}/a.test.pem", "{folder}/a.test-rsa.pem" }}
    key = {{ "{folder}/a.test.pem", "{folder}/a.test-rsa.pem" }}
    {ocsp}
}}
'''
OCSP = 'ocsp = {{ "{folder}/a.test.der", "{folder}/a.test-rsa.der" }}'


def test_each_certificate_has_its_own_response_and_renewals_need_no_word(make_outrider, site, tmp_path):
    authority = Authority(tmp_path)
    serials = {'ECDSA': authority.sign('a.test', more='tlsfeature=status_request'), 'RSA': authority.sign('a.test', 'rsa')}
    authority.respond('a.test')
    authority.respond('a.test-rsa')

    def config(ocsp):
        return CONFIG.format(root=site, folder=tmp_path, ocsp=ocsp.format(folder=tmp_path))

    outrider = make_outrider(config=config(OCSP))

    def stapled(kind):
        """The serial of which the response speaks that comes with the certificate of that kind."""
        out = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{outrider.tls_port}', '-servername', 'a.test',
                              '-status', '-tls1_2', '-cipher', f'ECDHE-{kind}-AES128-GCM-SHA256'],
                             input='', capture_output=True, text=True).stdout
        assert f'ECDHE-{kind}-' in out, out
        found = re.search(r'OCSP Response Data:.*?Serial Number: *([0-9A-F]+)', out, re.DOTALL)
        return int(found[1], 16) if found else None

    assert {kind: stapled(kind) for kind in serials} == serials

    # As certbot does: the certificate first, and the response for it comes later.
    renewed = authority.sign('a.test', more='tlsfeature=status_request')
    until(lambda: stapled('ECDSA') is None, 15, 'the old response is sent with a new certificate')
    outrider.wait_log('ocsp "%s/a.test.der": it is for another certificate' % tmp_path)
    authority.respond('a.test')
    until(lambda: stapled('ECDSA') == renewed, 15, 'the new response is not sent')
    assert stapled('RSA') == serials['RSA']

    authority.revoke(serials['RSA'])
    authority.respond('a.test-rsa')
    path = tmp_path / 'outrider.conf'
    for text, said in ((OCSP, r'conf:8: warning: ocsp ".*a.test-rsa.der": it says that the certificate is revoked'),
                       ('', r'conf:6: warning: certificate of "a.test": it demands an OCSP response')):
        path.write_text(config(text))
        told = subprocess.run([BINARY, 'check', path], capture_output=True, text=True)
        assert told.returncode == 0 and re.search(said, told.stderr), told.stderr
