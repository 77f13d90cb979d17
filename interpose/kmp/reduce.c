/* Reductions. Compiled code asks how its parts are to get into the originals, and is told
     1  add them, and call the end of it: the lock is held, if there is anybody to lock out;
     2  add each of them atomically; offered in the flags of the place, where the operators allow it;
     0  nothing: another thread has them.
   With atomics nobody waits for another, which serves small teams best, and larger ones as long as the variables are
   few: later many threads that fight for many lines cost more than it does to hand the parts on. A lock is next best
   for a few threads. More of them combine their parts while they wait for it (combine.c), which needs a descriptor. */
#include "interpose/kmp/kmp.h"

#define ATOMIC_OFFERED 0x10
#define TEAM_SMALL     4
#define VARIABLES_FEW  2

enum { NOTHING, UNDER_LOCK, ATOMICALLY };

typedef void (*combine_fn)(void *, void *);

static bool atomics_serve(const ident_t *loc, const struct mo_member *m, int32_t variables)
{
    return loc && loc->flags & ATOMIC_OFFERED && (m->size <= TEAM_SMALL || variables <= VARIABLES_FEW);
}

/* Threads that leave a cancelled loop may leave out its reduction, and the descriptors must not fall out of step. Of a
   lock a tool knows what it orders. */
static bool lock_serves(const struct mo_member *m, combine_fn combine)
{
    return m->size <= TEAM_SMALL || m->cancellable || mo_traced(m) || !combine;
}

static int32_t begin(const ident_t *loc, struct mo_member *m, int32_t variables, void *parts, combine_fn combine,
                     kmp_critical_name *name)
{
    if (!m->shared)
        return UNDER_LOCK;
    if (atomics_serve(loc, m, variables))
        return ATOMICALLY;
    if (lock_serves(m, combine))
        mo_omp_acquire(m, kmp_critical_lock(name));
    else if (!mo_combine(m, parts, combine, kmp_critical_lock(name)))
        return NOTHING;
    mo_omp_member(m)->reducing = true;
    return UNDER_LOCK;
}

static void end(struct mo_member *m, kmp_critical_name *name)
{
    struct mo_omp_member *om = mo_omp_member(m);
    if (!om->reducing)
        return;
    om->reducing = false;
    mo_omp_release(m, kmp_critical_lock(name));
}

/* To a tool the reduction is what happens under the lock, between the two calls. */
static inline int32_t observed_begin(const ident_t *loc, struct mo_member *m, int32_t variables, void *parts,
                                     combine_fn combine, kmp_critical_name *name)
{
    int32_t how = begin(loc, m, variables, parts, combine, name);
    if (mo_unlikely(mo_traced(m)) && how == UNDER_LOCK)
        mo_obs_reduction(&m->worker->obs, true);
    return how;
}

static inline void observed_end(struct mo_member *m, kmp_critical_name *name)
{
    if (mo_unlikely(mo_traced(m)) && (mo_omp_member(m)->reducing || !m->shared))
        mo_obs_reduction(&m->worker->obs, false);
    end(m, name);
}

MO_EXPORT int32_t __kmpc_reduce_nowait(ident_t *loc, int32_t gtid, int32_t variables, size_t bytes, void *parts,
                                       combine_fn combine, kmp_critical_name *name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    return observed_begin(loc, m, variables, parts, combine, name);
}

MO_EXPORT void __kmpc_end_reduce_nowait(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    observed_end(m, name);
}

/* With a barrier at the end, for which a thread that has nothing to do makes no further call. */
MO_EXPORT int32_t __kmpc_reduce(ident_t *loc, int32_t gtid, int32_t variables, size_t bytes, void *parts,
                                combine_fn combine, kmp_critical_name *name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    int32_t how = observed_begin(loc, m, variables, parts, combine, name);
    if (how != NOTHING)
        return how;
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    mo_team_barrier(m);
    return how;
}

MO_EXPORT void __kmpc_end_reduce(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    observed_end(m, name);
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    mo_team_barrier(m);
}
