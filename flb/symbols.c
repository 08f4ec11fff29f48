/*
 * symbols.c: the functions that Fluent Bit looks up in a plugin.
 *
 * They find the instance that is meant, and go on in Go. Two things can only be
 * done here, in C:
 *
 * Fork. Fluent Bit's daemon mode (-d) forks after the plugin was loaded. The
 * child has none of the Go runtime's threads, and any call into Go may hang for
 * ever, so that each function first looks whether it still runs in the process
 * that loaded it.
 *
 * Threads. Up to 4.0 nothing tells a plugin which instance collects, and no
 * version tells it which one pauses, resumes or exits. An instance has a thread
 * of its own, which Init runs on as well: a thread-local list remembers it. With
 * `threaded off` all instances share the engine's thread, and the list has more
 * than one entry.
 */
#define _GNU_SOURCE
#include "host.h"
#include "_cgo_export.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const char daemon_refused[] =
    "Fluent Bit runs as a daemon (-d): it forks after it has loaded this Go plugin, and Go does not survive that. "
    "Run it in the foreground, under systemd, a supervisor or `nohup ... &`";

static __thread struct instance *instances;

static pid_t loaded_by;

__attribute__((constructor)) static void remember_process(void)
{
    loaded_by = getpid();
}

static int forked(void)
{
    return getpid() != loaded_by;
}

/* ---- the plugin ------------------------------------------------------- */

EXPORT int FLBPluginPreRegister(int hot_reloading)
{
    if (!forked()) {
        flbGoPreRegister(hot_reloading);
    }
    return HOST_OK;
}

EXPORT int FLBPluginRegister(struct host_def *def)
{
    /* A def left as it is registers nothing; -1 would free it twice (all versions). */
    if (forked()) {
        return HOST_ERROR;
    }
    if (flbGoRegister(def, malloc_usable_size(def)) != HOST_OK) {
        return HOST_ERROR;
    }
    host_save_signals();
    return HOST_OK;
}

/* During a hot reload this comes after the new Register: only what is def's own may go. */
EXPORT void FLBPluginUnregister(struct host_def *def)
{
    free(def->name);
    free(def->description);
    def->name = NULL;
    def->description = NULL;
}

/* ---- init and exit ----------------------------------------------------- */

/* Input threads are named "flb-in-NAME-wN" before Init (all versions). */
static int on_own_thread(void)
{
    char name[17] = "";

    return prctl(PR_GET_NAME, name, 0, 0, 0) == 0 && strncmp(name, "flb-in-", 7) == 0;
}

/*
 * Pausing and resuming stop and start the collector of proxy->instance, but the
 * proxy is one for all inputs of the plugin, and names the one that was
 * initialised last (all versions). Each context is therefore given a proxy of
 * its own: a copy that names the right instance. The host reads it through the
 * context, and only what is copied.
 */
static void own_proxy(struct instance *in, struct host_proxy **place)
{
    if (*place != in->shared_proxy) {
        return;
    }
    in->proxy = **place;
    in->proxy.instance = in->ins;
    *place = &in->proxy;
    in->proxy_at = place;
}

/*
 * At the exit the context gets back what it had: hosts below 2.0.7 free the proxy
 * after it, through the context, and none needs ours any more.
 */
static void return_proxy(struct instance *in)
{
    if (in->proxy_at) {
        *in->proxy_at = in->shared_proxy;
        in->proxy_at = NULL;
    }
}

/*
 * Up to 4.0 the context that Init sees is not the one that counts: that is made
 * after Init, and kept in the same place of struct flb_input_instance.
 */
static void find_context(struct instance *in, void *context)
{
    void **words = in->ins;
    size_t i, n = malloc_usable_size(in->ins) / sizeof(void *);

    for (i = 0; i < n; i++) {
        if (words[i] == context) {
            in->context_at = &words[i];
            return;
        }
    }
}

static void own_proxy_late(struct instance *in)
{
    struct host_context_old *context;

    if (in->context_at) {
        context = *in->context_at;
        in->context_at = NULL;
        own_proxy(in, &context->proxy);
    }
}

/*
 * The context is told by its second word: up to 4.0 it is the proxy, from 4.1 on
 * the remote context, which is NULL as long as nobody has set it.
 */
static void read_context(struct instance *in, void *context)
{
    struct host_context_old *old = context;
    struct host_context *new = context;

    if (old->proxy != NULL) {
        in->shared_proxy = old->proxy;
        find_context(in, context);
        return;
    }
    in->has_context = 1;
    in->shared_proxy = new->proxy;
    own_proxy(in, &new->proxy);
    new->remote_context = in;
}

static struct instance *instance_create(struct host_plugin *plugin)
{
    struct instance *in = calloc(1, sizeof(*in));
    const char *name;

    if (!in) {
        return NULL;
    }
    in->api = plugin->api;
    in->ins = plugin->i_ins;
    in->can_refuse = malloc_usable_size(plugin->api) >= sizeof(struct host_api);
    in->own_thread = on_own_thread();
    in->cmt = in->api->input_get_cmt_instance ? in->api->input_get_cmt_instance(in->ins) : NULL;
    snprintf(in->plugin, sizeof(in->plugin), "%s", plugin->name ? plugin->name : "input");
    name = host_name_of(in->ins);
    in->name = strdup(name ? name : in->plugin);
    if (!in->name) {
        free(in);
        return NULL;
    }
    in->tag = host_tag_of(in->ins, plugin->context);
    read_context(in, plugin->context);
    return in;
}

static void instance_free(struct instance *in)
{
    free(in->name);
    free(in->tag);
    free(in);
}

#pragma GCC visibility push(hidden)
int host_nameless(const struct instance *in)
{
    return instances != NULL && !in->has_context && !host_features().append;
}
#pragma GCC visibility pop

EXPORT int FLBPluginInit(struct host_plugin *plugin)
{
    struct instance *in = instance_create(plugin);
    int ret;

    if (!in) {
        return HOST_ERROR;
    }
    if (forked()) {
        host_log(in, HOST_LOG_ERROR, daemon_refused);
        ret = HOST_ERROR;
    }
    else {
        ret = flbGoInit(in);
    }
    if (ret != HOST_OK) {
        if (in->can_refuse) {
            return_proxy(in);
            if (in->has_context) {
                ((struct host_context *) plugin->context)->remote_context = NULL;
            }
            instance_free(in);
            return HOST_ERROR;
        }
        /* Hosts up to 4.0.2 would go on, and free twice at shutdown. */
        in->handle = 0;
    }
    in->next = instances;
    instances = in;
    return HOST_OK;
}

static __thread int shutdown_by_reload; /* PreExit comes on the thread of Exit */

EXPORT void FLBPluginInputPreExit(int by_reload)
{
    shutdown_by_reload = by_reload;
}

/*
 * Called once for each instance of the thread, and does not say for which: from the
 * last to the first, in all versions, and each context is freed after its exit. At
 * the first of them all contexts of the thread are there.
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
    if (in->handle != 0 && !forked()) {
        flbGoExit(in->handle, shutdown_by_reload);
    }
    instance_free(in);
    return HOST_OK;
}

/* ---- running ------------------------------------------------------------ */

/* Reaches each instance of the thread, and each only once. */
EXPORT int FLBPluginInputPreRun(int hot_reload_enabled)
{
    struct instance *in;

    (void) hot_reload_enabled;
    for (in = instances; in; in = in->next) {
        own_proxy_late(in);
        if (in->handle != 0 && !forked()) {
            flbGoPreRun(in->handle);
        }
    }
    return HOST_OK;
}

static int collect(struct instance *in, void **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    if (!in) {
        return HOST_OK;
    }
    own_proxy_late(in);
    if (in->handle == 0 || forked()) {
        return HOST_OK;
    }
    host_restore_signals();
    return flbGoCollect(in->handle, data, size);
}

EXPORT int FLBPluginInputCallbackCtx(void *remote_context, void **data, size_t *size)
{
    return collect(remote_context, data, size);
}

/*
 * Called for an instance that is not named (< 4.1). On a thread of its own it is
 * the only one. On the engine's thread each of them collects: what they append
 * goes where it belongs, and no buffer is given back, for it would go to the one
 * that was meant.
 */
EXPORT int FLBPluginInputCallback(void **data, size_t *size)
{
    struct instance *in = instances;

    if (!in || !in->next) {
        return collect(in, data, size);
    }
    if (!host_features().append) {
        *data = NULL;
        *size = 0;
        return HOST_OK;
    }
    for (; in; in = in->next) {
        collect(in, data, size);
        *data = NULL;
        *size = 0;
    }
    return HOST_OK;
}

/* The buffer belongs to its instance, which uses it again. */
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

/* Which instance pauses is not said: on a thread that several share, nobody is told. */
static struct instance *only_one(void)
{
    if (!instances || instances->next || instances->handle == 0 || forked()) {
        return NULL;
    }
    return instances;
}

EXPORT void FLBPluginInputPause(void)
{
    struct instance *in = only_one();

    if (in) {
        flbGoPause(in->handle);
    }
}

EXPORT void FLBPluginInputResume(void)
{
    struct instance *in = only_one();

    if (in) {
        flbGoResume(in->handle);
    }
}
