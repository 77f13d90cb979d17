/* Deadlines of strands that wait. They stand in one list in the order of time, under one lock. Whoever is about to sleep as a
   worker sleeps no longer than until the earliest: the worker that a strand has just left looks here after it. `due`
   repeats that one's time, so that the others look without the lock. */
#include "sched/strand.h"

#include "park/park.h"

struct strand_time {
    _Atomic uint32_t lock;
    _Atomic uint64_t due; /* 0: none waits */
    struct mo_native_strand *first, *last;
};

extern struct strand_time MO_SHARED(strand_time) MO_SHARED_ATTR;
struct strand_time MO_SHARED(strand_time);

static void tell_locked(struct strand_time *t)
{
    mo_store_relaxed(&t->due, t->first ? t->first->until_ns : 0); /* a hint: who stood in looks after its own store */
}

static void stand_in_locked(struct strand_time *t, struct mo_native_strand *n, uint64_t until_ns)
{
    struct mo_native_strand *before = t->last;
    while (before && before->until_ns > until_ns)
        before = before->earlier;
    n->until_ns = until_ns;
    n->earlier = before;
    n->later = before ? before->later : t->first;
    *(before ? &before->later : &t->first) = n;
    *(n->later ? &n->later->earlier : &t->last) = n;
    n->timed = true;
    tell_locked(t);
}

static void leave_locked(struct strand_time *t, struct mo_native_strand *n)
{
    *(n->earlier ? &n->earlier->later : &t->first) = n->later;
    *(n->later ? &n->later->earlier : &t->last) = n->earlier;
    n->timed = false;
    tell_locked(t);
}

void mo_strand_suspend_until(struct mo_strand *s, uint64_t until_ns)
{
    struct strand_time *t = &MO_SHARED(strand_time);
    struct mo_native_strand *n = (struct mo_native_strand *)((char *)s - offsetof(struct mo_native_strand, strand));
    mo_mutex_lock(&t->lock);
    stand_in_locked(t, n, until_ns ? until_ns : 1);
    mo_mutex_unlock(&t->lock);
    s->ops->suspend(s);
    mo_mutex_lock(&t->lock);
    if (n->timed)
        leave_locked(t, n);
    mo_mutex_unlock(&t->lock);
}

uint64_t mo_strands_due(void)
{
    return mo_load_relaxed(&MO_SHARED(strand_time).due);
}

/* One that is claimed under the lock stays until it is launched. */
static struct mo_strand *take_due(struct strand_time *t, uint64_t now)
{
    struct mo_strand *all = NULL;
    mo_mutex_lock(&t->lock);
    for (struct mo_native_strand *n; (n = t->first) != NULL && n->until_ns <= now;) {
        leave_locked(t, n);
        if (!n->strand.ops->claim(&n->strand))
            continue;
        n->strand.launched = all;
        all = &n->strand;
    }
    mo_mutex_unlock(&t->lock);
    return all;
}

void mo_strands_wake_due_slow(uint64_t due)
{
    uint64_t now = mo_plat_now_ns();
    if (due > now)
        return;
    for (struct mo_strand *s = take_due(&MO_SHARED(strand_time), now), *next; s; s = next) {
        next = s->launched;
        s->ops->launch(s);
    }
}

void mo_strands_forget(void)
{
    struct strand_time *t = &MO_SHARED(strand_time);
    mo_store_relaxed(&t->lock, 0u);
    mo_store_relaxed(&t->due, 0u);
    t->first = t->last = NULL;
}
