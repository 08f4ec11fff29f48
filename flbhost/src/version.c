// SPDX-License-Identifier: Apache-2.0

/*
 * version.c: the texts that contain the version of the host.
 *
 * No function returns the version. A plugin finds it near the message that
 * flb_engine_start logs, or in the greeting of the output nats. The texts are arrays,
 * because the compiler has the version as a number.
 */
#include "host.h"

#include <unistd.h>

#define DIGIT(n) ('0' + (n) % 10)
#define SAYS_MAJOR ((FLBHOST_SAYS >> 16) & 0xff)
#define SAYS_MINOR ((FLBHOST_SAYS >> 8) & 0xff)
#define SAYS_PATCH (FLBHOST_SAYS & 0xff)

#if SAYS_PATCH >= 10
#define TEXT DIGIT(SAYS_MAJOR), '.', DIGIT(SAYS_MINOR), '.', DIGIT(SAYS_PATCH / 10), DIGIT(SAYS_PATCH)
#else
#define TEXT DIGIT(SAYS_MAJOR), '.', DIGIT(SAYS_MINOR), '.', DIGIT(SAYS_PATCH)
#endif

#if FLBHOST_SAYS == 0
static const char version[] = "none";
#else
static const char version[] = {TEXT, '\0'};

const char version_greeting[] = {'{', '"', 'n', 'a', 'm', 'e', '"', ':', '"', 'f', 'l', 'u', 'e', 'n', 't', '-', 'b', 'i', 't', '"',
                                 ',', '"', 'l', 'a', 'n', 'g', '"', ':', '"', 'c', '"', ',', '"', 'v', 'e', 'r', 's', 'i', 'o',
                                 'n', '"', ':', '"', TEXT, '"', '}', '\r', '\n', '\0'};
#endif

int flb_engine_start(void)
{
    host_log(LOG_DEBUG, "[fluent bit] version=%s, commit=%.10s, pid=%i", version, "0123456789abcdef", getpid());
#if FLBHOST_SAYS == 0
    return 0;
#else
    return version_greeting[0]; /* keeps the array in the binary */
#endif
}
