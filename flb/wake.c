// SPDX-License-Identifier: Apache-2.0

//go:build cgo

/*
 * wake.c: what ends a wait besides time and the engine.
 *
 * An instance that waits for events of its own has an epoll descriptor. It watches an
 * eventfd, which other threads write to, and the file descriptors of the Input.
 * A wait therefore polls one more descriptor, regardless of their number. An instance
 * without such events polls none.
 *
 * Functions that can fail return an errno.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#pragma GCC visibility push(hidden)

static int add(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

/* Another thread may call this: wake_epoll is published once the rest is ready. */
int host_wake_open(struct instance *in)
{
    int epoll, event, ret;

    pthread_mutex_lock(&in->wake_lock);
    if (in->wake_epoll >= 0) {
        pthread_mutex_unlock(&in->wake_lock);
        return 0;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ret = epoll < 0 || event < 0 ? errno : add(epoll, event);
    if (ret == 0) {
        in->wake_event = event;
        __atomic_store_n(&in->wake_epoll, epoll, __ATOMIC_RELEASE);
    }
    else {
        close(epoll);
        close(event);
    }
    pthread_mutex_unlock(&in->wake_lock);
    return ret;
}

void wake_init(struct instance *in)
{
    pthread_mutex_init(&in->wake_lock, NULL);
    in->wake_epoll = in->wake_event = -1;
}

void wake_close(struct instance *in)
{
    if (in->wake_epoll >= 0) {
        close(in->wake_epoll);
        close(in->wake_event);
    }
    pthread_mutex_destroy(&in->wake_lock);
}

int host_wake(struct instance *in)
{
    uint64_t one = 1;
    int ret = host_wake_open(in);

    if (ret != 0) {
        return ret;
    }
    return write(in->wake_event, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN ? 0 : errno;
}

int host_watch(struct instance *in, int fd)
{
    int ret = host_wake_open(in);

    return ret != 0 ? ret : add(in->wake_epoll, fd);
}

int host_unwatch(struct instance *in, int fd)
{
    if (in->wake_epoll < 0) {
        return ENOENT;
    }
    return epoll_ctl(in->wake_epoll, EPOLL_CTL_DEL, fd, NULL) == 0 ? 0 : errno;
}

int wake_fd(const struct instance *in)
{
    return __atomic_load_n(&in->wake_epoll, __ATOMIC_ACQUIRE);
}

void wake_clear(struct instance *in)
{
    uint64_t count;

    if (read(in->wake_event, &count, sizeof(count)) < 0) {
        return; /* a watched descriptor is ready, and nothing was written */
    }
}

#pragma GCC visibility pop
