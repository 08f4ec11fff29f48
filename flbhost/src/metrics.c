// SPDX-License-Identifier: Apache-2.0

/*
 * metrics.c: a registry with the functions of cmetrics.
 *
 * It has counters and gauges with labels, and the text form. A registry belongs to
 * one instance. Unlike cmetrics before 5.1, it is safe for use by any thread.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct series {
    char **labels;
    double value;
    uint64_t ts;
    struct series *next;
};

enum kind { COUNTER, GAUGE, KINDS };

struct family {
    struct cmt *cmt;
    enum kind kind;
    char *name;
    int n;
    char **keys;
    struct series *series;
    struct family *next;
};

struct cmt {
    pthread_mutex_t lock;
    struct family *families, **last;
};

static char **strings_copy(char **strings, int n)
{
    char **copy = calloc((size_t)n + 1, sizeof *copy);

    for (int i = 0; i < n; i++) {
        copy[i] = strings[i] != NULL ? strdup(strings[i]) : NULL;
    }
    return copy;
}

static void strings_free(char **strings, int n)
{
    for (int i = 0; i < n; i++) {
        free(strings[i]);
    }
    free(strings);
}

struct cmt *metrics_create(void)
{
    struct cmt *cmt = calloc(1, sizeof *cmt);

    pthread_mutex_init(&cmt->lock, NULL);
    cmt->last = &cmt->families;
    return cmt;
}

void metrics_destroy(struct cmt *cmt)
{
    struct family *f = cmt->families;

    while (f != NULL) {
        struct family *next = f->next;
        struct series *s = f->series;

        while (s != NULL) {
            struct series *after = s->next;

            strings_free(s->labels, f->n);
            free(s);
            s = after;
        }
        strings_free(f->keys, f->n);
        free(f->name);
        free(f);
        f = next;
    }
    pthread_mutex_destroy(&cmt->lock);
    free(cmt);
}

static struct family *family_create(struct cmt *cmt, enum kind kind, const char *ns,
                                    const char *subsystem, const char *name, const char *help,
                                    int n, char **keys)
{
    struct family *f;

    if (cmt == NULL || ns == NULL || name == NULL || *name == '\0' || help == NULL ||
        *help == '\0' || n < 0) {
        return NULL;
    }
    f = calloc(1, sizeof *f);
    f->cmt = cmt;
    f->kind = kind;
    f->n = n;
    f->keys = strings_copy(keys, n);
    if (asprintf(&f->name, "%s_%s%s%s", ns, subsystem != NULL ? subsystem : "",
                 subsystem != NULL && *subsystem != '\0' ? "_" : "", name) == -1) {
        abort();
    }
    pthread_mutex_lock(&cmt->lock);
    *cmt->last = f;
    cmt->last = &f->next;
    pthread_mutex_unlock(&cmt->lock);
    return f;
}

static bool same_label(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* op: '=' sets, '+' adds. A counter never decreases. */
static int record(struct family *f, uint64_t ts, char op, double value, int n, char **labels)
{
    struct series *s;
    int ret = 0;

    if (f == NULL || n != f->n) {
        return -1;
    }
    pthread_mutex_lock(&f->cmt->lock);
    for (s = f->series; s != NULL; s = s->next) {
        int i = 0;

        while (i < n && same_label(s->labels[i], labels[i])) {
            i++;
        }
        if (i == n) {
            break;
        }
    }
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        s->labels = strings_copy(labels, n);
        s->next = f->series;
        f->series = s;
    }
    if (f->kind == COUNTER && (op == '+' ? value < 0 : value < s->value)) {
        ret = -1;
    }
    else {
        s->value = op == '+' ? s->value + value : value;
        s->ts = ts;
    }
    pthread_mutex_unlock(&f->cmt->lock);
    return ret;
}

struct cmt_counter *cmt_counter_create(struct cmt *cmt, char *ns, char *subsystem, char *name,
                                       char *help, int n, char **keys)
{
    return (struct cmt_counter *)family_create(cmt, COUNTER, ns, subsystem, name, help, n, keys);
}

int cmt_counter_add(struct cmt_counter *c, uint64_t ts, double val, int n, char **labels)
{
    return record((struct family *)c, ts, '+', val, n, labels);
}

EXPORT int cmt_counter_inc(struct cmt_counter *c, uint64_t ts, int n, char **labels);
EXPORT int cmt_counter_inc(struct cmt_counter *c, uint64_t ts, int n, char **labels)
{
    return record((struct family *)c, ts, '+', 1, n, labels);
}

int cmt_counter_set(struct cmt_counter *c, uint64_t ts, double val, int n, char **labels)
{
    return record((struct family *)c, ts, '=', val, n, labels);
}

struct cmt_gauge *cmt_gauge_create(struct cmt *cmt, char *ns, char *subsystem, char *name,
                                   char *help, int n, char **keys)
{
    return (struct cmt_gauge *)family_create(cmt, GAUGE, ns, subsystem, name, help, n, keys);
}

int cmt_gauge_set(struct cmt_gauge *g, uint64_t ts, double val, int n, char **labels)
{
    return record((struct family *)g, ts, '=', val, n, labels);
}

static void series_text(FILE *out, const struct family *f, const struct series *s)
{
    time_t sec = (time_t)(s->ts / 1000000000u);
    const char *sep = "{";
    struct tm tm;
    char when[32];

    gmtime_r(&sec, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(out, "%s.%09uZ %s", when, (unsigned)(s->ts % 1000000000u), f->name);
    for (int i = 0; i < f->n; i++) {
        if (f->keys[i] != NULL && s->labels[i] != NULL) {
            fprintf(out, "%s%s=\"%s\"", sep, f->keys[i], s->labels[i]);
            sep = ",";
        }
    }
    fprintf(out, "%s = %.17g\n", *sep == ',' ? "}" : "", s->value);
}

char *metrics_text(struct cmt *cmt)
{
    char *text = NULL, *sds;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    pthread_mutex_lock(&cmt->lock);
    for (int kind = COUNTER; kind < KINDS; kind++) {
        for (struct family *f = cmt->families; f != NULL; f = f->next) {
            for (struct series *s = f->kind == (enum kind)kind ? f->series : NULL; s != NULL;
                 s = s->next) {
                series_text(out, f, s);
            }
        }
    }
    pthread_mutex_unlock(&cmt->lock);
    fclose(out);
    sds = sds_new(text, len);
    free(text);
    return sds;
}

EXPORT char *cmt_encode_text_create(struct cmt *cmt);
EXPORT char *cmt_encode_text_create(struct cmt *cmt)
{
    return metrics_text(cmt);
}

EXPORT void cmt_encode_text_destroy(char *text);
EXPORT void cmt_encode_text_destroy(char *text)
{
    sds_free(text);
}
