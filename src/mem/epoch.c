/* Epoch reclamation.

   A writer unlinks an extent (seq_cst store), then retires it with the stamp fetch_add(epoch) + 1. A reader announces
   itself by storing the epoch it saw in `inside` (seq_cst exchange), and only then reads links (seq_cst loads). An
   extent is freed when every reader is outside or announced an epoch >= its stamp.
   E1  A reader whose announced epoch is >= the stamp read the epoch after the writer raised it, hence after the unlink:
       it cannot find the extent.
   E2  A reader that the scan sees outside, and that enters afterwards, stores `inside` after the scan's load in the
       order of seq_cst operations, and loads the link after that; the unlink precedes the scan: it cannot find it.
   E3  Everyone else has announced an epoch below the stamp and keeps the extent alive.
   A reader that stays inside delays the freeing, nobody else. When records cannot be stored the extent is leaked. */
#include "mem/mem.h"
#include "base/shared.h"
#include "plat/plat.h"

#define RECORDS 64

struct retired {
    void *extent;
    size_t bytes;
    uint64_t stamp;
};

struct epoch_state {
    _Atomic uint64_t epoch;
    _Atomic(struct mo_epoch_reader *) readers; /* pushed only */
    _Atomic uint32_t lock;
    unsigned count;
    struct retired waiting[RECORDS];
};

extern struct epoch_state MO_SHARED(epoch) MO_SHARED_ATTR;
struct epoch_state MO_SHARED(epoch) = {.epoch = 1};

/* The lock guards a short scan and is taken when a buffer grows; contention on it is no path worth sleeping on. */
static bool try_lock(void)
{
    return mo_exchange_acquire(&MO_SHARED(epoch).lock, 1u) == 0;
}

static void unlock(void)
{
    mo_store_release(&MO_SHARED(epoch).lock, 0u);
}

void mo_epoch_register(struct mo_epoch_reader *r)
{
    struct mo_epoch_reader *head = mo_load_relaxed(&MO_SHARED(epoch).readers);
    do
        r->next = head;
    while (!mo_cas_release(&MO_SHARED(epoch).readers, &head, r)); /* pairs with oldest_inside() */
}

void mo_epoch_enter(struct mo_epoch_reader *r)
{
    uint64_t now = mo_load_acquire(&MO_SHARED(epoch).epoch);
    mo_exchange_seqcst(&r->inside, now); /* E2 */
}

void mo_epoch_leave(struct mo_epoch_reader *r)
{
    mo_store_release(&r->inside, 0u); /* what was read inside stays before the freeing */
}

static uint64_t oldest_inside(void)
{
    uint64_t oldest = UINT64_MAX;
    for (struct mo_epoch_reader *r = mo_load_acquire(&MO_SHARED(epoch).readers); r; r = r->next) {
        uint64_t inside = mo_load_seqcst(&r->inside); /* E2 */
        if (inside && inside < oldest)
            oldest = inside;
    }
    return oldest;
}

static void collect_locked(struct epoch_state *e)
{
    uint64_t oldest = oldest_inside();
    unsigned kept = 0;
    for (unsigned i = 0; i < e->count; i++) {
        if (e->waiting[i].stamp <= oldest)
            mo_extent_free(e->waiting[i].extent, e->waiting[i].bytes);
        else
            e->waiting[kept++] = e->waiting[i];
    }
    e->count = kept;
}

void mo_epoch_retire(void *extent, size_t bytes)
{
    struct epoch_state *e = &MO_SHARED(epoch);
    uint64_t stamp = mo_fetch_add_seqcst(&e->epoch, 1) + 1; /* E1 */
    while (!try_lock())
        mo_plat_yield();
    collect_locked(e); /* retiring is rare, and nobody else has a reason to come by */
    if (e->count < RECORDS)
        e->waiting[e->count++] = (struct retired){extent, bytes, stamp};
    unlock();
}

unsigned mo_epoch_collect(void)
{
    struct epoch_state *e = &MO_SHARED(epoch);
    if (!try_lock())
        return 1;
    collect_locked(e);
    unsigned left = e->count;
    unlock();
    return left;
}

void mo_epoch_reset_after_fork(void)
{
    struct epoch_state *e = &MO_SHARED(epoch);
    for (struct mo_epoch_reader *r = mo_load_relaxed(&e->readers); r; r = r->next)
        mo_store_relaxed(&r->inside, 0u);
    /* A thread that is gone may have held the lock half way through a change; what waits is leaked then. */
    if (mo_load_relaxed(&e->lock))
        e->count = 0;
    unlock();
}
