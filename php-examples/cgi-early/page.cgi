#!/bin/sh
# SPDX-License-Identifier: MIT
# A page that says at once what it will need, and then thinks for a second.
printf 'Status: 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n'
sleep 1
printf 'Status: 200 OK\r\nContent-Type: text/html\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n'
printf '<!doctype html><title>Early</title><link rel=stylesheet href=/style.css><p>Now.\n'
