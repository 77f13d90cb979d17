#include "topo/topo.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/config.h"

#define MASK_WORDS 256 /* 16,384 CPUs, twice what the kernel can be built for */

static unsigned system_cpus(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus > 0 ? (unsigned)cpus : 1;
}

/* The system call itself: it tells how many bytes it wrote, where the C library clears the whole mask. */
unsigned mo_topo_affinity_cpus(void)
{
    unsigned long mask[MASK_WORDS];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    if (bytes <= 0)
        return system_cpus();
    unsigned cpus = 0;
    for (size_t i = 0; i < (size_t)bytes / sizeof mask[0]; i++)
        cpus += (unsigned)__builtin_popcountl(mask[i]);
    return cpus > 0 ? cpus : 1;
}

unsigned mo_topo_cpus(void)
{
    static _Atomic unsigned known; /* relaxed: any thread finds the same number */
    unsigned cpus = mo_load_relaxed(&known);
    if (cpus != 0)
        return cpus;
    cpus = (unsigned)mo_knob(MO_KNOB_CPUS);
    if (cpus == 0) {
        unsigned mask = mo_topo_affinity_cpus(), quota = mo_topo_quota_cpus();
        cpus = mask < quota ? mask : quota;
    }
    mo_store_relaxed(&known, cpus);
    return cpus;
}
