<?php
// SPDX-License-Identifier: MIT
// Counts how many of itself run at once, and keeps the most there were in the file asked for.
function add(int $change): void
{
    $file = fopen($_SERVER['DOCUMENT_ROOT'] . '/busy.count', 'c+');
    flock($file, LOCK_EX);
    [$now, $most] = array_map('intval', explode(' ', (stream_get_contents($file) ?: '') . ' 0 0'));
    $now += $change;
    $most = max($most, $now);
    ftruncate($file, 0);
    rewind($file);
    fwrite($file, "$now $most");
    fclose($file);
}
ignore_user_abort(true);
add(1);
usleep(1000 * (int) ($_GET['ms'] ?? 100));
add(-1);
echo 'done';
