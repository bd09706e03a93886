// SPDX-License-Identifier: MIT
// The head of a response that is a file: its validators, what the request's conditions make of it
// (RFC 9110, 13), and the ranges (14.2). Knows the file by what was found out about it, so that it
// needs no disk.
#ifndef GATEWAY_FILE_HEAD_H
#define GATEWAY_FILE_HEAD_H

#include "exchange/router.h"
#include "gateway/ports.h"
#include "http/date.h"

// Values of fields that are the same in all responses of a file.
struct file_texts {
    char etag[40], modified[DATE_LEN], len[24];
    uint8_t etag_n, len_n;
};

// What is asked for, and the memory that the head lives in.
struct file_request {
    struct span path; // of the file: its suffix says the media type
    const struct request *request;
    struct arena *arena;
};

// Writes the texts of a file of that length and time.
void file_head_describe(struct file_texts *out, const struct file_info *info);
// Makes head, length and bytes to be sent of *r, whose file stays as it is. The head borrows from
// the texts. Of several ranges only r->ranges is made, and no Content-Length: see file_parts.h. 0,
// or ERR_PRECONDITION, ERR_RANGE, ERR_ARENA_LIMIT.
int file_head_build(struct file_response *r, const struct file_info *info,
                    const struct file_texts *texts, const struct file_request *q);

#endif
