// SPDX-License-Identifier: MIT
#include "http/mime.h"

#define ENDING_MAX 12       // bytes; longer endings are unknown
#define JAVASCRIPT_LEAST 12 // bytes of the shortest type of JavaScript

struct row {
    const char *ending;
    struct span type;
};

// Sorted by ending.
static const struct row rows[] = {
    {"3gp", SPAN_INIT("video/3gpp")},
    {"7z", SPAN_INIT("application/x-7z-compressed")},
    {"aac", SPAN_INIT("audio/aac")},
    {"apng", SPAN_INIT("image/apng")},
    {"atom", SPAN_INIT("application/atom+xml")},
    {"avi", SPAN_INIT("video/x-msvideo")},
    {"avif", SPAN_INIT("image/avif")},
    {"bmp", SPAN_INIT("image/bmp")},
    {"bz2", SPAN_INIT("application/x-bzip2")},
    {"cjs", SPAN_INIT("text/javascript")},
    {"css", SPAN_INIT("text/css")},
    {"csv", SPAN_INIT("text/csv")},
    {"cur", SPAN_INIT("image/x-icon")},
    {"doc", SPAN_INIT("application/msword")},
    {"docx", SPAN_INIT("application/vnd.openxmlformats-officedocument.wordprocessingml.document")},
    {"eot", SPAN_INIT("application/vnd.ms-fontobject")},
    {"epub", SPAN_INIT("application/epub+zip")},
    {"flac", SPAN_INIT("audio/flac")},
    {"gif", SPAN_INIT("image/gif")},
    {"glb", SPAN_INIT("model/gltf-binary")},
    {"gltf", SPAN_INIT("model/gltf+json")},
    {"gz", SPAN_INIT("application/gzip")},
    {"heic", SPAN_INIT("image/heic")},
    {"htm", SPAN_INIT("text/html")},
    {"html", SPAN_INIT("text/html")},
    {"ico", SPAN_INIT("image/x-icon")},
    {"ics", SPAN_INIT("text/calendar")},
    {"jpeg", SPAN_INIT("image/jpeg")},
    {"jpg", SPAN_INIT("image/jpeg")},
    {"js", SPAN_INIT("text/javascript")},
    {"json", SPAN_INIT("application/json")},
    {"jsonld", SPAN_INIT("application/ld+json")},
    {"jxl", SPAN_INIT("image/jxl")},
    {"m3u8", SPAN_INIT("application/vnd.apple.mpegurl")},
    {"m4a", SPAN_INIT("audio/mp4")},
    {"m4v", SPAN_INIT("video/mp4")},
    {"map", SPAN_INIT("application/json")},
    {"md", SPAN_INIT("text/markdown")},
    {"mid", SPAN_INIT("audio/midi")},
    {"mjs", SPAN_INIT("text/javascript")},
    {"mkv", SPAN_INIT("video/x-matroska")},
    {"mov", SPAN_INIT("video/quicktime")},
    {"mp3", SPAN_INIT("audio/mpeg")},
    {"mp4", SPAN_INIT("video/mp4")},
    {"mpd", SPAN_INIT("application/dash+xml")},
    {"mpeg", SPAN_INIT("video/mpeg")},
    {"oga", SPAN_INIT("audio/ogg")},
    {"ogg", SPAN_INIT("audio/ogg")},
    {"ogv", SPAN_INIT("video/ogg")},
    {"opus", SPAN_INIT("audio/ogg")},
    {"otf", SPAN_INIT("font/otf")},
    {"pdf", SPAN_INIT("application/pdf")},
    {"png", SPAN_INIT("image/png")},
    {"ppt", SPAN_INIT("application/vnd.ms-powerpoint")},
    {"pptx",
     SPAN_INIT("application/vnd.openxmlformats-officedocument.presentationml.presentation")},
    {"rar", SPAN_INIT("application/vnd.rar")},
    {"rss", SPAN_INIT("application/rss+xml")},
    {"rtf", SPAN_INIT("application/rtf")},
    {"svg", SPAN_INIT("image/svg+xml")},
    {"tar", SPAN_INIT("application/x-tar")},
    {"tif", SPAN_INIT("image/tiff")},
    {"tiff", SPAN_INIT("image/tiff")},
    {"ts", SPAN_INIT("video/mp2t")},
    {"ttc", SPAN_INIT("font/collection")},
    {"ttf", SPAN_INIT("font/ttf")},
    {"txt", SPAN_INIT("text/plain")},
    {"vtt", SPAN_INIT("text/vtt")},
    {"wasm", SPAN_INIT("application/wasm")},
    {"wav", SPAN_INIT("audio/wav")},
    {"weba", SPAN_INIT("audio/webm")},
    {"webm", SPAN_INIT("video/webm")},
    {"webmanifest", SPAN_INIT("application/manifest+json")},
    {"webp", SPAN_INIT("image/webp")},
    {"woff", SPAN_INIT("font/woff")},
    {"woff2", SPAN_INIT("font/woff2")},
    {"xhtml", SPAN_INIT("application/xhtml+xml")},
    {"xls", SPAN_INIT("application/vnd.ms-excel")},
    {"xlsx", SPAN_INIT("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    {"xml", SPAN_INIT("application/xml")},
    {"xsl", SPAN_INIT("application/xslt+xml")},
    {"zip", SPAN_INIT("application/zip")},
};

// The ending of the last segment, in lower case with a zero behind it. False when there is none
// that may be known.
static bool find_ending(struct span path, char *out) {
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '.' && path.p[at - 1] != '/') {
        at--;
    }
    struct span ending = span_skip(path, at);
    if (at == 0 || path.p[at - 1] == '/' || ending.n == 0 || ending.n >= ENDING_MAX) {
        return false;
    }
    for (size_t i = 0; i < ending.n; i++) {
        out[i] = (char)span_lower_byte(ending.p[i]);
    }
    out[ending.n] = 0;
    return true;
}

struct span mime_type(struct span path) {
    char ending[ENDING_MAX];
    size_t low = 0, high = sizeof rows / sizeof *rows;
    bool has_ending = find_ending(path, ending);
    while (has_ending && low < high) {
        size_t middle = (low + high) / 2;
        int order = ending[0] - rows[middle].ending[0]; // mostly they differ in that
        order = order != 0 ? order : strcmp(ending, rows[middle].ending);
        if (order == 0) {
            return rows[middle].type;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return SPAN("application/octet-stream");
}

struct span mime_essence(struct span content_type) {
    return span_trim(span_first(content_type, span_index(content_type, ';')));
}

bool mime_is_javascript(struct span essence) {
    if (essence.n < JAVASCRIPT_LEAST) {
        return false; // as of most pages
    }
    static const struct span types[] = {
        SPAN_INIT("text/javascript"),
        SPAN_INIT("application/javascript"),
        SPAN_INIT("application/x-javascript"),
        SPAN_INIT("application/ecmascript"),
        SPAN_INIT("application/x-ecmascript"),
        SPAN_INIT("text/ecmascript"),
        SPAN_INIT("text/javascript1.0"),
        SPAN_INIT("text/javascript1.1"),
        SPAN_INIT("text/javascript1.2"),
        SPAN_INIT("text/javascript1.3"),
        SPAN_INIT("text/javascript1.4"),
        SPAN_INIT("text/javascript1.5"),
        SPAN_INIT("text/jscript"),
        SPAN_INIT("text/livescript"),
        SPAN_INIT("text/x-ecmascript"),
        SPAN_INIT("text/x-javascript"),
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (span_eq_nocase(types[i], essence)) {
            return true;
        }
    }
    return false;
}
