#include "base/parse.h"

#include "base/allocators.h"
#include "base/format.h"
#include "base/kmp.h"
#include "base/places.h"
#include "base/scan.h"

static void scale(uint64_t *number, uint64_t unit, unsigned power)
{
    while (power-- > 0)
        if (__builtin_mul_overflow(*number, unit, number))
            *number = UINT64_MAX;
}

/* The first suffix stands for one `unit` to the power `first_power`, the next for one power more. */
static void take_suffix(const char **text, const char *suffixes, uint64_t unit, unsigned first_power,
                        unsigned power_without, uint64_t *number)
{
    for (unsigned i = 0; suffixes[i] != '\0'; i++) {
        if (mo_scan_char(text, suffixes[i])) {
            scale(number, unit, first_power + i);
            return;
        }
    }
    scale(number, unit, power_without);
}

/* More than the maximum is refused, except where the row says that it means the maximum. */
static bool bound(const struct mo_knob_row *row, uint64_t *number)
{
    if (*number > row->max && row->type == MO_TYPE_CAPPED)
        *number = row->max;
    return *number >= row->min && *number <= row->max;
}

static bool parse_number(const struct mo_knob_row *row, const char *text, uint64_t *number)
{
    if (!mo_scan_number(&text, number))
        return false;
    if (row->type == MO_TYPE_BYTES)
        take_suffix(&text, "bkmg", 1024, 0, 1, number);
    if (row->type == MO_TYPE_OCTETS) {
        take_suffix(&text, "bkmgt", 1024, 0, 0, number);
        mo_scan_char(&text, 'b');
    }
    if (row->type == MO_TYPE_COUNT)
        take_suffix(&text, "kmgt", 1000, 1, 0, number);
    return mo_scan_end(text) && bound(row, number);
}

static bool parse_count(const struct mo_knob_row *row, const char *text, uint64_t *number)
{
    if (!mo_scan_word(&text, "infinite") && !mo_scan_word(&text, "infinity"))
        return parse_number(row, text, number);
    *number = MO_COUNT_INFINITE;
    return mo_scan_end(text);
}

static bool parse_duration(const char *text, uint64_t *ns)
{
    static const uint64_t units[] = {1000, 1000000, 1000000000};
    uint64_t unit = 1;
    if (mo_scan_word(&text, "infinite") || mo_scan_word(&text, "infinity")) {
        *ns = MO_COUNT_INFINITE;
        return mo_scan_end(text);
    }
    if (!mo_scan_number(&text, ns))
        return false;
    mo_scan_choice(&text, "us, ms, s", &unit);
    if (__builtin_mul_overflow(*ns, units[unit], ns))
        *ns = MO_COUNT_INFINITE;
    return mo_scan_end(text);
}

/* Off and on by turns. */
static bool parse_switch(const char *text, uint64_t *on)
{
    if (!mo_scan_choice(&text, "false, true, off, on, 0, 1, no, yes, disabled, enabled, f, t, n, y", on))
        return false;
    *on &= 1;
    return mo_scan_end(text);
}

static bool parse_word(const char *words, const char *text, uint64_t *index)
{
    return mo_scan_choice(&text, words, index) && mo_scan_end(text);
}

static bool parse_list(const struct mo_knob_row *row, const char *text, struct mo_knob_list *list)
{
    list->count = 0;
    do {
        uint64_t number;
        if (list->count == MO_LIST_MAX || !mo_scan_number(&text, &number) || !bound(row, &number))
            return false;
        list->item[list->count++] = (uint16_t)number;
    } while (mo_scan_char(&text, ','));
    return mo_scan_end(text);
}

/* true or false, or a policy for each nesting level. */
static bool parse_bind(const char *text, struct mo_knob_list *list)
{
    static const uint8_t policies[] = {MO_BIND_PRIMARY, MO_BIND_PRIMARY, MO_BIND_CLOSE, MO_BIND_SPREAD};
    uint64_t word;
    if (parse_word("false, true", text, &word)) {
        *list = (struct mo_knob_list){.count = 1, .item = {(uint16_t)word}};
        return true;
    }
    list->count = 0;
    do {
        if (list->count == MO_LIST_MAX || !mo_scan_choice(&text, "primary, master, close, spread", &word))
            return false;
        list->item[list->count++] = policies[word];
    } while (mo_scan_char(&text, ','));
    return mo_scan_end(text);
}

static bool take_kind(const char **text, enum mo_sched_kind *kind)
{
    uint64_t index;
    if (!mo_scan_choice(text, "static, dynamic, guided, auto", &index))
        return false;
    *kind = (enum mo_sched_kind)(MO_SCHED_STATIC + index);
    return true;
}

/* A chunk of 0 is the kind's default, which is "all in one go" for static and 1 for the others. */
static bool take_chunk(const struct mo_knob_row *row, const char **text, struct mo_schedule *schedule)
{
    uint64_t chunk = 0;
    if (mo_scan_char(text, ',') && !mo_scan_number(text, &chunk))
        return false;
    if (chunk == 0 && schedule->kind != MO_SCHED_STATIC)
        chunk = 1;
    schedule->chunk = (uint32_t)chunk;
    return chunk == 0 || bound(row, &chunk);
}

/* Without a modifier static loops are monotonic and all others are not, as the specification says. */
static bool parse_schedule(const struct mo_knob_row *row, const char *text, struct mo_schedule *schedule)
{
    bool monotonic = mo_scan_word(&text, "monotonic");
    bool nonmonotonic = !monotonic && mo_scan_word(&text, "nonmonotonic");
    if ((monotonic || nonmonotonic) && !mo_scan_char(&text, ':'))
        return false;
    if (!take_kind(&text, &schedule->kind) || !take_chunk(row, &text, schedule))
        return false;
    schedule->monotonic = monotonic || (schedule->kind == MO_SCHED_STATIC && !nonmonotonic);
    return mo_scan_end(text);
}

static bool parse_text(const struct mo_knob_row *row, const char *text, const char **kept)
{
    *kept = text;
    switch (row->type) {
    case MO_TYPE_FORMAT:
        return mo_format_well_formed(text);
    case MO_TYPE_PLACES:
        return mo_places_well_formed(text);
    case MO_TYPE_CPUS:
        return mo_places_read_cpus(text, NULL);
    case MO_TYPE_AFFINITY:
        return mo_kmp_affinity_read(text, &(struct mo_kmp_affinity){0});
    case MO_TYPE_SUBSET:
        return mo_kmp_subset_read(text, &(struct mo_kmp_subset){0});
    case MO_TYPE_ALLOCATOR:
        return mo_allocators_read(text, &(struct mo_allocator_setting){0});
    default:
        return true;
    }
}

bool mo_parse_value(const struct mo_knob_row *row, const char *text, struct mo_knob_value *value)
{
    value->given = true;
    if (mo_row_is_text(row))
        return parse_text(row, text, &value->text);
    switch (row->type) {
    case MO_TYPE_LIST:
        return parse_list(row, text, &value->list);
    case MO_TYPE_BIND:
        return parse_bind(text, &value->list);
    case MO_TYPE_SCHEDULE:
        return parse_schedule(row, text, &value->schedule);
    case MO_TYPE_COUNT:
        return parse_count(row, text, &value->number);
    case MO_TYPE_DURATION:
        return parse_duration(text, &value->number);
    case MO_TYPE_SWITCH:
        return parse_switch(text, &value->number);
    case MO_TYPE_BOOL:
        return parse_word("false, true", text, &value->number);
    case MO_TYPE_WORD:
        return parse_word(row->words, text, &value->number);
    default:
        return parse_number(row, text, &value->number);
    }
}
