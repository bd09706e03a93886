// SPDX-License-Identifier: MIT
#include "sim/learning_world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "learner/recipient.h"
#include "sim/learning_site.h"

#define AGENTS 8
#define USES_MAX WORLD_USES

static const struct span session_fields[] = {SPAN_INIT("X-Auth-*")};
static const struct audience_conf conf = {.fields = {.v = session_fields, .n = 1}};

// ---- the world ----------------------------------------------------------------------------------

static uint64_t pick(uint64_t seed, uint64_t purpose, uint64_t of, uint64_t n) {
    return site_mix(site_mix(seed, purpose), of) % n;
}

static void make_people(struct world *w, uint64_t seed) {
    for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
        struct world_person *p = &w->people[i];
        uint64_t habit = pick(seed, 2, i, 3);
        p->scheme = (enum world_scheme)pick(seed, 1, i, WORLD_SCHEMES);
        p->roams = habit == 1;
        p->signs_in = habit == 2;
        p->home = (uint8_t)pick(seed, 3, i, WORLD_NETWORKS);
        p->agent = (uint8_t)pick(seed, 4, i, AGENTS);
        p->group = (uint8_t)pick(seed, 5, i, 3);
    }
}

static void make_pages(struct world *w, uint64_t seed) {
    static const char *const folders[] = {"/", "/desk/", "/account/", "/desk/parts/"};
    for (unsigned i = 0; i < WORLD_PAGES; i++) {
        const char *folder = folders[pick(seed, 6, i, 4)];
        w->pages[i].kind = (enum world_kind)pick(seed, 7, i, WORLD_KINDS);
        w->pages[i].owner = (uint8_t)pick(seed, 8, i, WORLD_PEOPLE);
        snprintf(w->pages[i].path, sizeof w->pages[i].path, "%spage-%u/", folder, i);
    }
}

void world_init(struct world *w, uint64_t seed) {
    memset(w, 0, sizeof *w);
    pupil_init(&w->pupil, (struct learner_conf){0});
    for (unsigned i = 0; i < WORLD_WORKERS; i++) {
        lineage_init(&w->lineages[i]);
    }
    make_people(w, seed);
    make_pages(w, seed);
    w->version = 1;
}

void world_fini(struct world *w) {
    pupil_fini(&w->pupil);
    for (unsigned i = 0; i < WORLD_WORKERS; i++) {
        lineage_fini(&w->lineages[i]);
    }
}

struct world_event world_chance(const struct world *w, uint64_t seed, uint64_t nth) {
    uint64_t u = site_mix(seed, nth);
    struct world_event e = {.person = (uint8_t)pick(u, 1, 0, WORLD_PEOPLE),
                            .page = (uint8_t)pick(u, 2, 0, WORLD_PAGES),
                            .network = (uint8_t)pick(u, 3, 0, WORLD_NETWORKS),
                            .worker = (uint8_t)pick(u, 4, 0, WORLD_WORKERS),
                            .minutes = (uint8_t)pick(u, 5, 0, 90),
                            .signs_in = pick(u, 6, 0, 3) == 0,
                            .fails = pick(u, 7, 0, 30) == 0,
                            .is_hidden = pick(u, 8, 0, 3) == 0,
                            .is_late = pick(u, 9, 0, 3) == 0,
                            .is_renewed = pick(u, 10, 0, 3) == 0,
                            .is_cut = pick(u, 15, 0, 20) == 0,
                            .is_deploy = pick(u, 11, 0, 100) == 0};
    // People have favourites, so that the same come back; an adversary asks again and again.
    if (pick(u, 12, 0, 3) == 0) {
        e.person %= 4;
    }
    if (pick(u, 13, 0, 3) == 0) {
        e.page %= 5;
    }
    if (w->pages[e.page].kind == WORLD_SECRET && pick(u, 14, 0, 10) > 0) {
        e.person = w->pages[e.page].owner; // others have to guess
    }
    return e;
}

static unsigned network_of(const struct world *w, const struct world_event *e) {
    const struct world_person *p = &w->people[e->person];
    return p->roams ? e->network : p->home;
}

static bool is_inside(const struct world *w, const struct world_event *e) {
    return network_of(w, e) < WORLD_INSIDE;
}

// ---- what pages give ----------------------------------------------------------------------------

static uint16_t url_of(struct world *w, const char *text) {
    for (size_t i = 0; i < w->urls_n; i++) {
        if (strcmp(w->urls[i].text, text) == 0) {
            return (uint16_t)i;
        }
    }
    assert(w->urls_n < WORLD_URLS);
    snprintf(w->urls[w->urls_n].text, sizeof w->urls[0].text, "%s", text);
    return (uint16_t)w->urls_n++;
}

struct view {
    uint16_t urls[USES_MAX];
    size_t n;
};

static void use(struct world *w, struct view *view, const char *what, unsigned number,
                const char *end) {
    char text[64];
    int n = snprintf(text, sizeof text, "/%s/of-%u.%s", what, number, end);
    if (strcmp(end, "woff2") != 0) {
        snprintf(text + n, sizeof text - (size_t)n, "?ver=%u", w->version % 3);
    }
    view->urls[view->n++] = url_of(w, text);
}

// Who does not show who he is gets what everybody gets, wherever he asks.
static void look(struct world *w, const struct world_event *e, bool is_known, struct view *view) {
    const struct world_person *p = &w->people[e->person];
    enum world_kind kind = w->pages[e->page].kind;
    view->n = 0;
    use(w, view, "assets", 0, "css");
    use(w, view, "page", e->page, "css");
    if (kind == WORLD_INTRANET) {
        if (is_inside(w, e)) {
            use(w, view, "intranet", e->page, "css");
        }
    } else if (kind == WORLD_OFFICE) {
        if (network_of(w, e) == WORLD_OFFICE_NETWORK) {
            use(w, view, "office", 0, "css");
            use(w, view, "office", e->page, "css");
        }
    } else if (kind == WORLD_SECRET) {
        use(w, view, "secret", w->pages[e->page].owner, "css");
        use(w, view, "secret", w->pages[e->page].owner, "woff2");
    } else if (kind != WORLD_OPEN && is_known) {
        use(w, view, "members", e->person, "css");
        use(w, view, "members", e->person, "woff2");
        use(w, view, "groups", p->group, "css");
        use(w, view, "desk", 0, "css");
    }
}

static void give(struct world_given *given, unsigned person, unsigned network) {
    given->people |= UINT64_C(1) << person;
    given->networks |= UINT64_C(1) << network;
}

// ---- who asks -----------------------------------------------------------------------------------

static void renew(struct world_person *p, unsigned person) {
    snprintf(p->cookie, sizeof p->cookie, "of-%u-%u", person, ++p->serial);
}

// A request and its response, as far as they say who asks.
struct talk {
    char cookie[80], credentials[64], agent[16], answer[96];
    struct pair asked[3], answered[2];
    struct pairs request;
    struct response response;
};

static const char *cookie_name(enum world_scheme scheme) {
    return scheme == WORLD_PHP       ? "PHPSESSID"
           : scheme == WORLD_LARAVEL ? "shop_session"
           : scheme == WORLD_AUTH    ? "auth"
                                     : "tok";
}

static bool is_cookie(enum world_scheme scheme) {
    return scheme == WORLD_PHP || scheme == WORLD_LARAVEL || scheme == WORLD_AUTH ||
           scheme == WORLD_TOKEN;
}

static void ask(struct talk *t, const struct world_person *p, unsigned person) {
    size_t n = 0;
    snprintf(t->agent, sizeof t->agent, "browser %u", p->agent);
    t->asked[n++] = (struct pair){SPAN("user-agent"), span_str(t->agent)};
    if (is_cookie(p->scheme)) {
        snprintf(t->cookie, sizeof t->cookie, "_ga=1; %s=%s", cookie_name(p->scheme), p->cookie);
        t->asked[n++] = (struct pair){SPAN("cookie"), span_str(t->cookie)};
    } else if (p->scheme != WORLD_NOBODY) {
        bool is_field = p->scheme == WORLD_FIELD;
        snprintf(t->credentials, sizeof t->credentials, "%sof-%u", is_field ? "" : "Basic ",
                 person);
        t->asked[n++] = (struct pair){is_field ? SPAN("x-auth-user") : SPAN("authorization"),
                                      span_str(t->credentials)};
    }
    t->request = (struct pairs){t->asked, n, n};
}

static void answer(struct talk *t, struct world *w, const struct world_event *e) {
    struct world_person *p = &w->people[e->person];
    enum world_kind kind = w->pages[e->page].kind;
    size_t n = 0;
    if (kind == WORLD_NO_STORE || kind == WORLD_SECRET) {
        t->answered[n++] = (struct pair){SPAN("cache-control"), SPAN("no-store")};
    }
    if (p->scheme == WORLD_LARAVEL || (p->scheme == WORLD_TOKEN && e->is_renewed)) {
        renew(p, e->person);
        snprintf(t->answer, sizeof t->answer, "%s=%s; path=/", cookie_name(p->scheme), p->cookie);
        t->answered[n++] = (struct pair){SPAN("set-cookie"), span_str(t->answer)};
    }
    t->response = (struct response){.status = e->fails ? 302 : 200};
    t->response.fields = (struct pairs){t->answered, n, n};
}

static struct recipient talk_recipient(struct talk *t, struct world *w, const struct world_event *e,
                                       const struct audience *audience) {
    struct recipient_sight sight = {.secret = &w->pupil.secret,
                                    .lineage = &w->lineages[e->worker],
                                    .audience = audience,
                                    .asked = &t->request,
                                    .response = &t->response,
                                    .network = 1000 + network_of(w, e),
                                    .is_inside = is_inside(w, e)};
    struct recipient recipient = recipient_of(&sight);
    recipient_note(&sight);
    return recipient;
}

// He signs in: asks without a cookie, and is given one.
static void sign_in(struct world *w, const struct world_event *e) {
    struct world_person *p = &w->people[e->person];
    struct talk t = {.request = {NULL, 0, 0}};
    struct audience nobody = audience_of(&conf, &t.request);
    renew(p, e->person);
    snprintf(t.answer, sizeof t.answer, "%s=%s; path=/", cookie_name(p->scheme), p->cookie);
    t.answered[0] = (struct pair){SPAN("set-cookie"), span_str(t.answer)};
    t.response.fields = (struct pairs){t.answered, 1, 1};
    talk_recipient(&t, w, e, &nobody);
}

// ---- the invariant ------------------------------------------------------------------------------

static bool is_enough(const struct world_given *given) {
    return __builtin_popcountll(given->people) >= WORLD_DISTINCT &&
           __builtin_popcountll(given->networks) >= WORLD_DISTINCT;
}

static struct span stem_of(const struct world_url *url) {
    struct span text = span_str(url->text);
    return span_first(text, span_index(text, '?'));
}

// All versions of a file count as one: whoever is given a new one says to all who may have it that
// there is one.
static struct world_url all_versions(const struct world *w, const struct world_url *url) {
    struct world_url all = *url;
    for (size_t i = 0; i < w->urls_n; i++) {
        const struct world_url *one = &w->urls[i];
        if (span_eq(stem_of(one), stem_of(url))) {
            all.is_open |= one->is_open;
            all.is_open_inside |= one->is_open_inside;
            all.is_of_office |= one->is_of_office;
            all.by_page |= one->by_page;
            all.session.people |= one->session.people;
            all.session.networks |= one->session.networks;
            all.others.people |= one->others.people;
            all.others.networks |= one->others.networks;
        }
    }
    return all;
}

static bool may_have(const struct world *w, const struct world_url *url,
                     const struct world_event *e, bool is_session) {
    struct world_url all = all_versions(w, url);
    bool is_there = network_of(w, e) == WORLD_OFFICE_NETWORK;
    return all.is_open || (all.is_of_office && is_there) ||
           (all.is_open_inside && is_inside(w, e)) || (all.by_page >> e->page & 1) ||
           is_enough(&all.others) || (is_session && is_enough(&all.session));
}

static bool check(struct world *w, const struct world_event *e, const struct plan *plan,
                  bool is_session) {
    for (size_t i = 0; plan != NULL && i < plan->hints_n; i++) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", SPAN_ARG(plan->hints[i].target));
        struct world_url *url = &w->urls[url_of(w, text)];
        w->hints++;
        w->personal += !url->is_open;
        if (!may_have(w, url, e, is_session)) {
            w->broken = url->text;
            w->broken_person = e->person;
            w->broken_page = e->page;
            return false;
        }
    }
    return true;
}

static void remember(struct world *w, const struct world_event *e, const struct view *view,
                     const struct recipient *recipient) {
    bool is_session = recipient->flags & EVIDENCE_SESSION,
         is_named = recipient->flags & EVIDENCE_NAMED;
    for (size_t i = 0; i < view->n; i++) {
        struct world_url *url = &w->urls[view->urls[i]];
        bool is_of_office = strncmp(url->text, "/office/", 8) == 0;
        bool is_public = !(recipient->flags & (EVIDENCE_SESSION | EVIDENCE_PRIVATE));
        bool is_open = is_public && !is_of_office;
        url->is_of_office |= is_public && is_of_office;
        url->is_open |= is_open && !is_inside(w, e);
        url->is_open_inside |= is_open;
        url->by_page |= is_named ? 0 : UINT32_C(1) << e->page;
        give(is_session ? &url->session : &url->others, e->person, network_of(w, e));
    }
}

// ---- what the learner is told -------------------------------------------------------------------

static void put_page(struct world *w, const struct pupil_visitor *v, const struct view *view) {
    static char text[USES_MAX][96];
    struct evidence_item items[USES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < view->n; i++) {
        const char *url = w->urls[view->urls[i]].text;
        if (!span_has_suffix(span_str(url), SPAN("woff2"))) {
            int len = snprintf(text[n], sizeof text[n], "<%s>; rel=preload; as=style", url);
            items[n] = (struct evidence_item){.kind = EVIDENCE_HTML,
                                              .text = span_of(text[n], (size_t)len)};
            n++;
        }
    }
    pupil_page(&w->pupil, v, items, n);
}

static void put_fetches(struct world *w, const struct world_fetches *f) {
    struct evidence_item items[USES_MAX];
    for (size_t i = 0; i < f->n; i++) {
        const char *url = w->urls[f->urls[i]].text;
        bool is_font = span_has_suffix(span_str(url), SPAN("woff2"));
        items[i] = (struct evidence_item){.kind = EVIDENCE_FETCH,
                                          .as = is_font ? HINT_AS_FONT : HINT_AS_STYLE,
                                          .flags = EVIDENCE_ANSWERED,
                                          .asked_ms = 80,
                                          .done_ms = 120,
                                          .text = span_str(url)};
        items[i].flags |= f->was_hinted[i] ? EVIDENCE_WAS_HINTED : 0;
    }
    pupil_visit(&w->pupil, &f->visitor, f->flags, items, f->n);
}

// The browser fetches what the page needs, which it may have been hinted.
static struct world_fetches fetches_of(const struct world *w, const struct pupil_visitor *v,
                                       const struct plan *plan, const struct view *view) {
    struct world_fetches f = {.visitor = *v, .flags = plan != NULL ? EVIDENCE_HINTED : 0};
    for (size_t i = 0; i < view->n; i++) {
        const char *url = w->urls[view->urls[i]].text;
        for (size_t k = 0; plan != NULL && k < plan->hints_n; k++) {
            f.was_hinted[f.n] |= span_eq(plan->hints[k].target, span_str(url));
        }
        f.urls[f.n++] = view->urls[i];
    }
    return f;
}

static void prepare(struct world *w, const struct world_event *e) {
    struct world_person *p = &w->people[e->person];
    w->pupil.now_ms += 60000 * (uint64_t)e->minutes + 1000;
    w->version += e->is_deploy;
    if (is_cookie(p->scheme) && (p->cookie[0] == 0 || (p->signs_in && e->signs_in))) {
        sign_in(w, e);
    }
}

// What he is hinted, and what follows of his view of the page.
static bool view_page(struct world *w, const struct world_event *e, struct pupil_visitor *v,
                      const struct audience *audience, struct talk *t) {
    const struct plan *plan = pupil_plan(&w->pupil, v);
    struct world_fetches late = w->late;
    bool has_late = w->has_late;
    struct view view;
    if (!check(w, e, plan, audience->kind == AUDIENCE_SESSION)) {
        return false;
    }
    answer(t, w, e);
    struct recipient recipient = talk_recipient(t, w, e, audience);
    v->session = recipient.flags & EVIDENCE_SESSION ? recipient.who : 0;
    v->user = recipient.user;
    v->is_user_known = true;
    v->is_private = recipient.flags & EVIDENCE_PRIVATE;
    v->is_named = recipient.flags & EVIDENCE_NAMED;
    v->is_cut = e->is_cut;
    look(w, e, audience->kind != AUDIENCE_PUBLIC, &view);
    w->has_late = false;
    if (e->fails) {
        pupil_failed(&w->pupil, v, 302);
    } else {
        remember(w, e, &view, &recipient);
        struct world_fetches fetches = fetches_of(w, v, plan, &view);
        view.n -= e->is_cut ? view.n / 2 : 0;
        put_page(w, v, &view);
        if (!e->is_hidden && e->is_late) {
            w->late = fetches;
            w->has_late = true;
        } else if (!e->is_hidden) {
            put_fetches(w, &fetches);
        }
    }
    if (has_late) {
        put_fetches(w, &late);
    }
    return true;
}

bool world_happen(struct world *w, const struct world_event *e) {
    struct talk t = {.request = {NULL, 0, 0}};
    prepare(w, e);
    ask(&t, &w->people[e->person], e->person);
    struct audience audience = audience_of(&conf, &t.request);
    struct pupil_visitor v = {.path = w->pages[e->page].path,
                              .query = "",
                              .network = 1000 + network_of(w, e),
                              .is_inside = is_inside(w, e),
                              .session = audience.kind == AUDIENCE_SESSION};
    return view_page(w, e, &v, &audience, &t);
}

void world_tell(const struct world *w, const struct world_event *e, char *out, size_t cap) {
    static const char *const schemes[WORLD_SCHEMES] = {
        [WORLD_NOBODY] = "nobody in particular",
        [WORLD_PHP] = "a session",
        [WORLD_LARAVEL] = "a session whose cookie changes",
        [WORLD_FIELD] = "a user by a front's word",
        [WORLD_BASIC] = "a user with a password",
        [WORLD_AUTH] = "a user by an unknown cookie",
        [WORLD_TOKEN] = "a user by an unknown cookie that changes"};
    static const char *const kinds[WORLD_KINDS] = {[WORLD_OPEN] = "open",
                                                   [WORLD_PERSONAL] = "personal",
                                                   [WORLD_NO_STORE] = "no-store",
                                                   [WORLD_INTRANET] = "other inside",
                                                   [WORLD_SECRET] = "secret, no-store",
                                                   [WORLD_OFFICE] = "other for an office"};
    const struct world_person *p = &w->people[e->person];
    snprintf(out, cap, "person %u (%s) from network %u by worker %u%s: %s (%s)%s%s%s%s%s",
             e->person, schemes[p->scheme], network_of(w, e), e->worker,
             p->signs_in && e->signs_in && is_cookie(p->scheme) ? ", signs in again" : "",
             w->pages[e->page].path, kinds[w->pages[e->page].kind], e->fails ? ", redirects" : "",
             e->is_hidden ? ", no fetches" : "", e->is_late ? ", fetches told late" : "",
             e->is_renewed && p->scheme == WORLD_TOKEN ? ", cookie renewed" : "",
             e->is_deploy ? ", after a deploy" : "");
}
