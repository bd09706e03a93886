<?php
// SPDX-License-Identifier: MIT
header('HTTP/1.1 103 Early Hints');
echo 'page';
