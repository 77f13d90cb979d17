/* Memory of allocators, by the calls that compiled code makes for allocate directives and clauses, and the handles as
   data, which is how some languages and old headers name them. GCC and LLVM number handles and traits alike. */
#include "interpose/kmp/kmp.h"

MO_EXPORT uintptr_t __kmpc_init_allocator(int gtid, uintptr_t space, int count, const struct mo_trait *traits)
{
    return mo_allocator_make(space, count, traits);
}

MO_EXPORT void __kmpc_destroy_allocator(int gtid, uintptr_t allocator)
{
    mo_allocator_destroy(allocator);
}

MO_EXPORT void __kmpc_set_default_allocator(int gtid, uintptr_t allocator)
{
    mo_omp_set_default_allocator(mo_self(), allocator);
}

MO_EXPORT uintptr_t __kmpc_get_default_allocator(int gtid)
{
    return mo_icvs_of(mo_self())->def_allocator;
}

MO_EXPORT void *__kmpc_alloc(int gtid, size_t bytes, uintptr_t allocator)
{
    return mo_omp_alloc(1, bytes, allocator);
}

MO_EXPORT void *__kmpc_aligned_alloc(int gtid, size_t align, size_t bytes, uintptr_t allocator)
{
    return mo_omp_alloc(align, bytes, allocator);
}

MO_EXPORT void *__kmpc_calloc(int gtid, size_t count, size_t size, uintptr_t allocator)
{
    return mo_omp_calloc(1, count, size, allocator);
}

MO_EXPORT void *__kmpc_realloc(int gtid, void *block, size_t bytes, uintptr_t allocator, uintptr_t old_allocator)
{
    return mo_omp_realloc(block, bytes, allocator);
}

MO_EXPORT void __kmpc_free(int gtid, void *block, uintptr_t allocator)
{
    mo_omp_free(block);
}

/* ---- Data. */
#define HANDLE(name, value)                                                                                            \
    MO_EXPORT const uintptr_t name = value;                                                                            \
    MO_LLVM_NAME(name)

HANDLE(omp_null_allocator, MO_ALLOC_NULL)
HANDLE(omp_default_mem_alloc, MO_ALLOC_DEFAULT)
HANDLE(omp_large_cap_mem_alloc, MO_ALLOC_LARGE_CAP)
HANDLE(omp_const_mem_alloc, MO_ALLOC_CONST)
HANDLE(omp_high_bw_mem_alloc, MO_ALLOC_HIGH_BW)
HANDLE(omp_low_lat_mem_alloc, MO_ALLOC_LOW_LAT)
HANDLE(omp_cgroup_mem_alloc, MO_ALLOC_CGROUP)
HANDLE(omp_pteam_mem_alloc, MO_ALLOC_PTEAM)
HANDLE(omp_thread_mem_alloc, MO_ALLOC_THREAD)
HANDLE(omp_default_mem_space, MO_SPACE_DEFAULT)
HANDLE(omp_large_cap_mem_space, MO_SPACE_LARGE_CAP)
HANDLE(omp_const_mem_space, MO_SPACE_CONST)
HANDLE(omp_high_bw_mem_space, MO_SPACE_HIGH_BW)
HANDLE(omp_low_lat_mem_space, MO_SPACE_LOW_LAT)

/* Handles of predefined allocators are below. */
MO_EXPORT const uintptr_t kmp_max_mem_alloc = 1024;
