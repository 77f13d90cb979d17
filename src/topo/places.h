/* Places: sets of CPUs that threads are bound to. What a text or a name means is computed from the machine and the CPUs
   that may be used, both given, so that any machine can be thought of. */
#ifndef MO_TOPO_PLACES_H
#define MO_TOPO_PLACES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/kmp.h"
#include "base/places.h"

#define MO_SITE_NONE UINT_MAX

/* Where a CPU sits: numbers of things that CPUs share, MO_SITE_NONE where there is or is known no such thing. `cache`
   is the last one before memory. In the order of these numbers, CPUs that share much stand beside one another. */
struct mo_site {
    unsigned package, node, cache, core;
};

static const struct mo_site mo_site_unknown = {MO_SITE_NONE, MO_SITE_NONE, MO_SITE_NONE, MO_SITE_NONE};

struct mo_sites {
    unsigned cpu_limit;   /* highest CPU number + 1 */
    struct mo_site *site; /* by the kernel's CPU number */
};

/* What /sys below `root` tells of the CPUs in the mask. The caller frees sites->site. False: nothing. */
bool mo_sites_read(const char *root, const unsigned long *mask, unsigned words, struct mo_sites *sites);

struct mo_places {
    unsigned count;
    unsigned words;      /* of each mask */
    unsigned long *mask; /* place after place; from malloc() */
};

static inline unsigned long *mo_place_mask(const struct mo_places *places, unsigned place)
{
    return places->mask + (size_t)place * places->words;
}

/* The lowest CPU of a mask that has one. */
unsigned mo_mask_lowest(const unsigned long *mask);

/* CPUs and places of a text that are left out, because the process may not use them. */
struct mo_places_loss {
    unsigned cpus, places;
};

/* The places of a list like OMP_PLACES or, with `cpus`, GOMP_CPU_AFFINITY, restricted to the `words` words of `usable`.
   NULL, or what is wrong with the text, in words that follow it; there are no places then. */
const char *mo_places_from_list(const char *text, bool cpus, const unsigned long *usable, unsigned words,
                                struct mo_places *places, struct mo_places_loss *loss);

/* One place for each thing of that kind which has usable CPUs, in the order of the sites, at most `limit`. Without
   sites each CPU is one. False: out of memory. */
bool mo_places_from_name(enum mo_places_name name, unsigned limit, const struct mo_sites *sites,
                         const unsigned long *usable, unsigned words, struct mo_places *places);

/* The same on this machine, as hwloc or else /sys describes it. GUESSED: neither does, each CPU is a place.
   Context: as mo_topo_load(). */
enum mo_places_answer { MO_PLACES_FOUND, MO_PLACES_GUESSED, MO_PLACES_NO_MEMORY };
enum mo_places_answer mo_topo_places(enum mo_places_name name, unsigned limit, const unsigned long *usable,
                                     unsigned words, struct mo_places *places);

/* What KMP_AFFINITY says, of a type that has places (ranks.c): thread i goes to place i, round. Without sites each CPU
   is a core, and all are in one socket. False: out of memory, or too many places. */
bool mo_places_from_kmp(const struct mo_kmp_affinity *a, const struct mo_sites *sites, const unsigned long *usable,
                        unsigned words, struct mo_places *places, struct mo_places_loss *loss);
bool mo_topo_kmp_places(const struct mo_kmp_affinity *a, const unsigned long *usable, unsigned words,
                        struct mo_places *places, struct mo_places_loss *loss);

/* Leave what KMP_HW_SUBSET asks for in a mask, and return how many CPUs that is; where it would be none the mask is
   left alone. Reads /sys, as far as it looks at the machine. */
unsigned mo_subset_apply(const struct mo_kmp_subset *s, const struct mo_sites *sites, unsigned long *mask,
                         unsigned words);
unsigned mo_topo_subset(const struct mo_kmp_subset *s, unsigned long *mask, unsigned words);

#endif
