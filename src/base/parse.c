#include "base/parse.h"

#include <string.h>

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t\n\v\f\r");
}

static bool at_end(const char *text)
{
    return *skip_space(text) == '\0';
}

/* Step over `word` and report true, or leave *text alone. A longer word that starts alike is another word. */
static bool take_word(const char **text, const char *word, size_t length)
{
    const char *from = skip_space(*text);
    for (size_t i = 0; i < length; i++)
        if (fold(from[i]) != word[i])
            return false;
    char next = fold(from[length]);
    if ((next >= 'a' && next <= 'z') || (next >= '0' && next <= '9') || next == '_')
        return false;
    *text = from + length;
    return true;
}

static bool take_literal(const char **text, const char *word)
{
    return take_word(text, word, strlen(word));
}

static bool take_char(const char **text, char wanted)
{
    const char *from = skip_space(*text);
    if (fold(*from) != wanted)
        return false;
    *text = from + 1;
    return true;
}

/* A decimal number; one that does not fit counts as UINT64_MAX. */
static bool take_number(const char **text, uint64_t *number)
{
    take_char(text, '+');
    const char *from = skip_space(*text);
    if (*from < '0' || *from > '9')
        return false;
    uint64_t sum = 0;
    for (; *from >= '0' && *from <= '9'; from++)
        if (__builtin_mul_overflow(sum, 10u, &sum) || __builtin_add_overflow(sum, (uint64_t)(*from - '0'), &sum))
            sum = UINT64_MAX;
    *number = sum;
    *text = from;
    return true;
}

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
        if (take_char(text, suffixes[i])) {
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
    if (!take_number(&text, number))
        return false;
    if (row->type == MO_TYPE_BYTES)
        take_suffix(&text, "bkmg", 1024, 0, 1, number);
    if (row->type == MO_TYPE_COUNT)
        take_suffix(&text, "kmgt", 1000, 1, 0, number);
    return at_end(text) && bound(row, number);
}

static bool parse_count(const struct mo_knob_row *row, const char *text, uint64_t *number)
{
    if (!take_literal(&text, "infinite") && !take_literal(&text, "infinity"))
        return parse_number(row, text, number);
    *number = MO_COUNT_INFINITE;
    return at_end(text);
}

/* `words` is a list with ", " between its items. */
static bool parse_word(const char *words, const char *text, uint64_t *index)
{
    for (uint64_t i = 0;; i++) {
        size_t length = strcspn(words, ",");
        if (take_word(&text, words, length)) {
            *index = i;
            return at_end(text);
        }
        if (words[length] == '\0')
            return false;
        words += length + strlen(", ");
    }
}

static bool parse_list(const struct mo_knob_row *row, const char *text, struct mo_knob_list *list)
{
    list->count = 0;
    do {
        uint64_t number;
        if (!take_number(&text, &number) || !bound(row, &number))
            return false;
        if (list->count < MO_LIST_MAX)
            list->item[list->count++] = (uint32_t)number;
    } while (take_char(&text, ','));
    return at_end(text);
}

static bool take_kind(const char **text, enum mo_sched_kind *kind)
{
    static const char *const names[] = {"static", "dynamic", "guided", "auto"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (take_literal(text, names[i])) {
            *kind = (enum mo_sched_kind)(MO_SCHED_STATIC + i);
            return true;
        }
    }
    return false;
}

/* A chunk of 0 is the kind's default, which is "all in one go" for static and 1 for the others. */
static bool take_chunk(const struct mo_knob_row *row, const char **text, struct mo_schedule *schedule)
{
    uint64_t chunk = 0;
    if (take_char(text, ',') && !take_number(text, &chunk))
        return false;
    if (chunk == 0 && schedule->kind != MO_SCHED_STATIC)
        chunk = 1;
    schedule->chunk = (uint32_t)chunk;
    return chunk == 0 || bound(row, &chunk);
}

/* Without a modifier static loops are monotonic and all others are not, as the specification says. */
static bool parse_schedule(const struct mo_knob_row *row, const char *text, struct mo_schedule *schedule)
{
    bool monotonic = take_literal(&text, "monotonic");
    bool nonmonotonic = !monotonic && take_literal(&text, "nonmonotonic");
    if ((monotonic || nonmonotonic) && !take_char(&text, ':'))
        return false;
    if (!take_kind(&text, &schedule->kind) || !take_chunk(row, &text, schedule))
        return false;
    schedule->monotonic = monotonic || (schedule->kind == MO_SCHED_STATIC && !nonmonotonic);
    return at_end(text);
}

bool mo_parse_value(const struct mo_knob_row *row, const char *text, struct mo_knob_value *value)
{
    value->given = true;
    switch (row->type) {
    case MO_TYPE_LIST:
        return parse_list(row, text, &value->list);
    case MO_TYPE_SCHEDULE:
        return parse_schedule(row, text, &value->schedule);
    case MO_TYPE_COUNT:
        return parse_count(row, text, &value->number);
    case MO_TYPE_BOOL:
        return parse_word("false, true", text, &value->number);
    case MO_TYPE_WORD:
        return parse_word(row->words, text, &value->number);
    default:
        return parse_number(row, text, &value->number);
    }
}
