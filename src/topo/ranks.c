/* KMP_AFFINITY and KMP_HW_SUBSET: both look at the machine as a tree of sockets, cores and threads, and number what a
   socket or a core has from 0. */
#include <stdlib.h>
#include <string.h>

#include "topo/machine.h"

enum { SOCKET, CORE, THREAD, LEVELS };

struct ranked {
    unsigned cpu;
    struct mo_site site;
    unsigned rank[LEVELS];
};

struct order {
    unsigned level[LEVELS]; /* most significant first */
};

static int compare(unsigned a, unsigned b)
{
    return (a > b) - (a < b);
}

static int by_site(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    int packages = compare(a->site.package, b->site.package), cores = compare(a->site.core, b->site.core);
    return packages ? packages : cores ? cores : compare(a->cpu, b->cpu);
}

static int by_rank(const void *left, const void *right, void *order)
{
    const struct ranked *a = left, *b = right;
    const struct order *o = order;
    int difference = 0;
    for (unsigned i = 0; i < LEVELS && difference == 0; i++)
        difference = compare(a->rank[o->level[i]], b->rank[o->level[i]]);
    return difference;
}

/* A CPU of which the core is not known has one of its own. */
static bool same_core(const struct ranked *a, const struct ranked *b)
{
    return a->site.package == b->site.package && a->site.core == b->site.core && a->site.core != MO_SITE_NONE;
}

static void rank_all(struct ranked *r, unsigned count)
{
    qsort(r, count, sizeof *r, by_site);
    for (unsigned i = 1; i < count; i++) {
        bool core = same_core(&r[i - 1], &r[i]), socket = r[i - 1].site.package == r[i].site.package;
        r[i].rank[THREAD] = core ? r[i - 1].rank[THREAD] + 1 : 0;
        r[i].rank[CORE] = core ? r[i - 1].rank[CORE] : socket ? r[i - 1].rank[CORE] + 1 : 0;
        r[i].rank[SOCKET] = r[i - 1].rank[SOCKET] + !socket;
    }
}

/* The CPUs of a mask with their ranks; NULL: out of memory. */
static struct ranked *rank(const struct mo_sites *sites, const unsigned long *mask, unsigned words, unsigned *count)
{
    struct ranked *r = calloc((size_t)words * MO_MASK_BITS + 1, sizeof *r);
    *count = 0;
    for (unsigned cpu = 0; r != NULL && cpu < words * MO_MASK_BITS; cpu++) {
        if ((mask[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1) == 0)
            continue;
        bool known = sites != NULL && cpu < sites->cpu_limit;
        r[(*count)++] = (struct ranked){.cpu = cpu, .site = known ? sites->site[cpu] : mo_site_unknown};
    }
    if (r != NULL)
        rank_all(r, *count);
    return r;
}

/* ---- A part of the machine. */
static bool within(unsigned rank, const struct mo_kmp_part *part)
{
    return rank >= part->skip && rank - part->skip < part->count;
}

unsigned mo_subset_apply(const struct mo_kmp_subset *s, const struct mo_sites *sites, unsigned long *mask,
                         unsigned words)
{
    unsigned count, left = 0;
    struct ranked *r = rank(sites, mask, words, &count);
    for (unsigned i = 0; r != NULL && i < count; i++)
        if (within(r[i].rank[SOCKET], &s->socket) && within(r[i].rank[CORE], &s->core) &&
            within(r[i].rank[THREAD], &s->thread))
            left++;
    for (unsigned i = 0; left > 0 && i < count; i++)
        if (!within(r[i].rank[SOCKET], &s->socket) || !within(r[i].rank[CORE], &s->core) ||
            !within(r[i].rank[THREAD], &s->thread))
            mask[r[i].cpu / MO_MASK_BITS] &= ~(1ul << r[i].cpu % MO_MASK_BITS);
    free(r);
    return left;
}

/* ---- Orders. The last `moved` levels come first, from the smallest thing up; then the others from the largest
   down. */
static struct order order_of(unsigned moved)
{
    struct order o;
    unsigned at = 0;
    for (unsigned i = 0; i < moved; i++)
        o.level[at++] = LEVELS - 1 - i;
    for (unsigned i = 0; at < LEVELS; i++)
        o.level[at++] = i;
    return o;
}

static unsigned moved_levels(const struct mo_kmp_affinity *a)
{
    unsigned permute = a->permute < LEVELS ? a->permute : LEVELS - 1;
    if (a->type == MO_KMP_SCATTER)
        return LEVELS - 1 - permute;
    return a->type == MO_KMP_PHYSICAL ? 1 : permute;
}

static bool share_grain(enum mo_kmp_grain grain, const struct ranked *a, const struct ranked *b)
{
    switch (grain) {
    case MO_KMP_CORE:
        return a->cpu == b->cpu || same_core(a, b);
    case MO_KMP_CACHE:
        return a->site.cache == b->site.cache && a->site.package == b->site.package;
    case MO_KMP_NODE:
        return a->site.node == b->site.node;
    case MO_KMP_SOCKET:
        return a->site.package == b->site.package;
    default:
        return a->cpu == b->cpu;
    }
}

static void set_bit(unsigned long *mask, unsigned cpu)
{
    mask[cpu / MO_MASK_BITS] |= 1ul << cpu % MO_MASK_BITS;
}

/* Balanced has a place for each core, which `spread` then distributes; the others one for each CPU, in their order, so
   that threads with neighbouring numbers may share what the grain says. */
static void fill_places(const struct mo_kmp_affinity *a, const struct ranked *r, unsigned count, struct mo_places *p)
{
    for (unsigned i = 0; i < count; i++) {
        if (a->type == MO_KMP_BALANCED && r[i].rank[THREAD] > 0)
            continue;
        for (unsigned j = 0; j < count; j++)
            if (share_grain(a->grain, &r[i], &r[j]))
                set_bit(mo_place_mask(p, p->count), r[j].cpu);
        p->count++;
    }
}

/* ---- Explicit places. */
struct listing {
    struct mo_places *places;
    const unsigned long *usable;
    struct mo_places_loss *loss;
    bool any; /* the place at the end has a CPU */
};

static bool add_cpu(void *listing, unsigned cpu)
{
    struct listing *l = listing;
    if (cpu >= l->places->words * MO_MASK_BITS || (l->usable[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1) == 0) {
        l->loss->cpus++;
        return true;
    }
    set_bit(mo_place_mask(l->places, l->places->count), cpu);
    l->any = true;
    return true;
}

static bool end_place(void *listing)
{
    struct listing *l = listing;
    l->loss->places += !l->any;
    l->places->count += l->any;
    l->any = false;
    return l->places->count < MO_PLACES_MAX;
}

static bool count_place(void *count)
{
    return ++*(unsigned *)count < MO_PLACES_MAX;
}

static bool count_nothing(void *count, unsigned cpu)
{
    return true;
}

/* Thread 0 begins at place number `offset`. */
static bool rotate(struct mo_places *p, unsigned offset)
{
    size_t bytes = (size_t)p->count * p->words * sizeof p->mask[0];
    size_t head = p->count ? (size_t)(offset % p->count) * p->words * sizeof p->mask[0] : 0;
    char *copy = head ? malloc(bytes) : NULL;
    if (head && copy == NULL)
        return false;
    if (copy != NULL) {
        memcpy(copy, (char *)p->mask + head, bytes - head);
        memcpy(copy + (bytes - head), p->mask, head);
        memcpy(p->mask, copy, bytes);
    }
    free(copy);
    return true;
}

static bool places_of_list(const struct mo_kmp_affinity *a, const unsigned long *usable, struct mo_places *p,
                           struct mo_places_loss *loss)
{
    unsigned most = 0;
    mo_kmp_list_read(a->list, &(struct mo_kmp_reader){count_nothing, count_place, &most});
    p->mask = calloc((size_t)most + 1, p->words * sizeof p->mask[0]);
    struct listing l = {.places = p, .usable = usable, .loss = loss};
    return p->mask != NULL && mo_kmp_list_read(a->list, &(struct mo_kmp_reader){add_cpu, end_place, &l});
}

static bool places_of_order(const struct mo_kmp_affinity *a, const struct mo_sites *sites, const unsigned long *usable,
                            struct mo_places *p)
{
    unsigned count;
    struct order order = order_of(moved_levels(a));
    struct ranked *r = rank(sites, usable, p->words, &count);
    p->mask = calloc((size_t)count + 1, p->words * sizeof p->mask[0]);
    bool done = r != NULL && p->mask != NULL;
    if (done) {
        qsort_r(r, count, sizeof *r, by_rank, &order);
        fill_places(a, r, count, p);
    }
    free(r);
    return done;
}

bool mo_places_from_kmp(const struct mo_kmp_affinity *a, const struct mo_sites *sites, const unsigned long *usable,
                        unsigned words, struct mo_places *places, struct mo_places_loss *loss)
{
    *places = (struct mo_places){.words = words};
    *loss = (struct mo_places_loss){0, 0};
    bool done = a->type == MO_KMP_EXPLICIT ? places_of_list(a, usable, places, loss)
                                           : places_of_order(a, sites, usable, places);
    if (done && rotate(places, a->offset))
        return true;
    free(places->mask);
    *places = (struct mo_places){0};
    return false;
}

/* ---- On this machine. */
static const struct mo_sites *sites_here(const unsigned long *mask, unsigned words, struct mo_sites *from_files)
{
    if (mo_topo_load())
        return &mo_topo_machine()->sites;
    return mo_sites_read("", mask, words, from_files) ? from_files : NULL;
}

bool mo_topo_kmp_places(const struct mo_kmp_affinity *a, const unsigned long *usable, unsigned words,
                        struct mo_places *places, struct mo_places_loss *loss)
{
    struct mo_sites files = {0};
    bool done = mo_places_from_kmp(a, sites_here(usable, words, &files), usable, words, places, loss);
    free(files.site);
    return done;
}

unsigned mo_topo_subset(const struct mo_kmp_subset *s, unsigned long *mask, unsigned words)
{
    struct mo_sites files = {0};
    const struct mo_sites *sites = mo_sites_read("", mask, words, &files) ? &files : NULL;
    unsigned left = mo_subset_apply(s, sites, mask, words);
    free(files.site);
    return left;
}
