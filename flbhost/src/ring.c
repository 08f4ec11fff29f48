// SPDX-License-Identifier: Apache-2.0

/*
 * ring.c: the queue of chunks between an input thread and the engine.
 *
 * It is a queue of pointers with the layout of Fluent Bit's ring buffer on lwrb. A plugin
 * can find it from its instance and read both positions to compute the data in flight.
 * When the window is reached (5 % of the bytes, rounded as in Fluent Bit: 52 of 1024
 * slots), the engine is woken once. Otherwise it drains the ring on its timer.
 */
#include "host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_MAGIC 0xdeadbeefu

enum { SLOT = sizeof(struct chunk *) };

struct ring *ring_create(size_t slots)
{
    struct ring *ring = host_alloc(sizeof *ring);
    struct queue *q = host_alloc(sizeof *q);

    pthread_mutex_init(&ring->lock, NULL);
    ring->data_size = slots * SLOT;
    ring->data_buf = calloc(1, ring->data_size + 1);
    ring->ctx = q;
    q->buff = ring->data_buf;
    q->size = ring->data_size + 1;
    if (!opts.hide_ring) {
        q->magic1 = QUEUE_MAGIC;
        q->magic2 = ~QUEUE_MAGIC;
    }
    return ring;
}

/* The chunks have already been freed: see instance_release. */
void ring_free(struct ring *ring)
{
    pthread_mutex_destroy(&ring->lock);
    free(ring->data_buf);
    host_free(ring->ctx);
    host_free(ring);
}

int ring_attach(struct ring *ring, struct event_loop *loop)
{
    struct event *event = calloc(1, sizeof *event);
    int fds[2];

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) == -1 || loop_add(loop, fds[0], EV_RING, event) == -1) {
        free(event);
        return -1;
    }
    pthread_mutex_lock(&ring->lock);
    ring->signal_channels[0] = fds[0];
    ring->signal_channels[1] = fds[1];
    ring->signal_event = event;
    ring->data_window = ring->data_size * (size_t)opts.window / 100;
    ring->event_loop = loop;
    pthread_mutex_unlock(&ring->lock);
    return 0;
}

void ring_detach(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    if (ring->event_loop != NULL) {
        loop_del(ring->event_loop, ring->signal_event);
        close(ring->signal_channels[0]);
        close(ring->signal_channels[1]);
        free(ring->signal_event);
        ring->signal_event = NULL;
        ring->event_loop = NULL;
    }
    pthread_mutex_unlock(&ring->lock);
}

/* All writers hold the lock. A plugin may read the positions at any time. */
static size_t queue_used(const struct queue *q)
{
    return q->w >= q->r ? q->w - q->r : q->size - (q->r - q->w);
}

static void queue_write(struct queue *q, const void *data, size_t n)
{
    size_t first = n < q->size - q->w ? n : q->size - q->w;

    memcpy(q->buff + q->w, data, first);
    memcpy(q->buff, (const uint8_t *)data + first, n - first);
    __atomic_store_n(&q->w, (q->w + n) % q->size, __ATOMIC_RELEASE);
}

static void queue_read(struct queue *q, void *data, size_t n)
{
    size_t first = n < q->size - q->r ? n : q->size - q->r;

    memcpy(data, q->buff + q->r, first);
    memcpy((uint8_t *)data + first, q->buff, n - first);
    __atomic_store_n(&q->r, (q->r + n) % q->size, __ATOMIC_RELEASE);
}

int ring_push(struct ring *ring, struct chunk *chunk)
{
    struct queue *q = ring->ctx;
    int ret = -1;

    pthread_mutex_lock(&ring->lock);
    if (ring->data_size - queue_used(q) >= SLOT) {
        queue_write(q, &chunk, SLOT);
        if ((!ring->flush_pending || opts.stick_flush) && ring->event_loop != NULL &&
            queue_used(q) >= ring->data_window) {
            __atomic_store_n(&ring->flush_pending, 1, __ATOMIC_RELEASE);
            if (write(ring->signal_channels[1], ".", 1) != 1) {
                /* The pipe is full, so the engine will wake up anyway. */
            }
        }
        ret = 0;
    }
    pthread_mutex_unlock(&ring->lock);
    return ret;
}

struct chunk *ring_pop(struct ring *ring)
{
    struct chunk *chunk = NULL;

    pthread_mutex_lock(&ring->lock);
    if (queue_used(ring->ctx) >= SLOT) {
        queue_read(ring->ctx, &chunk, SLOT);
    }
    pthread_mutex_unlock(&ring->lock);
    return chunk;
}

void ring_signal_read(struct ring *ring)
{
    char bytes[64];

    while (read(ring->signal_channels[0], bytes, sizeof bytes) > 0) {
    }
}

void ring_flushed(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    if (!opts.stick_flush) {
        __atomic_store_n(&ring->flush_pending, 0, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&ring->lock);
}
