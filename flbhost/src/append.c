// SPDX-License-Identifier: Apache-2.0

/*
 * append.c: the functions with which a plugin appends records, into the ring of its
 * instance or, with `threaded off`, directly into the engine.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

/* As in Fluent Bit: an append is tried ten more times before data is dropped. */
#define RING_RETRIES 10
#define RING_RETRY_MS 100

static void count(struct flb_input_instance *ins, struct cmt_counter *c, double value)
{
    char *label = (char *)input_name(ins);

    if (c != NULL) {
        cmt_counter_add(c, wall_ns(), value, 1, &label);
    }
}

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
