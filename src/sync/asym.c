/* The asymmetric mutex: one RMW to lock and none to unlock. Unlocking is a plain store of the word, then a plain look
   at the number of those who wait; what keeps the two in order is paid for by who waits.

   Words: the mutex's own, FREE or HELD, and the bucket of its address in a table that outlives every mutex. The word
   goes from FREE to HELD by a CAS of whoever then owns it, and back by a store of the owner. A waiter raises the
   bucket's count before it sleeps and lowers it when it has the mutex or gives up.

       unlock                          lock, out of line
       A1  word = FREE                 B1  waiters++
       A2  (compiler barrier)          B2  membarrier
       A3  if (waiters) wake one       B3  loop: CAS word FREE -> HELD, or sleep while word == HELD

   A processor may read in A3 before others see A1. B2 makes each running thread of the process pass a full barrier; one
   that does not run passes one when it is switched. So each unlock is on one side:
   U1  its A3 came before the barrier of its thread. Then A1, which is earlier in the program, is seen by all after B2,
       and B3 sees it: either FREE, or somebody who took the mutex since, whose own unlock is judged in the same way.
   U2  its A3 came after. Then it sees B1 and wakes one. The kernel compares the word with HELD under the lock that the
       wake takes too, so the wake comes after the sleep began, or the sleep fails.
   No wake-up is lost: as long as the count is raised, each unlock after B2 wakes one sleeper. One that is woken tries
   the CAS; if it fails, somebody else owns the mutex and will unlock it in turn. One that has reached its deadline was
   not woken by anybody, as the kernel reports a wake rather than the time.
   Buckets are shared by mutexes: a count that concerns another one costs a needless wake, never a missing one.
   After A1 the mutex may be gone: A3 reads the table, and the wake passes an address.

   The barrier may be denied. mo_sync_asym_value() asks once in the life of the process; if the answer is no, the mutex
   becomes one of the futex kind before it is first held, so all its holders agree. If it fails later (a sandbox that
   was closed after the start) a waiter looks again every millisecond, which is right because a store is seen in the
   end, and all unlocks that happen after that see the count.

   The other choice, to sleep on the word's third value as the futex kind does, would need an RMW in the unlock: a plain
   store would overwrite a 2 that was written between the look at the word and the store.

   tests/models/asym.pml has the interleavings with store buffers. It alone guards B2: storms without the barrier have
   not failed on x86-64, where a store is seen long before a waiter gets to sleep. */
#include "sync/sync.h"

#include "base/log.h"
#include "park/park.h"
#include "park/strand.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define BLIND_SLEEP_NS 1000000

struct mo_asym_bucket moirai_asym_waiters[MO_ASYM_BUCKETS];

/* The answer never changes; objects of one process that ask each for themselves get the same. */
enum answer { NOT_ASKED, GIVEN, DENIED };
static _Atomic uint8_t answer;
static pthread_once_t asked = PTHREAD_ONCE_INIT;

/* Those who waited in the parent are not here, and would make each unlock look for them. Should the forking thread
   itself wait (it forked in a signal handler), nobody here can unlock what it waits for. */
static void forked(void)
{
    memset(moirai_asym_waiters, 0, sizeof moirai_asym_waiters);
}

static void ask(void)
{
    bool given = mo_plat_barrier_arm_late() && mo_plat_barrier_all();
    pthread_atfork(NULL, NULL, forked);
    mo_store_relaxed(&answer, (uint8_t)(given ? GIVEN : DENIED));
}

uint32_t mo_sync_asym_value(void)
{
    if (mo_unlikely(mo_load_relaxed(&answer) == NOT_ASKED))
        pthread_once(&asked, ask);
    return mo_load_relaxed(&answer) == GIVEN ? MO_WORD_ASYM : 0;
}

/* B2. A child may have to register again. */
static bool order_all(void)
{
    return mo_plat_barrier_all() || (mo_plat_barrier_arm_late() && mo_plat_barrier_all());
}

static bool earlier(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* Without the barrier: sleeps that end by themselves. Deadlines here are on the monotonic clock. */
static int lock_blind(_Atomic uint32_t *word, const struct mo_deadline *until)
{
    mo_warn_once("membarrier is denied now: waits for asymmetric mutexes look again every millisecond");
    for (;;) {
        uint64_t ns = mo_plat_now_ns() + BLIND_SLEEP_NS;
        struct timespec soon = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
        bool last = until && until->at && earlier(until->at, &soon);
        struct mo_deadline bound = {.at = last ? until->at : &soon, .realtime = false};
        int err = mo_sync_word_lock_asleep(word, &bound);
        if (err == 0 || last)
            return err;
    }
}

int mo_sync_asym_lock_slow(_Atomic uint32_t *word, const struct mo_deadline *until)
{
    _Atomic uint32_t *waiters = mo_sync_asym_waiters(word);
    mo_fetch_add_seqcst(waiters, 1u); /* B1 */
    int err = order_all() ? mo_sync_word_lock_asleep(word, until) : lock_blind(word, until);
    if (mo_load_relaxed(waiters) != 0) /* not after a fork */
        mo_fetch_sub_seqcst(waiters, 1u);
    return err;
}

/* Who has waited for long is made the owner; the others are woken to try. */
int mo_sync_asym_unlock_awaited(_Atomic uint32_t *word)
{
    mo_sync_word_unlock_slow(word);
    return 0;
}

int mo_sync_asym_wake(_Atomic uint32_t *word)
{
    mo_word_wake(word, 1, MO_WAKE_ANY);
    return 0;
}
