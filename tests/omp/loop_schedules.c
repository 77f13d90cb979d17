/* Every schedule, for signed and unsigned variables, upwards and downwards: each iteration runs exactly once. */
#include <limits.h>
#include <omp.h>
#include "check.h"

enum { TRIPS_MAX = 1000 };

typedef unsigned long long ull;

static int seen[TRIPS_MAX];

static void verify(long trips, const char *what)
{
    for (long i = 0; i < TRIPS_MAX; i++) {
        if (seen[i] != (i < trips) && check_first_lines())
            fprintf(stderr, "%s: iteration %ld of %ld ran %d times\n", what, i, trips, seen[i]);
        seen[i] = 0;
    }
}

static void mark(long trip)
{
    __atomic_fetch_add(&seen[trip], 1, __ATOMIC_RELAXED);
}

static void all_have_run(long trips)
{
    long total = 0;
    for (long i = 0; i < TRIPS_MAX; i++)
        total += __atomic_load_n(&seen[i], __ATOMIC_RELAXED);
    CHECK_EQ(total, trips);
}

/* One function per schedule and type: a loop upwards, one downwards without a wait at its end, and one whose end
   must wait for all iterations. */
#define PRAGMA(text) _Pragma(#text)
#define LOOPS(name, type, ...)                                                                                         \
    static void name##_##type(type first, type trips, type step)                                                       \
    {                                                                                                                  \
        type last = first + trips * step;                                                                              \
        PRAGMA(omp parallel for schedule(__VA_ARGS__))                                                                 \
        for (type i = first; i < last; i += step)                                                                      \
            mark((long)((i - first) / step));                                                                          \
        verify((long)trips, #__VA_ARGS__ " up, " #type);                                                               \
        PRAGMA(omp parallel)                                                                                           \
        {                                                                                                              \
            PRAGMA(omp for schedule(__VA_ARGS__) nowait)                                                               \
            for (type i = last; i > first; i -= step)                                                                  \
                mark((long)((last - i) / step));                                                                       \
        }                                                                                                              \
        verify((long)trips, #__VA_ARGS__ " down, " #type);                                                             \
        PRAGMA(omp parallel)                                                                                           \
        {                                                                                                              \
            PRAGMA(omp for schedule(__VA_ARGS__))                                                                      \
            for (type i = first; i <= last - 1; i += step)                                                             \
                mark((long)((i - first) / step));                                                                      \
            all_have_run((long)trips);                                                                                 \
        }                                                                                                              \
        verify((long)trips, #__VA_ARGS__ " waits at its end, " #type);                                                 \
    }

/* clang-format off */
#define SCHEDULES(row, type) \
    row(plain_static, type, static) \
    row(static_one, type, static, 1) \
    row(static_seven, type, static, 7) \
    row(plain_dynamic, type, dynamic) \
    row(dynamic_six, type, dynamic, 6) \
    row(dynamic_mono, type, monotonic : dynamic, 3) \
    row(dynamic_nonmono, type, nonmonotonic : dynamic, 5) \
    row(plain_guided, type, guided) \
    row(guided_four, type, guided, 4) \
    row(guided_mono, type, monotonic : guided) \
    row(guided_nonmono, type, nonmonotonic : guided, 2) \
    row(plain_auto, type, auto) \
    row(plain_runtime, type, runtime) \
    row(runtime_mono, type, monotonic : runtime) \
    row(runtime_nonmono, type, nonmonotonic : runtime)
/* clang-format on */

#define DEFINE(name, type, ...) LOOPS(name, type, __VA_ARGS__)
#define CALL(name, type, ...)   name##_##type(first, trips, step);

#define ALL(type)                                                                                                      \
    SCHEDULES(DEFINE, type)                                                                                            \
    static void all_##type(type first, type trips, type step)                                                          \
    {                                                                                                                  \
        SCHEDULES(CALL, type)                                                                                          \
    }
ALL(int)
ALL(long)
ALL(ull)

static void all_types(int trips, int step)
{
    all_int(-100, trips, step);
    all_long(-(1L << 40), trips, step);
    all_ull(ULLONG_MAX / 2 - 50, (ull)trips, (ull)step);
}

int main(void)
{
    const int trips[] = {1, 2, 7, 64, TRIPS_MAX};
    const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto};
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        omp_set_schedule(kinds[k], (int)k * 2);
        for (unsigned t = 0; t < sizeof trips / sizeof *trips; t++)
            all_types(trips[t], (int)(1 + (k + t) % 3));
    }
    return check_result();
}
