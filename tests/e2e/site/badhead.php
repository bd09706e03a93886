<?php
// SPDX-License-Identifier: MIT
// PHP lets this through; it is no header field.
header('This is no header field');
echo 'body';
