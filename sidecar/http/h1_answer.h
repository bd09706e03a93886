// SPDX-License-Identifier: MIT
// Inside the HTTP/1 engine: how responses are written (RFC 9112, 4 and 6). Nobody but h1.c includes
// this. The first five are the commands of http/front.h.
#ifndef HTTP_H1_ANSWER_H
#define HTTP_H1_ANSWER_H

#include "http/h1.h"

int h1_answer_inform(struct front *f, struct front_stream *s, const struct response *r);
int h1_answer_head(struct front *f, struct front_stream *s, const struct response *r, bool end);
size_t h1_answer_room(const struct front *f, const struct front_stream *s);
int h1_answer_body(struct front *f, struct front_stream *s, struct span bytes);
void h1_answer_finish(struct front *f, struct front_stream *s);

// Writes 100 (Continue).
void h1_answer_continue(struct h1 *h);
// Writes the response that an error's row asks for, with Connection: close.
void h1_answer_refuse(struct h1 *h, int error);

// h1.c: the response is complete, or is broken off.
void h1_end(struct h1 *h);
void h1_break(struct h1 *h, int error);

#endif
