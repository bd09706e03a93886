<?php
// SPDX-License-Identifier: MIT
// What one person needs is not to be shown to another.
header('Link: </private/' . ($_COOKIE['who'] ?? 'nobody') . '.css>; rel=preload; as=style');
usleep(50000);
echo 'session';
