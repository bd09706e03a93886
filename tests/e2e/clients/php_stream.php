<?php
// SPDX-License-Identifier: MIT
// PHP's file_get_contents: HTTP/1.1, a connection each. Of two 103 it would give the second as body.
$context = stream_context_create(['ssl' => ['cafile' => getenv('CA')], 'http' => ['protocol_version' => 1.1]]);
foreach (array_slice($argv, 1) as $url) {
    $body = file_get_contents($url, false, $context);
    $heads = preg_grep('#^HTTP/1\.1 #', $http_response_header);
    echo explode(' ', end($heads))[1], ' ', hash('sha256', $body), ' ', count($heads) - 1, "\n";
}
