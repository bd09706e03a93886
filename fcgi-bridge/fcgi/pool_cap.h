// SPDX-License-Identifier: MIT
// How many requests a server is given at once where nobody has said how many it can execute: the
// rule by which that is learned. What shows it are requests that were sent and that the server has
// not begun to read: all its processes are busy, and what it holds besides these is what it can do.
//
// A wait of POOL_CAP_LATE_MS in the server's own queue is no harm and no evidence. What is seen for
// a whole window counts, the most of it: a process that is being replaced lowers nothing. More is
// tried only while somebody waits for room, by one and then by twice as many each time; each trial
// that was too much makes the next one later.
//
//         held 32, unread 28, for a window        somebody waits, nothing unread, for `pause_ms`
//     32 ──────────────────────────────────► 4 ◄────────────────────────────────────────────► 5
#ifndef FCGI_POOL_CAP_H
#define FCGI_POOL_CAP_H

#include <stdbool.h>
#include <stdint.h>

#define POOL_CAP_MOST 256            // it is never raised above this, wherever it began
#define POOL_CAP_LATE_MS 50          // until a request that was sent and not read is evidence
#define POOL_CAP_WINDOW_MS 200       // of looks at the same state, before anything is lowered
#define POOL_CAP_PAUSE_MS 400        // without evidence, before anything is raised
#define POOL_CAP_PAUSE_MOST_MS 30000 // likewise, after trials that were too much

struct pool_cap {
    unsigned most;     // requests at once
    unsigned ceiling;  // to which it may be raised
    unsigned step;     // by how many it is raised next
    unsigned seen;     // most that were executed in the window
    bool is_late;      // a window of evidence is open
    uint64_t since_ms; // of the window, or of the time without evidence
    uint64_t pause_ms; // without evidence, before it is raised
};

// What one look shows.
struct pool_cap_view {
    unsigned held;   // requests at the server, kept connections too
    unsigned unread; // of them sent for POOL_CAP_LATE_MS, and not read
    bool is_wanted;  // others wait until there is room
};

// Begins with `most`, and is not raised above `ceiling`.
void pool_cap_init(struct pool_cap *c, unsigned most, unsigned ceiling, uint64_t now_ms);
// A look at the server, several times a window. Whether c->most has changed.
bool pool_cap_look(struct pool_cap *c, const struct pool_cap_view *v, uint64_t now_ms);

#endif
