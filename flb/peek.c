// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * peek.c: safe reads of the host's memory.
 *
 * host.h describes the structures of the releases that exist. A release with other
 * structures must not crash: every structure is copied through the kernel, which returns
 * an error for a bad address, and verified before anything in it is used. The size of an
 * allocation is unknown, since the host may have an allocator of its own: reads have
 * fixed bounds, and the bytes after a structure are read with it and match nothing.
 */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

/* ---- reading ------------------------------------------------------------- */

/* Every pipe has room for this, and no piece crosses a page. */
enum { PIECE = 4096 };

static pthread_mutex_t pipe_lock = PTHREAD_MUTEX_INITIALIZER;
static int pipe_fds[2] = {-1, -1};

/*
 * copy: copies at most a page, through a pipe. The system calls are made directly: a
 * sanitizer's write would access the memory itself.
 */
static size_t copy(const char *from, char *to, size_t n)
{
    ssize_t wrote = syscall(SYS_write, pipe_fds[1], from, n);

    if (wrote <= 0) {
        return 0;
    }
    return syscall(SYS_read, pipe_fds[0], to, (size_t) wrote) == wrote ? (size_t) wrote : 0;
}

size_t host_peek_some(const void *from, void *to, size_t n)
{
    size_t done = 0, piece, got;

    if ((uintptr_t) from < PIECE) {
        return 0;
    }
    pthread_mutex_lock(&pipe_lock);
    if (pipe_fds[0] >= 0 || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0) {
        while (done < n) {
            piece = PIECE - ((uintptr_t) from + done) % PIECE;
            if (piece > n - done) {
                piece = n - done;
            }
            got = copy((const char *) from + done, (char *) to + done, piece);
            done += got;
            if (got != piece) {
                break;
            }
        }
    }
    pthread_mutex_unlock(&pipe_lock);
    return done;
}

int host_peek(const void *from, void *to, size_t n)
{
    return host_peek_some(from, to, n) == n ? 0 : -1;
}

/* struct flb_sds, which precedes a text of the host (all versions). */
struct host_sds {
    uint64_t len;
    uint64_t alloc;
};
_Static_assert(sizeof(struct host_sds) == 16, "flb_sds");

size_t host_peek_sds(const char *sds, char *text, size_t size)
{
    struct host_sds head;

    if ((uintptr_t) sds < PIECE + sizeof(head) || host_peek(sds - sizeof(head), &head, sizeof(head)) != 0 || head.len >= size ||
        head.alloc < head.len || host_peek(sds, text, head.len + 1) != 0 || strnlen(text, head.len + 1) != head.len) {
        return 0;
    }
    return head.len;
}

/* ---- the object of an address ------------------------------------------------ */

struct search {
    uintptr_t address; /* 0: the first object, which is the program */
    struct host_object *found;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *s = arg;
    struct host_object o = {0};
    int i, here = s->address == 0;

    (void) size;
    for (i = 0; i < info->dlpi_phnum && o.n < HOST_OBJECT_SEGMENTS; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;

        if (p->p_type != PT_LOAD) {
            continue;
        }
        o.segments[o.n].from = from;
        o.segments[o.n].to = from + p->p_memsz;
        o.segments[o.n].code = (p->p_flags & PF_X) != 0;
        o.segments[o.n].constant = (p->p_flags & (PF_R | PF_W)) == PF_R;
        o.n++;
        here |= s->address >= from && s->address < from + p->p_memsz;
    }
    if (here) {
        *s->found = o;
    }
    return here;
}

int host_object_of(const void *address, struct host_object *found)
{
    struct search s = {.address = (uintptr_t) address, .found = found};

    return dl_iterate_phdr(look_at, &s) ? 0 : -1;
}

int host_object_has(const struct host_object *o, const void *address)
{
    uintptr_t a = (uintptr_t) address;
    int i;

    for (i = 0; i < o->n; i++) {
        if (a >= o->segments[i].from && a < o->segments[i].to) {
            return o->segments[i].code ? HOST_IN_CODE : HOST_IN_DATA;
        }
    }
    return 0;
}

#pragma GCC visibility pop
