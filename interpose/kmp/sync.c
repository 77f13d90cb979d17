/* Barriers, single, master, masked, critical. */
#include "interpose/kmp/kmp.h"
#include "park/fiber.h"

static __attribute__((noinline)) void barrier_other(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, kmp_barrier_kind(loc));
    mo_team_barrier(m);
}

MO_EXPORT void __kmpc_barrier(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self_plain();
    if (mo_likely(m != NULL))
        mo_team_barrier_plain(m);
    else
        barrier_other(loc, gtid);
}

/* 1: the region is cancelled. */
MO_EXPORT int32_t __kmpc_cancel_barrier(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, kmp_barrier_kind(loc));
    return !mo_team_barrier(m);
}

static __attribute__((noinline)) int32_t single_other(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return mo_single_begin(m);
}

MO_EXPORT int32_t __kmpc_single(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self_plain();
    return mo_likely(m != NULL) ? mo_single_begin_plain(m) : single_other(loc, gtid);
}

MO_EXPORT void __kmpc_end_single(ident_t *loc, int32_t gtid)
{
    mo_work_end(mo_self());
}

/* All threads call it: `did_it` is 1 in the one that ran the block, whose data the others copy. */
MO_EXPORT void __kmpc_copyprivate(ident_t *loc, int32_t gtid, size_t bytes, void *data, void (*copy)(void *, void *),
                                  int32_t did_it)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    void *given = data;
    if (did_it)
        mo_copyprivate_give(m, data);
    else
        given = mo_copyprivate_take(m);
    if (given && given != data) /* NULL: the region is cancelled */
        copy(data, given);
    mo_team_barrier(m); /* the data lives as long as the giver's block does */
}

/* Gives every thread the address of the data of the one that ran the block; the compiled code copies and then has a
   barrier. Of the threads only that one has an address. */
MO_EXPORT void *__kmpc_copyprivate_light(ident_t *loc, int32_t gtid, void *data)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    if (data) {
        mo_copyprivate_give(m, data);
        return data;
    }
    return mo_copyprivate_take(m);
}

/* A tool hears of the thread that runs the block alone. */
static inline bool masked(struct mo_member *m, bool mine)
{
    if (mo_unlikely(mo_traced(m)) && mine)
        mo_obs_masked(&m->worker->obs, true);
    return mine;
}

static inline void end_masked(struct mo_member *m)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_masked(&m->worker->obs, false);
}

MO_EXPORT int32_t __kmpc_master(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return masked(m, m->tid == 0);
}

MO_EXPORT void __kmpc_end_master(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    end_masked(m);
}

MO_EXPORT int32_t __kmpc_masked(ident_t *loc, int32_t gtid, int32_t filter)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return masked(m, (int32_t)m->tid == filter);
}

MO_EXPORT void __kmpc_end_masked(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    end_masked(m);
}

MO_EXPORT void __kmpc_scope(ident_t *loc, int32_t gtid, void *reserved)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_begin(&m->worker->obs, MO_OBS_SCOPE, 1);
}

MO_EXPORT void __kmpc_end_scope(ident_t *loc, int32_t gtid, void *reserved)
{
    mo_work_end(mo_self());
}

static __attribute__((noinline)) void begin_critical_other(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    mo_omp_acquire(m, kmp_critical_lock(name));
}

static __attribute__((noinline)) void end_critical_other(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_CRITICAL);
    mo_omp_release(m, kmp_critical_lock(name));
}

MO_EXPORT void __kmpc_critical(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    struct mo_member *m = mo_self_plain();
    if (mo_likely(m != NULL))
        mo_omp_acquire_plain(m, kmp_critical_lock(name));
    else
        begin_critical_other(loc, gtid, name);
}

/* The hint is one. A jump, so that the place of the call stays known. */
MO_EXPORT void __kmpc_critical_with_hint(ident_t *loc, int32_t gtid, kmp_critical_name *name, uint32_t hint)
{
    __kmpc_critical(loc, gtid, name);
}

MO_EXPORT void __kmpc_end_critical(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    struct mo_member *m = mo_self_plain();
    if (mo_likely(m != NULL))
        mo_omp_release_plain(m, kmp_critical_lock(name));
    else
        end_critical_other(loc, gtid, name);
}

MO_EXPORT void __kmpc_flush(ident_t *loc)
{
    struct mo_member *m = mo_self_peek();
    mo_plat_flush();
    mo_fiber_yield(); /* a program may wait like this for another thread */
    if (mo_unlikely(m && mo_traced(m))) {
        MO_OBSERVE(m, 0);
        mo_obs_flush(&m->worker->obs);
    }
}

/* The master runs a block, and the others wait until it has. */
MO_EXPORT int32_t __kmpc_barrier_master(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_INTERNAL);
    mo_team_barrier(m);
    if (m->tid == 0)
        return 1;
    mo_team_barrier(m);
    return 0;
}

MO_EXPORT void __kmpc_end_barrier_master(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_INTERNAL);
    mo_team_barrier(m);
}

MO_EXPORT int32_t __kmpc_barrier_master_nowait(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_INTERNAL);
    mo_team_barrier(m);
    return m->tid == 0;
}
