// SPDX-License-Identifier: Apache-2.0

/*
 * engine.h: instances, the engine, and the options and totals of the host. It is the second
 * part of host.h, which includes it.
 */
#ifndef FLBHOST_ENGINE_H
#define FLBHOST_ENGINE_H

#pragma GCC visibility push(hidden)

/* ---- instance.c, input.c and append.c: instances, their threads and collectors ---- */

struct instance_options {
    const char *name; /* NULL for the name of the plugin */
    struct property *props;
    size_t n;
};

struct collector {
    pthread_mutex_t lock; /* not in Fluent Bit: the thread of another input may pause this one */
    struct event_loop *loop;
    struct event event;
    bool running;
};

struct engine;

#define INSTANCE_MAGIC 0x666c6269u

enum instance_state { INSTANCE_NEW, INSTANCE_UP, INSTANCE_REFUSED, INSTANCE_DOWN };

struct flb_input_instance {
    uint32_t magic;
    _Atomic int state;
    int index;
    struct engine *engine;
    struct proxy *proxy;
    char name[64];
    char *alias;

    /* layout: the part of struct flb_input_instance that plugins may read */
    void **context; /* for collect, pause and exit */
    int ch_events[2];
    void *p;
    char *tag; /* an sds */
    int tag_len;

    void **init_context; /* for Init, before 4.1 */
    int log_level;
    bool threaded;
    struct list own_props;
    struct list *props; /* own_props, or another list with --hide-properties */

    _Atomic bool paused; /* by the engine, as mem_buf_limit does */
    struct collector collector;
    struct ring *ring;
    struct stats *stats;

    struct cmt *cmt;
    struct cmt_counter *cmt_records, *cmt_bytes;
    struct cmt_counter *cmt_writes, *cmt_retries, *cmt_failures;
    struct cmt_gauge *cmt_paused;

    pthread_t thread;
    bool thread_started;
    _Atomic uintptr_t tid; /* the thread that may append before 5.0 */
    struct event_loop *loop;
    struct flb_sched sched;
    struct event control_event, housekeeping_event;
    int control[2];
    pthread_mutex_t status_lock;
    pthread_cond_t status_changed;
    int status; /* 0 waiting, 1 up, 2 failed */
    uint64_t append_count; /* for --refuse-every */
    uint64_t chunk_count;  /* for --drop-every */

    struct flb_input_instance *next; /* in the list of all instances, see instance_known */
};

struct flb_input_instance *instance_create(struct engine *engine, int index,
                                           const struct instance_options *opts);
bool instance_known(const struct flb_input_instance *ins);
void instances_free(void);

int instance_init(struct flb_input_instance *ins);      /* 0, or -1 if Init fails */
void instance_start(struct flb_input_instance *ins);    /* collectors and PreRun */
void instance_abandon(struct flb_input_instance *ins);  /* after another instance failed to start */
int instance_pause(struct flb_input_instance *ins);     /* number of acks to wait for */
int instance_resume(struct flb_input_instance *ins);
void instance_exit(struct flb_input_instance *ins);
void instance_release(struct flb_input_instance *ins);

void collector_pause(struct flb_input_instance *ins);
void collector_resume(struct flb_input_instance *ins);
void collector_fire(struct flb_input_instance *ins);

int input_append(struct flb_input_instance *ins, ssize_t claimed, const char *tag, size_t tag_len,
                 const void *data, size_t size);
const char *input_name(struct flb_input_instance *ins);

/* For api.c's table and the exported names. */
EXPORT const char *flb_input_name(struct flb_input_instance *ins);
EXPORT void flb_log_print(int level, const char *file, int line, const char *fmt, ...);

/* ---- engine.c: the pipeline thread ---- */

enum command { CMD_STOP = 1, CMD_PAUSE, CMD_RESUME, CMD_PAUSES };

/* Notices to the main thread, one byte each. */
enum notice {
    NOTICE_RECORDS = 'r', /* the number of --records is reached */
    NOTICE_COLLECTS = 'c', /* the number of --collects is reached */
    NOTICE_PAUSES = 'p',  /* all --pauses are complete */
    NOTICE_BROKEN = 'b',  /* the reader has closed the output */
    NOTICE_STOP = 't',    /* SIGINT, SIGTERM */
    NOTICE_RELOAD = 'h',  /* SIGHUP */
};

void notify(enum notice what);

struct engine {
    struct proxy *proxy;
    struct flb_input_instance **instances;
    int n;

    pthread_t thread;
    struct event_loop *loop;
    struct flb_sched sched;
    struct event manager_event, ack_event, drain_event, tick_event;
    int manager[2], acks[2];

    pthread_mutex_t status_lock;
    pthread_cond_t status_changed;
    int status; /* 0 starting, 1 running, 2 failed */

    _Atomic bool ingestion_active;
    _Atomic uint64_t stop_requested_ns;
    int shutdown_by_reload;
    bool stop;
    int acks_pending;
    long pauses_left;
    bool pauses_resume; /* the next step of --pauses is a resume */
    bool records_told, broken_told;

    struct held *held; /* data that the output does not accept yet (--hold-until) */
    uint64_t held_bytes;
};

struct engine *engine_create(struct proxy *proxy);
int engine_start(struct engine *engine); /* 0, or -1 if an input fails to start */
void engine_command(struct engine *engine, enum command command, int arg);
void engine_stop(struct engine *engine, int shutdown_by_reload);
void engine_free(struct engine *engine);
void engine_ack(struct engine *engine);

/* ---- ingest.c: from the rings to the output ---- */

#define GRACE_NS 5000000000u /* Fluent Bit's default grace at shutdown */

void engine_ingest(struct flb_input_instance *ins, const char *tag, ssize_t claimed,
                   const uint8_t *data, size_t size);
void engine_drain(struct engine *engine);        /* all rings */
bool output_holds(void);                         /* whether --hold-until holds data back */
void engine_release_held(struct engine *engine); /* frees what was held back */

/* ---- options and totals, set by main.c ---- */

struct options {
    const char *plugin;
    struct instance_options *instances;
    int n;
    long tick_ms;
    double seconds;       /* 0: no limit */
    uint64_t records;     /* 0: no limit */
    uint64_t collects;    /* 0: no limit */
    const char *output;
    bool threaded;
    const char *script;
    long reloads, pauses;
    long drain_ms, filter_us;
    const char *hold_until;
    long ballast_mb;
    uint64_t refuse_every;
    long fail_alloc;
    uint64_t drop_every;
    uint64_t routes;
    long ring, window;
    bool hide_ring, hide_properties, stick_flush, twice;
    enum { ALLOC_MALLOC, ALLOC_BEFORE, ALLOC_BEHIND } alloc;
    const char *before, *after; /* libraries loaded before and after the plugin */
    bool daemon, list_options, metrics;
    const char *report;
};

extern struct options opts;
extern struct stats *all_stats; /* opts.n of them */

struct totals {
    _Atomic uint64_t output, collects;
    _Atomic uint64_t pauses, reloads, starved, longest_drain_ns, most_drained, held_most;
    _Atomic uint64_t register_faults;
    _Atomic uint64_t registered_twice;
    _Atomic uint64_t exposed; /* SIGCONTs that left the plugin without its handler of SIGSEGV */
    _Atomic uint64_t written; /* words written by the plugin to structures of the host */
};

extern struct totals totals;
extern int notices[2]; /* pipe to the main thread */

int options_parse(int argc, char **argv);
void options_free(void);

/* ---- report.c ---- */

int report_verdict(void);
int report_write(FILE *out, int exit_code);
void report_explain(void);

#pragma GCC visibility pop

#endif
