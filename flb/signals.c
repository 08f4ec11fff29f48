// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * signals.c: keeps Go's signal handlers installed.
 *
 * Fluent Bit handles SIGSEGV and SIGFPE, and reinstalls its handlers whenever it
 * receives SIGHUP or SIGCONT (all versions). Go's own
 * handlers turn a nil dereference into a panic. With Fluent Bit's handlers installed over
 * them, it ends the process.
 *
 * There may be several Go runtimes, one in each Go library. A runtime passes signals
 * that are not its own to the handler that was installed before it, so that the handler
 * of the last one serves all, and no other must replace it. Therefore:
 *
 *   - A handler in the program itself is Fluent Bit's: it is replaced by the last
 *     handler of a library.
 *   - A handler in a library stays, and becomes the one to return to.
 *   - Except for the handler from before this library was loaded: another plugin that
 *     does the same, and was loaded earlier, has reinstalled it.
 *
 * Between Fluent Bit's handler of SIGHUP or SIGCONT and the next check, a nil
 * dereference in any Go library would still end the process. Those two handlers are
 * therefore run by one of this library, which then puts Go's handlers back at once.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#pragma GCC visibility push(hidden)

enum { SIGNALS = 3 };
static const int numbers[SIGNALS] = {SIGSEGV, SIGFPE, SIGBUS}; /* Fluent Bit never has the first without the second */

static struct host_object program, library;
static struct sigaction last[SIGNALS];    /* the last of a library: ours, or one that calls ours */
static void *before[SIGNALS];             /* handler from before this library was loaded */
static void *quick;                       /* handler of last[0]; NULL if nothing is kept */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { WRAPPED = 2 };
static const int wrapped_numbers[WRAPPED] = {SIGHUP, SIGCONT};
static void (*wrapped[WRAPPED])(int); /* Fluent Bit's, for run_wrapped */

static void *handler(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO ? (void *) action->sa_sigaction : (void *) action->sa_handler;
}

/* The runtime installs its handlers while the library is loaded, after this. */
__attribute__((constructor(101))) static void note_before(void)
{
    struct sigaction now;
    int i;

    if (host_object_of(NULL, &program) != 0 || host_object_of((void *) note_before, &library) != 0) {
        return;
    }
    for (i = 0; i < SIGNALS; i++) {
        if (sigaction(numbers[i], NULL, &now) == 0) {
            before[i] = handler(&now);
        }
    }
}

static void wrap(void);

void host_save_signals(void)
{
    struct sigaction now[SIGNALS];
    int i;

    pthread_mutex_lock(&lock);
    for (i = 0; i < SIGNALS; i++) {
        if (quick || host_plain() || sigaction(numbers[i], NULL, &now[i]) != 0 || !host_object_has(&library, handler(&now[i]))) {
            break;
        }
        last[i] = now[i];
    }
    if (i == SIGNALS) {
        __atomic_store_n(&quick, handler(&last[0]), __ATOMIC_RELEASE);
        wrap();
    }
    pthread_mutex_unlock(&lock);
}

int host_keeps_signals(void)
{
    return __atomic_load_n(&quick, __ATOMIC_ACQUIRE) != NULL;
}

static void restore(int i)
{
    struct sigaction now;
    void *h;

    if (sigaction(numbers[i], NULL, &now) != 0) {
        return;
    }
    h = handler(&now);
    if (h == handler(&last[i])) {
        return;
    }
    if (host_object_has(&program, h) || (h == before[i] && h != (void *) SIG_DFL && h != (void *) SIG_IGN)) {
        sigaction(numbers[i], &last[i], NULL);
    }
    else if (h != (void *) SIG_DFL && h != (void *) SIG_IGN) {
        last[i] = now;
    }
}

static void restore_all(void)
{
    int i;

    for (i = 0; i < SIGNALS; i++) {
        restore(i);
    }
    __atomic_store_n(&quick, handler(&last[0]), __ATOMIC_RELEASE);
    wrap();
}

/* A single system call if nothing has changed: this is called after each sleep. */
void host_restore_signals(void)
{
    void *want = __atomic_load_n(&quick, __ATOMIC_ACQUIRE);
    struct sigaction now;

    if (!want || sigaction(numbers[0], NULL, &now) != 0 || handler(&now) == want) {
        return;
    }
    pthread_mutex_lock(&lock);
    restore_all();
    pthread_mutex_unlock(&lock);
}

/* If the lock is held, the next check does it: the holder may be the thread that this interrupts. */
static void try_restore(void)
{
    if (pthread_mutex_trylock(&lock) == 0) {
        restore_all();
        pthread_mutex_unlock(&lock);
    }
}

/*
 * Runs Fluent Bit's handler, which installs all of Fluent Bit's handlers again, and
 * undoes that. The check before it finds the handlers of a library that was loaded since the
 * last one: while no instance runs, nothing else checks.
 */
static void run_wrapped(int number)
{
    int i, saved = errno;

    try_restore();
    for (i = 0; i < WRAPPED; i++) {
        if (wrapped_numbers[i] == number) {
            __atomic_load_n(&wrapped[i], __ATOMIC_ACQUIRE)(number);
        }
    }
    try_restore();
    errno = saved;
}

/* A handler of Go's threads needs their signal stack: theirs is small otherwise. */
static void wrap(void)
{
    struct sigaction now, ours = {.sa_handler = run_wrapped, .sa_flags = SA_ONSTACK | SA_RESTART};
    int i;

    for (i = 0; i < WRAPPED; i++) {
        if (sigaction(wrapped_numbers[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
            host_object_has(&program, (void *) now.sa_handler)) {
            __atomic_store_n(&wrapped[i], now.sa_handler, __ATOMIC_RELEASE);
            sigaction(wrapped_numbers[i], &ours, NULL);
        }
    }
}

#pragma GCC visibility pop
