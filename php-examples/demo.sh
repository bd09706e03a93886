#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows what Outrider does, on a page that thinks for 400 ms:
#
#     sh php-examples/demo.sh            until Ctrl-C, to be looked at in a browser
#     sh php-examples/demo.sh --once     ends after the show
#
# Installs what is missing (tests/packages.txt), builds, starts PHP-FPM and Outrider of its own in
# a temporary folder, and takes both away again at the end.
set -eu

once=
case ${1-} in
'') ;;
--once) once=yes ;;
*) echo "usage: sh php-examples/demo.sh [--once]" >&2; exit 2 ;;
esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(dirname -- "$here")
outrider=$top/build/release/outrider

say() {
    printf '\n== %s\n' "$*"
}

say "Looking for what is needed"
sh "$top/tests/install.sh" build demo
say "Building (the first time takes a minute or two)"
(
    cd -- "$top"
    cmake --preset release >/dev/null
    cmake --build --preset release --target outrider
)

fpm=
for name in php-fpm8.2 php-fpm /usr/sbin/php-fpm8.2; do
    if command -v "$name" >/dev/null; then
        fpm=$name
        break
    fi
done
[ -n "$fpm" ] || { echo "PHP-FPM is not there" >&2; exit 1; }

dir=$(mktemp -d)
fpm_pid=
outrider_pid=
clean_up() {
    trap - EXIT
    for pid in $outrider_pid $fpm_pid; do
        kill "$pid" 2>/dev/null || :
    done
    for pid in $outrider_pid $fpm_pid; do
        wait "$pid" 2>/dev/null || :
    done
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'echo; exit 0' INT TERM HUP

# await FILE-OR-SOCKET PID: until it is there and not empty, at most ten seconds.
await() {
    tries=0
    until [ -S "$1" ] || [ -s "$1" ]; do
        kill -0 "$2" 2>/dev/null || return 1
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.1
    done
}

say "Starting PHP-FPM"
cat >"$dir/fpm.conf" <<END
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
    printf 'user = root\ngroup = root\n' >>"$dir/fpm.conf"
fi
"$fpm" $as_root -n -y "$dir/fpm.conf" >"$dir/fpm.out" 2>&1 &
fpm_pid=$!
if ! await "$dir/fpm.sock" "$fpm_pid"; then
    echo "PHP-FPM did not start:" >&2
    cat "$dir/fpm.out" "$dir/fpm.log" >&2 2>/dev/null || :
    exit 1
fi

# start PORT: true when Outrider listens there.
start() {
    : >"$dir/outrider.log"
    "$outrider" run --root "$here/site" --fastcgi "unix:$dir/fpm.sock" \
        --listen "https://localhost:$1" --front-controller /index.php 2>"$dir/outrider.log" &
    outrider_pid=$!
    tries=0
    until grep -q 'listening on https://' "$dir/outrider.log"; do
        kill -0 "$outrider_pid" 2>/dev/null || return 1
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.1
    done
}

say "Starting Outrider"
if ! start 8443; then
    echo "Port 8443 is not free; taking another one."
    kill "$outrider_pid" 2>/dev/null || :
    if ! start 0; then
        echo "Outrider did not start:" >&2
        cat "$dir/outrider.log" >&2
        exit 1
    fi
fi
address=$(sed -n 's|.*listening on \(https://[^ ]*\).*|\1|p' "$dir/outrider.log" | head -n 1)
address=${address%/}/

# ask: one navigation as a browser asks for it, on a connection of its own, told with times.
ask() {
    curl -sk --http2 -o "$dir/page" -v --trace-time -H 'sec-fetch-mode: navigate' \
        -H 'sec-fetch-dest: document' "$address" 2>"$dir/trace" || {
        echo "curl could not ask $address" >&2
        cat "$dir/trace" "$dir/outrider.log" >&2
        exit 1
    }
    # 12:34:56.789012 < HTTP/2 103
    awk '
        function at(clock, part) {
            split(clock, part, ":")
            return ((part[1] * 60 + part[2]) * 60 + part[3]) * 1000
        }
        function after(now) {
            return now < asked ? now + 86400000 - asked : now - asked
        }
        { sub(/\r$/, "") }
        $2 == ">" && $3 == "GET" {
            asked = at($1)
            printf "        0 ms   GET %s\n", $4
        }
        $2 == "<" && $3 ~ /^HTTP/ {
            status = $4
            names = "200 OK"
            if (status == 103)
                names = "103 Early Hints"
            else if (status != 200)
                names = status
            printf "   %6.0f ms   %s\n", after(at($1)), names
        }
        $2 == "<" && tolower($3) == "link:" && status == 103 {
            line = $0
            sub(/^[^:]*:[^:]*:[^:]*: /, "", line)
            count = split(line, link, /, *</)
            for (n = 1; n <= count; n++)
                printf "               %s%s\n", (n > 1 ? "<" : ""), link[n]
        }
    ' "$dir/trace"
}

say "The first visitor: Outrider does not know the page yet"
ask
if grep -q '< HTTP/2 103' "$dir/trace"; then
    echo "That was not expected: a 103 before anything was learned." >&2
    exit 1
fi
sleep 0.3
say "The second visitor: the answer to \"what will I need?\" comes at once"
ask
if ! grep -q '< HTTP/2 103' "$dir/trace" || ! grep -q '< HTTP/2 200' "$dir/trace"; then
    echo "There was no 103 and 200. Outrider said:" >&2
    cat "$dir/outrider.log" >&2
    exit 1
fi

if [ -n "$once" ]; then
    say "Done"
    exit 0
fi
say "Now you: open $address"
cat <<END
The certificate is made in memory, so the browser will ask whether to go on; and because browsers
keep nothing from a certificate that they do not trust, it then fetches hinted assets twice. To see
it as with a real certificate, start Chromium so:

    chromium --user-data-dir=$dir/chromium \\
        --ignore-certificate-errors-spki-list=$(sed -n 's|.*SPKI sha256/\([A-Za-z0-9+/=]*\).*|\1|p' "$dir/outrider.log" | head -n 1) $address

Ctrl-C ends everything.
END
wait "$outrider_pid"
