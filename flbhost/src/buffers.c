// SPDX-License-Identifier: Apache-2.0

/*
 * buffers.c: checks that the plugin frees the buffers that it returns.
 *
 * The plugin must free a buffer that it returns from collect: in its cleanup callback,
 * or at Exit if it reuses it. To check that, the host replaces the C library's malloc
 * and free, and records what happens to the returned addresses; a bit test excludes all
 * others.
 *
 * Without glibc, under a sanitizer (which watches malloc itself) and with
 * FLBHOST_NO_MALLOC (for valgrind, likewise) nothing is watched.
 */
#include "host.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if !defined(FLBHOST_NO_MALLOC) &&                                                   \
    (!defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
     __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||          \
     __has_feature(memory_sanitizer))
#define FLBHOST_NO_MALLOC
#endif

#ifdef FLBHOST_NO_MALLOC

void buffers_handed(int index, void *data)
{
    (void)index;
    (void)data;
}

uint64_t buffers_kept(int index)
{
    (void)index;
    return UINT64_MAX;
}

uint64_t buffers_freed_twice(int index)
{
    (void)index;
    return 0;
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

enum fate { EMPTY, GONE, HANDED, FREED };

struct buffer {
    void *ptr;
    enum fate fate;
    int index;
};

#define FILTER_BITS 16

/* Addresses ever handed set a bit here, and only then are looked up. */
static _Atomic uint8_t filter[1 << (FILTER_BITS - 3)];
static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct buffer *table; /* open addressing */
static size_t table_size, table_used;
static struct buffer *twice; /* one entry per second free */
static size_t n_twice;

static uint32_t hash(const void *p)
{
    return (uint32_t)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

static bool seen(const void *p)
{
    uint32_t h = hash(p) >> (32 - FILTER_BITS);

    return (atomic_load_explicit(&filter[h >> 3], memory_order_relaxed) >> (h & 7) & 1) != 0;
}

static void acquire(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
        sched_yield();
    }
}

static void release(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

/* With the lock held: the entry of p, or the empty one for it. */
static struct buffer *find(const void *p)
{
    size_t i = hash(p) & (table_size - 1);

    while (table[i].fate != EMPTY && table[i].ptr != p) {
        i = (i + 1) & (table_size - 1);
    }
    return &table[i];
}

static void grow(void)
{
    struct buffer *old = table;
    size_t old_size = table_size;

    table_size = old_size != 0 ? old_size * 2 : 1024;
    table = __libc_calloc(table_size, sizeof *table);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].fate != EMPTY) {
            *find(old[i].ptr) = old[i];
        }
    }
    __libc_free(old);
}

void buffers_handed(int index, void *data)
{
    uint32_t h = hash(data) >> (32 - FILTER_BITS);
    struct buffer *b;

    if (data == NULL) {
        return;
    }
    acquire();
    atomic_fetch_or_explicit(&filter[h >> 3], (uint8_t)(1u << (h & 7)), memory_order_relaxed);
    if (table_used * 2 >= table_size) {
        grow();
    }
    b = find(data);
    if (b->fate == EMPTY) {
        table_used++;
    }
    *b = (struct buffer){data, HANDED, index};
    release();
}

/* Before p is freed. False: it has been freed before and must not be again. */
static bool freeing(void *p)
{
    bool first = true;

    if (p == NULL || !seen(p)) {
        return true;
    }
    acquire();
    struct buffer *b = find(p);

    if (b->fate == HANDED) {
        b->fate = FREED;
    }
    else if (b->fate == FREED) {
        struct buffer *more = __libc_realloc(twice, (n_twice + 1) * sizeof *twice);

        twice = more;
        twice[n_twice++] = *b;
        first = false;
    }
    release();
    return first;
}

/* After p was allocated: an address of old may come back. */
static void *allocated(void *p)
{
    if (p != NULL && seen(p)) {
        acquire();
        struct buffer *b = find(p);

        if (b->fate != EMPTY) {
            b->fate = GONE;
        }
        release();
    }
    return p;
}

uint64_t buffers_kept(int index)
{
    uint64_t n = 0;

    acquire();
    for (size_t i = 0; i < table_size; i++) {
        n += table[i].fate == HANDED && table[i].index == index;
    }
    release();
    return n;
}

uint64_t buffers_freed_twice(int index)
{
    uint64_t n = 0;

    acquire();
    for (size_t i = 0; i < n_twice; i++) {
        n += twice[i].index == index;
    }
    release();
    return n;
}

#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    return allocated(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return allocated(__libc_calloc(n, size));
}

void free(void *p)
{
    if (freeing(p)) {
        __libc_free(p);
    }
}

void *realloc(void *p, size_t size)
{
    int index = -1;
    void *q;

    if (p != NULL && seen(p)) {
        acquire();
        struct buffer *b = find(p);

        if (b->fate == HANDED) {
            b->fate = GONE; /* before somebody else is given the address */
            index = b->index;
        }
        release();
    }
    q = allocated(__libc_realloc(p, size));
    if (index >= 0 && (q == p || (q == NULL && size != 0))) {
        buffers_handed(index, p); /* still the same buffer, still to be freed */
    }
    return q;
}

void *memalign(size_t align, size_t size)
{
    return allocated(__libc_memalign(align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
    return allocated(__libc_memalign(align, size));
}

int posix_memalign(void **out, size_t align, size_t size)
{
    void *p;

    if (align < sizeof(void *) || (align & (align - 1)) != 0) {
        return EINVAL;
    }
    p = allocated(__libc_memalign(align, size));
    if (p == NULL) {
        return ENOMEM;
    }
    *out = p;
    return 0;
}

#pragma GCC visibility pop

#endif
