// SPDX-License-Identifier: MIT
// Media types: those of files by the ending of their name, and what one says.
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

#include "base/span.h"

// The media type of a file of that path; case of the ending does not count.
// "application/octet-stream" when the ending is unknown. Static text.
struct span mime_type(struct span path);
// The media type without parameters and blanks: "text/html" of "text/html; charset=utf-8".
struct span mime_essence(struct span content_type);
// Browsers take the type for that of a script (MIME Sniffing, 4.6: JavaScript MIME type essence).
bool mime_is_javascript(struct span essence);

#endif
