/* pthread_spin_lock that lets others run. glibc's spins for ever: with more threads than CPUs it spins away the time
   that the holder needs. The word and the other calls stay glibc's, so a lock may be shared with a process that has no
   Moirai: on x86-64 free is 1 and held is 0 or less, elsewhere free is 0. */
#include "interpose/pthread/pthread.h"

#if defined(__x86_64__)
#define FREE 1
#define HELD 0
#else
#define FREE 0
#define HELD 1
#endif

#define SPINS 20 /* pauses: less than a yield costs */

static bool try_take(_Atomic int *word)
{
    int free = FREE;
    return mo_load_relaxed(word) == FREE && mo_cas_acquire(word, &free, HELD);
}

static __attribute__((noinline)) void wait_for(_Atomic int *word)
{
    for (;;) {
        for (int i = 0; i < SPINS; i++) {
            if (try_take(word))
                return;
            mo_plat_pause();
        }
        mo_plat_yield();
    }
}

MO_EXPORT int pthread_spin_lock(pthread_spinlock_t *lock)
{
    _Atomic int *word = (_Atomic int *)lock;
    int free = FREE;
    if (mo_likely(mo_cas_acquire(word, &free, HELD)))
        return 0;
    if (!mo_pthread_has_mutexes() || !mo_pthread_yields())
        return mo_pthread_real()->spin_lock(lock);
    wait_for(word);
    return 0;
}
