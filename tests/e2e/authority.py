# SPDX-License-Identifier: MIT
"""An authority that signs certificates of servers and clients, and says by OCSP and by lists that
they are good or revoked."""
import subprocess


def openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Writes NAME.crt, NAME.key and NAME.pem (both, with its own certificate as the chain)."""

    def __init__(self, folder, name='authority'):
        self.folder, self.name = folder, name
        self.crt, self.key = folder / f'{name}.crt', folder / f'{name}.key'
        self.index = folder / f'{name}.index'
        self.serial = 0x1000
        self.index.write_text('')
        (folder / f'{name}.index.attr').write_text('unique_subject = no\n')
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9', '-subj',
                f'/O=Outrider tests/CN={name}', '-keyout', self.key, '-out', self.crt)

    def sign(self, name, kind='ec', usage='serverAuth', days=5, more='', names=()):
        """A certificate of that name; its file's name is the name with the kind behind it, unless that is ec."""
        file = self.folder / (name if kind == 'ec' else f'{name}-{kind}')
        self.serial += 1
        algorithm = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] if kind == 'ec' else ['rsa:2048']
        extensions = file.with_suffix('.ext')
        extensions.write_text(f'subjectAltName={",".join("DNS:" + each for each in (name, *names))}\nextendedKeyUsage={usage}\n{more}\n')
        request = file.with_suffix('.csr')
        openssl('req', '-new', '-newkey', *algorithm, '-nodes', '-subj', f'/O=Outrider tests/CN={name}', '-keyout',
                f'{file}.key', '-out', request)
        openssl('x509', '-req', '-in', request, '-CA', self.crt, '-CAkey', self.key, '-days', days, '-set_serial',
                self.serial, '-extfile', extensions, '-out', f'{file}.crt')
        both = ''.join(path.read_text() for path in (file.parent / f'{file.name}.crt', self.crt,
                                                     file.parent / f'{file.name}.key'))
        (file.parent / f'{file.name}.pem').write_text(both)
        with self.index.open('a') as index:
            index.write(f'V\t491231235959Z\t\t{self.serial:04X}\tunknown\t/O=Outrider tests/CN={name}\n')
        return self.serial

    def revoke(self, serial):
        lines = self.index.read_text().split('\n')
        for i, line in enumerate(lines):
            words = line.split('\t')
            if len(words) > 3 and words[3] == f'{serial:04X}':
                lines[i] = '\t'.join(['R', words[1], '250101000000Z', *words[3:]])
        self.index.write_text('\n'.join(lines))

    def respond(self, file):
        """The OCSP response for FILE.crt, in FILE.der."""
        openssl('ocsp', '-index', self.index, '-CA', self.crt, '-rsigner', self.crt, '-rkey', self.key, '-issuer', self.crt,
                '-cert', self.folder / f'{file}.crt', '-respout', self.folder / f'{file}.new', '-ndays', '2', '-noverify')
        (self.folder / f'{file}.new').rename(self.folder / f'{file}.der')

    def list_revoked(self):
        """The list of revoked certificates, in NAME.crl."""
        path = self.folder / f'{self.name}.crl'
        config = self.folder / f'{self.name}.cnf'
        config.write_text(f'[ca]\ndefault_ca=d\n[d]\ndatabase={self.index}\ndefault_md=sha256\ndefault_crl_days=3\n')
        openssl('ca', '-gencrl', '-config', config, '-cert', self.crt, '-keyfile', self.key, '-out', path)
        return path
