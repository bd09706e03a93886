// SPDX-License-Identifier: MIT
#include "gateway/budget.h"

#include "base/error.h"

#include <stddef.h>

static const int errors_each[] = {
#define BUDGET(id, error_each, error_all, meaning) error_each,
#include "gateway/budget.def"
#undef BUDGET
};

static const int errors_all[] = {
#define BUDGET(id, error_each, error_all, meaning) error_all,
#include "gateway/budget.def"
#undef BUDGET
};

static uint64_t raise_by(_Atomic uint64_t *v, uint64_t n) {
    return atomic_fetch_add_explicit(v, n, memory_order_relaxed) + n;
}

static uint64_t used_of(const _Atomic uint64_t *v) {
    return atomic_load_explicit(v, memory_order_relaxed);
}

// The most that the share's own network may hold; 0: no bound.
static uint64_t most_each(const struct budget_share *share, enum budget_kind kind) {
    return share->is_excepted ? 0 : share->budget->each[kind];
}

static void note_peak(struct budget *b, uint64_t memory) {
    if (memory > used_of(&b->peak)) { // two at once: one of them is about right
        atomic_store_explicit(&b->peak, memory, memory_order_relaxed);
    }
}

void budget_add(struct budget_share *share, enum budget_kind kind, uint64_t n) {
    if (share == NULL || n == 0) {
        return;
    }
    raise_by(&share->used[kind], n);
    if (errors_all[kind] != 0) { // no cache line is fought over for what has no such bound
        uint64_t used = raise_by(&share->budget->used[kind], n);
        if (kind == BUDGET_MEMORY) {
            note_peak(share->budget, used);
        }
    }
}

void budget_put(struct budget_share *share, enum budget_kind kind, uint64_t n) {
    if (share == NULL || n == 0) {
        return;
    }
    raise_by(&share->used[kind], -n);
    if (errors_all[kind] != 0) {
        raise_by(&share->budget->used[kind], -n);
    }
}

void budget_add_each(struct budget_share *share, enum budget_kind kind, uint64_t n) {
    if (share != NULL) {
        raise_by(&share->used[kind], n);
    }
}

void budget_put_each(struct budget_share *share, enum budget_kind kind, uint64_t n) {
    budget_add_each(share, kind, -n);
}

int budget_take(struct budget_share *share, enum budget_kind kind, uint64_t n) {
    if (share == NULL) {
        return 0;
    }
    uint64_t each = most_each(share, kind), all = share->budget->all[kind];
    budget_add(share, kind, n);
    bool is_over = each != 0 && used_of(&share->used[kind]) > each;
    if (is_over || (all != 0 && used_of(&share->budget->used[kind]) > all)) {
        budget_put(share, kind, n);
        return is_over ? errors_each[kind] : errors_all[kind];
    }
    return 0;
}

int budget_check(const struct budget_share *share, enum budget_kind kind, unsigned times) {
    if (share == NULL) {
        return 0;
    }
    uint64_t each = most_each(share, kind), all = share->budget->all[kind];
    if (each != 0 && used_of(&share->used[kind]) >= each * times) {
        return errors_each[kind];
    }
    return all != 0 && used_of(&share->budget->used[kind]) >= all * times ? errors_all[kind] : 0;
}

static uint64_t left(uint64_t most, uint64_t used) {
    return most == 0 ? UINT64_MAX : most > used ? most - used : 0;
}

uint64_t budget_room(const struct budget_share *share, enum budget_kind kind) {
    if (share == NULL) {
        return UINT64_MAX;
    }
    uint64_t each = left(most_each(share, kind), used_of(&share->used[kind]));
    uint64_t all = left(share->budget->all[kind], used_of(&share->budget->used[kind]));
    return each < all ? each : all;
}

bool budget_fell(struct budget *b, uint64_t n) {
    uint64_t used = used_of(&b->used[BUDGET_MEMORY]);
    if (used_of(&b->peak) < used + n) {
        return false;
    }
    atomic_store_explicit(&b->peak, used, memory_order_relaxed);
    return true;
}
