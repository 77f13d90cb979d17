/* Barriers, single, master, masked, critical. */
#include "interpose/kmp/kmp.h"

MO_EXPORT void __kmpc_barrier(ident_t *loc, int32_t gtid)
{
    mo_team_barrier(mo_self());
}

/* 1: the region is cancelled. */
MO_EXPORT int32_t __kmpc_cancel_barrier(ident_t *loc, int32_t gtid)
{
    return !mo_team_barrier(mo_self());
}

MO_EXPORT int32_t __kmpc_single(ident_t *loc, int32_t gtid)
{
    return mo_single_begin(mo_self());
}

MO_EXPORT void __kmpc_end_single(ident_t *loc, int32_t gtid)
{
}

/* All threads call it: `did_it` is 1 in the one that ran the block, whose data the others copy. */
MO_EXPORT void __kmpc_copyprivate(ident_t *loc, int32_t gtid, size_t bytes, void *data, void (*copy)(void *, void *),
                                  int32_t did_it)
{
    struct mo_member *m = mo_self();
    if (did_it)
        mo_copyprivate_give(m, data);
    else
        copy(data, mo_copyprivate_take(m));
    mo_team_barrier(m); /* the data lives as long as the giver's block does */
}

/* Gives every thread the address of the data of the one that ran the block; the compiled code copies and then has a
   barrier. Of the threads only that one has an address. */
MO_EXPORT void *__kmpc_copyprivate_light(ident_t *loc, int32_t gtid, void *data)
{
    struct mo_member *m = mo_self();
    if (data) {
        mo_copyprivate_give(m, data);
        return data;
    }
    return mo_copyprivate_take(m);
}

MO_EXPORT int32_t __kmpc_master(ident_t *loc, int32_t gtid)
{
    return mo_self()->tid == 0;
}

MO_EXPORT void __kmpc_end_master(ident_t *loc, int32_t gtid)
{
}

MO_EXPORT int32_t __kmpc_masked(ident_t *loc, int32_t gtid, int32_t filter)
{
    return (int32_t)mo_self()->tid == filter;
}

MO_EXPORT void __kmpc_end_masked(ident_t *loc, int32_t gtid)
{
}

MO_EXPORT void __kmpc_scope(ident_t *loc, int32_t gtid, void *reserved)
{
}

MO_EXPORT void __kmpc_end_scope(ident_t *loc, int32_t gtid, void *reserved)
{
}

MO_EXPORT void __kmpc_critical(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    mo_omp_lock(kmp_critical_lock(name));
}

/* The hint is one. */
MO_EXPORT void __kmpc_critical_with_hint(ident_t *loc, int32_t gtid, kmp_critical_name *name, uint32_t hint)
{
    mo_omp_lock(kmp_critical_lock(name));
}

MO_EXPORT void __kmpc_end_critical(ident_t *loc, int32_t gtid, kmp_critical_name *name)
{
    mo_omp_unlock(kmp_critical_lock(name));
}

MO_EXPORT void __kmpc_flush(ident_t *loc)
{
    mo_plat_flush();
}

/* The master runs a block, and the others wait until it has. */
MO_EXPORT int32_t __kmpc_barrier_master(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    mo_team_barrier(m);
    if (m->tid == 0)
        return 1;
    mo_team_barrier(m);
    return 0;
}

MO_EXPORT void __kmpc_end_barrier_master(ident_t *loc, int32_t gtid)
{
    mo_team_barrier(mo_self());
}

MO_EXPORT int32_t __kmpc_barrier_master_nowait(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    mo_team_barrier(m);
    return m->tid == 0;
}
