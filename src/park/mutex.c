/* The four-byte mutex and the waits of locks whose word a foreign layout gives.

   The word is 0 free, 1 held, 2 held and somebody may sleep. A sleeper takes the lock by writing 2, since others may
   sleep still: a wake too many, never one too few. The unlocker's exchange to 0 that returns 2 wakes one. A waiter
   sleeps only while the word is 2, so a wake between its look and its sleep makes the sleep fail.
   A waiter spins first, for as long as a sleep and a wake would cost, if there may be a CPU that the holder runs on. */
#include "base/shared.h"
#include "park/fiber.h"
#include "park/park.h"
#include "plat/plat.h"
#include "watch/watch.h"

#define FIBER_LOOK_NS 50000

static bool spin_for_lock(_Atomic uint32_t *m)
{
    uint64_t budget = mo_park_lock_spin_ticks();
    uint64_t began = mo_plat_ticks();
    for (unsigned pause = 1; mo_plat_ticks() - began < budget; pause += pause < 8) {
        for (unsigned i = 0; i < pause; i++)
            mo_plat_pause();
        if (mo_load_relaxed(m) == 0 && mo_mutex_try_lock(m))
            return true;
    }
    return false;
}

/* What a fiber of the own thread holds cannot be waited for asleep; what another thread holds is looked at again and
   again, at last after FIBER_LOOK_NS and then up to 64 times that. */
bool mo_fiber_lock(bool (*try_lock)(void *arg), void *arg)
{
    if (mo_likely(MO_SHARED(ring) == NULL))
        return false;
    const struct mo_wait wait = {.ready = try_lock, .arg = arg, .relook_ns = FIBER_LOOK_NS};
    mo_wait(&wait);
    return true;
}

static bool try_lock(void *m)
{
    return mo_load_relaxed((_Atomic uint32_t *)m) == 0 && mo_mutex_try_lock(m);
}

void mo_mutex_lock_slow(_Atomic uint32_t *m)
{
    uint64_t began = mo_plat_ticks();
    if (!mo_fiber_lock(try_lock, m) && !spin_for_lock(m))
        while (mo_exchange_acquire(m, 2u) != 0)
            mo_park_sleep(m, 2, 0, MO_WAKE_ANY);
    mo_watch_waited(m, NULL, mo_plat_ticks() - began);
}
