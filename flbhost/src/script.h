// SPDX-License-Identifier: Apache-2.0

/*
 * script.h: the timed actions of --script.
 */
#ifndef FLBHOST_SCRIPT_H
#define FLBHOST_SCRIPT_H

#pragma GCC visibility push(hidden)

enum action_kind { ACTION_PAUSE, ACTION_RESUME, ACTION_RELOAD, ACTION_HUP, ACTION_CONT, ACTION_EXIT };

struct action {
    double at; /* seconds after the start */
    enum action_kind kind;
    int index; /* of the instance, or -1 for all */
    int order; /* in the text, for actions at the same time */
};

int script_parse(const char *text, struct action **actions);

#pragma GCC visibility pop

#endif
