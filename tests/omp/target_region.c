/* Target regions on the host: what they see of the world outside, and that all threads may be in one at a time. */
#include <omp.h>
#include "check.h"

static int initial_threads;

static void expect_fresh(void)
{
    CHECK_EQ(omp_get_thread_num(), 0);
    CHECK_EQ(omp_get_num_threads(), 1);
    CHECK_EQ(omp_get_level(), 0);
    CHECK_EQ(omp_get_active_level(), 0);
    CHECK_EQ(omp_in_parallel(), 0);
    CHECK_EQ(omp_in_final(), 0);
    CHECK_EQ(omp_get_ancestor_thread_num(0), 0);
    CHECK_EQ(omp_get_ancestor_thread_num(1), -1);
    CHECK_EQ(omp_get_team_size(0), 1);
    CHECK_EQ(omp_get_team_num(), 0);
    CHECK_EQ(omp_get_num_teams(), 1);
    CHECK_EQ(omp_get_max_threads(), initial_threads);
    CHECK_EQ(omp_get_max_active_levels(), 1);
    CHECK_EQ(omp_get_default_device(), 0);
    CHECK(omp_get_thread_limit() > 1000);
    CHECK(omp_is_initial_device());
    CHECK_EQ(omp_get_device_num(), omp_get_initial_device());
}

static void from_outside(void)
{
    int seen = 0;
#pragma omp target map(tofrom : seen)
    {
        expect_fresh();
        omp_set_num_threads(7);
        seen = omp_get_max_threads();
    }
    CHECK_EQ(seen, 7);
    CHECK_EQ(omp_get_max_threads(), initial_threads);
}

/* A target region starts from the device's ICVs, not from those of the task that meets it. */
static void with_other_settings(void)
{
    int outer = omp_get_max_active_levels();
    omp_set_num_threads(initial_threads + 3);
    omp_set_max_active_levels(5);
    omp_set_default_device(3);
#pragma omp target
    expect_fresh();
    CHECK_EQ(omp_get_max_threads(), initial_threads + 3);
    CHECK_EQ(omp_get_max_active_levels(), 5);
    CHECK_EQ(omp_get_default_device(), 3);
    omp_set_num_threads(initial_threads);
    omp_set_max_active_levels(outer);
    omp_set_default_device(-4);
    CHECK_EQ(omp_get_default_device(), 0);
}

static void in_parallel(int rounds)
{
    int sum = 0;
#pragma omp parallel num_threads(4)
    for (int i = 0; i < rounds; i++) {
        int me = omp_get_thread_num(), size = omp_get_num_threads();
#pragma omp target map(tofrom : sum) firstprivate(me)
        {
            expect_fresh();
#pragma omp atomic
            sum += me + 1;
#pragma omp parallel num_threads(2)
            {
                CHECK_EQ(omp_get_level(), 1);
                CHECK_EQ(omp_get_ancestor_thread_num(0), 0);
                CHECK_EQ(omp_get_team_size(1), omp_get_num_threads());
            }
        }
        CHECK_EQ(omp_get_thread_num(), me);
        CHECK_EQ(omp_get_num_threads(), size);
        CHECK_EQ(omp_get_level(), 1);
    }
    CHECK_EQ(sum, 10 * rounds);
}

/* Work-sharing binds to the team of the target region, not to the one around it. */
static void bindings(int rounds)
{
    int singles = 0, after = 0;
#pragma omp parallel num_threads(4)
    {
#pragma omp for schedule(dynamic)
        for (int i = 0; i < rounds; i++) {
#pragma omp target map(tofrom : singles)
#pragma omp parallel num_threads(3)
            {
#pragma omp single
#pragma omp atomic
                singles++;
            }
        }
#pragma omp single
        after++;
    }
    CHECK_EQ(singles, rounds);
    CHECK_EQ(after, 1);
}

static void loops(int rounds)
{
    int wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
    for (int i = 0; i < rounds; i++) {
        int here = 0;
#pragma omp target map(tofrom : here)
#pragma omp parallel for schedule(dynamic, 2) num_threads(3) reduction(+ : here)
        for (int k = 0; k < 10; k++)
            here++;
        wrong += here != 10;
    }
    CHECK_EQ(wrong, 0);
}

/* Outside parallel regions tasks run at once, here as anywhere; all have ended when the target region ends. */
static void tasks_inside(void)
{
    int done = 0, in_order = 1;
#pragma omp target map(tofrom : done, in_order)
    {
        for (int i = 0; i < 200; i++) {
#pragma omp task shared(done)
#pragma omp atomic
            done++;
        }
#pragma omp taskwait
        in_order = done == 200;
#pragma omp task shared(done)
        done = 0;
        in_order += done == 0;
#pragma omp parallel num_threads(3)
#pragma omp single
        for (int i = 0; i < 200; i++) {
#pragma omp task shared(done)
#pragma omp atomic
            done++;
        }
#pragma omp task shared(done)
#pragma omp atomic
        done++;
    }
    CHECK_EQ(in_order, 2);
    CHECK_EQ(done, 201);
}

/* Constructs that bind to a team of one. */
static int alone(void)
{
    int sum = 0, order = 0;
#pragma omp for schedule(dynamic, 3) ordered
    for (int i = 0; i < 20; i++) {
        sum += i;
#pragma omp ordered
        order += order == i;
    }
#pragma omp for schedule(runtime) nowait
    for (int i = 0; i < 20; i++)
        sum += i;
#pragma omp sections
    {
#pragma omp section
        sum += 1000;
#pragma omp section
        sum += 2000;
    }
#pragma omp single
    sum += 4000;
#pragma omp barrier
#pragma omp critical
    sum += 8000;
#pragma omp master
    sum += 16000;
    return sum + 100000 * order;
}

static void orphans(void)
{
    int expected = 31000 + 2 * 190 + 20 * 100000, wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
    for (int k = 0; k < 20; k++) {
        int found = 0;
#pragma omp target map(tofrom : found)
        found = alone();
        wrong += found != expected;
    }
    CHECK_EQ(wrong, 0);
    int found[2] = {0};
#pragma omp teams num_teams(2) shared(found)
    found[omp_get_team_num()] = alone();
    CHECK_EQ(found[0], expected);
    CHECK_EQ(found[1], expected);
}

static int fib(int n)
{
    int a, b;
    if (n < 2)
        return n;
#pragma omp task shared(a)
    a = fib(n - 1);
    b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

static void in_tasks(void)
{
    int done = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int i = 0; i < SCALED(200); i++) {
#pragma omp task shared(done)
#pragma omp target map(tofrom : done)
        {
            int result = 0;
            expect_fresh();
#pragma omp parallel num_threads(2)
#pragma omp single
            result = fib(8);
#pragma omp atomic
            done += result == 21;
        }
    }
    CHECK_EQ(done, SCALED(200));
}

static void limits(void)
{
    int limit = 0, size = 0;
#pragma omp target thread_limit(3) map(tofrom : limit, size)
    {
        limit = omp_get_thread_limit();
#pragma omp parallel num_threads(6)
#pragma omp single
        size = omp_get_num_threads();
    }
    CHECK_EQ(limit, 3);
    CHECK_EQ(size, 3);
    int clause = 2;
#pragma omp target parallel thread_limit(clause) num_threads(6) map(tofrom : size)
#pragma omp single
    size = omp_get_num_threads();
    CHECK_EQ(size, 2);
#pragma omp parallel num_threads(3)
#pragma omp single
    size = omp_get_num_threads();
    CHECK_EQ(size, 3);
}

static void devices(void)
{
    int ran = 0;
    for (int d = -3; d < 4; d++) {
#pragma omp target device(d) map(tofrom : ran)
        ran++;
    }
#pragma omp target if (ran < 0) map(tofrom : ran)
    ran++;
    CHECK_EQ(ran, 8);
}

int main(void)
{
    initial_threads = omp_get_max_threads();
    omp_set_dynamic(0);
    from_outside();
    with_other_settings();
    in_parallel(SCALED(200) + 1);
    bindings(SCALED(200) + 1);
    loops(SCALED(100) + 1);
    tasks_inside();
    orphans();
    in_tasks();
    tasks_inside(); /* now there are blocks that tasks could be stored in */
    limits();
    devices();
    return check_result();
}
