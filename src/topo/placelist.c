/* Lists of places. The text is read twice: first to learn how many places it has and how large their CPU numbers get,
   then to fill in the masks. What the process may not use is taken out at the end, as a list may name a place that is
   not usable only to exclude it. */
#include <stdlib.h>
#include <string.h>

#include "topo/places.h"
#include "topo/topo.h"

struct extent {
    unsigned places, highest; /* CPU number */
    unsigned described;       /* highest CPU of the place that is being described */
};

static unsigned capped(long long cpu)
{
    return cpu < MO_CPUS_MAX ? (unsigned)cpu : MO_CPUS_MAX - 1;
}

static bool measure_cpus(void *arg, unsigned first, unsigned count, int stride)
{
    struct extent *e = arg;
    unsigned last = stride > 0 ? first + (count - 1) * (unsigned)stride : first;
    if (last > e->described)
        e->described = last;
    return true;
}

static bool measure_removed_cpu(void *arg, unsigned cpu)
{
    return measure_cpus(arg, cpu, 1, 1);
}

static bool measure_places(void *arg, unsigned count, int stride)
{
    struct extent *e = arg;
    unsigned highest = capped(e->described + (stride > 0 ? (long long)(count - 1) * stride : 0));
    if (highest > e->highest)
        e->highest = highest;
    e->places += count;
    e->described = 0;
    return e->places <= MO_PLACES_MAX;
}

static bool measure_removed_place(void *arg)
{
    struct extent *e = arg;
    if (e->described > e->highest)
        e->highest = e->described;
    e->described = 0;
    return true;
}

/* The list as far as it has been read; `described` is one place more, behind those of the list. A place that is taken
   out stays where it is until the end: moving all that follow, which may be megabytes, for a few letters of the text
   adds up. */
struct build {
    struct mo_places places;
    unsigned long *described;
    uint64_t *key; /* of each place; 0: taken out */
    const char *wrong;
};

static unsigned long bit(unsigned cpu)
{
    return 1ul << cpu % MO_MASK_BITS;
}

static bool refuse(struct build *b, const char *why)
{
    b->wrong = why;
    return false;
}

static bool put_cpus(void *arg, unsigned first, unsigned count, int stride)
{
    struct build *b = arg;
    for (unsigned i = 0, cpu = first; i < count; i++, cpu += (unsigned)stride)
        b->described[cpu / MO_MASK_BITS] |= bit(cpu);
    return true;
}

static bool take_cpu_out(void *arg, unsigned cpu)
{
    struct build *b = arg;
    if ((b->described[cpu / MO_MASK_BITS] & bit(cpu)) == 0)
        return refuse(b, "takes a CPU out of a place that does not have it");
    b->described[cpu / MO_MASK_BITS] &= ~bit(cpu);
    return true;
}

static size_t mask_bytes(const struct mo_places *p)
{
    return p->words * sizeof p->mask[0];
}

static void clear_described(struct build *b)
{
    memset(b->described, 0, mask_bytes(&b->places));
}

static bool is_empty(const unsigned long *mask, unsigned words)
{
    while (words > 0)
        if (mask[--words] != 0)
            return false;
    return true;
}

unsigned mo_mask_lowest(const unsigned long *mask)
{
    unsigned word = 0;
    while (mask[word] == 0)
        word++;
    return word * MO_MASK_BITS + (unsigned)__builtin_ctzl(mask[word]);
}

/* to = from moved by `distance` CPUs; what leaves at the top is lost. */
static void shift(unsigned long *to, const unsigned long *from, unsigned words, long long distance)
{
    long long word = distance / (long long)MO_MASK_BITS, rest = distance % (long long)MO_MASK_BITS;
    if (rest < 0) {
        rest += MO_MASK_BITS;
        word--;
    }
    for (long long i = 0; i < words; i++) {
        long long high = i - word, low = high - 1;
        unsigned long moved = high >= 0 && high < words ? from[high] << rest : 0;
        if (rest > 0 && low >= 0 && low < words)
            moved |= from[low] >> (MO_MASK_BITS - (unsigned)rest);
        to[i] = moved;
    }
}

/* The same for the same CPUs, hardly ever for others; not 0. */
static uint64_t key_of(const unsigned long *mask, unsigned words)
{
    uint64_t key = 0;
    for (unsigned i = 0; i < words; i++)
        key = (key ^ mask[i]) * 0x9e3779b97f4a7c15u ^ key >> 29;
    return key | 1;
}

static void append_moved(struct build *b, long long distance)
{
    struct mo_places *p = &b->places;
    unsigned long *mask = mo_place_mask(p, p->count);
    shift(mask, b->described, p->words, distance);
    b->key[p->count++] = key_of(mask, p->words);
}

static bool put_places(void *arg, unsigned count, int stride)
{
    struct build *b = arg;
    if (is_empty(b->described, b->places.words))
        return refuse(b, "has a place without a CPU");
    if ((long long)(count - 1) * stride + mo_mask_lowest(b->described) < 0)
        return refuse(b, "goes below CPU 0");
    for (unsigned i = 0; i < count; i++)
        append_moved(b, (long long)i * stride);
    clear_described(b);
    return true;
}

/* The first place that is the same goes. */
static bool take_place_out(void *arg)
{
    struct build *b = arg;
    const struct mo_places *p = &b->places;
    uint64_t key = key_of(b->described, p->words);
    unsigned at = 0;
    while (at < p->count && (b->key[at] != key || memcmp(mo_place_mask(p, at), b->described, mask_bytes(p)) != 0))
        at++;
    if (at == p->count)
        return refuse(b, "takes out a place that it does not have");
    b->key[at] = 0;
    clear_described(b);
    return true;
}

static bool read_text(const char *text, bool cpus, const struct mo_places_reader *r)
{
    return cpus ? mo_places_read_cpus(text, r) : mo_places_read_list(text, r);
}

static bool prepare(struct build *b, const struct extent *e)
{
    b->places.words = e->highest / MO_MASK_BITS + 1;
    b->places.mask = calloc(e->places + 1, mask_bytes(&b->places));
    b->described = b->places.mask + (size_t)e->places * b->places.words;
    b->key = malloc((e->places + 1) * sizeof *b->key);
    return b->places.mask != NULL && b->key != NULL;
}

/* Keep what is left and usable. Works in place: what is written is never ahead of what is read. */
static void restrict_to(struct mo_places *p, const uint64_t *key, const unsigned long *usable, unsigned words,
                        unsigned long *lost, struct mo_places_loss *loss)
{
    unsigned kept = 0, kept_words = words < p->words ? words : p->words, count = p->count;
    for (unsigned i = 0; i < count; i++) {
        const unsigned long *from = mo_place_mask(p, i);
        if (key[i] == 0)
            continue;
        unsigned long *to = p->mask + (size_t)kept * kept_words;
        for (unsigned w = 0; w < p->words; w++) {
            unsigned long here = from[w], allowed = w < words ? usable[w] : 0;
            lost[w] |= here & ~allowed;
            if (w < kept_words)
                to[w] = here & allowed;
        }
        if (is_empty(to, kept_words))
            loss->places++;
        else
            kept++;
    }
    p->count = kept;
    for (unsigned w = 0; w < p->words; w++)
        loss->cpus += (unsigned)__builtin_popcountl(lost[w]);
    p->words = kept_words;
}

const char *mo_places_from_list(const char *text, bool cpus, const unsigned long *usable, unsigned words,
                                struct mo_places *places, struct mo_places_loss *loss)
{
    struct extent e = {0};
    struct build b = {.wrong = "is malformed"};
    unsigned long lost[MO_MASK_WORDS] = {0};
    const struct mo_places_reader measure = {measure_cpus, measure_removed_cpu, measure_places, measure_removed_place,
                                             &e};
    const struct mo_places_reader fill = {put_cpus, take_cpu_out, put_places, take_place_out, &b};
    *places = (struct mo_places){0};
    *loss = (struct mo_places_loss){0, 0};
    if (!read_text(text, cpus, &measure))
        return e.places > MO_PLACES_MAX ? "has too many places" : "is malformed";
    if (!prepare(&b, &e))
        b.wrong = "needs more memory than there is";
    else if (read_text(text, cpus, &fill)) {
        restrict_to(&b.places, b.key, usable, words, lost, loss);
        b.wrong = b.places.count > 0 ? NULL : "has no place that this process may use";
    }
    free(b.key);
    if (b.wrong != NULL)
        free(b.places.mask);
    else
        *places = b.places;
    return b.wrong;
}
