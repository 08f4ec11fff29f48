// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * symbols.c: the functions that Fluent Bit looks up in a plugin.
 *
 * They find the instance and call Go. Three things must be done here, in C:
 *
 * Fork. Fluent Bit's daemon mode (-d) forks after the plugin was loaded. The child has
 * none of the Go runtime's threads, and a call into Go may hang forever. Each function
 * therefore first checks whether it runs in the process that loaded the library.
 *
 * Threads. Up to 4.0 the host does not pass the instance that collects to the plugin,
 * and no version passes the one that pauses, resumes or exits. An instance has a thread
 * of its own, on which Init runs as well: a thread-local list stores it. With
 * `threaded off` all instances share the engine's thread, and the list has several
 * entries.
 *
 * Writing. Apart from the definition that Register fills in, two places in the host's
 * structures are written to: the context's proxy and its remote_context. This requires
 * that the version has been tested, and that the structures contain what they always do
 * at that moment; see read_context. Otherwise nothing is written, and instances are
 * identified by their thread, as below 4.1.
 */
#define _GNU_SOURCE
#include "host.h"
#include "_cgo_export.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const char daemon_refused[] =
    "Fluent Bit runs as a daemon (-d): it forks after it has loaded this Go plugin, which a Go runtime does not survive. "
    "Run it in the foreground, under systemd, a supervisor or `nohup ... &`";

static __thread struct instance *instances;

/* ---- init and exit ----------------------------------------------------- */

/* Input threads are named "flb-in-NAME-wN" before Init (all versions). */
static int on_own_thread(void)
{
    char name[17] = "";

    return prctl(PR_GET_NAME, name, 0, 0, 0) == 0 && strncmp(name, "flb-in-", 7) == 0;
}

/*
 * is_proxy: whether there is a proxy at an address. When Init runs, the host has just
 * copied the API and the instance from the proxy into the argument of Init, which is the
 * proxy's own data (proxy_go_input_init, all versions); its definition is known from
 * Register. Later, the instance may be that of another input.
 */
static int is_proxy(const struct instance *in, const void *at, int in_init)
{
    struct host_proxy p;

    return host_peek(at, &p, sizeof(p)) == 0 && host_is_registered(p.def) && p.api == in->api && p.data == in->plugin_at &&
           (!in_init || p.instance == in->ins);
}

/*
 * A pause stops the collector of proxy->instance, and a resume starts it, but all inputs
 * of the plugin share the proxy, whose instance is the last initialised one (all
 * versions). Each context therefore gets a proxy of its own: a copy with the right
 * instance. The host accesses it through the context, and only what is copied.
 */
static void own_proxy(struct instance *in, struct host_proxy **place)
{
    if (host_peek_some(in->shared_proxy, in->proxy.room, sizeof(in->proxy.room)) < sizeof(in->proxy.head)) {
        return;
    }
    in->proxy.head.instance = in->ins;
    *place = &in->proxy.head;
    in->proxy_at = place;
}

/*
 * At the exit the context gets its original proxy again: hosts below 2.0.7 free the
 * proxy afterwards, through the context, and no host needs ours any more.
 */
static void return_proxy(struct instance *in)
{
    struct host_proxy *there;

    if (in->proxy_at && host_peek(in->proxy_at, &there, sizeof(there)) == 0 && there == &in->proxy.head) {
        *in->proxy_at = in->shared_proxy;
    }
    in->proxy_at = NULL;
}

/*
 * Up to 4.0 the context at Init is not the final one: that is created after Init, and
 * stored in the same place of struct flb_input_instance.
 */
static void find_context(struct instance *in, void *context)
{
    void *words[INSTANCE_HEAD_WORDS];
    size_t i, n = host_peek_some(in->ins, words, sizeof(words)) / sizeof(void *);

    for (i = 0; i < n; i++) {
        if (words[i] == context) {
            in->context_at = (void **) in->ins + i;
            return;
        }
    }
}

static void own_proxy_late(struct instance *in)
{
    struct host_context_old *context, c;
    void **at = in->context_at;

    if (!at) {
        return;
    }
    in->context_at = NULL;
    if (host_peek(at, &context, sizeof(context)) == 0 && host_peek(context, &c, sizeof(c)) == 0 &&
        c.proxy == in->shared_proxy && is_proxy(in, c.proxy, 0)) {
        own_proxy(in, &context->proxy);
    }
}

/*
 * The layout of the context follows from the version and is verified: its proxy must be
 * one by is_proxy, and from 4.1 on the remote context must be NULL.
 */
static void read_context(struct instance *in, void *context)
{
    struct host_context_old old;
    struct host_context new;

    if (!host_may_write()) {
        return;
    }
    if (host_version().number < HOST_VERSION(4, 1, 0)) {
        if (host_peek(context, &old, sizeof(old)) == 0 && is_proxy(in, old.proxy, 1)) {
            in->shared_proxy = old.proxy;
            find_context(in, context);
        }
        return;
    }
    if (host_peek(context, &new, sizeof(new)) == 0 && new.remote_context == NULL && is_proxy(in, new.proxy, 1)) {
        in->shared_proxy = new.proxy;
        own_proxy(in, &((struct host_context *) context)->proxy);
        in->remote_context_at = &((struct host_context *) context)->remote_context;
        *in->remote_context_at = in;
    }
}

/* api is what is known of the functions that the host passes to the plugin. */
struct api {
    int can_refuse; /* a failed Init prevents the start (>= 4.0.3) */
    int metrics;    /* input_get_cmt_instance is set */
};

/*
 * read_api: reads the functions that the host passes to the plugin. Those of all
 * versions must be code of one object, the program or a library. The last two came with
 * the version that can refuse a start; after a shorter list there is something other
 * than code, or the beginning of another such list.
 */
static int read_api(struct api *found, const struct host_api *api)
{
    void *words[HOST_API_WORDS];
    struct host_object host;
    int n = (int) (host_peek_some(api, words, sizeof(words)) / sizeof(void *)), i;

    if (n < HOST_API_ALWAYS || host_object_of(words[0], &host) != 0) {
        return -1;
    }
    for (i = 0; i < HOST_API_ALWAYS; i++) {
        /* Without metrics (FLB_METRICS=Off) two of them are not set. */
        if (i != 2 && i != 3 && host_object_has(&host, words[i]) != HOST_IN_CODE) {
            return -1;
        }
    }
    found->can_refuse = n == HOST_API_WORDS && host_object_has(&host, words[7]) == HOST_IN_CODE &&
                        host_object_has(&host, words[8]) == HOST_IN_CODE && words[7] != words[0] && words[8] != words[1];
    found->metrics = host_object_has(&host, words[3]) == HOST_IN_CODE;
    return 0;
}

static void instance_free(struct instance *in)
{
    wake_close(in);
    free(in->name);
    free(in->tag);
    free(in);
}

static struct instance *instance_create(struct host_plugin *plugin, const struct host_plugin *p, const char *named)
{
    struct instance *in = calloc(1, sizeof(*in));
    const char *name;

    if (!in) {
        return NULL;
    }
    in->plugin_at = plugin;
    in->api = p->api;
    in->ins = p->i_ins;
    snprintf(in->plugin, sizeof(in->plugin), "%s", named);
    wake_init(in);
    in->thread = pthread_self();
    in->own_thread = on_own_thread();
    name = host_name_of(in->ins);
    in->name = host_string(name ? name : in->plugin);
    if (!in->name) {
        instance_free(in);
        return NULL;
    }
    in->tag = host_tag_of(in->ins, p->context);
    read_context(in, p->context);
    return in;
}

/*
 * refused: the result of an Init without an instance. Hosts up to 4.0.2 would continue, and
 * free twice at shutdown; later ones would end a running agent in a hot reload. There the
 * input idles: no callback finds an instance.
 */
static int refused(const struct api *api)
{
    return api->can_refuse && !host_reloads() ? HOST_ERROR : HOST_OK;
}

EXPORT int FLBPluginInit(struct host_plugin *plugin)
{
    struct instance *in;
    struct host_plugin p;
    struct api api;
    char named[sizeof(in->plugin)] = "";
    int ret;

    host_loads_are_over();
    if (host_peek(plugin, &p, sizeof(p)) != 0) {
        return HOST_ERROR;
    }
    /* Its name, as registered; in a forked process Go cannot be called for it. */
    if (host_peek_some(p.name, named, sizeof(named) - 1) == 0) {
        snprintf(named, sizeof(named), "input");
    }
    if (read_api(&api, p.api) != 0) {
        fprintf(stderr, "[input:%s] this host passes unknown functions to the plugin: the input cannot start\n", named);
        return HOST_ERROR;
    }
    in = instance_create(plugin, &p, named);
    if (!in) {
        p.api->log_print(HOST_LOG_ERROR, NULL, 0, "[input:%s] out of memory: the input cannot start", named);
        return refused(&api);
    }
    in->can_refuse = api.can_refuse;
    in->cmt = api.metrics ? p.api->input_get_cmt_instance(in->ins) : NULL;
    if (host_forked()) {
        host_log(in, HOST_LOG_ERROR, daemon_refused);
        ret = HOST_ERROR;
    }
    else {
        ret = flbGoInit(in);
    }
    if (ret != HOST_OK && refused(&api) != HOST_OK) {
        return_proxy(in);
        if (in->remote_context_at) {
            *in->remote_context_at = NULL;
        }
        instance_free(in);
        return HOST_ERROR;
    }
    in->next = instances; /* without a handle it idles */
    instances = in;
    return HOST_OK;
}

#pragma GCC visibility push(hidden)
int host_cannot_identify(const struct instance *in)
{
    return instances != NULL && !in->remote_context_at && !host_features().append;
}
#pragma GCC visibility pop

static __thread int shutdown_by_reload; /* PreExit is called on the thread of Exit */

EXPORT void FLBPluginInputPreExit(int by_reload)
{
    shutdown_by_reload = by_reload;
}

/*
 * Called once for each instance of the thread, without an argument: from the last to the
 * first, in all versions. Each context is freed after its exit; at the first one all
 * contexts of the thread exist.
 */
EXPORT int FLBPluginExit(void)
{
    struct instance *in;

    for (in = instances; in; in = in->next) {
        return_proxy(in);
    }
    in = instances;
    if (!in) {
        return HOST_OK;
    }
    instances = in->next;
    if (in->handle != 0 && !host_forked()) {
        flbGoExit(in->handle, shutdown_by_reload);
    }
    instance_free(in);
    return HOST_OK;
}

/* ---- running ------------------------------------------------------------ */

/* describe: logs once in a process, after the first records. */
static void describe(struct instance *in)
{
    static int described;
    char line[512];

    if (!__atomic_load_n(&described, __ATOMIC_RELAXED) && host_log_check(in, HOST_LOG_INFO) &&
        !__atomic_exchange_n(&described, 1, __ATOMIC_RELAXED)) {
        host_describe(in, line, sizeof(line));
        host_log(in, HOST_LOG_INFO, line);
    }
}

/* Calls each instance of the thread once. */
EXPORT int FLBPluginInputPreRun(int hot_reload_enabled)
{
    struct instance *in;

    (void) hot_reload_enabled;
    for (in = instances; in; in = in->next) {
        own_proxy_late(in);
        if (in->handle != 0 && !host_forked()) {
            flbGoPreRun(in->handle);
            describe(in);
        }
    }
    return HOST_OK;
}

/* collect: without an instance, it returns no records. */
static int collect(struct instance *in, void **data, size_t *size)
{
    int ret;

    *data = NULL;
    *size = 0;
    if (!in) {
        return HOST_OK;
    }
    own_proxy_late(in);
    if (in->handle == 0 || host_forked()) {
        return HOST_OK;
    }
    if (in->paused && !in->proxy_at) {
        return HOST_OK; /* the host has paused the collector of another input: see own_proxy */
    }
    in->loop_busy = 0;
    host_restore_signals();
    ret = flbGoCollect(in->handle, data, size);
    describe(in);
    return ret;
}

/*
 * Called without the instance (< 4.1). On a thread of its own it is the only one. On the
 * engine's thread all of them collect: they append their records, and return no buffer,
 * which the host would attribute to the instance that it collects for.
 */
EXPORT int FLBPluginInputCallback(void **data, size_t *size)
{
    struct instance *in = instances;

    if (!in || !in->next) {
        return collect(in, data, size);
    }
    for (; in && host_features().append; in = in->next) {
        collect(in, data, size);
    }
    return collect(NULL, data, size);
}

/* Called with the instance, if read_context could store it (>= 4.1). */
EXPORT int FLBPluginInputCallbackCtx(void *remote_context, void **data, size_t *size)
{
    struct instance *in;

    for (in = instances; in; in = in->next) {
        if (in == remote_context && in->remote_context_at) {
            return collect(in, data, size);
        }
    }
    if (instances && instances->remote_context_at) { /* Init could not create this one */
        return collect(NULL, data, size);
    }
    return FLBPluginInputCallback(data, size);
}

/* The buffer belongs to its instance, which reuses it. */
EXPORT int FLBPluginInputCleanupCallback(void *data)
{
    (void) data;
    return HOST_OK;
}

EXPORT int FLBPluginInputCleanupCallbackCtx(void *remote_context, void *data)
{
    (void) remote_context;
    (void) data;
    return HOST_OK;
}

/* The instance is not passed: on a thread that several share, none is notified. */
static struct instance *only_one(void)
{
    if (!instances || instances->next || instances->handle == 0 || host_forked()) {
        return NULL;
    }
    return instances;
}

EXPORT void FLBPluginInputPause(void)
{
    struct instance *in = only_one();

    if (in) {
        in->paused = 1;
        flbGoPause(in->handle);
    }
}

EXPORT void FLBPluginInputResume(void)
{
    struct instance *in = only_one();

    if (in) {
        in->paused = 0;
        flbGoResume(in->handle);
    }
}
