<?php
// SPDX-License-Identifier: MIT
// Notes each time it is run in a file of its own, then thinks.
file_put_contents($_SERVER['DOCUMENT_ROOT'] . '/count.' . (int) $_GET['n'], 'x', FILE_APPEND);
usleep(1000 * (int) $_GET['ms']);
echo 'counted';
