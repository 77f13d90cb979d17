/* What an affinity format becomes on a thread: a function of the format and of facts about the thread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "omp/affinity.h"
#include "topo/topo.h"

/* Text goes as far as there is room; all of it is counted. */
struct sink {
    char *out;
    size_t room, bytes;
};

static void put(struct sink *s, const char *text, size_t bytes)
{
    if (s->bytes < s->room)
        memcpy(s->out + s->bytes, text, bytes < s->room - s->bytes ? bytes : s->room - s->bytes);
    s->bytes += bytes;
}

static void fill(struct sink *s, char c, size_t bytes)
{
    while (bytes-- > 0)
        put(s, &c, 1);
}

static bool has_cpu(const struct mo_thread_facts *f, unsigned cpu)
{
    return cpu / MO_MASK_BITS < f->words && (f->mask[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1) != 0;
}

/* CPUs as "0-3,8". */
static void put_cpus(struct sink *s, const struct mo_thread_facts *f)
{
    const char *before = "";
    for (unsigned cpu = 0; cpu < f->words * MO_MASK_BITS; cpu++) {
        unsigned first = cpu;
        char run[32];
        if (!has_cpu(f, cpu))
            continue;
        while (has_cpu(f, cpu + 1))
            cpu++;
        int bytes = snprintf(run, sizeof run, cpu > first ? "%s%u-%u" : "%s%u", before, first, cpu);
        put(s, run, (size_t)bytes);
        before = ",";
    }
}

static long number_of(enum mo_format_kind kind, const struct mo_thread_facts *f)
{
    switch (kind) {
    case MO_FORMAT_TEAM_NUM:
        return f->team_num;
    case MO_FORMAT_NUM_TEAMS:
        return f->num_teams;
    case MO_FORMAT_LEVEL:
        return f->level;
    case MO_FORMAT_THREAD_NUM:
        return f->thread_num;
    case MO_FORMAT_NUM_THREADS:
        return f->num_threads;
    case MO_FORMAT_ANCESTOR:
        return f->ancestor;
    default:
        return f->process;
    }
}

static void put_padded(struct sink *s, const struct mo_format_item *item, const char *text, size_t bytes)
{
    size_t missing = item->width > bytes ? item->width - bytes : 0;
    fill(s, ' ', item->right ? missing : 0);
    put(s, text, bytes);
    fill(s, ' ', item->right ? 0 : missing);
}

/* Zeros stand between the sign, or 0x, and the digits. */
static void put_number(struct sink *s, const struct mo_format_item *item, const struct mo_thread_facts *f)
{
    char text[32];
    bool native = item->kind == MO_FORMAT_NATIVE_THREAD;
    size_t bytes = (size_t)(native ? snprintf(text, sizeof text, "0x%" PRIxPTR, f->native_thread)
                                   : snprintf(text, sizeof text, "%ld", number_of(item->kind, f)));
    size_t head = native ? 2 : text[0] == '-';
    if (!item->zeros || item->width <= bytes) {
        put_padded(s, item, text, bytes);
        return;
    }
    put(s, text, head);
    fill(s, '0', item->width - bytes);
    put(s, text + head, bytes - head);
}

static void put_affinity(struct sink *s, const struct mo_format_item *item, const struct mo_thread_facts *f)
{
    struct sink count = {0};
    put_cpus(&count, f);
    size_t missing = item->width > count.bytes ? item->width - count.bytes : 0;
    fill(s, ' ', item->right ? missing : 0);
    put_cpus(s, f);
    fill(s, ' ', item->right ? 0 : missing);
}

static void put_item(struct sink *s, const struct mo_format_item *item, const struct mo_thread_facts *f)
{
    static const char undefined[] = "undefined";
    switch (item->kind) {
    case MO_FORMAT_TEXT:
        put(s, item->text, item->bytes);
        return;
    case MO_FORMAT_AFFINITY:
        put_affinity(s, item, f);
        return;
    case MO_FORMAT_HOST:
        put_padded(s, item, f->host, strlen(f->host));
        return;
    case MO_FORMAT_UNKNOWN:
    case MO_FORMAT_MALFORMED:
        put_padded(s, item, undefined, strlen(undefined));
        return;
    default:
        put_number(s, item, f);
    }
}

size_t mo_affinity_expand(const char *format, size_t format_bytes, const struct mo_thread_facts *facts, char *out,
                          size_t out_bytes)
{
    struct sink s = {.out = out, .room = out_bytes};
    struct mo_format_item item;
    const char *at = format, *end = format + format_bytes;
    while (mo_format_next(&at, end, &item))
        put_item(&s, &item, facts);
    return s.bytes;
}
