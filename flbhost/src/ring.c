/*
 * ring.c: chunks on their way from an input thread to the engine.
 *
 * A ring of slots under a lock. When the window is reached (5 % of the bytes,
 * rounded as Fluent Bit does: 52 of 1024 slots), the engine is woken once;
 * otherwise its timer finds the chunks.
 */
#include "host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW_PERCENT 5

void ring_init(struct ring *ring, size_t capacity)
{
    pthread_mutex_init(&ring->lock, NULL);
    ring->slots = calloc(capacity, sizeof *ring->slots);
    ring->capacity = capacity;
    ring->signal[0] = ring->signal[1] = -1;
}

/* The chunks are gone already: see instance_exit. */
void ring_free(struct ring *ring)
{
    pthread_mutex_destroy(&ring->lock);
    free(ring->slots);
    ring->slots = NULL;
}

int ring_attach(struct ring *ring, struct event_loop *loop, void *owner)
{
    int fds[2], ret;

    ring->event.data = owner;
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) == -1) {
        return -1;
    }
    ret = loop_add(loop, fds[0], EV_RING, &ring->event);
    pthread_mutex_lock(&ring->lock);
    ring->signal[0] = fds[0];
    ring->signal[1] = fds[1];
    pthread_mutex_unlock(&ring->lock);
    return ret;
}

void ring_detach(struct ring *ring, struct event_loop *loop)
{
    pthread_mutex_lock(&ring->lock);
    if (ring->signal[0] != -1) {
        loop_del(loop, &ring->event);
        close(ring->signal[0]);
        close(ring->signal[1]);
        ring->signal[0] = ring->signal[1] = -1;
    }
    pthread_mutex_unlock(&ring->lock);
}

int ring_push(struct ring *ring, struct chunk *chunk)
{
    int ret = -1;

    pthread_mutex_lock(&ring->lock);
    if (ring->count < ring->capacity) {
        size_t window = ring->capacity * sizeof(void *) * WINDOW_PERCENT / 100;

        ring->slots[(ring->head + ring->count) % ring->capacity] = chunk;
        ring->count++;
        if (!ring->flush_pending && ring->signal[1] != -1 &&
            ring->count * sizeof(void *) >= window) {
            ring->flush_pending = true;
            if (write(ring->signal[1], ".", 1) != 1) {
                /* The pipe is full: the engine has been woken already. */
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
    if (ring->count > 0) {
        chunk = ring->slots[ring->head];
        ring->head = (ring->head + 1) % ring->capacity;
        ring->count--;
    }
    pthread_mutex_unlock(&ring->lock);
    return chunk;
}

void ring_signal_read(struct ring *ring)
{
    char bytes[64];

    while (read(ring->signal[0], bytes, sizeof bytes) > 0) {
    }
}

void ring_flushed(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->flush_pending = false;
    pthread_mutex_unlock(&ring->lock);
}
