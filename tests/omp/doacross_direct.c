/* The doacross entry points called as compiled code calls them: every way to begin such a loop, spaces whose positions
   cannot be numbered in 64 bits, positions outside the space, iterations that post nothing or twice. */
#include <omp.h>
#include <unistd.h>
#include "check.h"
#include "gomp_abi.h"

enum { TRIPS = 150, MONOTONIC_BIT = 31 };

static unsigned long value[TRIPS]; /* which may overflow */
static long sum_of_parts;
static long chunk;

static void verify(const char *what, long trips)
{
    unsigned long expected = 0;
    for (long i = 0; i < trips; i++) {
        expected = 3 * expected + (unsigned long)i;
        if (value[i] != expected && check_first_lines())
            fprintf(stderr, "%s chunk %ld: value %ld is %lu, expected %lu\n", what, chunk, i, value[i], expected);
    }
    memset(value, 0, sizeof value);
}

/* Iterations from..to-1, each of which needs the one before. */
static void run_long(long from, long to)
{
    for (long i = from; i < to; i++) {
        if (i > 0)
            GOMP_doacross_wait(i - 1);
        value[i] = 3 * (i > 0 ? value[i - 1] : 0) + (unsigned long)i;
        GOMP_doacross_post(&i);
    }
}

static void run_ull(ull from, ull to)
{
    for (ull i = from; i < to; i++) {
        if (i > 0)
            GOMP_doacross_ull_wait(i - 1);
        value[i] = 3 * (i > 0 ? value[i - 1] : 0) + i;
        GOMP_doacross_ull_post(&i);
    }
}

/* ---- Every start call, with the calls that GCC uses to go on. */
#define LOOP(name, next, ...)                                                                                          \
    static void signed_##name(void *unused)                                                                            \
    {                                                                                                                  \
        long counts[1] = {TRIPS}, from, to;                                                                            \
        void *mem = (void *)sizeof(long);                                                                              \
        (void)unused, (void)mem;                                                                                       \
        if (GOMP_loop_doacross_##name(1, counts, ##__VA_ARGS__))                                                       \
            do                                                                                                         \
                run_long(from, to);                                                                                    \
            while (GOMP_loop_##next##_next(&from, &to));                                                               \
        GOMP_loop_end();                                                                                               \
    }                                                                                                                  \
    static void unsigned_##name(void *unused)                                                                          \
    {                                                                                                                  \
        ull counts[1] = {TRIPS}, from, to;                                                                             \
        void *mem = (void *)sizeof(long);                                                                              \
        (void)unused, (void)mem;                                                                                       \
        if (GOMP_loop_ull_doacross_##name(1, counts, ##__VA_ARGS__))                                                   \
            do                                                                                                         \
                run_ull(from, to);                                                                                     \
            while (GOMP_loop_ull_##next##_next(&from, &to));                                                           \
        GOMP_loop_end();                                                                                               \
    }                                                                                                                  \
    static void all_##name(void)                                                                                       \
    {                                                                                                                  \
        GOMP_parallel(signed_##name, NULL, 0, 0);                                                                      \
        verify(#name, TRIPS);                                                                                          \
        GOMP_parallel(unsigned_##name, NULL, 0, 0);                                                                    \
        verify("ull " #name, TRIPS);                                                                                   \
    }

static long sched;
LOOP(static_start, static, chunk, &from, &to)
LOOP(dynamic_start, dynamic, chunk, &from, &to)
LOOP(guided_start, guided, chunk, &from, &to)
LOOP(runtime_start, runtime, &from, &to)
LOOP(start, runtime, sched | 1L << MONOTONIC_BIT, chunk, &from, &to, NULL, &mem)

static void every_start(void)
{
    const long chunks[] = {1, 2, 7, 1000};
    for (unsigned c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        chunk = chunks[c];
        all_static_start();
        all_dynamic_start();
        all_guided_start();
        for (sched = 0; sched <= 3; sched++)
            all_start();
    }
    chunk = 0;
    all_static_start();
    sched = 1;
    all_start();
    for (int kind = omp_sched_static; kind <= (int)omp_sched_auto; kind++) {
        omp_set_schedule((omp_sched_t)kind, 3);
        all_runtime_start();
    }
}

/* ---- Positions far apart in inner dimensions. A later one on the diagonal may wait for the same of the row before. */
enum { ROWS = 24, STOPS = 6 };
static long row[ROWS][STOPS];
static long far_counts[3];

static long stop_at(long stop, long count)
{
    return stop < STOPS / 2 ? stop : count - (STOPS - stop);
}

static void run_row(long i)
{
    for (long s = 0; s < STOPS; s++) {
        long at[3] = {i, stop_at(s, far_counts[1]), stop_at(s, far_counts[2])};
        if (i > 0)
            GOMP_doacross_wait(i - 1, at[1], at[2]);
        if (s > 0)
            GOMP_doacross_wait(i, stop_at(s - 1, far_counts[1]), stop_at(s - 1, far_counts[2]));
        row[i][s] = 1 + (i > 0 ? row[i - 1][s] : 0) + (s > 0 ? row[i][s - 1] : 0);
        GOMP_doacross_post(at);
    }
}

static void far_rows(void *unused)
{
    long counts[3] = {ROWS, far_counts[1], far_counts[2]}, from, to;
    (void)unused;
    bool more = GOMP_loop_doacross_start(3, counts, sched | 1L << MONOTONIC_BIT, chunk, &from, &to, NULL, NULL);
    counts[0] = counts[1] = counts[2] = 0; /* the compiler uses the place for something else */
    for (; more; more = GOMP_loop_runtime_next(&from, &to))
        for (long i = from; i < to; i++)
            run_row(i);
    GOMP_loop_end();
}

static void verify_rows(void)
{
    for (long i = 0; i < ROWS; i++)
        for (long s = 0; s < STOPS; s++)
            CHECK_EQ(row[i][s], 1 + (i > 0 ? row[i - 1][s] : 0) + (s > 0 ? row[i][s - 1] : 0));
    memset(row, 0, sizeof row);
}

static void large_spaces(void)
{
    const long sizes[][2] = {
        {100, 100}, {1L << 20, 1L << 21}, {1L << 40, 1L << 40}, {1L << 62, 1L << 62}, {8, 1L << 62}};
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        far_counts[1] = sizes[s][0];
        far_counts[2] = sizes[s][1];
        for (sched = 1; sched <= 3; sched++)
            for (chunk = sched == 1 ? 0 : 1; chunk < 6; chunk += 2) {
                GOMP_parallel(far_rows, NULL, 0, 0);
                verify_rows();
            }
    }
}

/* ---- What only this runtime promises. */
static void outside_of_the_space(void *unused)
{
    long counts[2] = {100, 10}, from, to;
    (void)unused;
    if (GOMP_loop_doacross_dynamic_start(2, counts, 1, &from, &to))
        do {
            GOMP_doacross_wait(-1, 0);
            GOMP_doacross_wait(from - 1, -1);
            GOMP_doacross_wait(from - 1, 10);
            GOMP_doacross_wait(100, 0);
        } while (GOMP_loop_dynamic_next(&from, &to));
    GOMP_loop_end();
}

static void outside_of_the_ull_space(void *unused)
{
    ull counts[1] = {~0ull}, from, to;
    (void)unused;
    if (GOMP_loop_ull_doacross_static_start(1, counts, 0, &from, &to))
        GOMP_doacross_ull_wait(~0ull);
    GOMP_loop_end_nowait();
}

/* Some post nothing, some twice. */
static void careless_posts(void *unused)
{
    long counts[1] = {TRIPS}, from, to;
    (void)unused;
    if (GOMP_loop_doacross_start(1, counts, sched | 1L << MONOTONIC_BIT, chunk, &from, &to, NULL, NULL))
        do {
            for (long i = from; i < to; i++) {
                if (i > 0)
                    GOMP_doacross_wait(i - 1);
                value[i] = 3 * (i > 0 ? value[i - 1] : 0) + (unsigned long)i;
                for (long times = i % 3; times > 0; times--)
                    GOMP_doacross_post(&i);
            }
        } while (GOMP_loop_runtime_next(&from, &to));
    GOMP_loop_end();
}

/* One iteration is slow, and the others do not care: threads run far ahead, and still nothing is lost when somebody
   asks for the slow one at the end. */
static void slow_once(long i)
{
    if (i == 3) {
        usleep(20000);
        value[3] = 4711;
    }
    if (i > 4990) {
        GOMP_doacross_wait(3L);
        CHECK_EQ(value[3], 4711);
    }
    __atomic_fetch_add(&sum_of_parts, i, __ATOMIC_RELAXED);
    GOMP_doacross_post(&i);
}

static void run_ahead(void *unused)
{
    long counts[1] = {5000}, from, to;
    (void)unused;
    if (GOMP_loop_doacross_dynamic_start(1, counts, 1, &from, &to))
        do
            for (long i = from; i < to; i++)
                slow_once(i);
        while (GOMP_loop_dynamic_next(&from, &to));
    GOMP_loop_end();
}

static void beyond_the_reference(void)
{
    GOMP_parallel(outside_of_the_space, NULL, 0, 0);
    GOMP_parallel(outside_of_the_ull_space, NULL, 0, 0);
    for (sched = 1; sched <= 3; sched++)
        for (chunk = 1; chunk < 6; chunk += 2) {
            GOMP_parallel(careless_posts, NULL, 0, 0);
            verify("careless posts", TRIPS);
        }
    GOMP_parallel(run_ahead, NULL, 0, 0);
    CHECK_EQ(sum_of_parts, 5000L * 4999 / 2);
}

static void no_iterations(void *unused)
{
    long counts[2] = {0, 5}, from, to;
    ull ull_counts[2] = {5, 0}, ull_from, ull_to;
    (void)unused;
    CHECK(!GOMP_loop_doacross_static_start(2, counts, 0, &from, &to));
    GOMP_loop_end_nowait();
    CHECK(!GOMP_loop_doacross_dynamic_start(2, counts, 3, &from, &to));
    GOMP_loop_end_nowait();
    CHECK(!GOMP_loop_doacross_guided_start(2, counts, 3, &from, &to));
    GOMP_loop_end_nowait();
    if (GOMP_loop_ull_doacross_guided_start(2, ull_counts, 1, &ull_from, &ull_to))
        while (GOMP_loop_ull_guided_next(&ull_from, &ull_to))
            ;
    GOMP_loop_end();
}

int main(void)
{
    /* The reference waits without ever giving its processor away: each hand-over may take a time slice. */
    if (check_is_reference() && omp_get_max_threads() > 2)
        return 0;
    every_start();
    large_spaces();
    GOMP_parallel(no_iterations, NULL, 0, 0);
    no_iterations(NULL); /* outside all regions */
    if (!check_is_reference())
        beyond_the_reference();
    return check_result();
}
