// SPDX-License-Identifier: Apache-2.0

/*
 * proxy.c: loads and calls the plugin like the proxy of Fluent Bit
 * (src/flb_plugin_proxy.c and src/proxy/go/go.c).
 *
 * Allocations that a plugin can see have exactly the size of the release, so
 * that a sanitizer detects writes to members that an older host lacks.
 */
#include "host.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PROXY_INPUT = 1, PROXY_GOLANG = 11 };

/* The content of a definition that is not zeroed. */
#define GARBAGE 0xa5

static void *symbol(struct proxy *proxy, const char *name)
{
    return dlsym(proxy->dso_handler, name);
}

/* ISO C has no cast from an object pointer to a function pointer. */
#define CALLBACK(field, proxy, name) (*(void **)&(field) = symbol((proxy), (name)))

static const char *no_output_property(const char *key, struct flb_output_instance *ins)
{
    (void)key;
    (void)ins;
    return NULL;
}

static void *no_output_cmt(struct flb_output_instance *ins)
{
    (void)ins;
    return NULL;
}

static int no_output_log(struct flb_output_instance *ins, int level)
{
    (void)ins;
    (void)level;
    return 0;
}

#if POSE_API_CUSTOM
static const char *no_custom_property(const char *key, struct flb_custom_instance *ins)
{
    (void)key;
    (void)ins;
    return NULL;
}

static int no_custom_log(struct flb_custom_instance *ins, int level)
{
    (void)ins;
    (void)level;
    return 0;
}
#endif

/* Returns the first property of a name, ignoring case. */
static const char *input_get_property(const char *key, struct flb_input_instance *ins)
{
    if (key == NULL || !instance_known(ins)) {
        return NULL;
    }
    for (struct list *at = ins->props->next; at != ins->props; at = at->next) {
        if (strcasecmp(property_at(at)->key, key) == 0) {
            return property_at(at)->value;
        }
    }
    return NULL;
}

static void *input_get_cmt(struct flb_input_instance *ins)
{
    return instance_known(ins) ? ins->cmt : NULL;
}

static int input_log_check(struct flb_input_instance *ins, int level)
{
    return instance_known(ins) && ins->log_level >= level;
}

static struct api *api_create(void)
{
    struct api *api = host_alloc(sizeof *api);

    api->output_get_property = no_output_property;
    api->input_get_property = input_get_property;
    api->output_get_cmt_instance = no_output_cmt;
    api->input_get_cmt_instance = input_get_cmt;
    api->log_print = flb_log_print;
    api->input_log_check = input_log_check;
    api->output_log_check = no_output_log;
#if POSE_API_CUSTOM
    api->custom_get_property = no_custom_property;
    api->custom_log_check = no_custom_log;
#endif
    return api;
}

static void proxy_free(struct proxy *proxy)
{
    if (proxy->data != NULL) {
        free(proxy->data->name);
        watch_end(proxy->data);
        host_free(plugin_shown(proxy->data));
    }
    host_free(proxy->def);
    watch_end(proxy->api);
    host_free(proxy->api);
    dlclose(proxy->dso_handler);
    watch_end(proxy_shown(proxy));
    host_free(proxy_shown(proxy));
}

static int proxy_register(struct proxy *proxy, int hot_reloading)
{
    int (*preregister)(int) = NULL;
    int (*register_)(struct proxy_def *) = NULL;
    struct proxy_def *def = proxy->def;

    if (POSE_LIFECYCLE_CALLBACKS) {
        CALLBACK(preregister, proxy, "FLBPluginPreRegister");
        if (preregister != NULL && preregister(hot_reloading) == -1) {
            host_log(LOG_ERROR, "[proxy] FLBPluginPreRegister failed");
            return -1;
        }
    }
    CALLBACK(register_, proxy, "FLBPluginRegister");
    if (register_ == NULL) {
        host_log(LOG_ERROR, "[proxy] could not load FLBPluginRegister symbol");
        return -1;
    }
    buffers_of(*(void **)&register_);
    if (register_(def) == -1) {
        host_log(LOG_ERROR, "[proxy] FLBPluginRegister failed");
        return -1;
    }
    if (def->proxy != PROXY_GOLANG || def->type != PROXY_INPUT) {
        host_log(LOG_ERROR, "[proxy] not a Go input: type=%d proxy=%d", def->type, def->proxy);
        return -1;
    }
    if (def->name == NULL || def->description == NULL) {
        host_log(LOG_ERROR, "[proxy] FLBPluginRegister left name or description unset");
        return -1;
    }
    if (!POSE_DEF_ZEROED) {
        int garbage;

        memset(&garbage, GARBAGE, sizeof garbage);
        if (def->flags == garbage) {
            host_log(LOG_ERROR, "[proxy] FLBPluginRegister left flags unset: "
                                "this host does not zero them");
            totals.register_faults++;
        }
    }
#if POSE_DEF_EVENT_TYPE
    if (POSE_DEF_ZEROED && def->event_type != 0) {
        host_log(LOG_ERROR, "[proxy] FLBPluginRegister set event_type, which inputs do not have");
        totals.register_faults++;
    }
#endif
    return 0;
}

static int proxy_symbols(struct proxy *proxy)
{
    struct go_input *plugin = plugin_alloc();

    proxy->data = plugin;
    plugin->name = strdup(proxy->def->name);
    if (CALLBACK(plugin->cb_init, proxy, "FLBPluginInit") == NULL) {
        host_log(LOG_ERROR, "[go proxy]: could not load FLBPluginInit symbol");
        return -1;
    }
    CALLBACK(plugin->cb_collect, proxy, "FLBPluginInputCallback");
    CALLBACK(plugin->cb_cleanup, proxy, "FLBPluginInputCleanupCallback");
    CALLBACK(plugin->cb_exit, proxy, "FLBPluginExit");
#if POSE_CTX_CALLBACKS
    CALLBACK(plugin->cb_collect_ctx, proxy, "FLBPluginInputCallbackCtx");
    CALLBACK(plugin->cb_cleanup_ctx, proxy, "FLBPluginInputCleanupCallbackCtx");
#endif
    return 0;
}

static struct proxy_def *def_create(void)
{
    struct proxy_def *def = host_alloc(sizeof *def);

    memset(def, POSE_DEF_ZEROED ? 0 : GARBAGE, sizeof *def);
    def->type = PROXY_INPUT;
    return def;
}

/* dlopen, PreRegister, Register, on the main thread. */
struct proxy *proxy_load(const char *path, int hot_reloading)
{
    void *handle = dlopen(path, RTLD_LAZY);
    struct proxy *proxy;

    if (handle == NULL) {
        host_log(LOG_ERROR, "[proxy] error opening plugin %s: '%s'", path, dlerror());
        return NULL;
    }
    proxy = proxy_alloc();
    proxy->head.prev = proxy->head.next = &proxy->head;
    proxy->dso_handler = handle;
    proxy->api = api_create();
    proxy->def = def_create();

    if (proxy_register(proxy, hot_reloading) == -1 || proxy_symbols(proxy) == -1) {
        proxy_free(proxy);
        return NULL;
    }
    return proxy;
}

/*
 * Loads the same library again, like a second -e or an entry in plugins. Fluent Bit
 * would then have two plugins of the same name, and each section would create two
 * inputs. A definition that is not filled in registers nothing.
 */
void proxy_load_again(const char *path, int hot_reloading)
{
    struct proxy again = {.def = def_create(), .dso_handler = dlopen(path, RTLD_LAZY)};
    int (*preregister)(int) = NULL;
    int (*register_)(struct proxy_def *) = NULL;

    if (POSE_LIFECYCLE_CALLBACKS) {
        CALLBACK(preregister, &again, "FLBPluginPreRegister");
        if (preregister != NULL) {
            preregister(hot_reloading);
        }
    }
    CALLBACK(register_, &again, "FLBPluginRegister");
    if (register_ != NULL && register_(again.def) == -1) {
        host_log(LOG_ERROR, "[proxy] FLBPluginRegister failed: Fluent Bit would free the definition twice");
        totals.register_faults++;
    }
    totals.registered_twice += again.def->proxy == PROXY_GOLANG;
    dlclose(again.dso_handler);
}

/* Unregister and dlclose, on the main thread. */
void proxy_unload(struct proxy *proxy)
{
    void (*unregister)(struct proxy_def *) = NULL;

    CALLBACK(unregister, proxy, "FLBPluginUnregister");
    if (unregister != NULL) {
        unregister(proxy->def);
    }
    proxy_free(proxy);
}

void *proxy_instance(struct proxy *proxy)
{
    return __atomic_load_n(&proxy->instance, __ATOMIC_ACQUIRE);
}

const struct flb_config_map *proxy_config_map(const struct proxy *proxy)
{
#if POSE_DEF_CONFIG_MAP
    return proxy->def->config_map;
#else
    (void)proxy;
    return NULL;
#endif
}

const char *proxy_name(const struct proxy *proxy)
{
    return proxy->def->name;
}

int proxy_input_init(struct flb_input_instance *ins)
{
    struct proxy *proxy = ins->proxy;
    struct go_input *plugin = proxy->data;
    void **context = ins->context;
    int ret;

    watch_look();
    __atomic_store_n(&proxy->instance, ins, __ATOMIC_RELEASE);
    plugin->api = proxy->api;
    plugin->i_ins = ins;
    /* Before 4.1, Init gets another context, at the place of the later one. */
    if (ins->init_context != NULL) {
        ins->context = ins->init_context;
    }
    plugin->context = ins->context;
    watch(proxy_shown(proxy), proxy_size());
    watch(proxy->api, sizeof *proxy->api);
    watch(plugin, sizeof *plugin);
    watch(context, context_size());
    ret = plugin->cb_init(plugin_shown(plugin));
    watch_look();
    ins->context = context;
    if (ret <= 0) {
        host_log(LOG_ERROR, "[go proxy]: plugin '%s' failed to initialize", plugin->name);
        host_log(LOG_ERROR, "Could not initialize proxy for threaded input plugin");
        return -1;
    }
    return 0;
}

void proxy_input_prerun(struct flb_input_instance *ins, int hot_reload_enabled)
{
    int (*prerun)(int) = NULL;

    if (POSE_LIFECYCLE_CALLBACKS) {
        CALLBACK(prerun, ins->proxy, "FLBPluginInputPreRun");
        if (prerun != NULL) {
            prerun(hot_reload_enabled);
        }
    }
}

static int call_collect(struct flb_input_instance *ins, void **data, size_t *len)
{
    struct go_input *plugin = ins->proxy->data;

#if POSE_CTX_CALLBACKS
    if (plugin->cb_collect_ctx != NULL) {
        return plugin->cb_collect_ctx(context_remote(ins->context), data, len);
    }
#endif
    if (plugin->cb_collect == NULL) {
        if (ins->stats->missing_symbols++ == 0) {
            host_log(LOG_ERROR, "[proxy] no FLBPluginInputCallback: Fluent Bit would crash here");
        }
        return -1;
    }
    return plugin->cb_collect(data, len);
}

static void call_cleanup(struct flb_input_instance *ins, void *data)
{
    struct go_input *plugin = ins->proxy->data;

    ins->stats->cleanups++;
#if POSE_CTX_CALLBACKS
    if (plugin->cb_cleanup_ctx != NULL) {
        plugin->cb_cleanup_ctx(context_remote(ins->context), data);
        return;
    }
#endif
    if (plugin->cb_cleanup != NULL) {
        plugin->cb_cleanup(data);
    }
    else if (POSE_HOST_FREES) {
        free(data);
    }
}

void proxy_input_collect(struct flb_input_instance *ins)
{
    struct stats *stats = ins->stats;
    uint64_t appends = stats->appends, start = now_ns();
    size_t len = 0;
    void *data = NULL;
    int ret;

    stats->collects++;
    ret = call_collect(ins, &data, &len);
    stats_max(&stats->longest_collect_ns, now_ns() - start);
    if (++totals.collects == opts.collects) {
        notify(NOTICE_COLLECTS);
    }

    if (data != NULL) {
        stats->handed++;
        buffers_handed(ins->index, data);
    }
    if (len == 0 && stats->appends == appends) {
        stats->empty_collects++;
    }
    if (POSE_EMPTY_SKIPS_CLEANUP && len == 0) {
        stats->not_cleaned += data != NULL;
        return;
    }
    if (ret == -1) {
        host_log(LOG_ERROR, "[input:%s:%s] collect returned -1%s", proxy_name(ins->proxy),
                 input_name(ins), len > 0 ? ": its data is lost" : "");
        stats->not_cleaned += data != NULL;
        stats->lost += len > 0;
        return;
    }
    if (data == NULL && len > 0) {
        host_log(LOG_ERROR, "[input:%s:%s] collect returned %zu bytes at NULL: "
                            "Fluent Bit would crash here", proxy_name(ins->proxy),
                 input_name(ins), len);
        stats->malformed++;
        return;
    }
    input_append(ins, -1, NULL, 0, data, len);
    call_cleanup(ins, data);
}

/*
 * Pause and resume apply to the collector of proxy->instance: the instance that was
 * initialized last instead of the one that is paused. This bug is in all tags of
 * Fluent Bit. Plugins avoid it by storing their instance there, or by setting a
 * separate proxy in the context. Therefore it is read through the context, as in
 * Fluent Bit.
 */
void proxy_input_pause(struct flb_input_instance *ins)
{
    void (*pause)(void) = NULL;

    if (POSE_LIFECYCLE_CALLBACKS) {
        CALLBACK(pause, ins->proxy, "FLBPluginInputPause");
        if (pause != NULL) {
            pause();
        }
    }
    collector_pause(proxy_instance(context_proxy(ins->context)));
}

void proxy_input_resume(struct flb_input_instance *ins)
{
    void (*resume)(void) = NULL;

    if (POSE_LIFECYCLE_CALLBACKS) {
        CALLBACK(resume, ins->proxy, "FLBPluginInputResume");
        if (resume != NULL) {
            resume();
        }
    }
    collector_resume(proxy_instance(context_proxy(ins->context)));
}

void proxy_input_exit(struct flb_input_instance *ins, int shutdown_by_reload)
{
    void (*preexit)(int) = NULL;

    /* At this point, as in Fluent Bit: the host must find its own values again. */
    watch_look();
    watch_end(ins->context);
    if (!proxy_whole(context_proxy(ins->context), ins->proxy)) {
        host_log(LOG_ERROR, "[proxy] the context has a proxy that is not whole");
        totals.register_faults++;
    }

    if (POSE_LIFECYCLE_CALLBACKS) {
        CALLBACK(preexit, ins->proxy, "FLBPluginInputPreExit");
        if (preexit != NULL) {
            preexit(shutdown_by_reload);
        }
    }
    if (ins->proxy->data->cb_exit != NULL) {
        ins->proxy->data->cb_exit();
    }
    else if (!SINCE(0x020007)) {
        host_log(LOG_ERROR, "[proxy] no FLBPluginExit: Fluent Bit would crash here");
        ins->stats->missing_symbols++;
    }
    /* These releases free the proxy in the context after Exit. */
    if (!SINCE(0x020007) && context_proxy(ins->context) != ins->proxy) {
        host_log(LOG_ERROR, "[proxy] the context was left with another proxy: "
                            "Fluent Bit would crash here");
        totals.register_faults++;
    }
    host_free(ins->context);
    ins->context = NULL;
}
