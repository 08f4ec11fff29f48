// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * section.c: properties of a section that the host does not pass to plugins.
 *
 * Two of them are needed. The tag: after a hot reload, position and tag identify a
 * section. The routes: some versions lose their records. Both are read from the input
 * instance and never written: every address is first checked through the kernel, and
 * nothing is used that cannot be verified.
 */
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>
#include <string.h>

#pragma GCC visibility push(hidden)

/*
 * In struct flb_input_instance the tag and its length follow the context by three
 * words (all versions): `void *context; int ch_events[2]; struct flb_input_plugin *p;
 * char *tag; int tag_len`.
 */
enum { TAG_AFTER_CONTEXT = 3, MAX_TAG = 4096 };

char *host_tag_of(void *ins, const void *context)
{
    uintptr_t words[INSTANCE_HEAD_WORDS];
    char tag[MAX_TAG];
    size_t i, n;
    int len;

    if (!context) {
        return NULL;
    }
    n = host_peek_some(ins, words, sizeof(words)) / sizeof(words[0]);
    for (i = 0; i + TAG_AFTER_CONTEXT + 1 < n; i++) {
        if (words[i] == (uintptr_t) context) {
            memcpy(&len, &words[i + TAG_AFTER_CONTEXT + 1], sizeof(len));
            if (len > 0 && host_peek_sds((const char *) words[i + TAG_AFTER_CONTEXT], tag, sizeof(tag)) == (size_t) len) {
                return host_string(tag);
            }
        }
    }
    return NULL;
}

/* struct flb_router_path and struct flb_route of 4.2.0 to 5.0.4. */
struct host_path {
    void *output;
    const struct host_route *route;
    struct host_list head;
};

struct host_route {
    char *name;
    uint32_t signals;
    void *condition;
    int per_record;
    struct host_list outputs;
    struct host_list processors;
    struct host_list head;
};
_Static_assert(offsetof(struct host_path, head) == 16, "flb_router_path._head");
_Static_assert(offsetof(struct host_route, condition) == 16, "flb_route.condition");
_Static_assert(offsetof(struct host_route, outputs) == 32, "flb_route.outputs");

enum { MAX_ROUTES = 1024 };

/* is_list: the head of a list, read from an address, is consistent with its first element. */
static int is_list(const void *at, const struct host_list *list)
{
    struct host_list first;

    return list->next && host_peek(list->next, &first, sizeof(first)) == 0 && first.prev == at;
}

static int read_route(const struct host_route *at, struct host_route *route)
{
    char name[MAX_TAG];

    return at && host_peek(at, route, sizeof(*route)) == 0 && route->signals >= 1 && route->signals <= 7 &&
           (route->per_record == 0 || route->per_record == 1) && host_peek_sds(route->name, name, sizeof(name)) > 0 &&
           is_list(&at->outputs, &route->outputs) && is_list(&at->head, &route->head);
}

/*
 * From 4.2.0 on, which has flb_router_apply_config, threaded inputs lose the records of
 * conditional routes. 5.0.5 passes them through the ring with a function of its own. The
 * routes are among the lists of the input instance, set some time after Init.
 */
int host_loses_routes(const struct instance *in)
{
    uintptr_t words[INSTANCE_WORDS];
    const struct host_list *head;
    struct host_route route;
    struct host_path path;
    uintptr_t at;
    size_t i, n, count;

    if (!in->own_thread || !dlsym(RTLD_DEFAULT, "flb_router_apply_config") ||
        dlsym(RTLD_DEFAULT, "flb_input_chunk_ring_buffer_enqueue_log_routing")) {
        return 0;
    }
    count = host_peek_some(in->ins, words, sizeof(words)) / sizeof(words[0]);
    for (i = 0; i + 1 < count; i++) {
        head = (const struct host_list *) ((const uintptr_t *) in->ins + i);
        at = words[i + 1];
        for (n = 0; n < MAX_ROUTES && at != (uintptr_t) head && at > sizeof(path) && at % sizeof(void *) == 0; n++) {
            if (host_peek((void *) (at - offsetof(struct host_path, head)), &path, sizeof(path)) != 0 ||
                (n == 0 && path.head.prev != head) || !read_route(path.route, &route)) {
                break;
            }
            if (route.condition || route.per_record) {
                return 1;
            }
            at = (uintptr_t) path.head.next;
        }
    }
    return 0;
}

#pragma GCC visibility pop
