// SPDX-License-Identifier: MIT
// What the user that Outrider becomes has to be able to do: enter the roots, read the scripts'
// folders, connect to the pools, write the store. For doctor.
#ifndef SERVER_DOCTOR_USER_H
#define SERVER_DOCTOR_USER_H

#include "base/buf.h"
#include "config/config.h"

enum doctor_level { DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor {
    const struct config *config;
    const char *path; // of its file
    struct buf *out;
    unsigned errors;
    bool is_other; // neither root nor the user that it would become
};

__attribute__((format(printf, 3, 4))) void doctor_tell(struct doctor *d, enum doctor_level level,
                                                       const char *format, ...);
// Looks; must_become: becomes the user first, for good.
void doctor_user_look(struct doctor *d, bool must_become);

#endif
