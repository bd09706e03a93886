#!/bin/sh
# SPDX-License-Identifier: MIT
# gitweb, cgit and git-http-backend (clone and push) by fcgi-bridge, behind Outrider or nginx:
#
#     sh php-examples/git/run.sh [outrider|nginx] [--once]
#
# clones, pushes and looks at both pages; then it stays until Ctrl-C, or ends with --once.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
packages=demo-git
. "$(dirname -- "$here")/programs.sh"
front=outrider
once=
for word; do
    case $word in
    outrider | nginx) front=$word ;;
    --once) once=yes ;;
    *) echo "usage: sh php-examples/git/run.sh [outrider|nginx] [--once]" >&2; exit 2 ;;
    esac
done
port=${PORT:-8104}
export HOME="$dir" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a \
    GIT_COMMITTER_EMAIL=a@localhost

nginx() {
    cat >"$dir/nginx.conf" <<END
daemon off; pid $dir/nginx.pid; error_log stderr; worker_processes 1;
$([ "$(id -u)" != 0 ] || echo "user root;")
events {}
http {
    access_log off; client_max_body_size 1g; client_body_temp_path $dir/body;
    fastcgi_temp_path $dir/fastcgi; proxy_temp_path $dir/proxy; uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:$port;
        root $dir/root;
        location / {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
            fastcgi_pass unix:$dir/bridge.sock;
        }
    }
}
END
    command nginx -c "$dir/nginx.conf" 2>"$dir/nginx.log" &
    pids="$pids $!"
    await curl -s "http://localhost:$port/"
}

mkdir "$dir/root" "$dir/repositories"
cp "$here"/*.cgi "$dir/root/"
git init -q --bare -b main "$dir/repositories/one.git"
git -C "$dir/repositories/one.git" config http.receivepack true # whoever can connect may push
bridge "$dir/root" --env "GIT_PROJECT_ROOT=$dir/repositories" --env GIT_HTTP_EXPORT_ALL=1 --env "HOME=$dir"
case $front in
nginx) nginx ;;
*) outrider "$dir/root" ;;
esac

site=http://localhost:$port
say "Cloning, committing and pushing through $front"
git clone -q "$site/git.cgi/one.git" "$dir/work" 2>/dev/null
head -c 400000 /dev/urandom >"$dir/work/large"
git -C "$dir/work" add large
git -C "$dir/work" commit -qm 'A first commit'
git -C "$dir/work" push -q origin HEAD:main
git clone -q -b main "$site/git.cgi/one.git" "$dir/again"
git -C "$dir/again" log --format='%h %s'
say "gitweb and cgit"
curl -s "$site/gitweb.cgi?p=one.git;a=shortlog" | grep -o 'A first commit' | head -n 1
curl -s "$site/cgit.cgi/one.git/log/" | grep -o 'A first commit' | head -n 1
[ -n "$once" ] || { say "$site/gitweb.cgi and $site/cgit.cgi, until Ctrl-C"; wait; }
