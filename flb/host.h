/*
 * host.h: what this package knows of the program that has loaded it.
 *
 * The first half is Fluent Bit's side of the boundary: the layouts of the
 * structures that it hands to a Go plugin, with the versions in which they are
 * valid. Offsets are checked by the compiler. The second half is ours: what the
 * Go side calls. Nothing here links against Fluent Bit; its functions are looked
 * up in the running process, and each may be missing.
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
 * 40 from 4.2.3, 48 from 5.1.1. config_map may be written only where the version
 * says that there is room for it.
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
    void *instance; /* the instance that was initialised last */
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

/* struct flb_api. The last two are there from 4.0.3 on. */
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

/* In words: the functions that all versions have, and all of them. */
enum { HOST_API_ALWAYS = 7, HOST_API_WORDS = 9 };

/* struct flbgo_input_plugin, its head; one for all instances of a plugin. */
struct host_plugin {
    char *name;
    struct host_api *api;
    void *i_ins;
    void *context;
};

/* struct flb_config_map, from 5.1.1 on the list of a plugin's options. */
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
 * peek: copies n bytes from an address that may be no address; 0 if all of them
 * could be read. peek_some: as many as can be read, from the first on.
 */
int host_peek(const void *from, void *to, size_t n);
size_t host_peek_some(const void *from, void *to, size_t n);

/* object is the program or a library, as it is mapped. */
enum { HOST_OBJECT_SEGMENTS = 8 };
struct host_object {
    int n;
    struct {
        uintptr_t from, to;
        int code, constant;
    } segments[HOST_OBJECT_SEGMENTS];
};

/* object_of: the one that an address lies in, the program for NULL; 0 if there is one. */
int host_object_of(const void *address, struct host_object *found);
enum { HOST_IN_DATA = 1, HOST_IN_CODE = 2 };
int host_object_has(const struct host_object *o, const void *address);

#define HOST_VERSION(major, minor, patch) ((major) << 20 | (minor) << 10 | (patch))
struct host_version {
    int number;    /* HOST_VERSION(…), 0 if it is not known */
    char text[32]; /* "5.1.1" */
};
struct host_version host_version(void);

/*
 * plain: the plugin may use nothing but the callbacks, by the wish of whoever has
 * set this variable. may_write: the host's own structures may be written to, as its
 * version is one that was tried, and nobody has set it.
 */
#define HOST_PLAIN_ENV "FLB_PLAIN_CALLBACKS"
int host_plain(void);
int host_may_write(void);

/* ---- ours: instances --------------------------------------------------------- */

enum { INSTANCE_MAX_FDS = 16, FLOW_SLICES = 4096 };

/* How much of an instance is looked at: it has 1.2 to 1.6 KB, its context in the first 0.3. */
enum { INSTANCE_WORDS = 256, INSTANCE_HEAD_WORDS = 64 };

/*
 * ring is the queue between an input's thread and the engine's, as far as it can
 * be seen: words inside the host's own structures (see flow.c).
 */
struct ring {
    const size_t *read, *write; /* positions, in bytes */
    size_t size;                /* of the queue, in bytes */
    const int *flush_pending;   /* the engine was told to empty it, and has not done so */
    size_t window;              /* slots at which the engine is told */
    size_t capacity;            /* slots in all */
};

/* flow is what an instance knows of its slices that the engine has not yet taken. */
struct flow {
    int looked;                     /* for the ring */
    struct ring ring;               /* ring.size is 0 if none was found */
    uint64_t slices;                /* appended since the start */
    uint64_t bytes[FLOW_SLICES];    /* appended in all, by slice */
    uint64_t records[FLOW_SLICES];  /* likewise */
    uint64_t max_bytes;             /* under way */
    int64_t session;                /* since when the engine is emptying the ring; 0: it is not */
    int64_t closed_since;           /* when nothing more could be appended; 0: it can */
    int64_t taken_last;             /* when, since then, a slot was last seen taken */

    /* without a ring: the engine's own count of records */
    double base;                    /* what it was when nothing was under way, less what was appended */
    double last;                    /* what it was when last read */
    int64_t last_read, last_moved;  /* when */
};

/*
 * instance is one configured input, as the C side knows it. It is what the host
 * keeps as remote_context (>= 4.1), and what the thread that serves it remembers
 * (below). It is created at Init and freed at Exit.
 */
struct instance {
    uintptr_t handle; /* of the Go side; 0 for an input that stays idle */
    struct host_api *api;
    void *ins;                /* struct flb_input_instance */
    struct host_plugin *plugin_at; /* what Init was called with */
    struct host_proxy *shared_proxy; /* of all inputs of the plugin; NULL if it is not known */
    union {
        struct host_proxy head;
        char room[512];       /* and whatever a host may have behind it */
    } proxy;                  /* what this input's context has instead */
    struct host_proxy **proxy_at; /* where it has that */
    void **context_at;        /* where the host keeps the context, until that is done (< 4.1) */
    void *cmt;                /* registry of the instance's metrics, or NULL */
    char *name;               /* "gdummy.0", or its alias; the Go side makes it unlike others */
    char *tag;                /* of the section, or NULL if it can't be read */
    char plugin[64];          /* "gdummy" */
    void **remote_context_at; /* where the host keeps the instance, to hand it to collect (>= 4.1) */
    int can_refuse;           /* an Init that fails stops the start (>= 4.0.3) */
    int paused;               /* by the engine */
    pthread_t thread;         /* of all callbacks */
    int own_thread;           /* no other input and not the engine runs on this thread */
    struct instance *next;    /* the next one on the same thread */

    /* the event loop of the thread, as far as waiting needs it */
    int loop_known;
    int loop_busy;            /* with what waits for the end of the collect */
    struct pollfd loop;
    int nfds;
    struct pollfd fds[INSTANCE_MAX_FDS + 1]; /* the last for wake_epoll */

    /* what else ends a wait: see wake.c */
    pthread_mutex_t wake_lock;
    int wake_epoll;           /* -1: not used */
    int wake_event;

    struct flow flow;
};

/* What the host can do, as far as the symbols that it exports tell. */
struct host_features {
    int v2_events;      /* events have metadata (>= 2.1.0) */
    int append;         /* the engine's append can be called */
    int append_counted; /* ... with the number of records */
    int metrics;        /* counters can be made */
    int dynamic_env;    /* ${VAR} can be looked up at run time */
    int options;        /* a definition has room for the list of options (>= 5.1.1) */
};

struct host_features host_features(void);

/* name_of: the instance's name or alias; NULL if the host can't tell. */
const char *host_name_of(void *ins);

/* tag_of: a copy of the section's tag, to be freed; NULL if it can't be read. */
char *host_tag_of(void *ins, const void *context);

/* loses_routes: the input has conditional routes, and the version has none for it. */
int host_loses_routes(const struct instance *in);

/*
 * cannot_identify: several inputs share the thread, and neither a context (4.1) nor an
 * append shows whose records a collect returns.
 */
int host_cannot_identify(const struct instance *in);

/* on_thread: the caller runs on the instance's thread. Safe for concurrent use. */
int host_on_thread(const struct instance *in);

/* log: one line, without its end, at a level; host_log_check asks first. */
int host_log_check(const struct instance *in, int level);
void host_log(const struct instance *in, int level, const char *line);

const char *host_property(const struct instance *in, const char *key);

/*
 * host_properties writes the section's properties, in order: for each '+', or '-' if
 * it has no value, its name and a NUL. It returns how many bytes that takes, 0 if
 * the list is empty or was not found.
 */
size_t host_properties(const struct instance *in, char *out, size_t size);

/* append: 0 if the host took the records. */
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
 * emit_at: appends slices of events, each at its moment, and returns how many: fewer
 * than n if the thread has something else to do, or if the host did not take one.
 * The fields are those of event.Slice.
 */
struct host_slice {
    int64_t end;
    int64_t records;
    int64_t due;
    int64_t emitted;
};
size_t host_emit_at(struct instance *in, const char *events, struct host_slice *slices, size_t n);
void host_forget_loop(struct instance *in);

/* translate: the text with its ${VAR} replaced, to be freed by host_translate_free; NULL if it can't. */
char *host_translate(const struct instance *in, const char *text);
void host_translate_free(char *text);

void *host_counter(const struct instance *in, const char *subsystem, const char *name, const char *help);
void host_counter_add(const struct instance *in, void *counter, double value);
void *host_gauge(const struct instance *in, const char *subsystem, const char *name, const char *help);
void host_gauge_set(const struct instance *in, void *gauge, double value);

/* flow: see flow.c. */
void flow_appended(struct instance *in, size_t records, size_t size);
int flow_must_wait(struct instance *in, int64_t now);
uint64_t flow_pending(struct instance *in);
uint64_t flow_taken(struct instance *in);
int flow_sees_ring(struct instance *in);
double host_ingested(const struct instance *in);
int64_t host_monotonic(void);

/*
 * memory: see memory.c. resident: bytes that the process has now, or -1. began:
 * the first input begins, growth counts from here. allow: growth of so many bytes
 * is an input's own and does not count. growth: bytes, for who waits at a limit.
 */
int64_t memory_resident(void);
void memory_began(void);
void memory_allow(int64_t bytes);
void memory_appended(size_t size);
int64_t memory_growth(int64_t limit);

/* describe: what the host is and what is used of it, in one line for the log. */
void host_describe(struct instance *in, char *line, size_t size);

/* signals: see signals.c. */
void host_restore_signals(void);
void host_save_signals(void);
int host_keeps_signals(void);

/* warn: a line in the log, at a time at which there is no instance. */
void host_warn(const char *line);

#endif
