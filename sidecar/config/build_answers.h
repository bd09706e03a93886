// SPDX-License-Identifier: MIT
// What sites and routes say of answers: networks of clients, header fields, pages for errors.
#ifndef CONFIG_BUILD_ANSWERS_H
#define CONFIG_BUILD_ANSWERS_H

#include "config/build.h"

// Fills *answers from the section s of a site, or of a route of it. Errors are told.
void build_answers(struct build *b, const struct file_section *s, struct site_answers *answers);
// Networks from the texts of an option; what is none is told.
const struct ip_net *build_networks(struct build *b, const struct file_section *s, enum option id,
                                    size_t *n);

#endif
