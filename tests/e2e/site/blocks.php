<?php
// SPDX-License-Identifier: MIT
// GET: as many MiB as asked for, each made of its number. Else: the CRC and length of the body.
if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    for ($n = 0; $n < (int) $_GET['mib']; $n++) {
        echo str_repeat(str_pad((string) $n, 15) . "\n", 65536);
    }
    exit;
}
$crc = hash_init('crc32b');
$in = fopen('php://input', 'rb');
for ($length = 0; !feof($in); $length += strlen($part)) {
    $part = fread($in, 1 << 20);
    hash_update($crc, $part);
}
echo hash_final($crc), ' ', $length;
