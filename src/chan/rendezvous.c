/* The channel without buffer. Everything under its lock: who comes looks for somebody who stands at the other gate, claims
   it, and copies the message straight to where that one wants it, or from where it has it. Who finds nobody leaves, or
   stands at its own gate (wait.c). One that was claimed stays where it is until it is told, so the copy is safe. */
#include "chan/chan.h"
#include "park/park.h"

/* *met has to be woken once no lock is held. */
bool mo_chan_rendezvous_locked(struct mo_chan *c, enum mo_chan_side side, void *message, struct mo_chan_waiter **met)
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

int mo_chan_rendezvous_try(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    struct mo_chan_waiter *met;
    mo_mutex_lock(&c->lock);
    bool closed = mo_load_relaxed(&c->closed) != 0;
    bool done = !closed && mo_chan_rendezvous_locked(c, side, message, &met);
    mo_mutex_unlock(&c->lock);
    if (done)
        met->wake(met);
    return done ? 0 : closed ? EPIPE : EAGAIN;
}
