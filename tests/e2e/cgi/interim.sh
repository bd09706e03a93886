#!/bin/sh
# SPDX-License-Identifier: MIT
# An interim block, then the final one: once the file named by HTTP_X_GATE exists, or a second later.
printf 'Status: 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n'
if [ -n "$HTTP_X_GATE" ]; then
    while [ ! -e "$HTTP_X_GATE" ]; do sleep 0.02; done
else
    sleep 1
fi
printf 'Status: 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><title>late</title>\n'
