<?php
// SPDX-License-Identifier: MIT
usleep(1000 * (int) ($_GET['ms'] ?? 0));
echo 'slept ', (int) ($_GET['ms'] ?? 0), ' as ', (int) ($_GET['n'] ?? 0);
