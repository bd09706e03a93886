<?php
// SPDX-License-Identifier: MIT
// Leaves the body to the server: ?field=X-Accel-Redirect&value=/assets/style.css
header('Content-Type: text/x-chosen');
header('Cache-Control: max-age=5');
header("{$_GET['field']}: {$_GET['value']}");
echo 'this is not the body';
