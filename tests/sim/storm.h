// SPDX-License-Identifier: MIT
// A storm: several requests at once, applications that do whatever they like in whatever order, a
// client that reads slowly, resets, uploads, waits and leaves, and, by choice, says what is no HTTP
// at all. Each step comes of a chance that can be repeated: of a seed, or of the bytes of a script,
// which a fuzzing engine writes. Nobody knows what must come of a storm, only what never may: two
// final responses, an interim one behind the final, a response that looks complete and is not, a
// byte of one request in another's answer, an application that is asked badly, a stream without
// end. What is lent and what is freed is the sanitizers' to judge.
#ifndef TESTS_SIM_STORM_H
#define TESTS_SIM_STORM_H

#include "sim/play.h"

#define STORM_REQUESTS 7  // of a storm
#define STORM_BACKENDS 64 // of a storm; further ones are deaf

// What an application has said to one request.
struct said {
    size_t len;      // bytes of body
    uint64_t length; // Content-Length it gave, or BODY_UNKNOWN
    int status;      // of its final head; 0: none yet
    bool has_ended;  // END_REQUEST, and nothing wrong before
    bool is_spoilt;  // something wrong
};

struct storm {
    uint64_t seed;      // of the chance, when there is no script
    struct span script; // else what is left of it; by its end nothing happens any more
    bool has_script;
    bool is_silent; // the client has fallen silent for good
    bool is_wild;   // the client has said what its own library does not know of
    struct stage stage;
    struct heard *requests[STORM_REQUESTS];
    size_t requests_n;
    struct said said[STORM_BACKENDS][PEER_REQUESTS];
    struct buf bytes;
};

// Begins with a stage by chance.
void storm_init_seed(struct storm *t, uint64_t seed);
void storm_init_script(struct storm *t, struct span script);
// One step.
void storm_step(struct storm *t);
// Every application closes, the client reads everything and completes its bodies.
void storm_calm(struct storm *t);
// Instead: every application closes, the client does nothing more, and time passes.
void storm_silence(struct storm *t);
// What no storm may ever show, or NULL; asked behind calm or silence.
const char *storm_fault(struct storm *t);
// What the client has seen, line by line.
void storm_write(const struct storm *t, struct buf *text);
// What is left of the stage is a fault of it: t->stage.fault.
void storm_fini(struct storm *t);

#endif
