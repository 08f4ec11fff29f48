// SPDX-License-Identifier: Apache-2.0

/*
 * watch.c: counts what a plugin writes to the structures of the host.
 *
 * It keeps a copy of each structure. Words that differ later were written by the
 * plugin.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

struct watched {
    const void *at;
    size_t size;
    void *copy;
    struct watched *next;
};

static struct watched *watched;
static pthread_mutex_t watched_lock = PTHREAD_MUTEX_INITIALIZER;

/* Starts to watch a structure, or updates its copy after a change by the host. */
void watch(const void *at, size_t size)
{
    struct watched *w;

    pthread_mutex_lock(&watched_lock);
    for (w = watched; w != NULL && w->at != at; w = w->next) {
    }
    if (w == NULL) {
        w = calloc(1, sizeof *w);
        w->next = watched;
        watched = w;
    }
    w->at = at;
    w->size = size;
    w->copy = realloc(w->copy, size);
    memcpy(w->copy, at, size);
    pthread_mutex_unlock(&watched_lock);
}

static void look(struct watched *w)
{
    for (size_t i = 0; i < w->size; i += sizeof(void *)) {
        size_t n = w->size - i < sizeof(void *) ? w->size - i : sizeof(void *);

        if (memcmp((const char *)w->at + i, (char *)w->copy + i, n) != 0) {
            totals.written++;
            memcpy((char *)w->copy + i, (const char *)w->at + i, n);
        }
    }
}

/* Counts the words written since then, in watched structures. */
void watch_look(void)
{
    pthread_mutex_lock(&watched_lock);
    for (struct watched *w = watched; w != NULL; w = w->next) {
        look(w);
    }
    pthread_mutex_unlock(&watched_lock);
}

/* Stops watching a structure. */
void watch_end(const void *at)
{
    pthread_mutex_lock(&watched_lock);
    for (struct watched **p = &watched; *p != NULL; p = &(*p)->next) {
        if ((*p)->at == at) {
            struct watched *w = *p;

            look(w);
            *p = w->next;
            free(w->copy);
            free(w);
            break;
        }
    }
    pthread_mutex_unlock(&watched_lock);
}
