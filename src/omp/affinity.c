/* The places of the process: read from the settings once. Who asks first pays for that, with hwloc if need be. */
#include "omp/affinity.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/shared.h"
#include "topo/topo.h"

struct affinity {
    pthread_once_t once;
    enum mo_bind policy;
    struct mo_places places;
    unsigned cpus;
    bool verbose;
    unsigned words; /* of `all`, the CPUs that the first thread could use */
    unsigned long all[MO_MASK_WORDS];
};

extern struct affinity MO_SHARED(affinity) MO_SHARED_ATTR;
struct affinity MO_SHARED(affinity);
_Static_assert(PTHREAD_ONCE_INIT == 0, "shared state begins as zeroes");

/* The CPUs that the process may use now. */
struct usable {
    unsigned long mask[MO_MASK_WORDS];
    unsigned words;
};

/* All that the machine has; the kernel leaves out those that are forbidden. */
static unsigned all_cpus(unsigned long mask[MO_MASK_WORDS])
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    unsigned count = cpus > 0 && cpus < MO_CPUS_MAX ? (unsigned)cpus : MO_CPUS_MAX;
    memset(mask, 0, MO_MASK_WORDS * sizeof mask[0]);
    for (unsigned cpu = 0; cpu < count; cpu++)
        mask[cpu / MO_MASK_BITS] |= 1ul << cpu % MO_MASK_BITS;
    return (count + (unsigned)MO_MASK_BITS - 1) / (unsigned)MO_MASK_BITS;
}

static void apply_subset(struct usable *u)
{
    const char *text = mo_knob_text(MO_KNOB_KMP_HW_SUBSET);
    struct mo_kmp_subset subset;
    if (text != NULL && mo_kmp_subset_read(text, &subset))
        mo_topo_subset(&subset, u->mask, u->words);
}

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

/* KMP_AFFINITY, where nothing of OpenMP's own says otherwise. True: it is what counts. */
static bool read_kmp(struct affinity *a, struct usable *u)
{
    struct mo_kmp_affinity kmp;
    struct mo_places_loss loss;
    const char *text = mo_knob_text(MO_KNOB_KMP_AFFINITY);
    if (text == NULL || !mo_kmp_affinity_read(text, &kmp))
        return false;
    a->verbose = kmp.verbose;
    if (kmp.type <= MO_KMP_DISABLED)
        return false;
    if (kmp.no_respect)
        u->words = all_cpus(u->mask);
    if (!mo_topo_kmp_places(&kmp, u->mask, u->words, &a->places, &loss) || a->places.count == 0)
        mo_warn("KMP_AFFINITY=\"%.100s\" gives no places: threads are not bound", text);
    else if (!kmp.no_warnings && (loss.cpus > 0 || loss.places > 0))
        mo_warn("KMP_AFFINITY=\"%.100s\": left out, as this process may not use them: %u CPUs, and with them %u places",
                text, loss.cpus, loss.places);
    a->policy = kmp.type == MO_KMP_BALANCED ? MO_BIND_SPREAD : MO_BIND_CLOSE;
    return a->places.count > 0;
}

static unsigned count_cpus(const struct usable *u)
{
    unsigned count = 0;
    for (unsigned i = 0; i < u->words; i++)
        count += (unsigned)__builtin_popcountl(u->mask[i]);
    return count;
}

static bool nothing_given(void)
{
    return mo_knob_text(MO_KNOB_OMP_PLACES) == NULL && mo_knob_text(MO_KNOB_GOMP_CPU_AFFINITY) == NULL;
}

/* Places that cannot be had are none, unless binding was asked for by itself. */
static void read_openmp(struct affinity *a, const struct usable *u, const struct mo_knob_list *policies)
{
    bool asked = policies->count > 0;
    const char *otherwise = asked ? "each CPU is a place" : "threads are not bound";
    if (!read_given(u, &a->places, otherwise) &&
        (!asked || !read_name(MO_PLACES_THREADS, MO_PLACES_MAX, u, &a->places)))
        return;
    a->cpus = count_cpus(u);
    a->policy = asked ? (enum mo_bind)policies->item[0] : MO_BIND_TRUE;
}

static void load(void)
{
    struct affinity *a = &MO_SHARED(affinity);
    const struct mo_knob_list *policies = mo_knob_list(MO_KNOB_OMP_PROC_BIND);
    bool asked = policies->count > 0, kmp = mo_knob_text(MO_KNOB_KMP_AFFINITY) != NULL;
    struct usable usable;
    usable.words = a->words = mo_topo_affinity_mask(usable.mask);
    memcpy(a->all, usable.mask, sizeof a->all);
    if ((asked && policies->item[0] == MO_BIND_FALSE) || (!asked && nothing_given() && !kmp))
        return;
    if (usable.words == 0) {
        mo_warn("the system does not tell which CPUs may be used: threads are not bound");
        return;
    }
    apply_subset(&usable);
    if (asked || !nothing_given())
        read_openmp(a, &usable, policies);
    else if (read_kmp(a, &usable))
        a->cpus = count_cpus(&usable);
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

bool mo_affinity_is_verbose(void)
{
    return affinity()->verbose;
}

const unsigned long *mo_affinity_all_cpus(unsigned *words)
{
    *words = affinity()->words;
    return affinity()->all;
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
