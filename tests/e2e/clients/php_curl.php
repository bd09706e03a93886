<?php
// SPDX-License-Identifier: MIT
// PHP's curl extension on one connection.
$curl = curl_init();
foreach (array_slice($argv, 1) as $number => $url) {
    $early = 0;
    curl_setopt_array($curl, [
        CURLOPT_URL => $url, CURLOPT_RETURNTRANSFER => true, CURLOPT_CAINFO => getenv('CA'),
        CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2TLS,
        CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$early): int {
            $early += str_starts_with($line, 'HTTP/2 103');
            return strlen($line);
        },
    ]);
    $body = curl_exec($curl);
    if ($body === false || ($number && curl_getinfo($curl, CURLINFO_NUM_CONNECTS))) {
        fwrite(STDERR, curl_error($curl) ?: 'made a new connection');
        exit(1);
    }
    echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), ' ', hash('sha256', $body), " $early\n";
}
