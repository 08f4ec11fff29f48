// SPDX-License-Identifier: Apache-2.0

/*
 * pose.h: the release of Fluent Bit that the host emulates, fixed at compile time.
 *
 * FLBHOST_VERSION is 0xMMmmpp (5.1.1 is 0x050101). Every difference between releases
 * that is visible to a Go input plugin has a name here, with the first tag that has it;
 * the rest of the host uses that name and never compares versions itself.
 *
 * FLBHOST_BARE builds a host whose symbols dlsym does not find: no engine append, no
 * metrics, no event loop. A plugin must use what the proxy passes to it.
 */
#ifndef FLBHOST_POSE_H
#define FLBHOST_POSE_H

#ifndef FLBHOST_VERSION
#define FLBHOST_VERSION 0x050101
#endif

#if FLBHOST_VERSION < 0x020000
#error "Go inputs exist since Fluent Bit 2.0.0: FLBHOST_VERSION must be 0x020000 or more"
#endif

#define POSE_MAJOR ((FLBHOST_VERSION >> 16) & 0xff)
#define POSE_MINOR ((FLBHOST_VERSION >> 8) & 0xff)
#define POSE_PATCH (FLBHOST_VERSION & 0xff)

/*
 * FLBHOST_SAYS is the release that the host's texts contain, if it differs: a newer
 * one with the same structures, or 0 for none.
 */
#ifndef FLBHOST_SAYS
#define FLBHOST_SAYS FLBHOST_VERSION
#endif

#define SINCE(version) (FLBHOST_VERSION >= (version))

/* Events: [[ts, metadata], map] beside [ts, map]. */
#define POSE_V2_EVENTS SINCE(0x020100)

/* Data of a paused input remains in the ring; before, it is dropped. */
#define POSE_PAUSED_DATA_WAITS SINCE(0x020109)

/* len == 0 returns at once; before, 0 bytes are appended and cleanup runs. */
#define POSE_EMPTY_SKIPS_CLEANUP SINCE(0x02010a)

/* FLBPluginPreRegister, …PreRun, …Pause, …Resume and …PreExit exist. */
#define POSE_LIFECYCLE_CALLBACKS SINCE(0x020200)

/* Without a cleanup callback the host frees the buffer itself. */
#define POSE_HOST_FREES SINCE(0x020100)

/* The scheduler struct begins with an event and has coroutine lists. */
#define POSE_SCHED_CORO SINCE(0x030200)

/* struct flb_api has the two functions for custom plugins: 9 pointers, not 7. */
#define POSE_API_CUSTOM SINCE(0x040003)

/* Init <= 0 fails the start; before, the host continues without the input. */
#define POSE_INIT_REFUSES SINCE(0x040003)

/* {coll_fd, remote_context, proxy}, and remote_context reaches …Ctx. */
#define POSE_CTX_CALLBACKS SINCE(0x040100)

/* fluentbit_input_ring_buffer_* counters. */
#define POSE_RING_METRICS SINCE(0x040100)

/* The definition is 40 bytes (event_type), 48 with config_map, else 32. */
#define POSE_DEF_EVENT_TYPE SINCE(0x040203)
#define POSE_DEF_CONFIG_MAP SINCE(0x050101)

/* The definition is zeroed; before, members that Register does not set are undefined. */
#define POSE_DEF_ZEROED SINCE(0x050000)

/* The ring has a lock, and may be written by several threads. */
#define POSE_RING_LOCK SINCE(0x050000)

/* flb_config_map_translate_dynamic is exported. */
#define POSE_DYNAMIC_ENV SINCE(0x050003)

/* ${NAME:-default} in property values. */
#define POSE_ENV_DEFAULTS SINCE(0x050100)

/* Cleared by FLBHOST_BARE, see above. */
#ifdef FLBHOST_BARE
#define POSE_BARE 1
#define EXPORT __attribute__((visibility("hidden")))
#else
#define POSE_BARE 0
#define EXPORT __attribute__((visibility("default")))
#endif

#endif
