// SPDX-License-Identifier: Apache-2.0

/*
 * instance.c: creates and frees input instances, with their properties and metrics.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* All instances, including ended ones, to detect a plugin that uses one after its end. */
static _Atomic(struct flb_input_instance *) all;

bool instance_known(const struct flb_input_instance *ins)
{
    const struct flb_input_instance *i;

    for (i = all; i != NULL; i = i->next) {
        if (i == ins) {
            return i->magic == INSTANCE_MAGIC;
        }
    }
    return false;
}

const char *input_name(struct flb_input_instance *ins)
{
    return ins->alias != NULL ? ins->alias : ins->name;
}

const char *flb_input_name(struct flb_input_instance *ins)
{
    return instance_known(ins) ? input_name(ins) : NULL;
}

static int parse_bool(const char *value)
{
    static const char *const yes[] = {"true", "on", "yes"};
    static const char *const no[] = {"false", "off", "no"};

    for (int i = 0; i < 3; i++) {
        if (strcasecmp(value, yes[i]) == 0) {
            return 1;
        }
        if (strcasecmp(value, no[i]) == 0) {
            return 0;
        }
    }
    return -1;
}

static void tag_set(struct flb_input_instance *ins, const char *tag)
{
    sds_free(ins->tag);
    ins->tag_len = (int)strlen(tag);
    ins->tag = sds_new(tag, strlen(tag));
}

/*
 * KEY@N=VALUE sets KEY after the N-th reload only, like an edit of the configuration.
 * Returns whether p is set now, and its KEY in *key.
 */
static bool property_holds(const struct instance_options *o, const struct property *p, char **key)
{
    const char *at = strchr(p->key, '@');
    size_t n = at != NULL ? (size_t)(at - p->key) : strlen(p->key);

    *key = strndup(p->key, n);
    if (at != NULL) {
        return strtoul(at + 1, NULL, 10) == totals.reloads;
    }
    for (size_t i = 0; i < o->n; i++) {
        const char *other = o->props[i].key;

        if (strncasecmp(other, p->key, n) == 0 && other[n] == '@' &&
            strtoul(other + n + 1, NULL, 10) == totals.reloads) {
            return false;
        }
    }
    return true;
}

/* value may be NULL. */
static void property_add(struct flb_input_instance *ins, const char *key, const char *value)
{
    struct property *p = calloc(1, sizeof *p);

    p->key = sds_new(key, strlen(key));
    p->value = value != NULL ? sds_new(value, strlen(value)) : NULL;
    p->head.prev = ins->props->prev;
    p->head.next = ins->props;
    ins->props->prev->next = &p->head;
    ins->props->prev = &p->head;
}

/* Accepted without an effect. Memory is not limited; see --script pause. */
static const char *const consumed[] = {"mem_buf_limit", "listen", "host", "port", "ipv6"};

/* Handles core properties, which are not passed to the plugin. */
static int property_set(struct flb_input_instance *ins, const struct property *p)
{
    char *value = env_translate(p->value);

    if (*value == '\0') {
        free(value);
        value = NULL;
    }
    if (strcasecmp(p->key, "tag") == 0 && value != NULL) {
        tag_set(ins, value);
        free(value);
        return 0;
    }
    if (strcasecmp(p->key, "alias") == 0 && value != NULL) {
        free(ins->alias);
        ins->alias = value;
        return 0;
    }
    if (strcasecmp(p->key, "log_level") == 0 && value != NULL) {
        ins->log_level = log_level_parse(value);
        free(value);
        return ins->log_level < 0 ? -1 : 0;
    }
    if (strcasecmp(p->key, "threaded") == 0 && value != NULL) {
        int threaded = parse_bool(value);

        free(value);
        ins->threaded = threaded == 1;
        return threaded < 0 ? -1 : 0;
    }
    for (size_t i = 0; i < sizeof consumed / sizeof consumed[0]; i++) {
        if (strcasecmp(p->key, consumed[i]) == 0 && value != NULL) {
            free(value);
            return 0;
        }
    }
    if (config_map_dynamic(proxy_config_map(ins->proxy), p->key)) {
        free(value);
        value = strdup(p->value);
    }
    property_add(ins, p->key, value);
    free(value);
    return 0;
}

static struct cmt_counter *counter(struct flb_input_instance *ins, char *name, char *help)
{
    char *label = (char *)input_name(ins);
    struct cmt_counter *c =
        cmt_counter_create(ins->cmt, "fluentbit", "input", name, help, 1, (char *[]){"name"});

    cmt_counter_set(c, wall_ns(), 0, 1, &label);
    return c;
}

static void metrics_init(struct flb_input_instance *ins)
{
    char *label = (char *)input_name(ins);

    ins->cmt = metrics_create();
    ins->cmt_bytes = counter(ins, "bytes_total", "Number of input bytes.");
    ins->cmt_records = counter(ins, "records_total", "Number of input records.");
    ins->cmt_paused = cmt_gauge_create(ins->cmt, "fluentbit", "input", "ingestion_paused",
                                       "Is the input paused or not?", 1, (char *[]){"name"});
    cmt_gauge_set(ins->cmt_paused, wall_ns(), 0, 1, &label);
    if (POSE_RING_METRICS) {
        ins->cmt_writes = counter(ins, "ring_buffer_writes_total", "Number of ring buffer writes.");
        ins->cmt_retries =
            counter(ins, "ring_buffer_retries_total", "Number of ring buffer retries.");
        ins->cmt_failures = counter(ins, "ring_buffer_retry_failures_total",
                                    "Number of ring buffer retry failures.");
    }
}

/* Returns NULL if a core property has an invalid value. */
struct flb_input_instance *instance_create(struct engine *engine, int index,
                                           const struct instance_options *o)
{
    struct flb_input_instance *ins = host_alloc(sizeof *ins);

    ins->magic = INSTANCE_MAGIC;
    ins->index = index;
    ins->engine = engine;
    ins->proxy = engine->proxy;
    ins->stats = &all_stats[index];
    ins->log_level = -1;
    ins->threaded = true;
    ins->control[0] = ins->control[1] = -1;
    snprintf(ins->name, sizeof ins->name, "%s.%d", proxy_name(engine->proxy), index);
    pthread_mutex_init(&ins->collector.lock, NULL);
    pthread_mutex_init(&ins->status_lock, NULL);
    pthread_cond_init(&ins->status_changed, NULL);
    ins->ring = ring_create((size_t)opts.ring);
    ins->props = opts.hide_properties ? calloc(1, sizeof *ins->props) : &ins->own_props;
    ins->props->prev = ins->props->next = ins->props;

    ins->context = context_create(ins->proxy);
    if (!POSE_CTX_CALLBACKS) {
        ins->init_context = context_create(ins->proxy);
    }
    ins->next = all;
    all = ins;

    for (size_t i = 0; i < o->n; i++) {
        struct property p = {.value = o->props[i].value};
        int ret = 0;

        if (property_holds(o, &o->props[i], &p.key)) {
            ret = property_set(ins, &p);
        }
        free(p.key);
        if (ret == -1) {
            host_log(LOG_ERROR, "[config] could not configure property '%s' on input '%s'",
                     o->props[i].key, ins->name);
            return NULL;
        }
    }
    if (!opts.threaded) {
        ins->threaded = false;
    }
    if (ins->log_level == -1) {
        ins->log_level = log_level_get();
    }
    if (ins->tag == NULL) {
        tag_set(ins, ins->name);
    }
    metrics_init(ins);
    return ins;
}

/* Members that late callers may read are not freed. */
void instances_free(void)
{
    struct flb_input_instance *ins = all;

    all = NULL;
    while (ins != NULL) {
        struct flb_input_instance *next = ins->next;

        for (struct list *at = ins->props->next; at != ins->props;) {
            struct property *p = property_at(at);

            at = at->next;
            sds_free(p->key);
            sds_free(p->value);
            free(p);
        }
        if (ins->props != &ins->own_props) {
            free(ins->props);
        }
        free(ins->alias);
        sds_free(ins->tag);
        host_free(ins->init_context);
        host_free(ins->context);
        if (ins->cmt != NULL) {
            metrics_destroy(ins->cmt);
        }
        pthread_mutex_destroy(&ins->collector.lock);
        pthread_mutex_destroy(&ins->status_lock);
        pthread_cond_destroy(&ins->status_changed);
        ring_free(ins->ring);
        host_free(ins);
        ins = next;
    }
}
