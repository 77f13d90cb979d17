/* Groups of jobs; run.h counts what is in them. */
#include "sched/short.h"
#include "sched/strand.h"

#define GROUP_CLASS 4
_Static_assert(sizeof(struct mo_group) <= MO_SLAB_BYTES(GROUP_CLASS), "fits its class");

/* A fiber may go on upon any thread, so its groups are counted as if all were others'; this stands for the one that
   they belong to. */
static struct mo_worker nobody;

struct mo_group *mo_group_new(struct mo_worker *w, struct mo_executor *x)
{
    struct mo_group *g = mo_slab_alloc_owner(&w->slab, GROUP_CLASS);
    if (!g)
        return NULL;
    g->head.fn = NULL;
    mo_store_relaxed(&g->head.parent, w->job ? mo_load_relaxed(&w->job->group) : NULL);
    g->head.counts = 0;
    g->head.origin = (uint64_t)w->index << 32 | (uint64_t)GROUP_CLASS << 48;
    g->executor = x;
    struct mo_native_strand *n = mo_strand_native();
    g->owner = n ? &nobody : w;
    g->strand = n ? n->job : NULL;
    g->local = 0;
    g->isolated = g->tenacious = false;
    mo_store_relaxed(&g->cancelled, false);
    mo_store_relaxed(&g->waits, false);
    mo_store_relaxed(&g->error, NULL);
    mo_store_relaxed(&g->remote, 0);
    return g;
}

/* What the own deque has, down to its end or the group's, or to a fiber that has yielded: others come before that. */
static void run_newest(const struct mo_group *g, struct mo_worker *w, struct mo_seat *seat)
{
    struct mo_job *job;
    w->job_depth++;
    while (!mo_group_is_over(g) && !seat->yielded &&
           (job = mo_deque_pop_owner(&seat->member->deque, INT64_MIN, true)) != NULL)
        mo_short_deal(w, seat, job);
    w->job_depth--;
}

bool mo_group_wait(struct mo_group *g, uint64_t deadline_ns)
{
    struct mo_worker *w = g->owner;
    struct mo_seat *seat = w->seat;
    bool own = !g->strand && seat && seat->executor == g->executor;
    if (own && !g->isolated && mo_job_may_nest(w))
        run_newest(g, w, seat);
    if (!mo_group_is_over(g) && !mo_group_await(g, deadline_ns))
        return false;
    g->local = 0;
    mo_store_relaxed(&g->remote, 0); /* nobody is left who could touch it */
    return true;
}

void mo_group_cancel(struct mo_group *g)
{
    mo_exchange_seqcst(&g->cancelled, true); /* a request; who begins a job meanwhile was first */
    if (mo_load_seqcst(&g->waits))           /* P3 in parked.c */
        mo_parked_wake_cancelled();
}

void mo_group_free(struct mo_group *g)
{
    struct mo_worker *w = mo_worker_now();
    mo_error_free(w, mo_load_acquire(&g->error));
    mo_worker_free(w, (uint16_t)(g->head.origin >> 32), g, GROUP_CLASS);
}
