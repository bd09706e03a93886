<?php
// SPDX-License-Identifier: MIT
// As many MiB as asked for; each KiB begins with its number.
for ($n = 0; $n < 1024 * (int) $_GET['mib']; $n++) {
    echo str_pad("$n ", 1024, '.');
}
