// SPDX-License-Identifier: Apache-2.0

/*
 * output.c: the outputs.
 *
 * stdout prints as `-o stdout` does, json prints one object per line, for tests,
 * raw appends the MessagePack to a file per instance, and null does nothing.
 */
#include "host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum { TO_STDOUT, TO_JSON, TO_NULL, TO_RAW } form;
static FILE **raw;
static int n_raw;
static size_t *numbers; /* per instance, in the chunk being printed */
static bool broken;

int output_open(const char *spec, int instances)
{
    static char buffer[1 << 16];

    numbers = calloc((size_t)instances, sizeof *numbers);
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);

    if (strcmp(spec, "stdout") == 0) {
        form = TO_STDOUT;
    }
    else if (strcmp(spec, "json") == 0) {
        form = TO_JSON;
    }
    else if (strcmp(spec, "null") == 0) {
        form = TO_NULL;
    }
    else if (strncmp(spec, "raw:", 4) == 0 && spec[4] != '\0') {
        form = TO_RAW;
        raw = calloc((size_t)instances, sizeof *raw);
        for (n_raw = 0; n_raw < instances; n_raw++) {
            char *path;

            if (asprintf(&path, "%s.%d", spec + 4, n_raw) == -1) {
                return -1;
            }
            raw[n_raw] = fopen(path, "wb");
            if (raw[n_raw] == NULL) {
                fprintf(stderr, "flbhost: cannot write '%s'\n", path);
                free(path);
                return -1;
            }
            free(path);
        }
    }
    else {
        fprintf(stderr, "flbhost: option --output: invalid value '%s': expected stdout, json, null or raw:FILE\n", spec);
        return -1;
    }
    return 0;
}

static void print_stdout(int index, const char *tag, const struct record *r)
{
    static const uint8_t empty_map = 0x80;
    const uint8_t *end = r->raw + r->raw_size;

    printf("[%zu] %s: %s%" PRIu32 ".%09" PRIu32 ", ", numbers[index]++, tag,
           POSE_V2_EVENTS ? "[[" : "[", r->sec, r->nsec);
    if (POSE_V2_EVENTS) {
        if (r->meta != NULL) {
            msgpack_print(stdout, r->meta, end);
        }
        else {
            msgpack_print(stdout, &empty_map, &empty_map + 1);
        }
        fputs("], ", stdout);
    }
    msgpack_print(stdout, r->body, end);
    fputs("]\n", stdout);
}

static void print_json(const char *tag, const struct record *r)
{
    const uint8_t *end = r->raw + r->raw_size;

    fputs("{\"tag\":", stdout);
    json_string(stdout, tag, strlen(tag));
    printf(",\"sec\":%" PRIu32 ",\"nsec\":%" PRIu32 ",\"meta\":", r->sec, r->nsec);
    if (r->meta != NULL) {
        msgpack_json(stdout, r->meta, end);
    }
    else {
        fputs("{}", stdout);
    }
    fputs(",\"body\":", stdout);
    msgpack_json(stdout, r->body, end);
    fputs("}\n", stdout);
}

void output_record(int index, const char *tag, const struct record *r)
{
    switch (form) {
    case TO_STDOUT:
        print_stdout(index, tag, r);
        break;
    case TO_JSON:
        print_json(tag, r);
        break;
    case TO_RAW:
        if (fwrite(r->raw, 1, r->raw_size, raw[index]) != r->raw_size) {
            broken = true;
        }
        break;
    case TO_NULL:
        break;
    }
}

void output_tick(void)
{
    memset(numbers, 0, (size_t)opts.n * sizeof *numbers);
}

void output_flush(void)
{
    if (form == TO_NULL) {
        return;
    }
    if (fflush(stdout) == EOF) {
        broken = true;
    }
    for (int i = 0; i < n_raw; i++) {
        if (fflush(raw[i]) == EOF) {
            broken = true;
        }
    }
}

/* The reader has closed the pipe: end the run. */
bool output_broken(void)
{
    return broken;
}

void output_close(void)
{
    output_flush();
    for (int i = 0; i < n_raw; i++) {
        fclose(raw[i]);
    }
    free(raw);
    free(numbers);
    raw = NULL;
    n_raw = 0;
    numbers = NULL;
}
