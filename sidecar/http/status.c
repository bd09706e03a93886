// SPDX-License-Identifier: MIT
#include "http/status.h"

struct span status_reason(int status) {
    static const struct {
        int status;
        struct span reason;
    } rows[] = {
        {100, SPAN_INIT("Continue")},
        {103, SPAN_INIT("Early Hints")},
        {200, SPAN_INIT("OK")},
        {201, SPAN_INIT("Created")},
        {202, SPAN_INIT("Accepted")},
        {204, SPAN_INIT("No Content")},
        {205, SPAN_INIT("Reset Content")},
        {206, SPAN_INIT("Partial Content")},
        {301, SPAN_INIT("Moved Permanently")},
        {302, SPAN_INIT("Found")},
        {303, SPAN_INIT("See Other")},
        {304, SPAN_INIT("Not Modified")},
        {307, SPAN_INIT("Temporary Redirect")},
        {308, SPAN_INIT("Permanent Redirect")},
        {400, SPAN_INIT("Bad Request")},
        {401, SPAN_INIT("Unauthorized")},
        {403, SPAN_INIT("Forbidden")},
        {404, SPAN_INIT("Not Found")},
        {405, SPAN_INIT("Method Not Allowed")},
        {406, SPAN_INIT("Not Acceptable")},
        {408, SPAN_INIT("Request Timeout")},
        {409, SPAN_INIT("Conflict")},
        {410, SPAN_INIT("Gone")},
        {411, SPAN_INIT("Length Required")},
        {412, SPAN_INIT("Precondition Failed")},
        {413, SPAN_INIT("Content Too Large")},
        {414, SPAN_INIT("URI Too Long")},
        {415, SPAN_INIT("Unsupported Media Type")},
        {416, SPAN_INIT("Range Not Satisfiable")},
        {417, SPAN_INIT("Expectation Failed")},
        {421, SPAN_INIT("Misdirected Request")},
        {422, SPAN_INIT("Unprocessable Content")},
        {429, SPAN_INIT("Too Many Requests")},
        {431, SPAN_INIT("Request Header Fields Too Large")},
        {500, SPAN_INIT("Internal Server Error")},
        {501, SPAN_INIT("Not Implemented")},
        {502, SPAN_INIT("Bad Gateway")},
        {503, SPAN_INIT("Service Unavailable")},
        {504, SPAN_INIT("Gateway Timeout")},
        {505, SPAN_INIT("HTTP Version Not Supported")},
        {507, SPAN_INIT("Insufficient Storage")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].status == status) {
            return rows[i].reason;
        }
    }
    return SPAN("");
}
