/* Memory spaces and allocators of devices, device identifiers: OpenMP 6.0, which LLVM's runtime has. The host is the
   only device, so a question about it is answered with what was asked about, and any other with the null handle. */
#include "interpose/face.h"

#include <string.h>

#define UID_OF_HOST    "HOST"
#define INVALID_DEVICE (-2)
enum { INITIAL = 0, INITIAL_TOO = -1 };

static bool is_host(int device)
{
    return device == INITIAL || device == INITIAL_TOO;
}

static bool are_host(int count, const int *devices)
{
    for (int i = 0; i < count; i++)
        if (!is_host(devices[i]))
            return false;
    return count > 0;
}

static bool is_space(uintptr_t space)
{
    return mo_allocator_of_space(space) != MO_ALLOC_NULL;
}

#define SPACE_IF(condition)     ((condition) && is_space(space) ? space : 0)
#define ALLOCATOR_IF(condition) ((condition) ? mo_allocator_of_space(space) : MO_ALLOC_NULL)

/* Of a list of devices, of one, and of all: for C and for Fortran. The host is among those that are asked about. */
#define OF_DEVICES(kind, ANSWER)                                                                                       \
    MO_EXPORT uintptr_t omp_get_devices_##kind(int count, const int *devices, uintptr_t space)                         \
    {                                                                                                                  \
        return ANSWER(are_host(count, devices));                                                                       \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_devices_##kind##_(const int *count, const int *devices, const uintptr_t *space)        \
    {                                                                                                                  \
        return omp_get_devices_##kind(*count, devices, *space);                                                        \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_device_##kind(int device, uintptr_t space)                                             \
    {                                                                                                                  \
        return ANSWER(is_host(device));                                                                                \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_device_##kind##_(const int *device, const uintptr_t *space)                            \
    {                                                                                                                  \
        return omp_get_device_##kind(*device, *space);                                                                 \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_devices_and_host_##kind(int count, const int *devices, uintptr_t space)                \
    {                                                                                                                  \
        return ANSWER(count == 0 || are_host(count, devices));                                                         \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_devices_and_host_##kind##_(const int *count, const int *devices,                       \
                                                           const uintptr_t *space)                                     \
    {                                                                                                                  \
        return omp_get_devices_and_host_##kind(*count, devices, *space);                                               \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_device_and_host_##kind(int device, uintptr_t space)                                    \
    {                                                                                                                  \
        return ANSWER(is_host(device));                                                                                \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_device_and_host_##kind##_(const int *device, const uintptr_t *space)                   \
    {                                                                                                                  \
        return omp_get_device_and_host_##kind(*device, *space);                                                        \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_devices_all_##kind(uintptr_t space)                                                    \
    {                                                                                                                  \
        return ANSWER(true);                                                                                           \
    }                                                                                                                  \
    MO_EXPORT uintptr_t omp_get_devices_all_##kind##_(const uintptr_t *space)                                          \
    {                                                                                                                  \
        return omp_get_devices_all_##kind(*space);                                                                     \
    }                                                                                                                  \
    MO_LLVM_NAME(omp_get_devices_##kind)                                                                               \
    MO_LLVM_NAME(omp_get_devices_##kind##_)                                                                            \
    MO_LLVM_NAME(omp_get_device_##kind)                                                                                \
    MO_LLVM_NAME(omp_get_device_##kind##_)                                                                             \
    MO_LLVM_NAME(omp_get_devices_and_host_##kind)                                                                      \
    MO_LLVM_NAME(omp_get_devices_and_host_##kind##_)                                                                   \
    MO_LLVM_NAME(omp_get_device_and_host_##kind)                                                                       \
    MO_LLVM_NAME(omp_get_device_and_host_##kind##_)                                                                    \
    MO_LLVM_NAME(omp_get_devices_all_##kind)                                                                           \
    MO_LLVM_NAME(omp_get_devices_all_##kind##_)

OF_DEVICES(memspace, SPACE_IF)
OF_DEVICES(allocator, ALLOCATOR_IF)

/* A space is one resource, number 0. */
MO_EXPORT int omp_get_memspace_num_resources(uintptr_t space)
{
    return is_space(space);
}

MO_EXPORT int omp_get_memspace_num_resources_(const uintptr_t *space)
{
    return is_space(*space);
}

MO_EXPORT uintptr_t omp_get_submemspace(uintptr_t space, int count, const int *resources)
{
    return SPACE_IF(count == 1 && resources[0] == 0);
}

MO_EXPORT uintptr_t omp_get_submemspace_(const uintptr_t *space, const int *count, const int *resources)
{
    return omp_get_submemspace(*space, *count, resources);
}
MO_LLVM_NAME(omp_get_memspace_num_resources)
MO_LLVM_NAME(omp_get_memspace_num_resources_)
MO_LLVM_NAME(omp_get_submemspace)
MO_LLVM_NAME(omp_get_submemspace_)

/* ---- Names of devices. */
MO_EXPORT const char *omp_get_uid_from_device(int device)
{
    return is_host(device) ? UID_OF_HOST : NULL;
}

MO_EXPORT int omp_get_device_from_uid(const char *uid)
{
    return uid && strcmp(uid, UID_OF_HOST) == 0 ? INITIAL : INVALID_DEVICE;
}
MO_LLVM_NAME(omp_get_uid_from_device)
MO_LLVM_NAME(omp_get_device_from_uid)

/* ---- Memory of devices. */
MO_EXPORT void *omp_target_memset(void *memory, int byte, size_t bytes, int device)
{
    return memory && mo_device_exists(device) ? memset(memory, byte, bytes) : memory;
}
MO_LLVM_NAME(omp_target_memset)

/* A dependence object of LLVM's is the address of its first dependence; the entry before that has their number. */
struct dependence {
    uintptr_t address;
    size_t bytes;
    uint8_t flags;
};
enum { IN = 1, MUTEXINOUTSET = 4, INOUTSET = 8, ALL = 0x80 };

static struct mo_dep depend_at(const void *list, unsigned i)
{
    const struct dependence *const *object = list;
    for (; i >= (*object)[-1].address; object++)
        i -= (unsigned)(*object)[-1].address;
    const struct dependence *d = &(*object)[i];
    enum mo_dep_kind kind = d->flags == IN              ? MO_DEP_IN
                            : d->flags == MUTEXINOUTSET ? MO_DEP_MUTEXINOUTSET
                            : d->flags == INOUTSET      ? MO_DEP_INOUTSET
                                                        : MO_DEP_OUT;
    return (struct mo_dep){d->flags & ALL ? NULL : (void *)d->address, kind};
}

struct setting {
    void *memory;
    int byte;
    size_t bytes;
};

static void set_memory(void *data)
{
    const struct setting *s = data;
    memset(s->memory, s->byte, s->bytes);
}

MO_EXPORT void *omp_target_memset_async(void *memory, int byte, size_t bytes, int device, int objects,
                                        const struct dependence *const *object)
{
    struct setting s = {memory, byte, bytes};
    struct mo_task_spec task = {.fn = set_memory,
                                .data = &s,
                                .bytes = sizeof s,
                                .align = _Alignof(struct setting),
                                .deferrable = true,
                                .deps = {.at = depend_at, .list = object}};
    if (!memory || !mo_device_exists(device))
        return memory;
    for (int i = 0; i < objects; i++)
        task.deps.count += (unsigned)object[i][-1].address;
    mo_omp_task(mo_self(), &task);
    return memory;
}
MO_LLVM_NAME(omp_target_memset_async)
