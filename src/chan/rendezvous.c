/* The channel without buffer. Everything under its lock: who comes looks for somebody who stands at the other gate, claims
   it, and copies the message straight to where that one wants it, or from where it has it. Who finds nobody leaves, or
   stands at its own gate (wait.c). One that was claimed stays where it is until it is told, so the copy is safe. */
#include "chan/chan.h"
#include "park/park.h"
#include "park/strand.h"
#include "watch/trace.h"

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

/* Stands there, asleep from the beginning, and leaves its thread until it has been met. EAGAIN: told to look again, as the
   channel has been closed. */
static int meet_as_strand(struct mo_chan *c, enum mo_chan_side side, void *message, struct mo_strand *s)
{
    struct mo_chan_sleeper sleeper;
    mo_chan_sleeper_of_strand(&sleeper, s);
    struct mo_chan_entry entry = {.waiter = &sleeper.waiter, .message = message};
    int err = mo_chan_stand(c, side, &entry, false);
    if (err != EAGAIN)
        return err;
    while (mo_load_acquire(&sleeper.waiter.state) == MO_CHAN_ASLEEP)
        s->ops->suspend(s);
    mo_chan_await_word(&sleeper.waiter);
    return sleeper.waiter.handed ? 0 : EAGAIN;
}

int mo_chan_meet(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    struct mo_strand *s = mo_strand_here();
    int err;
    if (!s || mo_is_tracing()) {
        err = mo_chan_rendezvous_try(c, side, message);
        return err == EAGAIN ? mo_chan_wait(c, side, message, MO_CHAN_FOREVER) : err;
    }
    do
        err = meet_as_strand(c, side, message, s);
    while (err == EAGAIN);
    return err;
}
