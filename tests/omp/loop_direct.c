/* The loop entry points called as compiled code calls them, every schedule, long and unsigned long long: the parts
   handed out are not empty, lie on the grid of the loop and cover it once. Monotonic ones go one way on a thread. */
#include <limits.h>
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

enum { TRIPS_MAX = 300 };

struct shape {
    long start, end, incr, chunk;
};

static int seen[TRIPS_MAX];
static struct shape shape;

static void take(long from, long to)
{
    CHECK(shape.incr > 0 ? from < to : from > to);
    for (long i = from; shape.incr > 0 ? i < to : i > to; i += shape.incr) {
        long trip = (i - shape.start) / shape.incr;
        CHECK_EQ((i - shape.start) % shape.incr, 0);
        if (trip >= 0 && trip < TRIPS_MAX)
            __atomic_fetch_add(&seen[trip], 1, __ATOMIC_RELAXED);
    }
}

static void verify(const char *what)
{
    long trips = (shape.end - shape.start + shape.incr + (shape.incr > 0 ? -1 : 1)) / shape.incr;
    for (long i = 0; i < TRIPS_MAX; i++) {
        if (seen[i] != (i < trips) && check_first_lines())
            fprintf(stderr, "%s %ld..%ld by %ld chunk %ld: trip %ld ran %d times\n", what, shape.start, shape.end,
                    shape.incr, shape.chunk, i, seen[i]);
        seen[i] = 0;
    }
}

/* The unsigned twin runs the same loop shifted so that all its values are positive. */
#define BIAS 100000
#define BODY(kind, monotonic, ...)                                                                                     \
    static void signed_##kind(void *unused)                                                                            \
    {                                                                                                                  \
        long from, to, last = shape.incr > 0 ? LONG_MIN : LONG_MAX;                                                    \
        (void)unused;                                                                                                  \
        if (GOMP_loop_##kind##_start(shape.start, shape.end, shape.incr, ##__VA_ARGS__, &from, &to))                   \
            do {                                                                                                       \
                take(from, to);                                                                                        \
                if (monotonic)                                                                                         \
                    check_true(shape.incr > 0 ? from > last : from < last, #kind " goes one way", __FILE__, __LINE__); \
                last = from;                                                                                           \
            } while (GOMP_loop_##kind##_next(&from, &to));                                                             \
        GOMP_loop_end();                                                                                               \
    }                                                                                                                  \
    static void unsigned_##kind(void *unused)                                                                          \
    {                                                                                                                  \
        ull from, to, start = (ull)(shape.start + BIAS), end = (ull)(shape.end + BIAS);                                \
        (void)unused;                                                                                                  \
        if (GOMP_loop_ull_##kind##_start(shape.incr > 0, start, end, (ull)shape.incr, ##__VA_ARGS__, &from, &to))      \
            do                                                                                                         \
                take((long)from - BIAS, (long)to - BIAS);                                                              \
            while (GOMP_loop_ull_##kind##_next(&from, &to));                                                           \
        GOMP_loop_end_nowait();                                                                                        \
    }                                                                                                                  \
    static void run_##kind(void)                                                                                       \
    {                                                                                                                  \
        GOMP_parallel(signed_##kind, NULL, 0, 0);                                                                      \
        verify(#kind);                                                                                                 \
        GOMP_parallel(unsigned_##kind, NULL, 0, 0);                                                                    \
        verify("ull " #kind);                                                                                          \
    }

#define CHUNK shape.chunk
BODY(static, 1, CHUNK)
BODY(dynamic, 1, CHUNK)
BODY(guided, 1, CHUNK)
BODY(nonmonotonic_dynamic, 0, CHUNK)
BODY(nonmonotonic_guided, 0, CHUNK)
BODY(runtime, 1)
BODY(nonmonotonic_runtime, 0)
BODY(maybe_nonmonotonic_runtime, 0)

static void run_all(void)
{
    run_static();
    run_dynamic();
    run_guided();
    run_nonmonotonic_dynamic();
    run_nonmonotonic_guided();
    run_runtime();
    run_nonmonotonic_runtime();
    run_maybe_nonmonotonic_runtime();
}

int main(void)
{
    const struct shape shapes[] = {{0, 300, 1, 1},      {-7, 290, 1, 4},   {0, 299, 7, 3},  {150, -150, -1, 2},
                                   {1000, -11, -13, 5}, {3, 4, 1, 1},      {10, 11, 20, 1}, {0, 1, 1, 100},
                                   {-5, -35, -10, 1},   {0, 300, 1, 1000}, {0, 0, 1, 1},    {50, 50, -1, 2}};
    const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto,
                                 omp_sched_monotonic | omp_sched_dynamic};
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        omp_set_schedule(kinds[k], (int)k);
        for (unsigned s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            shape = shapes[s];
            run_all();
        }
    }
    return check_result();
}
