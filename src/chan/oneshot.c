/* The state goes
       EMPTY <-> waiter    by the receiver
       EMPTY  -> SENT      by the sender
       waiter -> SENT      by the sender, which then wakes
       SENT   -> TAKEN     by the receiver
       EMPTY, waiter -> CLOSED
   all by CAS. The step to SENT is the sender's last access: the receiver may free the bytes at once. The waiter lies on
   the receiver's stack, where it stays until it has been told (wait.c): a receiver that cannot take its address back
   waits. */
#include "chan/gate.h"
#include "chan/oneshot.h"
#include "park/clock.h"

enum mo_oneshot_state { EMPTY, SENT, TAKEN, CLOSED, WAITER_MIN };

static struct mo_chan_waiter *waiter_in(uint64_t state)
{
    return state >= WAITER_MIN ? (struct mo_chan_waiter *)(uintptr_t)state : NULL;
}

static int end(struct mo_oneshot *o, uint64_t seen, uint64_t state)
{
    do {
        if (seen == SENT || seen == TAKEN)
            return EALREADY;
        if (seen == CLOSED)
            return state == CLOSED ? EALREADY : EPIPE;
    } while (!mo_cas_acq_rel(&o->state, &seen, state));
    struct mo_chan_waiter *w = waiter_in(seen);
    if (w) {
        mo_chan_claim(w, 0);
        w->wake(w);
    }
    return 0;
}

int mo_oneshot_send(struct mo_oneshot *o, const void *message, size_t bytes)
{
    uint64_t seen = mo_load_acquire(&o->state);
    if (bytes > MO_ONESHOT_BYTES)
        return EINVAL;
    if (seen == SENT || seen == TAKEN)
        return EALREADY;
    if (seen == CLOSED)
        return EPIPE;
    o->bytes = bytes;
    if (bytes)
        memcpy(o->message, message, bytes);
    return end(o, seen, SENT);
}

int mo_oneshot_close(struct mo_oneshot *o)
{
    return end(o, mo_load_acquire(&o->state), CLOSED);
}

int mo_oneshot_try_recv(struct mo_oneshot *o, void *message)
{
    uint64_t seen = mo_load_acquire(&o->state);
    if (seen == TAKEN || seen == CLOSED)
        return EPIPE;
    if (seen != SENT)
        return EAGAIN;
    char copy[MO_ONESHOT_BYTES];
    size_t bytes = o->bytes;
    memcpy(copy, o->message, sizeof copy);
    if (!mo_cas_acq_rel(&o->state, &seen, (uint64_t)TAKEN))
        return EPIPE;
    if (bytes)
        memcpy(message, copy, bytes);
    return 0;
}

int mo_oneshot_stand(struct mo_oneshot *o, struct mo_chan_waiter *w)
{
    uint64_t seen = EMPTY;
    if (mo_cas_acq_rel(&o->state, &seen, (uint64_t)(uintptr_t)w))
        return 0;
    return waiter_in(seen) ? EBUSY : EAGAIN;
}

/* Who took the address before it could be taken back is going to say so. */
void mo_oneshot_step_back(struct mo_oneshot *o, struct mo_chan_waiter *w)
{
    uint64_t seen = (uint64_t)(uintptr_t)w;
    if (!mo_cas_acq_rel(&o->state, &seen, (uint64_t)EMPTY))
        mo_chan_await_word(w);
}

int mo_oneshot_recv(struct mo_oneshot *o, void *message, uint64_t deadline_ns)
{
    struct mo_chan_sleeper self;
    for (;;) {
        int err = mo_oneshot_try_recv(o, message);
        if (err != EAGAIN)
            return err;
        if (deadline_ns != MO_CHAN_FOREVER && mo_clock_now() >= deadline_ns)
            return ETIMEDOUT;
        mo_chan_sleeper_init(&self);
        err = mo_oneshot_stand(o, &self.waiter);
        if (err == EBUSY)
            return EBUSY;
        if (err == 0 && !mo_chan_sleep(&self, mo_clock_sleep_until(deadline_ns)))
            mo_oneshot_step_back(o, &self.waiter);
    }
}
