// SPDX-License-Identifier: Apache-2.0

/*
 * alloc.c: where the structures that a plugin is handed come from.
 *
 * Usually it is malloc. --alloc before and behind put each of them on pages of its
 * own, next to pages that cannot be touched: at the beginning, where a plugin that
 * takes them for malloc's and asks for their size reads the word before and crashes,
 * or at the end, where the first byte read or written behind them does.
 */
#include "host.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *host_alloc(size_t size)
{
    size_t inner = (size + page() - 1) / page() * page(), rounded = (size + 7) / 8 * 8;
    char *all;

    if (opts.alloc == ALLOC_MALLOC) {
        return calloc(1, size);
    }
    all = mmap(NULL, inner + 2 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page(), inner, PROT_READ | PROT_WRITE) == -1) {
        abort();
    }
    return opts.alloc == ALLOC_BEFORE ? all + page() : all + page() + inner - rounded;
}

void host_free(void *p)
{
    if (opts.alloc == ALLOC_MALLOC) {
        free(p);
    }
    else if (p != NULL) {
        /* It stays reserved, and cannot be touched any more. */
        mprotect((void *)((uintptr_t)p / page() * page()), page(), PROT_NONE);
    }
}
