// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * flow.c: how much of what was appended the engine has not yet ingested.
 *
 * The appends of an input thread go into a ring of slots, one for each slice. The
 * engine's thread empties the ring in a loop that ends when the ring is empty. It does
 * so on a timer of 250 ms, or when an append signals that 5 % of the slots are used.
 * Three rules follow for a producer that is faster than the engine:
 *
 *   - It must not fill the ring: a slice that finds no slot is dropped.
 *   - It must let the ring become empty: as long as the loop runs, the engine does
 *     nothing else, neither flush nor metrics nor signals.
 *   - It must have enough slots in flight for the signal, or everything waits for the
 *     timer.
 *
 * The ring shows all that is needed: the number of used slots, and a flag that is set
 * by the signal and cleared when the loop has ended. Only our own appends set the flag,
 * so that reading it before each append never misses the moment at which it was clear.
 * The time between set and clear is a session. A session may last SESSION_NSEC; after
 * that, nothing is appended until it has ended.
 *
 * Filters run in the same loop, and slow ones reduce its speed by four orders of
 * magnitude. The loop is therefore measured: slices shrink while it takes longer than
 * DRAIN_NSEC, and grow while it takes less than half of that. The first slices are small,
 * because the speed is unknown.
 *
 * An input must not wait forever for something that only looks like a ring: if nothing
 * could be appended for STUCK_NSEC, and the ring was empty all the time or the engine has
 * counted all records, the engine's count is used from then on.
 *
 * The ring is recognized by its contents: one of the words of the input instance points
 * to a structure that points to a queue with two magic numbers, whose buffer and size
 * are also in the structure. Memory is read through the kernel, which returns an error
 * for a bad address. If no word matches (a host that is built differently), the
 * engine's own count of records is used instead.
 */
#define _GNU_SOURCE
#include "host.h"

#include <string.h>

#pragma GCC visibility push(hidden)

#define SESSION_NSEC 20000000
#define STUCK_NSEC 5000000000
#define DRAIN_NSEC 100000000

/* Sizes of slices, in bytes. A slice of the smallest size has one record. */
enum { SLICE_FIRST = 1 << 10, SLICE_MIN = 1, SLICE_MAX = 64 << 10 };

/* The shortest time between two reads of the engine's count, and the time without a change after which it has stopped. */
#define COUNT_EVERY_NSEC 1000000
#define COUNT_STILL_NSEC 700000000

/* ---- the ring ------------------------------------------------------------ */

/* lwrb_t, the queue (lib/lwrb, all versions). */
struct host_queue {
    uint32_t magic1;
    uint8_t *buff;
    size_t size;
    size_t r;
    size_t w;
    void *evt_fn;
    uint32_t magic2;
};
_Static_assert(offsetof(struct host_queue, r) == 24, "lwrb_t.r");
_Static_assert(offsetof(struct host_queue, magic2) == 48, "lwrb_t.magic2");

/* struct flb_ring_buffer, from its member ctx on; since 5.0 a mutex precedes it. */
struct host_ring {
    struct host_queue *ctx;
    void *event_loop;
    int flush_pending;
    void *signal_event;
    int signal_channels[2];
    uint64_t data_window;
    uint64_t data_size;
    void *data_buf;
};
_Static_assert(offsetof(struct host_ring, flush_pending) == 16, "flb_ring_buffer.flush_pending");
_Static_assert(offsetof(struct host_ring, data_window) == 40, "flb_ring_buffer.data_window");

enum { QUEUE_MAGIC = 0xDEADBEEF, SLOT = sizeof(void *), RING_MAX_HEAD = 64 };

static int ring_at(const char *where, const char *copied, struct ring *ring)
{
    struct host_ring rb;
    struct host_queue q;

    memcpy(&rb, copied, sizeof(rb));
    if (!rb.data_buf || host_peek(rb.ctx, &q, sizeof(q)) != 0) {
        return 0;
    }
    if (q.magic1 != QUEUE_MAGIC || q.magic2 != (uint32_t) ~QUEUE_MAGIC || q.buff != rb.data_buf ||
        q.size != rb.data_size + 1 || rb.data_size % SLOT != 0 || !rb.event_loop) {
        return 0;
    }
    ring->read = &rb.ctx->r;
    ring->write = &rb.ctx->w;
    ring->size = q.size;
    ring->flush_pending = (const int *) (where + offsetof(struct host_ring, flush_pending));
    ring->window = rb.data_window / SLOT;
    ring->capacity = rb.data_size / SLOT;
    return 1;
}

static void find_ring(struct instance *in)
{
    uintptr_t words[INSTANCE_WORDS];
    char copied[RING_MAX_HEAD + sizeof(struct host_ring)];
    size_t i, n, head, got;

    in->flow.looked = 1;
    n = host_peek_some(in->ins, words, sizeof(words)) / sizeof(words[0]);
    for (i = 0; i < n; i++) {
        if (words[i] % sizeof(void *) != 0) {
            continue;
        }
        got = host_peek_some((const char *) words[i], copied, sizeof(copied));
        for (head = 0; head + sizeof(struct host_ring) <= got; head += 8) {
            if (ring_at((const char *) words[i] + head, copied + head, &in->flow.ring)) {
                return;
            }
        }
    }
}

/* Both positions change concurrently: each is read once. */
static size_t ring_pending(const struct ring *ring)
{
    size_t w = __atomic_load_n(ring->write, __ATOMIC_ACQUIRE);
    size_t r = __atomic_load_n(ring->read, __ATOMIC_ACQUIRE);

    return (w >= r ? w - r : ring->size - (r - w)) / SLOT;
}

int flow_sees_ring(struct instance *in)
{
    if (!in->flow.looked) {
        find_ring(in);
    }
    return in->flow.ring.size > 0;
}

/* ---- what is in flight ------------------------------------------------------- */

void flow_appended(struct instance *in, size_t records, size_t size)
{
    struct flow *f = &in->flow;
    uint64_t last = f->slices % FLOW_SLICES;
    uint64_t next = ++f->slices % FLOW_SLICES;

    if (size >= flow_slice(in)) {
        f->limited = 1;
    }
    f->bytes[next] = f->bytes[last] + size;
    f->records[next] = f->records[last] + records;
}

static uint64_t bytes_of_last(const struct flow *f, size_t slices)
{
    if (slices >= FLOW_SLICES || slices > f->slices) {
        slices = f->slices < FLOW_SLICES ? f->slices : FLOW_SLICES - 1;
    }
    return f->bytes[f->slices % FLOW_SLICES] - f->bytes[(f->slices - slices) % FLOW_SLICES];
}

/* count_anew: reset the count to zero, regardless of the engine's. */
static void count_anew(struct flow *f, double counted, int64_t now)
{
    f->base = (double) f->records[f->slices % FLOW_SLICES] - counted;
    f->last = counted;
    f->last_read = f->last_moved = now;
}

/*
 * Slices in flight, by the engine's count of records. Processors may drop or add
 * records, and a write may fail: then the count never equals what was appended. If it
 * has not changed for longer than the engine's timer, nothing is in flight any more.
 */
static size_t count_pending(struct instance *in, int64_t now)
{
    struct flow *f = &in->flow;
    uint64_t appended = f->records[f->slices % FLOW_SLICES];
    double value = f->last, taken;
    size_t n;

    if (f->slices == 0) {
        f->last_moved = now;
        return 0;
    }
    if (now - f->last_read >= COUNT_EVERY_NSEC) {
        value = host_ingested(in);
        f->last_read = now;
    }
    if (value < 0) {
        value = 0; /* no series: nothing was ingested */
    }
    if (value != f->last) {
        f->last = value;
        f->last_moved = now;
    }
    taken = f->base + value;
    if (taken > (double) appended || now - f->last_moved > COUNT_STILL_NSEC) {
        count_anew(f, value, now);
        return 0;
    }
    for (n = 0; n < FLOW_SLICES - 1 && n < f->slices; n++) {
        if ((double) f->records[(f->slices - n) % FLOW_SLICES] <= taken) {
            break;
        }
    }
    return n;
}

/* Slots: the number that signals the engine by default, and the number to keep in flight. */
enum { DEFAULT_WINDOW = 52, DEFAULT_SLOTS = 64 };

/* ---- sessions ------------------------------------------------------------------ */

uint64_t flow_slice(const struct instance *in)
{
    return in->flow.slice > 0 ? in->flow.slice : SLICE_FIRST;
}

/* max_bytes: what may be in flight, as many slices as max_in_flight has of the largest. */
static uint64_t max_bytes(const struct instance *in)
{
    uint64_t most = flow_slice(in) * DEFAULT_SLOTS;

    return most < in->flow.max_bytes ? most : in->flow.max_bytes;
}

/*
 * drained: the engine needed nsec to ingest some slices. Ingesting one takes a fixed time
 * and a time that grows with its size. If the fixed one dominates, which a comparison
 * with the previous size shows, smaller slices would only be slower.
 */
static void drained(struct instance *in, uint64_t slices, int64_t nsec)
{
    struct flow *f = &in->flow;
    uint64_t size = flow_slice(in), next = size;
    double cost = (double) nsec / (double) (slices > 0 ? slices : 1);
    int grew = size > f->other.slice;
    int fixed = grew ? cost < 1.5 * f->other.cost : f->other.cost < 1.5 * cost;

    if (nsec < DRAIN_NSEC / 2) {
        next = size * 2;
    }
    else if (nsec > DRAIN_NSEC) {
        next = f->other.slice == 0 || fixed ? size * 2 : size / 2;
    }
    f->limited = 0;
    next = next < SLICE_MIN ? SLICE_MIN : next > SLICE_MAX ? SLICE_MAX : next;
    if (next != size) {
        f->other.slice = size;
        f->other.cost = cost;
        f->slice = next;
    }
}

static size_t pending(struct instance *in, int64_t now)
{
    return flow_sees_ring(in) ? ring_pending(&in->flow.ring) : count_pending(in, now);
}

uint64_t flow_pending(struct instance *in)
{
    return in->own_thread ? pending(in, host_monotonic()) : 0;
}

/* taken: how many of the appended records the engine has taken out of its queue. */
uint64_t flow_taken(struct instance *in)
{
    struct flow *f = &in->flow;
    size_t n = in->own_thread && flow_sees_ring(in) ? ring_pending(&f->ring) : 0;

    if (n >= FLOW_SLICES || n > f->slices) {
        n = f->slices < FLOW_SLICES ? f->slices : FLOW_SLICES - 1;
    }
    return f->records[(f->slices - n) % FLOW_SLICES];
}

/*
 * An append signals the engine at `window` slots. With the count instead of the ring,
 * the window is the host's default, and sessions are not visible: what is in flight
 * must be ingested before more follows. The engine counts records before it filters
 * them: the last slice takes as long again as the others did.
 */
static int count_closed(struct instance *in, int64_t now)
{
    struct flow *f = &in->flow;
    size_t n;

    if (f->slices == 0) {
        return 0;
    }
    if (f->session == 0) {
        /* filling: until enough slots are used for the signal */
        n = count_pending(in, now);
        if (n == 0 && f->limited) {
            drained(in, 1, 0);
        }
        if (n < DEFAULT_SLOTS && !(n > DEFAULT_WINDOW && bytes_of_last(f, n) >= max_bytes(in))) {
            return 0;
        }
        f->session = now;
        f->before = f->slices - n;
    }
    if (count_pending(in, now) > 0) {
        return 1;
    }
    n = f->slices - f->before;
    if (f->draining == 0) {
        f->draining = now + 2 * (now - f->session) / (int64_t) n;
    }
    if (now < f->draining) {
        return 1;
    }
    drained(in, n, now - f->session);
    f->session = f->draining = 0;
    return 0;
}

/*
 * The engine may first have something else to do: the loop begins when the read position
 * moves.
 */
static void watch_session(struct instance *in, int64_t now)
{
    struct flow *f = &in->flow;
    size_t read = __atomic_load_n(f->ring.read, __ATOMIC_ACQUIRE);

    if (!__atomic_load_n(f->ring.flush_pending, __ATOMIC_ACQUIRE)) {
        if (f->session != 0) {
            drained(in, f->slices - f->before, f->draining != 0 ? now - f->draining : 0);
        }
        f->session = f->draining = 0;
    }
    else if (f->session == 0) {
        f->session = now;
        f->before = f->slices - ring_pending(&f->ring);
        f->read = read;
    }
    else if (f->draining == 0 && read != f->read) {
        f->draining = now;
    }
}

static int ring_closed(struct instance *in, int64_t now)
{
    struct flow *f = &in->flow;
    size_t n = ring_pending(&f->ring);

    watch_session(in, now);
    if (n == 0 && f->session == 0) {
        if (f->limited) {
            drained(in, 1, 0); /* by the timer, since too few slots were used for a signal */
        }
        return 0;
    }
    if (f->session != 0 && now - f->session > SESSION_NSEC) {
        return 1;
    }
    if (n >= f->ring.capacity) {
        return 1;
    }
    return n > f->ring.window && bytes_of_last(f, n) >= max_bytes(in);
}

/* stuck: nothing could be appended for a long time, with nothing in flight. The ring is no longer used. */
static int stuck(struct instance *in, int64_t now)
{
    struct flow *f = &in->flow;
    double counted;

    if (f->closed_since == 0) {
        f->closed_since = f->taken_last = now;
    }
    if (ring_pending(&f->ring) > 0) {
        f->taken_last = now;
    }
    if (now - f->closed_since < STUCK_NSEC) {
        return 0;
    }
    f->closed_since = now; /* if it is not stuck, check again after the same time */
    counted = host_ingested(in);
    if (now - f->taken_last < STUCK_NSEC && counted < (double) f->records[f->slices % FLOW_SLICES]) {
        return 0;
    }
    f->ring.size = 0;
    f->session = 0;
    count_anew(f, counted < 0 ? 0 : counted, now);
    host_log(in, HOST_LOG_WARN, "the engine has ingested all records, but its ring does not show it: "
             "from now on, its count of records is used");
    return 1;
}

int flow_must_wait(struct instance *in, int64_t now)
{
    struct flow *f = &in->flow;

    if (!in->own_thread || f->slices == 0) {
        return 0;
    }
    if (!flow_sees_ring(in)) {
        return count_closed(in, now);
    }
    if (!ring_closed(in, now)) {
        f->closed_since = 0;
        return 0;
    }
    return !stuck(in, now);
}

#pragma GCC visibility pop
