#include "base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_word(const char *words, uint64_t index, char *out, size_t out_bytes)
{
    while (index-- > 0)
        words += strcspn(words, ",") + strlen(", ");
    snprintf(out, out_bytes, "%.*s", (int)strcspn(words, ","), words);
}

static void print_bytes(uint64_t bytes, char *out, size_t out_bytes)
{
    static const char suffixes[] = "BKMG";
    unsigned power = 0;
    while (power < 3 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        power++;
    }
    snprintf(out, out_bytes, "%" PRIu64 "%c", bytes, suffixes[power]);
}

static void print_list(const struct mo_knob_list *list, char *out, size_t out_bytes)
{
    size_t used = 0;
    for (unsigned i = 0; i < list->count; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, i > 0 ? ",%" PRIu32 : "%" PRIu32, list->item[i]);
}

/* A modifier is shown only where it says something that the kind alone does not. */
static void print_schedule(const struct mo_schedule *schedule, char *out, size_t out_bytes)
{
    static const char *const names[] = {"static", "dynamic", "guided", "auto"};
    bool usual = schedule->monotonic == (schedule->kind == MO_SCHED_STATIC);
    const char *modifier = usual ? "" : schedule->monotonic ? "monotonic:" : "nonmonotonic:";
    int used = snprintf(out, out_bytes, "%s%s", modifier, names[schedule->kind - MO_SCHED_STATIC]);
    if (schedule->chunk > 0)
        snprintf(out + used, out_bytes - (size_t)used, ",%" PRIu32, schedule->chunk);
}

void mo_print_value(const struct mo_knob_row *row, const struct mo_knob_value *value, char *out, size_t out_bytes)
{
    if (!value->given)
        snprintf(out, out_bytes, "not set");
    else if (row->type == MO_TYPE_LIST)
        print_list(&value->list, out, out_bytes);
    else if (row->type == MO_TYPE_SCHEDULE)
        print_schedule(&value->schedule, out, out_bytes);
    else if (row->type == MO_TYPE_BOOL)
        print_word("false, true", value->number, out, out_bytes);
    else if (row->type == MO_TYPE_WORD)
        print_word(row->words, value->number, out, out_bytes);
    else if (row->type == MO_TYPE_BYTES)
        print_bytes(value->number, out, out_bytes);
    else if (row->type == MO_TYPE_COUNT && value->number == MO_COUNT_INFINITE)
        snprintf(out, out_bytes, "infinite");
    else
        snprintf(out, out_bytes, "%" PRIu64, value->number);
}

void mo_print_expected(const struct mo_knob_row *row, char *out, size_t out_bytes)
{
    switch (row->type) {
    case MO_TYPE_BOOL:
        snprintf(out, out_bytes, "true or false");
        return;
    case MO_TYPE_WORD:
        snprintf(out, out_bytes, "one of: %s", row->words);
        return;
    case MO_TYPE_SCHEDULE:
        snprintf(out, out_bytes, "a schedule like dynamic,4");
        return;
    case MO_TYPE_BYTES:
        snprintf(out, out_bytes, "a size of at least %" PRIu64 "K, like 512K or 64M", row->min / 1024);
        return;
    case MO_TYPE_COUNT:
        snprintf(out, out_bytes, "a count like 5000 or 5k, or infinite");
        return;
    default:
        snprintf(out, out_bytes, "%s from %" PRIu64 " to %" PRIu64,
                 row->type == MO_TYPE_LIST ? "a list of numbers" : "a number", row->min, row->max);
    }
}
