// SPDX-License-Identifier: MIT
// What a page's own Content-Security-Policy (CSP Level 3) means for its hints: an asset that the
// page may not use is fetched in vain. Judges from the URL alone; where the policy goes by nonces
// or hashes, which stand in the page and not in the URL, it allows. Only policies that are
// enforced: one that only reports blocks nothing (though in a 103 Chromium enforces it).
#ifndef HINTS_POLICY_H
#define HINTS_POLICY_H

#include "hints/target.h"

#define POLICY_MAX 2048 // bytes of a policy field's value that may be sent in a 103

// All policies of one Content-Security-Policy value (a page may have several such fields) let
// `page` use the hint. Of connections they do not speak. What is no policy allows all. A page in a
// sandbox of another origin uses no hint: browsers then fetch everything again.
bool policy_allows(struct span csp, const struct hint *hint, const struct target_page *page);
// A field of the page that may be repeated in the 103 of later visits: a Content-Security-Policy
// without nonces, hashes and places to report to, or a Referrer-Policy, that every visit gets
// alike.
bool policy_is_sendable(struct span name, struct span value);

#endif
