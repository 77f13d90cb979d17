/* cancel, cancellation point, and the barriers of constructs that can be cancelled. */
#include "interpose/gomp/gomp.h"

enum { CANCEL_PARALLEL = 1, CANCEL_LOOP = 2, CANCEL_SECTIONS = 4, CANCEL_TASKGROUP = 8 };

static enum mo_cancel_kind kind_of(int which)
{
    if (which & (CANCEL_LOOP | CANCEL_SECTIONS))
        return MO_CANCEL_SHARE;
    return which & CANCEL_TASKGROUP ? MO_CANCEL_TASKGROUP : MO_CANCEL_PARALLEL;
}

MO_EXPORT bool GOMP_cancellation_point(int which)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_omp_cancelled(m, kind_of(which));
}

MO_EXPORT bool GOMP_cancel(int which, bool do_cancel)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return do_cancel ? mo_omp_cancel(m, kind_of(which)) : mo_omp_cancelled(m, kind_of(which));
}

/* True: the region is cancelled. */
MO_EXPORT bool GOMP_barrier_cancel(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_EXPLICIT);
    return !mo_team_barrier(m);
}

MO_EXPORT bool GOMP_loop_end_cancel(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    return !mo_team_barrier(m);
}

MO_EXPORT bool GOMP_sections_end_cancel(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    return !mo_team_barrier(m);
}
