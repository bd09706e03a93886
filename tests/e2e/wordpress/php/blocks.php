<?php
// SPDX-License-Identifier: MIT
// The block types the posts are made of, each as the editor writes it.

function block(string $name, string $html, array $options = array()): string
{
    return get_comment_delimited_block_content($name, $options, $html) . "\n\n";
}

function paragraphs(int $count, int $seed): string
{
    $words = explode(' ', 'the quick brown fox jumps over a lazy dog while seven green lamps glow in an old house by the sea');
    $text = '';
    for ($i = 0; $i < $count; $i++) {
        $line = '';
        for ($k = 0; $k < 45; $k++) {
            $line .= $words[($seed * 7 + $i * 13 + $k * ($seed % 5 + 3)) % count($words)] . ' ';
        }
        $text .= block('paragraph', '<p>' . ucfirst(trim($line)) . '.</p>');
    }
    return $text;
}

function image_html(int $id): string
{
    return '<img src="' . esc_url(wp_get_attachment_url($id)) . '" alt="" class="wp-image-' . $id . '"/>';
}

function image_block(int $id): string
{
    return block('image', '<figure class="wp-block-image size-large">' . image_html($id) . '</figure>',
                 array('id' => $id, 'sizeSlug' => 'large', 'linkDestination' => 'none'));
}

/** One block of each kind, by name. `$media` has the ids of six images and of a sound, a film, a paper. */
function blocks_by_kind(array $media): array
{
    $image = $media['images'];
    $url = fn(int $id) => esc_url(wp_get_attachment_url($id));
    return array(
        'image' => image_block($image[0]),
        'gallery' => block('gallery', '<figure class="wp-block-gallery has-nested-images columns-default is-cropped">'
            . image_block($image[1]) . image_block($image[2]) . image_block($image[3]) . '</figure>', array('linkTo' => 'none')),
        'cover' => block('cover', '<div class="wp-block-cover"><span aria-hidden="true" class="wp-block-cover__background has-background-dim"></span>'
            . '<img class="wp-block-cover__image-background wp-image-' . $image[4] . '" alt="" src="' . $url($image[4]) . '" data-object-fit="cover"/>'
            . '<div class="wp-block-cover__inner-container">' . block('paragraph', '<p>On the picture</p>') . '</div></div>',
            array('url' => $url($image[4]), 'id' => $image[4])),
        'table' => block('table', '<figure class="wp-block-table"><table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table></figure>'),
        'quote' => block('quote', '<blockquote class="wp-block-quote">' . block('paragraph', '<p>Less is more.</p>') . '<cite>Nobody</cite></blockquote>'),
        'pullquote' => block('pullquote', '<figure class="wp-block-pullquote"><blockquote><p>Pulled out</p></blockquote></figure>'),
        'list' => block('list', '<ul>' . block('list-item', '<li>one</li>') . block('list-item', '<li>two</li>') . '</ul>'),
        'code' => block('code', '<pre class="wp-block-code"><code>int main(void) { return 0; }</code></pre>'),
        'file' => block('file', '<div class="wp-block-file"><a id="f" href="' . $url($media['paper']) . '">Paper</a>'
            . '<a href="' . $url($media['paper']) . '" class="wp-block-file__button wp-element-button" download aria-describedby="f">Download</a></div>',
            array('id' => $media['paper'], 'href' => $url($media['paper']))),
        'sound' => block('shortcode', '[audio src="' . $url($media['sound']) . '"]'),
        'film' => block('video', '<figure class="wp-block-video"><video controls preload="none" src="' . $url($media['film']) . '"></video></figure>',
            array('id' => $media['film'])),
        'buttons' => block('buttons', '<div class="wp-block-buttons">' . block('button', '<div class="wp-block-button"><a class="wp-block-button__link wp-element-button" href="/">Home</a></div>') . '</div>'),
        'columns' => block('columns', '<div class="wp-block-columns">' . block('column', '<div class="wp-block-column">' . paragraphs(1, 3) . '</div>')
            . block('column', '<div class="wp-block-column">' . paragraphs(1, 4) . '</div>') . '</div>'),
        'search' => block('search', '', array('label' => 'Search', 'buttonText' => 'Search')),
        'media-text' => block('media-text', '<div class="wp-block-media-text alignwide is-stacked-on-mobile"><figure class="wp-block-media-text__media">'
            . image_html($image[5]) . '</figure><div class="wp-block-media-text__content">' . paragraphs(1, 5) . '</div></div>',
            array('mediaId' => $image[5], 'mediaType' => 'image')),
        'latest-posts' => block('latest-posts', '', array('postsToShow' => 3)),
    );
}
