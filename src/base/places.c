#include "base/places.h"

#include <stddef.h>

#include "base/scan.h"

const char mo_places_names[] = "threads, cores, ll_caches, sockets, numa_domains";

static bool take_bounded(const char **text, uint64_t min, uint64_t max, unsigned *number)
{
    uint64_t value;
    if (!mo_scan_number(text, &value) || value < min || value > max)
        return false;
    *number = (unsigned)value;
    return true;
}

static bool take_cpu(const char **text, unsigned *cpu)
{
    return take_bounded(text, 0, MO_CPUS_MAX - 1, cpu);
}

static bool take_stride(const char **text, int *stride)
{
    unsigned size;
    bool down = mo_scan_char(text, '-');
    if (!take_bounded(text, 0, MO_CPUS_MAX - 1, &size))
        return false;
    *stride = down ? -(int)size : (int)size;
    return true;
}

/* [:count[:stride]] */
static bool take_interval(const char **text, unsigned *count, int *stride)
{
    *count = 1;
    *stride = 1;
    if (!mo_scan_char(text, ':'))
        return true;
    if (!take_bounded(text, 1, MO_PLACES_MAX, count))
        return false;
    return !mo_scan_char(text, ':') || take_stride(text, stride);
}

static bool add_cpus(const struct mo_places_reader *r, unsigned first, unsigned count, int stride)
{
    long long last = first + (long long)(count - 1) * stride;
    if (last < 0 || last >= MO_CPUS_MAX)
        return false;
    return r == NULL || r->add_cpus(r->arg, first, count, stride);
}

static bool take_resource(const char **text, const struct mo_places_reader *r)
{
    unsigned cpu, count;
    int stride;
    bool removed = mo_scan_char(text, '!');
    if (!take_cpu(text, &cpu))
        return false;
    if (removed)
        return r == NULL || r->remove_cpu(r->arg, cpu);
    return take_interval(text, &count, &stride) && add_cpus(r, cpu, count, stride);
}

/* A CPU without braces is a place of its own. */
static bool take_place(const char **text, const struct mo_places_reader *r)
{
    unsigned cpu;
    if (!mo_scan_char(text, '{'))
        return take_cpu(text, &cpu) && add_cpus(r, cpu, 1, 1);
    do
        if (!take_resource(text, r))
            return false;
    while (mo_scan_char(text, ','));
    return mo_scan_char(text, '}');
}

static bool take_places(const char **text, const struct mo_places_reader *r)
{
    unsigned count;
    int stride;
    bool removed = mo_scan_char(text, '!');
    if (!take_place(text, r))
        return false;
    if (removed)
        return r == NULL || r->remove_place(r->arg);
    return take_interval(text, &count, &stride) && (r == NULL || r->add_places(r->arg, count, stride));
}

bool mo_places_read_list(const char *text, const struct mo_places_reader *reader)
{
    do
        if (!take_places(&text, reader))
            return false;
    while (mo_scan_char(&text, ','));
    return mo_scan_end(text);
}

/* CPU[-CPU[:stride]] */
static bool take_cpus(const char **text, const struct mo_places_reader *r)
{
    unsigned first, last, stride = 1;
    if (!take_cpu(text, &first))
        return false;
    last = first;
    if (mo_scan_char(text, '-')) {
        if (!take_cpu(text, &last) || last < first)
            return false;
        if (mo_scan_char(text, ':') && !take_bounded(text, 1, MO_CPUS_MAX - 1, &stride))
            return false;
    }
    return add_cpus(r, first, 1, 1) && (r == NULL || r->add_places(r->arg, (last - first) / stride + 1, (int)stride));
}

/* White space or a comma stands between the items. */
bool mo_places_read_cpus(const char *text, const struct mo_places_reader *reader)
{
    do
        if (!take_cpus(&text, reader))
            return false;
    while (mo_scan_char(&text, ',') || !mo_scan_end(text));
    return true;
}

bool mo_places_read_name(const char *text, enum mo_places_name *name, unsigned *limit)
{
    uint64_t index;
    if (!mo_scan_choice(&text, mo_places_names, &index))
        return false;
    *name = (enum mo_places_name)index;
    *limit = MO_PLACES_MAX;
    if (mo_scan_char(&text, '(') && !(take_bounded(&text, 1, MO_PLACES_MAX, limit) && mo_scan_char(&text, ')')))
        return false;
    return mo_scan_end(text);
}

bool mo_places_well_formed(const char *text)
{
    enum mo_places_name name;
    unsigned limit;
    return mo_places_read_name(text, &name, &limit) || mo_places_read_list(text, NULL);
}
