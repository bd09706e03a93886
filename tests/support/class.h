// SPDX-License-Identifier: MIT
// A learner that is taught by hand: pages and visits in short words, what is published kept as a
// worker would find it. Links are words: "/a.css" is a style, "/b.js" a script, "/c.mjs" a module,
// "/d.woff2" a font, "/e.jpg" an important image, "https://x" a connection; "@" before one puts it
// behind <head>, "=" makes it a Link field instead of HTML, "?" makes it conditional.
#ifndef TESTS_CLASS_H
#define TESTS_CLASS_H

#include "learner/learner.h"

#define CLASS_PUBLISHED (1u << 14)

struct class_entry {
    struct learner_news news;
    bool is_used;
};

struct class {
    struct learner *l;
    uint64_t now_ms;
    uint64_t session;      // 0: public, else whose
    uint64_t user;         // who is given it; 0: the session, or somebody of that network
    uint8_t flags;         // of the pages and visits (enum evidence_flag)
    uint16_t status;       // of the pages
    bool is_mute;          // questions are not answered
    const char *policy;    // of the pages: "name: value", or NULL
    const char *authority; // as the pages are asked for; NULL: the name of the site
    unsigned reuse;        // what questions are answered with (enum reuse_reason)
    uint8_t asset_flags;   // of what assets answer (enum evidence_flag)
    uint8_t asset_as;      // likewise (enum hint_as)
    uint32_t think_us, critical_us;
    struct class_entry published[CLASS_PUBLISHED];
    unsigned questions, news; // how many there were
};

// Starts with a learner of that configuration (the secret is always the same).
void class_init(struct class *c, const struct learner_conf *conf);
void class_fini(struct class *c);
// A response of the path, seen by a network.
void class_page(struct class *c, const char *path, unsigned network, const char *links);
// A navigation after which these assets were fetched; "!" before one: it had been hinted, ">": a
// stylesheet had asked for it.
void class_visit(struct class *c, const char *path, unsigned network, const char *fetched);
// What an asset answered; reuse: enum reuse_reason.
void class_asset(struct class *c, const char *path, unsigned status, unsigned reuse);
// What a stylesheet holds: "/x.css" is imported, "/y.woff2" declared.
void class_sheet(struct class *c, const char *path, const char *items);
// Pulls all that comes out: answers questions, frees what is retired.
void class_settle(struct class *c);
// What the next visitor of the path is offered, as words; "-" where nothing is published. Borrowed
// until the next call.
const char *class_offer(struct class *c, const char *path);
// The offer itself, or NULL.
const struct offer *class_find(struct class *c, const char *path);
// The key of a path in the audience of now. Borrowed until the next call.
struct span class_key(struct class *c, const char *path);
// The verdict on an asset of the route ("/a/*" for patterns), as its label; "-": there is none.
const char *class_verdict(struct class *c, const char *path, const char *asset);

#endif
