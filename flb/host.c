// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * host.c: calls into the host.
 *
 * Functions that the host does not pass to plugins are looked up by name in the running
 * process. Without one of them a feature is missing, never the plugin. With
 * FLB_PLAIN_CALLBACKS most of them are not looked up.
 */
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

static struct {
    int (*append)(void *, const char *, size_t, const void *, size_t);
    int (*append_records)(void *, size_t, const char *, size_t, const void *, size_t);
    const char *(*input_name)(void *);
    void *(*evl_get)(void);
    void *(*sched_get)(void);
    char *(*translate)(void *, void *);
    void (*sds_destroy)(char *);
    struct {
        void *(*create)(void *, char *, char *, char *, char *, int, char **);
        int (*update)(void *, uint64_t, double, int, char **);
    } metric[HOST_GAUGE + 1];
    void *encoder_create; /* only whether it exists matters */
    char *(*text_create)(void *);
    void (*text_destroy)(char *);
    void (*log_print)(int, const char *, int, const char *, ...);
} fn;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void look_up(void)
{
    /* POSIX requires this form for a conversion from an object to a function pointer. */
    *(void **) &fn.input_name = dlsym(RTLD_DEFAULT, "flb_input_name");
    *(void **) &fn.log_print = dlsym(RTLD_DEFAULT, "flb_log_print");
    fn.encoder_create = dlsym(RTLD_DEFAULT, "flb_log_event_encoder_create");
    if (host_plain()) {
        return;
    }
    *(void **) &fn.append = dlsym(RTLD_DEFAULT, "flb_input_log_append");
    *(void **) &fn.append_records = dlsym(RTLD_DEFAULT, "flb_input_log_append_records");
    *(void **) &fn.evl_get = dlsym(RTLD_DEFAULT, "flb_engine_evl_get");
    *(void **) &fn.sched_get = dlsym(RTLD_DEFAULT, "flb_sched_ctx_get");
    *(void **) &fn.translate = dlsym(RTLD_DEFAULT, "flb_config_map_translate_dynamic");
    *(void **) &fn.sds_destroy = dlsym(RTLD_DEFAULT, "flb_sds_destroy");
    *(void **) &fn.metric[HOST_COUNTER].create = dlsym(RTLD_DEFAULT, "cmt_counter_create");
    *(void **) &fn.metric[HOST_COUNTER].update = dlsym(RTLD_DEFAULT, "cmt_counter_add");
    *(void **) &fn.metric[HOST_GAUGE].create = dlsym(RTLD_DEFAULT, "cmt_gauge_create");
    *(void **) &fn.metric[HOST_GAUGE].update = dlsym(RTLD_DEFAULT, "cmt_gauge_set");
    *(void **) &fn.text_create = dlsym(RTLD_DEFAULT, "cmt_encode_text_create");
    *(void **) &fn.text_destroy = dlsym(RTLD_DEFAULT, "cmt_encode_text_destroy");
}

struct host_features host_features(void)
{
    pthread_once(&once, look_up);
    return (struct host_features) {
        .v2_events = fn.encoder_create != NULL,
        .append = fn.append != NULL || fn.append_records != NULL,
        .append_counted = fn.append_records != NULL,
        .metrics = fn.metric[HOST_COUNTER].create != NULL && fn.metric[HOST_COUNTER].update != NULL,
        .options = host_may_write() && host_version().number >= HOST_VERSION(5, 1, 1),
        .dynamic_env = fn.translate != NULL && fn.sds_destroy != NULL && fn.sched_get != NULL && fn.evl_get != NULL,
    };
}

const char *host_name_of(void *ins)
{
    pthread_once(&once, look_up);
    return fn.input_name ? fn.input_name(ins) : NULL;
}

void host_print(int level, const char *line)
{
    pthread_once(&once, look_up);
    if (fn.log_print) {
        fn.log_print(level, NULL, 0, "%s", line);
        return;
    }
    fprintf(stderr, "%s\n", line);
}

char *host_string(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = calloc(1, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

int host_on_thread(const struct instance *in)
{
    return pthread_equal(in->thread, pthread_self());
}

int host_log_check(const struct instance *in, int level)
{
    return in->api->input_log_check(in->ins, level);
}

void host_log(const struct instance *in, int level, const char *line)
{
    in->api->log_print(level, NULL, 0, "[input:%s:%s] %s", in->plugin, in->name, line);
}

const char *host_property(const struct instance *in, const char *key)
{
    return in->api->input_get_property(key, in->ins);
}

void *host_event_loop(void)
{
    return fn.evl_get ? fn.evl_get() : NULL;
}

int host_append(struct instance *in, const char *tag, size_t tag_len, size_t records, const void *buf, size_t size)
{
    int ret = -1;

    if (tag_len == 0) {
        tag = NULL;
    }
    if (fn.append_records) {
        ret = fn.append_records(in->ins, records, tag, tag_len, buf, size);
    }
    else if (fn.append) {
        ret = fn.append(in->ins, tag, tag_len, buf, size);
    }
    if (ret == 0) {
        flow_appended(in, records, size);
        memory_appended(size);
    }
    return ret;
}

/* ---- ${VAR} at run time ------------------------------------------------ */

/*
 * The engine does not pass its configuration, with its environment, to plugins. The
 * thread's scheduler has it: in struct flb_sched it follows the event loop, which is
 * known. It is used only if the input instance contains the same address.
 */
enum { SCHED_WORDS = 32 }; /* struct flb_sched has 25 */

static void *find_config(const struct instance *in)
{
    uintptr_t sched[SCHED_WORDS], ins[INSTANCE_WORDS], loop;
    size_t n, i, j, m;

    loop = (uintptr_t) fn.evl_get();
    n = host_peek_some(fn.sched_get(), sched, sizeof(sched)) / sizeof(sched[0]);
    m = host_peek_some(in->ins, ins, sizeof(ins)) / sizeof(ins[0]);
    for (i = 0; loop && i + 1 < n; i++) {
        if (sched[i] != loop || !sched[i + 1]) {
            continue;
        }
        for (j = 0; j < m; j++) {
            if (ins[j] == sched[i + 1]) {
                return (void *) sched[i + 1];
            }
        }
    }
    return NULL;
}

char *host_translate(const struct instance *in, const char *text)
{
    struct host_option entry = {.type = HOST_OPTION_STR, .name = "text", .def_value = (char *) text};
    void *config;

    if (!host_features().dynamic_env) {
        return NULL;
    }
    config = find_config(in);
    if (!config) {
        return NULL;
    }
    return fn.translate(config, &entry);
}

void host_translate_free(char *text)
{
    fn.sds_destroy(text);
}

/* ---- metrics ----------------------------------------------------------- */

void *host_metric(const struct instance *in, enum host_metric_kind kind, const char *subsystem, const char *name, const char *help)
{
    char *keys[] = {"name"};

    if (!in->cmt || !fn.metric[kind].create || !fn.metric[kind].update) {
        return NULL;
    }
    return fn.metric[kind].create(in->cmt, "fluentbit", (char *) subsystem, (char *) name, (char *) help, 1, keys);
}

void host_metric_update(const struct instance *in, enum host_metric_kind kind, void *metric, double value)
{
    char *values[] = {in->name};
    struct timespec now;

    if (metric) {
        clock_gettime(CLOCK_REALTIME, &now);
        fn.metric[kind].update(metric, (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec, value, 1, values);
    }
}

/* ingested: how many records the engine counts for the instance; -1 if unknown. */
double host_ingested(const struct instance *in)
{
    static const char series[] = "fluentbit_input_records_total{";
    double value = -1;
    char *text, *at;

    if (!in->cmt || !fn.text_create || !fn.text_destroy) {
        return -1;
    }
    text = fn.text_create(in->cmt);
    if (!text) {
        return -1;
    }
    at = strstr(text, series);
    if (at) {
        at = strstr(at, "} = ");
    }
    if (at) {
        value = strtod(at + 4, NULL);
    }
    fn.text_destroy(text);
    return value;
}

/* ---- what is used of the host ----------------------------------------------- */

void host_describe(struct instance *in, char *line, size_t size)
{
    struct host_features can = host_features();
    const char *write = host_plain() ? "off" : "off: not tried with this version";

    snprintf(line, size,
             "the host is Fluent Bit %s%s; records: %s; backlog: %s; pause and resume: %s; signals: %s; metrics: %s; "
             "environment: %s; options: %s",
             host_version().text, host_plain() ? ", and " HOST_PLAIN_ENV " is set" : "",
             can.append_counted ? "appended with their number" : can.append ? "appended" : "returned once a second",
             !can.append || !in->own_thread ? "none" : flow_sees_ring(in) ? "seen in the ring" : "counted",
             in->proxy_at || in->context_at ? "by a proxy of each input" : host_may_write() ? "off: the layout is not known" : write,
             host_keeps_signals() ? "kept" : "off",
             in->cmt && can.metrics ? "on" : "off",
             can.dynamic_env && can.options ? "followed" : "as it was at the start",
             can.options ? "listed" : "not listed");
}

#pragma GCC visibility pop
