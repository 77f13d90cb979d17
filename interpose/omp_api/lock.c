/* omp_*_lock and omp_*_nest_lock, in C and Fortran. GCC's simple lock has 4 bytes and its nestable one 16, LLVM's have
   8 and 8, those of OpenMP 2.5 and Fortran 4 and 8; ours fit the smallest of each, so one function serves all. */
#include "interpose/face.h"

typedef _Atomic uint32_t lock_word;

/* One operation under all its names: C and Fortran, of OpenMP 3.0, of 2.5 and LLVM's. */
#define LOCK_CALL(result, name, type, body)                                                                            \
    MO_EXPORT result name(type *lock)                                                                                  \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        body;                                                                                                          \
    }                                                                                                                  \
    MO_EXPORT result name##_(type *lock)                                                                               \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        body;                                                                                                          \
    }                                                                                                                  \
    MO_OMP_NAME(name) MO_OMP_NAME(name##_) MO_OLD_LOCK_NAME(name) MO_OLD_LOCK_NAME(name##_)

LOCK_CALL(void, omp_init_lock, lock_word, mo_omp_lock_init(m, lock, 0))
LOCK_CALL(void, omp_destroy_lock, lock_word, mo_omp_lock_destroy(m, lock))
LOCK_CALL(void, omp_set_lock, lock_word, mo_omp_acquire(m, lock))
LOCK_CALL(void, omp_unset_lock, lock_word, mo_omp_release(m, lock))
LOCK_CALL(int, omp_test_lock, lock_word, return mo_omp_try_acquire(m, lock))
LOCK_CALL(void, omp_init_nest_lock, struct mo_nest_lock, mo_omp_nest_init(m, lock, 0))
LOCK_CALL(void, omp_destroy_nest_lock, struct mo_nest_lock, mo_omp_nest_destroy(m, lock))
LOCK_CALL(void, omp_set_nest_lock, struct mo_nest_lock, mo_omp_nest_lock(lock))
LOCK_CALL(void, omp_unset_nest_lock, struct mo_nest_lock, mo_omp_nest_unlock(lock))
LOCK_CALL(int, omp_test_nest_lock, struct mo_nest_lock, return (int)mo_omp_try_nest_lock(lock))

/* The hint is one, and only told to tools. */
MO_EXPORT void omp_init_lock_with_hint(lock_word *lock, int hint)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_lock_init(m, lock, (unsigned)hint);
}
MO_LLVM_NAME(omp_init_lock_with_hint)

MO_EXPORT void omp_init_nest_lock_with_hint(struct mo_nest_lock *lock, int hint)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_nest_init(m, lock, (unsigned)hint);
}
MO_LLVM_NAME(omp_init_nest_lock_with_hint)

MO_EXPORT void omp_init_lock_with_hint_(lock_word *lock, const int *hint)
{
    omp_init_lock(lock);
}
MO_LLVM_NAME(omp_init_lock_with_hint_)

MO_EXPORT void omp_init_nest_lock_with_hint_(struct mo_nest_lock *lock, const int *hint)
{
    omp_init_nest_lock(lock);
}
MO_LLVM_NAME(omp_init_nest_lock_with_hint_)
