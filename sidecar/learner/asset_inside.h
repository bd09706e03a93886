// SPDX-License-Identifier: MIT
// What the files of the table share: asset.c has files, their variants, questions and news,
// asset_version.c finds out which file is the newer version of another.
#ifndef LEARNER_ASSET_INSIDE_H
#define LEARNER_ASSET_INSIDE_H

#include "learner/asset.h"

// Another file is the newer version of f; NULL: none is.
void asset_set_newer(struct asset_table *t, struct asset_file *f, struct asset_file *newer);

#endif
