// SPDX-License-Identifier: MIT
// HTTP dates (RFC 9110, 5.6.7) by arithmetic alone: no locale, no time zone, no library state.
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/span.h"

#define DATE_LEN 29 // bytes of an IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes the DATE_LEN bytes of a time in seconds since 1970 to `out`, without a zero at the end.
// Times outside the years 1 to 9999 are cut to them.
void date_format(int64_t unix_time, char *out);
// Reads any of the three forms that servers must accept: IMF-fixdate, RFC 850, asctime. A two-digit
// year is taken to be at most 50 years after `now`. False when it is none of them.
bool date_parse(struct span s, int64_t now, int64_t *unix_time);

#endif
