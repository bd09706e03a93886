<?php
// SPDX-License-Identifier: MIT
// A page that thinks for 400 ms and names what it needs; every answer is the same, byte by byte.
usleep(400000);
foreach ([
    '</assets/style.css>; rel=preload; as=style',
    '</assets/app.js>; rel=preload; as=script',
    '</assets/blocks.ttf>; rel=preload; as=font; crossorigin',
    '</assets/hero.svg>; rel=preload; as=image',
] as $link) {
    header("Link: $link", false);
}
header('X-Two: a');
header('X-Two: b', false);
echo '<!doctype html><title>page</title><link rel=stylesheet href=/assets/style.css>';
for ($n = 0; $n < 5000; $n++) {
    echo "<p>", md5("line $n"), "</p>\n";
}
