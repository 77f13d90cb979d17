/* Target tasks: nowait lets them run later and elsewhere, depend puts them into order with other tasks, data constructs
   included. */
#include <omp.h>
#include <unistd.h>
#include "check.h"

static void chain(int tasks)
{
    int value = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int i = 0; i < tasks; i++)
#pragma omp target nowait depend(inout : value) map(tofrom : value, wrong) firstprivate(i)
    {
        wrong += value != i;
        value = i + 1;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(value, tasks);
}

static void mixed_with_tasks(int rounds)
{
    int a = 0, b = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
#pragma omp task depend(out : a) shared(a) firstprivate(k)
        a = k;
#pragma omp target nowait depend(in : a) depend(out : b) map(tofrom : a, b)
        b = a;
#pragma omp target enter data map(to : b) nowait depend(inout : b)
#pragma omp target update to(b) nowait depend(inout : b)
#pragma omp target exit data map(from : b) nowait depend(inout : b)
#pragma omp task depend(in : a, b) shared(a, b, wrong) firstprivate(k)
        {
            if (a != k || b != k)
                __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
        }
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(b, rounds);
}

/* Without nowait the construct itself waits for what it depends on. */
static void synchronous(int rounds)
{
    int value = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
        int seen = -1;
#pragma omp task depend(out : value) shared(value) firstprivate(k)
        {
            if (k % 16 == 0)
                usleep(200);
            value = k;
        }
#pragma omp target depend(in : value) map(tofrom : value, seen)
        seen = value;
        wrong += seen != k;
#pragma omp task depend(out : value) shared(value) firstprivate(k)
        value = -k;
        if (k % 3 == 0) {
#pragma omp target update from(value) depend(in : value)
        } else if (k % 3 == 1) {
#pragma omp target enter data map(to : value) depend(in : value)
        } else {
#pragma omp target exit data map(from : value) depend(in : value)
        }
        wrong += value != -k;
    }
    CHECK_EQ(wrong, 0);
}

/* A data construct with nothing to move still stands between those that depend on each other. */
static void data_task_is_a_link(int rounds)
{
    int x = 0, y = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
#pragma omp task depend(out : x) shared(x) firstprivate(k)
        {
            if (k % 16 == 0)
                usleep(200);
            x = k;
        }
#pragma omp target update to(x) nowait depend(in : x) depend(out : y)
#pragma omp task depend(in : y) depend(inout : x) shared(x, wrong) firstprivate(k)
        wrong += x != k;
    }
    (void)y;
    CHECK_EQ(wrong, 0);
}

static void waited_for(int rounds)
{
    int by_taskwait = 0, by_group = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
#pragma omp target nowait map(tofrom : by_taskwait)
        by_taskwait++;
#pragma omp taskwait
        wrong += by_taskwait != k;
#pragma omp taskgroup
#pragma omp target teams distribute parallel for nowait map(tofrom : by_group) num_teams(2)
        for (int i = 0; i < 10; i++)
            __atomic_fetch_add(&by_group, 1, __ATOMIC_RELAXED);
        wrong += by_group != 10 * k;
    }
    CHECK_EQ(wrong, 0);
}

/* With nowait the creator goes on although what comes before has not ended. */
static void creator_goes_on(int rounds)
{
    int x = 0, y = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
        int go = 0;
#pragma omp task depend(out : x) shared(x, go) firstprivate(k)
        {
            while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
                usleep(50);
            x = k;
        }
#pragma omp target nowait depend(in : x) depend(out : y) map(tofrom : x, y)
        y = x;
#pragma omp target update to(y) nowait depend(inout : y)
#pragma omp target exit data map(from : y) nowait depend(inout : y)
        __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
#pragma omp taskwait
        wrong += y != k;
    }
    CHECK_EQ(wrong, 0);
}

/* Copies that are too large for a task's own block. */
static void large_copies(int rounds)
{
    static struct {
        char bytes[3 << 20];
    } huge;
    int value = 0, wrong = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
#pragma omp task depend(inout : value) shared(value)
        value++;
        memset(huge.bytes, k, sizeof huge.bytes);
#pragma omp target nowait depend(inout : value) firstprivate(huge, k) map(tofrom : value, wrong)
        {
            wrong += huge.bytes[0] != (char)k || huge.bytes[sizeof huge.bytes - 1] != (char)k || value != 2 * k - 1;
            value++;
        }
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(value, 2 * rounds);
}

static void outside_regions(void)
{
    int value = 0;
    for (int i = 0; i < 50; i++)
#pragma omp target nowait depend(inout : value) map(tofrom : value) firstprivate(i)
        value = value * 3 % 1000 + i;
#pragma omp target update from(value) nowait depend(in : value)
#pragma omp taskwait
    int expected = 0;
    for (int i = 0; i < 50; i++)
        expected = expected * 3 % 1000 + i;
    CHECK_EQ(value, expected);
}

static void regions_in_parallel(int rounds)
{
    int total = 0;
#pragma omp parallel num_threads(4)
    {
        for (int k = 0; k < rounds; k++) {
#pragma omp target nowait map(tofrom : total)
            {
                int here = 0;
#pragma omp parallel num_threads(2) reduction(+ : here)
                here += 1;
                __atomic_fetch_add(&total, here > 0, __ATOMIC_RELAXED);
            }
        }
#pragma omp barrier
        CHECK_EQ(__atomic_load_n(&total, __ATOMIC_RELAXED), rounds * omp_get_num_threads());
    }
}

int main(void)
{
    omp_set_dynamic(0);
    chain(SCALED(1000));
    mixed_with_tasks(SCALED(300));
    synchronous(SCALED(300));
    data_task_is_a_link(SCALED(300));
    waited_for(SCALED(100));
    creator_goes_on(SCALED(100));
    large_copies(SCALED(40));
    outside_regions();
    regions_in_parallel(SCALED(100));
    return check_result();
}
