#!/bin/sh
# SPDX-License-Identifier: MIT
# wget: HTTP/1.1, all pages on one connection.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
wget -q -S --ca-certificate="$CA" -P "$folder" "$@" 2>"$folder/said"
grep -o 'HTTP/1.1 [0-9]*' "$folder/said" | cut -d' ' -f2 | while read -r status; do
    case $status in 1??) echo "$status - -"; continue ;; esac
    name=$(basename "$1")
    # The same page once more has a number behind its name.
    seen="${seen-} $name"
    again=$(echo "$seen" | tr ' ' '\n' | grep -cx "$name")
    [ "$again" = 1 ] || name=$name.$((again - 1))
    echo "$status $(sha256sum <"$folder/$name" | cut -d' ' -f1) -"
    shift
done
