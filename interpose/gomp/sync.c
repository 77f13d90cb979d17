/* Barrier, single, critical, atomic. */
#include "interpose/gomp/gomp.h"

MO_EXPORT void GOMP_barrier(void)
{
    mo_team_barrier(mo_self());
}

MO_EXPORT bool GOMP_single_start(void)
{
    return mo_single_begin(mo_self());
}

/* NULL tells the caller to run the block and to hand out its data through GOMP_single_copy_end. */
MO_EXPORT void *GOMP_single_copy_start(void)
{
    struct mo_member *m = mo_self();
    return mo_single_begin(m) ? NULL : mo_copyprivate_take(m);
}

MO_EXPORT void GOMP_single_copy_end(void *data)
{
    mo_copyprivate_give(mo_self(), data);
}

MO_EXPORT void GOMP_critical_start(void)
{
    mo_omp_lock(&MO_SHARED(critical));
}

MO_EXPORT void GOMP_critical_end(void)
{
    mo_omp_unlock(&MO_SHARED(critical));
}

/* `name` points to a zeroed pointer of the program, which has room for the lock itself. */
MO_EXPORT void GOMP_critical_name_start(void **name)
{
    mo_omp_lock((_Atomic uint32_t *)name);
}

MO_EXPORT void GOMP_critical_name_end(void **name)
{
    mo_omp_unlock((_Atomic uint32_t *)name);
}

MO_EXPORT void GOMP_atomic_start(void)
{
    mo_omp_lock(&MO_SHARED(atomic));
}

MO_EXPORT void GOMP_atomic_end(void)
{
    mo_omp_unlock(&MO_SHARED(atomic));
}
