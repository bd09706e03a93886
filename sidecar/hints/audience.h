// SPDX-License-Identifier: MIT
// Whether somebody asked as nobody in particular. A request is anonymous when it carries neither
// credentials nor a cookie by which a PHP application is known to recognise a user or a session.
#ifndef HINTS_AUDIENCE_H
#define HINTS_AUDIENCE_H

#include "base/pair.h"

// A cookie of that name identifies a session (session_cookie.def).
bool audience_is_session_cookie(struct span name);
// One of the cookies in the value of a Cookie field does.
bool audience_has_session(struct span cookie);
// No Authorization field and no session cookie.
bool audience_is_anonymous(const struct pairs *fields);

#endif
