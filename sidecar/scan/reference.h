// SPDX-License-Identifier: MIT
// A URL reference as it stands in a document, in the form in which a Link value can carry it: what
// browsers cut off is cut off, what they would percent-encode before they ask for it is encoded.
// Resolving it is target's task.
#ifndef SCAN_REFERENCE_H
#define SCAN_REFERENCE_H

#include "base/span.h"

// Writes `text` without controls and blanks at its ends, without TAB, CR and LF (URL
// Standard, 4.4), and with everything percent-encoded that is not VCHAR or is one of " < >. The
// bytes written to out; 0 when nothing is left, it does not fit into cap, or it is not UTF-8.
size_t reference_clean(struct span text, uint8_t *out, size_t cap);
// The (clean) reference is inside the document itself and is never fetched: data:, blob:, about:,
// javascript:, or nothing but a fragment.
bool reference_is_inline(struct span reference);

#endif
