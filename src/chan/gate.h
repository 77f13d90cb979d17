/* The queues at a channel's two sides: what a meeting at a channel without buffer takes, inline. The protocol is in
   wait.c. */
#ifndef MO_CHAN_GATE_H
#define MO_CHAN_GATE_H

#include "chan/chan.h"

static inline void mo_chan_unlink_locked(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e)
{
    struct mo_chan_gate *g = &c->gate[side];
    *(e->prev ? &e->prev->next : &g->first) = e->next;
    *(e->next ? &e->next->prev : &g->last) = e->prev;
    e->queued = false;
    mo_store_relaxed(&c->waiting[side], mo_load_relaxed(&c->waiting[side]) - 1);
}

/* W1. The waiter is claimed, or somebody was quicker. Who succeeds has to call its `wake`. */
static inline bool mo_chan_claim(struct mo_chan_waiter *w, uint32_t index)
{
    uint32_t seen = mo_load_relaxed(&w->state);
    if (w->bound) { /* W8 */
        mo_store_relaxed(&w->state, (uint32_t)MO_CHAN_CLAIMED);
        w->slept = true;
        w->index = index;
        w->handed = false;
        return true;
    }
    while (seen <= MO_CHAN_ASLEEP)
        if (mo_cas_acq_rel(&w->state, &seen, MO_CHAN_CLAIMED)) {
            w->slept = seen == MO_CHAN_ASLEEP;
            w->index = index;
            w->handed = false;
            return true;
        }
    return false;
}

/* Under the lock. The oldest that stands there, can be handed a message and is claimed now; or NULL. */
static inline struct mo_chan_entry *mo_chan_pop_to_hand_locked(struct mo_chan *c, enum mo_chan_side side)
{
    struct mo_chan_entry *e;
    while ((e = c->gate[side].first) != NULL && !e->by_notice) {
        mo_chan_unlink_locked(c, side, e);
        if (mo_chan_claim(e->waiter, e->index))
            return e;
    }
    return NULL;
}

/* The message is passed to, or from, who stands there: *met, which has to be woken once no lock is held. */
static inline bool mo_chan_rendezvous_locked(struct mo_chan *c, enum mo_chan_side side, void *message,
                                             struct mo_chan_waiter **met)
{
    enum mo_chan_side facing = side == MO_CHAN_SEND ? MO_CHAN_RECV : MO_CHAN_SEND;
    struct mo_chan_entry *other = mo_chan_pop_to_hand_locked(c, facing);
    if (!other)
        return false;
    if (side == MO_CHAN_SEND)
        mo_chan_copy(other->message, message, c->bytes);
    else
        mo_chan_copy(message, other->message, c->bytes);
    other->waiter->handed = true;
    *met = other->waiter;
    return true;
}

#endif
