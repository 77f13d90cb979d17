/* Ordered regions of loops. */
#include "interpose/kmp/kmp.h"

MO_EXPORT void __kmpc_ordered(ident_t *loc, int32_t gtid)
{
    mo_ordered_begin(mo_self());
}

/* The turn goes on when the chunk is over. */
MO_EXPORT void __kmpc_end_ordered(ident_t *loc, int32_t gtid)
{
}
