/* The places of the process: read from the settings once. Who asks first pays for that, with hwloc if need be. */
#include "omp/affinity.h"

#include <pthread.h>

#include "base/log.h"
#include "base/shared.h"
#include "topo/topo.h"

struct affinity {
    pthread_once_t once;
    enum mo_bind policy;
    struct mo_places places;
    unsigned cpus;
};

extern struct affinity MO_SHARED(affinity) MO_SHARED_ATTR;
struct affinity MO_SHARED(affinity);
_Static_assert(PTHREAD_ONCE_INIT == 0, "shared state begins as zeroes");

/* The CPUs that the process may use now. */
struct usable {
    unsigned long mask[MO_MASK_WORDS];
    unsigned words;
};

static bool read_name(enum mo_places_name name, unsigned limit, const struct usable *u, struct mo_places *places)
{
    switch (mo_topo_places(name, limit, u->mask, u->words, places)) {
    case MO_PLACES_NO_MEMORY:
        mo_warn("out of memory for places: threads are not bound");
        return false;
    case MO_PLACES_GUESSED:
        mo_warn("neither hwloc nor /sys tells what CPUs share: each CPU is a place");
        return true;
    default:
        return true;
    }
}

/* `otherwise` is what happens if the text is of no use. */
static bool read_list(enum mo_knob knob, const struct usable *u, struct mo_places *places, const char *otherwise)
{
    const char *name = knob == MO_KNOB_OMP_PLACES ? "OMP_PLACES" : "GOMP_CPU_AFFINITY", *text = mo_knob_text(knob);
    struct mo_places_loss loss;
    const char *wrong = mo_places_from_list(text, knob == MO_KNOB_GOMP_CPU_AFFINITY, u->mask, u->words, places, &loss);
    if (wrong != NULL)
        mo_warn("%s=\"%.100s\" %s: ignored, %s", name, text, wrong, otherwise);
    else if (loss.cpus > 0 || loss.places > 0)
        mo_warn("%s=\"%.100s\": left out, as this process may not use them: %u CPUs, and with them %u places", name,
                text, loss.cpus, loss.places);
    return wrong == NULL;
}

static bool read_given(const struct usable *u, struct mo_places *places, const char *otherwise)
{
    enum mo_places_name name;
    unsigned limit;
    const char *text = mo_knob_text(MO_KNOB_OMP_PLACES);
    if (text != NULL && mo_places_read_name(text, &name, &limit))
        return read_name(name, limit, u, places);
    if (text != NULL)
        return read_list(MO_KNOB_OMP_PLACES, u, places, otherwise);
    if (mo_knob_text(MO_KNOB_GOMP_CPU_AFFINITY) != NULL)
        return read_list(MO_KNOB_GOMP_CPU_AFFINITY, u, places, otherwise);
    return false;
}

static unsigned count_cpus(const struct usable *u)
{
    unsigned count = 0;
    for (unsigned i = 0; i < u->words; i++)
        count += (unsigned)__builtin_popcountl(u->mask[i]);
    return count;
}

/* Places that cannot be had are none, unless binding was asked for by itself. */
static void load(void)
{
    struct affinity *a = &MO_SHARED(affinity);
    const struct mo_knob_list *policies = mo_knob_list(MO_KNOB_OMP_PROC_BIND);
    bool asked = policies->count > 0;
    struct usable usable;
    if (asked && policies->item[0] == MO_BIND_FALSE)
        return;
    if (!asked && mo_knob_text(MO_KNOB_OMP_PLACES) == NULL && mo_knob_text(MO_KNOB_GOMP_CPU_AFFINITY) == NULL)
        return;
    usable.words = mo_topo_affinity_mask(usable.mask);
    if (usable.words == 0) {
        mo_warn("the system does not tell which CPUs may be used: threads are not bound");
        return;
    }
    const char *otherwise = asked ? "each CPU is a place" : "threads are not bound";
    if (!read_given(&usable, &a->places, otherwise) &&
        (!asked || !read_name(MO_PLACES_THREADS, MO_PLACES_MAX, &usable, &a->places)))
        return;
    a->cpus = count_cpus(&usable);
    a->policy = asked ? (enum mo_bind)policies->item[0] : MO_BIND_TRUE;
}

static const struct affinity *affinity(void)
{
    pthread_once(&MO_SHARED(affinity).once, load);
    return &MO_SHARED(affinity);
}

enum mo_bind mo_affinity_initial_policy(void)
{
    return affinity()->policy;
}

const struct mo_places *mo_affinity_places(void)
{
    return &affinity()->places;
}

unsigned mo_affinity_cpus(void)
{
    return affinity()->cpus;
}

unsigned mo_affinity_place_cpus(int place, void (*out)(void *arg, unsigned index, unsigned cpu), void *arg)
{
    const struct mo_places *p = mo_affinity_places();
    unsigned count = 0;
    if (place < 0 || (unsigned)place >= p->count)
        return 0;
    for (unsigned word = 0; word < p->words; word++) {
        for (unsigned long rest = mo_place_mask(p, (unsigned)place)[word]; rest != 0; rest &= rest - 1) {
            if (out != NULL)
                out(arg, count, word * (unsigned)MO_MASK_BITS + (unsigned)__builtin_ctzl(rest));
            count++;
        }
    }
    return count;
}
