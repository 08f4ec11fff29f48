// SPDX-License-Identifier: Apache-2.0

/*
 * plugin.c: an input plugin in C that speaks the protocol of Go plugins, to
 * test the host with. It logs on stderr which callback runs on which thread:
 *
 *   trace NAME thread=THREAD-NAME tid=N ins=INSTANCE
 *
 * Properties:
 *   path=return|append|records|none  how data is handed over (return)
 *   count=N      records in each collect (1)
 *   form=v2|legacy                   (v2)
 *   fault=…      what to do wrong, or differently:
 *                leak, twice   cleanup does not free, or does it twice
 *                minus         -1 together with data
 *                nolength, null  data without a length, a length without data
 *                reuse, kept   one buffer, freed at Exit, or (kept) never
 *                garbage, notevent, cut, nsec  malformed events
 *                count         a wrong record count (path=records)
 *                thread        append on another thread, too
 *                late          append after Exit, from Unregister
 *                refuse        Init fails
 *                ring          look for the ring in the instance's memory
 *   block=MS     each collect takes that long
 *   sleeve=N     appends in each collect (1)
 *   rounds=N     only the first N collects have data
 *   body=HEX     msgpack of the body, instead of {"message":"dummy"}
 *   echo=KEY     log the value of the property KEY
 *
 * The environment variables FAULT_REGISTER (Register fails), FAULT_FLAGS (it
 * leaves the flags alone) and FAULT_SIGNAL (it takes SIGSEGV, and each collect
 * says who has it) do what has to be done before there are properties.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct config_map {
    int type;
    char *name, *def_value;
    int flags, set_property;
    uintptr_t offset;
    char *desc;
    char rest[56];
};

struct def {
    int type, proxy, flags;
    char *name, *description;
    int event_type;
    struct config_map *config_map;
};

struct api {
    void *output_get_property;
    const char *(*input_get_property)(const char *, void *);
    void *output_get_cmt_instance;
    void *(*input_get_cmt_instance)(void *);
    void (*log_print)(int, const char *, int, const char *, ...);
    int (*input_log_check)(void *, int);
};

struct plugin {
    char *name;
    struct api *api;
    void *ins;
    void **context;
};

struct state {
    struct api *api;
    void *ins;
    void *counter;
    int number;
    int rounds;
    char *data; /* fault=reuse: freed by the next collect and at Exit */
    struct state *next;
};

static struct config_map map[] = {
    {.type = 0, .name = "path", .def_value = "return", .desc = "how data is handed over"},
    {.type = 2, .name = "count", .def_value = "1", .desc = "records in each collect"},
    {.type = 0, .name = "form", .def_value = "v2", .desc = "form of the events"},
    {.type = 0, .name = "fault", .desc = "what to do wrong"},
    {.type = 6, .name = "block", .desc = "how long a collect takes"},
    {.type = 2, .name = "sleeve", .desc = "appends in each collect"},
    {.type = 2, .name = "rounds", .desc = "collects that have data"},
    {.type = 0, .name = "body", .flags = 2, .desc = "body in msgpack, in hex"},
    {.type = 0, .name = "echo", .flags = 1, .desc = "property to log"},
    {.type = 0},
};

static struct state *states;
static __thread struct state *mine;
static struct state *last;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int instances;
static void *late; /* an instance that has exited */

static void trace(const char *what, struct state *s)
{
    char name[17] = "";

    prctl(PR_GET_NAME, name, 0, 0, 0);
    fprintf(stderr, "trace %s thread=%s tid=%ld ins=%d\n", what, name, syscall(SYS_gettid),
            s != NULL ? s->number : -1);
}

static const char *get(struct state *s, const char *key, const char *otherwise)
{
    const char *value = s->api->input_get_property(key, s->ins);

    return value != NULL ? value : otherwise;
}

static int fault(struct state *s, const char *name)
{
    return strcmp(get(s, "fault", ""), name) == 0;
}

static void ms_sleep(long ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&ts, NULL);
}

static void handler(int sig)
{
    _exit(sig);
}

int FLBPluginPreRegister(int hot_reloading)
{
    trace(hot_reloading ? "PreRegister(1)" : "PreRegister(0)", NULL);
    return 0;
}

int FLBPluginRegister(struct def *def)
{
    char room[64];

    snprintf(room, sizeof room, "Register(%zu)", malloc_usable_size(def));
    trace(room, NULL);
    if (getenv("FAULT_REGISTER") != NULL) {
        return -1;
    }
    if (getenv("FAULT_SIGNAL") != NULL) {
        signal(SIGSEGV, handler);
    }
    def->type = 1;
    def->proxy = 11;
    if (getenv("FAULT_FLAGS") == NULL) {
        def->flags = 0;
    }
    def->name = strdup("sample");
    def->description = strdup("a plugin for tests");
    if (malloc_usable_size(def) >= 48) {
        def->config_map = map;
    }
    return 0;
}

void FLBPluginUnregister(struct def *def)
{
    trace("Unregister", NULL);
    if (late != NULL) {
        int (*append)(void *, const char *, size_t, const void *, size_t);

        *(void **)&append = dlsym(RTLD_DEFAULT, "flb_input_log_append");
        fprintf(stderr, "late append %d\n", append(late, NULL, 0, "\x90", 1));
        late = NULL;
    }
    free(def->name);
    free(def->description);
}

int FLBPluginInit(struct plugin *p)
{
    struct state *s = calloc(1, sizeof *s);
    void *(*create)(void *, char *, char *, char *, char *, int, char **);
    const char *echo;

    s->api = p->api;
    s->ins = p->ins;
    s->number = instances++;
    trace("Init", s);
    if (p->context[1] != NULL) {
        fprintf(stderr, "context old\n");
    }
    else {
        fprintf(stderr, "context new\n");
        p->context[1] = s;
    }
    mine = last = s;
    if (fault(s, "refuse")) {
        free(s);
        mine = last = NULL;
        return 0;
    }
    pthread_mutex_lock(&lock);
    s->next = states;
    states = s;
    pthread_mutex_unlock(&lock);

    echo = get(s, "echo", NULL);
    if (echo != NULL) {
        const char *value = s->api->input_get_property(echo, s->ins);

        s->api->log_print(3, "", 0, "[echo] %s=%s", echo, value != NULL ? value : "NULL");
    }
    *(void **)&create = dlsym(RTLD_DEFAULT, "cmt_counter_create");
    fprintf(stderr, "metrics %s\n", create != NULL ? "found" : "absent");
    if (create != NULL) {
        s->counter = create(s->api->input_get_cmt_instance(s->ins), "sample", "", "collects_total",
                            "collects", 1, (char *[]){"name"});
    }
    return 1;
}

int FLBPluginInputPreRun(int hot_reload)
{
    (void)hot_reload;
    trace("PreRun", mine);
    return 0;
}

static size_t from_hex(const char *hex, unsigned char *out)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        unsigned v;

        sscanf(hex + 2 * i, "%2x", &v);
        out[i] = (unsigned char)v;
    }
    return n;
}

static size_t event(struct state *s, unsigned char *out)
{
    static const unsigned char body[] = "\x81\xa7message\xa5" "dummy";
    int v2 = strcmp(get(s, "form", "v2"), "v2") == 0;
    const char *hex = get(s, "body", NULL);
    unsigned char *p = out;

    *p++ = 0x92;
    if (v2) {
        *p++ = 0x92;
    }
    memcpy(p, "\xd7\x00\x65\x53\xf1\x00\x00\x00\x00\x07", 10); /* 1700000000.000000007 */
    p += 10;
    if (v2) {
        *p++ = 0x80;
    }
    if (hex != NULL) {
        p += from_hex(hex, p);
    }
    else {
        memcpy(p, body, sizeof body - 1);
        p += sizeof body - 1;
    }
    if (fault(s, "nsec")) {
        out[v2 ? 8 : 7] = 0xff;
    }
    return (size_t)(p - out);
}

static void *append_elsewhere(void *arg)
{
    int (*append)(void *, const char *, size_t, const void *, size_t);
    struct state *s = arg;
    unsigned char e[256];

    *(void **)&append = dlsym(RTLD_DEFAULT, "flb_input_log_append");
    append(s->ins, NULL, 0, e, event(s, e));
    return NULL;
}

static int readable(const void *from, void *to, size_t n)
{
    struct iovec here = {to, n}, there = {(void *)from, n};

    return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)n;
}

/* Where the instance's ring is, as a plugin finds it that does not have its header. */
static void find_ring(struct state *s)
{
    char **words = s->ins;

    for (size_t i = 0; i < malloc_usable_size(s->ins) / sizeof *words; i++) {
        for (size_t head = 0; head <= 64; head += 8) {
            uint64_t rb[8], q[7];

            if (words[i] == NULL || !readable(words[i] + head, rb, sizeof rb) ||
                !readable((void *)rb[0], q, sizeof q)) {
                continue;
            }
            if ((uint32_t)q[0] == 0xdeadbeef && (uint32_t)q[6] == 0x21524110 && q[1] == rb[7] &&
                q[2] == rb[6] + 1) {
                fprintf(stderr, "ring head=%zu slots=%lu window=%lu\n", head,
                        (unsigned long)rb[6] / 8, (unsigned long)rb[5]);
                return;
            }
        }
    }
    fprintf(stderr, "ring absent\n");
}

static int collect(struct state *s, void **data, size_t *len)
{
    int (*append)(void *, const char *, size_t, const void *, size_t);
    int (*append_records)(void *, size_t, const char *, size_t, const void *, size_t);
    int (*add)(void *, uint64_t, double, int, char **);
    size_t count = (size_t)atoi(get(s, "count", "1")), size = 0;
    const char *path = get(s, "path", "return");
    unsigned char *buf;

    trace("Collect", s);
    ms_sleep(atoi(get(s, "block", "0")));
    *(void **)&append = dlsym(RTLD_DEFAULT, "flb_input_log_append");
    *(void **)&append_records = dlsym(RTLD_DEFAULT, "flb_input_log_append_records");
    *(void **)&add = dlsym(RTLD_DEFAULT, "cmt_counter_add");
    if (add != NULL) {
        add(s->counter, 1700000000000000007, 1, 1, (char *[]){"x"});
    }

    if (fault(s, "ring")) {
        find_ring(s);
    }
    if (getenv("FAULT_SIGNAL") != NULL) {
        struct sigaction sa;

        sigaction(SIGSEGV, NULL, &sa);
        fprintf(stderr, "handler %s\n", sa.sa_handler == handler ? "own" : "other");
    }
    if (strcmp(path, "none") == 0 || s->rounds++ >= atoi(get(s, "rounds", "1000000"))) {
        return 1;
    }
    if (fault(s, "thread")) {
        pthread_t t;

        pthread_create(&t, NULL, append_elsewhere, s);
        pthread_join(t, NULL);
    }
    buf = malloc(count * 256 + 16);
    for (size_t i = 0; i < count; i++) {
        size += event(s, buf + size);
    }
    if (fault(s, "garbage")) {
        buf[size++] = 0xc1;
    }
    if (fault(s, "notevent")) {
        buf[size++] = 0x07;
    }
    if (fault(s, "cut")) {
        size--;
    }

    if (strcmp(path, "append") == 0 || strcmp(path, "records") == 0) {
        for (int i = atoi(get(s, "sleeve", "1")); i > 0; i--) {
            int ret = strcmp(path, "append") == 0
                          ? append(s->ins, NULL, 0, buf, size)
                          : append_records(s->ins, count + (size_t)fault(s, "count"), "own.tag", 7,
                                           buf, size);

            fprintf(stderr, "append %d\n", ret);
        }
        free(buf);
        return 1;
    }
    *data = buf;
    *len = size;
    if (fault(s, "minus")) {
        return -1;
    }
    if (fault(s, "nolength")) {
        *len = 0;
    }
    if (fault(s, "null")) {
        free(buf);
        *data = NULL;
    }
    if (fault(s, "reuse") || fault(s, "kept")) {
        free(s->data);
        s->data = (char *)buf;
    }
    return 1;
}

static int cleanup(struct state *s, void *data)
{
    trace("Cleanup", s);
    if (!fault(s, "leak") && !fault(s, "reuse") && !fault(s, "kept") && data != NULL) {
        free(data);
    }
    if (fault(s, "twice")) {
        void *volatile again = data; /* or the compiler sees it */

        free(again);
    }
    return 1;
}

#ifndef WITHOUT_CALLBACK
int FLBPluginInputCallback(void **data, size_t *len)
{
    trace("InputCallback", mine != NULL ? mine : last);
    return collect(mine != NULL ? mine : last, data, len);
}
#endif

int FLBPluginInputCallbackCtx(void *ctx, void **data, size_t *len)
{
    trace("InputCallbackCtx", ctx);
    return collect(ctx, data, len);
}

int FLBPluginInputCleanupCallback(void *data)
{
    trace("InputCleanupCallback", mine != NULL ? mine : last);
    return cleanup(mine != NULL ? mine : last, data);
}

int FLBPluginInputCleanupCallbackCtx(void *ctx, void *data)
{
    trace("InputCleanupCallbackCtx", ctx);
    return cleanup(ctx, data);
}

void FLBPluginInputPause(void)
{
    trace("Pause", mine);
}

void FLBPluginInputResume(void)
{
    trace("Resume", mine);
}

void FLBPluginInputPreExit(int by_reload)
{
    trace(by_reload ? "PreExit(1)" : "PreExit(0)", mine);
}

/* With `threaded off` the instance of an exit is unknown: any will do. */
int FLBPluginExit(void)
{
    struct state *s, **p = &states;

    pthread_mutex_lock(&lock);
    while (mine != NULL && *p != NULL && *p != mine) {
        p = &(*p)->next;
    }
    s = *p;
    if (s != NULL) {
        *p = s->next;
    }
    pthread_mutex_unlock(&lock);

    mine = NULL;
    trace("Exit", s);
    if (s == NULL) {
        return 1;
    }
    if (fault(s, "late")) {
        late = s->ins;
    }
    if (!fault(s, "kept")) {
        free(s->data);
    }
    free(s);
    return 1;
}
