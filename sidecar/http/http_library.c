// SPDX-License-Identifier: MIT
#include "http/http_library.h"

#include <brotli/encode.h>
#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <zlib.h>

const char *http_library_nghttp2(void) {
    return nghttp2_version(0)->version_str;
}

const char *http_library_openssl(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const char *http_library_zlib(void) {
    return zlibVersion();
}

const char *http_library_brotli(void) {
    static char text[32];
    uint32_t version = BrotliEncoderVersion(); // 8 bits, 12 bits, 12 bits
    snprintf(text, sizeof text, "%u.%u.%u", version >> 24, version >> 12 & 0xfff, version & 0xfff);
    return text;
}
