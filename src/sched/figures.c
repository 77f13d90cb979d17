/* What an executor has done and holds, as far as can be told while it goes on. */
#include "sched/executor.h"
#include "sched/internal.h"

/* The buffer may be replaced meanwhile. */
static size_t deque_bytes(struct mo_worker *w, const struct mo_deque *d)
{
    mo_epoch_enter(&w->epoch);
    const struct mo_deque_buffer *buf = mo_load_seqcst(&((struct mo_deque *)d)->buffer);
    size_t bytes = sizeof *buf + (buf->mask + 1) * sizeof buf->slot[0];
    mo_epoch_leave(&w->epoch);
    return bytes;
}

static void add_counts(struct mo_executor_stats *st, const struct mo_job_counts *c)
{
    st->executed += mo_load_relaxed(&c->executed);
    st->in_place += mo_load_relaxed(&c->in_place);
    st->dropped += mo_load_relaxed(&c->dropped);
    st->failed += mo_load_relaxed(&c->failed);
}

void mo_executor_add_member(struct mo_executor_stats *st, const struct mo_member *m)
{
    const struct mo_seat *seat = mo_seat_of((struct mo_member *)m);
    struct mo_deque *d = (struct mo_deque *)&m->deque;
    st->created += mo_load_relaxed(&m->created);
    add_counts(st, &seat->ran);
    st->stolen += mo_load_relaxed(&seat->stolen);
    st->from_outside += mo_load_relaxed(&seat->from_outside);
    st->waiting += (uint64_t)mo_deque_peek_size(d);
}

static void add_outside(struct mo_executor_stats *st, struct mo_executor *x, struct mo_worker *w)
{
    for (struct mo_outbox *o = mo_load_acquire(&x->outboxes); o; o = o->next) {
        st->created += mo_load_relaxed(&o->created);
        add_counts(st, &o->ran);
        st->waiting += (uint64_t)mo_deque_peek_size(&o->deque);
        st->memory_bytes += sizeof *o;
        st->deque_bytes += deque_bytes(w, &o->deque);
    }
    st->created -= x->created_before;
}

static void add_workers(struct mo_executor_stats *st, struct mo_executor *x, struct mo_worker *w)
{
    for (unsigned i = 0; i <= x->workers; i++) { /* the empty place takes memory, too */
        if (i)
            mo_executor_add_member(st, mo_team_member(x->team, i));
        st->memory_bytes += sizeof(struct mo_member);
        st->deque_bytes += deque_bytes(w, &mo_team_member(x->team, i)->deque);
    }
    st->memory_bytes += sizeof *x->team;
    if (x->watch.scheduler)
        st->waiting += x->watch.scheduler->load(x->watch.scheduler_self);
    st->waiting += mo_load_relaxed(&x->team->queued) + mo_load_relaxed(&x->team->held_back) +
                   mo_load_relaxed(&x->blocking_waiting);
}

void mo_executor_stats(struct mo_executor *x, struct mo_executor_stats *st)
{
    struct mo_worker *w = mo_self()->worker;
    mo_mutex_lock(&x->blocking_lock);
    *st = x->past;
    mo_mutex_unlock(&x->blocking_lock);
    st->memory_bytes = sizeof *x;
    st->deque_bytes = 0;
    add_outside(st, x, w);
    const struct mo_placement *p = mo_load_acquire(&x->placement);
    if (p) {
        st->waiting += mo_load_relaxed(&p->waiting[MO_BOX_STRICT]) + mo_load_relaxed(&p->waiting[MO_BOX_LOOSE]);
        st->memory_bytes += sizeof *p + p->workers * (sizeof(struct mo_box) + sizeof(struct mo_worker_place)) +
                            p->nodes * (sizeof(struct mo_box) + sizeof *p->node);
    }
    add_counts(st, &x->elsewhere);
    st->busy_ns = mo_load_relaxed(&x->watch.busy_ns);
    st->longest_ns = mo_load_relaxed(&x->watch.longest_ns);
    st->waited_ns = mo_load_relaxed(&x->watch.waited_ns);
    st->blocking = mo_load_relaxed(&x->blocking_done);
    st->blocking_threads = mo_load_relaxed(&x->blocking_threads);
    if (mo_load_acquire(&x->state) < MO_EXECUTOR_CLOSED)
        add_workers(st, x, w);
    st->memory_bytes += st->deque_bytes;
}
