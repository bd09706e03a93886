#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows Outrider behind a front that speaks TLS for it, on https://localhost:8443/:
#
#     sh php-examples/behind.sh haproxy     or nginx, caddy, apache, varnish (with hitch)
#
# Both sides' configuration is in behind-NAME/ and runs as it is printed there, but that the site and
# PHP-FPM's socket are of a temporary folder, in which a certificate is, too. FRONT_PORT, OUTRIDER_PORT and INSIDE_PORT stand
# in for 8443, 8080 and 8081. Ctrl-C ends everything.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(dirname -- "$here")
PATH=$PATH:/usr/sbin
name=${1-}
case $name in
haproxy | nginx | caddy) needs=$name ;;
apache) needs=apache2 ;;
varnish) needs="varnishd hitch" ;;
*) echo "usage: sh php-examples/behind.sh haproxy|nginx|caddy|apache|varnish" >&2; exit 2 ;;
esac
for program in $needs php-fpm8.2 openssl; do
    command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 1; }
done

outrider=${OUTRIDER:-$top/build/release/outrider}
if [ ! -x "$outrider" ]; then
    sh "$top/tests/install.sh" build demo
    (cd -- "$top" && cmake --preset release >/dev/null && cmake --build --preset release --target outrider)
fi

dir=$(mktemp -d)
chmod 755 "$dir"
pids=
clean_up() {
    trap - EXIT
    trap '' INT TERM HUP
    for pid in $pids; do
        kill "$pid" 2>/dev/null || :
    done
    for pid in $pids; do
        wait "$pid" 2>/dev/null || :
    done
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 0' INT TERM HUP

for file in "$here/behind-$name"/*; do
    sed -e "s/8443/${FRONT_PORT:-8443}/; s/8080/${OUTRIDER_PORT:-8080}/; s/8081/${INSIDE_PORT:-8081}/" \
        -e "s|/run/php/php8.2-fpm.sock|$dir/fpm.sock|; s|/srv/site|$dir/site|" "$file" >"$dir/$(basename "$file")"
done
cp -R "$here/site" "$dir/site"
find "$dir/site" -exec touch -d '1 day ago' {} + # browsers do not keep what changed a moment ago
cd -- "$dir"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
cat cert.pem key.pem >both.pem
cat >fpm.conf <<END
[global]
error_log = $dir/fpm.log
daemonize = no
[www]
listen = $dir/fpm.sock
pm = static
pm.max_children = 4
END
as_root=
if [ "$(id -u)" = 0 ]; then
    as_root=-R
    printf 'user = root\ngroup = root\n' >>fpm.conf
fi

# start COMMAND...: in the background; what it says is in a file of its number.
start() {
    "$@" >"$dir/said.$#" 2>&1 &
    pids="$! $pids"
}
start php-fpm8.2 $as_root -n -y "$dir/fpm.conf"
tries=0
until [ -S fpm.sock ] || [ "$tries" = 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
start "$outrider" run --config outrider.conf
case $name in
haproxy) start haproxy -db -f haproxy.cfg ;;
nginx) start nginx -p "$dir" -c nginx.conf -e stderr ;;
caddy) start env HOME="$dir" XDG_DATA_HOME="$dir" XDG_CONFIG_HOME="$dir" caddy run --config Caddyfile --adapter caddyfile ;;
apache) start apache2 -DFOREGROUND -d "$dir" -f apache.conf ;;
varnish)
    start varnishd -F -j none -n "$dir/varnish" -f "$dir/default.vcl" -s malloc,64M -T none -p feature=+http2 \
        -a "127.0.0.1:${INSIDE_PORT:-8081},PROXY"
    [ "$(id -u)" = 0 ] || sed -i '/^user/d' hitch.conf # it cannot become another
    start hitch --config hitch.conf
    ;;
esac

address=https://localhost:${FRONT_PORT:-8443}/
tries=0
until curl -skf -o /dev/null "$address"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat said.* >&2; exit 1; }
    sleep 0.1
done
echo "ready: $address"
wait
