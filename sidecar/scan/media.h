// SPDX-License-Identifier: MIT
// Media query lists (Media Queries 4) as far as a server can know their answer: a screen has many
// widths, so a query is answered only when every screen answers it alike.
#ifndef SCAN_MEDIA_H
#define SCAN_MEDIA_H

#include "base/span.h"

// Every screen matches `list`: it is empty, or one of its queries is "all" or "screen", with "only"
// or without.
bool media_is_every_screen(struct span list);

#endif
