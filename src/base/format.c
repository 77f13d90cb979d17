#include "base/format.h"

#include <string.h>

static const struct {
    char letter;
    const char *name;
} fields[] = {
    [MO_FORMAT_TEAM_NUM] = {'t', "team_num"},        [MO_FORMAT_NUM_TEAMS] = {'T', "num_teams"},
    [MO_FORMAT_LEVEL] = {'L', "nesting_level"},      [MO_FORMAT_THREAD_NUM] = {'n', "thread_num"},
    [MO_FORMAT_NUM_THREADS] = {'N', "num_threads"},  [MO_FORMAT_ANCESTOR] = {'a', "ancestor_tnum"},
    [MO_FORMAT_AFFINITY] = {'A', "thread_affinity"}, [MO_FORMAT_HOST] = {'H', "host"},
    [MO_FORMAT_PROCESS] = {'P', "process_id"},       [MO_FORMAT_NATIVE_THREAD] = {'i', "native_thread_id"},
};

static enum mo_format_kind kind_of_letter(char letter)
{
    for (enum mo_format_kind kind = MO_FORMAT_TEAM_NUM; kind <= MO_FORMAT_NATIVE_THREAD; kind++)
        if (fields[kind].letter == letter)
            return kind;
    return MO_FORMAT_UNKNOWN;
}

static enum mo_format_kind kind_of_name(const char *name, size_t bytes)
{
    for (enum mo_format_kind kind = MO_FORMAT_TEAM_NUM; kind <= MO_FORMAT_NATIVE_THREAD; kind++)
        if (strlen(fields[kind].name) == bytes && memcmp(fields[kind].name, name, bytes) == 0)
            return kind;
    return MO_FORMAT_UNKNOWN;
}

/* [0].width, or width alone for a field that is filled on the right. */
static bool take_width(const char **at, const char *end, struct mo_format_item *item)
{
    if (*at < end && **at == '0') {
        item->zeros = true;
        ++*at;
    }
    if (*at < end && **at == '.') {
        item->right = true;
        ++*at;
    }
    if (item->zeros && !item->right)
        return false;
    bool given = *at < end && **at >= '1' && **at <= '9';
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        if (given && item->width <= MO_FORMAT_WIDTH_MAX)
            item->width = 10 * item->width + (unsigned)(**at - '0');
    return (given || !item->right) && item->width <= MO_FORMAT_WIDTH_MAX;
}

static enum mo_format_kind take_kind(const char **at, const char *end)
{
    if (*at == end)
        return MO_FORMAT_MALFORMED;
    if (**at != '{')
        return kind_of_letter(*(*at)++);
    const char *name = *at + 1, *close = memchr(name, '}', (size_t)(end - name));
    *at = close != NULL ? close + 1 : end;
    return close != NULL ? kind_of_name(name, (size_t)(close - name)) : MO_FORMAT_MALFORMED;
}

static void take_field(const char **at, const char *end, struct mo_format_item *item)
{
    ++*at; /* the percent sign */
    if (*at < end && **at == '%') {
        item->text = (*at)++;
        item->bytes = 1;
        return;
    }
    bool width = take_width(at, end, item);
    item->kind = take_kind(at, end);
    if (!width)
        *item = (struct mo_format_item){.kind = MO_FORMAT_MALFORMED};
}

bool mo_format_next(const char **at, const char *end, struct mo_format_item *item)
{
    *item = (struct mo_format_item){.kind = MO_FORMAT_TEXT};
    if (*at == end)
        return false;
    if (**at == '%') {
        take_field(at, end, item);
        return true;
    }
    const char *percent = memchr(*at, '%', (size_t)(end - *at));
    item->text = *at;
    *at = percent != NULL ? percent : end;
    item->bytes = (size_t)(*at - item->text);
    return true;
}

bool mo_format_well_formed(const char *text)
{
    const char *end = text + strlen(text);
    struct mo_format_item item;
    while (mo_format_next(&text, end, &item))
        if (item.kind == MO_FORMAT_MALFORMED)
            return false;
    return true;
}
