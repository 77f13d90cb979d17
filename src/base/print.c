#include "base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Lengths that are returned are those of the whole text, whether it fitted or not, as snprintf has it. */
static int print_word(const char *words, uint64_t index, char *out, size_t out_bytes)
{
    while (index-- > 0)
        words += strcspn(words, ",") + strlen(", ");
    return snprintf(out, out_bytes, "%.*s", (int)strcspn(words, ","), words);
}

static int print_bytes(uint64_t bytes, char *out, size_t out_bytes)
{
    static const char suffixes[] = "BKMG";
    unsigned power = 0;
    while (power < 3 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        power++;
    }
    return snprintf(out, out_bytes, "%" PRIu64 "%c", bytes, suffixes[power]);
}

static int print_duration(uint64_t ns, char *out, size_t out_bytes)
{
    if (ns == MO_COUNT_INFINITE)
        return snprintf(out, out_bytes, "infinite");
    if (ns % 1000000 != 0)
        return snprintf(out, out_bytes, "%" PRIu64 "us", ns / 1000);
    return snprintf(out, out_bytes, "%" PRIu64 "ms", ns / 1000000);
}

static size_t append(char *out, size_t out_bytes, size_t used, const char *text)
{
    return (size_t)snprintf(used < out_bytes ? out + used : NULL, used < out_bytes ? out_bytes - used : 0, "%s", text);
}

static int print_list(const struct mo_knob_row *row, const struct mo_knob_list *list, char *out, size_t out_bytes)
{
    static const char policies[] = "false, true, primary, close, spread";
    size_t used = 0;
    for (unsigned i = 0; i < list->count; i++) {
        if (i > 0)
            used += append(out, out_bytes, used, ",");
        char item[16];
        if (row->type == MO_TYPE_BIND)
            print_word(policies, list->item[i], item, sizeof item);
        else
            snprintf(item, sizeof item, "%u", list->item[i]);
        used += append(out, out_bytes, used, item);
    }
    return (int)used;
}

/* A modifier is shown only where it says something that the kind alone does not. */
static int print_schedule(const struct mo_schedule *schedule, char *out, size_t out_bytes)
{
    static const char *const names[] = {"static", "dynamic", "guided", "auto"};
    bool usual = schedule->monotonic == (schedule->kind == MO_SCHED_STATIC);
    const char *modifier = usual ? "" : schedule->monotonic ? "monotonic:" : "nonmonotonic:";
    const char *name = names[schedule->kind - MO_SCHED_STATIC];
    if (schedule->chunk == 0)
        return snprintf(out, out_bytes, "%s%s", modifier, name);
    return snprintf(out, out_bytes, "%s%s,%" PRIu32, modifier, name, schedule->chunk);
}

static int print_whole(const struct mo_knob_row *row, const struct mo_knob_value *value, char *out, size_t out_bytes)
{
    if (!value->given)
        return snprintf(out, out_bytes, "not set");
    if (mo_row_is_text(row))
        return snprintf(out, out_bytes, "%s", value->text);
    switch (row->type) {
    case MO_TYPE_LIST:
    case MO_TYPE_BIND:
        return print_list(row, &value->list, out, out_bytes);
    case MO_TYPE_SCHEDULE:
        return print_schedule(&value->schedule, out, out_bytes);
    case MO_TYPE_BOOL:
        return print_word("false, true", value->number, out, out_bytes);
    case MO_TYPE_WORD:
        return print_word(row->words, value->number, out, out_bytes);
    case MO_TYPE_SWITCH:
        return print_word("off, on", value->number, out, out_bytes);
    case MO_TYPE_DURATION:
        return print_duration(value->number, out, out_bytes);
    case MO_TYPE_OCTETS:
    case MO_TYPE_BYTES:
        return print_bytes(value->number, out, out_bytes);
    default:
        if (row->type == MO_TYPE_COUNT && value->number == MO_COUNT_INFINITE)
            return snprintf(out, out_bytes, "infinite");
        return snprintf(out, out_bytes, "%" PRIu64, value->number);
    }
}

void mo_print_value(const struct mo_knob_row *row, const struct mo_knob_value *value, char *out, size_t out_bytes)
{
    static const char dots[] = "...";
    if (print_whole(row, value, out, out_bytes) >= (int)out_bytes)
        memcpy(out + out_bytes - sizeof dots, dots, sizeof dots);
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
    case MO_TYPE_SWITCH:
        snprintf(out, out_bytes, "on or off");
        return;
    case MO_TYPE_DURATION:
        snprintf(out, out_bytes, "a time like 200, 200ms or 50us, or infinite");
        return;
    case MO_TYPE_AFFINITY:
        snprintf(out, out_bytes, "an affinity like scatter or granularity=fine,compact,1,0");
        return;
    case MO_TYPE_SUBSET:
        snprintf(out, out_bytes, "a part of the machine like 1s,4c,1t");
        return;
    case MO_TYPE_OCTETS:
    case MO_TYPE_BYTES:
        snprintf(out, out_bytes, "a size of at least %" PRIu64 "K, like 512K or 64M", row->min / 1024);
        return;
    case MO_TYPE_BIND:
        snprintf(out, out_bytes, "true, false, or a list of: primary, master, close, spread");
        return;
    case MO_TYPE_PLACES:
        snprintf(out, out_bytes, "a list of places like {0:4}:8:4, or a name like cores(8)");
        return;
    case MO_TYPE_CPUS:
        snprintf(out, out_bytes, "a list of CPUs like 0 3 4-15:2");
        return;
    case MO_TYPE_ALLOCATOR:
        snprintf(out, out_bytes, "an allocator like omp_const_mem_alloc or omp_default_mem_space:alignment=64");
        return;
    case MO_TYPE_FORMAT:
        snprintf(out, out_bytes, "a text with fields like %%n or %%{host}");
        return;
    case MO_TYPE_TEXT:
        snprintf(out, out_bytes, "a text");
        return;
    case MO_TYPE_COUNT:
        snprintf(out, out_bytes, "a count like 5000 or 5k, or infinite");
        return;
    default:
        snprintf(out, out_bytes, "%s from %" PRIu64 " to %" PRIu64,
                 row->type == MO_TYPE_LIST ? "a list of numbers" : "a number", row->min, row->max);
    }
}
