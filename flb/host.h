// SPDX-License-Identifier: Apache-2.0

/*
 * host.h: the program that has loaded this library.
 *
 * The first half is Fluent Bit's side of the boundary: the layouts of the structures
 * that it passes to a Go plugin, with the versions in which they are valid. The compiler
 * checks the offsets. The second half is ours: what the Go side calls. Nothing links
 * against Fluent Bit; its functions are looked up in the running process, and each may
 * be missing.
 */
#ifndef FLB_HOST_H
#define FLB_HOST_H

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Return codes of the callbacks (flb_output.h, all versions). */
enum { HOST_ERROR = 0, HOST_OK = 1, HOST_RETRY = 2 };

/* Log levels (flb_log.h, all versions). */
enum { HOST_LOG_ERROR = 1, HOST_LOG_WARN = 2, HOST_LOG_INFO = 3, HOST_LOG_DEBUG = 4 };

/* Plugin and proxy types (flb_plugin_proxy.h, all versions). */
enum { HOST_PROXY_INPUT = 1, HOST_PROXY_GOLANG = 11 };

/*
 * struct flb_plugin_proxy_def. Allocated by the host with 32 bytes up to 4.2.2,
 * 40 from 4.2.3, 48 from 5.1.1. config_map may be written only from that version on.
 */
struct host_def {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
    int event_type;   /* >= 4.2.3, for outputs */
    void *config_map; /* >= 5.1.1 */
};
_Static_assert(offsetof(struct host_def, name) == 16, "flb_plugin_proxy_def.name");
_Static_assert(offsetof(struct host_def, description) == 24, "flb_plugin_proxy_def.description");
_Static_assert(offsetof(struct host_def, config_map) == 40, "flb_plugin_proxy_def.config_map");
_Static_assert(sizeof(struct host_def) == 48, "flb_plugin_proxy_def");

/* struct flb_plugin_proxy, all versions that host Go inputs (2.0.0 on). */
struct host_proxy {
    struct host_def *def;
    void *api;
    void *instance; /* the last initialised instance */
    void *dso_handler;
    void *data;     /* struct host_plugin, for a plugin in Go */
    void *head[2];
};
_Static_assert(offsetof(struct host_proxy, instance) == 16, "flb_plugin_proxy.instance");
_Static_assert(sizeof(struct host_proxy) == 56, "flb_plugin_proxy");

/* struct flb_plugin_proxy_context: an input's context up to 4.0. */
struct host_context_old {
    void *remote_context;
    struct host_proxy *proxy; /* never NULL */
};

/* struct flb_plugin_input_proxy_context: an input's context from 4.1.0 on. */
struct host_context {
    int coll_fd;
    void *remote_context; /* handed to the ...Ctx callbacks; NULL at Init */
    struct host_proxy *proxy;
};
_Static_assert(offsetof(struct host_context_old, proxy) == 8, "flb_plugin_proxy_context.proxy");
_Static_assert(offsetof(struct host_context, remote_context) == 8, "flb_plugin_input_proxy_context.remote_context");
_Static_assert(offsetof(struct host_context, proxy) == 16, "flb_plugin_input_proxy_context.proxy");

/* struct flb_api. The last two exist from 4.0.3 on. */
struct host_api {
    const char *(*output_get_property)(const char *, void *);
    const char *(*input_get_property)(const char *, void *);
    void *(*output_get_cmt_instance)(void *);
    void *(*input_get_cmt_instance)(void *);
    void (*log_print)(int, const char *, int, const char *, ...);
    int (*input_log_check)(void *, int);
    int (*output_log_check)(void *, int);
    const char *(*custom_get_property)(const char *, void *);
    int (*custom_log_check)(void *, int);
};
_Static_assert(offsetof(struct host_api, input_log_check) == 40, "flb_api.input_log_check");
_Static_assert(sizeof(struct host_api) == 72, "flb_api");

/* In words: the functions that all versions have, and all functions. */
enum { HOST_API_ALWAYS = 7, HOST_API_WORDS = 9 };

/* struct flbgo_input_plugin, its head; one for all instances of a plugin. */
struct host_plugin {
    char *name;
    struct host_api *api;
    void *i_ins;
    void *context;
};

/* struct flb_config_map: the list of a plugin's options, from 5.1.1 on. */
struct host_option {
    int type;
    char *name; /* NULL ends the list */
    char *def_value;
    int flags;
    int set_property;
    uintptr_t offset;
    char *desc;
    uintptr_t value[5];
    void *head[2];
};
_Static_assert(offsetof(struct host_option, name) == 8, "flb_config_map.name");
_Static_assert(offsetof(struct host_option, desc) == 40, "flb_config_map.desc");
_Static_assert(offsetof(struct host_option, head) == 88, "flb_config_map._head");
_Static_assert(sizeof(struct host_option) == 104, "flb_config_map");

/* flb_config_map.type and .flags */
enum { HOST_OPTION_STR = 0, HOST_OPTION_INT = 2, HOST_OPTION_BOOL = 3, HOST_OPTION_DOUBLE = 4 };
enum { HOST_OPTION_DYNAMIC_ENV = 2 };

/* struct mk_list and struct cfl_list, all versions. */
struct host_list {
    struct host_list *prev;
    struct host_list *next;
};

/* struct mk_event_loop and the head of the epoll back end's context (all versions). */
struct host_event_loop {
    int size;
    int n_events;
    void *events;
    struct {
        int efd;
    } *data;
};
_Static_assert(offsetof(struct host_event_loop, data) == 16, "mk_event_loop.data");

/* ---- ours: what the host is ------------------------------------------------ */

/*
 * peek: copies n bytes from an address that may be invalid; returns 0 if all of them
 * could be read. peek_some: copies as many as can be read and returns their number.
 */
int host_peek(const void *from, void *to, size_t n);
size_t host_peek_some(const void *from, void *to, size_t n);

/* peek_sds: copies one of the host's strings and returns its length; 0 if there is none of 1 to size-1 bytes. */
size_t host_peek_sds(const char *sds, char *text, size_t size);

/* object is the program or a library, as mapped. */
enum { HOST_OBJECT_SEGMENTS = 8 };
struct host_object {
    int n;
    struct {
        uintptr_t from, to;
        int code, constant;
    } segments[HOST_OBJECT_SEGMENTS];
};

/* object_of: the object that contains an address, the program for NULL; returns 0 if there is one. */
int host_object_of(const void *address, struct host_object *found);
enum { HOST_IN_DATA = 1, HOST_IN_CODE = 2 };
int host_object_has(const struct host_object *o, const void *address);

#define HOST_VERSION(major, minor, patch) ((major) << 20 | (minor) << 10 | (patch))
struct host_version {
    int number;    /* HOST_VERSION(…), 0 if unknown */
    char text[32]; /* "5.1.1" */
};
struct host_version host_version(void);

/*
 * plain: the environment variable is set, and the plugin uses nothing but the callbacks.
 * may_write: the host's own structures may be written to, since its version has been
 * tested and the variable is not set.
 */
#define HOST_PLAIN_ENV "FLB_PLAIN_CALLBACKS"
int host_plain(void);
int host_may_write(void);

/* ---- ours: instances --------------------------------------------------------- */

enum { INSTANCE_MAX_FDS = 16, FLOW_SLICES = 4096 };

/* How much of an instance is searched: it has 1.2 to 1.6 KB, its context in the first 0.3. */
enum { INSTANCE_WORDS = 256, INSTANCE_HEAD_WORDS = 64 };

/*
 * ring is what is visible of the queue between an input's thread and the engine's: words
 * inside the host's own structures (see flow.c).
 */
struct ring {
    const size_t *read, *write; /* positions, in bytes */
    size_t size;                /* of the queue, in bytes */
    const int *flush_pending;   /* the engine was signalled, and has not emptied the queue since */
    size_t window;              /* slots at which the engine is signalled */
    size_t capacity;            /* of all slots */
};

/* flow describes the slices of an instance that the engine has not yet ingested. */
struct flow {
    int looked;                     /* for the ring, once */
    struct ring ring;               /* ring.size is 0 if none was found */
    uint64_t slices;                /* appended since the start */
    uint64_t bytes[FLOW_SLICES];    /* appended in all, by slice */
    uint64_t records[FLOW_SLICES];  /* likewise */
    uint64_t max_bytes;             /* in flight */
    uint64_t slice;                 /* size that a slice should not exceed; 0: nothing is known yet */
    int limited;                    /* one since the last session was that large */
    int64_t session;                /* when the engine was signalled to empty the ring; 0: it was not */
    uint64_t before;                /* slices that were ingested before */
    size_t read;                    /* the ring's read position then */
    int64_t draining;               /* when the position had changed; 0: it has not. Without a ring: when the session ends */
    int64_t closed_since;           /* since when nothing can be appended; 0: it can */
    int64_t taken_last;             /* when, since then, a slot was last used */

    struct {
        uint64_t slice;
        double cost;                /* nanoseconds a slice */
    } other;                        /* the last session with another size; 0: there was none */

    /* without a ring: the engine's own count of records */
    double base;                    /* what was appended, less the count, when nothing was in flight */
    double last;                    /* what it was when last read */
    int64_t last_read, last_moved;  /* when */
};

/*
 * instance is one configured input on the C side. The host stores it as remote_context
 * (>= 4.1); below that, the input's thread does. It is created at Init and freed at Exit.
 */
struct instance {
    uintptr_t handle; /* of the Go side; 0 for an input that stays idle */
    struct host_api *api;
    void *ins;                /* struct flb_input_instance */
    struct host_plugin *plugin_at; /* the argument of Init */
    struct host_proxy *shared_proxy; /* of all inputs of the plugin; NULL if unknown */
    union {
        struct host_proxy head;
        char room[512];       /* and later members on newer hosts */
    } proxy;                  /* which this input's context has instead */
    struct host_proxy **proxy_at; /* the place in the context */
    void **context_at;        /* where the host stores the context, until proxy_at is set (< 4.1) */
    void *cmt;                /* registry of the instance's metrics, or NULL */
    char *name;               /* "gdummy.0", or its alias; the Go side makes it unique */
    char *tag;                /* of the section, or NULL if it can't be read */
    char plugin[64];          /* "gdummy" */
    void **remote_context_at; /* where the host stores the instance, to pass it to collect (>= 4.1) */
    int can_refuse;           /* a failed Init prevents the start (>= 4.0.3) */
    int paused;               /* by the engine */
    pthread_t thread;         /* of all callbacks */
    int own_thread;           /* neither another input nor the engine uses the thread */
    struct instance *next;    /* the next one on the same thread */

    /* the event loop of the thread: what a wait polls */
    int loop_known;
    int loop_busy;            /* it has events that wait for the end of the collect */
    struct pollfd loop;
    int nfds;
    struct pollfd fds[INSTANCE_MAX_FDS + 1]; /* the last for wake_epoll */

    /* what else ends a wait: see wake.c */
    pthread_mutex_t wake_lock;
    int wake_epoll;           /* -1: not used */
    int wake_event;

    struct flow flow;
};

/* What the host can do, by the symbols that it exports. */
struct host_features {
    int v2_events;      /* events have metadata (>= 2.1.0) */
    int append;         /* the engine's append can be called */
    int append_counted; /* ... with the number of records */
    int metrics;        /* counters can be made */
    int dynamic_env;    /* ${VAR} can be looked up at run time */
    int options;        /* a definition has a list of options (>= 5.1.1) */
};

struct host_features host_features(void);

/*
 * Registration, see register.c. forked: the process is a child of the one that loaded this
 * library. reloads: inputs that are initialized now belong to a hot reload (known from 2.2
 * on). loads_are_over: inputs have been initialized, so that the next definition belongs
 * to another load.
 */
int host_forked(void);
int host_reloads(void);
void host_loads_are_over(void);
int host_is_registered(const struct host_def *def);

/* name_of: the instance's name or alias; NULL if the host has no such function. */
const char *host_name_of(void *ins);

/* tag_of: a copy of the section's tag, which the caller frees; NULL if it cannot be read. */
char *host_tag_of(void *ins, const void *context);

/* loses_routes: the input has conditional routes, and this version loses their records. */
int host_loses_routes(const struct instance *in);

/*
 * cannot_identify: several inputs share the thread, and neither a context (4.1) nor an
 * append shows whose records a collect returns.
 */
int host_cannot_identify(const struct instance *in);

/* on_thread: the caller runs on the instance's thread. Safe for concurrent use. */
int host_on_thread(const struct instance *in);

/* event_loop: the event loop of the thread; NULL if the host has no such function. */
void *host_event_loop(void);

/* log: writes one line, without a newline; host_log_check reports whether the level is on. */
int host_log_check(const struct instance *in, int level);
void host_log(const struct instance *in, int level, const char *line);

const char *host_property(const struct instance *in, const char *key);

/*
 * host_properties writes the section's properties, in order: for each '+', or '-' if it
 * has no value, its name and a NUL. It returns the number of bytes, 0 if the list is
 * empty or was not found.
 */
size_t host_properties(const struct instance *in, char *out, size_t size);

/* append: returns 0 if the host accepted the records. */
int host_append(struct instance *in, const char *tag, size_t tag_len, size_t records, const void *buf, size_t size);

/*
 * wait: sleeps for nsec nanoseconds, and longer if too much is in flight. WANTED: the
 * event loop of the thread has something to do (the next collect, a pause, the exit).
 * WOKEN, only if wakeable: see wake.c.
 */
enum { HOST_WAIT_WANTED = 0, HOST_WAIT_PASSED = 1, HOST_WAIT_WOKEN = 2 };
int host_wait(struct instance *in, int64_t nsec, int wakeable);

/* wake: see wake.c. host_wake and host_wake_open are safe for concurrent use. */
int host_wake_open(struct instance *in);
int host_wake(struct instance *in);
int host_watch(struct instance *in, int fd);
int host_unwatch(struct instance *in, int fd);
void wake_init(struct instance *in);
void wake_close(struct instance *in);
int wake_fd(const struct instance *in);
void wake_clear(struct instance *in);

/*
 * emit_at: appends slices of events, each when it is due, and returns their number: fewer
 * than n if the thread has something else to do or the host refuses one. The fields are
 * those of event.Slice.
 */
struct host_slice {
    int64_t end;
    int64_t records;
    int64_t due;
    int64_t emitted;
};
size_t host_emit_at(struct instance *in, const char *events, struct host_slice *slices, size_t n);
void host_forget_loop(struct instance *in);

/* translate: the text with its ${VAR} replaced, for host_translate_free; NULL if the host cannot. */
char *host_translate(const struct instance *in, const char *text);
void host_translate_free(char *text);

/* metric: creates a metric; NULL if the host has none. update: adds to a counter, or sets a gauge. */
enum host_metric_kind { HOST_COUNTER, HOST_GAUGE };
void *host_metric(const struct instance *in, enum host_metric_kind kind, const char *subsystem, const char *name, const char *help);
void host_metric_update(const struct instance *in, enum host_metric_kind kind, void *metric, double value);

/* flow: see flow.c. */
void flow_appended(struct instance *in, size_t records, size_t size);
int flow_must_wait(struct instance *in, int64_t now);
uint64_t flow_pending(struct instance *in);
uint64_t flow_taken(struct instance *in);
uint64_t flow_slice(const struct instance *in);
int flow_sees_ring(struct instance *in);
double host_ingested(const struct instance *in);
int64_t host_monotonic(void);

/*
 * memory: see memory.c. resident: bytes that the process has now, or -1. began: growth
 * counts from the first call. allow: excludes the growth of an input's own memory.
 * growth: bytes, measured more often above the limit.
 */
int64_t memory_resident(void);
void memory_began(void);
void memory_allow(int64_t bytes);
void memory_appended(size_t size);
int64_t memory_growth(int64_t limit);

/* describe: the version of the host and what is used of it, in one line for the log. */
void host_describe(struct instance *in, char *line, size_t size);

/* signals: see signals.c. */
void host_restore_signals(void);
void host_save_signals(void);
int host_keeps_signals(void);

/* print: log a line without an instance. */
void host_print(int level, const char *line);

/*
 * string: a copy of a text, for free(); NULL without memory. All memory of this
 * library's C code comes from calloc and realloc, whose failures the tests inject.
 */
char *host_string(const char *text);

#endif
