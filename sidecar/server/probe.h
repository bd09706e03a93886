// SPDX-License-Identifier: MIT
// Looks assets up for the learner: a page names a stylesheet that no visitor has asked for yet, or
// only those who had it already. If it is a static file, the disk tells what its response would be
// and, of a stylesheet, what is in it. What a script answers stays unknown until it passes. Runs on
// the learner's thread, a bounded piece with each of its drains.
#ifndef SERVER_PROBE_H
#define SERVER_PROBE_H

#include "server/files.h"
#include "server/publisher.h"

#define PROBE_QUESTIONS 64       // that are answered at a time
#define PROBE_BYTES (1u << 20)   // of stylesheets that are read at a time
#define PROBE_SHEET (256u << 10) // of one

struct probe {
    struct publisher *publisher;
    const struct router *router;
    struct files files;
    struct arena arena;               // of one answer
    uint64_t asked, files_n, missing; // questions; files among them; what is not there
    uint8_t bytes[EVIDENCE_MAX];
};

// Borrows all for the probe's life; opens the roots of the sites. Sets learning->on_drain.
void probe_init(struct probe *p, struct publisher *publisher, const struct router *router);
void probe_fini(struct probe *p);
// Answers the learner's questions, as many as may be answered at a time; if there may be more, asks
// for the next drain.
void probe_turn(struct probe *p);

#endif
