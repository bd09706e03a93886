# SPDX-License-Identifier: MIT
"""A WordPress of its own: the Debian packages unpacked into a folder, not installed; a MariaDB and
a PHP-FPM on unix sockets in that folder; content that is the same each time. Everything goes with
`close` and the folder.

The site's address is https://wp.test whatever port it is reached on: WordPress writes absolute URLs
and redirects what comes under another name, so clients say that name and connect where they like.
One installation shows several themes at once: the FastCGI parameter WP_THEME says which."""
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers import ROOT, Process

HERE = Path(__file__).resolve().parent
HOST = 'wp.test'
CLASSIC, BLOCK = 'twentytwentyone', 'twentytwentythree'
THEMES = CLASSIC, BLOCK
# A style variation of the block theme as a child theme: it uses fonts which its parent declares.
FONTS = BLOCK + '-pitch'
AS_ROOT = os.getuid() == 0


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, **options)
    assert done.returncode == 0, f'{command}:\n{done.stdout[-4000:]}'
    return done.stdout


def unpack(folder):
    """The packages' files under `folder`; their links lead into it instead of into the system."""
    run('sh', ROOT / 'tests/install.sh', '--unpack', folder, 'wordpress-files')
    for path in [p for p in (folder / 'usr/share/wordpress').rglob('*') if p.is_symlink()]:
        target = os.readlink(path)
        target = folder / target.lstrip('/') if target.startswith('/') else path.parent / target
        path.unlink()
        if target.is_file():
            shutil.copyfile(target, path)
    return folder / 'usr/share/wordpress'


def make_child_theme(themes):
    """What choosing a style variation in the editor comes to, as a theme."""
    child = themes / FONTS
    child.mkdir()
    (child / 'style.css').write_text(f'/*\nTheme Name: {FONTS}\nTemplate: {BLOCK}\nVersion: 1.0\n*/\n')
    shutil.copyfile(themes / BLOCK / 'styles/pitch.json', child / 'theme.json')


class Database(Process):
    def __init__(self, folder):
        self.data = folder / 'data'
        self.socket = folder / 'mariadb.sock'
        user = ['--user=root'] if AS_ROOT else []
        run('mariadb-install-db', '--no-defaults', f'--datadir={self.data}', '--skip-test-db',
            '--auth-root-authentication-method=normal', *user)
        program = shutil.which('mariadbd') or '/usr/sbin/mariadbd'
        super().__init__([program, '--no-defaults', f'--datadir={self.data}', f'--socket={self.socket}',
                          f'--pid-file={folder}/mariadb.pid', '--skip-networking', '--skip-log-bin',
                          '--innodb-buffer-pool-size=32M', '--innodb-flush-log-at-trx-commit=0', *user],
                         folder / 'mariadb.log')
        self.wait_started(lambda: self.ask('select 1').returncode == 0)
        done = self.ask('create database wordpress character set utf8mb4')
        assert done.returncode == 0, done.stderr

    def ask(self, statement):
        return subprocess.run(['mariadb', '--no-defaults', '--user=root', f'--socket={self.socket}',
                               '-e', statement],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


class Php(Process):
    """PHP-FPM with Debian's own settings, opcache too, in which WordPress usually runs."""

    def __init__(self, folder):
        self.path = str(folder / 'php.sock')
        config = folder / 'php.conf'
        config.write_text(f'''[global]
error_log = {folder}/php-error.log
daemonize = no
[www]
listen = {self.path}
pm = static
pm.max_children = 4
php_admin_value[error_log] = {folder}/php-error.log
php_admin_flag[log_errors] = on
{'user = root' if AS_ROOT else ''}
{'group = root' if AS_ROOT else ''}
''')
        program = shutil.which('php-fpm8.2') or '/usr/sbin/php-fpm8.2'
        super().__init__([program, *(['-R'] if AS_ROOT else []), '-y', str(config)], folder / 'php.log')
        self.wait_started(lambda: os.path.exists(self.path))


class WordPress:
    """The whole site, ready when made."""

    def __init__(self, folder):
        self.folder = folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.started = []
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def build(self):
        with ThreadPoolExecutor(2) as pool:     # neither needs the other
            files = pool.submit(unpack, self.folder / 'files')
            self.started.append(Database(self.folder))
            self.root = files.result()
        config = (HERE / 'php/wp-config.php').read_text()
        (self.root / 'wp-config.php').write_text(
            config.replace('FOLDER', str(self.folder)).replace('SITE', f'https://{HOST}'))
        plugins = self.root / 'wp-content/mu-plugins'
        plugins.mkdir()
        shutil.copyfile(HERE / 'php/theme.php', plugins / 'theme.php')
        make_child_theme(self.root / 'wp-content/themes')
        (self.root / 'wp-content/uploads').mkdir()
        out = run('php8.2', HERE / 'php/install.php', self.root, HOST)
        assert not out.strip(), out
        self.started.append(Php(self.folder))

    @property
    def fastcgi(self):
        return f'unix:{self.started[-1].path}'

    def errors(self):
        """What PHP complained about."""
        log = self.folder / 'php-error.log'
        return [line for line in log.read_text().splitlines() if 'PHP ' in line] if log.exists() else []

    def close(self):
        faults = []
        for process in reversed(self.started):
            try:
                process.stop()
            except AssertionError as error:
                faults.append(str(error))
        self.started.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not faults, '\n'.join(faults)
