// SPDX-License-Identifier: Apache-2.0

/*
 * engine.c: the pipeline thread.
 *
 * It starts the instances in sequence, drains their rings on a 250 ms timer or when one
 * reaches its window, checks and counts their records, and ends the instances.
 *
 * As in Fluent Bit, draining ends only when the ring is empty or the input is paused. A
 * plugin that never lets the ring become empty starves everything else. The host stops
 * draining some seconds after a request to stop, and counts this.
 */
#include "host.h"

#include <errno.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_MS 250
#define LOOP_SIZE 256
#define STARVED_NS 5000000000u
#define GRACE_NS 5000000000u /* Fluent Bit's default grace at shutdown */

struct message {
    int command;
    int arg;
};

void notify(enum notice what)
{
    char byte = (char)what;

    while (write(notices[1], &byte, 1) == -1 && errno == EINTR) {
    }
}

/* ---- ingest ---- */

static uint64_t check_records(struct flb_input_instance *ins, const char *tag,
                              const uint8_t *data, size_t size)
{
    const uint8_t *p = data, *end = data + size;
    struct stats *stats = ins->stats;
    uint64_t objects = 0, good = 0;
    struct record r;

    while (p < end) {
        enum record_status status = record_next(&p, end, &r);

        if (status != RECORD_OK) {
            if (stats->malformed++ == 0) {
                host_log(LOG_ERROR, "[input:%s:%s] malformed event at byte %zu of %zu%s",
                         proxy_name(ins->proxy), input_name(ins),
                         status == RECORD_WRONG ? (size_t)(r.raw - data) : (size_t)(p - data),
                         size, status == RECORD_WRONG ? "" : ": the rest cannot be read");
            }
            if (status == RECORD_UNREADABLE) {
                break;
            }
            objects++;
            continue;
        }
        objects++;
        good++;
        if (opts.records == 0 || totals.output < opts.records) {
            output_record(ins->index, tag, &r);
            totals.output++;
            stats->output++;
        }
    }
    stats->records += good;
    return objects;
}

/* ---- an output that does not accept records for a while ---- */

struct held {
    struct held *next;
    uint8_t data[];
};

static bool holds(void)
{
    return opts.hold_until != NULL && log_held_lines() < (uint64_t)opts.n;
}

/* Data is kept in memory, like chunks until an output has accepted them. */
static void hold(struct engine *engine, const uint8_t *data, size_t size)
{
    struct held *held;

    if (!holds()) {
        return;
    }
    held = malloc(sizeof *held + size);
    if (held == NULL) {
        return;
    }
    memcpy(held->data, data, size);
    held->next = engine->held;
    engine->held = held;
    engine->held_bytes += size;
    stats_max(&totals.held_most, engine->held_bytes);
}

static void release_held(struct engine *engine)
{
    if (engine->held == NULL) {
        return;
    }
    while (engine->held != NULL) {
        struct held *next = engine->held->next;

        free(engine->held);
        engine->held = next;
    }
    engine->held_bytes = 0;
#if defined(__GLIBC__)
    malloc_trim(0); /* so that the process becomes smaller */
#endif
}

void engine_ingest(struct flb_input_instance *ins, const char *tag, ssize_t claimed,
                   const uint8_t *data, size_t size)
{
    char *label = (char *)input_name(ins);
    struct engine *engine = ins->engine;
    uint64_t objects;

    if (size == 0) { /* older hosts append empty buffers */
        return;
    }
    objects = check_records(ins, tag != NULL ? tag : ins->tag, data, size);
    hold(engine, data, size);
    ins->stats->bytes += size;
    if (claimed >= 0 && (uint64_t)claimed != objects) {
        if (ins->stats->wrong_counts++ == 0) {
            host_log(LOG_ERROR, "[input:%s:%s] append of %llu records, claimed %zd",
                     proxy_name(ins->proxy), input_name(ins), (unsigned long long)objects, claimed);
        }
    }
    /* The engine uses the claimed number, and counts only if it is 0. */
    for (uint64_t n = 0; n <= opts.routes; n++) {
        cmt_counter_add(ins->cmt_records, wall_ns(), claimed > 0 ? (double)claimed : (double)objects,
                        1, &label);
    }
    cmt_counter_add(ins->cmt_bytes, wall_ns(), (double)size, 1, &label);

    if (opts.records != 0 && totals.output >= opts.records && !engine->records_told) {
        engine->records_told = true;
        notify(NOTICE_RECORDS);
    }
}

/* Reports whether to stop draining: the grace period after a request to stop is over. */
static bool starved(struct engine *engine)
{
    uint64_t asked = engine->stop_requested_ns;
    uint64_t limit = engine->ingestion_active ? STARVED_NS : STARVED_NS + 2 * GRACE_NS;

    return asked != 0 && now_ns() - asked > limit;
}

static void drain_one(struct flb_input_instance *ins)
{
    uint64_t before = totals.output, records;
    struct chunk *chunk;

    for (;;) {
        if (POSE_PAUSED_DATA_WAITS && ins->paused) {
            break;
        }
        if (starved(ins->engine)) {
            host_log(LOG_ERROR, "[engine] %s never lets its ring get empty", input_name(ins));
            totals.starved++;
            break;
        }
        chunk = ring_pop(ins->ring);
        if (chunk == NULL) {
            break;
        }
        records = totals.output;
        if (ins->paused) {
            host_log(LOG_DEBUG, "[input chunk] %s is paused, cannot append records",
                     input_name(ins));
            ins->stats->dropped += chunk->size > 0;
        }
        else if (opts.drop_every != 0 && ++ins->chunk_count % opts.drop_every == 0) {
            /* accepted, but not counted */
        }
        else {
            engine_ingest(ins, chunk->tag, chunk->claimed, chunk->data, chunk->size);
        }
        free(chunk->tag);
        free(chunk);
        if (opts.drain_ms > 0) {
            sleep_ms(opts.drain_ms);
        }
        if (opts.filter_us > 0) {
            sleep_us(opts.filter_us * (long)(totals.output - records));
        }
    }
    stats_max(&totals.most_drained, totals.output - before);
    ring_flushed(ins->ring);
}

static void drain(struct engine *engine)
{
    uint64_t start = now_ns();

    for (int i = 0; i < engine->n; i++) {
        if (engine->instances[i]->threaded) {
            drain_one(engine->instances[i]);
        }
    }
    output_flush();
    if (output_broken() && !engine->broken_told) {
        engine->broken_told = true;
        notify(NOTICE_BROKEN);
    }
    stats_max(&totals.longest_drain_ns, now_ns() - start);
}

/* ---- the loop ---- */

static void pause_all(struct engine *engine)
{
    for (int i = 0; i < engine->n; i++) {
        engine->acks_pending += instance_pause(engine->instances[i]);
    }
}

static void resume_all(struct engine *engine)
{
    for (int i = 0; i < engine->n; i++) {
        engine->acks_pending += instance_resume(engine->instances[i]);
    }
}

/* Pauses or resumes an instance, as mem_buf_limit does. */
static void pause_some(struct engine *engine, int index, bool paused)
{
    for (int i = 0; i < engine->n; i++) {
        struct flb_input_instance *ins = engine->instances[i];

        if (index != -1 && index != i) {
            continue;
        }
        ins->paused = paused;
        engine->acks_pending += paused ? instance_pause(ins) : instance_resume(ins);
        if (paused) {
            totals.pauses++;
        }
    }
}

static void obey(struct engine *engine)
{
    struct message m;

    if (read(engine->manager[0], &m, sizeof m) != (ssize_t)sizeof m) {
        return;
    }
    switch (m.command) {
    case CMD_STOP:
        engine->stop = true;
        break;
    case CMD_PAUSE:
        pause_some(engine, m.arg, true);
        break;
    case CMD_RESUME:
        pause_some(engine, m.arg, false);
        break;
    case CMD_PAUSES:
        engine->pauses_left = m.arg;
        engine->pauses_resume = false;
        break;
    }
}

/* --pauses: starts a step when all threads have completed the previous one. */
static void pauses_step(struct engine *engine)
{
    while (engine->pauses_left > 0 && engine->acks_pending == 0) {
        if (!engine->pauses_resume) {
            pause_all(engine);
            totals.pauses++;
            engine->pauses_resume = true;
        }
        else {
            resume_all(engine);
            engine->pauses_resume = false;
            if (--engine->pauses_left == 0) {
                notify(NOTICE_PAUSES);
            }
        }
    }
}

static void dispatch(struct engine *engine, struct event *event)
{
    if (event == &engine->manager_event) {
        obey(engine);
    }
    else if (event == &engine->ack_event) {
        char byte;

        if (read(engine->acks[0], &byte, 1) == 1) {
            engine->acks_pending--;
        }
    }
    else if (event == &engine->drain_event) {
        timer_consume(event->fd);
        drain(engine);
        if (!holds()) {
            release_held(engine);
        }
    }
    else if (event == &engine->tick_event) {
        timer_consume(event->fd);
        output_tick();
    }
    else {
        for (int i = 0; i < engine->n; i++) {
            struct flb_input_instance *ins = engine->instances[i];

            if (event == ins->ring->signal_event) {
                ring_signal_read(ins->ring);
                drain(engine);
            }
            else if (event == &ins->collector.event) {
                collector_fire(ins);
            }
        }
    }
}

static void turn(struct engine *engine, int timeout_ms)
{
    int n = loop_wait(engine->loop, timeout_ms);

    for (int i = 0; i < n; i++) {
        dispatch(engine, loop_event(engine->loop, i));
    }
}

/*
 * Pauses twice, as Fluent Bit does when it stops ingestion and when it shuts
 * down, with time in between for callbacks to end and rings to drain. Then
 * ends the instances in reverse order.
 */
static void shut_down(struct engine *engine)
{
    uint64_t deadline = now_ns() + GRACE_NS;

    engine->ingestion_active = false;
    host_log(LOG_INFO, "[engine] service will shutdown");
    pause_all(engine);
    while (engine->acks_pending > 0 && now_ns() < deadline) {
        turn(engine, 50);
    }
    drain(engine);
    pause_all(engine);
    for (int i = engine->n - 1; i >= 0; i--) {
        instance_exit(engine->instances[i]);
    }
}

static bool init_all(struct engine *engine)
{
    for (int i = 0; i < engine->n; i++) {
        struct flb_input_instance *ins = engine->instances[i];

        if (proxy_config_map(engine->proxy) != NULL &&
            !config_map_check(proxy_config_map(engine->proxy), proxy_name(engine->proxy), ins->props)) {
            host_log(LOG_ERROR, "[engine] input initialization failed");
            return false;
        }
        if (instance_init(ins) == -1) {
            if (POSE_INIT_REFUSES) {
                host_log(LOG_ERROR, "[engine] input initialization failed");
                return false;
            }
            host_log(LOG_ERROR, "[engine] this release continues without %s, and would crash at "
                                "shutdown", input_name(ins));
        }
    }
    return true;
}

static void status_set(struct engine *engine, int status)
{
    pthread_mutex_lock(&engine->status_lock);
    engine->status = status;
    pthread_cond_signal(&engine->status_changed);
    pthread_mutex_unlock(&engine->status_lock);
}

static void *engine_thread(void *arg)
{
    struct engine *engine = arg;

    thread_set(engine->loop, &engine->sched, "flb-pipeline");
    loop_channel(engine->loop, engine->acks, EV_ACK, &engine->ack_event);

    if (!init_all(engine)) {
        for (int i = 0; i < engine->n; i++) {
            instance_abandon(engine->instances[i]);
        }
        status_set(engine, 2);
        return NULL;
    }
    for (int i = 0; i < engine->n; i++) {
        if (engine->instances[i]->state == INSTANCE_UP) {
            instance_start(engine->instances[i]);
        }
    }
    loop_timer(engine->loop, DRAIN_MS / 1000, DRAIN_MS % 1000 * 1000000, EV_SCHED,
               &engine->drain_event);
    loop_timer(engine->loop, 1, 0, EV_SCHED, &engine->tick_event);
    status_set(engine, 1);

    while (!engine->stop) {
        turn(engine, -1);
        pauses_step(engine);
    }
    shut_down(engine);
    return NULL;
}

/* ---- called by the main thread ---- */

/* Creates the instances before the thread. Returns NULL if a property is invalid. */
struct engine *engine_create(struct proxy *proxy)
{
    struct engine *engine = calloc(1, sizeof *engine);
    bool wrong = false;

    engine->proxy = proxy;
    engine->loop = loop_create(LOOP_SIZE);
    engine->ingestion_active = true;
    engine->acks[0] = engine->acks[1] = -1;
    sched_init(&engine->sched, engine->loop, &the_config);
    pthread_mutex_init(&engine->status_lock, NULL);
    pthread_cond_init(&engine->status_changed, NULL);
    loop_channel(engine->loop, engine->manager, EV_MANAGER, &engine->manager_event);

    engine->instances = calloc((size_t)opts.n, sizeof *engine->instances);
    for (int i = 0; i < opts.n; i++) {
        struct flb_input_instance *ins = instance_create(engine, i, &opts.instances[i]);

        if (ins != NULL) {
            engine->instances[engine->n++] = ins;
        }
        wrong = wrong || ins == NULL;
    }
    if (wrong) {
        engine_free(engine);
        return NULL;
    }
    return engine;
}

int engine_start(struct engine *engine)
{
    int status;

    flb_engine_start();
    if (pthread_create(&engine->thread, NULL, engine_thread, engine) != 0) {
        return -1;
    }
    pthread_mutex_lock(&engine->status_lock);
    while (engine->status == 0) {
        pthread_cond_wait(&engine->status_changed, &engine->status_lock);
    }
    status = engine->status;
    pthread_mutex_unlock(&engine->status_lock);
    if (status != 1) {
        pthread_join(engine->thread, NULL);
        return -1;
    }
    return 0;
}

void engine_command(struct engine *engine, enum command command, int arg)
{
    struct message m = {command, arg};

    if (write(engine->manager[1], &m, sizeof m) != (ssize_t)sizeof m) {
        host_log(LOG_ERROR, "[engine] cannot be reached");
    }
}

void engine_ack(struct engine *engine)
{
    while (write(engine->acks[1], ".", 1) == -1 && errno == EINTR) {
    }
}

void engine_stop(struct engine *engine, int shutdown_by_reload)
{
    engine->shutdown_by_reload = shutdown_by_reload;
    engine->stop_requested_ns = now_ns();
    engine_command(engine, CMD_STOP, 0);
    pthread_join(engine->thread, NULL);
}

void engine_free(struct engine *engine)
{
    for (int i = 0; i < engine->n; i++) {
        instance_release(engine->instances[i]);
    }
    free(engine->instances);
    release_held(engine);
    for (int i = 0; i < 2; i++) {
        close(engine->manager[i]);
        if (engine->acks[i] != -1) {
            close(engine->acks[i]);
        }
    }
    if (engine->drain_event.fd > 0) {
        close(engine->drain_event.fd);
        close(engine->tick_event.fd);
    }
    loop_destroy(engine->loop);
    pthread_mutex_destroy(&engine->status_lock);
    pthread_cond_destroy(&engine->status_changed);
    free(engine);
}
