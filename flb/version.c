// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * version.c: the version of Fluent Bit, and what depends on it.
 *
 * Fluent Bit exports neither a function nor a variable with its version, but two of its
 * constants contain it. The engine logs it at each start: in the code of
 * flb_engine_start the address of the message's format is next to that of the version
 * (x86-64). The output nats sends it in its greeting. Both are read from the program's
 * constant memory, and nothing is called.
 */
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#pragma GCC visibility push(hidden)

/* The newest release whose layouts were read in its source and tested. */
#define TESTED HOST_VERSION(5, 1, 1)
#define OLDEST HOST_VERSION(2, 0, 0)

static struct host_version version;
static int plain;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- constants in the program's memory ------------------------------------------- */

/*
 * Compares byte by byte: in a program built with a sanitizer the functions of libc
 * would report accesses between its constants.
 */
static int starts_with(const char *at, const char *end, const char *text)
{
    for (; *text; text++, at++) {
        if (at >= end || *at != *text) {
            return 0;
        }
    }
    return 1;
}

/* segment: the end of the segment, of code or of constants, that contains an address, or NULL. */
static const char *segment(const struct host_object *o, int code, const void *at)
{
    int i;

    for (i = 0; i < o->n; i++) {
        if ((code ? o->segments[i].code : o->segments[i].constant) && (uintptr_t) at >= o->segments[i].from &&
            (uintptr_t) at < o->segments[i].to) {
            return (const char *) o->segments[i].to;
        }
    }
    return NULL;
}

/* parse: reads "5.1.1" and an optional suffix, up to one of the ends. */
static int parse(const char *at, const char *end, const char *ends, struct host_version *v)
{
    int part[3] = {0, 0, 0}, i, n = 0, digits;

    for (i = 0; i < 3; i++) {
        for (digits = 0; at + n < end && at[n] >= '0' && at[n] <= '9' && digits < 3; digits++) {
            part[i] = 10 * part[i] + at[n++] - '0';
        }
        if (digits == 0 || at + n >= end || (i < 2 && at[n++] != '.')) {
            return 0;
        }
    }
    if (at[n] != *ends && at[n] != '.' && at[n] != '-') {
        return 0;
    }
    while (at + n < end && at[n] != *ends && at[n] > ' ' && at[n] < 0x7f) {
        n++;
    }
    if (at + n >= end || at[n] != *ends || n >= (int) sizeof(v->text)) {
        return 0;
    }
    for (i = 0; i < n; i++) {
        v->text[i] = at[i];
    }
    v->text[n] = '\0';
    v->number = HOST_VERSION(part[0], part[1], part[2]);
    return 1;
}

#if defined(__x86_64__)
static const char format[] = "[fluent bit] version=%s, commit=";

enum { BODY = 64 << 10, BESIDE = 96 };

/* lea: the address that a position-relative lea instruction loads, or NULL. */
static const char *lea(const unsigned char *at)
{
    int32_t distance;

    if ((at[0] & 0xf8) != 0x48 || at[1] != 0x8d || (at[2] & 0xc7) != 0x05) {
        return NULL;
    }
    distance = (int32_t) ((uint32_t) at[3] | (uint32_t) at[4] << 8 | (uint32_t) at[5] << 16 | (uint32_t) at[6] << 24);
    return (const char *) at + 7 + distance;
}

static int from_engine(struct host_version *v)
{
    const unsigned char *body = dlsym(RTLD_DEFAULT, "flb_engine_start"), *at, *near, *end;
    struct host_object o;
    const char *s, *limit;

    if (!body || host_object_of(body, &o) != 0) {
        return 0;
    }
    end = (const unsigned char *) segment(&o, 1, body);
    if (!end) {
        return 0;
    }
    if (end - body > BODY) {
        end = body + BODY;
    }
    for (at = body; at + 7 <= end; at++) {
        s = lea(at);
        if (!s || !(limit = segment(&o, 0, s)) || !starts_with(s, limit, format)) {
            continue;
        }
        for (near = at - body > BESIDE ? at - BESIDE : body; near + 7 <= end && near < at + BESIDE; near++) {
            s = lea(near);
            if (s && (limit = segment(&o, 0, s)) && parse(s, limit, "", v)) {
                return 1;
            }
        }
    }
    return 0;
}
#else
static int from_engine(struct host_version *v)
{
    (void) v;
    return 0;
}
#endif

static int from_nats(struct host_version *v)
{
    static const char greeting[] = "\"name\":\"fluent-bit\",\"lang\":\"c\",\"version\":\"";
    void *known = dlsym(RTLD_DEFAULT, "flb_input_log_append"); /* of the program, or of libfluent-bit */
    struct host_object o;
    const char *at, *end;
    int i;

    if (host_object_of(known, &o) != 0) {
        return 0;
    }
    for (i = 0; i < o.n; i++) {
        if (!o.segments[i].constant) {
            continue;
        }
        end = (const char *) o.segments[i].to;
        for (at = (const char *) o.segments[i].from; at < end; at++) {
            if (*at == '"' && starts_with(at, end, greeting)) {
                return parse(at + sizeof(greeting) - 1, end, "\"", v);
            }
        }
    }
    return 0;
}

static void look(void)
{
    static const char *const no[] = {"", "0", "off", "no", "false"};
    const char *value = getenv(HOST_PLAIN_ENV);
    size_t i;

    plain = value != NULL;
    for (i = 0; value && i < sizeof(no) / sizeof(no[0]); i++) {
        plain = plain && strcasecmp(value, no[i]) != 0;
    }
    if (!from_engine(&version) && !from_nats(&version)) {
        snprintf(version.text, sizeof(version.text), "of an unknown version");
        version.number = 0;
    }
}

struct host_version host_version(void)
{
    pthread_once(&once, look);
    return version;
}

int host_plain(void)
{
    pthread_once(&once, look);
    return plain;
}

int host_may_write(void)
{
    pthread_once(&once, look);
    return !plain && version.number >= OLDEST && version.number <= TESTED;
}

#pragma GCC visibility pop
