<?php
// SPDX-License-Identifier: MIT
// A front controller that answers 200 to everything, and believes whatever it is told: it links what
// the path, the query, the cookies and the Host name, as real applications do. Where a test wants
// something else it writes a file: `version` is the version of the shared stylesheet, `head`
// further lines for every page's <head>.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
$session = $_COOKIE['PHPSESSID'] ?? $_COOKIE['laravel_session'] ?? $_COOKIE['auth']
    ?? $_SERVER['HTTP_X_AUTH_USER'] ?? $_SERVER['PHP_AUTH_USER'] ?? '';
$user = preg_replace('/\W/', '', explode('.', $session)[0]);   // what is behind a dot tells log-ins apart
if (isset($_COOKIE['laravel_session'])) {       // encrypted anew with each response
    setcookie('laravel_session', "$user." . bin2hex(random_bytes(8)));
}
$host = $_SERVER['HTTP_X_FORWARDED_HOST'] ?? $_SERVER['HTTP_HOST'] ?? 'localhost';
$version = is_file(__DIR__ . '/version') ? trim(file_get_contents(__DIR__ . '/version')) : '1';
$styles = ["/assets/style.css?ver=$version"];

$hosts = [];

if ($path === '/clear.css') {               // does something, and may be kept
    http_response_code(isset($_SERVER['HTTP_X_BLOCK']) ? 403 : 200);    // as a firewall does
    header('Content-Type: text/css');
    header('Cache-Control: max-age=3600');
    exit('p{}');
}
if (preg_match('~^/share/(\w+)/~', $path, $share)) {
    $styles[] = "/share/$share[1]/theme.css";
    $hosts[] = "https://$share[1].files.example";
}
if (str_starts_with($path, '/forum/')) {    // what a user wrote
    $styles[] = '/clear.css?cart=all';
    $hosts[] = 'https://tracker.example';
}
if (str_starts_with($path, '/wrote/')) {    // likewise, with two versions of a file
    $styles = ['/assets/style.css?ver=1', '/assets/style.css?ver=2'];
}
if (str_starts_with($path, '/gone/')) {
    http_response_code(404);
}
if (str_starts_with($path, '/product/')) {
    $styles[] = '/assets/product.css';
}
if ($user !== '') {
    $styles[] = "/members/$user.css";
    $styles[] = '/assets/bar.css';
}
if (str_starts_with($path, '/account/')) {  // as session_start() does
    header('Cache-Control: no-store, no-cache, must-revalidate');
    setcookie('visit', bin2hex(random_bytes(8)));
    $styles[] = '/members/of-' . preg_replace('/\W/', '-', $_SERVER['REMOTE_ADDR']) . '.css';
}
if (str_starts_with($path, '/portal/') && str_starts_with($_SERVER['REMOTE_ADDR'], '10.')) {
    $styles[] = '/assets/bar.css';      // for the company's own network
}
if (str_starts_with($path, '/private-')) {
    header('Cache-Control: private');
    $styles[] = '/assets/bar.css';
}
if (str_starts_with($path, '/once/')) {
    $styles[] = '/assets/once.css?token=' . bin2hex(random_bytes(16));
    $styles[] = '/assets/once.css?_wpnonce=' . substr(bin2hex(random_bytes(8)), 0, 10);
    $styles[] = '/assets/once.css?Expires=' . (time() + 60) . '&Signature=' . bin2hex(random_bytes(20));
}
foreach ([$_GET['look'] ?? '', $_COOKIE['look'] ?? '', $_SERVER['HTTP_X_LOOK'] ?? ''] as $look) {
    if ($look !== '') {
        $styles[] = "/assets/$look.css";
        header("Link: </assets/$look.js>; rel=preload; as=script", false);
    }
}
if (str_starts_with($path, '/host/')) {
    $styles[] = "//$host/assets/product.css";
    $styles[] = "https://$host/assets/bar.css";
    header("Link: <https://$host/assets/app.js>; rel=preload; as=script");
}
header('Content-Type: text/html; charset=utf-8');
if (isset($_SERVER['HTTP_ACCEPT_ENCODING']) && str_contains($_SERVER['HTTP_ACCEPT_ENCODING'], 'gzip')) {
    ob_start('ob_gzhandler');
}
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>shop</title>
<?php foreach ($styles as $style) { ?>
<link rel='stylesheet' href='<?= htmlspecialchars($style, ENT_QUOTES) ?>' media='all'>
<?php } ?>
<script src="/assets/app.js" defer></script>
<style>@font-face { font-family: Blocks; src: url(/assets/blocks.ttf) format("truetype"); }</style>
<?php foreach ($hosts as $to) { ?>
<link rel=preconnect href=<?= $to ?>>
<?php } ?>
<?php @readfile(__DIR__ . '/head'); ?>
</head>
<body><p>All is well.</p></body>
</html>
