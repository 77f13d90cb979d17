/* Cancellation. A region has its flag in the team, a taskgroup in the group. A work-sharing construct has no descriptor
   in every case (static loops), so its flag is the team's: the number of the barrier that ends the construct. A team of
   one needs no flag, as who cancels leaves the construct at once, and has none, as its barriers are not numbered. Only
   an implicit task cancels the region: compilers refuse `cancel parallel` in an explicit one, which might run in a
   barrier that its thread has arrived at (sched/barrier.c). */
#include "omp/core.h"

static uint64_t present_barrier(const struct mo_member *m)
{
    return (uint64_t)mo_load_acquire(&m->team->gen) + 1;
}

static int flag_of(enum mo_cancel_kind kind)
{
    return kind == MO_CANCEL_PARALLEL ? MO_OBS_CANCEL_PARALLEL
           : kind == MO_CANCEL_SHARE  ? MO_OBS_CANCEL_LOOP
                                      : MO_OBS_CANCEL_TASKGROUP;
}

/* To a tool: the thread has cancelled something, or has come upon a cancellation. */
static bool tell(struct mo_member *m, enum mo_cancel_kind kind, int how)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_cancel(&m->worker->obs, flag_of(kind) | how);
    return true;
}

bool mo_omp_cancel(struct mo_member *m, enum mo_cancel_kind kind)
{
    if (!mo_knob(MO_KNOB_OMP_CANCELLATION))
        return false;
    if (kind == MO_CANCEL_SHARE && m->shared)
        mo_store_relaxed(&mo_omp_team(m->team)->share_cancelled, present_barrier(m)); /* seen at some later point */
    else if (kind == MO_CANCEL_PARALLEL && m->cancellable && m->current == &m->implicit)
        mo_team_cancel(m->team);
    else if (kind == MO_CANCEL_TASKGROUP && mo_taskgroup_explicit(m))
        mo_store_relaxed(&mo_taskgroup_explicit(m)->cancelled, true);
    return tell(m, kind, MO_OBS_CANCEL_ACTIVATED);
}

static bool is_cancelled(struct mo_member *m, enum mo_cancel_kind kind)
{
    if (!mo_knob(MO_KNOB_OMP_CANCELLATION))
        return false;
    if (m->cancellable && mo_load_acquire(&m->team->cancelled))
        return true;
    if (kind == MO_CANCEL_SHARE)
        return m->shared && mo_load_relaxed(&mo_omp_team(m->team)->share_cancelled) == present_barrier(m);
    return kind == MO_CANCEL_TASKGROUP && mo_taskgroup_explicit(m) &&
           mo_load_relaxed(&mo_taskgroup_explicit(m)->cancelled);
}

bool mo_omp_cancelled(struct mo_member *m, enum mo_cancel_kind kind)
{
    return is_cancelled(m, kind) && tell(m, kind, MO_OBS_CANCEL_DETECTED);
}
