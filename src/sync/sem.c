/* Semaphores. One word of 64 bits: permits below, sleepers above; all changes are RMWs on it.

   S1  a post adds a permit and learns in the same step whether anybody sleeps. After that step it touches nothing of
       the semaphore, which may be gone: a thread that got the permit may free it. The wake passes the address alone.
   S2  a sleeper counts itself before it looks for a permit the last time, in one word: a post that comes before the
       count leaves a permit that the look finds, one that comes after sees the count. The sleep compares the lower half
       with 0.
   S3  a sleeper takes a permit and its own count off in one step.
   Each post with sleepers wakes one. A permit may go to somebody who was awake; the woken one then finds none and
   sleeps on, and no sleeper is owed a permit. One that reaches its deadline was not woken: the kernel reports a wake
   first. */
#include "sync/sync.h"

#include "park/park.h"
#include "park/strand.h"

#include <errno.h>

#define ONE_SLEEPER ((uint64_t)1 << 32)
#define SPINS       40 /* pauses: under a microsecond */

static uint32_t permits(uint64_t state)
{
    return (uint32_t)state;
}

/* The half that sleepers compare. */
static _Atomic uint32_t *low_half(struct mo_sync_sem *s)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lower half comes first");
    return (_Atomic uint32_t *)&s->state;
}

static bool take(struct mo_sync_sem *s, uint64_t and_take_off)
{
    uint64_t seen = mo_load_relaxed(&s->state);
    while (permits(seen) != 0)
        if (mo_cas_acquire(&s->state, &seen, seen - 1 - and_take_off))
            return true;
    return false;
}

bool mo_sync_sem_try_wait(struct mo_sync_sem *s)
{
    return take(s, 0);
}

static int wait_asleep(struct mo_sync_sem *s, const struct mo_deadline *until)
{
    mo_fetch_add_relaxed(&s->state, ONE_SLEEPER); /* S2: relaxed, as it orders nothing but this word's own changes */
    while (!take(s, ONE_SLEEPER))
        if (mo_word_wait(low_half(s), 0, until && until->realtime, until ? until->at : NULL) == ETIMEDOUT) {
            mo_fetch_add_relaxed(&s->state, -ONE_SLEEPER);
            return ETIMEDOUT;
        }
    return 0;
}

int mo_sync_sem_wait(struct mo_sync_sem *s, const struct mo_deadline *until)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (take(s, 0))
            return 0;
        mo_plat_pause();
    }
    return wait_asleep(s, until);
}

int mo_sync_sem_post(struct mo_sync_sem *s)
{
    uint64_t seen = mo_load_relaxed(&s->state);
    do
        if (permits(seen) == MO_SEM_MAX)
            return EOVERFLOW;
    while (!mo_cas_release(&s->state, &seen, seen + 1)); /* S1 */
    if (seen >= ONE_SLEEPER)
        mo_word_wake(low_half(s), 1, MO_WAKE_ANY);
    return 0;
}

uint32_t mo_sync_sem_value(const struct mo_sync_sem *s)
{
    return permits(mo_load_relaxed(&s->state));
}
