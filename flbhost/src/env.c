// SPDX-License-Identifier: Apache-2.0

/*
 * env.c: ${VAR} in property values, and the config map of a plugin.
 */
#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct flb_env the_env;
struct flb_config the_config = {&the_env};

/* layout: struct flb_sds */
struct sds {
    uint64_t len;
    uint64_t alloc;
    char text[];
};

char *sds_new(const char *text, size_t len)
{
    struct sds *s = malloc(sizeof *s + len + 1);

    s->len = s->alloc = len;
    if (len > 0) {
        memcpy(s->text, text, len);
    }
    s->text[len] = '\0';
    return s->text;
}

void sds_free(char *sds)
{
    if (sds != NULL) {
        free(sds - offsetof(struct sds, text));
    }
}

EXPORT void flb_sds_destroy(char *sds);
EXPORT void flb_sds_destroy(char *sds)
{
    sds_free(sds);
}

EXPORT const char *flb_env_get(struct flb_env *env, const char *key);
EXPORT const char *flb_env_get(struct flb_env *env, const char *key)
{
    const char *value = key != NULL ? getenv(key) : NULL;

    (void)env;
    return value != NULL && *value != '\0' ? value : NULL;
}

/*
 * Replaces variables from left to right. As in Fluent Bit (all tags), the search
 * for the closing brace starts at the end of the previous variable instead of
 * the opening brace: a '}' between two variables ends the expansion, and the
 * text up to it is lost. The result must be freed.
 */
char *env_translate(const char *value)
{
    size_t len = strlen(value), out_len = 0;
    char *out = NULL;
    FILE *f = open_memstream(&out, &out_len);
    const char *end = NULL;
    bool replaced = false;

    for (size_t i = 0; i < len; i++) {
        const char *from = value + i;
        const char *start = strstr(from, "${");
        const char *found, *fallback = NULL;
        char *name;

        if (start == NULL) {
            break;
        }
        end = strchr(from, '}');
        if (end == NULL || end <= start + 2 || end - start - 2 >= 4096) {
            break;
        }
        replaced = true;
        fwrite(from, 1, (size_t)(start - from), f);

        name = strndup(start + 2, (size_t)(end - start - 2));
        if (POSE_ENV_DEFAULTS) {
            char *colon = strchr(name, ':');

            if (colon != NULL && colon[1] == '-') {
                fallback = colon + 2;
                *colon = '\0';
            }
        }
        found = flb_env_get(&the_env, name);
        if (found != NULL) {
            fputs(found, f);
        }
        else if (fallback != NULL) {
            fputs(fallback, f);
        }
        else {
            host_log(LOG_WARN, "[env] variable ${%s} is used but not set", name);
        }
        free(name);
        i = (size_t)(end - value);
    }
    if (end != NULL && replaced && end[1] != '\0') {
        fputs(end + 1, f);
    }
    fclose(f);

    if (out_len == 0 && !replaced) {
        free(out);
        return strdup(value);
    }
    return out;
}

EXPORT char *flb_env_var_translate(struct flb_env *env, const char *value);
EXPORT char *flb_env_var_translate(struct flb_env *env, const char *value)
{
    char *plain, *sds;

    (void)env;
    if (value == NULL) {
        return NULL;
    }
    plain = env_translate(value);
    sds = sds_new(plain, strlen(plain));
    free(plain);
    return sds;
}

#if POSE_DYNAMIC_ENV
EXPORT char *flb_config_map_translate_dynamic(struct flb_config *config, struct flb_config_map *map);
EXPORT char *flb_config_map_translate_dynamic(struct flb_config *config, struct flb_config_map *map)
{
    const char *raw;

    if (map == NULL) {
        return NULL;
    }
    if (map->flags & MAP_MULT) {
        raw = NULL; /* lists of values are not supported */
    }
    else {
        raw = map->value.raw != NULL ? map->value.raw : map->def_value;
    }
    return raw != NULL ? flb_env_var_translate(config->env, raw) : NULL;
}
#endif

static const struct flb_config_map *map_find(const struct flb_config_map *map, const char *key)
{
    for (; map != NULL && map->name != NULL; map++) {
        if (map->type == MAP_STR_PREFIX) {
            if (strncasecmp(key, map->name, strlen(map->name)) == 0) {
                return map;
            }
        }
        else if (strcasecmp(key, map->name) == 0) {
            return map;
        }
    }
    return NULL;
}

bool config_map_dynamic(const struct flb_config_map *map, const char *key)
{
    const struct flb_config_map *entry = map_find(map, key);

    return entry != NULL && (entry->flags & MAP_DYNAMIC_ENV) != 0;
}

/* Unknown keys, and duplicates of keys that must be unique, are errors. */
bool config_map_check(const struct flb_config_map *map, const char *plugin,
                      const struct list *props)
{
    for (struct list *at = props->next; at != props; at = at->next) {
        const char *key = property_at(at)->key;
        const struct flb_config_map *entry = map_find(map, key);
        size_t count = 0;

        if (strcasecmp(key, "active") == 0 || strcasecmp(key, "condition") == 0) {
            continue;
        }
        if (entry == NULL) {
            host_log(LOG_ERROR, "[config] %s: unknown configuration property '%s'", plugin, key);
            return false;
        }
        if (entry->type == MAP_DEPRECATED) {
            host_log(LOG_WARN, "[config] %s: '%s' is deprecated", plugin, key);
        }
        for (struct list *other = props->next; other != props; other = other->next) {
            count += strcasecmp(key, property_at(other)->key) == 0;
        }
        if (count > 1 && (entry->flags & MAP_MULT) == 0) {
            host_log(LOG_ERROR, "[config] %s: configuration property '%s' is set %zu times",
                     plugin, key, count);
            return false;
        }
    }
    return true;
}

void config_map_print(const struct flb_config_map *map, const char *name, const char *desc)
{
    static const char *const types[] = {"string", "prefix", "integer",    "boolean",
                                        "double", "size",   "time",       "deprecated"};

    printf("%s: %s\n\n", name, desc != NULL ? desc : "");
    printf("%-24s %-10s %-8s %-28s %s\n", "OPTION", "TYPE", "FLAGS", "DEFAULT", "DESCRIPTION");
    for (; map != NULL && map->name != NULL; map++) {
        printf("%-24s %-10s %-8s %-28s %s\n", map->name,
               map->type >= 0 && map->type <= MAP_DEPRECATED ? types[map->type] : "other",
               map->flags & MAP_DYNAMIC_ENV ? (map->flags & MAP_MULT ? "env,mult" : "env")
               : map->flags & MAP_MULT      ? "mult"
                                            : "-",
               map->def_value != NULL ? map->def_value : "-", map->desc != NULL ? map->desc : "");
    }
}
