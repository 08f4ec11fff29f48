// SPDX-License-Identifier: Apache-2.0

/*
 * host.h: declarations shared by the files of the host.
 *
 * The host is a small Fluent Bit with one plugin, its input instances, and a
 * pipeline that counts, checks and prints. Terms are those of Fluent Bit: an
 * instance collects on its own thread and appends chunks to its ring, and the
 * engine thread ingests them.
 *
 * Structs that a plugin can see (named flb_… or marked "layout") have the
 * fields of the emulated release. All others are our own. All symbols are
 * hidden from the dynamic linker, so that they cannot shadow those of the
 * plugin, except for the exports of Fluent Bit, which are marked EXPORT.
 */
#ifndef FLBHOST_HOST_H
#define FLBHOST_HOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "pose.h"

#pragma GCC visibility push(hidden)

/* Exit codes. */
enum { EXIT_FINE = 0, EXIT_CONTRACT = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

/* Fluent Bit's log levels. */
enum { LOG_OFF = 0, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE, LOG_LEVELS };

/* ---- loop.c: an epoll loop with the layout of Monkey's, which plugins may read ---- */

struct list {
    struct list *prev, *next;
};

/* layout: struct mk_event */
struct event {
    int fd;
    int type;
    uint32_t mask;
    uint8_t status;
    void *data; /* ours: the owner of the event */
    int (*handler)(void *);
    struct list head;
    struct list priority_head;
    char priority;
};

/* layout: struct mk_event_loop; data points at the backend */
struct event_loop {
    int size;
    int n_events;
    struct event *events;
    void *data;
    struct event_backend *backend; /* ours: equal to data in all releases */
};

struct epoll_event;

/* layout: struct mk_event_ctx */
struct event_backend {
    int efd;
    int queue_size;
    struct epoll_event *events;
};

/* Event types, with the values of the release. */
#define EV_COLLECTOR 0 /* a collector's timer */
#define EV_SCHED 2048  /* a timer of the scheduler */
#if POSE_SCHED_CORO
#define EV_CONTROL (1 << 14) /* a message from the engine to an input thread */
#define EV_RING (1 << 15)    /* an input's ring has reached its window */
#else
#define EV_CONTROL 8192
#define EV_RING 16384
#endif
#define EV_MANAGER 1 /* engine: a command from the main thread */
#define EV_ACK 3     /* engine: an input thread has handled a message */

struct event_loop *loop_create(int size);
void loop_destroy(struct event_loop *loop);
int loop_add(struct event_loop *loop, int fd, int type, struct event *event);
void loop_del(struct event_loop *loop, struct event *event);
int loop_timer(struct event_loop *loop, time_t sec, long nsec, int type, struct event *event);
int loop_channel(struct event_loop *loop, int fds[2], int type, struct event *event);
int loop_wait(struct event_loop *loop, int timeout_ms);
struct event *loop_event(struct event_loop *loop, int i);
bool timer_consume(int fd);

/* layout: struct flb_sched */
struct flb_sched {
#if POSE_SCHED_CORO
    struct event event;
#endif
    struct list requests;
    struct list requests_wait;
    struct list timers;
    struct list timers_drop;
#if POSE_SCHED_CORO
    struct list timer_coro_list;
    struct list timer_coro_list_drop;
#endif
    int frame_fd;
    struct event_loop *evl;
    struct flb_config *config;
#if POSE_SCHED_CORO
    int ch_events[2];
#endif
};

void sched_init(struct flb_sched *sched, struct event_loop *loop, struct flb_config *config);

/* The loop and the scheduler of the calling thread, as in Fluent Bit. */
void thread_set(struct event_loop *loop, struct flb_sched *sched, const char *name);

/* The clock, in loop.c as well. */

uint64_t now_ns(void);
void sleep_us(long us);
void sleep_ms(long ms);

/* ---- alloc.c, watch.c, version.c ---- */

void *host_alloc(size_t size); /* zeroed */
void host_free(void *p);

void watch(const void *at, size_t size);
void watch_look(void);
void watch_end(const void *at);

EXPORT int flb_engine_start(void);

/* ---- log.c ---- */

void log_level_set(int level);
int log_level_get(void);
int log_level_parse(const char *name);
void host_log(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const uint64_t *log_plugin_lines(uint64_t lines[LOG_LEVELS]);
uint64_t log_held_lines(void);

/* ---- env.c: ${VAR} in properties, and the config map ---- */

struct flb_env {
    int warn_unused;
};

struct flb_config {
    struct flb_env *env;
};

extern struct flb_config the_config;

/* layout: struct flb_config_map, an array terminated by an entry with name NULL */
struct flb_config_map {
    int type;
    char *name;
    char *def_value;
    int flags;
    int set_property;
    uintptr_t offset;
    char *desc;
    struct {
        union {
            double d;
            void *p;
        } val;
        char *raw;
        struct list *mult;
        struct list head;
    } value;
    struct list head;
};
_Static_assert(sizeof(struct flb_config_map) == 104, "config map entry");
_Static_assert(offsetof(struct flb_config_map, desc) == 40, "config map entry");

enum { MAP_STR, MAP_STR_PREFIX, MAP_INT, MAP_BOOL, MAP_DOUBLE, MAP_SIZE, MAP_TIME, MAP_DEPRECATED };
enum { MAP_MULT = 1, MAP_DYNAMIC_ENV = 2 };

/* layout: struct flb_kv; those of an instance have sds strings */
struct property {
    char *key;
    char *value; /* NULL if empty */
    struct list head;
};

static inline struct property *property_at(struct list *head)
{
    return (struct property *)((char *)head - offsetof(struct property, head));
}

bool config_map_dynamic(const struct flb_config_map *map, const char *key);
bool config_map_check(const struct flb_config_map *map, const char *plugin,
                      const struct list *props);
void config_map_print(const struct flb_config_map *map, const char *name, const char *desc);

/* Strings with Fluent Bit's length header before the text. */
char *sds_new(const char *text, size_t len);
void sds_free(char *sds);
char *env_translate(const char *value);

/* ---- metrics.c: a recording registry with the cmt_ functions ---- */

struct cmt;
struct cmt_counter;
struct cmt_gauge;

struct cmt *metrics_create(void);
void metrics_destroy(struct cmt *cmt);
char *metrics_text(struct cmt *cmt); /* free with sds_free */

EXPORT int cmt_counter_add(struct cmt_counter *c, uint64_t ts, double val, int n, char **labels);
EXPORT int cmt_counter_set(struct cmt_counter *c, uint64_t ts, double val, int n, char **labels);
EXPORT int cmt_gauge_set(struct cmt_gauge *g, uint64_t ts, double val, int n, char **labels);
EXPORT struct cmt_counter *cmt_counter_create(struct cmt *cmt, char *ns, char *subsystem, char *name,
                                       char *help, int n, char **keys);
EXPORT struct cmt_gauge *cmt_gauge_create(struct cmt *cmt, char *ns, char *subsystem, char *name,
                                   char *help, int n, char **keys);
uint64_t wall_ns(void);

/* ---- the contents of the report: one per instance index, kept across reloads ---- */

struct stats {
    _Atomic uint64_t records, output, bytes, appends;
    _Atomic uint64_t collects, empty_collects, handed, cleanups;
    _Atomic uint64_t not_cleaned;   /* returned on a path without cleanup: -1, or no length */
    _Atomic uint64_t lost;          /* returned together with -1 */
    _Atomic uint64_t malformed, wrong_counts;
    _Atomic uint64_t refused, dropped, discarded;
    _Atomic uint64_t late_appends;  /* after Exit */
    _Atomic uint64_t wrong_thread;  /* not on the input thread, where required */
    _Atomic uint64_t init_refused, missing_symbols;
    _Atomic uint64_t last_append_ns, longest_gap_ns, longest_collect_ns;
};

void stats_max(_Atomic uint64_t *field, uint64_t value);

/* ---- buffers.c: the buffers that the plugin has returned, and its allocations ---- */

void buffers_of(const void *code); /* of the plugin, for --fail-alloc */
uint64_t buffers_allocations(void);
void buffers_handed(int index, void *data);
uint64_t buffers_kept(int index);  /* never freed; UINT64_MAX if malloc cannot be replaced */
uint64_t buffers_freed_twice(int index);

/* ---- msgpack.c and msgprint.c ---- */

struct record {
    uint32_t sec, nsec;
    const uint8_t *meta, *body, *raw; /* meta is NULL in a legacy event */
    size_t raw_size;
};

enum record_status { RECORD_OK, RECORD_WRONG, RECORD_UNREADABLE };

size_t msgpack_skip(const uint8_t *p, const uint8_t *end);
enum record_status record_next(const uint8_t **p, const uint8_t *end, struct record *r);
size_t record_count(const uint8_t *p, size_t size);
void msgpack_print(FILE *out, const uint8_t *p, const uint8_t *end);
void msgpack_json(FILE *out, const uint8_t *p, const uint8_t *end);
void json_string(FILE *out, const char *text, size_t len);

/* ---- output.c ---- */

int output_open(const char *spec, int instances);
void output_record(int index, const char *tag, const struct record *r);
void output_tick(void);  /* once per second: starts a new chunk, numbered from 0 */
void output_flush(void);
bool output_broken(void);
void output_close(void);

/* ---- ring.c ---- */

struct chunk {
    char *tag; /* NULL for the tag of the instance */
    ssize_t claimed; /* number of records according to the plugin, or -1 */
    size_t size;
    uint8_t data[];
};

/* layout: lwrb_t, the queue of bytes in it */
struct queue {
    uint32_t magic1;
    uint8_t *buff;
    size_t size; /* 1 + the capacity */
    size_t r, w;
    void *evt_fn;
    uint32_t magic2;
};
_Static_assert(offsetof(struct queue, r) == 24, "queue");
_Static_assert(offsetof(struct queue, magic2) == 48, "queue");

/* layout: struct flb_ring_buffer; sizes are in bytes */
struct ring {
#if POSE_RING_LOCK
    pthread_mutex_t lock;
#endif
    struct queue *ctx;
    void *event_loop;
    int flush_pending;
    struct event *signal_event;
    int signal_channels[2];
    uint64_t data_window;
    uint64_t data_size;
    void *data_buf;
#if !POSE_RING_LOCK
    pthread_mutex_t lock; /* ours, after the members of the release */
#endif
};

struct ring *ring_create(size_t slots);
void ring_free(struct ring *ring);
int ring_attach(struct ring *ring, struct event_loop *loop);
void ring_detach(struct ring *ring);
int ring_push(struct ring *ring, struct chunk *chunk);
struct chunk *ring_pop(struct ring *ring);
void ring_signal_read(struct ring *ring);
void ring_flushed(struct ring *ring);

/* ---- proxy.c: the library, its callbacks, and the structs passed to it ---- */

struct flb_input_instance;
struct flb_output_instance;
struct flb_custom_instance;

/* layout: struct flb_plugin_proxy_def */
struct proxy_def {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
#if POSE_DEF_EVENT_TYPE
    int event_type;
#endif
#if POSE_DEF_CONFIG_MAP
    struct flb_config_map *config_map;
#endif
};
_Static_assert(sizeof(struct proxy_def) == (POSE_DEF_CONFIG_MAP ? 48 : POSE_DEF_EVENT_TYPE ? 40 : 32),
               "proxy definition");

/* layout: struct flb_api */
struct api {
    const char *(*output_get_property)(const char *, struct flb_output_instance *);
    const char *(*input_get_property)(const char *, struct flb_input_instance *);
    void *(*output_get_cmt_instance)(struct flb_output_instance *);
    void *(*input_get_cmt_instance)(struct flb_input_instance *);
    void (*log_print)(int, const char *, int, const char *, ...);
    int (*input_log_check)(struct flb_input_instance *, int);
    int (*output_log_check)(struct flb_output_instance *, int);
#if POSE_API_CUSTOM
    const char *(*custom_get_property)(const char *, struct flb_custom_instance *);
    int (*custom_log_check)(struct flb_custom_instance *, int);
#endif
};
_Static_assert(sizeof(struct api) == (POSE_API_CUSTOM ? 9 : 7) * sizeof(void *), "api");

/* layout: struct flbgo_input_plugin */
struct go_input {
    char *name;
    struct api *api;
    void *i_ins;
    void *context;
    int (*cb_init)(void *);
    int (*cb_collect)(void **, size_t *);
#if POSE_CTX_CALLBACKS
    int (*cb_collect_ctx)(void *, void **, size_t *);
#endif
    int (*cb_cleanup)(void *);
#if POSE_CTX_CALLBACKS
    int (*cb_cleanup_ctx)(void *, void *);
#endif
    int (*cb_exit)(void);
};

/* layout: struct flb_plugin_proxy */
struct proxy {
    struct proxy_def *def;
    struct api *api;
    void *instance; /* written by plugins that avoid the pause bug: use the accessors */
    void *dso_handler;
    struct go_input *data;
    struct list head;
};
_Static_assert(sizeof(struct proxy) == 56, "proxy");

/* ---- layout.c: the layouts of these structs and of the context of an instance ---- */

struct layout {
    const char *name;
    int remote, proxy, words; /* of the context */
    bool filled;              /* its second word is not NULL */
    int proxy_before, proxy_behind, plugin_before; /* words */
    bool loop_moved;
};

extern const struct layout *layout;
int layout_set(const char *name);

struct proxy *proxy_alloc(void);
void *proxy_shown(struct proxy *proxy);
size_t proxy_size(void);
bool proxy_whole(struct proxy *proxy, struct proxy *original);
struct go_input *plugin_alloc(void);
void *plugin_shown(struct go_input *plugin);

/* layout: struct flb_plugin_input_proxy_context; before 4.1 Init gets another of the same shape */
void **context_create(struct proxy *proxy);
size_t context_size(void);
void *context_remote(void **context);
struct proxy *context_proxy(void **context);

struct proxy *proxy_load(const char *path, int hot_reloading);
void proxy_unload(struct proxy *proxy);
void proxy_load_again(const char *path, int hot_reloading);
void *proxy_instance(struct proxy *proxy);
const struct flb_config_map *proxy_config_map(const struct proxy *proxy);
const char *proxy_name(const struct proxy *proxy);

int proxy_input_init(struct flb_input_instance *ins);
void proxy_input_prerun(struct flb_input_instance *ins, int hot_reload_enabled);
void proxy_input_collect(struct flb_input_instance *ins);
void proxy_input_pause(struct flb_input_instance *ins);
void proxy_input_resume(struct flb_input_instance *ins);
void proxy_input_exit(struct flb_input_instance *ins, int shutdown_by_reload);

#pragma GCC visibility pop

#include "engine.h"

#endif
