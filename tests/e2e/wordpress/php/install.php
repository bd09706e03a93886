<?php
// SPDX-License-Identifier: MIT
// Installs the unpacked WordPress without a browser, and fills it: run with PHP's command line.
//     php install.php DOCUMENT-ROOT HOST
[, $root, $host] = $argv;
$_SERVER += array('HTTP_HOST' => $host, 'SERVER_NAME' => $host, 'REQUEST_URI' => '/',
                  'REQUEST_METHOD' => 'GET', 'SERVER_PROTOCOL' => 'HTTP/1.1',
                  'REMOTE_ADDR' => '127.0.0.1', 'HTTPS' => 'on');
define('WP_INSTALLING', true);
require "$root/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/image.php';
add_filter('pre_wp_mail', '__return_true');
wp_install('Shop of examples', 'admin', 'admin@example.test', true, '', 'secret');
$wp_rewrite->set_permalink_structure('/%year%/%monthnum%/%postname%/');
update_option('posts_per_page', 10);
update_option('thread_comments', 1);
update_option('comment_moderation', 0);
foreach (array('anna', 'boris', 'clara', 'david') as $name) {
    wp_insert_user(array('user_login' => $name, 'user_pass' => 'secret', 'role' => 'subscriber',
                         'user_email' => "$name@example.test"));
}
wp_delete_post(1, true);
wp_delete_post(2, true);
wp_delete_post(3, true);
require __DIR__ . '/content.php';
// The rules that lead to categories are known from the next request on, which will make them anew.
delete_option('rewrite_rules');
