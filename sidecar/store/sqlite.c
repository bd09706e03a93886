// SPDX-License-Identifier: MIT
#include "store/sqlite.h"

#include "base/error.h"
#include "base/list.h"
#include "store/sqlite_file.h"
#include "store/sqlite_load.h"
#include "store/sqlite_write.h"

#include <stdio.h>
#include <stdlib.h>

#define TIDY_PAGES 1000 // of the write-ahead log

struct sqlite {
    struct store store;
    struct sqlite_file file;
    sqlite3 *tidier; // the other thread's connection
    int log_pages;   // in the write-ahead log
    struct store_conf conf;
    struct sqlite_load load;
    bool is_loading, is_loaded;
    struct sqlite_write write;
};

static struct sqlite *self(struct store *s) {
    return LIST_ITEM(s, struct sqlite, store);
}

static int failed(struct sqlite *s, const char *what, int rc) {
    int primary = rc & 0xff;
    s->store.is_damaged =
        s->store.is_damaged || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    snprintf(s->store.why, sizeof s->store.why, "%s: %s", what, sqlite3_errmsg(s->file.db));
    return ERR_STORE;
}

// ---- writing ------------------------------------------------------------------------------------

static int execute(struct sqlite *s, const char *sql) {
    int rc = sqlite3_exec(s->file.db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : failed(s, "cannot be written", rc);
}

static int begin(struct store *store) {
    return execute(self(store), "BEGIN IMMEDIATE");
}

static void cancel(struct store *store) {
    struct sqlite *s = self(store);
    if (sqlite3_get_autocommit(s->file.db) == 0) {
        sqlite3_exec(s->file.db, "ROLLBACK", NULL, NULL, NULL);
    }
}

static int commit(struct store *store) {
    int err = execute(self(store), "COMMIT");
    if (err != 0) {
        cancel(store);
    }
    return err;
}

static int put(struct store *store, const struct learner_record *r) {
    struct sqlite *s = self(store);
    int rc = r->is_gone ? sqlite_write_drop(&s->write, r->key) : sqlite_write_put(&s->write, r);
    if ((rc & 0xff) == SQLITE_TOOBIG) {
        store->stats.oversized++;
        rc = sqlite_write_drop(&s->write, r->key); // what is kept is not it any more
        if (rc == SQLITE_OK) {
            return 0;
        }
    }
    if (rc != SQLITE_OK) {
        return failed(s, "cannot be written", rc);
    }
    *(r->is_gone ? &store->stats.dropped : &store->stats.written) += 1;
    return 0;
}

// ---- reading ------------------------------------------------------------------------------------

static void end_load(struct sqlite *s) {
    if (s->is_loading) {
        s->store.stats.refused = s->load.refused;
        sqlite_load_fini(&s->load);
        s->is_loading = false;
    }
}

static enum step next(struct store *store, struct learner_record *out) {
    struct sqlite *s = self(store);
    if (s->is_loaded) {
        return STEP_MORE;
    }
    bool is_read = true;
    if (!s->is_loading) {
        s->is_loading = true;
        is_read = sqlite_load_init(&s->load, s->file.db, &s->conf);
    }
    enum step step = is_read ? sqlite_load_next(&s->load, out) : STEP_BAD;
    if (step == STEP_ITEM) {
        store->stats.loaded++;
        return step;
    }
    if (step == STEP_BAD) {
        failed(s, "cannot be read", s->load.rc);
    } else {
        sqlite_load_sweep(&s->load); // assets without a route do no harm: next time
    }
    end_load(s);
    s->is_loaded = true;
    return step;
}

// ---- tidying ------------------------------------------------------------------------------------

static int on_logged(void *own, sqlite3 *db, const char *name, int pages) {
    struct sqlite *s = own;
    (void)db;
    (void)name;
    s->log_pages = pages;
    return SQLITE_OK;
}

static bool wants_tidy(struct store *store) {
    return self(store)->log_pages >= TIDY_PAGES;
}

static int tidy(struct store *store) {
    struct sqlite *s = self(store);
    int rc = SQLITE_OK;
    if (s->tidier == NULL) {
        s->tidier = sqlite_file_connect(s->file.path, &rc);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_wal_checkpoint_v2(s->tidier, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return rc == SQLITE_OK ? 0 : ERR_STORE;
}

static enum store_place place(struct store *store) {
    return sqlite_file_place(&self(store)->file);
}

// ---- opening and closing ------------------------------------------------------------------------

static void sqlite_free(struct store *store) {
    struct sqlite *s = self(store);
    end_load(s);
    sqlite_write_fini(&s->write);
    sqlite3_close(s->tidier);
    sqlite_file_close(&s->file, !store->is_damaged);
    sqlite_file_leave(&s->file);
    free(s);
}

static const struct store_calls calls = {
    .next = next,
    .begin = begin,
    .put = put,
    .commit = commit,
    .cancel = cancel,
    .wants_tidy = wants_tidy,
    .tidy = tidy,
    .place = place,
    .close = sqlite_free,
};

static uint64_t big_endian(const uint8_t *p) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

// False when it has none: who voted can then not be told from who did not.
static bool read_secret(struct sqlite *s) {
    sqlite3_stmt *q = NULL;
    bool is_read = false;
    if (sqlite3_prepare_v2(s->file.db, "SELECT value FROM settings WHERE name = 'secret'", -1, &q,
                           NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) == SQLITE_BLOB &&
        sqlite3_column_bytes(q, 0) == 16) {
        const uint8_t *bytes = sqlite3_column_blob(q, 0);
        s->store.secret = (struct siphash_key){big_endian(bytes), big_endian(bytes + 8)};
        is_read = true;
    }
    sqlite3_finalize(q);
    return is_read;
}

static enum sqlite_file_state open_file(struct sqlite *s, const struct store_conf *conf) {
    sqlite_file_leave(&s->file);
    enum sqlite_file_state state = sqlite_file_find(&s->file, conf->path, conf->wait_ms);
    if (state == SQLITE_FILE_GOOD) {
        state = sqlite_file_open(&s->file, &conf->secret);
    }
    if (state == SQLITE_FILE_GOOD && !read_secret(s)) {
        sqlite_file_close(&s->file, false);
        s->file.why = "it has no secret";
        return SQLITE_FILE_DAMAGED;
    }
    return state;
}

// Sets a damaged file aside and makes a new one. why: what became of it.
static enum sqlite_file_state replace(struct sqlite *s, const struct store_conf *conf, char *why) {
    static const char cannot[] = "; and it cannot be set aside: ";
    char reason[256], to[SQLITE_FILE_PATH_MAX];
    snprintf(reason, sizeof reason, "%s", s->file.why);
    if (sqlite_file_set_aside(&s->file, conf->now_ms, to) != 0) {
        snprintf(why, STORE_WHY_LEN, "%s%s%s", reason, cannot, s->file.why);
        return SQLITE_FILE_UNUSABLE;
    }
    enum sqlite_file_state state = open_file(s, conf);
    snprintf(why, STORE_WHY_LEN, "%s; it was set aside as %.200s%s%s", reason, to,
             state == SQLITE_FILE_GOOD ? ", and a new one was made" : ": ",
             state == SQLITE_FILE_GOOD ? "" : s->file.why);
    return state;
}

const char *sqlite_library(void) {
    return sqlite3_libversion();
}

int sqlite_open(struct store **out, const struct store_conf *conf, char *why) {
    struct sqlite *s = calloc(1, sizeof *s);
    if (s == NULL) {
        abort();
    }
    *out = NULL;
    *why = 0;
    s->store.calls = &calls;
    s->conf = *conf;
    s->file.lock.fd = -1;
    enum sqlite_file_state state = open_file(s, conf);
    if (state == SQLITE_FILE_DAMAGED) {
        state = replace(s, conf, why);
    } else if (state != SQLITE_FILE_GOOD) {
        snprintf(why, STORE_WHY_LEN, "%s", s->file.why);
    }
    if (state == SQLITE_FILE_GOOD && sqlite_write_init(&s->write, s->file.db) != SQLITE_OK) {
        snprintf(why, STORE_WHY_LEN, "%s", sqlite3_errmsg(s->file.db));
        state = SQLITE_FILE_UNUSABLE;
    }
    if (state != SQLITE_FILE_GOOD) {
        sqlite_free(&s->store);
        return state == SQLITE_FILE_IN_USE ? ERR_STORE_IN_USE : ERR_STORE;
    }
    sqlite3_busy_timeout(s->file.db, 0); // who looks at the file may not hold up the learner
    sqlite3_wal_hook(s->file.db, on_logged, s);
    *out = &s->store;
    return 0;
}
