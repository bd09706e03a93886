# SPDX-License-Identifier: MIT
# What the examples with CGI programs have in common; sourced by them. OUTRIDER names a program that
# is built already; without it the release is built.
top=$(dirname -- "$(dirname -- "$here")")
dir=$(mktemp -d)
pids=

clean_up() {
    trap - EXIT
    for pid in $pids; do
        kill "$pid" 2>/dev/null || :
    done
    for pid in $pids; do
        wait "$pid" 2>/dev/null || :
    done
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'echo; exit 0' INT TERM HUP

say() {
    printf '\n== %s\n' "$*"
}

# await COMMAND...: until it succeeds, at most ten seconds.
await() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { echo "did not start: $*" >&2; cat "$dir"/*.log >&2; exit 1; }
        sleep 0.1
    done
}

if [ -z "${OUTRIDER-}" ]; then
    sh "$top/tests/install.sh" build "$packages"
    OUTRIDER=$top/build/release/outrider
    (cd -- "$top" && cmake --preset release >/dev/null &&
        cmake --build --preset release --target outrider fcgi-bridge)
fi

# bridge ROOT OPTION...: starts it at $dir/bridge.sock.
bridge() {
    "$(dirname -- "$OUTRIDER")/fcgi-bridge" --listen "unix:$dir/bridge.sock" --root "$@" 2>"$dir/bridge.log" &
    pids="$pids $!"
    await test -S "$dir/bridge.sock"
}

# outrider ROOT: starts it on $port, for programs that end in .cgi; $listen is https or http.
outrider() {
    cat >"$dir/outrider.conf" <<END
listen "${listen-http}://localhost:$port" {}
pool "cgi" { servers = { "unix:$dir/bridge.sock" } }
site "localhost" {
    root = "$1"
    pool = "cgi"
    scripts = { ".cgi" }
    body-limit = 1GB
    hints { clients = all }
}
END
    "$OUTRIDER" run --config "$dir/outrider.conf" 2>"$dir/outrider.log" &
    pids="$pids $!"
    await grep -q 'listening on' "$dir/outrider.log"
}
