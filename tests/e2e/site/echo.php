<?php
// SPDX-License-Identifier: MIT
// What PHP was told.
header('Content-Type: application/json');
$told = $_SERVER;
unset($told['argv'], $told['argc']);
$told['body'] = file_get_contents('php://input');
echo json_encode($told, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR);
