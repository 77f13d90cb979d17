/* Something that happens once. The state is 0 before, 1 while a thread is at it, 2 the same with others that may sleep,
   DONE afterwards. The one that takes it from 0 to 1 does it; DONE is written by it alone, with release, and read with
   acquire by all who return. A sleeper writes 2 by a CAS from 1, so it cannot undo DONE, and sleeps while it is 2. If
   it was not done after all the state goes back to 0, and the next one, or one of those who wait, does it. */
#include "sync/sync.h"

#include "park/park.h"
#include "park/strand.h"

enum { NEW, RUNNING, AWAITED };

void mo_sync_once_end(struct mo_sync_once *o, bool done)
{
    if (mo_exchange_release(&o->state, done ? MO_ONCE_DONE : NEW) == AWAITED)
        mo_word_wake(&o->state, MO_WAKE_ALL, MO_WAKE_ANY);
}

bool mo_sync_once_begin(struct mo_sync_once *o)
{
    for (;;) {
        uint32_t seen = NEW;
        if (mo_load_acquire(&o->state) == MO_ONCE_DONE)
            return false;
        if (mo_cas_acquire(&o->state, &seen, RUNNING))
            return true;
        if (seen == RUNNING)
            mo_cas_relaxed(&o->state, &seen, AWAITED);
        mo_word_wait(&o->state, AWAITED, false, NULL);
    }
}
