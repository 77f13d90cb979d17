/* What a mutex does when it is contended. The word is glibc's: who finds it held writes 2 and sleeps while it is 2; who
   gives it up and finds 2 wakes one sleeper.

   Fairness. A lock that is free belongs to whoever comes first, so a woken waiter may lose against a running thread
   again and again. But each waiter that sleeps stands in the table of parkers, too, under the mutex's address, in the
   order of arrival, and sleeps on two words at once: the mutex's, while that is 2, and its parker's. An unlock that
   sees 2 still holds the mutex. If it finds that the oldest waiter has waited STARVING_US it makes that one the owner,
   asleep as it is: the word stays 2, so nobody can come in between, and other sleepers are not forgotten. Until the new
   owner runs nobody else gets in, so there is at most one such hand-over in HAND_OVER_US: waiters do not wait longer
   than STARVING_US and as often HAND_OVER_US as there are others before them, but for what the system's scheduler adds.
   Unlocks see 2 only if somebody has written it since the last one took it away, and the one that was woken then may
   have to wait for a CPU. So a sleep ends by itself a few times (FIRST_LOOK_NS, then later), and who gets up writes 2.
   And where others sleep, a thread that has not for ROUND_US does not spin for the mutex but sleeps in its turn: those
   who want it are more than there are CPUs, and would run in turns of the scheduler's, which are longer.
   M1  the word is 0 only if nobody owns the mutex; it goes from 0 by a CAS or an exchange of whoever then owns it.
   M2  a waiter in the table owns the mutex when its parker is TAKEN, or when its own exchange has returned 0. Not both:
       it is taken by an owner that keeps the word at 2.
   M3  unlocks that pass us by (glibc's own code) do not look into the table, nor do those of ours that find the table
       in use (they never wait, since they may come from a signal handler); entering does not wait either. Such unlocks
       wake a sleeper of the mutex's word, as glibc's do, and so never strand one; only the hand-over is left out.
   M4  who was woken on the mutex's word tries the exchange before it sleeps or gives up, so the 2 that the unlock took
       away comes back. Who finds itself taken instead has the word at 2.
   Sleeping on two words takes Linux 5.16. Without it waiters sleep on the mutex's word alone, and nothing is fair.
   After the word has been given away the unlocker reads nothing of the mutex: wake-ups use the address alone.

   Bare mutexes are a word alone, with no owner beside it. The word may be an asymmetric one's (asym.c): it goes from
   FREE to HELD by a CAS, and who sleeps on it is told by a count elsewhere, so that there is no third value. The rules
   above hold with HELD for 2. */
#include "sync/sync.h"

#include "park/fiber.h"
#include "park/park.h"
#include "park/strand.h"

#include <errno.h>

#define STARVING_US   250
#define HAND_OVER_US  100 /* at most one in that time: so what the sleeping owners cost is bounded */
#define ROUND_US      250
#define FIRST_LOOK_NS 250000
#define LOOKS         3
#define LOOKERS       32

/* Spinning pays if the owner runs, which nobody knows; whether it did lately is the best guess. One score for the
   process, as it is the machine that decides: a success adds to it, a failure takes off, and without any left only one
   attempt in PROBE_EVERY spins. */
#define SPIN_NS     1000
#define SCORE_MAX   64
#define PROBE_EVERY 64
#define PAUSES_MAX  8
static _Atomic uint32_t score = SCORE_MAX, attempts; /* hints: lost updates do not matter */

/* Looks become rarer, up to PAUSES_MAX pauses apart: each takes the line away from an owner that may want it for
   several short holds in a row, and these cost least on the CPU that has the data. */
static bool spin_for(_Atomic uint32_t *word, uint64_t budget)
{
    uint64_t began = mo_plat_ticks();
    for (unsigned pause = 1;; pause += pause < PAUSES_MAX ? pause : 0) {
        uint32_t seen = mo_load_relaxed(word);
        if (mo_sync_word_is_free(seen) && mo_cas_acquire(word, &seen, seen | 1u))
            return true;
        if (seen == 2) /* others sleep: it will take long */
            return false;
        if (mo_plat_ticks() - began >= budget)
            return false;
        for (unsigned i = 0; i < pause; i++)
            mo_plat_pause();
    }
}

static const void *key_of(const _Atomic uint32_t *word)
{
    return (const char *)word + 1; /* odd: a mutex */
}

static bool is_past(uint64_t ticks, uint64_t us)
{
    return mo_plat_ticks() - ticks > us * mo_plat_ticks_per_us();
}

/* Others sleep for it, and the caller has not for long: it is its turn to. */
static bool had_its_round(const _Atomic uint32_t *word)
{
    const struct mo_parker *p = MO_SHARED(parker);
    return mo_parker_crowd(key_of(word)) && p && is_past(p->rested, ROUND_US);
}

static bool spin(_Atomic uint32_t *word)
{
    uint32_t now = mo_load_relaxed(&score), nth = mo_load_relaxed(&attempts);
    mo_store_relaxed(&attempts, nth + 1);
    if ((now == 0 && nth % PROBE_EVERY) || had_its_round(word))
        return false;
    bool got = spin_for(word, SPIN_NS * mo_plat_ticks_per_us() / 1000);
    if (got ? now < SCORE_MAX : now > 0)
        mo_store_relaxed(&score, got ? now + 1 : now - 1);
    return got;
}

/* What the word is while it is held and somebody may sleep. */
static uint32_t asleep_value(const _Atomic uint32_t *word)
{
    return mo_load_relaxed(word) & MO_WORD_ASYM ? MO_WORD_ASYM_HELD : 2;
}

static bool try_as_sleeper(_Atomic uint32_t *word)
{
    uint32_t free = MO_WORD_ASYM;
    if (asleep_value(word) != 2)
        return mo_cas_acquire(word, &free, MO_WORD_ASYM_HELD);
    return mo_exchange_acq_rel(word, 2u) == 0; /* release: who sees this 2 sees the table, M3 apart */
}

static _Atomic bool without_two_words; /* the system cannot */

void mo_sync_mutex_wait_simply(void)
{
    mo_store_relaxed(&without_two_words, true);
}

static int lock_on_word(_Atomic uint32_t *word, const struct mo_deadline *until)
{
    uint32_t asleep = asleep_value(word);
    while (!try_as_sleeper(word))
        if (mo_plat_futex_wait_until(word, asleep, until->realtime, until->at) == ETIMEDOUT)
            return ETIMEDOUT;
    return 0;
}

/* The same for who may give its thread back meanwhile; a mutex with an owner is its thread's. */
static __attribute__((noinline)) int lock_as_strand(_Atomic uint32_t *word, const struct mo_deadline *until)
{
    uint32_t asleep = asleep_value(word);
    while (!try_as_sleeper(word))
        if (mo_word_wait(word, asleep, until->realtime, until->at) == ETIMEDOUT)
            return ETIMEDOUT;
    return 0;
}

/* Until woken (0), or the deadline; in an endless wait the first few sleeps end by themselves. */
static int sleep_on_two(_Atomic uint32_t *word, uint32_t asleep, struct mo_parker *p, uint32_t own,
                        const struct mo_deadline *until, unsigned *looks)
{
    if (until->at || *looks == LOOKS)
        return mo_plat_futex_wait_two(word, asleep, &p->word, own, until->realtime, until->at);
    uint64_t ns = mo_plat_now_ns() + ((uint64_t)FIRST_LOOK_NS << 2 * *looks);
    struct timespec end = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    int err = mo_plat_futex_wait_two(word, asleep, &p->word, own, false, &end);
    *looks += err == ETIMEDOUT;
    return err == ETIMEDOUT ? 0 : err;
}

/* Until somebody hands the mutex over, or it is free at one of the looks. */
static int lock_in_table(_Atomic uint32_t *word, struct mo_parker *p, const struct mo_deadline *until)
{
    uint32_t asleep = asleep_value(word);
    unsigned looks = mo_parker_crowd(key_of(word)) > LOOKERS ? LOOKS : 0;
    for (;;) {
        uint32_t own = mo_load_acquire(&p->word);
        if (MO_PARKER_STATE(own) == MO_PARKER_TAKEN)
            return 0;
        if (try_as_sleeper(word)) {
            mo_parker_leave(p, NULL); /* M2 */
            return 0;
        }
        int err = sleep_on_two(word, asleep, p, own, until, &looks);
        if (err == ETIMEDOUT)
            return mo_parker_leave(p, NULL) ? ETIMEDOUT : 0;
        if (mo_unlikely(err == ENOSYS || err == EPERM)) {
            mo_sync_mutex_wait_simply();
            return mo_parker_leave(p, NULL) ? lock_on_word(word, until) : 0;
        }
    }
}

/* `owned` is the mutex that the word belongs to; NULL: a bare one. */
static int lock_asleep(_Atomic uint32_t *word, struct mo_sync_mutex *owned, const struct mo_deadline *until)
{
    static const struct mo_deadline never = {NULL, false};
    if (!until)
        until = &never;
    if (try_as_sleeper(word))
        return 0;
    if (!owned && mo_unlikely(mo_strand_here() != NULL))
        return lock_as_strand(word, until);
    struct mo_parker *p = mo_load_relaxed(&without_two_words) ? NULL : mo_parker_idle_quietly();
    if (!p)
        return lock_on_word(word, until);
    if (!mo_parker_try_enter(p, key_of(word), owned))
        return lock_on_word(word, until);
    mo_parker_deepen(p, MO_PARKER_LONG);
    int err = lock_in_table(word, p, until);
    mo_parker_done(p);
    return err;
}

static bool try_for_fiber(void *word)
{
    uint32_t free = 0;
    return mo_load_relaxed((_Atomic uint32_t *)word) == 0 && mo_cas_acquire((_Atomic uint32_t *)word, &free, 1u);
}

/* Held by the calling thread itself, which is no mistake where that has fibers: the owner goes on if this one waits. */
static bool lock_among_fibers(struct mo_sync_mutex *m)
{
    return mo_load_relaxed(&m->owner) == mo_plat_tid() && mo_fiber_lock(try_for_fiber, &m->word);
}

int mo_sync_mutex_lock_slow(struct mo_sync_mutex *m, const struct mo_deadline *until)
{
    if (mo_unlikely(MO_SHARED(ring) != NULL) && !until && lock_among_fibers(m))
        return 0;
    return spin(&m->word) ? 0 : lock_asleep(&m->word, m, until);
}

bool mo_sync_word_spin(_Atomic uint32_t *word)
{
    return spin(word);
}

int mo_sync_word_lock_asleep(_Atomic uint32_t *word, const struct mo_deadline *until)
{
    return lock_asleep(word, NULL, until);
}

void mo_sync_mutex_lock_passed(struct mo_sync_mutex *m)
{
    lock_asleep(&m->word, m, NULL);
}

/* Of the oldest, if it has waited long enough. */
static bool make_owner(const struct mo_parker *p, uint64_t *given)
{
    struct mo_sync_mutex *owned = p->with;
    if (!is_past(p->since, STARVING_US) || !is_past(*given, HAND_OVER_US))
        return false;
    *given = mo_plat_ticks();
    if (owned)
        mo_store_relaxed(&owned->owner, p->tid);
    return true;
}

static bool hand_over(_Atomic uint32_t *word)
{
    struct mo_parked next;
    const void *key = key_of(word);
    if (mo_likely(!mo_parker_crowd(key)) || !mo_parker_try_take(key, &next, make_owner))
        return false;
    mo_parker_wake(&next);
    return true;
}

void mo_sync_word_unlock_slow(_Atomic uint32_t *word)
{
    if (hand_over(word))
        return;
    mo_exchange_release(word, mo_load_relaxed(word) & MO_WORD_ASYM);
    mo_word_wake(word, 1, MO_WAKE_ANY);
}

void mo_sync_mutex_unlock_slow(struct mo_sync_mutex *m)
{
    mo_sync_word_unlock_slow(&m->word);
}
