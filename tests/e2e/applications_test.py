# SPDX-License-Identifier: MIT
"""Whole applications as their authors lay them out, before Outrider and before nginx with the
configuration that the application's manual gives: the same script is run with the same parameters,
the same file is sent, for at least 60 URLs each. The scripts of the trees tell what they were given.
The trees are made here; with CI_FULL=1 all are tried, and with APPLICATIONS=folder besides those of
Debian's packages that are unpacked in it as x-mediawiki, x-dokuwiki, x-phpsysinfo and x-adminer."""
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from parity_test import NGINX, TELL, Nginx, ask, get, told
from servers import Fpm, Outrider

FRONT = 'location / {{ try_files $uri $uri/ %s$is_args$args; }}'
PHP = '''location ~ \\.php(/|$) {{
            fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
            try_files $fastcgi_script_name =404;
            set $info $fastcgi_path_info;
            include /etc/nginx/fastcgi.conf;
            fastcgi_param PATH_INFO $info;
            fastcgi_param HTTP_PROXY "";
            fastcgi_pass unix:{fpm};
        }}
        location ~ /\\.(?!well-known) {{ if (-e $request_filename) {{ return 403; }} try_files $uri %s; }}'''

# name: (files; front controller; options of the site; locations of nginx, {front} where the usual one is)
APPLICATIONS = {
    'mediawiki': (
        'index.php api.php load.php rest.php img_auth.php thumb.php opensearch_desc.php LocalSettings.php mw-config/index.php '
        'includes/WebStart.php includes/.htaccess resources/lib/x.js resources/assets/logo.svg skins/Vector/x.css skins/Vector/skin.php '
        'extensions/Cite/x.js extensions/Cite/x.php images/a/ab/Photo.jpg images/README maintenance/update.php cache/l10n.php '
        'vendor/x.php docs/x.txt RELEASE-NOTES COPYING composer.json', '/index.php',
        'deny = {"/cache/*", "/maintenance/*", "/includes/*", "/vendor/*"}  deny-scripts = {"/images/*"}',
        'location ~ ^/(cache|maintenance|includes|vendor)/ {{ return 403; }} location ~ ^/images/.*\\.php {{ return 403; }}\n        {front}'),
    'dokuwiki': (
        'doku.php index.php feed.php install.php conf/local.php data/pages/start.txt data/media/x.jpg inc/init.php bin/dwpage.php '
        'vendor/autoload.php lib/exe/css.php lib/exe/js.php lib/exe/ajax.php lib/exe/fetch.php lib/exe/detail.php lib/exe/mediamanager.php '
        'lib/tpl/dokuwiki/style.css lib/tpl/dokuwiki/main.php lib/plugins/x/x.js lib/images/fileicons/x.png lib/images/blank.gif README VERSION', '',
        '''deny = {"/conf/*", "/data/*", "/bin/*", "/inc/*", "/vendor/*", "/install.php"}
        route "/_media/*" { try = {"{path}", "/lib/exe/fetch.php?media={1}&{query}"} }
        route "/_detail/*" { try = {"{path}", "/lib/exe/detail.php?media={1}&{query}"} }
        route "/" { try = {"/doku.php?id=&{query}"} }
        route "/lib/*" { try = {"{path}", "{path}/", "=404"} }
        route "*.php" {}  route "*.php/*" {}
        route "/*" { try = {"{path}", "{path}/", "/doku.php?id={1}&{query}"} }''',
        '''location ~ ^/(conf|data|bin|inc|vendor)/ {{ return 403; }} location = /install.php {{ return 403; }}
        location = / {{ rewrite ^ /doku.php?id= last; }}
        location /lib/ {{ try_files $uri $uri/ =404; }}
        location / {{ try_files $uri $uri/ @dokuwiki; }}
        location @dokuwiki {{
            rewrite ^/_media/(.*) /lib/exe/fetch.php?media=$1 last;
            rewrite ^/_detail/(.*) /lib/exe/detail.php?media=$1 last;
            rewrite ^/(.*) /doku.php?id=$1 last;
        }}'''),
    'phpsysinfo': (
        'index.php js.php xml.php read_config.php phpsysinfo.xslt phpsysinfo3.xsd includes/class.php data/x.txt gfx/loading.gif '
        'gfx/images/Debian.png js/jquery/jquery.js js/phpSysInfo/x.js language/de.xml language/language.php templates/phpsysinfo.css '
        'templates/html/index.html plugins/ps/ps.js plugins/ps/class.ps.php phpsysinfo.ini CHANGELOG.md', '',
        'deny = {"*.ini", "/includes/*"}',
        'location ~ \\.ini$ {{ return 403; }} location ~ ^/includes/ {{ return 403; }} location / {{ try_files $uri $uri/ =404; }}'),
    'adminer': (
        'adminer.php editor.php compile.php adminer/index.php adminer/static/default.css adminer/include/x.php editor/index.php designs/x/adminer.css '
        'designs/y/adminer.css plugins/plugin.php plugins/x.php externals/jush/jush.js readme.txt', '', '',
        'location / {{ try_files $uri $uri/ =404; }}'),
    'wordpress': (
        'index.php wp-login.php wp-cron.php wp-signup.php wp-activate.php xmlrpc.php wp-config.php wp-admin/index.php wp-admin/admin-ajax.php '
        'wp-admin/network/index.php wp-admin/css/x.css wp-includes/js/x.js wp-includes/x.php wp-content/themes/t/style.css '
        'wp-content/themes/t/index.php wp-content/plugins/p/p.js wp-content/uploads/2024/x.jpg wp-content/uploads/x.php '
        'wp-content/uploads/sites/2/y.jpg readme.html license.txt .htaccess', '/index.php',
        '''route "~ ^/[_0-9a-zA-Z-]+(/wp-(?:content|admin|includes).*)$" { try = {"{path}", "{path}/", "{1}"} }
        route "~ ^/[_0-9a-zA-Z-]+(/[^/]*[.]php)$" { try = {"{path}", "{1}"} }''',
        '''location ~ ^/wp-content/uploads/.*\\.php {{ return 403; }}
        location ~ ^/(?!wp-)[_0-9a-zA-Z-]+/(?:wp-(?:content|admin|includes)|[^/]*\\.php$) {{
            if (!-e $request_filename) {{ rewrite ^/[_0-9a-zA-Z-]+(/wp-(content|admin|includes).*) $1 last; }}
            if (!-e $request_filename) {{ rewrite ^/[_0-9a-zA-Z-]+(/.*\\.php)$ $1 last; }}
        }}
        {front}'''),
    'laravel': (
        'index.php .htaccess robots.txt favicon.ico build/assets/app-4f1a.js build/assets/app-4f1a.css build/manifest.json css/app.css '
        'storage/avatars/x.png storage/evil.php vendor/livewire/livewire.js mix-manifest.json web.config', '/index.php', '',
        'location ~ ^/storage/.*\\.php {{ return 403; }}\n        {front}'),
    'symfony': (
        'index.php bundles/x/x.css bundles/x/y.js build/app.js build/entrypoints.json uploads/x.pdf uploads/x.php robots.txt favicon.ico '
        '.well-known/security.txt _wdt/none.txt', '/index.php',
        'route "/index.php*" { missing-scripts = 404 }  route "/uploads/*" {}',
        'location ~ ^/uploads/.*\\.php {{ return 403; }}\n        {front}'),
}
PRETTY = '''/ /?a=b /page /page/ /a/b/c?d=e /wiki/Main_Page /wiki/A%2FB /wiki/Caf%C3%A9 /wiki/C%2B%2B /wiki/a+b /wiki/.NET /start:page
/api/v1/users/17 /2024/05/01/post/ /feed/ /search/?q=%C3%A4 /a%20b /index.php/a/b?c /index.php?title=A&action=raw /_media/x.jpg?w=1
/_detail/a:b.png /none.css /none.php /none/ /none.php/x /.git/config /.env /~user/ /blog/page/2/ /site2/wp-admin/css/x.css
/site2/wp-login.php?a /site2/wp-content/uploads/2024/x.jpg /site2/wp-includes/js/x.js /site2/post/ /site2/ /a.b.c/d /x;y=z /a:b@c
/%7Euser /a%25b /livewire/update /_wdt/abc /_profiler/x?panel=y /.well-known/none /admin/a.json'''.split()
SOURCE = b"file_get_contents('php://input')"   # of the scripts


def targets_of(files):
    folders = sorted({'/'.join(name.split('/')[:i]) for name in files for i in range(1, name.count('/') + 1)})
    return ([f'/{name}' for name in files] + [f'/{name}/x' for name in files if name.endswith('.php')] +
            [f'/{folder}{slash}' for folder in folders for slash in ('', '/')] + PRETTY)


def plant(root, files):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(TELL if name.endswith('.php') else f'this is {name}')


def packaged(root, name):
    """The tree of a package; what a script says is replaced, where it lies is not."""
    share = Path(os.environ['APPLICATIONS']) / f'x-{name}/usr/share/{name}'
    shutil.copytree(share, root, symlinks=False, ignore_dangling_symlinks=True)
    for path in root.rglob('*.php'):
        if path.is_file():
            path.write_text(TELL)


@pytest.fixture(scope='module')
def fpm(tmp_path_factory):
    made = Fpm(tmp_path_factory.mktemp('fpm'), children=2)
    yield made
    made.stop()


def unquote_twice(body):
    return unquote(unquote(re.sub(rb'localhost%3A\d+', b'HOST', body).decode('latin-1')))


# Statuses of ours and of nginx's that may differ, of a target or of its kind, and why.
def is_excused(ours, theirs, target):
    return (
        # nginx answers a folder without an index file 403, Outrider asks the front controller, or has nothing.
        theirs.status in (301, 403) and ours.status in (200, 404) and not target.endswith('.php')
        # What the part before PATH_INFO is: without such a script it is the application's.
        or re.search(r'none\.php/x|\.php/.*', target) and (ours.status, theirs.status) in ((200, 404), (404, 200), (403, 404))
        # A name that begins with a dot hides only what is there, and never shows it.
        or '/.' in target and ours.status in (200, 403, 404) and theirs.status in (200, 403, 404)
        # Media types that are newer than nginx's table: text/javascript (RFC 9239), application/xml (RFC 7303), text/markdown.
        or ours.status == theirs.status == 200 and target.endswith(('.js', '.xml', '.md')) and ours.body == theirs.body
        # In a query a ";" and a "=" may be encoded or not.
        or ours.status == theirs.status == 200 and ';' in target and unquote_twice(ours.body) == unquote_twice(theirs.body)
        # nginx closes the name of the script, and not what leads to it.
        or target.startswith('/install.php/') and ours.status == 403)


CASES = [*APPLICATIONS, 'mediawiki linked'] if os.environ.get('CI_FULL') else ['dokuwiki', 'wordpress', 'mediawiki linked']


@pytest.mark.parametrize('case', CASES)
def test_an_application_is_served_as_by_nginx(fpm, tmp_path, case):
    """`linked`: as Debian packages it, a root of links to the tree elsewhere."""
    name, _, linked = case.partition(' ')
    files, front, site, locations = APPLICATIONS[name]
    files, root = files.split(), tmp_path / 'root'
    if os.environ.get('CI_FULL') and (Path(os.environ.get('APPLICATIONS', '/none')) / f'x-{name}').exists():
        packaged(root, name)
        inside = [str(p.relative_to(root)) for p in sorted(root.rglob('*')) if p.is_file()]
        files = files + inside[::max(1, len(inside) // 200)]
    else:
        plant(root, files)
    if linked:
        root.rename(tmp_path / 'tree')
        root.mkdir()
        for entry in (tmp_path / 'tree').iterdir():
            (root / entry.name).symlink_to(entry)
    end = '=404' if not front else f'{front}$is_args$args'
    body = locations.replace('{front}', FRONT % front) + '\n        ' + PHP % end
    conf = re.sub(r'location /kept/.*\n    }}\n}}\n', lambda m: body + '\n    }}\n}}\n', NGINX, flags=re.DOTALL)
    nginx = Nginx(tmp_path / 'nginx', root, fpm.path, conf)
    outrider = Outrider(tmp_path / 'outrider', root=root, fastcgi=f'unix:{fpm.path}', workers=1,
                        front_controller=front or None, site=site)
    wrong, targets = [], targets_of(files)
    for target in targets:
        ours, theirs = (ask(s, get(target.encode())) for s in (outrider, nginx))
        assert SOURCE not in ours.body, target
        if told(ours) != told(theirs) and not is_excused(ours, theirs, target):
            wrong.append((target, told(ours), told(theirs)))
    outrider.stop()
    nginx.stop()
    print(f'{case}: {len(targets) - len(wrong)} of {len(targets)} alike')
    assert len(targets) >= 60 and not wrong, '\n'.join(map(str, wrong))
