/* Reader-writer locks. `state` has the number of readers and WRITER; `gate` is a mutex of one word (word.c, mutex.c),
   which brings deadlines and fairness with it.

   L1  who holds the gate is the only one that sets or clears WRITER. A writer holds the gate from before it sets WRITER
       until after it has cleared it.
   L2  a reader counts itself only while WRITER is not set, by a CAS; or while it holds the gate, which comes to the
       same.
   L3  a writer owns the lock when it has set WRITER and has seen no readers: none can come in since.
   L4  WRITER stands from the moment on at which a writer waits for readers to leave. New ones queue at the gate, so
       writers do not starve; and as the gate lets them in by turns (mutex.c: whoever waited for long comes next),
       readers do not either.
   L5  the last reader out finds WRITER beside its own count and wakes the writer, the only one that ever sleeps on
       `state`. The writer's sleep compares the whole word.
   A writer's unlock is two steps, WRITER and the gate. A reader may come and go between the two, so the lock must not
   be freed before all calls on it have returned. */
#include "sync/sync.h"

#include "park/park.h"
#include "park/strand.h"

#include <errno.h>

#define SPINS 40

static int lock_gate(struct mo_sync_rwlock *l, const struct mo_deadline *until)
{
    return mo_sync_word_try_lock(&l->gate) ? 0 : mo_sync_word_lock_slow(&l->gate, until);
}

/* ---- Readers. EBUSY: a writer has it or waits for it. */
static int count_reader(struct mo_sync_rwlock *l)
{
    uint32_t seen = mo_load_relaxed(&l->state);
    do {
        if (seen & MO_RWLOCK_WRITER)
            return EBUSY;
        if (seen == MO_RWLOCK_READERS_MAX)
            return EOVERFLOW;
    } while (!mo_cas_acquire(&l->state, &seen, seen + 1));
    return 0;
}

int mo_sync_rwlock_try_read(struct mo_sync_rwlock *l)
{
    return count_reader(l);
}

int mo_sync_rwlock_read(struct mo_sync_rwlock *l, const struct mo_deadline *until)
{
    int err = count_reader(l);
    if (mo_likely(err != EBUSY))
        return err;
    err = lock_gate(l, until);
    if (err)
        return err;
    err = count_reader(l); /* L1, L2: no WRITER now */
    mo_sync_word_unlock(&l->gate);
    return err;
}

int mo_sync_rwlock_read_unlock(struct mo_sync_rwlock *l)
{
    uint32_t seen = mo_load_relaxed(&l->state);
    do
        if ((seen & ~MO_RWLOCK_WRITER) == 0)
            return EPERM;
    while (!mo_cas_release(&l->state, &seen, seen - 1));
    if (seen == (MO_RWLOCK_WRITER | 1u)) /* L5 */
        mo_word_wake(&l->state, 1, MO_WAKE_ANY);
    return 0;
}

/* ---- Writers. */
static int await_readers(struct mo_sync_rwlock *l, const struct mo_deadline *until)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (mo_load_acquire(&l->state) == MO_RWLOCK_WRITER)
            return 0;
        mo_plat_pause();
    }
    for (uint32_t seen; (seen = mo_load_acquire(&l->state)) != MO_RWLOCK_WRITER;)
        if (mo_word_wait(&l->state, seen, until && until->realtime, until ? until->at : NULL) == ETIMEDOUT)
            return ETIMEDOUT;
    return 0;
}

static void leave(struct mo_sync_rwlock *l)
{
    mo_fetch_and_release(&l->state, ~MO_RWLOCK_WRITER);
    mo_sync_word_unlock(&l->gate);
}

int mo_sync_rwlock_write(struct mo_sync_rwlock *l, const struct mo_deadline *until)
{
    int err = lock_gate(l, until);
    if (err)
        return err;
    mo_fetch_or_acq_rel(&l->state, MO_RWLOCK_WRITER);
    err = await_readers(l, until);
    if (err)
        leave(l);
    return err;
}

int mo_sync_rwlock_try_write(struct mo_sync_rwlock *l)
{
    uint32_t free = 0;
    if (!mo_sync_word_try_lock(&l->gate))
        return EBUSY;
    if (mo_cas_acquire(&l->state, &free, MO_RWLOCK_WRITER))
        return 0;
    mo_sync_word_unlock(&l->gate);
    return EBUSY;
}

/* A writer that waits has set the bit too, but then there are readers. */
int mo_sync_rwlock_write_unlock(struct mo_sync_rwlock *l)
{
    if (mo_load_relaxed(&l->state) != MO_RWLOCK_WRITER)
        return EPERM;
    leave(l);
    return 0;
}
