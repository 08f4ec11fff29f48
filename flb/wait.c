// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * wait.c: waits of an input's thread, and slices emitted during them.
 *
 * The thread's event loop is an epoll descriptor. /proc lists what it watches: the
 * collect timer, recognized by its interval of one second, and the pipes through which
 * the engine sends messages to the thread. A wait polls those as well as the clock, so
 * that a collect can last until the next one is due, and ends at once when the engine
 * needs the thread. The timer for the thread's own housekeeping must not end a collect:
 * the next one would only follow a second later.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

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
    if (host_peek(host_event_loop(), &loop, sizeof(loop)) != 0 || host_peek(loop.data, &efd, sizeof(efd)) != 0) {
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

#pragma GCC visibility pop
