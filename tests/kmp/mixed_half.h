/* What both halves of mixed.c do, compiled once by GCC and once by clang: HALF is a part of their names. */
#include <omp.h>
#include <unistd.h>
#include "mixed.h"

#define PASTE(a, b)    a##_##b
#define NAMED(a, b)    PASTE(a, b)
#define FUNCTION(name) NAMED(name, HALF)

/* A region; `inside` runs in each of its threads. */
void FUNCTION(region)(int threads, void (*inside)(void *), void *data)
{
#pragma omp parallel num_threads(threads)
    inside(data);
}

/* For a thread of a team, whoever made it: a share of a loop, and a barrier of all. */
long FUNCTION(loop)(const int *numbers, int count)
{
    long sum = 0;
#pragma omp for schedule(dynamic, 3)
    for (int i = 0; i < count; i++)
        sum += numbers[i];
    return sum;
}

void FUNCTION(spawn)(int count, void (*body)(void *), void *data)
{
    for (int i = 0; i < count; i++)
#pragma omp task firstprivate(body, data)
        body(data);
}

void FUNCTION(wait_for_tasks)(void)
{
#pragma omp taskwait
}

/* Tasks that follow one another through `place`, of which some are the other half's. */
void FUNCTION(link)(int *place, int expected, int *wrong)
{
#pragma omp task depend(inout : place[0]) firstprivate(place, expected, wrong)
    {
        usleep(10);
        if (*place != expected)
            __atomic_fetch_add(wrong, 1, __ATOMIC_RELAXED);
        *place = expected + 1;
    }
}

/* The group ends when the tasks of `inside` have, whoever made them. */
void FUNCTION(group)(void (*inside)(void *), void *data)
{
#pragma omp taskgroup
    inside(data);
}

void FUNCTION(critical)(int *count)
{
#pragma omp critical(shared_by_both)
    ++*count;
}

/* Threads of a team count in turns at barriers, so each half has to release the other's threads. */
void FUNCTION(barrier)(void)
{
#pragma omp barrier
}

int FUNCTION(single)(void)
{
    int chosen = 0;
#pragma omp single nowait
    chosen = 1;
    return chosen;
}

void FUNCTION(settings)(struct settings *s)
{
    s->threads = omp_get_max_threads();
    s->levels = omp_get_max_active_levels();
    s->dynamic = omp_get_dynamic();
    omp_get_schedule(&s->kind, &s->chunk);
}

void FUNCTION(set)(const struct settings *s)
{
    omp_set_num_threads(s->threads);
    omp_set_max_active_levels(s->levels);
    omp_set_dynamic(s->dynamic);
    omp_set_schedule(s->kind, s->chunk);
}

void FUNCTION(lock)(omp_lock_t *lock)
{
    omp_set_lock(lock);
}

void FUNCTION(unlock)(omp_lock_t *lock)
{
    omp_unset_lock(lock);
}
