/* Region and loop in one call: the entry points called as GCC calls them, and the constructs it makes them from. */
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

enum { TRIPS = 777 };

static int seen[TRIPS];

static void verify_all_once(void)
{
    for (int i = 0; i < TRIPS; i++) {
        CHECK_EQ(seen[i], 1);
        seen[i] = 0;
    }
}

#define BODY(kind)                                                                                                     \
    static void body_##kind(void *data)                                                                                \
    {                                                                                                                  \
        long from, to, step = *(long *)data;                                                                           \
        while (GOMP_loop_##kind##_next(&from, &to))                                                                    \
            for (long i = from; step > 0 ? i < to : i > to; i += step)                                                 \
                __atomic_fetch_add(&seen[i / labs(step)], 1, __ATOMIC_RELAXED);                                        \
        GOMP_loop_end_nowait();                                                                                        \
    }
BODY(static)
BODY(dynamic)
BODY(guided)
BODY(runtime)
BODY(nonmonotonic_dynamic)
BODY(nonmonotonic_guided)
BODY(nonmonotonic_runtime)
BODY(maybe_nonmonotonic_runtime)

#define ROUND(kind, ...)                                                                                               \
    do {                                                                                                               \
        long up = 5, down = -2;                                                                                        \
        GOMP_parallel_loop_##kind(body_##kind, &up, threads, 0, TRIPS * 5L, up, ##__VA_ARGS__, 0);                     \
        verify_all_once();                                                                                             \
        GOMP_parallel_loop_##kind(body_##kind, &down, threads, TRIPS * 2L - 2, -1, down, ##__VA_ARGS__, 0);            \
        verify_all_once();                                                                                             \
    } while (0)

static void direct_calls(unsigned threads)
{
    ROUND(static, 0);
    ROUND(static, 11);
    ROUND(dynamic, 1);
    ROUND(dynamic, 10000);
    ROUND(guided, 4);
    ROUND(nonmonotonic_dynamic, 2);
    ROUND(nonmonotonic_guided, 1);
    ROUND(runtime);
    ROUND(nonmonotonic_runtime);
    ROUND(maybe_nonmonotonic_runtime);
}

static void sections_body(void *data)
{
    for (unsigned s; (s = GOMP_sections_next()) != 0;)
        __atomic_fetch_add(&((int *)data)[s], 1, __ATOMIC_RELAXED);
    GOMP_sections_end_nowait();
}

static void direct_sections(unsigned threads, unsigned count)
{
    int done[40] = {0};
    GOMP_parallel_sections(sections_body, done, threads, count, 0);
    for (unsigned i = 0; i < 40; i++)
        CHECK_EQ(done[i], i >= 1 && i <= count);
}

/* With constant bounds GCC emits the combined calls. */
static void compiled(void)
{
#pragma omp parallel for schedule(dynamic, 2)
    for (int i = 0; i < TRIPS; i++)
        seen[i]++;
    verify_all_once();
#pragma omp parallel for schedule(guided)
    for (int i = TRIPS - 1; i >= 0; i--)
        seen[i]++;
    verify_all_once();
#pragma omp parallel for schedule(runtime)
    for (int i = 0; i < TRIPS; i++)
        seen[i]++;
    verify_all_once();
}

int main(void)
{
    for (int round = 0; round < SCALED(20) + 1; round++) {
        direct_calls(0);
        direct_calls(1);
        direct_calls(3);
        direct_sections(0, 1);
        direct_sections(2, 33);
        direct_sections(7, 3);
        compiled();
    }
    return check_result();
}
