/* Sections in calls of their own; clang makes loops of them. Numbers count from 0, and the number of sections comes
   with every call: one that is no less than that says that there are no more. */
#include "interpose/kmp/kmp.h"

MO_EXPORT int32_t __kmpc_sections_init(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_sections_begin(m, INT32_MAX);
    return 1;
}

MO_EXPORT int32_t __kmpc_next_section(ident_t *loc, int32_t gtid, int32_t count)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_member(m)->sections = count > 0 ? (uint64_t)count : 0;
    uint64_t next = mo_sections_next(m);
    return next ? (int32_t)(next - 1) : count;
}

MO_EXPORT void __kmpc_end_sections(ident_t *loc, int32_t gtid)
{
    mo_work_end(mo_self());
}
