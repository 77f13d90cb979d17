/* Allocators and their memory: C, and Fortran where it does not call the C names itself. A handle is a pointer's size
   in every language; Fortran's type for traits has the layout of C's. */
#include "interpose/face.h"

MO_EXPORT uintptr_t omp_init_allocator(uintptr_t space, int count, const struct mo_trait *traits)
{
    return mo_allocator_make(space, count, traits);
}

MO_EXPORT uintptr_t omp_init_allocator_(const uintptr_t *space, const int32_t *count, const struct mo_trait *traits)
{
    return mo_allocator_make(*space, *count, traits);
}

MO_EXPORT uintptr_t omp_init_allocator_8_(const uintptr_t *space, const int64_t *count, const struct mo_trait *traits)
{
    return mo_allocator_make(*space, *count, traits);
}
MO_OMP_NAME(omp_init_allocator)
MO_OMP_NAME(omp_init_allocator_)
MO_OMP_NAME(omp_init_allocator_8_)

MO_EXPORT void omp_destroy_allocator(uintptr_t allocator)
{
    mo_allocator_destroy(allocator);
}

MO_EXPORT void omp_destroy_allocator_(const uintptr_t *allocator)
{
    mo_allocator_destroy(*allocator);
}
MO_OMP_NAME(omp_destroy_allocator)
MO_OMP_NAME(omp_destroy_allocator_)

MO_EXPORT void omp_set_default_allocator(uintptr_t allocator)
{
    mo_omp_set_default_allocator(mo_self(), allocator);
}

MO_EXPORT void omp_set_default_allocator_(const uintptr_t *allocator)
{
    omp_set_default_allocator(*allocator);
}
MO_OMP_NAME(omp_set_default_allocator)
MO_OMP_NAME(omp_set_default_allocator_)

MO_EXPORT uintptr_t omp_get_default_allocator(void)
{
    return mo_icvs_of(mo_self())->def_allocator;
}

MO_EXPORT uintptr_t omp_get_default_allocator_(void)
{
    return omp_get_default_allocator();
}
MO_OMP_NAME(omp_get_default_allocator)
MO_OMP_NAME(omp_get_default_allocator_)

/* ---- Memory. Blocks know their allocator, so the one that is named when they are given back does not matter. */
MO_EXPORT void *omp_alloc(size_t bytes, uintptr_t allocator)
{
    return mo_omp_alloc(1, bytes, allocator);
}

MO_EXPORT void *omp_aligned_alloc(size_t align, size_t bytes, uintptr_t allocator)
{
    return mo_omp_alloc(align, bytes, allocator);
}

MO_EXPORT void *omp_calloc(size_t count, size_t size, uintptr_t allocator)
{
    return mo_omp_calloc(1, count, size, allocator);
}

MO_EXPORT void *omp_aligned_calloc(size_t align, size_t count, size_t size, uintptr_t allocator)
{
    return mo_omp_calloc(align, count, size, allocator);
}

MO_EXPORT void *omp_realloc(void *block, size_t bytes, uintptr_t allocator, uintptr_t old_allocator)
{
    return mo_omp_realloc(block, bytes, allocator);
}

MO_EXPORT void omp_free(void *block, uintptr_t allocator)
{
    mo_omp_free(block);
}
MO_OMP_NAME(omp_alloc)
MO_OMP_NAME(omp_aligned_alloc)
MO_OMP_NAME(omp_calloc)
MO_OMP_NAME(omp_aligned_calloc)
MO_OMP_NAME(omp_realloc)
MO_OMP_NAME(omp_free)
