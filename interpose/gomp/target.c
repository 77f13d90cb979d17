/* Target constructs. GCC describes what they map by arrays of addresses, sizes and kinds, one item a variable. On the
   host the addresses are already right, but for firstprivate variables, of which a region needs copies. */
#include "interpose/gomp/gomp.h"

#define FLAG_NOWAIT 1u

/* A kind: what happens to the item in the low byte, the logarithm of its alignment above. */
#define KIND_FIRSTPRIVATE 12

/* A list of words that ends with 0 says how many teams and threads the region may have: the id of a value and the
   devices that it is for in the low 16 bits, the value above or, with ARG_NEXT, in the word after. */
#define ARG_DEVICES      0x7f
#define ARG_NEXT         0x80
#define ARG_ID           0x7f00
#define ARG_THREAD_LIMIT 0x200

struct mappings {
    const size_t *sizes;
    const unsigned short *kinds;
};

static struct mo_private private_at(const void *list, size_t i)
{
    const struct mappings *map = list;
    if ((map->kinds[i] & 0xff) != KIND_FIRSTPRIVATE)
        return (struct mo_private){0, 0};
    return (struct mo_private){map->sizes[i], (size_t)1 << (map->kinds[i] >> 8)};
}

static unsigned thread_limit_of(void *const *args)
{
    intptr_t limit = 0;
    while (args && *args) {
        intptr_t word = (intptr_t)*args++;
        intptr_t value = word & ARG_NEXT ? (intptr_t)*args++ : word >> 16;
        if ((word & ARG_ID) == ARG_THREAD_LIMIT && !(word & ARG_DEVICES))
            limit = value;
    }
    return limit < 0 || limit > INT32_MAX ? INT32_MAX : (unsigned)limit;
}

static struct mo_deps deps_of(void **depend)
{
    return depend ? gomp_deps(depend) : (struct mo_deps){0};
}

MO_EXPORT void GOMP_target_ext(int device, void (*fn)(void *), size_t mapnum, void **hostaddrs, size_t *sizes,
                               unsigned short *kinds, unsigned flags, void **depend, void **args)
{
    const struct mappings map = {sizes, kinds};
    const struct mo_target t = {.device = device,
                                .fn = fn,
                                .args = hostaddrs,
                                .count = mapnum,
                                .private_at = private_at,
                                .list = &map,
                                .thread_limit = thread_limit_of(args),
                                .nowait = flags & FLAG_NOWAIT,
                                .deps = deps_of(depend)};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_target(m, &t);
}

/* The form before OpenMP 4.5, when everything was mapped. */
MO_EXPORT void GOMP_target(int device, void (*fn)(void *), const void *unused, size_t mapnum, void **hostaddrs,
                           size_t *sizes, unsigned char *kinds)
{
    const struct mo_target t = {.device = device, .fn = fn, .args = hostaddrs, .count = mapnum};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_target(m, &t);
}

static void move_data(struct mo_member *m, int device, unsigned flags, void **depend)
{
    const struct mo_deps deps = deps_of(depend);
    mo_omp_target_data(m, device, flags & FLAG_NOWAIT, &deps);
}

MO_EXPORT void GOMP_target_data_ext(int device, size_t mapnum, void **hostaddrs, size_t *sizes, unsigned short *kinds)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    move_data(m, device, 0, NULL);
}

MO_EXPORT void GOMP_target_data(int device, const void *unused, size_t mapnum, void **hostaddrs, size_t *sizes,
                                unsigned char *kinds)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    move_data(m, device, 0, NULL);
}

MO_EXPORT void GOMP_target_end_data(void)
{
}

MO_EXPORT void GOMP_target_update_ext(int device, size_t mapnum, void **hostaddrs, size_t *sizes, unsigned short *kinds,
                                      unsigned flags, void **depend)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    move_data(m, device, flags, depend);
}

MO_EXPORT void GOMP_target_update(int device, const void *unused, size_t mapnum, void **hostaddrs, size_t *sizes,
                                  unsigned char *kinds)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    move_data(m, device, 0, NULL);
}

MO_EXPORT void GOMP_target_enter_exit_data(int device, size_t mapnum, void **hostaddrs, size_t *sizes,
                                           unsigned short *kinds, unsigned flags, void **depend)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    move_data(m, device, flags, depend);
}

/* ---- Code and variables for devices, of which there are none. */
MO_EXPORT void GOMP_offload_register(const void *host_table, int target_type, const void *target_data)
{
}

MO_EXPORT void GOMP_offload_unregister(const void *host_table, int target_type, const void *target_data)
{
}

MO_EXPORT void GOMP_offload_register_ver(unsigned version, const void *host_table, int target_type,
                                         const void *target_data)
{
}

MO_EXPORT void GOMP_offload_unregister_ver(unsigned version, const void *host_table, int target_type,
                                           const void *target_data)
{
}

/* What a function's address on the host is on the device that asks. */
MO_EXPORT void *GOMP_target_map_indirect_ptr(void *ptr)
{
    return ptr;
}

/* ---- Interop objects give access to the software below a device. The host has none, so they become
   omp_interop_none. */
static void clear_objects(int count, void ***objects)
{
    for (int i = 0; i < count; i++)
        *objects[i] = NULL;
}

MO_EXPORT void GOMP_interop(int device, int inits, void ***init, const void *kinds, const void *preferences, int uses,
                            void **use, int destroys, void ***destroy, unsigned flags, void **depend)
{
    const struct mo_deps deps = deps_of(depend);
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_task_wait_for(m, &deps);
    clear_objects(inits, init);
    clear_objects(destroys, destroy);
}
