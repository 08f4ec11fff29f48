// SPDX-License-Identifier: Apache-2.0

/*
 * msgpack.c: parses and checks log events.
 *
 * An event is [ts, body] (legacy) or [[ts, metadata], body] (V2, from 2.1.0
 * on), where ts is extension type 0 of 8 bytes: seconds and nanoseconds, big
 * endian. Integers and floats as timestamps, which Fluent Bit also accepts,
 * are errors here, because plugins should not write them.
 */
#include "host.h"

#include <string.h>

#include "token.h"

/* The maximum nesting depth of msgpack-c. */
#define MAX_DEPTH 32

static uint64_t be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

size_t token_read(const uint8_t *p, const uint8_t *end, struct token *t)
{
    size_t left = (size_t)(end - p), head = 1, n;
    uint8_t b;

    *t = (struct token){.type = T_NIL};
    if (left == 0) {
        return 0;
    }
    b = *p;

    if (b < 0x80) {
        t->type = T_UINT;
        t->v.u = b;
        return 1;
    }
    if (b >= 0xe0) {
        t->type = T_INT;
        t->v.i = (int8_t)b;
        return 1;
    }
    if (b < 0x90) {
        t->type = T_MAP;
        t->size = b & 0x0f;
        return 1;
    }
    if (b < 0xa0) {
        t->type = T_ARRAY;
        t->size = b & 0x0f;
        return 1;
    }
    if (b < 0xc0) {
        t->type = T_STR;
        t->size = b & 0x1f;
    }
    else {
        switch (b) {
        case 0xc0:
            t->type = T_NIL;
            return 1;
        case 0xc2:
        case 0xc3:
            t->type = T_BOOL;
            t->v.boolean = b == 0xc3;
            return 1;
        case 0xc4:
        case 0xc5:
        case 0xc6:
            t->type = T_BIN;
            n = (size_t)1 << (b - 0xc4);
            goto sized;
        case 0xc7:
        case 0xc8:
        case 0xc9:
            t->type = T_EXT;
            n = (size_t)1 << (b - 0xc7);
            if (left < 1 + n + 1) {
                return 0;
            }
            t->size = be(p + 1, n);
            t->ext = (int8_t)p[1 + n];
            head = 1 + n + 1;
            break;
        case 0xca: {
            uint32_t bits;
            float f;

            if (left < 5) {
                return 0;
            }
            bits = (uint32_t)be(p + 1, 4);
            memcpy(&f, &bits, sizeof f);
            t->type = T_FLOAT;
            t->v.d = (double)f;
            return 5;
        }
        case 0xcb: {
            uint64_t bits;

            if (left < 9) {
                return 0;
            }
            bits = be(p + 1, 8);
            memcpy(&t->v.d, &bits, sizeof bits);
            t->type = T_FLOAT;
            return 9;
        }
        case 0xcc:
        case 0xcd:
        case 0xce:
        case 0xcf:
            n = (size_t)1 << (b - 0xcc);
            if (left < 1 + n) {
                return 0;
            }
            t->type = T_UINT;
            t->v.u = be(p + 1, n);
            return 1 + n;
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3:
            n = (size_t)1 << (b - 0xd0);
            if (left < 1 + n) {
                return 0;
            }
            t->type = T_INT;
            t->v.i = (int64_t)(be(p + 1, n) << (64 - 8 * n)) >> (64 - 8 * n);
            if (t->v.i >= 0) {
                t->type = T_UINT;
                t->v.u = (uint64_t)t->v.i;
            }
            return 1 + n;
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
            if (left < 2) {
                return 0;
            }
            t->type = T_EXT;
            t->size = (size_t)1 << (b - 0xd4);
            t->ext = (int8_t)p[1];
            head = 2;
            break;
        case 0xd9:
        case 0xda:
        case 0xdb:
            t->type = T_STR;
            n = (size_t)1 << (b - 0xd9);
            goto sized;
        case 0xdc:
        case 0xdd:
        case 0xde:
        case 0xdf:
            n = b & 1 ? 4 : 2;
            if (left < 1 + n) {
                return 0;
            }
            t->type = b < 0xde ? T_ARRAY : T_MAP;
            t->size = be(p + 1, n);
            return 1 + n;
        default: /* 0xc1 is never used */
            return 0;
        sized:
            if (left < 1 + n) {
                return 0;
            }
            t->size = be(p + 1, n);
            head = 1 + n;
            break;
        }
    }
    if (t->size > left - head) {
        return 0;
    }
    t->data = p + head;
    return head + t->size;
}

static size_t skip(const uint8_t *p, const uint8_t *end, int depth)
{
    const uint8_t *start = p;
    struct token t;
    size_t n = token_read(p, end, &t);

    if (n == 0) {
        return 0;
    }
    p += n;
    if (t.type == T_ARRAY || t.type == T_MAP) {
        size_t items = t.type == T_MAP ? 2 * t.size : t.size;

        if (depth >= MAX_DEPTH || items > (size_t)(end - p)) {
            return 0;
        }
        while (items-- > 0) {
            n = skip(p, end, depth + 1);
            if (n == 0) {
                return 0;
            }
            p += n;
        }
    }
    return (size_t)(p - start);
}

/* Returns the size of the object at p, or 0 if it is invalid. */
size_t msgpack_skip(const uint8_t *p, const uint8_t *end)
{
    return skip(p, end, 0);
}

static bool is_map(const uint8_t *p)
{
    return (*p & 0xf0) == 0x80 || *p == 0xde || *p == 0xdf;
}

/*
 * Reads the event at *p and advances *p. Returns RECORD_WRONG for an object that is
 * not an event, and RECORD_UNREADABLE for invalid data, after which nothing can be
 * read.
 */
enum record_status record_next(const uint8_t **p, const uint8_t *end, struct record *r)
{
    const uint8_t *q = *p;
    size_t n = msgpack_skip(q, end);
    struct token t;
    bool v2;

    if (n == 0) {
        return RECORD_UNREADABLE;
    }
    r->raw = q;
    r->raw_size = n;
    r->meta = NULL;
    *p = q + n;

    q += token_read(q, end, &t);
    if (t.type != T_ARRAY || t.size != 2) {
        return RECORD_WRONG;
    }
    q += token_read(q, end, &t);
    v2 = t.type == T_ARRAY;
    if (v2) {
        if (!POSE_V2_EVENTS || t.size != 2) {
            return RECORD_WRONG;
        }
        q += token_read(q, end, &t);
    }
    if (t.type != T_EXT || t.ext != 0 || t.size != 8) {
        return RECORD_WRONG;
    }
    r->sec = (uint32_t)be(t.data, 4);
    r->nsec = (uint32_t)be(t.data + 4, 4);
    if (r->nsec >= 1000000000u) {
        return RECORD_WRONG;
    }
    if (v2) {
        if (!is_map(q)) {
            return RECORD_WRONG;
        }
        r->meta = q;
        q += msgpack_skip(q, end);
    }
    r->body = q;
    return is_map(q) ? RECORD_OK : RECORD_WRONG;
}

/* Counts objects up to the first invalid one, as Fluent Bit does. */
size_t record_count(const uint8_t *p, size_t size)
{
    const uint8_t *end = p + size;
    size_t count = 0, n;

    while (p < end && (n = msgpack_skip(p, end)) > 0) {
        p += n;
        count++;
    }
    return count;
}
