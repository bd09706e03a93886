<?php
// SPDX-License-Identifier: MIT
// Five pieces, or as many as asked for, 200 ms apart, each sent at once.
for ($n = 0; $n < (int) ($_GET["pieces"] ?? 5); $n++) {
    echo "piece $n\n";
    while (ob_get_level() > 0) {
        ob_end_flush();
    }
    flush();
    usleep(200000);
}
