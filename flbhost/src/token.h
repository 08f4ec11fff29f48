// SPDX-License-Identifier: Apache-2.0

/*
 * token.h: the tokens of MessagePack.
 */
#ifndef FLBHOST_TOKEN_H
#define FLBHOST_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct token {
    enum { T_NIL, T_BOOL, T_UINT, T_INT, T_FLOAT, T_STR, T_BIN, T_EXT, T_ARRAY, T_MAP } type;
    union {
        bool boolean;
        uint64_t u;
        int64_t i;
        double d;
    } v;
    size_t size;         /* bytes of a string, elements of a container */
    int ext;
    const uint8_t *data; /* of a string */
};

/* Reads a token. Returns its size (of a container: of its header), or 0 if it is incomplete or invalid. */
size_t token_read(const uint8_t *p, const uint8_t *end, struct token *t);

#pragma GCC visibility pop

#endif
