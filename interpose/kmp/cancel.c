/* cancel, cancellation point. */
#include "interpose/kmp/kmp.h"

enum { CANCEL_PARALLEL = 1, CANCEL_LOOP, CANCEL_SECTIONS, CANCEL_TASKGROUP };

static enum mo_cancel_kind kind_of(int32_t kind)
{
    if (kind == CANCEL_LOOP || kind == CANCEL_SECTIONS)
        return MO_CANCEL_SHARE;
    return kind == CANCEL_TASKGROUP ? MO_CANCEL_TASKGROUP : MO_CANCEL_PARALLEL;
}

/* 1: the caller leaves the construct. */
MO_EXPORT int32_t __kmpc_cancel(ident_t *loc, int32_t gtid, int32_t kind)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_omp_cancel(m, kind_of(kind));
}

MO_EXPORT int32_t __kmpc_cancellationpoint(ident_t *loc, int32_t gtid, int32_t kind)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_omp_cancelled(m, kind_of(kind));
}
