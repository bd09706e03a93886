<?php
// SPDX-License-Identifier: MIT
// Plays what tests/e2e/stage.py wrote into stage.json: for each path what to answer, and when. Writes
// into stage.log what was asked, with all fields, and when the answer's head was made. The pages report
// what the browser measured to /stage/report, whose answer is where the browser shall go next.
function note(string $what, array $more = []): void
{
    $line = ['t' => microtime(true), 'what' => $what, 'path' => $_SERVER['REQUEST_URI']] + $more;
    file_put_contents(__DIR__ . '/stage.log', json_encode($line) . "\n", FILE_APPEND | LOCK_EX);
}

// The browsers are known by their names: one of each at a time. Who asks last is the one to be told.
function where_to_go(): string
{
    $browser = str_contains($_SERVER['HTTP_USER_AGENT'], 'Firefox') ? 'firefox' : 'chromium';
    if ($_SERVER['REQUEST_METHOD'] === 'POST') {
        file_put_contents(__DIR__ . "/report.$browser.new", file_get_contents('php://input'));
        rename(__DIR__ . "/report.$browser.new", __DIR__ . "/report.$browser");
    }
    $next = __DIR__ . "/next.$browser";
    $asker = __DIR__ . "/asker.$browser";
    file_put_contents($asker, $me = uniqid('', true));
    for ($patience = 1000; $patience && !file_exists($next); $patience--) {
        usleep(20000);
        clearstatcache();
        if (@file_get_contents($asker) !== $me) {
            return '';
        }
    }
    $where = @file_get_contents($next) ?: '';
    @unlink($next);
    return $where;
}

header_remove('X-Powered-By');
if ($_SERVER['REQUEST_URI'] === '/stage/report') {
    header('Content-Type: text/plain');
    header('Cache-Control: no-store');
    echo where_to_go();
    exit;
}
note('asked', ['fields' => array_change_key_case(getallheaders())]);
$stage = json_decode(file_get_contents(__DIR__ . '/stage.json'), true);
$part = $stage[$_SERVER['REQUEST_URI']] ?? ['status' => 404, 'body' => "not on stage\n"];
usleep(1000 * ($part['think'] ?? 0));
http_response_code($part['status'] ?? 200);
header('Content-Type: ' . ($part['type'] ?? 'text/html; charset=utf-8'));
foreach ($part['fields'] ?? [] as $field) {
    header($field, false);
}
note('answered');
echo isset($part['base64']) ? base64_decode($part['base64']) : $part['body'] ?? '';
