/* Barrier, single, critical, atomic. */
#include "interpose/gomp/gomp.h"

MO_EXPORT void GOMP_barrier(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_EXPLICIT);
    mo_team_barrier(m);
}

MO_EXPORT bool GOMP_single_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_single_begin(m);
}

/* NULL tells the caller to run the block and to hand out its data through GOMP_single_copy_end. */
MO_EXPORT void *GOMP_single_copy_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    return mo_single_begin(m) ? NULL : mo_copyprivate_take(m);
}

MO_EXPORT void GOMP_single_copy_end(void *data)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    mo_copyprivate_give(m, data);
}

MO_EXPORT void GOMP_critical_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    mo_omp_acquire(m, &MO_SHARED(critical));
}

MO_EXPORT void GOMP_critical_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    mo_omp_release(m, &MO_SHARED(critical));
}

/* `name` points to a zeroed pointer of the program, which has room for the lock itself. */
MO_EXPORT void GOMP_critical_name_start(void **name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    mo_omp_acquire(m, (_Atomic uint32_t *)name);
}

MO_EXPORT void GOMP_critical_name_end(void **name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    mo_omp_release(m, (_Atomic uint32_t *)name);
}

MO_EXPORT void GOMP_atomic_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_ATOMIC);
    mo_omp_acquire(m, &MO_SHARED(atomic));
}

MO_EXPORT void GOMP_atomic_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_ATOMIC);
    mo_omp_release(m, &MO_SHARED(atomic));
}
