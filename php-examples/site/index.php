<?php
// SPDX-License-Identifier: MIT
// A page as many are: it thinks (here: sleeps) before it has anything to say, and then names what
// it needs in Link fields. The browser could have fetched all of that meanwhile.
const THINKS_MS = 400;

$links = [
    '</assets/style.css>; rel=preload; as=style',
    '</assets/app.js>; rel=preload; as=script',
    '</assets/blocks.ttf>; rel=preload; as=font; type="font/ttf"; crossorigin',
    '</assets/hero.svg>; rel=preload; as=image',
];

usleep(THINKS_MS * 1000);
foreach ($links as $link) {
    header("Link: $link", false);
}
header('Content-Type: text/html; charset=utf-8');
header('Cache-Control: no-cache');
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Outrider rides ahead</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/style.css">
<script src="/assets/app.js" defer></script>
</head>
<body>
<main>
<h1>Outrider rides ahead</h1>
<img src="/assets/hero.svg" width="640" height="200" alt="A rider on a road, well ahead of a slow waggon">
<p>PHP thought about this page for <?= THINKS_MS ?> milliseconds. It needs a style, a script, a font and
this picture. Did your browser have to wait for the page before it could ask for them?</p>
<h2>What happened</h2>
<p id="verdict" data-thinks="<?= THINKS_MS ?>">The script measures when everything is here.</p>
<table id="story" hidden>
<thead><tr><th>What</th><th>When</th><th>In words</th></tr></thead>
<tbody></tbody>
</table>
<p class="small">Open this page again as if for the first time, in a private window. What is already
in the cache needs no hint.</p>
<pre id="proof"></pre>
</main>
</body>
</html>
