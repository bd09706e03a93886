// SPDX-License-Identifier: MIT
#include "config/build_front.h"

#include "exchange/access.h"

#include <sys/stat.h>

// absolute-path, in normal form.
static const char *why_no_path(struct span s) {
    if (s.n < 2 || s.p[0] != '/' || s.p[s.n - 1] == '/') {
        return "it must be the path of a file, such as /index.php";
    }
    bool is_odd = span_find(s, SPAN("//")) < s.n || span_find(s, SPAN("/./")) < s.n ||
                  span_find(s, SPAN("/../")) < s.n || span_has_suffix(s, SPAN("/..")) ||
                  span_has_suffix(s, SPAN("/."));
    return is_odd ? "no //, /. or /.. may stand in it" : NULL;
}

static struct span join(struct build *b, struct span root, struct span path) {
    uint8_t *p = build_alloc(b, root.n + path.n + 1);
    if (root.n > 0) {
        memcpy(p, root.p, root.n);
    }
    memcpy(p + root.n, path.p, path.n);
    return span_of(p, root.n + path.n);
}

static bool is_there(struct span file) {
    struct stat st;
    return stat((const char *)file.p, &st) == 0 && S_ISREG(st.st_mode);
}

void build_front(struct build *b, const struct file_section *s, enum option id,
                 const struct site *site, struct site_front *front) {
    unsigned line = file_line(s, id);
    struct span path = front->path;
    if (path.n == 0) {
        return;
    }
    front->file = join(b, site->root, path);
    front->is_open = access_check_found(site, path, true, ACCESS_CLIENT) == 0;
    if (why_no_path(path) != NULL) {
        config_errors_put(b->errors, line, "front-controller \"%.*s\": %s", SPAN_ARG(path),
                          why_no_path(path));
    } else if (access_check_found(site, path, true, ACCESS_APPLICATION) != 0) {
        config_errors_put(b->errors, line,
                          "front-controller \"%.*s\" is denied by deny, deny-files or "
                          "deny-scripts, or because a name in it begins with a dot",
                          SPAN_ARG(path));
    }
    if (site->must_check && site->root.n > 0 && !is_there(front->file)) {
        config_errors_put(b->errors, line, "front-controller: there is no file %s",
                          (const char *)front->file.p);
    }
    if (site->pool == SITE_NO_POOL) {
        config_errors_put(b->errors, line, "a front-controller needs a pool that runs it");
    }
}
