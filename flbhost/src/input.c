// SPDX-License-Identifier: Apache-2.0

/*
 * input.c: the threads of the input instances, and their collectors.
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
#include <unistd.h>

#define LOOP_SIZE 256

enum control { CONTROL_START = 1, CONTROL_ABANDON, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_EXIT };

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
