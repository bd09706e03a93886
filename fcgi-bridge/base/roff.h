// SPDX-License-Identifier: MIT
// A page of the manual as roff, of man(7)'s macros: the programs write theirs from their tables.
// What `out` has no room for is missing.
#ifndef BASE_ROFF_H
#define BASE_ROFF_H

#include "base/buf.h"

// The head of the page, and its section NAME: "outrider", 1, "what it is".
void roff_head(struct buf *out, const char *name, int section, const char *sentence);
// A heading of a section, or of one within it.
void roff_section(struct buf *out, const char *title);
void roff_subsection(struct buf *out, const char *title);
// A paragraph of plain text.
void roff_paragraph(struct buf *out, const char *text);
// What is explained, in bold, with the argument behind it in italics ("" for none); the text behind
// it explains it.
void roff_item(struct buf *out, const char *name, const char *argument);
// Plain text of the paragraph or item that is open.
void roff_text(struct buf *out, const char *text);
// Lines as they are: an example.
void roff_example(struct buf *out, const char *text);

#endif
