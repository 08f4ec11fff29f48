// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * host.c: calls into the host.
 *
 * Functions that the host does not pass to plugins are looked up by name in the running
 * process. Without one of them a feature is missing, never the plugin. With
 * FLB_PLAIN_CALLBACKS most of them are not looked up.
 */
#define _GNU_SOURCE
#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

static struct {
    int (*append)(void *, const char *, size_t, const void *, size_t);
    int (*append_records)(void *, size_t, const char *, size_t, const void *, size_t);
    const char *(*input_name)(void *);
    void *(*evl_get)(void);
    void *(*sched_get)(void);
    char *(*translate)(void *, void *);
    void (*sds_destroy)(char *);
    void *(*counter_create)(void *, char *, char *, char *, char *, int, char **);
    int (*counter_add)(void *, uint64_t, double, int, char **);
    void *(*gauge_create)(void *, char *, char *, char *, char *, int, char **);
    int (*gauge_set)(void *, uint64_t, double, int, char **);
    void *encoder_create; /* only whether it exists matters */
    char *(*text_create)(void *);
    void (*text_destroy)(char *);
    void (*log_print)(int, const char *, int, const char *, ...);
} fn;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void look_up(void)
{
    /* POSIX requires this form for a conversion from an object to a function pointer. */
    *(void **) &fn.input_name = dlsym(RTLD_DEFAULT, "flb_input_name");
    *(void **) &fn.log_print = dlsym(RTLD_DEFAULT, "flb_log_print");
    fn.encoder_create = dlsym(RTLD_DEFAULT, "flb_log_event_encoder_create");
    if (host_plain()) {
        return;
    }
    *(void **) &fn.append = dlsym(RTLD_DEFAULT, "flb_input_log_append");
    *(void **) &fn.append_records = dlsym(RTLD_DEFAULT, "flb_input_log_append_records");
    *(void **) &fn.evl_get = dlsym(RTLD_DEFAULT, "flb_engine_evl_get");
    *(void **) &fn.sched_get = dlsym(RTLD_DEFAULT, "flb_sched_ctx_get");
    *(void **) &fn.translate = dlsym(RTLD_DEFAULT, "flb_config_map_translate_dynamic");
    *(void **) &fn.sds_destroy = dlsym(RTLD_DEFAULT, "flb_sds_destroy");
    *(void **) &fn.counter_create = dlsym(RTLD_DEFAULT, "cmt_counter_create");
    *(void **) &fn.counter_add = dlsym(RTLD_DEFAULT, "cmt_counter_add");
    *(void **) &fn.gauge_create = dlsym(RTLD_DEFAULT, "cmt_gauge_create");
    *(void **) &fn.gauge_set = dlsym(RTLD_DEFAULT, "cmt_gauge_set");
    *(void **) &fn.text_create = dlsym(RTLD_DEFAULT, "cmt_encode_text_create");
    *(void **) &fn.text_destroy = dlsym(RTLD_DEFAULT, "cmt_encode_text_destroy");
}

struct host_features host_features(void)
{
    pthread_once(&once, look_up);
    return (struct host_features) {
        .v2_events = fn.encoder_create != NULL,
        .append = fn.append != NULL || fn.append_records != NULL,
        .append_counted = fn.append_records != NULL,
        .metrics = fn.counter_create != NULL && fn.counter_add != NULL,
        .options = host_may_write() && host_version().number >= HOST_VERSION(5, 1, 1),
        .dynamic_env = fn.translate != NULL && fn.sds_destroy != NULL && fn.sched_get != NULL && fn.evl_get != NULL,
    };
}

const char *host_name_of(void *ins)
{
    pthread_once(&once, look_up);
    return fn.input_name ? fn.input_name(ins) : NULL;
}

void host_warn(const char *line)
{
    pthread_once(&once, look_up);
    if (fn.log_print) {
        fn.log_print(HOST_LOG_WARN, NULL, 0, "%s", line);
        return;
    }
    fprintf(stderr, "%s\n", line);
}

int host_on_thread(const struct instance *in)
{
    return pthread_equal(in->thread, pthread_self());
}

int host_log_check(const struct instance *in, int level)
{
    return in->api->input_log_check(in->ins, level);
}

void host_log(const struct instance *in, int level, const char *line)
{
    in->api->log_print(level, NULL, 0, "[input:%s:%s] %s", in->plugin, in->name, line);
}

const char *host_property(const struct instance *in, const char *key)
{
    return in->api->input_get_property(key, in->ins);
}

int host_append(struct instance *in, const char *tag, size_t tag_len, size_t records, const void *buf, size_t size)
{
    int ret = -1;

    if (tag_len == 0) {
        tag = NULL;
    }
    if (fn.append_records) {
        ret = fn.append_records(in->ins, records, tag, tag_len, buf, size);
    }
    else if (fn.append) {
        ret = fn.append(in->ins, tag, tag_len, buf, size);
    }
    if (ret == 0) {
        flow_appended(in, records, size);
        memory_appended(size);
    }
    return ret;
}

/* ---- waiting ---------------------------------------------------------- */

/*
 * The thread's event loop is an epoll descriptor. /proc lists what it watches: the
 * collect timer, recognized by its interval of one second, and the pipes through which
 * the engine sends messages to the thread. A wait polls those as well as the clock, so
 * that a collect can last until the next one is due, and ends at once when the engine
 * needs the thread. The timer for the thread's own housekeeping must not end a collect:
 * the next one would only follow a second later.
 */
static int proc_is(int fd, const char *kind)
{
    char path[64], target[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0) {
        return 0;
    }
    target[n] = '\0';
    return strcmp(target, kind) == 0;
}

static int timer_is_collect(int fd)
{
    char path[64], line[128];
    long sec = -1, nsec = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    f = fopen(path, "re");
    if (!f) {
        return 0;
    }
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "it_interval: (%ld, %ld)", &sec, &nsec) == 2) {
            break;
        }
    }
    fclose(f);
    return sec == 1 && nsec == 0;
}

static void find_loop(struct instance *in)
{
    struct host_event_loop loop;
    char path[64], line[256];
    int fd, efd, collect = 0;
    FILE *f;

    in->loop_known = 1;
    in->loop_busy = 0;
    in->nfds = 0;
    if (!fn.evl_get || host_peek(fn.evl_get(), &loop, sizeof(loop)) != 0 || host_peek(loop.data, &efd, sizeof(efd)) != 0) {
        return;
    }
    if (efd < 0 || !proc_is(efd, "anon_inode:[eventpoll]")) {
        return;
    }
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", efd);
    f = fopen(path, "re");
    if (!f) {
        return;
    }
    while (in->nfds < INSTANCE_MAX_FDS && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "tfd: %d", &fd) != 1) {
            continue;
        }
        if (proc_is(fd, "anon_inode:[timerfd]")) {
            if (!timer_is_collect(fd)) {
                continue;
            }
            collect = 1;
        }
        in->fds[in->nfds++] = (struct pollfd) {.fd = fd, .events = POLLIN};
    }
    fclose(f);
    in->loop = (struct pollfd) {.fd = efd, .events = POLLIN};
    if (!collect) {
        in->nfds = 0;
        in->loop_known = 0; /* no timer is running: search again at the next wait */
    }
}

void host_forget_loop(struct instance *in)
{
    in->loop_known = 0;
}

/* The engine may have closed a timer and created another one (pause, resume). */
static void forget_closed(struct instance *in)
{
    int i;

    for (i = 0; i < in->nfds; i++) {
        if (in->fds[i].revents & ~POLLIN) {
            in->loop_known = 0;
        }
    }
}

int64_t host_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* How long to sleep before checking again whether the engine has caught up. */
#define CLOSED_NSEC 200000

/* How long before the next collect a wait by the clock ends. */
#define BEFORE_TICK_NSEC 20000000

/*
 * poll_loop waits for the thread's event loop and, if wake is a descriptor, for that. It
 * returns a HOST_WAIT_… or -1.
 *
 * Until the loop has an event, its own descriptor is enough. The event may be the
 * housekeeping, which waits for the end of the collect: until then the loop is always
 * ready, and the descriptors that it watches are polled one by one. On hosts below 4.1
 * they always are (see Emitter.Schedules).
 */
static int poll_loop(struct instance *in, const struct timespec *ts, int wake)
{
    struct pollfd pair[2] = {in->loop, {.fd = wake, .events = POLLIN}};
    int one = in->nfds > 0 && !in->loop_busy && in->remote_context_at != NULL;
    struct pollfd *fds = one ? pair : in->fds;
    int n = one ? 1 : in->nfds, i;

    fds[n] = pair[1];
    if (ppoll(fds, (nfds_t) (wake >= 0 ? n + 1 : n), ts, NULL) < 0) {
        return -1;
    }
    wake = wake >= 0 && fds[n].revents != 0;
    if (one && fds[0].revents != 0) {
        in->loop_busy = poll(in->fds, (nfds_t) in->nfds, 0) == 0;
        if (!in->loop_busy) {
            return HOST_WAIT_WANTED;
        }
    }
    for (i = 0; !one && i < n; i++) {
        if (fds[i].revents != 0) {
            return HOST_WAIT_WANTED;
        }
    }
    return wake ? HOST_WAIT_WOKEN : HOST_WAIT_PASSED;
}

/* wait_until: waits as host_wait does, until a time of host_monotonic. */
static int wait_until(struct instance *in, int64_t now, int64_t until, int wakeable)
{
    int64_t end, sleep;
    struct timespec ts;
    int outcome, closed;

    if (!in->loop_known) {
        find_loop(in);
    }
    /*
     * Without the descriptors, the wait ends a little before the next collect: if that
     * were due on return, the engine would run it before its own messages, such as exit.
     */
    end = in->nfds > 0 ? INT64_MAX : (now / 1000000000 + 1) * 1000000000 - BEFORE_TICK_NSEC;
    for (;;) {
        closed = flow_must_wait(in, now);
        sleep = until - now;
        if (closed && sleep < CLOSED_NSEC) {
            sleep = CLOSED_NSEC;
        }
        if (sleep > end - now) {
            sleep = end - now;
        }
        if (sleep < 0) {
            sleep = 0;
        }
        ts.tv_sec = sleep / 1000000000;
        ts.tv_nsec = sleep % 1000000000;
        outcome = poll_loop(in, &ts, wakeable && !closed ? wake_fd(in) : -1);
        if (outcome == HOST_WAIT_WANTED) {
            forget_closed(in);
            return HOST_WAIT_WANTED;
        }
        if (outcome < 0 && errno != EINTR) {
            return HOST_WAIT_WANTED;
        }
        if (outcome == HOST_WAIT_WOKEN) {
            wake_clear(in);
            return HOST_WAIT_WOKEN;
        }
        now = host_monotonic();
        if (now >= end) {
            return HOST_WAIT_WANTED;
        }
        if (now >= until && !flow_must_wait(in, now)) {
            return HOST_WAIT_PASSED;
        }
    }
}

/* look_once: the wait on the engine's thread, which must not wait. */
static int look_once(struct instance *in, int64_t nsec, int wakeable)
{
    struct pollfd wake = {.fd = wake_fd(in), .events = POLLIN};

    if (wakeable && wake.fd >= 0 && poll(&wake, 1, 0) > 0) {
        wake_clear(in);
        return HOST_WAIT_WOKEN;
    }
    return nsec <= 0 ? HOST_WAIT_PASSED : HOST_WAIT_WANTED;
}

int host_wait(struct instance *in, int64_t nsec, int wakeable)
{
    int64_t now;
    int outcome;

    if (!in->own_thread) {
        return look_once(in, nsec, wakeable);
    }
    now = host_monotonic();
    if (nsec < 0) {
        nsec = 0;
    }
    outcome = wait_until(in, now, nsec > INT64_MAX - now ? INT64_MAX : now + nsec, wakeable);
    host_restore_signals();
    return outcome;
}

size_t host_emit_at(struct instance *in, const char *events, struct host_slice *slices, size_t n)
{
    int64_t start = host_monotonic();
    size_t i, from = 0;

    for (i = 0; i < n; i++) {
        if (wait_until(in, host_monotonic(), start + slices[i].due, 0) != HOST_WAIT_PASSED ||
            host_append(in, NULL, 0, (size_t) slices[i].records, events + from, (size_t) slices[i].end - from) != 0) {
            break;
        }
        slices[i].emitted = host_monotonic() - start;
        from = (size_t) slices[i].end;
        host_restore_signals(); /* for other Go libraries in the process */
    }
    host_restore_signals(); /* Go runs next */
    return i;
}

/* ---- ${VAR} at run time ------------------------------------------------ */

/*
 * The engine does not pass its configuration, with its environment, to plugins. The
 * thread's scheduler has it: in struct flb_sched it follows the event loop, which is
 * known. It is used only if the input instance contains the same address.
 */
enum { SCHED_WORDS = 32 }; /* struct flb_sched has 25 */

static void *find_config(const struct instance *in)
{
    uintptr_t sched[SCHED_WORDS], ins[INSTANCE_WORDS], loop;
    size_t n, i, j, m;

    loop = (uintptr_t) fn.evl_get();
    n = host_peek_some(fn.sched_get(), sched, sizeof(sched)) / sizeof(sched[0]);
    m = host_peek_some(in->ins, ins, sizeof(ins)) / sizeof(ins[0]);
    for (i = 0; loop && i + 1 < n; i++) {
        if (sched[i] != loop || !sched[i + 1]) {
            continue;
        }
        for (j = 0; j < m; j++) {
            if (ins[j] == sched[i + 1]) {
                return (void *) sched[i + 1];
            }
        }
    }
    return NULL;
}

char *host_translate(const struct instance *in, const char *text)
{
    struct host_option entry = {.type = HOST_OPTION_STR, .name = "text", .def_value = (char *) text};
    void *config;

    if (!host_features().dynamic_env) {
        return NULL;
    }
    config = find_config(in);
    if (!config) {
        return NULL;
    }
    return fn.translate(config, &entry);
}

void host_translate_free(char *text)
{
    fn.sds_destroy(text);
}

/* ---- metrics ----------------------------------------------------------- */

void *host_counter(const struct instance *in, const char *subsystem, const char *name, const char *help)
{
    char *keys[] = {"name"};

    if (!in->cmt || !fn.counter_create || !fn.counter_add) {
        return NULL;
    }
    return fn.counter_create(in->cmt, "fluentbit", (char *) subsystem, (char *) name, (char *) help, 1, keys);
}

static uint64_t wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

void host_counter_add(const struct instance *in, void *counter, double value)
{
    char *values[] = {in->name};

    if (counter) {
        fn.counter_add(counter, wall_clock(), value, 1, values);
    }
}

void *host_gauge(const struct instance *in, const char *subsystem, const char *name, const char *help)
{
    char *keys[] = {"name"};

    if (!in->cmt || !fn.gauge_create || !fn.gauge_set) {
        return NULL;
    }
    return fn.gauge_create(in->cmt, "fluentbit", (char *) subsystem, (char *) name, (char *) help, 1, keys);
}

void host_gauge_set(const struct instance *in, void *gauge, double value)
{
    char *values[] = {in->name};

    if (gauge) {
        fn.gauge_set(gauge, wall_clock(), value, 1, values);
    }
}

/* ingested: how many records the engine counts for the instance; -1 if unknown. */
double host_ingested(const struct instance *in)
{
    static const char series[] = "fluentbit_input_records_total{";
    double value = -1;
    char *text, *at;

    if (!in->cmt || !fn.text_create || !fn.text_destroy) {
        return -1;
    }
    text = fn.text_create(in->cmt);
    if (!text) {
        return -1;
    }
    at = strstr(text, series);
    if (at) {
        at = strstr(at, "} = ");
    }
    if (at) {
        value = strtod(at + 4, NULL);
    }
    fn.text_destroy(text);
    return value;
}

/* ---- what is used of the host ----------------------------------------------- */

void host_describe(struct instance *in, char *line, size_t size)
{
    struct host_features can = host_features();
    const char *write = host_plain() ? "off" : "off: not tried with this version";

    snprintf(line, size,
             "the host is Fluent Bit %s%s; records: %s; backlog: %s; pause and resume: %s; signals: %s; metrics: %s; "
             "environment: %s; options: %s",
             host_version().text, host_plain() ? ", and " HOST_PLAIN_ENV " is set" : "",
             can.append_counted ? "appended with their number" : can.append ? "appended" : "returned once a second",
             !can.append || !in->own_thread ? "none" : flow_sees_ring(in) ? "seen in the ring" : "counted",
             in->proxy_at || in->context_at ? "by a proxy of each input" : host_may_write() ? "off: the layout is not known" : write,
             host_keeps_signals() ? "kept" : "off",
             in->cmt && can.metrics ? "on" : "off",
             can.dynamic_env && can.options ? "followed" : "as it was at the start",
             can.options ? "listed" : "not listed");
}

#pragma GCC visibility pop
