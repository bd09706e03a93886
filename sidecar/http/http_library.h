// SPDX-License-Identifier: MIT
// The versions of the libraries that this folder uses, as they run: they may be others than those
// that the program was built with.
#ifndef HTTP_HTTP_LIBRARY_H
#define HTTP_HTTP_LIBRARY_H

const char *http_library_nghttp2(void);
const char *http_library_openssl(void);
const char *http_library_zlib(void);
// "1.0.9". The text is the library's own, of the last call.
const char *http_library_brotli(void);

#endif
