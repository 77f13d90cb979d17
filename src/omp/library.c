/* The kinds of use that KMP_LIBRARY names. `serial` is a limit of one thread for regions, `turnaround` long
   spinning. */
#include "omp/core.h"
#include "park/park.h"

extern _Atomic uint32_t MO_SHARED(library) MO_SHARED_ATTR;
_Atomic uint32_t MO_SHARED(library); /* enum mo_library + 1; 0: as the settings say */

static enum mo_library of_settings(void)
{
    switch (mo_knob(MO_KNOB_KMP_LIBRARY)) {
    case MO_LIBRARY_SERIAL:
        return MO_LIBRARY_SERIAL;
    case MO_LIBRARY_TURNAROUND:
    case MO_LIBRARY_DEDICATED:
        return MO_LIBRARY_TURNAROUND;
    default:
        return mo_knob(MO_KNOB_OMP_WAIT_POLICY) == MO_WAIT_ACTIVE ? MO_LIBRARY_TURNAROUND : MO_LIBRARY_THROUGHPUT;
    }
}

enum mo_library mo_library(void)
{
    uint32_t set = mo_load_relaxed(&MO_SHARED(library)); /* by itself: nothing else is published with it */
    return set ? (enum mo_library)(set - 1) : of_settings();
}

void mo_library_set(struct mo_member *m, enum mo_library library)
{
    struct mo_icvs v = *mo_icvs_of(m);
    uint32_t initial = mo_icvs_at(0)->thread_limit;
    v.thread_limit = library == MO_LIBRARY_SERIAL ? 1 : initial > 1 ? initial : UINT32_MAX;
    mo_icvs_set(m, &v);
    mo_store_relaxed(&MO_SHARED(library), (uint32_t)library + 1);
    if (library != MO_LIBRARY_SERIAL)
        mo_park_set_spin_ns(library == MO_LIBRARY_TURNAROUND ? UINT64_MAX : mo_knob(MO_KNOB_SPIN_NS));
}

bool mo_omp_pause(struct mo_member *m)
{
    if (!mo_omp_outside(m))
        return false;
    mo_pool_release();
    return true;
}
