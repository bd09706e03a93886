// SPDX-License-Identifier: MIT
#include "sim/stage.h"

#include <stdlib.h>

#define ROUTE "blog.example\0p"

static const struct siphash_key secret = {5, 6};
// What exchanges teach with is large: all stages, of which there is one at a time, share it.
static struct observer observer;
static int64_t unix_time = 784111777;

static enum file_kind find_file(void *self, struct span path, struct file_info *info) {
    static const struct span there[] = {
        SPAN_INIT("/srv/index.php"),   SPAN_INIT("/srv/late.php"), SPAN_INIT("/srv/style.css"),
        SPAN_INIT("/srv/up/img.jpg"),  SPAN_INIT("/etc/passwd"),   SPAN_INIT("/srv/.git"),
        SPAN_INIT("/srv/a/.htaccess"),
    };
    struct stage *s = self;
    *info = (struct file_info){.len = 3};
    if (!span_has_prefix(path, SPAN("/srv/")) || span_find(path, SPAN("/../")) < path.n) {
        stage_fault(s, "a look above the root");
    }
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        if (span_eq(path, there[i])) {
            return FILE_REGULAR;
        }
    }
    return FILE_NONE;
}

static bool find_offer(void *self, struct route_id id, struct offer *out) {
    struct stage *s = self;
    static const struct span keys[] = {SPAN_INIT(ROUTE "/learned/"), SPAN_INIT(ROUTE "/kind/\1")};
    for (size_t i = 0; i < 2; i++) {
        if (route_id_eq(id, route_key_id(&secret, keys[i]))) {
            *out = (struct offer){.plan = s->learned, .scope = (enum offer_scope)i};
            return true;
        }
    }
    return false;
}

// All assets may be kept for a minute, but for one that is gone.
static bool find_asset(void *self, struct route_id id, struct offer_asset *out) {
    (void)self;
    struct route_id gone = route_asset_id(&secret, SPAN("blog.example"), SPAN("/gone.css"));
    *out = (struct offer_asset){OFFER_ASSET_REUSABLE, 60};
    if (route_id_eq(id, gone)) {
        out->state = OFFER_ASSET_DEAD;
    }
    return true;
}

static const struct plan *rule_plan(struct stage *s) {
    struct pair link[] = {{SPAN("link"), SPAN("</a.css>; rel=preload; as=style")}};
    struct pairs fields = {link, 1, 1};
    struct target_page page = {SPAN("https"), SPAN("blog.example"), SPAN("/")};
    const struct plan *plan = plan_of_links(&fields, &page, NULL, &s->arena);
    if (plan == NULL) {
        abort();
    }
    return plan;
}

static void init_learned(struct stage *s) {
    struct hint hint = {.target = SPAN("/l.css"), .as = HINT_AS_STYLE};
    s->learned = plan_new(NULL, &hint, 1);
    holdback_init(&s->holdback, &secret, 0);
    if (observer.told == NULL) {
        observer_init(&observer, &secret, &unix_time, NULL);
    }
}

void stage_fini_site(struct stage *s) {
    while (observer_next_visit(&observer, 1000, true) > 0) {
    }
    if (!list_is_empty(&observer.visits.thinking)) {
        stage_fault(s, "a visit that nobody ends");
    }
    unix_time += 60;
    memset(observer.told, 0, OBSERVER_TOLD * sizeof *observer.told);
    plan_free(s->learned);
}

static void init_site(struct stage *s) {
    static const struct span suffix = SPAN_INIT(".php");
    static const struct span style = SPAN_INIT("/style.css"), late = SPAN_INIT("/late.php"),
                             gone = SPAN_INIT("/gone.php");
    s->rules[0] = (struct route_rule){.pattern = SPAN("/hinted/*"), .plan = rule_plan(s)};
    s->rules[1] = (struct route_rule){.pattern = SPAN("/push/*"), .pushes = {&style, 1}};
    s->rules[2] = (struct route_rule){.pattern = SPAN("/push-late/*"), .pushes = {&late, 1}};
    s->rules[3] = (struct route_rule){.pattern = SPAN("/push-gone/*"), .pushes = {&gone, 1}};
    s->site = (struct site){
        .name = SPAN("blog.example"),
        .root = SPAN("/srv"),
        .front.path = SPAN("/index.php"),
        .front.file = SPAN("/srv/index.php"),
        .must_check = true,
        .suffixes = {&suffix, 1},
        .body_limit = s->conf.body_limit ? s->conf.body_limit : 1000,
        .gate = {.mode = HINT_MODE_HINT},
        .policy = {.learn = 15},
        .relay = s->conf.relay,
        .buffer = {.request = s->conf.buffers, .response = s->conf.stores, .limit = 1u << 20},
        .rules = s->rules,
        .rules_n = 4};
    if (s->conf.compressions > 0) {
        static const struct span types = SPAN_INIT("text/*");
        s->site.compress =
            (struct site_compression){.mode = SITE_COMPRESS_ALL,
                                      .codings = {CODING_ZSTD, CODING_BROTLI, CODING_GZIP},
                                      .codings_n = 3,
                                      .gzip_level = 5,
                                      .br_level = 4,
                                      .zstd_level = 3,
                                      .types = {&types, 1}};
    }
    s->files = (struct router_files){.self = s, .find = find_file};
    if (router_init(&s->router, &s->arena, &s->site, 1) != 0) {
        abort();
    }
    s->listener.exchange = (struct exchange_conf){
        .router = &s->router,
        .files = &s->files,
        .published = {.find = find_offer, .find_asset = find_asset, .self = s, .secret = secret},
        .holdbacks = &s->holdback,
        .observer = &observer};
    s->relay_conf.observer = &observer;
    s->relay_conf.secret = &secret;
}

void stage_init_site(struct stage *s) {
    init_learned(s);
    init_site(s);
}
