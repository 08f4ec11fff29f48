//go:build cgo

/*
 * symbols.c: the functions that Fluent Bit looks up in a plugin.
 *
 * They find the instance that is meant, and go on in Go. Three things can only be
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
 *
 * Writing. Two places in the host's structures are written to, beside the
 * definition that Register fills in: the context's proxy and its remote_context.
 * Before that, the version must be one that was tried, and what the host has there
 * must be what it always is at that moment; see read_context. Where that does not
 * hold nothing is written, and the thread tells instances apart as below 4.1.
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

/*
 * registration is a definition that the host has and that this library has filled
 * in. A library that is given twice in one configuration (-e twice, -e and plugins:)
 * is opened once and registered twice, and a host that has two plugins of one name
 * makes two inputs of each section. So a second definition of the same load is left
 * as it is, which registers nothing. -1 would free it twice (all versions).
 *
 * A new load is a hot reload (PreRegister says so, from 2.2 on) or begins after
 * inputs of the last one were initialised, or after an old definition went. That
 * the plugin is there, but no input of it, can be missed below 2.2.
 */
struct registration {
    struct host_def *def;
    int hot_reloading;
    int loaded; /* its load is over: what comes now belongs to another */
    struct registration *next;
};

static struct registration *registrations;
static int hot_reloading;
static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;

static void loads_are_over(void)
{
    struct registration *r;

    pthread_mutex_lock(&registering);
    for (r = registrations; r; r = r->next) {
        r->loaded = 1;
    }
    pthread_mutex_unlock(&registering);
}

static int given_twice(void)
{
    struct registration *r;

    for (r = registrations; r; r = r->next) {
        if (!r->loaded && r->hot_reloading == hot_reloading) {
            return 1;
        }
    }
    return 0;
}

static int is_registered(const struct host_def *def)
{
    struct registration *r;

    pthread_mutex_lock(&registering);
    for (r = registrations; r && r->def != def; r = r->next) {
    }
    pthread_mutex_unlock(&registering);
    return r != NULL;
}

EXPORT int FLBPluginPreRegister(int by_hot_reload)
{
    hot_reloading = by_hot_reload;
    if (!forked()) {
        flbGoPreRegister(by_hot_reload);
    }
    return HOST_OK;
}

static int do_register(struct host_def *def)
{
    struct registration *r;

    if (given_twice()) {
        def->proxy = 0; /* not zeroed by hosts below 5.0 */
        flbGoGivenTwice();
        return HOST_OK;
    }
    r = calloc(1, sizeof(*r));
    if (!r || flbGoRegister(def, host_features().options) != HOST_OK) {
        free(r);
        return HOST_ERROR;
    }
    r->def = def;
    r->hot_reloading = hot_reloading;
    r->next = registrations;
    registrations = r;
    host_save_signals();
    return HOST_OK;
}

EXPORT int FLBPluginRegister(struct host_def *def)
{
    int ret;

    if (forked()) {
        return HOST_ERROR;
    }
    pthread_mutex_lock(&registering);
    ret = do_register(def);
    pthread_mutex_unlock(&registering);
    return ret;
}

/* During a hot reload this comes after the new Register: only what is def's own may go. */
EXPORT void FLBPluginUnregister(struct host_def *def)
{
    struct registration **at, *r;

    loads_are_over();
    pthread_mutex_lock(&registering);
    for (at = &registrations; *at && (*at)->def != def; at = &(*at)->next) {
    }
    r = *at;
    if (r) {
        *at = r->next;
        free(r);
        free(def->name);
        free(def->description);
        def->name = NULL;
        def->description = NULL;
    }
    pthread_mutex_unlock(&registering);
}

/* ---- init and exit ----------------------------------------------------- */

/* Input threads are named "flb-in-NAME-wN" before Init (all versions). */
static int on_own_thread(void)
{
    char name[17] = "";

    return prctl(PR_GET_NAME, name, 0, 0, 0) == 0 && strncmp(name, "flb-in-", 7) == 0;
}

/*
 * is_proxy: whether a proxy lies at an address. When Init runs, the host has just
 * copied the API and the instance from the proxy into what it hands to Init, which
 * is the proxy's own data (proxy_go_input_init, all versions); its definition was
 * seen at Register. Later, the instance may be another input's.
 */
static int is_proxy(const struct instance *in, const void *at, int in_init)
{
    struct host_proxy p;

    return host_peek(at, &p, sizeof(p)) == 0 && is_registered(p.def) && p.api == in->api && p.data == in->plugin_at &&
           (!in_init || p.instance == in->ins);
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
    if (host_peek_some(in->shared_proxy, in->proxy.room, sizeof(in->proxy.room)) < sizeof(in->proxy.head)) {
        return;
    }
    in->proxy.head.instance = in->ins;
    *place = &in->proxy.head;
    in->proxy_at = place;
}

/*
 * At the exit the context gets back what it had: hosts below 2.0.7 free the proxy
 * after it, through the context, and none needs ours any more.
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
 * Up to 4.0 the context that Init sees is not the one that counts: that is made
 * after Init, and kept in the same place of struct flb_input_instance.
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
 * The layout of the context follows from the version, and must be seen: a proxy
 * that is_proxy knows is in its place, and from 4.1 on the remote context is NULL,
 * as long as nobody has set it.
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

/*
 * read_api: the functions that the plugin is handed. Those that all versions have
 * must be code of one object, the program or a library of it. The last two came
 * together with what can_refuse says; what lies behind a shorter list is not code,
 * or is the beginning of another such list.
 */
static int read_api(struct instance *in, const struct host_api *api)
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
    in->can_refuse = n == HOST_API_WORDS && host_object_has(&host, words[7]) == HOST_IN_CODE &&
                     host_object_has(&host, words[8]) == HOST_IN_CODE && words[7] != words[0] && words[8] != words[1];
    if (host_object_has(&host, words[3]) == HOST_IN_CODE) {
        in->cmt = api->input_get_cmt_instance(in->ins);
    }
    return 0;
}

static void instance_free(struct instance *in)
{
    wake_close(in);
    free(in->name);
    free(in->tag);
    free(in);
}

static struct instance *instance_create(struct host_plugin *plugin)
{
    struct instance *in = calloc(1, sizeof(*in));
    struct host_plugin p;
    const char *name;

    if (!in || host_peek(plugin, &p, sizeof(p)) != 0) {
        free(in);
        return NULL;
    }
    in->plugin_at = plugin;
    in->api = p.api;
    in->ins = p.i_ins;
    /* Its name, which Register has given to the host; Go cannot be asked in a forked process. */
    if (host_peek_some(p.name, in->plugin, sizeof(in->plugin) - 1) == 0) {
        snprintf(in->plugin, sizeof(in->plugin), "input");
    }
    if (read_api(in, p.api) != 0) {
        fprintf(stderr, "[input:%s] this host hands a plugin functions that it does not know: the input cannot start\n", in->plugin);
        free(in);
        return NULL;
    }
    wake_init(in);
    in->thread = pthread_self();
    in->own_thread = on_own_thread();
    name = host_name_of(in->ins);
    in->name = strdup(name ? name : in->plugin);
    if (!in->name) {
        instance_free(in);
        return NULL;
    }
    in->tag = host_tag_of(in->ins, p.context);
    read_context(in, p.context);
    return in;
}

#pragma GCC visibility push(hidden)
int host_cannot_identify(const struct instance *in)
{
    return instances != NULL && !in->remote_context_at && !host_features().append;
}
#pragma GCC visibility pop

EXPORT int FLBPluginInit(struct host_plugin *plugin)
{
    struct instance *in;
    int ret;

    loads_are_over();
    in = instance_create(plugin);
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
            if (in->remote_context_at) {
                *in->remote_context_at = NULL;
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

/* describe: once in a process, when the first records have gone their way. */
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

/* Reaches each instance of the thread, and each only once. */
EXPORT int FLBPluginInputPreRun(int hot_reload_enabled)
{
    struct instance *in;

    (void) hot_reload_enabled;
    for (in = instances; in; in = in->next) {
        own_proxy_late(in);
        if (in->handle != 0 && !forked()) {
            flbGoPreRun(in->handle);
            describe(in);
        }
    }
    return HOST_OK;
}

static int collect(struct instance *in, void **data, size_t *size)
{
    int ret;

    *data = NULL;
    *size = 0;
    if (!in) {
        return HOST_OK;
    }
    own_proxy_late(in);
    if (in->handle == 0 || forked()) {
        return HOST_OK;
    }
    if (in->paused && !in->proxy_at) {
        return HOST_OK; /* the host has paused another one's collector: see own_proxy */
    }
    in->loop_busy = 0;
    host_restore_signals();
    ret = flbGoCollect(in->handle, data, size);
    describe(in);
    return ret;
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

/* The host names the instance, if read_context could tell it (>= 4.1). */
EXPORT int FLBPluginInputCallbackCtx(void *remote_context, void **data, size_t *size)
{
    struct instance *in;

    for (in = instances; in; in = in->next) {
        if (in == remote_context && in->remote_context_at) {
            return collect(in, data, size);
        }
    }
    return FLBPluginInputCallback(data, size);
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
