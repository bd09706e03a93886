<?php
// SPDX-License-Identifier: MIT
file_put_contents(__DIR__ . '/watched.log', sprintf("style %.6f\n", microtime(true)), FILE_APPEND);
header('Content-Type: text/css');
header('Cache-Control: max-age=600');
echo "body { color: rgb(1, 2, 3); }\n";
