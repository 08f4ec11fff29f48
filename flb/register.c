// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * register.c: the functions that Fluent Bit calls when it loads and unloads a plugin, see
 * symbols.c.
 */
#define _GNU_SOURCE
#include "host.h"
#include "_cgo_export.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

#define EXPORT __attribute__((visibility("default")))

static pid_t loaded_by;

__attribute__((constructor)) static void remember_process(void)
{
    loaded_by = getpid();
}

int host_forked(void)
{
    return getpid() != loaded_by;
}

/*
 * registration is a definition of the host that this library has filled in. A library
 * that is listed twice in one configuration (-e twice, -e and plugins:) is opened once
 * and registered twice, and a host that has two plugins of one name creates two inputs
 * for each section. A second definition of the same load is therefore not filled in,
 * which registers nothing. Returning -1 would free it twice (all versions).
 *
 * A new load is a hot reload (announced by PreRegister, from 2.2 on), or begins after
 * inputs of the previous load were initialised, or after an old definition was
 * unregistered. Below 2.2, a load without any input of the plugin is not noticed.
 */
struct registration {
    struct host_def *def;
    int hot_reloading;
    int loaded; /* its load is over: a later definition belongs to another */
    struct registration *next;
};

static struct registration *registrations;
static int hot_reloading;
static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;

void host_loads_are_over(void)
{
    struct registration *r;

    pthread_mutex_lock(&registering);
    for (r = registrations; r; r = r->next) {
        r->loaded = 1;
    }
    pthread_mutex_unlock(&registering);
}

static int given_twice(void)
{
    struct registration *r;

    for (r = registrations; r; r = r->next) {
        if (!r->loaded && r->hot_reloading == hot_reloading) {
            return 1;
        }
    }
    return 0;
}

int host_reloads(void)
{
    return hot_reloading;
}

int host_is_registered(const struct host_def *def)
{
    struct registration *r;

    pthread_mutex_lock(&registering);
    for (r = registrations; r && r->def != def; r = r->next) {
    }
    pthread_mutex_unlock(&registering);
    return r != NULL;
}

EXPORT int FLBPluginPreRegister(int by_hot_reload)
{
    hot_reloading = by_hot_reload;
    if (!host_forked()) {
        flbGoPreRegister(by_hot_reload);
    }
    return HOST_OK;
}

static int do_register(struct host_def *def)
{
    struct registration *r;

    def->proxy = 0; /* registers nothing; not zeroed by hosts below 5.0 */
    if (given_twice()) {
        flbGoGivenTwice();
        return HOST_OK;
    }
    r = calloc(1, sizeof(*r));
    if (!r || flbGoRegister(def, host_features().options) != HOST_OK) {
        free(r);
        def->proxy = 0;
        host_print(HOST_LOG_ERROR, "[input] this Go plugin cannot be registered: out of memory");
        return HOST_ERROR;
    }
    r->def = def;
    r->hot_reloading = hot_reloading;
    r->next = registrations;
    registrations = r;
    host_save_signals();
    return HOST_OK;
}

EXPORT int FLBPluginRegister(struct host_def *def)
{
    int ret;

    if (host_forked()) {
        return HOST_ERROR;
    }
    pthread_mutex_lock(&registering);
    ret = do_register(def);
    pthread_mutex_unlock(&registering);
    return ret;
}

/* In a hot reload this follows the new Register: only what belongs to def may be freed. */
EXPORT void FLBPluginUnregister(struct host_def *def)
{
    struct registration **at, *r;

    host_loads_are_over();
    pthread_mutex_lock(&registering);
    for (at = &registrations; *at && (*at)->def != def; at = &(*at)->next) {
    }
    r = *at;
    if (r) {
        *at = r->next;
        free(r);
        free(def->name);
        free(def->description);
        def->name = NULL;
        def->description = NULL;
    }
    pthread_mutex_unlock(&registering);
}

#pragma GCC visibility pop
