/* Locks of omp.h as compiled code may call them, with where it stands. They are the same locks. The hint is one. */
#include "interpose/kmp/kmp.h"

typedef _Atomic uint32_t lock_word;

MO_EXPORT void __kmpc_init_lock(ident_t *loc, int32_t gtid, lock_word *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_lock_init(m, lock, 0);
}

MO_EXPORT void __kmpc_init_lock_with_hint(ident_t *loc, int32_t gtid, lock_word *lock, uintptr_t hint)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_lock_init(m, lock, (unsigned)hint);
}

MO_EXPORT void __kmpc_destroy_lock(ident_t *loc, int32_t gtid, lock_word *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_lock_destroy(m, lock);
}

MO_EXPORT void __kmpc_set_lock(ident_t *loc, int32_t gtid, lock_word *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_acquire(m, lock);
}

MO_EXPORT void __kmpc_unset_lock(ident_t *loc, int32_t gtid, lock_word *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_release(m, lock);
}

MO_EXPORT int __kmpc_test_lock(ident_t *loc, int32_t gtid, lock_word *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_omp_try_acquire(m, lock);
}

MO_EXPORT void __kmpc_init_nest_lock(ident_t *loc, int32_t gtid, struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_nest_init(m, lock, 0);
}

MO_EXPORT void __kmpc_init_nest_lock_with_hint(ident_t *loc, int32_t gtid, struct mo_nest_lock *lock, uintptr_t hint)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_nest_init(m, lock, (unsigned)hint);
}

MO_EXPORT void __kmpc_destroy_nest_lock(ident_t *loc, int32_t gtid, struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_nest_destroy(m, lock);
}

MO_EXPORT void __kmpc_set_nest_lock(ident_t *loc, int32_t gtid, struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_nest_lock(lock);
}

MO_EXPORT void __kmpc_unset_nest_lock(ident_t *loc, int32_t gtid, struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_nest_unlock(lock);
}

MO_EXPORT int __kmpc_test_nest_lock(ident_t *loc, int32_t gtid, struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return (int)mo_omp_try_nest_lock(lock);
}
