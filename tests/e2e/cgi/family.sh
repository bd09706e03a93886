#!/bin/sh
# SPDX-License-Identifier: MIT
# A program with a child and a grandchild, none of which ends by itself. Their numbers go into the
# file named by HTTP_X_PIDS. With HTTP_X_HEAD it writes a header and some of the body first.
[ -z "$HTTP_X_HEAD" ] || printf 'Content-Type: text/plain\r\n\r\nfirst half\n'
(sleep 300 & echo $! >>"$HTTP_X_PIDS"; exec sleep 300) &
echo $! >>"$HTTP_X_PIDS"
echo $$ >>"$HTTP_X_PIDS"
wait
