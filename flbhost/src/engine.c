// SPDX-License-Identifier: Apache-2.0

/*
 * engine.c: the pipeline thread.
 *
 * It starts the instances in sequence, drains their rings (ingest.c) on a 250 ms timer
 * or when one reaches its window, and ends the instances.
 */
#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_MS 250
#define LOOP_SIZE 256

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
        engine_drain(engine);
        if (!output_holds()) {
            engine_release_held(engine);
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
                engine_drain(engine);
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
    engine_drain(engine);
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
    engine_release_held(engine);
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
