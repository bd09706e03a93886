<?php
// SPDX-License-Identifier: MIT
// The theme by FastCGI parameter, so that one site is seen in several themes at the same time. A
// child theme is named after its parent: parent-child.
if (isset($_SERVER['WP_THEME'])) {
    add_filter('pre_option_stylesheet', fn() => $_SERVER['WP_THEME']);
    add_filter('pre_option_template', fn() => strtok($_SERVER['WP_THEME'], '-'));
}
