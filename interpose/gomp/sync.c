/* Barrier, single, critical, atomic. */
#include "interpose/gomp/gomp.h"

static __attribute__((noinline)) void barrier_other(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_EXPLICIT);
    mo_team_barrier(m);
}

MO_EXPORT void GOMP_barrier(void)
{
    struct mo_member *m = mo_self_plain();
    if (mo_likely(m != NULL))
        mo_team_barrier_plain(m);
    else
        barrier_other();
}

static __attribute__((noinline)) bool single_other(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_single_begin(m);
}

MO_EXPORT bool GOMP_single_start(void)
{
    struct mo_member *m = mo_self_plain();
    return mo_likely(m != NULL) ? mo_single_begin_plain(m) : single_other();
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

/* Locks: `name` points to a zeroed pointer of the program, which has room for the lock itself. */
#define LOCK_OTHER(does, operation, kind)                                                                              \
    static __attribute__((noinline)) void does##_other(void **name)                                                    \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, kind);                                                                                           \
        operation(m, (_Atomic uint32_t *)name);                                                                        \
    }
LOCK_OTHER(begin_critical, mo_omp_acquire, MO_OBS_CRITICAL)
LOCK_OTHER(end_critical, mo_omp_release, MO_OBS_CRITICAL)
LOCK_OTHER(begin_atomic, mo_omp_acquire, MO_OBS_ATOMIC)
LOCK_OTHER(end_atomic, mo_omp_release, MO_OBS_ATOMIC)

#define LOCK(entry, parameter, name, operation, other)                                                                 \
    MO_EXPORT void entry(parameter)                                                                                    \
    {                                                                                                                  \
        struct mo_member *m = mo_self_plain();                                                                         \
        if (mo_likely(m != NULL))                                                                                      \
            operation(m, (_Atomic uint32_t *)(name));                                                                  \
        else                                                                                                           \
            other((void **)(name));                                                                                    \
    }
LOCK(GOMP_critical_start, void, &MO_SHARED(critical), mo_omp_acquire_plain, begin_critical_other)
LOCK(GOMP_critical_end, void, &MO_SHARED(critical), mo_omp_release_plain, end_critical_other)
LOCK(GOMP_critical_name_start, void **name, name, mo_omp_acquire_plain, begin_critical_other)
LOCK(GOMP_critical_name_end, void **name, name, mo_omp_release_plain, end_critical_other)
LOCK(GOMP_atomic_start, void, &MO_SHARED(atomic), mo_omp_acquire_plain, begin_atomic_other)
LOCK(GOMP_atomic_end, void, &MO_SHARED(atomic), mo_omp_release_plain, end_atomic_other)
