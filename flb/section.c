/*
 * section.c: what the host knows of an input's section and does not hand over.
 *
 * Properties that the engine keeps for itself are not given to a plugin. Of these
 * the tag is needed: after a hot reload it tells, with the position, whether a
 * section is the one that it was. It is read from the input instance, and only read:
 * every address is first asked of the kernel, and nothing is believed that does not
 * prove itself.
 */
#define _GNU_SOURCE
#include "host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

/* read_at: copies n bytes, fewer than a pipe holds, from an address that may be none. */
static int read_at(const void *from, void *to, size_t n)
{
    int fds[2], ret = -1;

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -1;
    }
    /* The system call itself: a sanitizer's write looks at the memory first. */
    if (syscall(SYS_write, fds[1], from, n) == (ssize_t) n && read(fds[0], to, n) == (ssize_t) n) {
        ret = 0;
    }
    close(fds[0]);
    close(fds[1]);
    return ret;
}

/*
 * In struct flb_input_instance the tag and its length follow the context by three
 * words (all versions): `void *context; int ch_events[2]; struct flb_input_plugin *p;
 * char *tag; int tag_len`. The tag is one of the host's strings, before which stand
 * its length and its size.
 */
enum { TAG_AFTER_CONTEXT = 3, INSTANCE_HEAD = 64, MAX_TAG = 4096 };

struct host_sds {
    uint64_t len;
    uint64_t alloc;
    char text[];
};

/* copy_sds: a copy of the text at an address, if it is a string of the host's of that length. */
static char *copy_sds(uintptr_t at, int len)
{
    struct host_sds sds;
    char *text;

    if (len <= 0 || len >= MAX_TAG || at <= sizeof(sds) || read_at((void *) (at - sizeof(sds)), &sds, sizeof(sds)) != 0 ||
        sds.len != (uint64_t) len || sds.alloc < sds.len) {
        return NULL;
    }
    text = calloc(1, (size_t) len + 1);
    if (!text || read_at((void *) at, text, (size_t) len + 1) != 0 || strlen(text) != (size_t) len) {
        free(text);
        return NULL;
    }
    return text;
}

char *host_tag_of(void *ins, const void *context)
{
    uintptr_t words[INSTANCE_HEAD];
    char *tag;
    size_t i;
    int len;

    if (!context || read_at(ins, words, sizeof(words)) != 0) {
        return NULL;
    }
    for (i = 0; i + TAG_AFTER_CONTEXT + 1 < INSTANCE_HEAD; i++) {
        if (words[i] == (uintptr_t) context) {
            memcpy(&len, &words[i + TAG_AFTER_CONTEXT + 1], sizeof(len));
            tag = copy_sds(words[i + TAG_AFTER_CONTEXT], len);
            if (tag) {
                return tag;
            }
        }
    }
    return NULL;
}

#pragma GCC visibility pop
