// SPDX-License-Identifier: Apache-2.0

/*
 * script.c: the actions of --script.
 *
 *   at SECONDS pause [INDEX]     the engine stops an input, or all
 *   at SECONDS resume [INDEX]
 *   at SECONDS reload            one hot reload
 *   at SECONDS hup               Fluent Bit's signal handlers replace the plugin's
 *   at SECONDS cont              the signal SIGCONT, whose handler does the same
 *   at SECONDS exit
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "script.h"

static const char *const action_names[] = {"pause", "resume", "reload", "hup", "cont", "exit"};

static int by_time(const void *a, const void *b)
{
    const struct action *x = a, *y = b;

    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return x->order - y->order;
}

static int parse_one(char *text, struct action *a)
{
    char word[16], rest;
    int fields = sscanf(text, " at %lf %15s %d %c", &a->at, word, &a->index, &rest);

    if (fields < 2 || fields > 3 || a->at < 0) {
        return -1;
    }
    if (fields == 2) {
        a->index = -1;
    }
    for (int i = 0; i < (int)(sizeof action_names / sizeof *action_names); i++) {
        if (strcmp(word, action_names[i]) == 0) {
            bool indexed = i == ACTION_PAUSE || i == ACTION_RESUME;

            a->kind = (enum action_kind)i;
            return fields == 3 && (!indexed || a->index < 0 || a->index >= opts.n) ? -1 : 0;
        }
    }
    return -1;
}

/* Parses the actions and sorts them by time. Returns -1 if the text is invalid. */
int script_parse(const char *text, struct action **actions)
{
    char *copy = strdup(text), *save = NULL;
    int n = 0;

    *actions = NULL;
    for (char *part = strtok_r(copy, ";", &save); part != NULL; part = strtok_r(NULL, ";", &save)) {
        if (part[strspn(part, " \t\n")] == '\0') {
            continue;
        }
        *actions = realloc(*actions, (size_t)(n + 1) * sizeof **actions);
        (*actions)[n].order = n;
        if (parse_one(part, &(*actions)[n]) == -1) {
            fprintf(stderr, "flbhost: option --script: invalid value '%s': expected 'at SECONDS pause [INDEX], resume "
                            "[INDEX], reload, hup, cont or exit'\n", part + strspn(part, " "));
            free(copy);
            return -1;
        }
        n++;
    }
    free(copy);
    if (n > 0) {
        qsort(*actions, (size_t)n, sizeof **actions, by_time);
    }
    return n;
}
