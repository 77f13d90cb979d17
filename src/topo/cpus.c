#include "topo/topo.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/config.h"
#include "base/log.h"
#include "topo/places.h"

static unsigned system_cpus(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus > 0 ? (unsigned)cpus : 1;
}

/* The system call itself: it tells how many bytes it wrote, where the C library clears the whole mask. */
unsigned mo_topo_affinity_mask(unsigned long mask[MO_MASK_WORDS])
{
    long bytes = syscall(SYS_sched_getaffinity, 0, MO_MASK_WORDS * sizeof mask[0], mask);
    unsigned words = bytes > 0 ? (unsigned)((size_t)bytes / sizeof mask[0]) : 0;
    memset(mask + words, 0, (MO_MASK_WORDS - words) * sizeof mask[0]);
    while (words > 0 && mask[words - 1] == 0)
        words--;
    return words;
}

unsigned mo_topo_affinity_cpus(void)
{
    unsigned long mask[MO_MASK_WORDS];
    unsigned words = mo_topo_affinity_mask(mask), cpus = 0;
    if (words == 0)
        return system_cpus();
    for (unsigned i = 0; i < words; i++)
        cpus += (unsigned)__builtin_popcountl(mask[i]);
    return cpus;
}

/* The CPUs of the mask that KMP_HW_SUBSET leaves. */
static unsigned subset_cpus(void)
{
    const char *text = mo_knob_text(MO_KNOB_KMP_HW_SUBSET);
    unsigned long mask[MO_MASK_WORDS];
    struct mo_kmp_subset subset;
    unsigned words = text != NULL ? mo_topo_affinity_mask(mask) : 0, cpus = 0;
    if (words > 0 && mo_kmp_subset_read(text, &subset))
        cpus = mo_topo_subset(&subset, mask, words);
    if (words > 0 && cpus == 0)
        mo_warn("KMP_HW_SUBSET=\"%.100s\" leaves no CPU that this process may use: ignored", text);
    return cpus > 0 ? cpus : mo_topo_affinity_cpus();
}

/* CPUs of the mask, found once; the setting, if there is one. Relaxed: any thread finds the same number. */
unsigned mo_topo_cpus_abreast(void)
{
    static _Atomic unsigned known;
    unsigned cpus = mo_load_relaxed(&known);
    if (cpus != 0)
        return cpus;
    cpus = (unsigned)mo_knob(MO_KNOB_CPUS);
    cpus = cpus != 0 ? cpus : subset_cpus();
    mo_store_relaxed(&known, cpus);
    return cpus;
}

unsigned mo_topo_cpus_again(void)
{
    unsigned cpus = mo_topo_cpus_abreast(), quota = mo_knob(MO_KNOB_CPUS) == 0 ? mo_topo_quota_cpus() : UINT_MAX;
    return cpus < quota ? cpus : quota;
}

unsigned mo_topo_cpus(void)
{
    static _Atomic unsigned known; /* relaxed: as above */
    unsigned cpus = mo_load_relaxed(&known);
    if (cpus != 0)
        return cpus;
    cpus = mo_topo_cpus_again();
    mo_store_relaxed(&known, cpus);
    return cpus;
}
