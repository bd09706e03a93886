// SPDX-License-Identifier: MIT
// Heads of the PROXY protocol. Oracles: a head that is taken asks for more at every cut before its
// end and says the same whatever follows it; its spans lie inside it; its addresses are of one
// family.
#include "http/proxy_head.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void check_inside(struct span s, struct span all) {
    must(s.n == 0 || (s.p >= all.p && s.p + s.n <= all.p + all.n), "a span outside of the head");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct proxy_head head, again;
    struct span all = span_of(data, n);
    enum step step = proxy_head_read(&head, all);
    must(step != STEP_BAD || head.why != NULL, "refused without a reason");
    must(step != STEP_MORE || n < PROXY_HEAD_MOST, "more wanted than there may be");
    if (step != STEP_ITEM) {
        return 0;
    }
    struct span own = span_first(all, head.len);
    must(head.len <= n && head.len <= PROXY_HEAD_MOST, "longer than the input");
    for (size_t cut = 0; cut < head.len; cut++) {
        must(proxy_head_read(&again, span_first(all, cut)) == STEP_MORE, "taken before its end");
    }
    must(proxy_head_read(&again, own) == STEP_ITEM && again.len == head.len &&
             ip_eq(&again.source, &head.source),
         "what follows matters");
    check_inside(head.alpn, own);
    check_inside(head.authority, own);
    check_inside(head.tls_version, own);
    check_inside(head.tls_cipher, own);
    check_inside(head.client_name, own);
    must(!head.is_local || head.source.n == 0, "a local connection with an address");
    return 0;
}
