<?php
// SPDX-License-Identifier: MIT
// Link fields as applications write them: several in one field, relations that are no hints, names
// that a browser's 103 parser does not know, commas where they may stand.
header('Link: <https://example.org/wp-json/>; rel="https://api.w.org/"', false);
header('Link: </a,b.css>; rel="preload"; as="style"; nopush, </late.js>;rel=preload;as=script;title="x, y; z"', false);
header('Link: </?p=1>; rel=shortlink', false);
header('Link: </module.js>; rel=modulepreload', false);
header('Link: </noas>; rel=preload', false);
header('Link: </print.css>; rel=preload; as=style; media=print', false);
header('Link: <https://elsewhere.example/x.js>; rel=preload; as=script', false);
usleep(100000);
echo 'messy';
