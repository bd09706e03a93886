// SPDX-License-Identifier: MIT
// What a tag, or a rule of an inline stylesheet, makes a browser fetch, as the link that would hint
// it.
#ifndef SCAN_HTML_LINK_H
#define SCAN_HTML_LINK_H

#include "scan/html_scan.h"

// Of the start tag that was read and taken (html_tag_open). False when that is nothing.
bool html_link_item(struct html_scan *s, struct html_item *out);
// Of an item of an inline stylesheet. False when that is nothing.
bool html_link_css_item(const struct html_scan *s, const struct css_item *item,
                        struct html_item *out);

#endif
