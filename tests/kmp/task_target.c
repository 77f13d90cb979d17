/* Target regions with nowait and depend, which clang compiles for the host as tasks of their own kind: all of them run,
   wherever they are waited for and whatever else is there, in the order that dependences give, and after the tasks that
   are there to be run. */
#include "check.h"

#include <omp.h>

#define MANY 200

static int turn;

static int next_turn(void)
{
    return __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED);
}

/* One thread has a task to run all the time, so the target regions have to wait. */
static void come_last(void)
{
    int x[4], target[2] = {-1, -1}, task[2] = {-1, -1};
    turn = 0;
#pragma omp task depend(out : x[0]) shared(task)
    task[0] = next_turn();
#pragma omp target nowait depend(out : x[1]) map(from : target[0])
    target[0] = next_turn();
#pragma omp target nowait depend(out : x[2]) map(from : target[1])
    target[1] = next_turn();
#pragma omp task depend(out : x[3]) shared(task)
    task[1] = next_turn();
#pragma omp taskwait
    CHECK_EQ(task[0] + task[1], 1);
    CHECK_EQ(target[0], 2);
    CHECK_EQ(target[1], 3);
}

/* A task that depends on a target region, which depends on a task, and so on. */
static void take_turns(void)
{
    int x = 0, sum = 0;
    for (int i = 0; i < MANY; i++) {
#pragma omp task depend(inout : x) shared(x)
        x++;
#pragma omp target nowait depend(inout : x) map(tofrom : x)
        x += 2;
#pragma omp target nowait depend(in : x) map(to : x) map(tofrom : sum)
#pragma omp atomic
        sum += x;
    }
#pragma omp taskwait
    CHECK_EQ(x, 3 * MANY);
    CHECK_EQ(sum, 3 * MANY * (MANY + 1) / 2);
}

static void count_in(int *ran, int depth)
{
    int x[8];
    for (int i = 0; i < 8; i++) {
#pragma omp target nowait depend(out : x[i]) map(tofrom : ran [0:1])
#pragma omp atomic
        ran[0]++;
        if (depth) {
#pragma omp task firstprivate(ran)
            count_in(ran, depth - 1);
        }
    }
    if (depth == 1) {
#pragma omp taskwait
    } else if (depth == 2) {
#pragma omp taskgroup
        count_in(ran, 0);
    }
}

/* Without one's own waiting: under LLVM's runtime the end of a region does not wait for target regions. */
static void count(void)
{
    for (int i = 0; i < SCALED(20); i++) {
        int ran = 0;
#pragma omp parallel
#pragma omp single nowait
        count_in(&ran, 2);
        CHECK_EQ(ran, 8 + 8 + 8 * 8 + 8 * 8 * 8);
#pragma omp parallel num_threads(1)
        count_in(&ran, 1);
        CHECK_EQ(ran, 2 * 8 + 2 * 8 * 8 + 8 * 8 * 8 + 8);
    }
}

int main(void)
{
    take_turns();
#pragma omp parallel
#pragma omp single
    take_turns();
    if (check_is_reference())
        return check_result();
    count();
#pragma omp parallel num_threads(1)
    come_last();
    return check_result();
}
