/* The environment, one NAME=VALUE a line; a line that begins with a tab goes on with the value, line end included.
   Every setting, its further names, and those for devices.

   Required: the first name with a well-formed value counts, else the default. Each malformed value gets exactly one
   line, which begins with its name; well-formed ones get none unless they are given up for another name. Values are in
   bounds. What is printed of a value is read as the same value, as is the text in other case and with blanks around
   it. */
#include "fuzz/fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/allocators.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/places.h"

#define ENTRIES_MAX 64
#define VALUE_BYTES 65536
#define NAME_BYTES  96 /* longer ones are counted with no setting */

static char *entries[ENTRIES_MAX + 1];

/* In place. The first of equal names is the one that getenv() finds; others are left out, as a shell has them once. */
static bool is_new(const char *entry, unsigned count)
{
    size_t name = strcspn(entry, "=");
    for (unsigned i = 0; i < count; i++)
        if (strncmp(entries[i], entry, name) == 0 && entries[i][name] == '=')
            return false;
    return entry[name] == '=';
}

static void split(char *text)
{
    unsigned count = 0;
    for (char *end; text != NULL && count < ENTRIES_MAX; text = end) {
        end = strchr(text, '\n');
        while (end != NULL && end[1] == '\t')
            end = strchr(end + 1, '\n');
        if (end != NULL)
            *end++ = '\0';
        if (is_new(text, count))
            entries[count++] = text;
    }
    entries[count] = NULL;
}

/* ---- What was said. */
static unsigned lines_about(const char *heard, const char *name, const char *after)
{
    char start[128];
    unsigned count = 0;
    int bytes = snprintf(start, sizeof start, "moirai: %s%s", name, after);
    REQUIRE(bytes > 0 && bytes < (int)sizeof start, "%s", name);
    for (; *heard != '\0'; heard = strchr(heard, '\n') + 1)
        count += strncmp(heard, start, (size_t)bytes) == 0;
    return count;
}

/* Lines are whole, short, and nothing in them moves the cursor. Returns how many there are. */
static unsigned check_lines(const char *heard)
{
    unsigned count = 0;
    while (*heard != '\0') {
        size_t bytes = strcspn(heard, "\n");
        REQUIRE(heard[bytes] == '\n' && bytes < MO_LOG_LINE_BYTES, "%zu bytes", bytes);
        REQUIRE(strncmp(heard, "moirai: ", strlen("moirai: ")) == 0, "%.*s", (int)bytes, heard);
        for (size_t i = 0; i < bytes; i++)
            REQUIRE(!iscntrl((unsigned char)heard[i]), "byte %zu of %.*s", i, (int)bytes, heard);
        heard += bytes + 1;
        count++;
    }
    return count;
}

/* ---- One value. */
static const char *print(const struct mo_knob_row *row, const struct mo_knob_value *value, char out[VALUE_BYTES])
{
    mo_print_value(row, value, out, VALUE_BYTES);
    return out;
}

static void check_list(const struct mo_knob_row *row, const struct mo_knob_list *list)
{
    bool policies = row->type == MO_TYPE_BIND;
    uint64_t min = !policies ? row->min : list->count == 1 ? MO_BIND_FALSE : MO_BIND_PRIMARY;
    uint64_t max = policies ? MO_BIND_SPREAD : row->max;
    REQUIRE(list->count >= 1 && list->count <= MO_LIST_MAX, "%s has %u", row->name, list->count);
    for (unsigned i = 0; i < list->count; i++)
        REQUIRE(list->item[i] >= min && list->item[i] <= max, "%s: %u", row->name, list->item[i]);
}

static void check_allocator(const char *text)
{
    struct mo_allocator_setting s;
    REQUIRE(mo_allocators_read(text, &s), "%s", text);
    REQUIRE(s.allocator <= MO_ALLOC_THREAD && s.space < MO_SPACES, "%s", text);
    REQUIRE(s.allocator == MO_ALLOC_NULL || s.space == MO_SPACE_DEFAULT, "%s", text);
    for (unsigned i = 0; i < MO_TRAIT_KEYS && s.allocator == MO_ALLOC_NULL; i++) {
        uintptr_t value = s.trait[i].value;
        REQUIRE(s.trait[i].key == (int)i + 1, "%s", text);
        if (s.trait[i].key == MO_TRAIT_ALIGNMENT && value != MO_TRAIT_DEFAULT)
            REQUIRE(value != 0 && (value & (value - 1)) == 0, "%s", text);
        else if (s.trait[i].key == MO_TRAIT_FB_DATA && value != MO_TRAIT_DEFAULT)
            REQUIRE(value >= MO_ALLOC_DEFAULT && value <= MO_ALLOC_THREAD, "%s", text);
        else if (s.trait[i].key != MO_TRAIT_POOL_SIZE && value != MO_TRAIT_DEFAULT)
            REQUIRE(value <= MO_PART_INTERLEAVED, "%s", text);
    }
}

static void check_bounds(const struct mo_knob_row *row, const struct mo_knob_value *value)
{
    switch (row->type) {
    case MO_TYPE_LIST:
    case MO_TYPE_BIND:
        check_list(row, &value->list);
        return;
    case MO_TYPE_SCHEDULE:
        REQUIRE(value->schedule.kind >= MO_SCHED_STATIC && value->schedule.kind <= MO_SCHED_AUTO, "kind");
        REQUIRE(value->schedule.chunk <= row->max, "chunk");
        REQUIRE(value->schedule.chunk >= 1 || value->schedule.kind == MO_SCHED_STATIC, "chunk");
        return;
    case MO_TYPE_ALLOCATOR:
        check_allocator(value->text);
        return;
    default:
        if (mo_row_is_text(row) || (row->type == MO_TYPE_COUNT && value->number == MO_COUNT_INFINITE))
            return;
        REQUIRE(value->number >= row->min && value->number <= row->max, "%s", row->name);
    }
}

static bool ignores_case(const struct mo_knob_row *row)
{
    return row->type != MO_TYPE_TEXT && row->type != MO_TYPE_FORMAT;
}

/* The same text as somebody else may type it. */
static void check_retyped(const struct mo_knob_row *row, const char *text, bool accepted, const char *printed)
{
    static char other[VALUE_BYTES];
    char *retyped = malloc(strlen(text) + 3);
    REQUIRE(retyped != NULL, "no memory");
    sprintf(retyped, "\t%s ", text);
    for (char *at = retyped; *at != '\0'; at++)
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    struct mo_knob_value value = {0};
    REQUIRE(mo_parse_value(row, retyped, &value) == accepted, "%s=\"%s\"", row->name, retyped);
    if (accepted && !mo_row_is_text(row))
        REQUIRE(strcmp(print(row, &value, other), printed) == 0, "%s=\"%s\": %s", row->name, text, printed);
    free(retyped);
}

static void check_printed(const struct mo_knob_row *row, const struct mo_knob_value *value, const char *printed)
{
    static char other[VALUE_BYTES];
    char narrow[MO_KNOB_TEXT_BYTES];
    struct mo_knob_value again = {0};
    REQUIRE(mo_parse_value(row, printed, &again), "%s: %s", row->name, printed);
    REQUIRE(strcmp(print(row, &again, other), printed) == 0, "%s: %s, then %s", row->name, printed, other);
    if (!mo_row_is_text(row) && row->type != MO_TYPE_LIST && row->type != MO_TYPE_BIND)
        REQUIRE(again.number == value->number, "%s: %s", row->name, printed);
    mo_print_value(row, value, narrow, sizeof narrow);
    size_t shown = strlen(narrow);
    bool whole = shown == strlen(printed);
    REQUIRE(shown < sizeof narrow, "%s", narrow);
    REQUIRE(strncmp(narrow, printed, whole ? shown : shown - 3) == 0, "%s and %s", narrow, printed);
    REQUIRE(whole || strcmp(narrow + shown - 3, "...") == 0, "%s and %s", narrow, printed);
}

/* A second opinion about texts that are simple enough for one. */
static void check_plain(const struct mo_knob_row *row, const char *text, bool accepted,
                        const struct mo_knob_value *value)
{
    size_t digits = strspn(text, "0123456789");
    if (row->type == MO_TYPE_BOOL) {
        bool is_true = strcasecmp(text, "true") == 0, is_false = strcasecmp(text, "false") == 0;
        REQUIRE(!is_true || (accepted && value->number == 1), "%s=%s", row->name, text);
        REQUIRE(!is_false || (accepted && value->number == 0), "%s=%s", row->name, text);
    }
    if (digits == 0 || text[digits] != '\0')
        return;
    errno = 0;
    unsigned long long wanted = strtoull(text, NULL, 10);
    bool fits = errno == 0;
    if (row->type == MO_TYPE_BYTES) {
        fits = fits && wanted <= UINT64_MAX / 1024;
        wanted *= 1024;
    }
    if (row->type == MO_TYPE_CAPPED && (!fits || wanted > row->max)) {
        fits = true;
        wanted = row->max;
    }
    fits = fits && wanted >= row->min && wanted <= row->max;
    if (row->type == MO_TYPE_LIST)
        REQUIRE(accepted == fits && (!fits || value->list.item[0] == wanted), "%s=%s", row->name, text);
    else if (row->type <= MO_TYPE_COUNT || row->type == MO_TYPE_BYTES)
        REQUIRE(accepted == fits && (!fits || value->number == wanted), "%s=%s", row->name, text);
    if (row->type == MO_TYPE_BOOL || row->type == MO_TYPE_WORD)
        REQUIRE(!accepted, "%s=%s", row->name, text);
}

static void check_value(const struct mo_knob_row *row, const char *text)
{
    static char printed[VALUE_BYTES];
    struct mo_knob_value value = {0};
    bool accepted = mo_parse_value(row, text, &value);
    if (accepted) {
        check_bounds(row, &value);
        check_printed(row, &value, print(row, &value, printed));
    }
    if (ignores_case(row))
        check_retyped(row, text, accepted, printed);
    check_plain(row, text, accepted, &value);
}

/* ---- What the settings have become. */
static bool name_at(const struct mo_knob_row *row, unsigned i, char name[64])
{
    char all[160], *rest = all, *one = NULL;
    snprintf(all, sizeof all, "%s%s%s", row->name, row->alternatives != NULL ? "," : "",
             row->alternatives != NULL ? row->alternatives : "");
    for (unsigned j = 0; j <= i; j++)
        one = strsep(&rest, ",");
    snprintf(name, 64, "%s", one != NULL ? one + strspn(one, " ") : "");
    return one != NULL;
}

static void get(enum mo_knob k, struct mo_knob_value *value)
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    memset(value, 0, sizeof *value);
    value->given = mo_knob_source(k) == MO_SOURCE_ENV || row->initial[0] != '\0';
    if (row->type == MO_TYPE_LIST || row->type == MO_TYPE_BIND)
        value->list = *mo_knob_list(k);
    else if (row->type == MO_TYPE_SCHEDULE)
        value->schedule = mo_knob_schedule(k);
    else if (mo_row_is_text(row))
        value->text = mo_knob_text(k);
    else
        value->number = mo_knob(k);
}

static void check_same(enum mo_knob k, const struct mo_knob_value *wanted, const char *why)
{
    static char one[VALUE_BYTES], other[VALUE_BYTES];
    struct mo_knob_value found;
    get(k, &found);
    print(&mo_knob_rows[k], &found, one);
    print(&mo_knob_rows[k], wanted, other);
    REQUIRE(strcmp(one, other) == 0, "%s is %s, but %s makes it %s", mo_knob_rows[k].name, one, why, other);
}

/* Returns the lines that this setting accounts for. */
static unsigned check_knob(enum mo_knob k, const char *heard)
{
    const struct mo_knob_row *row = &mo_knob_rows[k];
    struct mo_knob_value wanted = {0};
    char name[64], set_by[64] = "";
    unsigned lines = 0;
    for (unsigned i = 0; name_at(row, i, name); i++) {
        struct mo_knob_value value = {0};
        const char *text = getenv(name);
        if (text == NULL) {
            REQUIRE(lines_about(heard, name, "=") == 0, "%s is not set: %s", name, heard);
            continue;
        }
        check_value(row, text);
        bool accepted = mo_parse_value(row, text, &value);
        unsigned said = lines_about(heard, name, "=\"");
        if (!accepted)
            REQUIRE(said == 1, "%s=\"%s\": %s", name, text, heard);
        else
            REQUIRE(said <= (set_by[0] != '\0'), "%s=\"%s\": %s", name, text, heard);
        if (accepted && set_by[0] == '\0') {
            wanted = value;
            strcpy(set_by, name);
        }
        lines += said;
    }
    struct mo_knob_info info;
    mo_knob_describe(k, &info);
    REQUIRE(strcmp(info.set_by != NULL ? info.set_by : "", set_by) == 0, "%s: %s", row->name, set_by);
    if (set_by[0] == '\0' && row->initial[0] != '\0')
        REQUIRE(mo_parse_value(row, row->initial, &wanted), "%s", row->name);
    check_same(k, &wanted, set_by[0] != '\0' ? set_by : "the default");
    return lines;
}

/* Is it, from "_DEV" on, what stands for all devices or for one? */
static bool names_devices(const char *name)
{
    name += strlen("_DEV");
    return name[0] == '\0' || (name[0] == '_' && name[1] != '\0' && name[1 + strspn(name + 1, "0123456789")] == '\0');
}

/* The setting that the name is for, if it is for devices. */
static const struct mo_knob_row *device_row(const char *name)
{
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        const struct mo_knob_row *row = &mo_knob_rows[k];
        size_t length = strlen(row->name);
        if (row->alternatives != NULL && strncmp(row->alternatives, row->name, length) == 0 &&
            strncmp(row->alternatives + length, "_ALL", strlen("_ALL")) == 0 && strncmp(name, row->name, length) == 0 &&
            strncmp(name + length, "_DEV", strlen("_DEV")) == 0)
            return row;
    }
    return NULL;
}

/* Values for devices have lines only. Returns how many. */
static unsigned check_devices(const char *heard)
{
    unsigned lines = 0;
    for (unsigned i = 0; entries[i] != NULL; i++) {
        size_t length = strcspn(entries[i], "=");
        struct mo_knob_value value = {0};
        char name[NAME_BYTES];
        if (length >= sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)length, entries[i]);
        const struct mo_knob_row *row = device_row(name);
        if (row == NULL)
            continue;
        unsigned said = lines_about(heard, name, "=\"");
        bool read = names_devices(name + strlen(row->name));
        unsigned wanted = read && !mo_parse_value(row, entries[i] + length + 1, &value);
        REQUIRE(said == wanted, "%s: %s", entries[i], heard);
        lines += said;
    }
    return lines;
}

static bool has_long_name(void)
{
    for (unsigned i = 0; entries[i] != NULL; i++)
        if (strcspn(entries[i], "=") >= NAME_BYTES)
            return true;
    return false;
}

static void check_settings(const char *heard)
{
    if (!mo_knob(MO_KNOB_KMP_WARNINGS)) {
        REQUIRE(heard[0] == '\0', "silenced: %s", heard);
        return;
    }
    unsigned count = check_lines(heard), lines = lines_about(heard, "GOMP_CPU_AFFINITY is ignored", "");
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++)
        lines += check_knob((enum mo_knob)k, heard);
    lines += check_devices(heard);
    REQUIRE(lines == count || has_long_name(), "%u lines that nothing accounts for: %s", count - lines, heard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = fuzz_text(data, bytes), **outside = environ;
    if (bytes < VALUE_BYTES / 2) {
        split(text);
        environ = entries;
        mo_config_reload_for_test();
        world_listen();
        mo_config_load();
        check_settings(world_heard());
        environ = outside;
    }
    free(text);
    return 0;
}
