<?php
// SPDX-License-Identifier: MIT
// A page whose style is made by PHP too, so that both write down when they were asked and answered.
usleep(400000);
header('Link: </watched-style.php>; rel=preload; as=style');
header('Content-Type: text/html; charset=utf-8');
header('Cache-Control: no-cache');
file_put_contents(__DIR__ . '/watched.log', sprintf("final %.6f\n", microtime(true)), FILE_APPEND);
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>watched</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/watched-style.php">
<p>watched</p>
<pre id="proof"></pre>
<script>
addEventListener('load', () => setTimeout(() => {
    const page = performance.getEntriesByType('navigation')[0];
    const styles = performance.getEntriesByType('resource').filter(e => e.name.endsWith('/watched-style.php'));
    document.querySelector('#proof').textContent = JSON.stringify({
        protocol: page.nextHopProtocol,
        interim: page.firstInterimResponseStart,
        final: page.finalResponseHeadersStart,
        color: getComputedStyle(document.body).color,
        styles: styles.map(e => [e.initiatorType, e.deliveryType, e.transferSize]),
    });
}, 100));
</script>
