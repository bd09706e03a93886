<?php
// SPDX-License-Identifier: MIT
// Killed before it has said anything, or, with ?late, in the middle of its answer.
if (isset($_GET['late'])) {
    echo str_repeat('x', 100000);
    flush();
    usleep(200000);
}
exec('kill -9 ' . getmypid());
sleep(5);
