// SPDX-License-Identifier: MIT
// The words of the tables that metrics are split by and that the folder metrics may not know.
#ifndef SERVER_LABELS_H
#define SERVER_LABELS_H

#include "hints/hint.h"
#include "metrics/metrics.h"

#define LABELS_LINK_BROKEN HINT_REASONS // the index of links that could not be read

// Names the reasons of the gate, of pages and of links.
void labels_give(struct metrics *metrics);

#endif
