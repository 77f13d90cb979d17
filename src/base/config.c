#include "base/config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/parse.h"

const struct mo_knob_row mo_knob_rows[MO_KNOB_COUNT] = {
#define MO_KNOB(id, type_, initial_, min_, max_, words_, name_, alternative_, sentence_)                               \
    [MO_KNOB_##id] = {.type = MO_TYPE_##type_,                                                                         \
                      .initial = initial_,                                                                             \
                      .min = min_,                                                                                     \
                      .max = max_,                                                                                     \
                      .words = words_,                                                                                 \
                      .name = name_,                                                                                   \
                      .alternative = alternative_,                                                                     \
                      .sentence = sentence_},
#include "base/knobs.def"
#undef MO_KNOB
};

/* Written by load() alone; everyone else reads after the once. */
static struct {
    struct mo_knob_value value;
    const char *set_by;
} settings[MO_KNOB_COUNT];

/* Of all ways to do something once, this one survives a fork() in the middle: the child starts over. */
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

/* The prefix tells our own names, which change what a program does in ways it never agreed to. */
static const char *read_environment(const char *name)
{
    return strncmp(name, "MOIRAI_", strlen("MOIRAI_")) == 0 ? secure_getenv(name) : getenv(name);
}

static void set_default(enum mo_knob k)
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    memset(&settings[k], 0, sizeof settings[k]);
    bool well_formed = row->initial[0] == '\0' || mo_parse_value(row, row->initial, &settings[k].value);
    MO_ASSERT(well_formed);
}

static void set_from(enum mo_knob k, const char *name)
{
    const char *text = name != NULL ? read_environment(name) : NULL;
    if (text == NULL)
        return;
    struct mo_knob_value value = {0};
    if (mo_parse_value(&mo_knob_rows[k], text, &value)) {
        settings[k].value = value;
        settings[k].set_by = name;
        return;
    }
    char expected[MO_KNOB_TEXT_BYTES], initial[MO_KNOB_TEXT_BYTES];
    mo_print_expected(&mo_knob_rows[k], expected, sizeof expected);
    mo_print_value(&mo_knob_rows[k], &settings[k].value, initial, sizeof initial);
    mo_warn("%s=\"%.100s\" is not %s: ignored, the default is used (%s)", name, text, expected, initial);
}

static void load(void)
{
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        set_default(k);
        set_from(k, mo_knob_rows[k].name);
        if (settings[k].set_by == NULL)
            set_from(k, mo_knob_rows[k].alternative);
    }
}

void mo_config_load(void)
{
    pthread_once(&loaded, load);
}

uint64_t mo_knob(enum mo_knob k)
{
    mo_config_load();
    return settings[k].value.number;
}

enum mo_knob_source mo_knob_source(enum mo_knob k)
{
    mo_config_load();
    return settings[k].set_by != NULL ? MO_SOURCE_ENV : MO_SOURCE_DEFAULT;
}

const struct mo_knob_list *mo_knob_list(enum mo_knob k)
{
    MO_ASSERT(mo_knob_rows[k].type == MO_TYPE_LIST);
    mo_config_load();
    return &settings[k].value.list;
}

struct mo_schedule mo_knob_schedule(enum mo_knob k)
{
    MO_ASSERT(mo_knob_rows[k].type == MO_TYPE_SCHEDULE);
    mo_config_load();
    return settings[k].value.schedule;
}

void mo_knob_describe(enum mo_knob k, struct mo_knob_info *info)
{
    mo_config_load();
    const struct mo_knob_row *row = &mo_knob_rows[k];
    struct mo_knob_value initial = {0};
    if (row->initial[0] != '\0')
        mo_parse_value(row, row->initial, &initial);
    *info = (struct mo_knob_info){
        .name = row->name, .alternative = row->alternative, .sentence = row->sentence, .set_by = settings[k].set_by};
    mo_print_expected(row, info->expected, sizeof info->expected);
    mo_print_value(row, &settings[k].value, info->value, sizeof info->value);
    mo_print_value(row, &initial, info->initial, sizeof info->initial);
}

void mo_config_reload_for_test(void)
{
    static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
    loaded = fresh;
}
