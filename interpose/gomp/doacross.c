/* Loops with ordered(n), whose iterations wait for one another. `counts` says how many iterations each of n dimensions
   has; the threads share those of the first. Positions come normalised to count from 0 by 1. */
#include "interpose/gomp/gomp.h"

#include <stdarg.h>

static struct mo_loop_spec first_dimension(const uint64_t *counts, uint64_t chunk, uint8_t sched, bool monotonic)
{
    return (struct mo_loop_spec){.end = counts[0],
                                 .step = 1,
                                 .trips = counts[0],
                                 .chunk = chunk,
                                 .sched = sched,
                                 .monotonic = monotonic,
                                 .order = MO_ORDER_DOACROSS};
}

static void begin_long(struct mo_member *m, unsigned ncounts, const long *counts, long chunk, uint8_t sched,
                       bool monotonic)
{
    uint64_t space[ncounts];
    for (unsigned d = 0; d < ncounts; d++)
        space[d] = counts[d] > 0 ? (uint64_t)counts[d] : 0;
    const struct mo_loop_spec loop = first_dimension(space, chunk > 0 ? (uint64_t)chunk : 0, sched, monotonic);
    mo_doacross_begin(m, &loop, &(struct mo_doacross_spec){ncounts, space});
}

static void begin_ull(struct mo_member *m, unsigned ncounts, const ull *counts, ull chunk, uint8_t sched,
                      bool monotonic)
{
    uint64_t space[ncounts];
    for (unsigned d = 0; d < ncounts; d++)
        space[d] = counts[d];
    const struct mo_loop_spec loop = first_dimension(space, chunk, sched, monotonic);
    mo_doacross_begin(m, &loop, &(struct mo_doacross_spec){ncounts, space});
}

#define DOACROSS(kind, ...)                                                                                            \
    MO_EXPORT bool GOMP_loop_doacross_##kind##_start(unsigned ncounts, long *counts, long chunk, long *istart,         \
                                                     long *iend)                                                       \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        begin_long(m, ncounts, counts, chunk, __VA_ARGS__);                                                            \
        return gomp_next_long(istart, iend);                                                                           \
    }                                                                                                                  \
    MO_EXPORT bool GOMP_loop_ull_doacross_##kind##_start(unsigned ncounts, ull *counts, ull chunk, ull *istart,        \
                                                         ull *iend)                                                    \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        begin_ull(m, ncounts, counts, chunk, __VA_ARGS__);                                                             \
        return gomp_next_ull(istart, iend);                                                                            \
    }

DOACROSS(static, GOMP_STATIC)
DOACROSS(dynamic, GOMP_DYNAMIC)
DOACROSS(guided, GOMP_GUIDED)

MO_EXPORT bool GOMP_loop_doacross_runtime_start(unsigned ncounts, long *counts, long *istart, long *iend)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    begin_long(m, ncounts, counts, 0, GOMP_RUNTIME);
    return gomp_next_long(istart, iend);
}

MO_EXPORT bool GOMP_loop_ull_doacross_runtime_start(unsigned ncounts, ull *counts, ull *istart, ull *iend)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    begin_ull(m, ncounts, counts, 0, GOMP_RUNTIME);
    return gomp_next_ull(istart, iend);
}

MO_EXPORT bool GOMP_loop_doacross_start(unsigned ncounts, long *counts, long sched, long chunk, long *istart,
                                        long *iend, uintptr_t *reductions, void **mem)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    begin_long(m, ncounts, counts, chunk, GOMP_SCHEDULE(sched));
    gomp_attach(m, reductions, mem);
    return gomp_next_long(istart, iend);
}

MO_EXPORT bool GOMP_loop_ull_doacross_start(unsigned ncounts, ull *counts, long sched, ull chunk, ull *istart,
                                            ull *iend, uintptr_t *reductions, void **mem)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    begin_ull(m, ncounts, counts, chunk, GOMP_SCHEDULE(sched));
    gomp_attach(m, reductions, mem);
    return gomp_next_ull(istart, iend);
}

/* One thread runs the iterations in their order, and nobody is to be told. */
static inline bool has_no_order(const struct mo_member *m)
{
    return !m->shared && !mo_traced(m);
}

static inline void post(const uint64_t *position)
{
    struct mo_member *m = mo_self();
    if (!has_no_order(m))
        mo_doacross_post(m, position);
}

MO_EXPORT void GOMP_doacross_post(long *position)
{
    post((const uint64_t *)position);
}

MO_EXPORT void GOMP_doacross_ull_post(ull *position)
{
    post((const uint64_t *)position);
}

/* As many numbers as the loop has dimensions. */
#define WAIT(type)                                                                                                     \
    struct mo_member *m = mo_self();                                                                                   \
    if (has_no_order(m))                                                                                               \
        return;                                                                                                        \
    unsigned dims = mo_doacross_dims(m);                                                                               \
    if (!dims)                                                                                                         \
        return;                                                                                                        \
    uint64_t position[dims];                                                                                           \
    va_list rest;                                                                                                      \
    va_start(rest, first);                                                                                             \
    position[0] = (uint64_t)first;                                                                                     \
    for (unsigned d = 1; d < dims; d++)                                                                                \
        position[d] = (uint64_t)va_arg(rest, type);                                                                    \
    va_end(rest);                                                                                                      \
    mo_doacross_wait(m, position);

MO_EXPORT void GOMP_doacross_wait(long first, ...){WAIT(long)}

MO_EXPORT void GOMP_doacross_ull_wait(ull first, ...)
{
    WAIT(ull)
}
