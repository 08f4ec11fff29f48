// SPDX-License-Identifier: Apache-2.0

/*
 * buffers.c: checks that the plugin frees the buffers that it returns.
 *
 * The plugin must free a buffer that it returns from collect: in its cleanup callback,
 * or at Exit if it reuses it. To check that, the host replaces malloc and free of the C
 * library and records the calls for these addresses. A bit test excludes all others.
 *
 * Nothing is checked without glibc, under a sanitizer, which replaces malloc itself, and
 * with FLBHOST_NO_MALLOC, for valgrind.
 *
 * --fail-alloc N lets one allocation of the plugin fail: the Nth call of calloc or realloc
 * whose caller is in the plugin's library. Go's own runtime uses malloc there, and ends the
 * process if that fails.
 */
#include "host.h"

#include <dlfcn.h>
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

void buffers_of(const void *code)
{
    (void)code;
}

uint64_t buffers_allocations(void)
{
    return 0;
}

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

/* A filter: each address that was ever returned sets a bit. */
static _Atomic uint8_t filter[1 << (FILTER_BITS - 3)];
static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct buffer *table; /* open addressing */
static size_t table_size, table_used;
static struct buffer *twice; /* an entry for each second free */
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

/* Returns the entry of p, or the empty entry for it. The lock must be held. */
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

/* Called before p is freed. Returns false if it must not be freed a second time. */
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

/* Called after p is allocated: addresses may be reused. */
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

static _Atomic(void *) plugin_base; /* of the plugin's library */
static _Atomic uint64_t allocations;   /* its calls of calloc and realloc */

void buffers_of(const void *code)
{
    Dl_info info;

    if (dladdr(code, &info) != 0) {
        atomic_store(&plugin_base, info.dli_fbase);
    }
}

uint64_t buffers_allocations(void)
{
    return atomic_load(&allocations);
}

static bool fails(const void *caller)
{
    void *base = atomic_load(&plugin_base);
    Dl_info info;

    return opts.fail_alloc > 0 && base != NULL && dladdr(caller, &info) != 0 && info.dli_fbase == base &&
           atomic_fetch_add(&allocations, 1) + 1 == (uint64_t)opts.fail_alloc;
}

#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    return allocated(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : allocated(__libc_calloc(n, size));
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

    if (fails(__builtin_return_address(0))) {
        return NULL;
    }
    if (p != NULL && seen(p)) {
        acquire();
        struct buffer *b = find(p);

        if (b->fate == HANDED) {
            b->fate = GONE; /* before the address can be allocated again */
            index = b->index;
        }
        release();
    }
    q = allocated(__libc_realloc(p, size));
    if (index >= 0 && (q == p || (q == NULL && size != 0))) {
        buffers_handed(index, p); /* the same buffer, not freed yet */
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
