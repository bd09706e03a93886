// SPDX-License-Identifier: MIT
#include "admin/api.h"

#include "admin/clear.h"
#include "admin/export_json.h"
#include "admin/json.h"
#include "admin/routes_json.h"
#include "base/error.h"
#include "http/mime.h"
#include "metrics/exposition.h"

#define TYPE_JSON SPAN("application/json; charset=utf-8")
#define TYPE_TEXT SPAN(EXPOSITION_TYPE)

static int answer_json(struct api_response *out, int status, json_t *json) {
    out->status = status;
    out->type = TYPE_JSON;
    return json_write(json, &out->body);
}

static int refuse(struct api_response *out, int status, const char *why) {
    buf_take(&out->body, buf_len(&out->body));
    return answer_json(out, status, json_pack("{s:s}", "error", why));
}

// ---- GET ----------------------------------------------------------------------------------------

static int refuse_cursor(struct api_response *out) {
    return refuse(out, 410, "the route called \"after\" was forgotten");
}

static int answer_pages(struct api_response *out, int err) {
    out->status = 200;
    out->type = TYPE_JSON;
    return err == ERR_NOT_FOUND ? refuse_cursor(out) : err;
}

static int answer_routes(const struct api *api, const struct api_request *q,
                         struct api_response *out) {
    return answer_pages(out, routes_json_write(api->learner, q->target, &out->body));
}

static int answer_export(const struct api *api, const struct api_request *q,
                         struct api_response *out) {
    return answer_pages(out, export_json_write(api->learner, q->target, &out->body));
}

static int answer_metrics(const struct api *api, const struct api_request *q,
                          struct api_response *out) {
    (void)q;
    out->status = 200;
    out->type = TYPE_TEXT;
    return exposition_write(api->metrics, &out->body);
}

static int answer_health(const struct api *api, const struct api_request *q,
                         struct api_response *out) {
    (void)q;
    return answer_json(out, api->is_draining ? 503 : 200,
                       json_pack("{s:s}", "status", api->is_draining ? "draining" : "ok"));
}

static int answer_process(const struct api *api, const struct api_request *q,
                          struct api_response *out) {
    (void)q;
    const char *state = api->state != NULL ? api->state(api->reload_self) : "serving";
    return answer_json(out, 200, json_pack("{s:i, s:s}", "pid", api->pid, "state", state));
}

// ---- POST ---------------------------------------------------------------------------------------

static void tell_change(const struct api *api) {
    if (api->on_change != NULL) {
        api->on_change(api->change_self);
    }
}

// The object that the body is, or NULL. Owns: the caller frees it.
static json_t *read_object(struct span body) {
    json_error_t error;
    json_t *json = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(json)) {
        return json;
    }
    json_decref(json);
    return NULL;
}

static int answer_forgotten(const struct api *api, uint64_t n, struct api_response *out) {
    if (n > 0) {
        tell_change(api);
    }
    return answer_json(out, 200, json_pack("{s:I}", "forgotten", (json_int_t)n));
}

// Without "audience": of both.
static int forget(const struct api *api, const struct api_request *q, const json_t *body,
                  struct api_response *out) {
    (void)q;
    static const char *const audiences[] = {"public", "session"};
    uint8_t bytes[ROUTE_KEY_MAX];
    json_t *name = json_copy((json_t *)(uintptr_t)body);
    const json_t *only = json_object_get(body, "audience");
    bool is_name = false;
    uint64_t n = 0;
    for (int i = 0; i < 2; i++) {
        if (only != NULL && !span_eq(json_text(only), span_str(audiences[i]))) {
            continue;
        }
        json_object_set_new(name, "audience", json_string(audiences[i]));
        struct span key = json_to_key(name, bytes);
        is_name = is_name || key.p != NULL;
        n += key.p != NULL && learner_forget(api->learner, key);
    }
    json_decref(name);
    return is_name ? answer_forgotten(api, n, out)
                   : refuse(out, 400, "\"site\" and \"route\" must name a route");
}

static int answer_cleared(const struct api *api, const struct clear *c, struct api_response *out) {
    struct buf next;
    json_t *json = json_pack("{s:I}", "forgotten", (json_int_t)c->forgotten);
    buf_init(&next, 2 * ROUTE_KEY_MAX);
    if (c->forgotten > 0) {
        tell_change(api);
    }
    if (c->is_cut) {
        json_object_set_new(json, "truncated", json_true());
    }
    if (c->is_cut && c->after.n > 0 && cursor_print(&c->after, &next) == 0) {
        json_object_set_new(json, "next", json_of_text(buf_span(&next)));
    }
    buf_fini(&next);
    return answer_json(out, 200, json);
}

static int clear(const struct api *api, const struct api_request *q, const json_t *body,
                 struct api_response *out) {
    const json_t *site = json_object_get(body, "site");
    // A misspelt member must not clear everything.
    if (json_object_size(body) != (site != NULL) || (site != NULL && json_text(site).n == 0)) {
        return refuse(out, 400, "there may be a \"site\", and nothing else");
    }
    struct clear c = {.learner = api->learner,
                      .site = site != NULL ? json_text(site) : span_of(NULL, 0)};
    return clear_some(&c, q->target) != 0 ? refuse_cursor(out) : answer_cleared(api, &c, out);
}

static int answer_object(const struct api *api, const struct api_request *q,
                         struct api_response *out,
                         int (*act)(const struct api *, const struct api_request *, const json_t *,
                                    struct api_response *)) {
    json_t *body = read_object(q->body);
    if (body == NULL) {
        return refuse(out, 400, "the body must be a JSON object");
    }
    int err = act(api, q, body, out);
    json_decref(body);
    return err;
}

static int answer_forget(const struct api *api, const struct api_request *q,
                         struct api_response *out) {
    return answer_object(api, q, out, forget);
}

static int answer_clear(const struct api *api, const struct api_request *q,
                        struct api_response *out) {
    return answer_object(api, q, out, clear);
}

static int answer_import(const struct api *api, const struct api_request *q,
                         struct api_response *out) {
    const char *why;
    struct import import = {.learner = api->learner,
                            .now_ms = q->now_ms,
                            .find_policy = api->find_policy,
                            .policy_self = api->policy_self};
    if (export_json_read(&import, q->body, &why) != 0) {
        return refuse(out, 400, why);
    }
    if (import.taken > 0) {
        tell_change(api);
    }
    return answer_json(out, 200,
                       json_pack("{s:I, s:I}", "imported", (json_int_t)import.taken, "refused",
                                 (json_int_t)import.refused));
}

// What the server does, and has to say when it does not.
static int act(struct api_response *out, const json_t *body, const struct api *api,
               bool (*what)(void *self, struct buf *errors), struct span done) {
    if (json_object_size(body) > 0) {
        return refuse(out, 400, "the object must be empty");
    }
    if (what == NULL) {
        return refuse(out, 409, "there is nothing that this could be done with");
    }
    bool is_good = what(api->reload_self, &out->body);
    out->status = is_good ? 200 : 409;
    out->type = SPAN("text/plain; charset=utf-8");
    return is_good ? buf_put(&out->body, done) : 0;
}

static int reload(const struct api *api, const struct api_request *q, const json_t *body,
                  struct api_response *out) {
    (void)q;
    return act(out, body, api, api->reload, SPAN("the new configuration is in use\n"));
}

static int upgrade(const struct api *api, const struct api_request *q, const json_t *body,
                   struct api_response *out) {
    (void)q;
    return act(out, body, api, api->upgrade, SPAN("the new program is started\n"));
}

static int answer_reload(const struct api *api, const struct api_request *q,
                         struct api_response *out) {
    return answer_object(api, q, out, reload);
}

static int answer_upgrade(const struct api *api, const struct api_request *q,
                          struct api_response *out) {
    return answer_object(api, q, out, upgrade);
}

// ---- all ----------------------------------------------------------------------------------------

static const struct target {
    struct span path;
    bool is_post;
    int (*answer)(const struct api *, const struct api_request *, struct api_response *);
} targets[] = {
    {SPAN_INIT("/routes"), false, answer_routes},   {SPAN_INIT("/metrics"), false, answer_metrics},
    {SPAN_INIT("/health"), false, answer_health},   {SPAN_INIT("/export"), false, answer_export},
    {SPAN_INIT("/readyz"), false, answer_health},   {SPAN_INIT("/import"), true, answer_import},
    {SPAN_INIT("/forget"), true, answer_forget},    {SPAN_INIT("/clear"), true, answer_clear},
    {SPAN_INIT("/reload"), true, answer_reload},    {SPAN_INIT("/upgrade"), true, answer_upgrade},
    {SPAN_INIT("/process"), false, answer_process},
};

// application/json, with or without parameters. A web page cannot send it to another origin without
// asking first, and nobody here answers such questions.
static bool is_json(struct span type) {
    return span_eq_nocase(mime_essence(type), SPAN("application/json"));
}

static int answer_target(const struct api *api, const struct target *target,
                         const struct api_request *q, struct api_response *out) {
    bool is_get = span_eq(q->method, SPAN("GET")) || span_eq(q->method, SPAN("HEAD"));
    if (target->is_post ? !span_eq(q->method, SPAN("POST")) : !is_get) {
        out->allow = target->is_post ? SPAN("POST") : SPAN("GET, HEAD");
        return refuse(out, 405,
                      target->is_post ? "only POST is allowed" : "only GET and HEAD are allowed");
    }
    if (target->is_post && !is_json(q->type)) {
        return refuse(out, 415, "the body must be application/json");
    }
    return target->answer(api, q, out);
}

static int answer(const struct api *api, const struct api_request *q, struct api_response *out) {
    struct span path = span_first(q->target, span_index(q->target, '?'));
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (span_eq(path, targets[i].path)) {
            return answer_target(api, &targets[i], q, out);
        }
    }
    return refuse(out, 404, "there is no such resource");
}

int api_answer(const struct api *api, const struct api_request *request, struct api_response *out) {
    *out = (struct api_response){0};
    buf_init(&out->body, API_BODY_MOST);
    int error = answer(api, request, out);
    if (error != 0) {
        out->status = 500;
        out->type = TYPE_JSON;
        buf_take(&out->body, buf_len(&out->body));
    }
    return error;
}

void api_response_fini(struct api_response *r) {
    buf_fini(&r->body);
}
