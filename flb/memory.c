// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * memory.c: by how much the process has grown.
 *
 * Records stay in memory until an output has accepted them: with `rate unlimited` that
 * is the load times the flush interval, and without limit while an output is down. The
 * engine's own bound, mem_buf_limit, pauses the input, which costs two thirds of its
 * speed. An input therefore watches the memory of the process and waits while it is too
 * much (see waitMemory in memory.go).
 *
 * Memory is what is resident and neither a file nor shared: the second number of
 * /proc/self/statm less the third. Chunks of storage.type filesystem are mapped files,
 * which the kernel writes back when it needs their memory, and of which the engine keeps
 * storage.max_chunks_up at most; if they were counted, an input would stop before the
 * engine begins to unmap any of them.
 *
 * The memory is that of the process, so that all inputs share one reading. It is at most
 * READ_EVERY_BYTES of appends or READ_EVERY_NSEC old. Two threads may read at the same
 * time; either result is right.
 */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

#define READ_EVERY_BYTES 4000000
#define READ_EVERY_NSEC 100000000
/* Above the limit it is read more often, but not by each waiting input. */
#define READ_AGAIN_NSEC 500000

static struct {
    int fd;          /* of /proc/self/statm, for the life of the process; -1 if it cannot be read */
    int64_t page;    /* bytes */
    int64_t base;    /* bytes when the first input began; -1 if none has */
    int64_t growth;  /* bytes above base, when last read */
    int64_t read_at; /* when, by host_monotonic */
    uint64_t unread; /* bytes appended since */
} memory = {.base = -1};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_statm(void)
{
    memory.fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    memory.page = sysconf(_SC_PAGESIZE);
}

int64_t memory_resident(void)
{
    char text[128], *at;
    unsigned long resident, shared;
    ssize_t n;

    pthread_once(&once, open_statm);
    n = memory.fd < 0 ? -1 : pread(memory.fd, text, sizeof(text) - 1, 0);
    if (n <= 0) {
        return -1;
    }
    text[n] = '\0';
    strtoul(text, &at, 10); /* the address space */
    resident = strtoul(at, &at, 10);
    shared = strtoul(at, NULL, 10);
    return resident < shared ? 0 : (int64_t) (resident - shared) * memory.page;
}

void memory_began(void)
{
    int64_t none = -1, now = memory_resident();

    if (now >= 0) {
        __atomic_compare_exchange_n(&memory.base, &none, now, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

void memory_allow(int64_t bytes)
{
    if (bytes > 0 && __atomic_load_n(&memory.base, __ATOMIC_RELAXED) >= 0) {
        __atomic_add_fetch(&memory.base, bytes, __ATOMIC_RELAXED);
    }
}

void memory_appended(size_t size)
{
    __atomic_add_fetch(&memory.unread, size, __ATOMIC_RELAXED);
}

static void read_again(int64_t now)
{
    int64_t base = __atomic_load_n(&memory.base, __ATOMIC_RELAXED);
    int64_t resident = memory_resident();

    __atomic_store_n(&memory.read_at, now, __ATOMIC_RELAXED);
    __atomic_store_n(&memory.unread, 0, __ATOMIC_RELAXED);
    if (base >= 0 && resident >= 0) {
        __atomic_store_n(&memory.growth, resident - base, __ATOMIC_RELAXED);
    }
}

int64_t memory_growth(int64_t limit)
{
    int64_t now = host_monotonic();
    int64_t age = now - __atomic_load_n(&memory.read_at, __ATOMIC_RELAXED);
    int64_t growth = __atomic_load_n(&memory.growth, __ATOMIC_RELAXED);

    if (__atomic_load_n(&memory.unread, __ATOMIC_RELAXED) >= READ_EVERY_BYTES || age >= READ_EVERY_NSEC ||
        (growth >= limit && age >= READ_AGAIN_NSEC)) {
        read_again(now);
        growth = __atomic_load_n(&memory.growth, __ATOMIC_RELAXED);
    }
    return growth;
}

#pragma GCC visibility pop
