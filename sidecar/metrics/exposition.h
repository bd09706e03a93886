// SPDX-License-Identifier: MIT
// All metrics as text for Prometheus (exposition format 0.0.4): HELP and TYPE of every row of
// metrics.def, then its samples.
//
//     # HELP outrider_requests_total Requests received, by HTTP version.
//     # TYPE outrider_requests_total counter
//     outrider_requests_total{protocol="h2"} 12
#ifndef METRICS_EXPOSITION_H
#define METRICS_EXPOSITION_H

#include "base/buf.h"
#include "metrics/metrics.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

// Appends the text. Samples of errors and gate reasons that are 0 are left out. 0, or
// ERR_BUF_LIMIT with part of it written.
int exposition_write(const struct metrics *m, struct buf *out);

#endif
