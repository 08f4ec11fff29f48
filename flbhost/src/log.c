// SPDX-License-Identifier: Apache-2.0

/*
 * log.c: Fluent Bit's log, on stderr.
 *
 * Each line is one write, so that lines of several threads do not mix. Lines
 * of the plugin are counted by level for the report.
 */
#include "host.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* Fluent Bit's struct log_message is a page that begins with its size. */
#define LINE_SIZE (4096 - sizeof(size_t))

static const char *const names[] = {"off", "error", "warn", "info", "debug", "trace"};
static _Atomic int max_level = LOG_INFO;
static _Atomic uint64_t plugin_lines[LOG_LEVELS];
static _Atomic uint64_t held_lines;

void log_level_set(int level)
{
    max_level = level;
}

int log_level_get(void)
{
    return max_level;
}

int log_level_parse(const char *name)
{
    for (int i = 0; i < LOG_LEVELS; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return i;
        }
    }
    return strcasecmp(name, "warning") == 0 ? LOG_WARN : -1;
}

static void line_write(int level, const char *fmt, va_list args)
{
    char line[LINE_SIZE];
    struct tm tm;
    time_t now = time(NULL);
    size_t len, room;
    ssize_t n;
    int body;

    localtime_r(&now, &tm);
    len = (size_t)snprintf(line, sizeof line, "[%d/%02d/%02d %02d:%02d:%02d] [%5s] ",
                           tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                           tm.tm_sec, level > 0 && level < LOG_LEVELS ? names[level] : "?");
    room = sizeof line - len - 1; /* for the newline */
    body = vsnprintf(line + len, room, fmt, args);
    if (body > 0) {
        len += (size_t)body < room ? (size_t)body : room - 1;
    }
    line[len++] = '\n';

    for (size_t off = 0; off < len; off += (size_t)n) {
        n = write(STDERR_FILENO, line + off, len - off);
        if (n == -1 && errno == EINTR) {
            n = 0;
        }
        else if (n <= 0) {
            break;
        }
    }
}

void host_log(int level, const char *fmt, ...)
{
    va_list args;

    if (level > max_level) {
        return;
    }
    va_start(args, fmt);
    line_write(level, fmt, args);
    va_end(args);
}

/* Lines of a plugin are written at any level: the plugin checks the level itself. */
void flb_log_print(int level, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    (void)file;
    (void)line;
    if (level > 0 && level < LOG_LEVELS) {
        plugin_lines[level]++;
    }
    if (opts.hold_until != NULL) {
        char text[512];

        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        held_lines += strstr(text, opts.hold_until) != NULL;
    }
    va_start(args, fmt);
    line_write(level, fmt, args);
    va_end(args);
}

/* The number of lines of the plugin with the text of --hold-until. */
uint64_t log_held_lines(void)
{
    return held_lines;
}

const uint64_t *log_plugin_lines(uint64_t lines[LOG_LEVELS])
{
    for (int i = 0; i < LOG_LEVELS; i++) {
        lines[i] = plugin_lines[i];
    }
    return lines;
}
