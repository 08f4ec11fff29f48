// SPDX-License-Identifier: Apache-2.0

/*
 * alloc.c: the memory of the structures that the host passes to a plugin.
 *
 * The default is malloc. --alloc before and behind place each structure on separate pages
 * next to inaccessible ones: at the beginning, where a plugin crashes if it assumes malloc
 * and reads the size in the preceding word, or at the end, where a plugin crashes if it
 * accesses a byte after the structure.
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
        /* The pages remain reserved and become inaccessible. */
        mprotect((void *)((uintptr_t)p / page() * page()), page(), PROT_NONE);
    }
}
