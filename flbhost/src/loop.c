// SPDX-License-Identifier: Apache-2.0

/*
 * loop.c: the event loop of the engine and of each input thread.
 *
 * A plugin may read the loop in a callback (flb_engine_evl_get, then a poll
 * of the epoll descriptor). Therefore it is an epoll loop with the layout of
 * Monkey: data.ptr of each descriptor is a struct event whose first field is
 * the descriptor and whose second is its type.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static __thread struct event_loop *current_loop;
static __thread struct flb_sched *current_sched;

struct event_loop *loop_create(int size)
{
    struct event_loop *loop = host_alloc(sizeof *loop);
    struct event_backend *backend = host_alloc(sizeof *backend);

    backend->efd = epoll_create1(EPOLL_CLOEXEC);
    backend->queue_size = size;
    backend->events = calloc((size_t)size, sizeof *backend->events);
    loop->size = size;
    loop->backend = backend;
    loop->data = layout->loop_moved ? (void *)16 : backend;
    return loop;
}

void loop_destroy(struct event_loop *loop)
{
    struct event_backend *backend = loop->backend;

    close(backend->efd);
    free(backend->events);
    host_free(backend);
    host_free(loop);
}

int loop_add(struct event_loop *loop, int fd, int type, struct event *event)
{
    struct event_backend *backend = loop->backend;
    struct epoll_event ev = {.events = EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLIN, .data.ptr = event};

    event->fd = fd;
    event->type = type;
    event->mask = 1;
    event->status = 1;
    return epoll_ctl(backend->efd, EPOLL_CTL_ADD, fd, &ev);
}

void loop_del(struct event_loop *loop, struct event *event)
{
    struct event_backend *backend = loop->backend;

    epoll_ctl(backend->efd, EPOLL_CTL_DEL, event->fd, NULL);
    event->mask = 0;
    event->status = 0;
}

/*
 * Like timers of Monkey, it first expires at a whole second of CLOCK_MONOTONIC:
 * the nanoseconds apply to the interval only. An interval below a second
 * therefore starts immediately.
 */
int loop_timer(struct event_loop *loop, time_t sec, long nsec, int type, struct event *event)
{
    struct timespec now;
    struct itimerspec its = {.it_interval = {sec, nsec}};
    int fd;

    clock_gettime(CLOCK_MONOTONIC, &now);
    its.it_value.tv_sec = now.tv_sec + sec;

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd == -1) {
        return -1;
    }
    if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) == -1 ||
        loop_add(loop, fd, type, event) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

int loop_channel(struct event_loop *loop, int fds[2], int type, struct event *event)
{
    if (pipe2(fds, O_CLOEXEC) == -1) {
        return -1;
    }
    return loop_add(loop, fds[0], type, event);
}

int loop_wait(struct event_loop *loop, int timeout_ms)
{
    struct event_backend *backend = loop->backend;
    int n;

    do {
        n = epoll_wait(backend->efd, backend->events, backend->queue_size, timeout_ms);
    } while (n == -1 && errno == EINTR);

    loop->n_events = n < 0 ? 0 : n;
    return loop->n_events;
}

struct event *loop_event(struct event_loop *loop, int i)
{
    struct event_backend *backend = loop->backend;

    return backend->events[i].data.ptr;
}

/* Several missed expirations count as one. */
bool timer_consume(int fd)
{
    uint64_t expiries;

    return read(fd, &expiries, sizeof expiries) == (ssize_t)sizeof expiries;
}

static void list_init(struct list *list)
{
    list->prev = list->next = list;
}

void sched_init(struct flb_sched *sched, struct event_loop *loop, struct flb_config *config)
{
    memset(sched, 0, sizeof *sched);
    list_init(&sched->requests);
    list_init(&sched->requests_wait);
    list_init(&sched->timers);
    list_init(&sched->timers_drop);
#if POSE_SCHED_CORO
    list_init(&sched->timer_coro_list);
    list_init(&sched->timer_coro_list_drop);
    sched->ch_events[0] = sched->ch_events[1] = -1;
#endif
    sched->frame_fd = -1;
    sched->evl = loop;
    sched->config = config;
}

void thread_set(struct event_loop *loop, struct flb_sched *sched, const char *name)
{
    current_loop = loop;
    current_sched = sched;
    if (name != NULL) {
        prctl(PR_SET_NAME, name, 0, 0, 0); /* the kernel keeps 15 bytes */
    }
}

EXPORT struct event_loop *flb_engine_evl_get(void);
EXPORT struct event_loop *flb_engine_evl_get(void)
{
    return current_loop;
}

EXPORT struct flb_sched *flb_sched_ctx_get(void);
EXPORT struct flb_sched *flb_sched_ctx_get(void)
{
    return current_sched;
}

uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t wall_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Signals, such as SIGURG of Go's runtime, must not shorten the wait. */
void sleep_us(long us)
{
    struct timespec left = {us / 1000000, us % 1000000 * 1000};

    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

void sleep_ms(long ms)
{
    sleep_us(ms * 1000);
}
