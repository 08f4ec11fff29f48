// SPDX-License-Identifier: Apache-2.0

/*
 * msgprint.c: prints MessagePack, as out_stdout of Fluent Bit or as JSON.
 */
#include "host.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"

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

/* Prints a boolean or an integer, which look the same in both forms. */
static void print_scalar(FILE *out, const struct token *t)
{
    if (t->type == T_BOOL) {
        fputs(t->v.boolean ? "true" : "false", out);
    }
    else if (t->type == T_UINT) {
        fprintf(out, "%" PRIu64, t->v.u);
    }
    else {
        fprintf(out, "%" PRId64, t->v.i);
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
    case T_UINT:
    case T_INT:
        print_scalar(out, &t);
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
    case T_UINT:
    case T_INT:
        print_scalar(out, &t);
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
