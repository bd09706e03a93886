// SPDX-License-Identifier: MIT
#include "store/sqlite_file.h"

#include "store/sqlite_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 2000       // while opening: another outrider may just be ending
#define VALUE_MOST 65536   // bytes of a value or a statement
#define LOG_MOST "4194304" // bytes of the write-ahead log that are kept when it is empty

// ---- the file system ----------------------------------------------------------------------------

static enum sqlite_file_state unusable(struct sqlite_file *f, const char *why) {
    f->why = why;
    return SQLITE_FILE_UNUSABLE;
}

// The folder's real path and the file's name: only the file itself may not be a link.
static bool find_path(struct sqlite_file *f, const char *path) {
    char folder[SQLITE_FILE_PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    int n = slash == NULL ? snprintf(folder, sizeof folder, ".")
                          : snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
    if (n >= (int)sizeof folder || *name == 0) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (realpath(folder, real) == NULL) {
        return false;
    }
    const char *between = strcmp(real, "/") == 0 ? "" : "/";
    n = snprintf(f->path, sizeof f->path, "%s%s%s", real, between, name);
    errno = ENAMETOOLONG;
    // Room for what is put behind it.
    return n < (int)sizeof f->path - 64;
}

static enum sqlite_file_state lock(struct sqlite_file *f, unsigned wait_ms) {
    enum store_lock_state state = store_lock_take(&f->lock, f->path, wait_ms);
    if (state == STORE_LOCK_HELD) {
        f->why = "another process keeps what it learns in it";
        return SQLITE_FILE_IN_USE;
    }
    return state == STORE_LOCK_TAKEN ? SQLITE_FILE_GOOD : unusable(f, strerror(errno));
}

static enum sqlite_file_state make_or_find(struct sqlite_file *f) {
    struct stat st;
    // Before SQLite does: its files take over the rights of this one.
    int fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
    } else if (errno != EEXIST) {
        return unusable(f, strerror(errno));
    }
    if (lstat(f->path, &st) != 0) {
        return unusable(f, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return unusable(f, "it is not a regular file");
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return unusable(f, "others may write to it, so it cannot be trusted (chmod go-w)");
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return unusable(f, "it belongs to another user, so it cannot be trusted");
    }
    if ((st.st_mode & S_IWUSR) == 0 || faccessat(AT_FDCWD, f->path, R_OK | W_OK, AT_EACCESS) != 0) {
        return unusable(f, "it is read-only");
    }
    return SQLITE_FILE_GOOD;
}

enum sqlite_file_state sqlite_file_find(struct sqlite_file *f, const char *path, unsigned wait_ms) {
    *f = (struct sqlite_file){.db = NULL, .lock.fd = -1};
    if (!find_path(f, path)) {
        return unusable(f, strerror(errno));
    }
    enum sqlite_file_state state = make_or_find(f);
    return state == SQLITE_FILE_GOOD ? lock(f, wait_ms) : state;
}

// ---- what becomes of it while we run ------------------------------------------------------------

static const char *const suffixes[SQLITE_FILE_PARTS] = {"", "-wal", "-shm"};

static struct sqlite_file_id identify_part(const struct sqlite_file *f, int part) {
    char name[SQLITE_FILE_PATH_MAX + 8];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", f->path, suffixes[part]);
    return lstat(name, &st) == 0 ? (struct sqlite_file_id){st.st_dev, st.st_ino}
                                 : (struct sqlite_file_id){0, 0};
}

static bool is_same_part(const struct sqlite_file *f, int part) {
    struct sqlite_file_id now = identify_part(f, part), was = f->parts[part];
    return now.dev == was.dev && now.ino == was.ino;
}

enum store_place sqlite_file_place(const struct sqlite_file *f) {
    if (!is_same_part(f, 0)) {
        return identify_part(f, 0).ino != 0 ? STORE_REPLACED : STORE_REMOVED;
    }
    return is_same_part(f, 1) && is_same_part(f, 2) && store_lock_is_there(&f->lock, f->path)
               ? STORE_IN_PLACE
               : STORE_REMOVED;
}

// Its log and index stand there without it: SQLite would replay the log into the next file.
static void remove_leftovers(const struct sqlite_file *f) {
    for (int part = 1; part < SQLITE_FILE_PARTS; part++) {
        if (f->parts[part].ino != 0 && is_same_part(f, part)) {
            char name[SQLITE_FILE_PATH_MAX + 8];
            snprintf(name, sizeof name, "%s%s", f->path, suffixes[part]);
            unlink(name);
        }
    }
}

static bool move(struct sqlite_file *f, const char *suffix, const char *to) {
    char from[SQLITE_FILE_PATH_MAX + 8], target[SQLITE_FILE_PATH_MAX + 8];
    snprintf(from, sizeof from, "%s%s", f->path, suffix);
    snprintf(target, sizeof target, "%s%s", to, suffix);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, target, RENAME_NOREPLACE) == 0 ||
        (errno == ENOENT && *suffix != 0)) {
        return true;
    }
    f->why = strerror(errno);
    return false;
}

int sqlite_file_set_aside(struct sqlite_file *f, uint64_t now_ms, char *to) {
    int n =
        snprintf(to, SQLITE_FILE_PATH_MAX, "%s.damaged-%llu", f->path, (unsigned long long)now_ms);
    if (n >= SQLITE_FILE_PATH_MAX) {
        f->why = strerror(ENAMETOOLONG);
        return -1;
    }
    // The log goes first: it must never stand beside a new file.
    return move(f, "-wal", to) && move(f, "-shm", to) && move(f, "-journal", to) && move(f, "", to)
               ? 0
               : -1;
}

// ---- the database -------------------------------------------------------------------------------

// Of SQLite's own result: what is to be done about the file.
static enum sqlite_file_state judge(struct sqlite_file *f, int rc) {
    snprintf(f->words, sizeof f->words, "%s",
             f->db != NULL ? sqlite3_errmsg(f->db) : sqlite3_errstr(rc));
    f->why = f->words;
    int primary = rc & 0xff;
    // ERROR: a statement that our tables would understand was not understood.
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR
               ? SQLITE_FILE_DAMAGED
               : SQLITE_FILE_UNUSABLE;
}

static enum sqlite_file_state damaged(struct sqlite_file *f, const char *why) {
    f->why = why;
    return SQLITE_FILE_DAMAGED;
}

// What SQLite advises for files that may have been made to do harm ("Defense Against The Dark
// Arts"): no code of theirs runs, nothing in them may be large.
static void harden(sqlite3 *db) {
    static const int options[][2] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},   {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        sqlite3_db_config(db, options[i][0], options[i][1], NULL);
    }
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MOST);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, VALUE_MOST);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
}

sqlite3 *sqlite_file_connect(const char *path, int *rc) {
    sqlite3 *db = NULL;
    *rc = sqlite3_open_v2(path, &db,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL);
    if (*rc == SQLITE_OK) {
        harden(db);
        sqlite3_busy_timeout(db, BUSY_MS);
        *rc =
            sqlite3_exec(db,
                         "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                         "PRAGMA temp_store = MEMORY; PRAGMA synchronous = NORMAL;"
                         // A transaction, which is bounded, reaches the disk with its commit only.
                         "PRAGMA cache_spill = OFF;"
                         "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = " LOG_MOST,
                         NULL, NULL, NULL);
    }
    if (*rc != SQLITE_OK) {
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

// The first column of the first row as a number and as text (text_len bytes).
static int ask(sqlite3 *db, const char *sql, int *number, char *text, size_t text_len) {
    sqlite3_stmt *query = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(query);
    }
    if (rc == SQLITE_ROW) {
        const char *found = (const char *)sqlite3_column_text(query, 0);
        *number = sqlite3_column_int(query, 0);
        snprintf(text, text_len, "%s", found != NULL ? found : "");
        rc = SQLITE_OK;
    }
    sqlite3_finalize(query);
    return rc;
}

// Whose it is and of which version; 0 of a new one.
static enum sqlite_file_state identify(struct sqlite_file *f, int *version) {
    char text[64];
    int id = 0, objects = 0;
    int rc = ask(f->db, "PRAGMA application_id", &id, text, sizeof text);
    if (rc == SQLITE_OK) {
        rc = ask(f->db, "PRAGMA user_version", version, text, sizeof text);
    }
    if (rc == SQLITE_OK) {
        rc = ask(f->db, "SELECT count(*) FROM sqlite_schema", &objects, text, sizeof text);
    }
    if (rc != SQLITE_OK) {
        return judge(f, rc);
    }
    if (id == 0 && objects == 0 && *version == 0) {
        return SQLITE_FILE_GOOD;
    }
    if (id != SQLITE_SCHEMA_ID) {
        return unusable(f, "it is the database of another program");
    }
    if (*version > SQLITE_SCHEMA_VERSION) {
        return unusable(f, "it was written by a newer version of outrider");
    }
    return *version > 0 ? SQLITE_FILE_GOOD : damaged(f, "it has no version");
}

// Every page is looked at: later there is nobody who could be told.
static enum sqlite_file_state inspect(struct sqlite_file *f) {
    char text[200];
    int number = 0;
    int rc = ask(f->db, "PRAGMA quick_check(1)", &number, text, sizeof text);
    if (rc != SQLITE_OK) {
        return judge(f, rc);
    }
    if (strcmp(text, "ok") != 0) {
        snprintf(f->words, sizeof f->words, "%s", text);
        return damaged(f, f->words);
    }
    return SQLITE_FILE_GOOD;
}

static int put_secret(sqlite3 *db, const struct siphash_key *secret) {
    uint8_t bytes[16];
    sqlite3_stmt *insert = NULL;
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(secret->k0 >> (56 - 8 * i));
        bytes[8 + i] = (uint8_t)(secret->k1 >> (56 - 8 * i));
    }
    int rc = sqlite3_prepare_v2(db, "INSERT INTO settings (name, value) VALUES ('secret', ?)", -1,
                                &insert, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(insert, 1, bytes, sizeof bytes, SQLITE_TRANSIENT);
        rc = sqlite3_step(insert);
    }
    sqlite3_finalize(insert);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// In a transaction: a killed process leaves the old version or the new one.
static int raise_to_ours(sqlite3 *db, int version, const struct siphash_key *secret) {
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite_schema_raise(db, version);
    }
    if (rc == SQLITE_OK && version == 0) {
        rc = put_secret(db, secret);
    }
    return rc == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : rc;
}

static enum sqlite_file_state bring_up(struct sqlite_file *f, int version,
                                       const struct siphash_key *secret) {
    char mode[16];
    int number = 0;
    bool is_same = false;
    int rc = ask(f->db, "PRAGMA journal_mode = WAL", &number, mode, sizeof mode);
    if (rc == SQLITE_OK && strcmp(mode, "wal") != 0) {
        return unusable(f, "its file system cannot hold a write-ahead log");
    }
    if (rc == SQLITE_OK && version < SQLITE_SCHEMA_VERSION) {
        rc = raise_to_ours(f->db, version, secret);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_schema_compare(f->db, &is_same);
    }
    if (rc != SQLITE_OK) {
        return judge(f, rc);
    }
    return is_same ? SQLITE_FILE_GOOD : damaged(f, "its tables are not those of outrider");
}

enum sqlite_file_state sqlite_file_open(struct sqlite_file *f, const struct siphash_key *secret) {
    int rc, version = 0;
    f->db = sqlite_file_connect(f->path, &rc);
    if (f->db == NULL) {
        return judge(f, rc);
    }
    enum sqlite_file_state state = identify(f, &version);
    if (state == SQLITE_FILE_GOOD && version > 0) {
        state = inspect(f);
    }
    if (state == SQLITE_FILE_GOOD) {
        state = bring_up(f, version, secret);
    }
    if (state != SQLITE_FILE_GOOD) {
        sqlite_file_close(f, false);
        return state;
    }
    for (int part = 0; part < SQLITE_FILE_PARTS; part++) {
        f->parts[part] = identify_part(f, part);
    }
    return state;
}

void sqlite_file_close(struct sqlite_file *f, bool is_good) {
    bool is_ours = f->db == NULL || f->parts[0].ino == 0 || is_same_part(f, 0);
    if (f->db != NULL && is_good && is_ours) {
        sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    sqlite3_close(f->db);
    f->db = NULL;
    if (!is_ours) {
        remove_leftovers(f);
    }
}

void sqlite_file_leave(struct sqlite_file *f) {
    store_lock_drop(&f->lock);
}
