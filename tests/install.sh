#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing of the given groups of tests/packages.txt:
#
#     sh tests/install.sh build demo
#     sh tests/install.sh --unpack FOLDER wordpress-files
#
# Does nothing, and asks nobody, when everything is there. With --unpack nothing is installed: the
# packages' files are laid out under FOLDER.
set -eu
usage() {
    echo "usage: sh tests/install.sh [--unpack FOLDER] GROUP..." >&2
    exit 2
}
list=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/packages.txt

# packages GROUP: the names of its packages.
packages() {
    awk -v group="$1" '$1 == group { print $2 }' "$list"
}

# unpack FOLDER GROUP...: fetches the packages and lays their files out under FOLDER.
unpack() {
    mkdir -p "$1"
    cd -- "$1"
    shift
    fetched=$(mktemp -d)
    trap 'rm -rf "$fetched"' EXIT
    chmod 755 "$fetched" # apt fetches as a user of its own
    names=$(for group; do packages "$group"; done)
    [ -n "$names" ] || usage
    # shellcheck disable=SC2086
    if ! (cd "$fetched" && apt-get download -qq $names >&2); then
        # The lists are missing, or name files that are gone.
        [ "$(id -u)" = 0 ] && apt-get update -qq >&2
        # shellcheck disable=SC2086
        (cd "$fetched" && apt-get download -qq $names >&2)
    fi
    for file in "$fetched"/*.deb; do
        dpkg -x "$file" .
    done
}

if [ "${1-}" = --unpack ]; then
    [ $# -gt 2 ] || usage
    shift
    unpack "$@"
    exit
fi

[ $# -gt 0 ] || usage
missing=
for group; do
    for package in $(packages "$group"); do
        case " $missing " in *" $package "*) continue ;; esac
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
            missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing" >&2
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
    echo "Not root and no sudo: please run as root: apt-get install$missing" >&2
    exit 1
fi
$as_root apt-get update -qq >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $missing >&2
