// SPDX-License-Identifier: Apache-2.0

/*
 * input.c: input instances, their threads and their collectors.
 *
 * The life of an instance, threaded as Fluent Bit does it:
 *
 *   engine thread                     input thread (flb-in-NAME-w0)
 *   instance_init: spawn, wait        Init; report the result; wait
 *   instance_start: signal            start the collector; PreRun; loop:
 *   instance_pause, …_resume: a         collector timer -> collect
 *     message through the control       control -> Pause, Resume; ack
 *     pipe                              housekeeping timer (1.5 s)
 *   instance_exit: message, join      PreExit; Exit
 *
 * With `threaded off` the engine thread makes the same calls itself.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* As in Fluent Bit: an append is tried ten more times before data is dropped. */
#define RING_RETRIES 10
#define RING_RETRY_MS 100
#define LOOP_SIZE 256

enum control { CONTROL_START = 1, CONTROL_ABANDON, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_EXIT };

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

static void count(struct flb_input_instance *ins, struct cmt_counter *c, double value)
{
    char *label = (char *)input_name(ins);

    if (c != NULL) {
        cmt_counter_add(c, wall_ns(), value, 1, &label);
    }
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

/* ---- the collector: a timer in the loop of its instance's thread ---- */

static void collector_start(struct flb_input_instance *ins)
{
    struct collector *c = &ins->collector;

    pthread_mutex_lock(&c->lock);
    if (!c->running) {
        c->event.data = ins;
        c->running = loop_timer(c->loop, opts.tick_ms / 1000, opts.tick_ms % 1000 * 1000000,
                                EV_COLLECTOR, &c->event) != -1;
    }
    pthread_mutex_unlock(&c->lock);
}

static void collector_stop(struct collector *c)
{
    if (c->running) {
        loop_del(c->loop, &c->event);
        close(c->event.fd);
        c->running = false;
    }
}

void collector_pause(struct flb_input_instance *ins)
{
    struct collector *c = &ins->collector;

    pthread_mutex_lock(&c->lock);
    collector_stop(c);
    pthread_mutex_unlock(&c->lock);
}

void collector_resume(struct flb_input_instance *ins)
{
    bool running;

    pthread_mutex_lock(&ins->collector.lock);
    running = ins->collector.running || ins->collector.loop == NULL;
    pthread_mutex_unlock(&ins->collector.lock);

    if (running) {
        host_log(LOG_ERROR, "[input] cannot resume collector %s:%d, already running", ins->name,
                 0);
    }
    else if (ins->engine->ingestion_active) {
        collector_start(ins);
    }
}

/* The thread of another input may have stopped the timer since the wait. */
void collector_fire(struct flb_input_instance *ins)
{
    struct collector *c = &ins->collector;
    bool due;

    pthread_mutex_lock(&c->lock);
    due = c->running && timer_consume(c->event.fd);
    pthread_mutex_unlock(&c->lock);

    if (due) {
        proxy_input_collect(ins);
    }
}

/* ---- pause, resume and exit, on the instance's own thread ---- */

static void do_pause(struct flb_input_instance *ins)
{
    char *label = (char *)input_name(ins);

    proxy_input_pause(ins);
    cmt_gauge_set(ins->cmt_paused, wall_ns(), 1, 1, &label);
}

static void do_resume(struct flb_input_instance *ins)
{
    char *label = (char *)input_name(ins);

    proxy_input_resume(ins);
    cmt_gauge_set(ins->cmt_paused, wall_ns(), 0, 1, &label);
}

static void do_exit(struct flb_input_instance *ins)
{
    struct collector *c = &ins->collector;

    proxy_input_exit(ins, ins->engine->shutdown_by_reload);
    pthread_mutex_lock(&c->lock);
    collector_stop(c);
    c->loop = NULL;
    pthread_mutex_unlock(&c->lock);
    ins->state = INSTANCE_DOWN;
}

/* ---- the input thread ---- */

static void set_status(struct flb_input_instance *ins, int status)
{
    pthread_mutex_lock(&ins->status_lock);
    ins->status = status;
    pthread_cond_signal(&ins->status_changed);
    pthread_mutex_unlock(&ins->status_lock);
}

static int status_wait(struct flb_input_instance *ins)
{
    int status;

    pthread_mutex_lock(&ins->status_lock);
    while (ins->status == 0) {
        pthread_cond_wait(&ins->status_changed, &ins->status_lock);
    }
    status = ins->status;
    pthread_mutex_unlock(&ins->status_lock);
    return status;
}

static void control_send(struct flb_input_instance *ins, enum control what)
{
    uint64_t message = what;

    if (write(ins->control[1], &message, sizeof message) != (ssize_t)sizeof message) {
        host_log(LOG_ERROR, "[input] cannot write to the thread of %s", ins->name);
    }
}

static enum control control_read(struct flb_input_instance *ins)
{
    uint64_t message;

    if (read(ins->control[0], &message, sizeof message) != (ssize_t)sizeof message) {
        return CONTROL_EXIT;
    }
    return (enum control)message;
}

/* Returns true if the thread must end. */
static bool control_obey(struct flb_input_instance *ins)
{
    switch (control_read(ins)) {
    case CONTROL_PAUSE:
        do_pause(ins);
        engine_ack(ins->engine);
        return false;
    case CONTROL_RESUME:
        do_resume(ins);
        engine_ack(ins->engine);
        return false;
    default:
        return true;
    }
}

static void input_loop(struct flb_input_instance *ins)
{
    bool ending = false;

    while (!ending) {
        int n = loop_wait(ins->loop, -1);

        for (int i = 0; i < n; i++) {
            struct event *event = loop_event(ins->loop, i);

            if (event == &ins->control_event) {
                ending = control_obey(ins) || ending;
            }
            else if (event == &ins->housekeeping_event) {
                timer_consume(event->fd);
            }
            else if (event == &ins->collector.event) {
                collector_fire(ins);
            }
        }
    }
    do_exit(ins);
}

static void *input_thread(void *arg)
{
    struct flb_input_instance *ins = arg;
    char name[96];

    snprintf(name, sizeof name, "flb-in-%s-w0", ins->name);
    thread_set(ins->loop, &ins->sched, name);
    ins->tid = (uintptr_t)pthread_self();
    loop_timer(ins->loop, 1, 500000000, EV_SCHED, &ins->housekeeping_event);

    if (proxy_input_init(ins) == -1) {
        host_log(LOG_ERROR, "failed initialize input %s", input_name(ins));
        set_status(ins, 2);
        return NULL;
    }
    set_status(ins, 1);

    if (control_read(ins) == CONTROL_START) {
        collector_start(ins);
        proxy_input_prerun(ins, 1);
        input_loop(ins);
    }
    return NULL;
}

static int refused(struct flb_input_instance *ins)
{
    ins->stats->init_refused++;
    ins->state = INSTANCE_REFUSED;
    return -1;
}

int instance_init(struct flb_input_instance *ins)
{
    host_log(LOG_INFO, "[input:%s:%s] initializing", proxy_name(ins->proxy), input_name(ins));

    if (!ins->threaded) {
        ins->loop = ins->collector.loop = ins->engine->loop;
        ins->tid = (uintptr_t)pthread_self();
        if (proxy_input_init(ins) == -1) {
            host_log(LOG_ERROR, "failed initialize input %s", input_name(ins));
            return refused(ins);
        }
        ins->state = INSTANCE_UP;
        return 0;
    }

    ins->loop = ins->collector.loop = loop_create(LOOP_SIZE);
    sched_init(&ins->sched, ins->loop, &the_config);
    if (loop_channel(ins->loop, ins->control, EV_CONTROL, &ins->control_event) == -1 ||
        pthread_create(&ins->thread, NULL, input_thread, ins) != 0) {
        host_log(LOG_ERROR, "[input] cannot start the thread of %s", ins->name);
        return refused(ins);
    }
    ins->thread_started = true;
    if (status_wait(ins) != 1) {
        return refused(ins);
    }
    ring_attach(ins->ring, ins->engine->loop);
    ins->state = INSTANCE_UP;
    host_log(LOG_INFO, "[input:%s:%s] thread instance initialized", proxy_name(ins->proxy),
             input_name(ins));
    return 0;
}

/* Threaded: the collector starts, then PreRun. Else PreRun comes first. */
void instance_start(struct flb_input_instance *ins)
{
    if (ins->threaded) {
        control_send(ins, CONTROL_START);
    }
    else {
        proxy_input_prerun(ins, 1);
        collector_start(ins);
    }
}

/* Fluent Bit does not call an input any more if another one fails to start. */
void instance_abandon(struct flb_input_instance *ins)
{
    if (ins->state == INSTANCE_UP) {
        if (ins->threaded) {
            control_send(ins, CONTROL_ABANDON);
        }
        ins->state = INSTANCE_DOWN;
    }
}

int instance_pause(struct flb_input_instance *ins)
{
    if (ins->state != INSTANCE_UP) {
        return 0;
    }
    if (ins->threaded) {
        control_send(ins, CONTROL_PAUSE);
        return 1;
    }
    host_log(LOG_INFO, "[input] pausing %s", input_name(ins));
    do_pause(ins);
    return 0;
}

int instance_resume(struct flb_input_instance *ins)
{
    if (ins->state != INSTANCE_UP) {
        return 0;
    }
    if (ins->threaded) {
        control_send(ins, CONTROL_RESUME);
        return 1;
    }
    host_log(LOG_INFO, "[input] resume %s", input_name(ins));
    do_resume(ins);
    return 0;
}

void instance_exit(struct flb_input_instance *ins)
{
    if (ins->state != INSTANCE_UP) {
        return;
    }
    if (ins->threaded) {
        control_send(ins, CONTROL_EXIT);
        pthread_join(ins->thread, NULL);
        ins->thread_started = false;
    }
    else {
        do_exit(ins);
    }
}

/* Frees the resources of an ended thread. Data in the ring is lost. */
void instance_release(struct flb_input_instance *ins)
{
    struct chunk *chunk;

    if (ins->thread_started) {
        pthread_join(ins->thread, NULL);
        ins->thread_started = false;
    }
    ring_detach(ins->ring);
    while ((chunk = ring_pop(ins->ring)) != NULL) {
        ins->stats->discarded += chunk->size > 0;
        free(chunk->tag);
        free(chunk);
    }
    if (ins->threaded && ins->loop != NULL) {
        if (ins->housekeeping_event.fd > 0) {
            close(ins->housekeeping_event.fd);
        }
        if (ins->control[0] != -1) {
            close(ins->control[0]);
            close(ins->control[1]);
        }
        loop_destroy(ins->loop);
    }
    else if (!ins->threaded) {
        collector_pause(ins); /* an instance whose start was abandoned */
    }
    ins->loop = NULL;
    ins->engine = NULL;
}

/* ---- append ---- */

static void note_append(struct stats *stats)
{
    uint64_t now = now_ns(), last = atomic_exchange(&stats->last_append_ns, now);

    if (last != 0 && now > last) {
        stats_max(&stats->longest_gap_ns, now - last);
    }
    stats->appends++;
}

static int append_to_ring(struct flb_input_instance *ins, ssize_t claimed, const char *tag,
                          size_t tag_len, const void *data, size_t size)
{
    struct chunk *chunk = malloc(sizeof *chunk + size);

    chunk->tag = tag != NULL && tag_len > 0 ? strndup(tag, tag_len) : NULL;
    chunk->claimed = claimed;
    chunk->size = size;
    if (size > 0) {
        memcpy(chunk->data, data, size);
    }
    for (int retries = 0; ring_push(ins->ring, chunk) == -1; retries++) {
        if (retries == RING_RETRIES) {
            host_log(LOG_ERROR, "[input:%s:%s] could not enqueue records into the ring buffer",
                     proxy_name(ins->proxy), input_name(ins));
            count(ins, ins->cmt_failures, 1);
            ins->stats->dropped += size > 0;
            free(chunk->tag);
            free(chunk);
            return -1;
        }
        count(ins, ins->cmt_retries, 1);
        sleep_ms(RING_RETRY_MS);
    }
    count(ins, ins->cmt_writes, 1);
    return 0;
}

/* claimed is the number of records according to the plugin, or -1. */
int input_append(struct flb_input_instance *ins, ssize_t claimed, const char *tag, size_t tag_len,
                 const void *data, size_t size)
{
    struct stats *stats;
    int state;

    if (!instance_known(ins)) {
        host_log(LOG_ERROR, "[input] append to something that is not an input instance");
        totals.register_faults++;
        return -1;
    }
    stats = ins->stats;
    state = ins->state;
    if (state == INSTANCE_DOWN || state == INSTANCE_REFUSED) {
        stats->late_appends++;
        return -1;
    }
    if (ins->tid != (uintptr_t)pthread_self() && (!POSE_RING_LOCK || !ins->threaded)) {
        stats->wrong_thread++;
    }
    if (opts.refuse_every != 0 && ++ins->append_count % opts.refuse_every == 0) {
        stats->refused++;
        return -1;
    }
    if (size == 0 && POSE_EMPTY_SKIPS_CLEANUP) {
        host_log(LOG_DEBUG, "[input:%s:%s] skip ingesting data with 0 bytes",
                 proxy_name(ins->proxy), input_name(ins));
        return -1;
    }
    if (ins->threaded) {
        if (append_to_ring(ins, claimed, tag, tag_len, data, size) == -1) {
            return -1;
        }
    }
    else {
        char *own = tag != NULL && tag_len > 0 ? strndup(tag, tag_len) : NULL;
        bool paused = ins->paused;

        if (!paused) {
            engine_ingest(ins, own, claimed, data, size);
        }
        free(own);
        if (paused) {
            stats->dropped += size > 0;
            return -1;
        }
    }
    if (size > 0) {
        note_append(stats);
    }
    return 0;
}

EXPORT int flb_input_log_append(struct flb_input_instance *ins, const char *tag, size_t tag_len,
                                const void *data, size_t size);
EXPORT int flb_input_log_append(struct flb_input_instance *ins, const char *tag, size_t tag_len,
                                const void *data, size_t size)
{
    return input_append(ins, -1, tag, tag_len, data, size);
}

EXPORT int flb_input_log_append_records(struct flb_input_instance *ins, size_t records,
                                        const char *tag, size_t tag_len, const void *data,
                                        size_t size);
EXPORT int flb_input_log_append_records(struct flb_input_instance *ins, size_t records,
                                        const char *tag, size_t tag_len, const void *data,
                                        size_t size)
{
    return input_append(ins, (ssize_t)records, tag, tag_len, data, size);
}

#if POSE_V2_EVENTS
/* Plugins only check whether it exists: if so, events may have metadata. */
EXPORT void *flb_log_event_encoder_create(int format);
EXPORT void *flb_log_event_encoder_create(int format)
{
    (void)format;
    return NULL;
}
#endif
