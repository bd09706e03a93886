#!/bin/sh
# SPDX-License-Identifier: MIT
# curl: all pages on one connection. As each of the programs here it is given URLs, trusts CA, and
# prints a line "status sha256-of-the-body number-of-103" for each; "-" for what it cannot see.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0
for url; do
    number=$((number + 1))
    [ $number = 1 ] || set -- "$@" --next
    shift
    set -- "$@" -sS --http2 --cacert "$CA" -D "$folder/head$number" -o "$folder/body$number" \
        -w '%{http_code} %{num_connects}\n' "$url"
done
curl "$@" >"$folder/said"
for at in $(seq $number); do
    set -- $(sed -n "${at}p" "$folder/said")
    [ "$at" = 1 ] || [ "$2" = 0 ] || { echo "curl made a new connection" >&2; exit 1; }
    echo "$1 $(sha256sum <"$folder/body$at" | cut -d' ' -f1) $(grep -c '^HTTP/2 103' "$folder/head$at")"
done
