/* Barriers. Arrivals are numbered since the barrier was made; the number tells the round and the place in it, so there
   is nothing to be set back and a thread of the next round may arrive at any time, also one that was not in this round.

   R1  who arrives last in a round adds one to `done`. A thread of round r (from 1) returns when done >= r. That some r
       of these additions have happened means that at least r rounds were full, and the rounds fill in order: so round r
       was. Whose addition it was does not matter.
   R2  what was done before arriving is seen by all who return from the round: the arrivals are one chain of acq_rel
       RMWs, the last one's addition releases it, the look at `done` acquires.
   R3  `left` is the last that a thread touches. Destroying waits for it to reach `arrived`. */
#include "sync/sync.h"

#include "park/park.h"
#include "park/strand.h"

#include <errno.h>

#define SPINS 40

static bool is_done(uint32_t done, uint32_t round)
{
    return (int32_t)(done - round) >= 0;
}

static void await_round(struct mo_sync_barrier *b, uint32_t round)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (is_done(mo_load_acquire(&b->done), round))
            return;
        mo_plat_pause();
    }
    for (uint32_t done; !is_done(done = mo_load_acquire(&b->done), round);)
        mo_word_wait(&b->done, done, false, NULL);
}

bool mo_sync_barrier_wait(struct mo_sync_barrier *b)
{
    uint32_t size = b->size;
    uint64_t before = mo_fetch_add_acq_rel(&b->arrived, 1u);
    bool last = before % size == size - 1;
    if (last) {
        mo_fetch_add_acq_rel(&b->done,
                             1u); /* R1; acquire: another round's addition may be the one that counts for us */
        if (size > 1)
            mo_word_wake(&b->done, MO_WAKE_ALL, MO_WAKE_ANY);
    }
    await_round(b, (uint32_t)(before / size + 1));
    mo_fetch_add_acq_rel(&b->left, 1u);
    return last;
}

/* Those who have not left are on their way out: none of them waits for anything but a CPU. */
int mo_sync_barrier_destroy(struct mo_sync_barrier *b)
{
    uint64_t arrived = mo_load_acquire(&b->arrived);
    if (arrived % b->size != 0)
        return EBUSY;
    while (mo_load_acquire(&b->left) != arrived)
        mo_plat_yield();
    return 0;
}
