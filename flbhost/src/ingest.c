// SPDX-License-Identifier: Apache-2.0

/*
 * ingest.c: drains the rings of the instances; checks, counts and writes their records.
 *
 * As in Fluent Bit, draining ends only when the ring is empty or the input is paused. A
 * plugin that never lets the ring become empty starves everything else. The host stops
 * draining some seconds after a request to stop, and counts this.
 */
#include "host.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

#define STARVED_NS 5000000000u

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

bool output_holds(void)
{
    return opts.hold_until != NULL && log_held_lines() < (uint64_t)opts.n;
}

/* Data is kept in memory, like chunks until an output has accepted them. */
static void hold(struct engine *engine, const uint8_t *data, size_t size)
{
    struct held *held;

    if (!output_holds()) {
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

void engine_release_held(struct engine *engine)
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

void engine_drain(struct engine *engine)
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
