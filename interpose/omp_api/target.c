/* Memory of devices: omp_target_*. The host's is the only one. Errors of the caller are EINVAL, as a value. */
#include "interpose/depobj.h"
#include "interpose/face.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

MO_EXPORT void *omp_target_alloc(size_t bytes, int device)
{
    return mo_device_exists(device) ? malloc(bytes) : NULL;
}

MO_EXPORT void omp_target_free(void *memory, int device)
{
    if (mo_device_exists(device))
        free(memory);
}

MO_EXPORT int omp_target_is_present(const void *pointer, int device)
{
    return !pointer || mo_device_exists(device);
}

MO_EXPORT int omp_target_is_accessible(const void *pointer, size_t bytes, int device)
{
    return mo_device_exists(device);
}

MO_EXPORT void *omp_get_mapped_ptr(const void *pointer, int device)
{
    return mo_device_exists(device) ? (void *)pointer : NULL;
}

/* Only addresses of other devices can be associated with something. */
MO_EXPORT int omp_target_associate_ptr(const void *host, const void *device_pointer, size_t bytes, size_t offset,
                                       int device)
{
    return EINVAL;
}

MO_EXPORT int omp_target_disassociate_ptr(const void *pointer, int device)
{
    return EINVAL;
}

/* ---- Copies. */
static bool devices_exist(int dst_device, int src_device)
{
    return mo_device_exists(dst_device) && mo_device_exists(src_device);
}

static struct mo_dep depend_at(const void *list, unsigned i)
{
    return depend_object_read((const struct depend_object *)list + i);
}

static struct mo_deps depend_list(int count, const struct depend_object *list)
{
    return (struct mo_deps){count > 0 ? (unsigned)count : 0, count > 0 ? (unsigned)count : 0, depend_at, list, 0};
}

/* The same of clang's programs: each object may have several items. */
static struct mo_dep llvm_depend_at(const void *list, unsigned i)
{
    const kmp_depend_info_t *const *object = list;
    for (; i >= kmp_depend_object_items(*object); object++)
        i -= (unsigned)kmp_depend_object_items(*object);
    return kmp_depend_read(&(*object)[i]);
}

static struct mo_deps llvm_depend_list(int count, const kmp_depend_info_t *const *list)
{
    unsigned items = 0;
    for (int i = 0; i < count && list; i++)
        items += (unsigned)kmp_depend_object_items(list[i]);
    return (struct mo_deps){items, items, llvm_depend_at, list, 0};
}

/* A row of bytes, which is a box of one dimension. */
#define ROW(name)                                                                                                      \
    const struct mo_box name = {.dst = dst,                                                                            \
                                .src = src,                                                                            \
                                .element_bytes = 1,                                                                    \
                                .dims = 1,                                                                             \
                                .volume = &bytes,                                                                      \
                                .dst_offset = &dst_offset,                                                             \
                                .src_offset = &src_offset}

MO_EXPORT int omp_target_memcpy(void *dst, const void *src, size_t bytes, size_t dst_offset, size_t src_offset,
                                int dst_device, int src_device)
{
    ROW(row);
    if (!devices_exist(dst_device, src_device) || !mo_box_is_sane(&row))
        return EINVAL;
    mo_box_copy(&row);
    return 0;
}

/* Both compilers' forms: LLVM's has a name of its own under the node VERSION. */
#define MEMCPY_ASYNC(storage, name, object, deps_of)                                                                   \
    storage int name(void *dst, const void *src, size_t bytes, size_t dst_offset, size_t src_offset, int dst_device,   \
                     int src_device, int depends, object *list)                                                        \
    {                                                                                                                  \
        ROW(row);                                                                                                      \
        if (!devices_exist(dst_device, src_device) || !mo_box_is_sane(&row) || (depends > 0 && !list))                 \
            return EINVAL;                                                                                             \
        const struct mo_deps deps = deps_of(depends, list);                                                            \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        mo_box_copy_async(m, &row, &deps);                                                                             \
        return 0;                                                                                                      \
    }
MEMCPY_ASYNC(MO_EXPORT, omp_target_memcpy_async, const struct depend_object, depend_list)
MEMCPY_ASYNC(static __attribute__((used)), llvm_memcpy_async, const kmp_depend_info_t *const, llvm_depend_list)

static bool box_is_usable(const struct mo_box *box, int dst_device, int src_device)
{
    return devices_exist(dst_device, src_device) && box->dst && box->src && box->dims > 0 && mo_box_is_sane(box);
}

/* Without arrays it is a question: how many dimensions may there be? */
MO_EXPORT int omp_target_memcpy_rect(void *dst, const void *src, size_t element_bytes, int dims, const size_t *volume,
                                     const size_t *dst_offsets, const size_t *src_offsets, const size_t *dst_dims,
                                     const size_t *src_dims, int dst_device, int src_device)
{
    const struct mo_box box = {dst, src, element_bytes, dims, volume, dst_offsets, src_offsets, dst_dims, src_dims};
    if (!dst && !src)
        return INT_MAX;
    if (!box_is_usable(&box, dst_device, src_device))
        return EINVAL;
    mo_box_copy(&box);
    return 0;
}

#define MEMCPY_RECT_ASYNC(storage, name, object, deps_of)                                                              \
    storage int name(void *dst, const void *src, size_t element_bytes, int dims, const size_t *volume,                 \
                     const size_t *dst_offsets, const size_t *src_offsets, const size_t *dst_dims,                     \
                     const size_t *src_dims, int dst_device, int src_device, int depends, object *list)                \
    {                                                                                                                  \
        const struct mo_box box = {                                                                                    \
            dst, src, element_bytes, dims, volume, dst_offsets, src_offsets, dst_dims, src_dims};                      \
        if (!dst && !src)                                                                                              \
            return INT_MAX;                                                                                            \
        if (!box_is_usable(&box, dst_device, src_device) || (depends > 0 && !list))                                    \
            return EINVAL;                                                                                             \
        const struct mo_deps deps = deps_of(depends, list);                                                            \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        mo_box_copy_async(m, &box, &deps);                                                                             \
        return 0;                                                                                                      \
    }
MEMCPY_RECT_ASYNC(MO_EXPORT, omp_target_memcpy_rect_async, const struct depend_object, depend_list)
MEMCPY_RECT_ASYNC(static __attribute__((used)), llvm_memcpy_rect_async, const kmp_depend_info_t *const,
                  llvm_depend_list)
MO_OMP_NAME(omp_target_alloc)
MO_OMP_NAME(omp_target_free)
MO_OMP_NAME(omp_target_is_present)
MO_OMP_NAME(omp_target_is_accessible)
MO_OMP_NAME(omp_get_mapped_ptr)
MO_OMP_NAME(omp_target_associate_ptr)
MO_OMP_NAME(omp_target_disassociate_ptr)
MO_OMP_NAME(omp_target_memcpy)
MO_GNU_NAME(omp_target_memcpy_async)
MO_LLVM_FORM(omp_target_memcpy_async, llvm_memcpy_async)
MO_OMP_NAME(omp_target_memcpy_rect)
MO_GNU_NAME(omp_target_memcpy_rect_async)
MO_LLVM_FORM(omp_target_memcpy_rect_async, llvm_memcpy_rect_async)
