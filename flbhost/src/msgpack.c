// SPDX-License-Identifier: Apache-2.0

/*
 * msgpack.c: parses, checks and prints log events.
 *
 * An event is [ts, body] (legacy) or [[ts, metadata], body] (V2, from 2.1.0
 * on), where ts is extension type 0 of 8 bytes: seconds and nanoseconds, big
 * endian. Integers and floats as timestamps, which Fluent Bit also accepts,
 * are errors here, because plugins should not write them.
 */
#include "host.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The maximum nesting depth of msgpack-c. */
#define MAX_DEPTH 32

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

static uint64_t be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* Reads a token. Returns its size (of a container: of its header), or 0 if it is incomplete or invalid. */
static size_t token_read(const uint8_t *p, const uint8_t *end, struct token *t)
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

static void print_bytes(FILE *out, const struct token *t)
{
    for (size_t i = 0; i < t->size; i++) {
        if (t->data[i] == '"') {
            fputs("\\\"", out);
        }
        else if (isprint(t->data[i])) {
            putc(t->data[i], out);
        }
        else {
            fprintf(out, "\\x%02x", t->data[i]);
        }
    }
}

/*
 * Prints as `-o stdout` does: msgpack_object_print of msgpack-c, which does not
 * escape strings. The object must be valid.
 */
static const uint8_t *print_value(FILE *out, const uint8_t *p, const uint8_t *end)
{
    struct token t;

    p += token_read(p, end, &t);
    switch (t.type) {
    case T_NIL:
        fputs("nil", out);
        break;
    case T_BOOL:
        fputs(t.v.boolean ? "true" : "false", out);
        break;
    case T_UINT:
        fprintf(out, "%" PRIu64, t.v.u);
        break;
    case T_INT:
        fprintf(out, "%" PRId64, t.v.i);
        break;
    case T_FLOAT:
        fprintf(out, "%f", t.v.d);
        break;
    case T_STR:
        putc('"', out);
        fwrite(t.data, 1, t.size, out);
        putc('"', out);
        break;
    case T_EXT:
        fprintf(out, "(ext: %d)", t.ext);
        /* fall through */
    case T_BIN:
        putc('"', out);
        print_bytes(out, &t);
        putc('"', out);
        break;
    case T_ARRAY:
        putc('[', out);
        for (size_t i = 0; i < t.size; i++) {
            fputs(i > 0 ? ", " : "", out);
            p = print_value(out, p, end);
        }
        putc(']', out);
        break;
    case T_MAP:
        putc('{', out);
        for (size_t i = 0; i < t.size; i++) {
            fputs(i > 0 ? ", " : "", out);
            p = print_value(out, p, end);
            fputs("=>", out);
            p = print_value(out, p, end);
        }
        putc('}', out);
        break;
    }
    return p;
}

void msgpack_print(FILE *out, const uint8_t *p, const uint8_t *end)
{
    print_value(out, p, end);
}

void json_string(FILE *out, const char *text, size_t len)
{
    putc('"', out);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\') {
            putc('\\', out);
            putc(c, out);
        }
        else if (c < 0x20) {
            fprintf(out, "\\u%04x", c);
        }
        else {
            putc(c, out);
        }
    }
    putc('"', out);
}

static void json_hex(FILE *out, const struct token *t)
{
    putc('"', out);
    for (size_t i = 0; i < t->size; i++) {
        fprintf(out, "%02x", t->data[i]);
    }
    putc('"', out);
}

/* %.17g is exact. ".0" distinguishes a double from an integer. */
static void json_double(FILE *out, double d)
{
    char text[40];

    if (!isfinite(d)) {
        fprintf(out, "{\"$double\":\"%s\"}", isnan(d) ? "nan" : d > 0 ? "inf" : "-inf");
        return;
    }
    snprintf(text, sizeof text, "%.17g", d);
    fputs(text, out);
    if (strpbrk(text, ".e") == NULL) {
        fputs(".0", out);
    }
}

static const uint8_t *json_value(FILE *out, const uint8_t *p, const uint8_t *end)
{
    struct token t;

    p += token_read(p, end, &t);
    switch (t.type) {
    case T_NIL:
        fputs("null", out);
        break;
    case T_BOOL:
        fputs(t.v.boolean ? "true" : "false", out);
        break;
    case T_UINT:
        fprintf(out, "%" PRIu64, t.v.u);
        break;
    case T_INT:
        fprintf(out, "%" PRId64, t.v.i);
        break;
    case T_FLOAT:
        json_double(out, t.v.d);
        break;
    case T_STR:
        json_string(out, (const char *)t.data, t.size);
        break;
    case T_BIN:
        fputs("{\"$bin\":", out);
        json_hex(out, &t);
        putc('}', out);
        break;
    case T_EXT:
        fprintf(out, "{\"$ext\":[%d,", t.ext);
        json_hex(out, &t);
        fputs("]}", out);
        break;
    case T_ARRAY:
        putc('[', out);
        for (size_t i = 0; i < t.size; i++) {
            fputs(i > 0 ? "," : "", out);
            p = json_value(out, p, end);
        }
        putc(']', out);
        break;
    case T_MAP:
        putc('{', out);
        for (size_t i = 0; i < t.size; i++) {
            struct token key;

            fputs(i > 0 ? "," : "", out);
            token_read(p, end, &key);
            if (key.type == T_STR) {
                p = json_value(out, p, end);
            }
            else { /* other keys: the JSON text in quotes */
                char *text = NULL;
                size_t len = 0;
                FILE *f = open_memstream(&text, &len);

                p = json_value(f, p, end);
                fclose(f);
                json_string(out, text, len);
                free(text);
            }
            putc(':', out);
            p = json_value(out, p, end);
        }
        putc('}', out);
        break;
    }
    return p;
}

void msgpack_json(FILE *out, const uint8_t *p, const uint8_t *end)
{
    json_value(out, p, end);
}
