/* Regions as compilers before GCC 4.9 opened them: a start call, the master runs the body itself, an end call. */
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

enum { TRIPS = 1000 };

struct sums {
    long threads, trips[TRIPS];
};

static void count_thread(void *data)
{
    struct sums *sums = data;
    __atomic_fetch_add(&sums->threads, 1, __ATOMIC_RELAXED);
}

static void plain_pair(unsigned wanted, long expected)
{
    struct sums sums = {0};
    GOMP_parallel_start(count_thread, &sums, wanted);
    CHECK_EQ(omp_get_num_threads(), expected);
    CHECK_EQ(omp_get_thread_num(), 0);
    count_thread(&sums);
    GOMP_parallel_end();
    CHECK_EQ(sums.threads, expected);
    CHECK_EQ(omp_get_num_threads(), 1);
}

static void mark(struct sums *sums, long from, long to)
{
    for (long i = from; i < to; i++)
        __atomic_fetch_add(&sums->trips[i], 1, __ATOMIC_RELAXED);
}

/* In the combined forms the loop is set up by the start call, so that threads only ask for the next part. */
#define BODY(kind)                                                                                                     \
    static void body_##kind(void *data)                                                                                \
    {                                                                                                                  \
        long from, to;                                                                                                 \
        count_thread(data);                                                                                            \
        while (GOMP_loop_##kind##_next(&from, &to))                                                                    \
            mark(data, from, to);                                                                                      \
        GOMP_loop_end_nowait();                                                                                        \
    }
BODY(static)
BODY(dynamic)
BODY(guided)
BODY(runtime)

static void finish(struct sums *sums, gomp_fn *body, long threads)
{
    body(sums);
    GOMP_parallel_end();
    CHECK_EQ(sums->threads, threads);
    for (int i = 0; i < TRIPS; i++)
        CHECK_EQ(sums->trips[i], 1);
}

static void combined_loops(unsigned threads)
{
    struct sums sums = {0};
    GOMP_parallel_loop_static_start(body_static, &sums, threads, 0, TRIPS, 1, 7);
    finish(&sums, body_static, threads);
    sums = (struct sums){0};
    GOMP_parallel_loop_dynamic_start(body_dynamic, &sums, threads, 0, TRIPS, 1, 3);
    finish(&sums, body_dynamic, threads);
    sums = (struct sums){0};
    GOMP_parallel_loop_guided_start(body_guided, &sums, threads, 0, TRIPS, 1, 2);
    finish(&sums, body_guided, threads);
    sums = (struct sums){0};
    GOMP_parallel_loop_runtime_start(body_runtime, &sums, threads, 0, TRIPS, 1);
    finish(&sums, body_runtime, threads);
}

static void sections_body(void *data)
{
    struct sums *sums = data;
    count_thread(data);
    for (unsigned s; (s = GOMP_sections_next()) != 0;)
        mark(sums, s, s + 1);
    GOMP_sections_end_nowait();
}

static void combined_sections(unsigned threads, unsigned count)
{
    struct sums sums = {0};
    GOMP_parallel_sections_start(sections_body, &sums, threads, count);
    sections_body(&sums);
    GOMP_parallel_end();
    CHECK_EQ(sums.threads, threads);
    for (unsigned i = 0; i < TRIPS; i++)
        CHECK_EQ(sums.trips[i], i >= 1 && i <= count);
}

static void nested_pair(void)
{
    struct sums outer = {0}, inner = {0};
    omp_set_max_active_levels(2);
    GOMP_parallel_start(count_thread, &outer, 3);
    count_thread(&outer);
    GOMP_parallel_start(count_thread, &inner, 2);
    CHECK_EQ(omp_get_level(), 2);
    count_thread(&inner);
    GOMP_parallel_end();
    CHECK_EQ(omp_get_num_threads(), 3);
    GOMP_parallel_end();
    CHECK_EQ(outer.threads, 3);
    CHECK_EQ(inner.threads, 2);
}

int main(void)
{
    for (int round = 0; round < SCALED(50) + 1; round++) {
        plain_pair(0, omp_get_max_threads());
        plain_pair(1, 1);
        plain_pair(5, 5);
        combined_loops(1);
        combined_loops(4);
        combined_sections(3, 1);
        combined_sections(2, 20);
    }
    nested_pair();
    return check_result();
}
