// SPDX-License-Identifier: MIT
#include "cli/version.h"

#include "admin/json.h"
#include "base/build.h"
#include "cli/arguments.h"
#include "config/file.h"
#include "http/http_library.h"
#include "server/server.h"
#include "store/sqlite.h"

#include <stdio.h>

#define TEXT_MOST 65536 // bytes

static const struct build_library libraries[] = {
    {"libnghttp2", http_library_nghttp2},
    {"openssl", http_library_openssl},
    {"zlib", http_library_zlib},
    {"libbrotlienc", http_library_brotli},
    {"liburiparser", NULL},
    {"libuv", server_library},
    {"liburcu-qsbr", NULL},
    {"libconfuse", file_library},
    {"jansson", json_library},
    {"sqlite3", sqlite_library},
};

int version_command(int argc, char **argv) {
    struct arguments a;
    (void)argc;
    int err = arguments_read(COMMAND_VERSION, argv, &a);
    if (err != 0) {
        return err;
    }
    printf("outrider %s\n", build_version());
    if (a.verbose) {
        struct buf text;
        buf_init(&text, TEXT_MOST);
        build_describe(&text, libraries, sizeof libraries / sizeof *libraries);
        struct span all = buf_span(&text);
        fwrite(all.p, 1, all.n, stdout);
        buf_fini(&text);
    }
    return 0;
}
