#!/bin/sh
# SPDX-License-Identifier: MIT
# Inside a bare system, called by tests/package.sh: installs the packages at /root, then shows what
# they keep over use, upgrade, removal and purge.
set -eu
cd /root
deb=$(ls outrider_*.deb)
conf=/etc/outrider/outrider.conf
store=/var/lib/outrider/learned.db
admin=unix:/run/outrider/admin.sock
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

say() {
    printf -- '-- %s\n' "$*"
}

fail() {
    echo "FAILED: $*" >&2
    [ ! -e log ] || tail -n 20 log >&2
    exit 1
}

# await COMMAND...: until it succeeds, at most thirty seconds.
await() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "in vain: $*"
        sleep 0.1
    done
}

start() {
    outrider run --config "$conf" >log 2>&1 &
    pid=$!
    await grep -q 'info ready' log
}

stop() {
    kill "$pid"
    wait "$pid" || fail "outrider ended with $?"
}

knows() {
    outrider routes --admin "$admin" | grep -q "$1"
}

# A package as it would have been before this one: the same but for its version.
make_older() {
    rm -rf older
    dpkg-deb --raw-extract "$deb" older
    sed -i 's/^Version: .*/Version: 0.0.1/' older/DEBIAN/control
    dpkg-deb --root-owner-group --build older older.deb >/dev/null
}

install_all() {
    apt-get update -qq
    say "dpkg -i, then apt-get brings what it needs"
    dpkg -i ./*.deb >log 2>&1 || apt-get install -qq --yes --no-install-recommends --fix-broken >log 2>&1 || fail "install"
    for package in outrider fcgi-bridge; do
        dpkg-query --show --showformat '${Package} ${Version} ${Status}\n' "$package"
    done
    say "PHP-FPM, nginx and curl for the tests"
    apt-get install -qq --yes --no-install-recommends php-fpm nginx-light curl >log 2>&1 || fail "apt-get"
}

tests() {
    say "the tests of debian/tests"
    sh hints
    sh bridge
}

run_by_hand() {
    say "outrider run without a file"
    mkdir -p site
    echo hello >site/index.html
    outrider run --root /root/site --fastcgi unix:/nowhere --listen http://127.0.0.1:8081 >log 2>&1 &
    pid=$!
    await curl --silent --fail --output answer http://127.0.0.1:8081/
    cat answer
    stop
}

kept() {
    knows /index.php || fail "what was learned is gone"
    grep -q '^# mine$' "$conf" || fail "the configuration is gone"
}

upgrade() {
    say "an upgrade over an older build keeps what was learned and the configuration"
    make_older
    dpkg -i --force-downgrade older.deb >dpkg.log 2>&1
    echo '# mine' >>"$conf"
    echo key >/etc/outrider/site.key
    start
    before=$pid
    kept
    # As systemd would have it: the unit is active, and the package asks.
    mkdir -p /run/systemd/system
    for name in systemctl deb-systemd-invoke; do
        printf '#!/bin/sh\necho "%s $*" >>/root/asked\n' "$name" >"/usr/local/bin/$name"
        chmod 755 "/usr/local/bin/$name"
    done
    export PATH="/usr/local/bin:$PATH"
    dpkg -i --force-confold "$deb" >dpkg.log 2>&1 || fail "dpkg -i: $(cat dpkg.log)"
    wait "$before" || fail "the older program ended with $?"
    rm -r /run/systemd/system /usr/local/bin/systemctl /usr/local/bin/deb-systemd-invoke
    curl --silent --insecure --output answer https://localhost:8443/ || fail "nobody serves after the upgrade"
    kept
    ! grep -q try-restart asked || fail "the service was started again: $(cat asked)"
    pid=$(outrider_pid)
    echo "process $before made way for process $pid; asked of systemd: $(tr '\n' ';' <asked)"
    kill "$pid"
    await test ! -e "/proc/$pid"
}

# Of the only one that runs.
outrider_pid() {
    curl --silent --unix-socket "${admin#unix:}" http://localhost/process | sed 's/.*"pid":\([0-9]*\).*/\1/'
}

remove() {
    say "removal keeps what was learned; installed again it is there"
    dpkg --remove outrider >dpkg.log 2>&1
    [ ! -e /usr/bin/outrider ] || fail "the program is still there"
    [ -s "$store" ] && [ -e "$conf" ] || fail "removal took the data"
    dpkg -i "$deb" >dpkg.log 2>&1
    start
    kept
    stop
}

purge() {
    say "purge removes it, and leaves what is not the package's"
    dpkg --purge outrider fcgi-bridge >dpkg.log 2>&1
    for path in /var/lib/outrider /var/log/outrider /run/outrider "$conf" /usr/share/outrider /etc/logrotate.d/outrider; do
        [ ! -e "$path" ] || fail "purge left $path"
    done
    [ -e /etc/outrider/site.key ] || fail "purge took the operator's key"
    find / -xdev -path /proc -prune -o -path /root -prune -o -name '*outrider*' -print
}

case $1 in
install) install_all ;;
prove)
    tests
    run_by_hand
    upgrade
    remove
    purge
    ;;
esac
