#include "base/kmp.h"

#include <string.h>

#include "base/places.h"
#include "base/scan.h"

#define NUMBER_MAX 65535u

static bool take_number(const char **text, unsigned max, unsigned *number)
{
    uint64_t value;
    if (!mo_scan_number(text, &value) || value > max)
        return false;
    *number = (unsigned)value;
    return true;
}

/* ---- KMP_AFFINITY. */
static bool take_grain(const char **text, enum mo_kmp_grain *grain)
{
    static const uint8_t grains[] = {MO_KMP_THREAD, MO_KMP_THREAD, MO_KMP_CORE,   MO_KMP_CORE,   MO_KMP_CORE,
                                     MO_KMP_CORE,   MO_KMP_CORE,   MO_KMP_CACHE,  MO_KMP_CACHE,  MO_KMP_NODE,
                                     MO_KMP_NODE,   MO_KMP_SOCKET, MO_KMP_SOCKET, MO_KMP_SOCKET, MO_KMP_SOCKET};
    uint64_t word;
    if (!mo_scan_choice(text,
                        "fine, thread, core, tile, module, l1_cache, l2_cache, l3_cache, ll_cache, node, numa_domain, "
                        "die, socket, package, group",
                        &word))
        return false;
    *grain = (enum mo_kmp_grain)grains[word];
    return true;
}

static bool nothing(void *arg, unsigned cpu)
{
    return true;
}

static bool nothing_more(void *arg)
{
    return true;
}

/* The list stays where it is; here it is passed over. */
static bool take_list(const char **text, const char **list)
{
    static const struct mo_kmp_reader look = {.add = nothing, .next = nothing_more};
    bool quoted = mo_scan_char(text, '"');
    if (!mo_scan_char(text, '['))
        return false;
    *list = *text;
    const char *end = strchr(*text, ']');
    if (end == NULL || !mo_kmp_list_read(*list, &look))
        return false;
    *text = end + 1;
    return !quoted || mo_scan_char(text, '"');
}

static bool take_modifier(const char **text, struct mo_kmp_affinity *a)
{
    uint64_t word;
    if (mo_scan_word(text, "granularity"))
        return mo_scan_char(text, '=') && take_grain(text, &a->grain);
    if (mo_scan_word(text, "proclist"))
        return mo_scan_char(text, '=') && take_list(text, &a->list);
    if (!mo_scan_choice(text,
                        "noverbose, verbose, warnings, nowarnings, respect, norespect, duplicates, noduplicates, "
                        "reset, noreset",
                        &word))
        return false;
    if (word / 2 == 0)
        a->verbose = word & 1;
    else if (word / 2 == 1)
        a->no_warnings = word & 1;
    else if (word / 2 == 2)
        a->no_respect = word & 1;
    return true;
}

static bool take_type(const char **text, enum mo_kmp_type *type)
{
    uint64_t word;
    if (!mo_scan_choice(text, "none, disabled, compact, scatter, balanced, explicit, logical, physical", &word))
        return false;
    *type = (enum mo_kmp_type)word;
    return true;
}

/* Where a type has one number only, it is the offset. */
static void set_numbers(struct mo_kmp_affinity *a, const unsigned number[2])
{
    bool only_offset = a->type == MO_KMP_LOGICAL || a->type == MO_KMP_PHYSICAL;
    a->permute = only_offset ? 0 : number[0];
    a->offset = number[only_offset ? 0 : 1];
}

bool mo_kmp_affinity_read(const char *text, struct mo_kmp_affinity *a)
{
    unsigned number[2] = {0, 0}, numbers = 0;
    bool typed = false;
    *a = (struct mo_kmp_affinity){.type = MO_KMP_NONE, .grain = MO_KMP_CORE};
    do {
        if (!typed && take_type(&text, &a->type))
            typed = true;
        else if (typed && numbers < 2 && take_number(&text, NUMBER_MAX, &number[numbers]))
            numbers++;
        else if (!take_modifier(&text, a))
            return false;
    } while (mo_scan_char(&text, ','));
    set_numbers(a, number);
    if (!typed && a->list != NULL)
        a->type = MO_KMP_EXPLICIT;
    return mo_scan_end(text) && (a->type == MO_KMP_EXPLICIT) == (a->list != NULL);
}

/* ---- Lists of processors. */
static bool add_run(const struct mo_kmp_reader *r, const char **text, unsigned first)
{
    unsigned last, step = 1;
    if (!take_number(text, MO_CPUS_MAX - 1, &last) || last < first)
        return false;
    if (mo_scan_char(text, ':') && (!take_number(text, MO_CPUS_MAX - 1, &step) || step == 0))
        return false;
    for (unsigned cpu = first; cpu <= last; cpu += step)
        if (!r->add(r->arg, cpu) || !r->next(r->arg))
            return false;
    return true;
}

static bool add_set(const struct mo_kmp_reader *r, const char **text)
{
    unsigned cpu;
    do
        if (!take_number(text, MO_CPUS_MAX - 1, &cpu) || !r->add(r->arg, cpu))
            return false;
    while (mo_scan_char(text, ','));
    return mo_scan_char(text, '}') && r->next(r->arg);
}

bool mo_kmp_list_read(const char *list, const struct mo_kmp_reader *r)
{
    unsigned cpu;
    do {
        if (mo_scan_char(&list, '{')) {
            if (!add_set(r, &list))
                return false;
        } else if (!take_number(&list, MO_CPUS_MAX - 1, &cpu)) {
            return false;
        } else if (mo_scan_char(&list, '-')) {
            if (!add_run(r, &list, cpu))
                return false;
        } else if (!r->add(r->arg, cpu) || !r->next(r->arg)) {
            return false;
        }
    } while (mo_scan_char(&list, ','));
    return mo_scan_char(&list, ']');
}

/* ---- KMP_HW_SUBSET. A number and its unit may stand without a space between them, as "4c" does. */
static bool take_part(const char **text, struct mo_kmp_subset *s)
{
    struct mo_kmp_part part = {.count = UINT_MAX, .skip = 0};
    uint64_t word;
    if (!mo_scan_char(text, '*') && (!take_number(text, NUMBER_MAX, &part.count) || part.count == 0))
        part.count = 0;
    if (part.count == 0 ||
        !mo_scan_choice(text, "s, socket, sockets, package, packages, c, core, cores, t, thread, threads", &word))
        return false;
    if (mo_scan_char(text, '@') && !take_number(text, NUMBER_MAX, &part.skip))
        return false;
    *(word < 5 ? &s->socket : word < 8 ? &s->core : &s->thread) = part;
    return true;
}

bool mo_kmp_subset_read(const char *text, struct mo_kmp_subset *s)
{
    const struct mo_kmp_part all = {.count = UINT_MAX, .skip = 0};
    *s = (struct mo_kmp_subset){all, all, all};
    mo_scan_char(&text, ':');
    do
        if (!take_part(&text, s))
            return false;
    while (mo_scan_char(&text, ','));
    return mo_scan_end(text);
}
