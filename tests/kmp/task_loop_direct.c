/* taskloop as newer compilers call it: sizes that are strict, steps, a function that copies the task, groups or
   none. */
#include "check.h"
#include "task_calls.h"

#include <omp.h>

enum { TRIPS_MAX = 60, NONE = 0, GRAINSIZE = 1, NUM_TASKS = 2 };

struct block {
    struct loop_task loop;
    int mark, copied;
};

struct shared {
    int *runs, *tasks, *last, *destroyed, *smallest, *biggest;
    uint64_t begin;
    int64_t step;
};

static void note(int *place, int value, int smaller)
{
#pragma omp critical(note)
    if (smaller ? value < *place : value > *place)
        *place = value;
}

static int32_t run(int32_t id, struct task *t)
{
    struct block *b = (struct block *)t;
    struct shared *s = t->shareds;
    int iterations = 0;
    CHECK_EQ(id, gtid());
    CHECK_EQ(b->mark, 77);
    CHECK_EQ(b->loop.step, s->step);
    for (uint64_t i = b->loop.lower;; i += (uint64_t)s->step) {
        __atomic_fetch_add(&s->runs[(int64_t)(i - s->begin) / s->step], 1, __ATOMIC_RELAXED);
        iterations++;
        if (i == b->loop.upper || iterations > TRIPS_MAX)
            break;
    }
    __atomic_fetch_add(s->tasks, 1, __ATOMIC_RELAXED);
    if (b->copied)
        __atomic_fetch_add(s->last, b->loop.last, __ATOMIC_RELAXED);
    note(s->smallest, iterations, 1);
    note(s->biggest, iterations, 0);
    return 0;
}

static int32_t destroy(int32_t id, struct task *t)
{
    struct shared *s = t->shareds;
    CHECK_EQ(((struct block *)t)->mark, 77);
    ((struct block *)t)->mark = 0;
    __atomic_fetch_add(s->destroyed, 1, __ATOMIC_RELAXED);
    return 0;
}

static void dup(struct task *to, struct task *from, int32_t last)
{
    CHECK_EQ(((struct block *)from)->mark, 77);
    CHECK(to->shareds != from->shareds);
    ((struct block *)to)->loop.last = last;
    ((struct block *)to)->copied = 1;
}

static void loop(int trips, int64_t step, int sched, int amount, int strict, int copies, int if_clause, int nogroup)
{
    int runs[TRIPS_MAX] = {0}, tasks = 0, last = 0, destroyed = 0, smallest = TRIPS_MAX + 1, biggest = 0;
    struct shared s = {runs, &tasks, &last, &destroyed, &smallest, &biggest, (uint64_t)-20, step};
    struct block *b = (struct block *)alloc(TIED | (copies ? DESTRUCTORS : 0), sizeof *b, sizeof s, run);
    memcpy(b->loop.task.shareds, &s, sizeof s);
    b->mark = 77;
    b->copied = 0;
    b->loop.lower = s.begin;
    b->loop.upper = s.begin + (uint64_t)(trips - 1) * (uint64_t)step;
    b->loop.step = step;
    b->loop.task.data1.destructors = destroy;
    __kmpc_taskloop_5(NULL, gtid(), &b->loop.task, if_clause, &b->loop.lower, &b->loop.upper, step, nogroup, sched,
                      (uint64_t)amount, strict, copies ? (void *)dup : NULL);
    if (nogroup)
        __kmpc_omp_taskwait(NULL, gtid());
    for (int i = 0; i < trips; i++)
        CHECK_EQ(runs[i], 1);
    if (copies) {
        CHECK_EQ(last, 1);
        CHECK_EQ(destroyed, tasks + 1); /* and the pattern */
    }
    if (sched == NUM_TASKS)
        CHECK_EQ(tasks, amount < trips ? amount : trips);
    if (sched == GRAINSIZE && strict) {
        CHECK_EQ(tasks, (trips + amount - 1) / amount);
        CHECK_EQ(biggest, amount < trips ? amount : trips);
    } else if (sched == GRAINSIZE) {
        CHECK(smallest >= (amount < trips ? amount : trips));
        CHECK(biggest < 2 * amount);
    }
}

static void all(void)
{
    static const int64_t steps[] = {1, 3, -1, -7};
    int n = 0;
    for (int trips = 1; trips < TRIPS_MAX; trips += 7)
        for (int amount = 1; amount < 70; amount += 11)
            for (int sched = NONE; sched <= NUM_TASKS; sched++, n++)
                loop(trips, steps[n % 4], sched, amount, n / 4 % 2, n / 3 % 2, n % 5 != 0, n / 2 % 2);
}

int main(void)
{
    all();
#pragma omp parallel
#pragma omp single
    all();
#pragma omp parallel
    all();
    return check_result();
}
