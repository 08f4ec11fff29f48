// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * props.c: the properties of a section as Fluent Bit lists them.
 *
 * input_get_property does not distinguish a property without a value from one that is
 * not set, nor does it show repeated ones. The instance's list does. Its offset in the
 * instance differs between versions, so it is searched for, and used only if
 * input_get_property agrees with every entry. Everything is read through the kernel: a
 * bad address is an error, not a crash.
 */
#include "host.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#pragma GCC visibility push(hidden)

/* struct flb_kv, all versions. Its texts are flb_sds_t. */
struct host_kv {
    char *key;
    char *val; /* NULL if it is empty */
    struct host_list head;
};
_Static_assert(offsetof(struct host_kv, head) == 16, "flb_kv._head");

enum { MAX_PROPERTIES = 256, MAX_KEY = 127, INSTANCE_BYTES = 2048 };

/* read_key: reads the name of a property and returns its length, or 0. */
static size_t read_key(const char *sds, char key[MAX_KEY + 1])
{
    size_t n = host_peek_sds(sds, key, MAX_KEY + 1), i;

    for (i = 0; i < n; i++) {
        if (!isgraph((unsigned char) key[i])) {
            return 0;
        }
    }
    return n;
}

/*
 * list_at reads the list whose head was copied from where. It returns the number of
 * bytes written to out, or 0 if this is not the list of properties.
 */
static size_t list_at(const struct instance *in, const struct host_list *where, const struct host_list *head, char *out, size_t size)
{
    const struct host_list *before = where, *at = head->next;
    char key[MAX_KEY + 1];
    struct host_kv kv;
    size_t used = 0, len, p;
    int n;

    for (n = 0; at != where; n++) {
        if (n == MAX_PROPERTIES || (uintptr_t) at < 4096 || (uintptr_t) at % sizeof(void *) != 0 ||
            host_peek((const char *) at - offsetof(struct host_kv, head), &kv, sizeof(kv)) != 0 ||
            kv.head.prev != before || (len = read_key(kv.key, key)) == 0) {
            return 0;
        }
        for (p = 0; p < used && strcasecmp(out + p + 1, key) != 0; p += strlen(out + p) + 1) {
        }
        /* The first of a name is what input_get_property finds. */
        if (p == used && in->api->input_get_property(key, in->ins) != kv.val) {
            return 0;
        }
        if (used + len + 2 > size) {
            return 0;
        }
        out[used] = kv.val ? '+' : '-';
        memcpy(out + used + 1, key, len + 1);
        used += len + 2;
        before = at;
        at = kv.head.next;
    }
    return head->prev == before ? used : 0;
}

size_t host_properties(const struct instance *in, char *out, size_t size)
{
    char copy[INSTANCE_BYTES];
    struct host_list head;
    size_t have, i, used;

    if (host_plain()) {
        return 0;
    }
    have = host_peek_some(in->ins, copy, sizeof(copy));
    for (i = 0; i + sizeof(head) <= have; i += sizeof(void *)) {
        memcpy(&head, copy + i, sizeof(head));
        used = list_at(in, (const struct host_list *) ((const char *) in->ins + i), &head, out, size);
        if (used > 0) {
            return used;
        }
    }
    return 0;
}

#pragma GCC visibility pop
