// SPDX-License-Identifier: Apache-2.0

/*
 * watch.c: what a plugin has written into the structures that it was handed.
 *
 * Each is remembered with a copy of what the host has in it. Whatever differs later,
 * counted in words, was written by the plugin.
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

/* The host has made it, or changed it itself. */
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

/* Counts what was written since, into watched of them. */
void watch_look(void)
{
    pthread_mutex_lock(&watched_lock);
    for (struct watched *w = watched; w != NULL; w = w->next) {
        look(w);
    }
    pthread_mutex_unlock(&watched_lock);
}

/* It goes. */
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
