// SPDX-License-Identifier: MIT
#include "base/tchar.h"

// clang-format off
const uint8_t tchar_is_one[256] = {
    [0x20] = 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, //  !"#$%&'()*+,-./
    [0x30] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, // 0123456789:;<=>?
    [0x40] = 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, // @ABCDEFGHIJKLMNO
    [0x50] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, // PQRSTUVWXYZ[ ]^_
    [0x60] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, // `abcdefghijklmno
    [0x70] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, // pqrstuvwxyz{|}~
};
// clang-format on

static bool is_text(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

// Eight bytes of which one is below SP, or DEL; also says so of a few that are not.
static bool is_odd_word(const uint8_t *p) {
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t del = w ^ ones * 0x7f;
    return (((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & highs;
}

bool tchar_is_text(struct span s) {
    size_t word = sizeof(uint64_t);
    if (s.n < word) {
        return is_text(s.p, s.n);
    }
    for (size_t i = 0; i < s.n; i += word) {
        const uint8_t *p = s.p + (i < s.n - word ? i : s.n - word); // the last ones overlap
        if (is_odd_word(p) && !is_text(p, word)) {
            return false;
        }
    }
    return true;
}
