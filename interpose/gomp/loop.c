/* Loops over long and unsigned long long, sections, ordered. A *_next that is named after a schedule needs not know it:
   the thread's loop does. */
#include "interpose/gomp/gomp.h"

static bool start_long(struct mo_member *m, struct mo_loop_spec spec, bool ordered, long *istart, long *iend)
{
    spec.order = ordered ? MO_ORDER_TURNS : MO_ORDER_NONE;
    mo_loop_begin(m, &spec);
    return gomp_next_long(istart, iend);
}

static bool start_ull(struct mo_member *m, struct mo_loop_spec spec, bool ordered, ull *istart, ull *iend)
{
    spec.order = ordered ? MO_ORDER_TURNS : MO_ORDER_NONE;
    mo_loop_begin(m, &spec);
    return gomp_next_ull(istart, iend);
}

#define NEXT(kind)                                                                                                     \
    MO_EXPORT bool GOMP_loop_##kind##_next(long *istart, long *iend)                                                   \
    {                                                                                                                  \
        return gomp_next_long(istart, iend);                                                                           \
    }                                                                                                                  \
    MO_EXPORT bool GOMP_loop_ull_##kind##_next(ull *istart, ull *iend)                                                 \
    {                                                                                                                  \
        return gomp_next_ull(istart, iend);                                                                            \
    }

#define LOOP(kind, ordered, ...)                                                                                       \
    MO_EXPORT bool GOMP_loop_##kind##_start(long start, long end, long incr, long chunk, long *istart, long *iend)     \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        return start_long(m, gomp_long_loop(start, end, incr, chunk, __VA_ARGS__), ordered, istart, iend);             \
    }                                                                                                                  \
    MO_EXPORT bool GOMP_loop_ull_##kind##_start(bool up, ull start, ull end, ull incr, ull chunk, ull *istart,         \
                                                ull *iend)                                                             \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        return start_ull(m, gomp_ull_loop(up, start, end, incr, chunk, __VA_ARGS__), ordered, istart, iend);           \
    }                                                                                                                  \
    NEXT(kind)

#define LOOP_RUNTIME(kind, ordered, ...)                                                                               \
    MO_EXPORT bool GOMP_loop_##kind##_start(long start, long end, long incr, long *istart, long *iend)                 \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        return start_long(m, gomp_long_loop(start, end, incr, 0, __VA_ARGS__), ordered, istart, iend);                 \
    }                                                                                                                  \
    MO_EXPORT bool GOMP_loop_ull_##kind##_start(bool up, ull start, ull end, ull incr, ull *istart, ull *iend)         \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        return start_ull(m, gomp_ull_loop(up, start, end, incr, 0, __VA_ARGS__), ordered, istart, iend);               \
    }                                                                                                                  \
    NEXT(kind)

LOOP(static, false, GOMP_STATIC)
LOOP(dynamic, false, GOMP_DYNAMIC)
LOOP(guided, false, GOMP_GUIDED)
LOOP(nonmonotonic_dynamic, false, GOMP_NM_DYNAMIC)
LOOP(nonmonotonic_guided, false, GOMP_NM_GUIDED)
LOOP(ordered_static, true, GOMP_STATIC)
LOOP(ordered_dynamic, true, GOMP_DYNAMIC)
LOOP(ordered_guided, true, GOMP_GUIDED)
LOOP_RUNTIME(runtime, false, GOMP_RUNTIME)
LOOP_RUNTIME(nonmonotonic_runtime, false, GOMP_NM_RUNTIME)
LOOP_RUNTIME(maybe_nonmonotonic_runtime, false, GOMP_NM_RUNTIME)
LOOP_RUNTIME(ordered_runtime, true, GOMP_RUNTIME)

MO_EXPORT void GOMP_loop_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    mo_team_barrier(m);
}

MO_EXPORT void GOMP_loop_end_nowait(void)
{
    mo_work_end(mo_self());
}

MO_EXPORT void GOMP_ordered_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_ordered_begin(m);
}

MO_EXPORT void GOMP_ordered_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_ordered_end(m);
}

MO_EXPORT unsigned GOMP_sections_next(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return (unsigned)mo_sections_next(m);
}

MO_EXPORT unsigned GOMP_sections_start(unsigned count)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_sections_begin(m, count);
    return (unsigned)mo_sections_next(m);
}

MO_EXPORT void GOMP_sections_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, MO_OBS_BARRIER_WORKSHARE);
    mo_team_barrier(m);
}

MO_EXPORT void GOMP_sections_end_nowait(void)
{
    mo_work_end(mo_self());
}
