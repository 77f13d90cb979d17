/* Places by name. The usable CPUs are put in the order of their sites, so that neighbours in the list of places share
   as much as they can; then each thing of the wanted kind takes the CPUs that it has. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "topo/places.h"
#include "topo/topo.h"

struct located {
    unsigned cpu;
    struct mo_site site;
};

static int compare(const void *left, const void *right)
{
    const struct located *a = left, *b = right;
    const unsigned key_a[] = {a->site.package, a->site.node, a->site.cache, a->site.core, a->cpu};
    const unsigned key_b[] = {b->site.package, b->site.node, b->site.cache, b->site.core, b->cpu};
    unsigned i = 0;
    while (i < 4 && key_a[i] == key_b[i])
        i++;
    return (key_a[i] > key_b[i]) - (key_a[i] < key_b[i]);
}

static unsigned collect(const struct mo_sites *sites, const unsigned long *usable, unsigned words, struct located *out)
{
    unsigned count = 0;
    for (unsigned cpu = 0; cpu < words * MO_MASK_BITS; cpu++) {
        if ((usable[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1) == 0)
            continue;
        bool known = sites != NULL && cpu < sites->cpu_limit;
        out[count++] = (struct located){.cpu = cpu, .site = known ? sites->site[cpu] : mo_site_unknown};
    }
    return count;
}

/* Do the two share a thing of that kind? CPUs of which that is not known share nothing smaller than a package; without
   caches or nodes, those of a package share what there is instead. */
static bool share(enum mo_places_name name, const struct located *a, const struct located *b)
{
    bool package = a->site.package == b->site.package;
    switch (name) {
    case MO_PLACES_CORES:
        return a->site.core == b->site.core && a->site.core != MO_SITE_NONE;
    case MO_PLACES_LL_CACHES:
        return a->site.cache == b->site.cache && (a->site.cache != MO_SITE_NONE || package);
    case MO_PLACES_SOCKETS:
        return package;
    case MO_PLACES_NUMA_DOMAINS:
        return a->site.node == b->site.node;
    case MO_PLACES_THREADS:
    default:
        return false;
    }
}

/* Things of a kind need not follow one another: a node may have CPUs of two packages. `owner` has the first CPU of each
   place. The search starts at the last place, which is nearly always the right one. */
static bool find_place(const struct mo_places *p, enum mo_places_name name, const struct located *at,
                       const struct located *const *owner, unsigned *place)
{
    for (unsigned i = name != MO_PLACES_THREADS ? p->count : 0; i > 0; i--) {
        if (share(name, owner[i - 1], at)) {
            *place = i - 1;
            return true;
        }
    }
    return false;
}

static void distribute(struct mo_places *p, enum mo_places_name name, unsigned limit, const struct located *cpu,
                       unsigned cpus, const struct located **owner)
{
    for (unsigned i = 0; i < cpus; i++) {
        unsigned place;
        if (!find_place(p, name, &cpu[i], owner, &place)) {
            if (p->count == limit)
                continue;
            place = p->count++;
            owner[place] = &cpu[i];
        }
        mo_place_mask(p, place)[cpu[i].cpu / MO_MASK_BITS] |= 1ul << cpu[i].cpu % MO_MASK_BITS;
    }
}

bool mo_places_from_name(enum mo_places_name name, unsigned limit, const struct mo_sites *sites,
                         const unsigned long *usable, unsigned words, struct mo_places *places)
{
    unsigned most = words * (unsigned)MO_MASK_BITS;
    struct located *cpu = malloc(most * sizeof *cpu);
    const struct located **owner = malloc(most * sizeof *owner);
    unsigned cpus = cpu != NULL ? collect(sites, usable, words, cpu) : 0;
    MO_ASSERT(cpu == NULL || cpus > 0);
    *places = (struct mo_places){.words = words, .mask = calloc((size_t)cpus + 1, words * sizeof places->mask[0])};
    bool done = cpu != NULL && owner != NULL && places->mask != NULL;
    if (done) {
        qsort(cpu, cpus, sizeof *cpu, compare);
        distribute(places, sites != NULL ? name : MO_PLACES_THREADS, limit, cpu, cpus, owner);
    }
    if (!done) {
        free(places->mask);
        *places = (struct mo_places){0};
    }
    free(cpu);
    free(owner);
    return done;
}
