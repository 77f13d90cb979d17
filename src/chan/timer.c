/* Channels that the time sends on. No thread and no timer stands behind them: a message is there as soon as the clock
   has passed `due`, and who waits sleeps until then. One CAS of `due` takes the message; of `tick` it also sets the
   next. */
#include "chan/chan.h"
#include "park/clock.h"

#include "moirai/channel.h"

int mo_chan_timer_new(struct mo_chan **out, uint64_t due_ns, uint64_t period_ns)
{
    int err = mo_chan_new(out, MO_CHAN_TIMER, sizeof(moirai_tick_t), 0);
    if (err)
        return err;
    (*out)->timer.period = period_ns;
    mo_store_relaxed(&(*out)->timer.due, due_ns);
    return 0;
}

/* A tick that was missed is not made up for: the next one comes at the first multiple of the period that lies ahead. */
int mo_chan_timer_try(struct mo_chan *c, void *message)
{
    struct mo_chan_timer *t = &c->timer;
    uint64_t due = mo_load_relaxed(&t->due), now, missed, next;
    do {
        if (mo_load_acquire(&c->closed) || due == MO_CHAN_FOREVER)
            return EPIPE;
        now = mo_clock_now();
        if (now < due)
            return EAGAIN;
        missed = t->period ? (now - due) / t->period : 0;
        next = t->period ? due + (missed + 1) * t->period : MO_CHAN_FOREVER;
    } while (!mo_cas_relaxed(&t->due, &due, next));
    moirai_tick_t tick = {.due_ns = due, .missed = missed};
    memcpy(message, &tick, sizeof tick);
    if (next == MO_CHAN_FOREVER) /* others that wait learn that there is nothing more */
        mo_chan_notify(c, MO_CHAN_RECV, SIZE_MAX);
    return 0;
}

bool mo_chan_timer_ready(struct mo_chan *c)
{
    uint64_t due = mo_load_acquire(&c->timer.due);
    return mo_load_acquire(&c->closed) || due == MO_CHAN_FOREVER || mo_clock_now() >= due;
}
