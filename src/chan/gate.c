/* The queues at a channel's two sides, and how who stands there is found, claimed and told. The protocol is in
   wait.c. */
#include "chan/gate.h"
#include "park/park.h"

#define FENCED_IN_VAIN 128 /* about what one barrier of all threads costs */

static struct mo_chan_entry *first_by_notice(const struct mo_chan_gate *g)
{
    struct mo_chan_entry *e = g->last && g->last->by_notice ? g->first : NULL;
    while (e && !e->by_notice)
        e = e->next;
    return e;
}

/* Those that are only noticed stand behind the others. */
static struct mo_chan_entry *next_of(const struct mo_chan_gate *g, const struct mo_chan_entry *e, bool in_front)
{
    if (e->by_notice == in_front)
        return first_by_notice(g);
    return in_front ? g->first : NULL;
}

void mo_chan_push_locked(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e, bool in_front)
{
    struct mo_chan_gate *g = &c->gate[side];
    e->next = next_of(g, e, in_front);
    e->prev = e->next ? e->next->prev : g->last;
    *(e->prev ? &e->prev->next : &g->first) = e;
    *(e->next ? &e->next->prev : &g->last) = e;
    e->queued = true;
    uint32_t waiting = mo_load_relaxed(&c->waiting[side]) + 1;
    e->settled = waiting & MO_CHAN_SETTLED;
    if (c->light && c->kind != MO_CHAN_RENDEZVOUS) {
        waiting |= MO_CHAN_FENCED;
        mo_store_relaxed(&c->fenced[side], (uint16_t)FENCED_IN_VAIN);
    }
    mo_store_relaxed(&c->waiting[side], waiting); /* W2: the barrier follows */
}

/* The first from `at(gate)` on that can be claimed. */
static struct mo_chan_entry *pop_locked(struct mo_chan *c, enum mo_chan_side side,
                                        struct mo_chan_entry *(*at)(const struct mo_chan_gate *))
{
    struct mo_chan_entry *e;
    while ((e = at(&c->gate[side])) != NULL) {
        mo_chan_unlink_locked(c, side, e);
        if (mo_chan_claim(e->waiter, e->index))
            return e;
    }
    return NULL;
}

static struct mo_chan_entry *first(const struct mo_chan_gate *g)
{
    return g->first;
}

/* Whom `at` finds is told to try again. False: there was nobody. */
static bool notify_one(struct mo_chan *c, enum mo_chan_side side,
                       struct mo_chan_entry *(*at)(const struct mo_chan_gate *))
{
    mo_mutex_lock(&c->lock);
    struct mo_chan_entry *e = pop_locked(c, side, at);
    struct mo_chan_waiter *w = e ? e->waiter : NULL;
    mo_mutex_unlock(&c->lock);
    if (w)
        w->wake(w);
    return w != NULL;
}

void mo_chan_call(struct mo_chan *c)
{
    if (mo_chan_standing(c, MO_CHAN_RECV)) /* decided under the lock that the caller stood in under */
        notify_one(c, MO_CHAN_RECV, first_by_notice);
}

/* Nobody stood there, once more: only a hint counts that, and the lock decides. */
static void unfence(struct mo_chan *c, enum mo_chan_side side)
{
    uint16_t left = mo_load_relaxed(&c->fenced[side]);
    if (left) {
        mo_store_relaxed(&c->fenced[side], (uint16_t)(left - 1));
        return;
    }
    mo_mutex_lock(&c->lock);
    if (!mo_chan_standing(c, side))
        mo_store_relaxed(&c->waiting[side], mo_load_relaxed(&c->waiting[side]) & (MO_CHAN_SHUT | MO_CHAN_HEAVY));
    mo_mutex_unlock(&c->lock);
}

void mo_chan_settle(struct mo_chan *c, enum mo_chan_side side, const struct mo_chan_entry *e)
{
    mo_mutex_lock(&c->lock);
    if (e->queued && mo_load_relaxed(&c->waiting[side]) & MO_CHAN_FENCED)
        mo_store_relaxed(&c->waiting[side], mo_load_relaxed(&c->waiting[side]) | MO_CHAN_SETTLED);
    mo_mutex_unlock(&c->lock);
}

bool mo_chan_pass_barrier(struct mo_chan *c, enum mo_chan_side side, const struct mo_chan_entry *e)
{
    if (e->settled) {
        mo_plat_flush();
        return true;
    }
    if (!mo_chan_barrier(c))
        return false;
    if (c->light)
        mo_chan_settle(c, side, e);
    return true;
}

/* One after the other, as a waiter that is woken may be gone. */
void mo_chan_notify_slow(struct mo_chan *c, enum mo_chan_side side, size_t n)
{
    if (mo_load_relaxed(&c->waiting[side]) & MO_CHAN_FENCED) {
        mo_plat_flush(); /* W7: between what changed the channel and the look */
        if (!mo_chan_standing(c, side)) {
            unfence(c, side);
            return;
        }
    }
    while (n > 0 && mo_chan_standing(c, side) && notify_one(c, side, first))
        n--;
}

void mo_chan_notify_all(struct mo_chan *c, enum mo_chan_side side)
{
    mo_chan_order(c);
    if (mo_load_relaxed(&c->waiting[side]) != 0)
        mo_chan_notify_slow(c, side, SIZE_MAX);
}

bool mo_chan_withdraw(struct mo_chan_waiter *w)
{
    if (mo_chan_claim(w, 0)) {
        mo_store_relaxed(&w->state, (uint32_t)MO_CHAN_OVER); /* nobody else looks any more */
        return true;
    }
    mo_chan_await_word(w);
    return false;
}

/* ---- Waiters of other kinds. */
int mo_chan_stand(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e, bool in_front)
{
    bool unbuffered = c->kind == MO_CHAN_RENDEZVOUS;
    struct mo_chan_waiter *met = NULL;
    int err = EAGAIN;
    mo_mutex_lock(&c->lock);
    if (unbuffered && mo_load_relaxed(&c->closed))
        err = EPIPE;
    else if (unbuffered && mo_chan_rendezvous_locked(c, side, e->message, &met))
        err = 0;
    else
        mo_chan_push_locked(c, side, e, in_front);
    mo_mutex_unlock(&c->lock);
    if (met)
        met->wake(met);
    else if (unbuffered && side == MO_CHAN_SEND && err == EAGAIN)
        mo_chan_call(c);
    return err;
}

bool mo_chan_step_back(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e)
{
    if (!mo_chan_withdraw(e->waiter))
        return false;
    mo_mutex_lock(&c->lock);
    if (e->queued)
        mo_chan_unlink_locked(c, side, e);
    mo_mutex_unlock(&c->lock);
    return true;
}
