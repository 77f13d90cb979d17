/* Regions: GOMP_parallel and the older pairs of _start and _end, alone and combined with a loop or sections. */
#include "interpose/gomp/gomp.h"

/* The low bits of flags are the policy of a proc_bind clause, 0 without one. */
static uint8_t bind_of(unsigned flags)
{
    return flags & 7;
}

static __attribute__((noinline)) void parallel_other(void (*fn)(void *), void *data, unsigned num_threads,
                                                     unsigned flags)
{
    const struct mo_region r = {.fn = fn, .data = data, .num_threads = num_threads, .bind = bind_of(flags)};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_region_run_on(m, &r);
}

MO_EXPORT void GOMP_parallel(void (*fn)(void *), void *data, unsigned num_threads, unsigned flags)
{
    struct mo_member *m = mo_self_plain();
    if (mo_unlikely(!m)) {
        parallel_other(fn, data, num_threads, flags);
        return;
    }
    const struct mo_region r = {.fn = fn, .data = data, .num_threads = num_threads, .bind = bind_of(flags)};
    mo_region_run_plain(m, &r);
}

MO_EXPORT void GOMP_parallel_start(void (*fn)(void *), void *data, unsigned num_threads)
{
    const struct mo_region r = {.fn = fn, .data = data, .num_threads = num_threads};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_region_begin_on(m, &r);
}

MO_EXPORT void GOMP_parallel_end(void)
{
    mo_region_end();
}

static struct mo_region loop_region(void (*fn)(void *), void *data, unsigned num_threads, struct mo_loop_spec loop,
                                    unsigned flags)
{
    return (struct mo_region){.fn = fn,
                              .data = data,
                              .num_threads = num_threads,
                              .bind = bind_of(flags),
                              .combined = MO_COMBINED_LOOP,
                              .loop = loop};
}

#define PARALLEL_LOOP(name, ...)                                                                                       \
    MO_EXPORT void name(void (*fn)(void *), void *data, unsigned num_threads, long start, long end, long incr,         \
                        long chunk, unsigned flags)                                                                    \
    {                                                                                                                  \
        const struct mo_region r =                                                                                     \
            loop_region(fn, data, num_threads, gomp_long_loop(start, end, incr, chunk, __VA_ARGS__), flags);           \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        mo_region_run_on(m, &r);                                                                                       \
    }

#define PARALLEL_LOOP_START(name, ...)                                                                                 \
    MO_EXPORT void name(void (*fn)(void *), void *data, unsigned num_threads, long start, long end, long incr,         \
                        long chunk)                                                                                    \
    {                                                                                                                  \
        const struct mo_region r =                                                                                     \
            loop_region(fn, data, num_threads, gomp_long_loop(start, end, incr, chunk, __VA_ARGS__), 0);               \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        mo_region_begin_on(m, &r);                                                                                     \
    }

/* Runtime schedules come without a chunk. */
#define PARALLEL_LOOP_RUNTIME(name, ...)                                                                               \
    MO_EXPORT void name(void (*fn)(void *), void *data, unsigned num_threads, long start, long end, long incr,         \
                        unsigned flags)                                                                                \
    {                                                                                                                  \
        const struct mo_region r =                                                                                     \
            loop_region(fn, data, num_threads, gomp_long_loop(start, end, incr, 0, __VA_ARGS__), flags);               \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        mo_region_run_on(m, &r);                                                                                       \
    }

PARALLEL_LOOP(GOMP_parallel_loop_static, GOMP_STATIC)
PARALLEL_LOOP(GOMP_parallel_loop_dynamic, GOMP_DYNAMIC)
PARALLEL_LOOP(GOMP_parallel_loop_guided, GOMP_GUIDED)
PARALLEL_LOOP(GOMP_parallel_loop_nonmonotonic_dynamic, GOMP_NM_DYNAMIC)
PARALLEL_LOOP(GOMP_parallel_loop_nonmonotonic_guided, GOMP_NM_GUIDED)
PARALLEL_LOOP_RUNTIME(GOMP_parallel_loop_runtime, GOMP_RUNTIME)
PARALLEL_LOOP_RUNTIME(GOMP_parallel_loop_nonmonotonic_runtime, GOMP_NM_RUNTIME)
PARALLEL_LOOP_RUNTIME(GOMP_parallel_loop_maybe_nonmonotonic_runtime, GOMP_NM_RUNTIME)
PARALLEL_LOOP_START(GOMP_parallel_loop_static_start, GOMP_STATIC)
PARALLEL_LOOP_START(GOMP_parallel_loop_dynamic_start, GOMP_DYNAMIC)
PARALLEL_LOOP_START(GOMP_parallel_loop_guided_start, GOMP_GUIDED)

MO_EXPORT void GOMP_parallel_loop_runtime_start(void (*fn)(void *), void *data, unsigned num_threads, long start,
                                                long end, long incr)
{
    const struct mo_region r = loop_region(fn, data, num_threads, gomp_long_loop(start, end, incr, 0, GOMP_RUNTIME), 0);
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_region_begin_on(m, &r);
}

MO_EXPORT void GOMP_parallel_sections(void (*fn)(void *), void *data, unsigned num_threads, unsigned count,
                                      unsigned flags)
{
    const struct mo_region r = {.fn = fn,
                                .data = data,
                                .num_threads = num_threads,
                                .bind = bind_of(flags),
                                .combined = MO_COMBINED_SECTIONS,
                                .sections = count};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_region_run_on(m, &r);
}

MO_EXPORT void GOMP_parallel_sections_start(void (*fn)(void *), void *data, unsigned num_threads, unsigned count)
{
    const struct mo_region r = {
        .fn = fn, .data = data, .num_threads = num_threads, .combined = MO_COMBINED_SECTIONS, .sections = count};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_region_begin_on(m, &r);
}
