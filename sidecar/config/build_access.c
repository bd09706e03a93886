// SPDX-License-Identifier: MIT
#include "config/build_access.h"

#include "config/build_check.h"
#include "exchange/access.h"

#include <stdio.h>
#include <unistd.h>

#define PATH_MOST 4096 // bytes of a file's name

// Folders into which an application's users upload, where their names are common words: they are
// free of scripts when the file that gives the application away is below the root as the
// configuration is read.
static const struct uploads_row {
    const char *application, *file, *pattern;
} uploads[] = {
    {"Joomla", "/administrator/manifests/files/joomla.xml", "/images/*"},
    {"Joomla", "/administrator/manifests/files/joomla.xml", "/media/*"},
    {"phpBB", "/ucp.php", "/files/*"},
    {"phpBB", "/ucp.php", "/store/*"},
    {"MediaWiki", "/includes/WebStart.php", "/images/*"},
    {"PrestaShop", "/config/defines.inc.php", "/img/*"},
    {"PrestaShop", "/config/defines.inc.php", "/upload/*"},
    {"PrestaShop", "/config/defines.inc.php", "/download/*"},
    {"Magento", "/../app/etc/di.xml", "/media/*"},
    {"Contao", "/../vendor/contao/core-bundle", "/files/*"},
};

#define UPLOADS_N (sizeof uploads / sizeof uploads[0])

static const char *why_no_suffix(struct span s) {
    bool is_suffix = s.n > 1 && s.p[0] == '.' && span_index(s, '/') == s.n;
    bool is_path = s.n > 1 && s.p[0] == '/' && s.p[s.n - 1] != '/' && span_index(s, '*') == s.n;
    return is_suffix || is_path
               ? NULL
               : "a suffix begins with a dot and has no slash; a path is that of one script, /app";
}

static bool is_there(struct span root, const char *file) {
    char path[PATH_MOST];
    int n = snprintf(path, sizeof path, "%.*s%s", SPAN_ARG(root), file);
    return n > 0 && n < PATH_MOST && access(path, F_OK) == 0;
}

// The patterns of the list, and those of the applications that stand in the root.
static struct span_list with_uploads(struct build *b, const struct site *site,
                                     struct span_list list) {
    struct span *v = build_alloc(b, (list.n + UPLOADS_N) * sizeof *v);
    size_t n = list.n;
    for (size_t i = 0; i < n; i++) {
        v[i] = list.v[i];
    }
    for (size_t i = 0; i < UPLOADS_N; i++) {
        if (is_there(site->root, uploads[i].file)) {
            v[n++] = span_str(uploads[i].pattern);
        }
    }
    return (struct span_list){v, n};
}

void build_access(struct build *b, const struct file_section *s, struct site *site) {
    build_check(b, s, OPTION_SITE_SCRIPTS, site->suffixes, why_no_suffix);
    build_check(b, s, OPTION_SITE_DENY, site->denied, build_why_no_pattern);
    build_check(b, s, OPTION_SITE_DENY_FILES, site->denied_files, build_why_no_pattern);
    build_check(b, s, OPTION_SITE_INTERNAL, site->internal, build_why_no_pattern);
    build_check(b, s, OPTION_SITE_DENY_SCRIPTS, site->script_free, build_why_no_pattern);
    if (site->root.n > 0 && !build_has_none(s, OPTION_SITE_DENY_SCRIPTS)) {
        site->script_free = with_uploads(b, site, site->script_free);
    }
    site->script_free_starts = access_starts(site->script_free);
}
