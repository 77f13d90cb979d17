/* reduction(task, ...) on regions, loops of all schedules, sections and scopes: both the threads and the tasks they
   make add up. Regions in regions, constructs in a row, constructs in scopes. */
#include <omp.h>
#include "check.h"

#define PRAGMA(text) _Pragma(#text)

enum { N = 120 };

/* Tasks in a function that knows an address alone. */
static void add_by_task(long *sum, long value)
{
#pragma omp task in_reduction(+ : sum[0])
    sum[0] += value;
}

static void region(int threads)
{
    long sum = 7, plain = 0, members = 0;
    unsigned mask = 0;
#pragma omp parallel num_threads(threads) reduction(task, + : sum, members) reduction(+ : plain)                       \
    reduction(task, | : mask)
    {
        members++;
        plain++;
        for (int i = 0; i < 20; i++)
            add_by_task(&sum, i);
#pragma omp task in_reduction(+ : sum) in_reduction(| : mask)
        {
            sum += 1000;
            mask |= 1u << omp_get_thread_num() % 8;
            add_by_task(&sum, 5);
        }
#pragma omp barrier
        sum += 1;
    }
    CHECK_EQ(members, threads);
    CHECK_EQ(plain, threads);
    CHECK_EQ(sum, 7 + threads * (190 + 1000 + 5 + 1));
    CHECK(mask != 0 && mask < 256);
}

#define LOOP(name, ...)                                                                                                \
    static void name(long *sum, long *array)                                                                           \
    {                                                                                                                  \
        PRAGMA(omp for reduction(task, + : sum[0]) reduction(task, + : array[3 : 5]) schedule(__VA_ARGS__))            \
        for (int i = 0; i < N; i++) {                                                                                  \
            sum[0] += 1;                                                                                               \
            add_by_task(sum, i);                                                                                       \
            PRAGMA(omp task in_reduction(+ : array [3:5]))                                                             \
            array[3 + i % 5] += i;                                                                                     \
        }                                                                                                              \
    }

/* clang-format off */
#define SCHEDULES(row) \
    row(plain_static, static) \
    row(static_three, static, 3) \
    row(plain_dynamic, dynamic) \
    row(dynamic_four, dynamic, 4) \
    row(monotonic_dynamic, monotonic : dynamic) \
    row(plain_guided, guided) \
    row(plain_auto, auto) \
    row(plain_runtime, runtime)
/* clang-format on */
SCHEDULES(LOOP)

typedef void loop_fn(long *sum, long *array);
#define NAME(name, ...) name,
static loop_fn *const loops[] = {SCHEDULES(NAME)};
enum { LOOPS = sizeof loops / sizeof *loops };

static void check_loop(long sum, const long *array)
{
    CHECK_EQ(sum, N + N * (N - 1) / 2);
    for (int k = 0; k < 9; k++) {
        long expected = 0;
        for (int i = k - 3; k >= 3 && k < 8 && i < N; i += 5)
            expected += i;
        CHECK_EQ(array[k], expected);
    }
}

static void all_loops(void)
{
    for (int l = 0; l < LOOPS; l++) {
        long sum = 0, array[9] = {0};
#pragma omp parallel
        loops[l](&sum, array);
        check_loop(sum, array);
    }
}

static void outside_regions(void)
{
    for (int l = 0; l < LOOPS; l++) {
        long sum = 0, array[9] = {0};
        loops[l](&sum, array);
        check_loop(sum, array);
    }
}

/* One after the other in one region; the sum of the last is there after its barrier. */
static void in_a_row(void)
{
    long sums[LOOPS] = {0}, arrays[LOOPS][9] = {{0}};
#pragma omp parallel
    for (int l = 0; l < LOOPS; l++) {
        loops[l](&sums[l], arrays[l]);
        check_loop(sums[l], arrays[l]);
    }
}

static void collapsed_and_unsigned(void)
{
    long a = 0, b = 0, c = 0;
#pragma omp parallel
    {
#pragma omp for collapse(2) reduction(task, + : a) schedule(dynamic)
        for (int i = 0; i < 12; i++)
            for (int k = 10; k > 0; k--)
                add_by_task(&a, k);
#pragma omp for reduction(task, + : b) schedule(guided)
        for (unsigned long long i = 5; i < 95; i += 3)
            add_by_task(&b, (long)i);
#pragma omp for ordered reduction(task, + : c) schedule(dynamic, 2)
        for (int i = 0; i < 50; i++) {
#pragma omp ordered
            c += 1;
            add_by_task(&c, i);
        }
    }
    CHECK_EQ(a, 12 * 55);
    CHECK_EQ(b, 30 * (5 + 92) / 2);
    CHECK_EQ(c, 50 + 1225);
}

static void depends_on_rows(void)
{
    long sum = 0, row[40] = {0};
#pragma omp parallel for ordered(1) reduction(task, + : sum) schedule(static, 1)
    for (int i = 1; i < 40; i++) {
        add_by_task(&sum, 1);
#pragma omp ordered depend(sink : i - 1)
        row[i] = row[i - 1] + 1;
        sum += row[i];
#pragma omp ordered depend(source)
    }
    CHECK_EQ(sum, 39 + 39 * 40 / 2);
    sum = 0;
    memset(row, 0, sizeof row);
#pragma omp parallel
#pragma omp for ordered(1) reduction(task, + : sum) schedule(dynamic)
    for (int i = 1; i < 40; i++) {
        add_by_task(&sum, 1);
#pragma omp ordered depend(sink : i - 1)
        row[i] = row[i - 1] + 1;
        sum += row[i];
#pragma omp ordered depend(source)
    }
    CHECK_EQ(sum, 39 + 39 * 40 / 2);
}

static void sections(void)
{
    long sum = 0;
#pragma omp parallel
    {
#pragma omp sections reduction(task, + : sum)
        {
            add_by_task(&sum, 1);
#pragma omp section
            sum += 10;
#pragma omp section
            for (int i = 0; i < 30; i++)
                add_by_task(&sum, 100);
        }
        CHECK_EQ(sum, 3011);
    }
}

/* A scope may hold work-sharing constructs, so what belongs to it outlasts theirs. */
static void scopes(void)
{
    long outer = 0, inner = 0, looped = 0;
    int threads = 0;
#pragma omp parallel reduction(+ : threads)
    {
        threads++;
#pragma omp scope reduction(task, + : outer)
        {
            add_by_task(&outer, 1);
#pragma omp scope reduction(task, + : inner)
            {
#pragma omp for reduction(task, + : looped) schedule(dynamic)
                for (int i = 0; i < N; i++) {
                    add_by_task(&outer, 10);
                    add_by_task(&inner, 100);
                    add_by_task(&looped, 1000);
                }
                for (int k = 0; k < 5; k++)
#pragma omp for schedule(dynamic) nowait
                    for (int i = 0; i < 10; i++)
                        add_by_task(&inner, 1);
                inner += 1;
            }
            outer += 2;
        }
    }
    CHECK_EQ(outer, N * 10 + threads * 3);
    CHECK_EQ(inner, N * 100 + 50 + threads);
    CHECK_EQ(looped, N * 1000);
}

/* Inside: a region that reduces the copy which the outer region gave the thread, one that reduces something else, and
   groups in both. */
static void regions_in_regions(void)
{
    long sum = 0, other = 0;
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(3) reduction(task, + : sum, other)
    {
        add_by_task(&sum, 1);
#pragma omp parallel num_threads(2) reduction(task, + : sum) shared(other)
        {
            long mine = 0;
            add_by_task(&sum, 10);
#pragma omp taskgroup task_reduction(+ : mine)
            {
                add_by_task(&mine, 100);
                add_by_task(&sum, 1000);
            }
            CHECK_EQ(mine, 100);
#pragma omp task in_reduction(+ : sum)
            {
                long alone = 0;
                sum += 10000;
#pragma omp parallel num_threads(1) reduction(task, + : alone)
                add_by_task(&alone, 1);
                sum += alone;
            }
        }
        add_by_task(&other, 1);
    }
    omp_set_max_active_levels(1);
    CHECK_EQ(sum, 3 * (1 + 2 * (10 + 1000 + 10000 + 1)));
    CHECK_EQ(other, 3);
}

int main(void)
{
    const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto};
    for (int round = 0; round < SCALED(20) + 1; round++) {
        omp_set_schedule(kinds[round % 4], round % 6);
        region(1 + round % 7);
        region(omp_get_max_threads());
        all_loops();
        in_a_row();
        collapsed_and_unsigned();
        sections();
        scopes();
        regions_in_regions();
    }
    for (int round = 0; !check_is_reference() && round < SCALED(10) + 1; round++) {
        depends_on_rows(); /* the reference keeps its processor while it waits, */
        outside_regions(); /* and its regions hang after this */
    }
    return check_result();
}
