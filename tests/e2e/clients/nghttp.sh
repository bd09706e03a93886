#!/bin/sh
# SPDX-License-Identifier: MIT
# nghttp, which allows pushes: all pages at once on one connection for what it says of them, then each
# by itself for its body. Prints "status sha256 number-of-103" for each.
set -eu
nghttp -nv "$@" | sed 's/\x1b\[[0-9;]*m//g' | awk '
    function number() { sub(/.*stream_id=/, ""); sub(/\).*/, ""); return $0 + 0 }
    / send HEADERS frame/ { getline; at = 1 }
    /recv \(stream_id=[0-9]+\) :status: / { status = $NF; id = number(); if (id % 2 == 0) next
        if (status == "103") early[id]++; else { final[id] = status; if (id > most) most = id } }
    END { for (id = 1; id <= most; id += 2) if (id in final) print final[id], early[id] + 0 }' |
    while read -r status early; do
        echo "$status $(nghttp --no-push "$1" | sha256sum | cut -d" " -f1) $early"
        shift
    done
