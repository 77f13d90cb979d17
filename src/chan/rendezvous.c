/* The channel without buffer. Everything under its lock: who comes looks for somebody who stands at the other gate,
   claims it, and copies the message straight to where that one wants it, or from where it has it. Who finds nobody
   leaves, or stands at its own gate (wait.c). One that was claimed stays where it is until it is told, so the copy is
   safe. */
#include "chan/gate.h"
#include "park/park.h"
#include "park/strand.h"
#include "watch/trace.h"

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

/* It found nobody: it stands there, asleep from the beginning (W8), lets the lock go and leaves its thread until it has
   been met. EAGAIN: told to look again, as the channel has been closed. */
static int stand_as_strand(struct mo_chan *c, enum mo_chan_side side, void *message, struct mo_strand *s)
{
    struct mo_chan_sleeper sleeper;
    mo_chan_sleeper_of_strand(&sleeper, s);
    struct mo_chan_entry entry = {.waiter = &sleeper.waiter, .message = message};
    mo_chan_push_locked(c, side, &entry, false);
    mo_mutex_unlock(&c->lock);
    if (side == MO_CHAN_SEND)
        mo_chan_call(c);
    while (mo_load_acquire(&sleeper.waiter.state) == MO_CHAN_ASLEEP)
        s->ops->suspend(s);
    mo_chan_await_word(&sleeper.waiter);
    return sleeper.waiter.handed ? 0 : EAGAIN;
}

static int meet(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    struct mo_chan_waiter *met;
    struct mo_strand *s;
    mo_mutex_lock(&c->lock);
    if (mo_unlikely(mo_load_relaxed(&c->closed) != 0)) {
        mo_mutex_unlock(&c->lock);
        return EPIPE;
    }
    if (mo_chan_rendezvous_locked(c, side, message, &met)) {
        mo_mutex_unlock(&c->lock);
        met->wake(met);
        return 0;
    }
    if (!mo_is_tracing() && (s = mo_strand_here()) != NULL)
        return stand_as_strand(c, side, message, s);
    mo_mutex_unlock(&c->lock);
    return mo_chan_wait(c, side, message, MO_CHAN_FOREVER);
}

int mo_chan_meet(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    int err;
    do
        err = meet(c, side, message);
    while (err == EAGAIN);
    return err;
}
