/* Ordered regions of loops. */
#include "interpose/kmp/kmp.h"

MO_EXPORT void __kmpc_ordered(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_ordered_begin(m);
}

MO_EXPORT void __kmpc_end_ordered(ident_t *loc, int32_t gtid)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_ordered_end(m);
}
