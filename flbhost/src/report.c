// SPDX-License-Identifier: Apache-2.0

/*
 * report.c: the report as JSON, and the faults of the plugin.
 */
#include "host.h"

#include <inttypes.h>
#include <string.h>

struct totals totals;
struct stats *all_stats;

void stats_max(_Atomic uint64_t *field, uint64_t value)
{
    uint64_t old = *field;

    while (value > old && !atomic_compare_exchange_weak(field, &old, value)) {
    }
}

/* If malloc cannot be replaced, buffers without a cleanup call count as leaked. */
static uint64_t leaked(int i)
{
    uint64_t kept = buffers_kept(i);

    return kept != UINT64_MAX ? kept : all_stats[i].not_cleaned;
}

/* The faults of a plugin, which no behaviour of the host excuses. */
struct fault {
    const char *name;
    const char *text;
    uint64_t count;
};

enum { FAULTS = 9 };

static void faults(int i, struct fault out[FAULTS])
{
    struct stats *s = &all_stats[i];
    const struct fault list[FAULTS] = {
        {"leaked", "buffers returned and never freed", leaked(i)},
        {"cleaned_twice", "buffers freed twice", buffers_freed_twice(i)},
        {"lost", "collects that returned -1 together with data", s->lost},
        {"malformed", "malformed events or buffers", s->malformed},
        {"wrong_counts", "appends with a wrong record count", s->wrong_counts},
        {"late_appends", "appends after Exit", s->late_appends},
        {"wrong_thread", "appends on another thread than the input's", s->wrong_thread},
        {"init_refused", "times Init failed on a host that cannot refuse",
         POSE_INIT_REFUSES ? 0 : s->init_refused},
        {"missing_symbols", "calls of callbacks that are missing", s->missing_symbols},
    };

    memcpy(out, list, sizeof list);
}

int report_verdict(void)
{
    struct fault list[FAULTS];

    if (totals.register_faults > 0 || totals.starved > 0) {
        return EXIT_CONTRACT;
    }
    for (int i = 0; i < opts.n; i++) {
        faults(i, list);
        for (int j = 0; j < FAULTS; j++) {
            if (list[j].count > 0) {
                return EXIT_CONTRACT;
            }
        }
    }
    return EXIT_FINE;
}

void report_explain(void)
{
    struct fault list[FAULTS];

    for (int i = 0; i < opts.n; i++) {
        faults(i, list);
        for (int j = 0; j < FAULTS; j++) {
            if (list[j].count > 0) {
                host_log(LOG_ERROR, "[contract] instance %d: %" PRIu64 " %s", i, list[j].count,
                         list[j].text);
            }
        }
    }
    if (totals.starved > 0) {
        host_log(LOG_ERROR, "[contract] the engine was starved");
    }
}

static void write_number(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, ", \"%s\": %" PRIu64, name, value);
}

static void instance_write(FILE *out, int i)
{
    struct stats *s = &all_stats[i];
    struct fault list[FAULTS];

    fprintf(out, "    {\"index\": %d", i);
    write_number(out, "records", s->records);
    write_number(out, "output", s->output);
    write_number(out, "bytes", s->bytes);
    write_number(out, "appends", s->appends);
    write_number(out, "collects", s->collects);
    write_number(out, "empty_collects", s->empty_collects);
    write_number(out, "handed", s->handed);
    write_number(out, "cleanups", s->cleanups);
    write_number(out, "not_cleaned", s->not_cleaned);
    faults(i, list);
    for (int j = 0; j < FAULTS; j++) {
        if (strcmp(list[j].name, "init_refused") != 0) {
            write_number(out, list[j].name, list[j].count);
        }
    }
    write_number(out, "init_refused", s->init_refused);
    write_number(out, "refused", s->refused);
    write_number(out, "dropped", s->dropped);
    write_number(out, "discarded", s->discarded);
    fprintf(out, ", \"longest_gap_ms\": %.3f, \"longest_collect_ms\": %.3f}",
            (double)s->longest_gap_ns / 1e6, (double)s->longest_collect_ns / 1e6);
}

int report_write(FILE *out, int exit_code)
{
    uint64_t lines[LOG_LEVELS];

    log_plugin_lines(lines);
    fprintf(out, "{\n  \"version\": \"%d.%d.%d\",\n  \"bare\": %s,\n  \"exit_code\": %d,\n",
            POSE_MAJOR, POSE_MINOR, POSE_PATCH, POSE_BARE ? "true" : "false", exit_code);
    fprintf(out, "  \"reloads\": %" PRIu64 ",\n  \"pauses\": %" PRIu64 ",\n  \"starved\": %" PRIu64
                 ",\n  \"register_faults\": %" PRIu64 ",\n  \"longest_drain_ms\": %.3f,\n  \"most_drained\": %" PRIu64 ",\n  \"held_most\": %" PRIu64 ",\n",
            totals.reloads, totals.pauses, totals.starved, totals.register_faults,
            (double)totals.longest_drain_ns / 1e6, totals.most_drained, totals.held_most);
    fprintf(out, "  \"registered_twice\": %" PRIu64 ",\n  \"exposed\": %" PRIu64 ",\n  \"written\": %" PRIu64 ",\n",
            totals.registered_twice, totals.exposed, totals.written);
    fprintf(out, "  \"allocations\": %" PRIu64 ",\n", buffers_allocations());
    fprintf(out, "  \"watches_malloc\": %s,\n", buffers_kept(0) != UINT64_MAX ? "true" : "false");
    fprintf(out, "  \"log\": {\"error\": %" PRIu64 ", \"warn\": %" PRIu64 ", \"info\": %" PRIu64
                 ", \"debug\": %" PRIu64 ", \"trace\": %" PRIu64 "},\n",
            lines[LOG_ERROR], lines[LOG_WARN], lines[LOG_INFO], lines[LOG_DEBUG],
            lines[LOG_TRACE]);
    fprintf(out, "  \"instances\": [\n");
    for (int i = 0; i < opts.n; i++) {
        instance_write(out, i);
        fprintf(out, "%s\n", i + 1 < opts.n ? "," : "");
    }
    fprintf(out, "  ]\n}\n");
    return fflush(out) == EOF ? -1 : 0;
}
