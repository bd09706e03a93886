#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the packages of debian/ and shows that they work on a Debian 12 that has nothing else:
#
#     sh tests/package.sh build           the packages, into build/package, looked at by lintian
#     sh tests/package.sh prove           install, serve, upgrade, remove and purge them in a bare system
#     sh tests/package.sh demo            the demo of the README in a bare system
#     sh tests/package.sh reproducible    two builds at other places and times are the same bytes
#     sh tests/package.sh                 all but the demo
#
# Needs root; the bare systems are folders below build/package, entered by chroot, with processes
# and, while programs run, a network of their own. The first is made with debootstrap, from the mirror
# that this machine uses.
set -eu
cd -- "$(dirname -- "$0")/.."
top=$PWD
work=$top/build/package
base=$work/base
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

say() {
    printf '\n== %s\n' "$*"
}

# source_into FOLDER: the files of a clean clone, and those that are not committed yet.
source_into() {
    rm -rf "$1"
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from - | tar --extract --directory "$1"
}

# packages FOLDER: builds them beside a source at FOLDER/outrider.
packages() {
    source_into "$1/outrider"
    (cd "$1/outrider" && dpkg-buildpackage --no-sign --build=binary >"$1/log" 2>&1) || {
        tail -n 40 "$1/log"
        return 1
    }
}

build() {
    say "Building packages"
    packages "$work/build"
    say "Asking lintian"
    lintian --allow-root --display-info --display-experimental --pedantic \
        --fail-on error,warning,info,pedantic,experimental "$work"/build/*.changes
    ls -l "$work"/build/*.deb
}

# bare ROOT: a Debian 12 of which no package is more than the base.
bare() {
    mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' | grep -v security | head -n 1)
    mirror=${mirror:-http://deb.debian.org/debian}
    if [ ! -d "$base" ]; then
        rm -rf "$base.part"
        debootstrap --variant=minbase bookworm "$base.part" "$mirror" >"$work/debootstrap.log"
        mv "$base.part" "$base"
    fi
    rm -rf "$1"
    cp -a "$base" "$1"
    cp /etc/resolv.conf /etc/hosts "$1/etc/"
    printf 'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n' >"$1/etc/apt/apt.conf.d/99time"
    printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s bookworm-security main\n' \
        "${mirror%/}" "${mirror%/}" "$(echo "${mirror%/}" | sed 's#/debian$#/debian-security#')" >"$1/etc/apt/sources.list"
}

# enter ROOT OPTION... -- COMMAND...: runs it in the system, as the only processes there.
enter() {
    root=$1
    shift
    options=
    while [ "$1" != -- ]; do
        options="$options $1"
        shift
    done
    shift
    # shellcheck disable=SC2086
    unshare --mount --pid --fork --kill-child $options sh -c '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        ! command -v ip >/dev/null || ip link set lo up
        exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive "$@"' sh "$root" "$@"
}

prove() {
    ls "$work"/build/outrider_*.deb >/dev/null 2>&1 || build
    say "A bare Debian 12"
    root=$work/root
    bare "$root"
    cp "$work"/build/outrider_*.deb "$work"/build/fcgi-bridge_*.deb debian/tests/hints debian/tests/bridge \
        tests/package_proof.sh "$root/root/"
    enter "$root" -- sh /root/package_proof.sh install
    enter "$root" --net -- sh /root/package_proof.sh prove
    rm -rf "$root"
}

demo() {
    say "The demo on a bare Debian 12"
    root=$work/root
    bare "$root"
    source_into "$root/root/outrider"
    enter "$root" -- sh -c 'cd /root/outrider && sh php-examples/demo.sh --once'
    rm -rf "$root"
}

reproducible() {
    say "Two builds"
    packages "$work/one"
    (
        umask 077
        export TZ=Asia/Kathmandu LC_ALL=C DEB_BUILD_OPTIONS=parallel=1
        packages "$work/another-place-of-another-length"
    )
    for deb in "$work"/one/*.deb; do
        cmp "$deb" "$work/another-place-of-another-length/$(basename "$deb")"
        sha256sum "$deb"
    done
}

[ "$(id -u)" = 0 ] || { echo "tests/package.sh needs root" >&2; exit 2; }
sh tests/install.sh build package
mkdir -p "$work"
case ${1-all} in
build | prove | demo | reproducible) "$1" ;;
all) build && prove && reproducible ;;
*) sed -n '3,15p' "$0" >&2; exit 2 ;;
esac
say "Done"
