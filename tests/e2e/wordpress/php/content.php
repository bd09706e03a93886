<?php
// SPDX-License-Identifier: MIT
// What is on the site: 6 categories, 30 posts with blocks of 16 kinds, 7 pages, tags, comments and
// a few images made here. Included by install.php; the same each time, for the tests name the URLs.
require __DIR__ . '/blocks.php';

function put_media(string $name, string $bytes, string $type): int
{
    $upload = wp_upload_bits($name, null, $bytes, '2024/05');
    $id = wp_insert_attachment(array('post_mime_type' => $type, 'post_title' => $name,
                                     'post_status' => 'inherit'), $upload['file']);
    wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $upload['file']));
    return $id;
}

function picture(int $seed): string
{
    $image = imagecreatetruecolor(1600, 900);
    for ($y = 0; $y < 900; $y += 90) {
        $colour = imagecolorallocate($image, ($seed * 53 + $y) % 256, ($seed * 91) % 256, $y * 255 / 900);
        imagefilledrectangle($image, 0, $y, 1600, $y + 90, $colour);
    }
    ob_start();
    imagejpeg($image, null, 60);
    return ob_get_clean();
}

wp_set_current_user(1);
$media = array('images' => array());
for ($i = 0; $i < 6; $i++) {
    $media['images'][] = put_media("picture-$i.jpg", picture($i), 'image/jpeg');
}
$media['sound'] = put_media('sound.mp3', str_repeat("\xff\xfb\x90\x64" . str_repeat("\0", 413), 8), 'audio/mpeg');
$media['film'] = put_media('film.mp4', "\0\0\0\x18ftypisom\0\0\2\0isomiso2", 'video/mp4');
$media['paper'] = put_media('paper.pdf', "%PDF-1.4\n%%EOF\n", 'application/pdf');

$categories = array();
foreach (array('books', 'games', 'garden', 'music', 'tools', 'travel') as $name) {
    $categories[] = wp_insert_term(ucfirst($name), 'category', array('slug' => $name))['term_id'];
}

$kinds = blocks_by_kind($media);
$names = array_keys($kinds);
for ($i = 0; $i < 30; $i++) {
    // Each post has two kinds of block of its own besides text; the sound is on every tenth only.
    $own = array_map(fn($k) => $names[($i + $k) % count($names)], array(0, 5));
    $content = paragraphs(2, $i) . block('heading', '<h2>More of it</h2>');
    foreach ($own as $name) {
        $content .= $kinds[$name] . paragraphs(1, $i + 9);
    }
    $post = wp_insert_post(wp_slash(array(
        'post_title' => "Post number $i", 'post_name' => "post-$i", 'post_status' => 'publish',
        'post_content' => $content, 'post_author' => 1,
        'post_category' => array($categories[$i % 6]),
        'tags_input' => array($i % 2 ? 'odd' : 'even'),
        'comment_status' => 'open',
        'post_date' => sprintf('2024-%02d-%02d 10:00:00', 3 + intdiv($i, 10), 1 + 2 * ($i % 10)),
    )));
    if ($i % 3 === 0) {
        set_post_thumbnail($post, $media['images'][$i % 6]);
    }
    for ($k = 0; $k < $i % 4; $k++) {
        wp_insert_comment(array('comment_post_ID' => $post, 'comment_author' => "Reader $k",
                                'comment_author_email' => "reader$k@example.test",
                                'comment_content' => 'I have read it.', 'comment_approved' => 1));
    }
}

foreach (array('about', 'contact', 'delivery', 'imprint', 'jobs', 'press', 'prices') as $i => $name) {
    wp_insert_post(wp_slash(array(
        'post_type' => 'page', 'post_title' => ucfirst($name), 'post_name' => $name,
        'post_status' => 'publish', 'post_author' => 1, 'comment_status' => 'closed',
        'post_content' => paragraphs(2, $i) . $kinds[$names[$i + 2]] . paragraphs(1, $i),
    )));
}
