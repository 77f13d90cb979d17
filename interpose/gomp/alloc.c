/* Variables that have allocators: those of `allocate` clauses, and Fortran's allocatable and pointer variables. */
#include "interpose/gomp/gomp.h"

MO_EXPORT void *GOMP_alloc(size_t align, size_t bytes, uintptr_t allocator)
{
    return mo_omp_demand(align, bytes, allocator);
}

MO_EXPORT void GOMP_free(void *block, uintptr_t allocator)
{
    mo_omp_free(block);
}

/* What a Fortran program frees or reallocates may be from malloc or from here. */
MO_EXPORT void GOMP_add_alloc(void *block)
{
    mo_known_add(block);
}

MO_EXPORT bool GOMP_is_alloc(void *block)
{
    return mo_known_take(block);
}
