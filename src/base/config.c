#include "base/config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/log.h"
#include "base/parse.h"

const struct mo_knob_row mo_knob_rows[MO_KNOB_COUNT] = {
#define MO_KNOB(id, type_, initial_, min_, max_, words_, name_, alternatives_, sentence_)                              \
    [MO_KNOB_##id] = {.type = MO_TYPE_##type_,                                                                         \
                      .initial = initial_,                                                                             \
                      .min = min_,                                                                                     \
                      .max = max_,                                                                                     \
                      .words = words_,                                                                                 \
                      .name = name_,                                                                                   \
                      .alternatives = alternatives_,                                                                   \
                      .sentence = sentence_},
#include "base/knobs.def"
#undef MO_KNOB
};

#define NAME_BYTES 40

/* Written by load() alone; everyone else reads after the once. */
static struct {
    struct mo_knob_value value;
    char set_by[NAME_BYTES]; /* empty: nobody */
} settings[MO_KNOB_COUNT];

/* mo_knob_early() has complained already. */
static _Atomic bool told_early[MO_KNOB_COUNT];

/* Copies of texts. The originals may go: programs write over their environment to change what ps shows of them. */
static char text_space[65536];
static size_t text_used;

/* Of all ways to do something once, this one survives a fork() in the middle: the child starts over. */
static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static _Atomic bool ready;

/* What the program gave: texts that end with zero bytes. Written before the settings are read, by one thread. */
static char assigned[4096];
static size_t assigned_used;
static bool read_already;

bool mo_config_assign(const char *text, size_t bytes)
{
    if (read_already || bytes >= sizeof assigned - assigned_used)
        return false;
    char *to = assigned + assigned_used;
    memcpy(to, text, bytes);
    to[bytes] = '\0';
    for (size_t i = 0; i < bytes; i++)
        if (to[i] == '|')
            to[i] = '\0';
    assigned_used += bytes + 1;
    return true;
}

/* The last one counts. */
static const char *read_assigned(const char *name)
{
    size_t length = strlen(name);
    const char *found = NULL;
    for (const char *at = assigned; at < assigned + assigned_used; at += strlen(at) + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            found = at + length + 1;
    return found;
}

static bool begins_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Privileged programs obey neither our own names, which change what a program does in ways it never agreed to, nor
   those that make it load or write files of the caller's choice. */
static const char *read_environment(const char *name)
{
    const char *given = read_assigned(name);
    if (given != NULL)
        return given;
    return begins_with(name, "MOIRAI_") || begins_with(name, "OMP_TOOL") ? secure_getenv(name) : getenv(name);
}

static void set_default(enum mo_knob k)
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    memset(&settings[k], 0, sizeof settings[k]);
    bool well_formed = row->initial[0] == '\0' || mo_parse_value(row, row->initial, &settings[k].value);
    MO_ASSERT(well_formed);
}

static bool is_set(enum mo_knob k)
{
    return settings[k].set_by[0] != '\0';
}

/* The name number `i` of a knob; false when it has fewer. */
static bool name_at(enum mo_knob k, unsigned i, char name[NAME_BYTES])
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    const char *at = row->name;
    if (i > 0)
        at = row->alternatives;
    for (; at != NULL && i > 1; i--)
        at = (at = strchr(at, ',')) != NULL ? at + strlen(", ") : NULL;
    if (at == NULL)
        return false;
    size_t length = strcspn(at, ",");
    MO_ASSERT(length < NAME_BYTES);
    memcpy(name, at, length);
    name[length] = '\0';
    return true;
}

static bool keep_text(struct mo_knob_value *value, const char *name)
{
    size_t bytes = strlen(value->text) + 1;
    if (bytes > sizeof text_space - text_used) {
        mo_warn("%s is too long: ignored", name);
        return false;
    }
    value->text = memcpy(text_space + text_used, value->text, bytes);
    text_used += bytes;
    return true;
}

static void set_from(enum mo_knob k, const char *name)
{
    const char *text = read_environment(name);
    struct mo_knob_value value = {0};
    if (text == NULL || !mo_parse_value(&mo_knob_rows[k], text, &value))
        return;
    if (mo_row_is_text(&mo_knob_rows[k]) && !keep_text(&value, name))
        return;
    settings[k].value = value;
    strcpy(settings[k].set_by, name);
}

static void warn_malformed(const struct mo_knob_row *row, const char *name, const char *text, const char *source,
                           const struct mo_knob_value *value)
{
    char expected[MO_KNOB_TEXT_BYTES], used[MO_KNOB_TEXT_BYTES];
    mo_print_expected(row, expected, sizeof expected);
    mo_print_value(row, value, used, sizeof used);
    mo_warn("%s=\"%.100s\" is not %s: ignored, %s is used (%s)", name, text, expected, source, used);
}

/* A second name of the same setting that says something else. That _ALL gives way to the plain name is what it is
   for. */
static void warn_contradiction(enum mo_knob k, const char *name, const struct mo_knob_value *value)
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    char ignored[MO_KNOB_TEXT_BYTES], used[MO_KNOB_TEXT_BYTES];
    mo_print_value(row, value, ignored, sizeof ignored);
    mo_print_value(row, &settings[k].value, used, sizeof used);
    if (strncmp(name, row->name, strlen(row->name)) != 0 && strcmp(ignored, used) != 0)
        mo_warn("%s=\"%s\" is ignored: %s is set too and is used (%s)", name, ignored, settings[k].set_by, used);
}

static void complain(enum mo_knob k, const char *name)
{
    const char *text = read_environment(name);
    struct mo_knob_value value = {0};
    if (text == NULL || strcmp(name, settings[k].set_by) == 0)
        return;
    if (mo_parse_value(&mo_knob_rows[k], text, &value))
        warn_contradiction(k, name, &value);
    else if (!mo_load_relaxed(&told_early[k]))
        warn_malformed(&mo_knob_rows[k], name, text, is_set(k) ? settings[k].set_by : "the default",
                       &settings[k].value);
}

/* The first name with a well-formed text counts. */
static void load_knob(enum mo_knob k)
{
    char name[NAME_BYTES];
    set_default(k);
    for (unsigned i = 0; !is_set(k) && name_at(k, i, name); i++)
        set_from(k, name);
    for (unsigned i = 0; name_at(k, i, name); i++)
        complain(k, name);
}

static void load(void)
{
    text_used = 0;
    read_already = true;
    load_knob(MO_KNOB_KMP_WARNINGS);
    mo_log_set_warnings(settings[MO_KNOB_KMP_WARNINGS].value.number);
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++)
        if (k != MO_KNOB_KMP_WARNINGS)
            load_knob((enum mo_knob)k);
    if (is_set(MO_KNOB_OMP_PLACES) && is_set(MO_KNOB_GOMP_CPU_AFFINITY))
        mo_warn("GOMP_CPU_AFFINITY is ignored: OMP_PLACES is set too and is used");
    if (is_set(MO_KNOB_KMP_AFFINITY) && (is_set(MO_KNOB_OMP_PLACES) || is_set(MO_KNOB_GOMP_CPU_AFFINITY)))
        mo_warn("KMP_AFFINITY is ignored: %s is set too and is used",
                is_set(MO_KNOB_OMP_PLACES) ? "OMP_PLACES" : "GOMP_CPU_AFFINITY");
    mo_config_check_devices();
    mo_store_release(&ready, true);
}

static __attribute__((noinline)) void load_once(void)
{
    pthread_once(&loaded, load);
}

void mo_config_load(void)
{
    if (mo_unlikely(!mo_load_acquire(&ready))) /* regions ask often, and a call costs */
        load_once();
}

uint64_t mo_knob(enum mo_knob k)
{
    mo_config_load();
    return settings[k].value.number;
}

uint64_t mo_knob_early(enum mo_knob k)
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    const char *text = read_environment(row->name);
    struct mo_knob_value value = {0}, initial = {0};
    mo_parse_value(row, row->initial, &initial);
    if (!text)
        return initial.number;
    if (mo_parse_value(row, text, &value))
        return value.number;
    if (!atomic_exchange_explicit(&told_early[k], true, memory_order_relaxed))
        warn_malformed(row, row->name, text, "the default", &initial);
    return initial.number;
}

const char *mo_knob_early_text(enum mo_knob k)
{
    return read_environment(mo_knob_rows[k].name);
}

enum mo_knob_source mo_knob_source(enum mo_knob k)
{
    mo_config_load();
    return is_set(k) ? MO_SOURCE_ENV : MO_SOURCE_DEFAULT;
}

const struct mo_knob_list *mo_knob_list(enum mo_knob k)
{
    MO_ASSERT(mo_knob_rows[k].type == MO_TYPE_LIST || mo_knob_rows[k].type == MO_TYPE_BIND);
    mo_config_load();
    return &settings[k].value.list;
}

struct mo_schedule mo_knob_schedule(enum mo_knob k)
{
    MO_ASSERT(mo_knob_rows[k].type == MO_TYPE_SCHEDULE);
    mo_config_load();
    return settings[k].value.schedule;
}

const char *mo_knob_text(enum mo_knob k)
{
    MO_ASSERT(mo_row_is_text(&mo_knob_rows[k]));
    mo_config_load();
    return settings[k].value.text;
}

void mo_knob_describe(enum mo_knob k, struct mo_knob_info *info)
{
    mo_config_load();
    const struct mo_knob_row *row = &mo_knob_rows[k];
    struct mo_knob_value initial = {0};
    if (row->initial[0] != '\0')
        mo_parse_value(row, row->initial, &initial);
    *info = (struct mo_knob_info){.name = row->name,
                                  .alternatives = row->alternatives,
                                  .sentence = row->sentence,
                                  .set_by = is_set(k) ? settings[k].set_by : NULL};
    mo_print_expected(row, info->expected, sizeof info->expected);
    mo_print_value(row, &settings[k].value, info->value, sizeof info->value);
    mo_print_value(row, &initial, info->initial, sizeof info->initial);
}

void mo_config_reload_for_test(void)
{
    static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
    loaded = fresh;
    mo_store_relaxed(&ready, false);
    mo_log_set_warnings(true);
}
