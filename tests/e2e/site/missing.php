<?php
// SPDX-License-Identifier: MIT
http_response_code(404);
header('Link: </assets/style.css>; rel=preload; as=style');
echo 'missing';
