<?php
// SPDX-License-Identifier: MIT
$hash = hash_init('sha256');
$length = 0;
$in = fopen('php://input', 'rb');
while (!feof($in)) {
    $part = fread($in, 1 << 16);
    hash_update($hash, $part);
    $length += strlen($part);
}
header('Content-Type: application/json');
echo json_encode(['sha256' => hash_final($hash), 'length' => $length,
    'said' => $_SERVER['CONTENT_LENGTH'] ?? null]);
