#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing of the given groups of tests/packages.txt:
#
#     sh tests/install.sh build demo
#
# Does nothing, and asks nobody, when everything is there.
set -eu
[ $# -gt 0 ] || { echo "usage: sh tests/install.sh GROUP..." >&2; exit 2; }
list=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/packages.txt

missing=
for group; do
    for package in $(awk -v group="$group" '$1 == group { print $2 }' "$list"); do
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
