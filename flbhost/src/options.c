// SPDX-License-Identifier: Apache-2.0

/*
 * options.c: the command line.
 */
#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options opts = {
    .tick_ms = 1000, .output = "stdout", .threaded = true, .ring = 1024, .window = 5,
};

static const char usage[] =
    "usage: flbhost [option…] PLUGIN.so [-i [NAME] [-p key=value]…]…\n"
    "\n"
    "Loads a Fluent Bit input plugin written in Go as Fluent Bit %d.%d.%d does%s.\n"
    "\n"
    "  -i [NAME]            one more input (without any: one)\n"
    "  -p key=value         a property of the input before it\n"
    "  -p key@N=value       the same after the N-th reload alone\n"
    "\n"
    "  -c FILE              a configuration that is not read: for a plugin that looks where it is\n"
    "  --tick MS            collect interval (1000)\n"
    "  --seconds S          stop after S seconds\n"
    "  --records N          stop after N records in all\n"
    "  --collects N         stop after N collects in all\n"
    "  --output FORM        stdout, json, null or raw:FILE (stdout)\n"
    "  --threaded off       every callback on the engine's thread\n"
    "  --script TEXT        'at 1.5 pause 0; at 2 resume 0; at 3 reload; at 4 hup; at 5 exit'\n"
    "  --reloads N          N hot reloads in sequence\n"
    "  --pauses N           N times pause and resume of all inputs\n"
    "  --drain-ms MS        the engine takes MS for each chunk\n"
    "  --filter-us US       the engine takes US for each record\n"
    "  --hold-until TEXT    the output takes nothing until each input has logged TEXT\n"
    "  --ballast MB         memory that the host has before the first input\n"
    "  --refuse-every N     every Nth append of an input is refused\n"
    "  --fail-alloc N       the Nth allocation of the plugin fails\n"
    "  --drop-every N       every Nth chunk is taken and not counted, as a processor drops it\n"
    "  --routes N           records are counted N times more, as conditional routes do\n"
    "  --ring N             slots of each input's ring (1024)\n"
    "  --window PERCENT     how full a ring is when the engine is signalled (5)\n"
    "  --hide-ring          rings that a plugin cannot recognise in memory\n"
    "  --hide-properties    properties whose list is not within the instance\n"
    "  --stick-flush        rings that go on saying that the engine has yet to empty them\n"
    "  --twice              the plugin is loaded twice, at the start and in reloads\n"
    "  --before LIB, --after LIB\n"
    "                       a library beside the plugin; at the end its Probe() must return 1\n"
    "  --layout NAME        a structure that no release has, see src/layout.c\n"
    "  --alloc before|behind\n"
    "                       structures next to memory that cannot be touched\n"
    "  --daemon             fork after Register\n"
    "  --options            print the plugin's options and exit\n"
    "  --metrics            print the metrics at exit, on stderr\n"
    "  --report FILE        write what was seen as JSON at exit (-: stdout)\n"
    "  -q, -v               log nothing, log debug lines\n"
    "  --version, --help\n"
    "\n"
    "Exit code: 0 fine, 1 the plugin broke the contract, 2 wrong usage, 3 the start was refused.\n";

static int complain(const char *option, const char *value, const char *want)
{
    fprintf(stderr, "flbhost: option %s: invalid value '%s': expected %s\n", option, value, want);
    return -1;
}

static int number(const char *option, const char *value, long min, long *out)
{
    char *end;

    errno = 0;
    *out = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || errno != 0 || *out < min) {
        return complain(option, value, min == 0 ? "a number" : "a number above 0");
    }
    return 0;
}

static struct instance_options *add_instance(const char *name)
{
    opts.instances = realloc(opts.instances, (size_t)(opts.n + 1) * sizeof *opts.instances);
    opts.instances[opts.n] = (struct instance_options){.name = name};
    return &opts.instances[opts.n++];
}

static int add_property(const char *text)
{
    const char *eq = strchr(text, '=');
    struct instance_options *ins;

    if (eq == NULL || eq == text) {
        return complain("-p", text, "key=value");
    }
    ins = opts.n > 0 ? &opts.instances[opts.n - 1] : add_instance(NULL);
    ins->props = realloc(ins->props, (ins->n + 1) * sizeof *ins->props);
    ins->props[ins->n].key = strndup(text, (size_t)(eq - text));
    ins->props[ins->n].value = strdup(eq + 1);
    ins->n++;
    return 0;
}

void options_free(void)
{
    for (int i = 0; i < opts.n; i++) {
        for (size_t j = 0; j < opts.instances[i].n; j++) {
            free(opts.instances[i].props[j].key);
            free(opts.instances[i].props[j].value);
        }
        free(opts.instances[i].props);
    }
    free(opts.instances);
}

/* Parses an option with a value. Returns 1 for an unknown option. */
static int valued(const char *o, const char *v)
{
    long n = 0;
    char *end;

    if (strcmp(o, "--tick") == 0) {
        return number(o, v, 1, &opts.tick_ms);
    }
    if (strcmp(o, "-c") == 0) {
        return 0; /* ignored here: the plugin reads the command line */
    }
    if (strcmp(o, "--seconds") == 0) {
        opts.seconds = strtod(v, &end);
        return *v != '\0' && *end == '\0' && opts.seconds > 0 ? 0 : complain(o, v, "seconds");
    }
    if (strcmp(o, "--records") == 0) {
        int ret = number(o, v, 1, &n);

        opts.records = (uint64_t)n;
        return ret;
    }
    if (strcmp(o, "--collects") == 0) {
        int ret = number(o, v, 1, &n);

        opts.collects = (uint64_t)n;
        return ret;
    }
    if (strcmp(o, "--output") == 0) {
        opts.output = v;
        return 0;
    }
    if (strcmp(o, "--threaded") == 0) {
        opts.threaded = strcmp(v, "on") == 0;
        return opts.threaded || strcmp(v, "off") == 0 ? 0 : complain(o, v, "on or off");
    }
    if (strcmp(o, "--script") == 0) {
        opts.script = v;
        return 0;
    }
    if (strcmp(o, "--reloads") == 0) {
        return number(o, v, 0, &opts.reloads);
    }
    if (strcmp(o, "--pauses") == 0) {
        return number(o, v, 0, &opts.pauses);
    }
    if (strcmp(o, "--drain-ms") == 0) {
        return number(o, v, 0, &opts.drain_ms);
    }
    if (strcmp(o, "--filter-us") == 0) {
        return number(o, v, 0, &opts.filter_us);
    }
    if (strcmp(o, "--hold-until") == 0) {
        opts.hold_until = v;
        return 0;
    }
    if (strcmp(o, "--ballast") == 0) {
        return number(o, v, 0, &opts.ballast_mb);
    }
    if (strcmp(o, "--refuse-every") == 0) {
        int ret = number(o, v, 1, &n);

        opts.refuse_every = (uint64_t)n;
        return ret;
    }
    if (strcmp(o, "--fail-alloc") == 0) {
        return number(o, v, 1, &opts.fail_alloc);
    }
    if (strcmp(o, "--drop-every") == 0) {
        int ret = number(o, v, 1, &n);

        opts.drop_every = (uint64_t)n;
        return ret;
    }
    if (strcmp(o, "--routes") == 0) {
        int ret = number(o, v, 0, &n);

        opts.routes = (uint64_t)n;
        return ret;
    }
    if (strcmp(o, "--ring") == 0) {
        return number(o, v, 1, &opts.ring);
    }
    if (strcmp(o, "--window") == 0) {
        return number(o, v, 1, &opts.window);
    }
    if (strcmp(o, "--layout") == 0) {
        return layout_set(v) == 0 ? 0 : complain(o, v, "a name in src/layout.c");
    }
    if (strcmp(o, "--alloc") == 0) {
        opts.alloc = strcmp(v, "before") == 0 ? ALLOC_BEFORE : ALLOC_BEHIND;
        return opts.alloc == ALLOC_BEFORE || strcmp(v, "behind") == 0 ? 0 : complain(o, v, "before or behind");
    }
    if (strcmp(o, "--before") == 0) {
        opts.before = v;
        return 0;
    }
    if (strcmp(o, "--after") == 0) {
        opts.after = v;
        return 0;
    }
    if (strcmp(o, "--report") == 0) {
        opts.report = v;
        return 0;
    }
    return 1;
}

/* Returns 0 to continue, 1 to exit, and -1 after an error message. */
int options_parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *o = argv[i];
        int ret;

        if (strcmp(o, "--help") == 0 || strcmp(o, "-h") == 0) {
            printf(usage, POSE_MAJOR, POSE_MINOR, POSE_PATCH,
                   POSE_BARE ? ", with no symbols to be found" : "");
            return 1;
        }
        if (strcmp(o, "--version") == 0) {
            printf("flbhost as Fluent Bit %d.%d.%d%s\n", POSE_MAJOR, POSE_MINOR, POSE_PATCH,
                   POSE_BARE ? ", bare" : "");
            return 1;
        }
        if (strcmp(o, "-q") == 0) {
            log_level_set(LOG_OFF);
        }
        else if (strcmp(o, "-v") == 0) {
            log_level_set(log_level_get() < LOG_DEBUG ? LOG_DEBUG : LOG_TRACE);
        }
        else if (strcmp(o, "--daemon") == 0) {
            opts.daemon = true;
        }
        else if (strcmp(o, "--hide-ring") == 0) {
            opts.hide_ring = true;
        }
        else if (strcmp(o, "--hide-properties") == 0) {
            opts.hide_properties = true;
        }
        else if (strcmp(o, "--stick-flush") == 0) {
            opts.stick_flush = true;
        }
        else if (strcmp(o, "--twice") == 0) {
            opts.twice = true;
        }
        else if (strcmp(o, "--options") == 0) {
            opts.list_options = true;
        }
        else if (strcmp(o, "--metrics") == 0) {
            opts.metrics = true;
        }
        else if (strcmp(o, "-i") == 0) {
            bool named = i + 1 < argc && argv[i + 1][0] != '-' && opts.plugin != NULL;

            add_instance(named ? argv[++i] : NULL);
        }
        else if (strcmp(o, "-p") == 0) {
            if (i + 1 == argc) {
                return complain(o, "", "key=value");
            }
            if (add_property(argv[++i]) == -1) {
                return -1;
            }
        }
        else if (o[0] != '-' && opts.plugin == NULL) {
            opts.plugin = o;
        }
        else {
            ret = i + 1 < argc ? valued(o, argv[i + 1]) : 1;
            if (ret == 1) {
                fprintf(stderr, "flbhost: '%s'%s; see --help\n", o,
                        o[0] == '-' ? ": no such option, or no value" : " is one argument too many");
                return -1;
            }
            if (ret == -1) {
                return -1;
            }
            i++;
        }
    }
    if (opts.plugin == NULL) {
        fprintf(stderr, "flbhost: which plugin? see --help\n");
        return -1;
    }
    if (access(opts.plugin, R_OK) == -1) {
        fprintf(stderr, "flbhost: %s: %s\n", opts.plugin, strerror(errno));
        return -1;
    }
    if (opts.n == 0) {
        add_instance(NULL);
    }
    return 0;
}
