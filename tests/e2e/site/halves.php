<?php
// SPDX-License-Identifier: MIT
// The first half at once, the second later.
echo str_repeat('first half', 10000);
while (ob_get_level() > 0) {
    ob_end_flush();
}
flush();
usleep(1000 * (int) $_GET['ms']);
echo 'second half';
