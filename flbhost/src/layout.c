// SPDX-License-Identifier: Apache-2.0

/*
 * layout.c: unknown layouts of the structures that the host passes to a plugin.
 *
 * --layout selects, at run time, a layout that a plugin could find in a future or a
 * modified Fluent Bit. A structure with an additional first member is that of the host,
 * preceded by one word.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = -1 };

#if POSE_CTX_CALLBACKS
#define RELEASE .remote = 1, .proxy = 2, .words = 3 /* flb_plugin_input_proxy_context */
#else
#define RELEASE .remote = NONE, .proxy = 1, .words = 2
#endif

static const struct layout layouts[] = {
    {.name = "release", RELEASE},
#if POSE_CTX_CALLBACKS
    {.name = "context-before", .remote = 2, .proxy = 3, .words = 4, .filled = true}, /* an additional pointer before remote_context */
    {.name = "context-null", .remote = 2, .proxy = 3, .words = 4},                   /* the same, and it is NULL at Init */
    {.name = "context-between", .remote = 1, .proxy = 3, .words = 4},                /* before proxy */
    {.name = "context-behind", .remote = 1, .proxy = 2, .words = 6},
    {.name = "context-less", .remote = 0, .proxy = 1, .words = 2},                   /* without coll_fd */
#endif
    {.name = "proxy-before", RELEASE, .proxy_before = 1},   /* an additional pointer before def */
    {.name = "proxy-behind", RELEASE, .proxy_behind = 1},
    {.name = "plugin-before", RELEASE, .plugin_before = 1}, /* an additional pointer before name */
    {.name = "loop-before", RELEASE, .loop_moved = true},   /* an additional pointer before the data of the event loop */
};

const struct layout *layout = &layouts[0];

int layout_set(const char *name)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        if (strcmp(layouts[i].name, name) == 0) {
            layout = &layouts[i];
            return 0;
        }
    }
    return -1;
}

struct proxy *proxy_alloc(void)
{
    size_t more = (size_t)(layout->proxy_before + layout->proxy_behind) * sizeof(void *);
    void **shown = host_alloc(sizeof(struct proxy) + more);
    struct proxy *proxy = (struct proxy *)(shown + layout->proxy_before);

    if (layout->proxy_behind > 0) {
        *(void **)(proxy + 1) = proxy;
    }
    return proxy;
}

void *proxy_shown(struct proxy *proxy)
{
    return (void **)proxy - layout->proxy_before;
}

size_t proxy_size(void)
{
    return sizeof(struct proxy) + (size_t)(layout->proxy_before + layout->proxy_behind) * sizeof(void *);
}

/* Reports whether the word after a proxy is the expected one. */
bool proxy_whole(struct proxy *proxy, struct proxy *original)
{
    return layout->proxy_behind == 0 || *(void **)(proxy + 1) == original;
}

struct go_input *plugin_alloc(void)
{
    void **shown = host_alloc(sizeof(struct go_input) + (size_t)layout->plugin_before * sizeof(void *));

    return (struct go_input *)(shown + layout->plugin_before);
}

void *plugin_shown(struct go_input *plugin)
{
    return (void **)plugin - layout->plugin_before;
}

void **context_create(struct proxy *proxy)
{
    void **context = host_alloc(context_size());

    if (layout->filled) {
        context[1] = context;
    }
    context[layout->proxy] = proxy_shown(proxy);
    return context;
}

size_t context_size(void)
{
    return (size_t)layout->words * sizeof(void *);
}

void *context_remote(void **context)
{
    return layout->remote == NONE ? NULL : context[layout->remote];
}

struct proxy *context_proxy(void **context)
{
    return (struct proxy *)((void **)context[layout->proxy] + layout->proxy_before);
}
