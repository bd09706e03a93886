#!/bin/sh
# SPDX-License-Identifier: MIT
# A plain CGI program in sh that sends an interim block (page.cgi), by fcgi-bridge behind Outrider:
#
#     sh php-examples/cgi-early/run.sh [--once]
#
# shows what curl sees, with times; then it stays until Ctrl-C, or ends with --once.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
packages=demo
. "$(dirname -- "$here")/programs.sh"
port=${PORT:-8103}
listen=https

mkdir "$dir/root"
cp "$here/page.cgi" "$dir/root/"
echo 'p { font: 2em serif }' >"$dir/root/style.css"
bridge "$dir/root"
outrider "$dir/root"
say "curl -kv https://localhost:$port/page.cgi (the 103 is there a second before the page)"
curl -skv --http2 -H 'Sec-Fetch-Mode: navigate' --trace-time "https://localhost:$port/page.cgi" 2>&1 |
    grep -E '< HTTP/2 |< link|doctype'
[ "${1-}" = --once ] || { say "https://localhost:$port/page.cgi, until Ctrl-C"; wait; }
