// taskloop with objects: each task has a copy of its own, made from the original, and destroyed once; and lastprivate.
#include "check.h"

#include <omp.h>

static long alive;

struct counted {
    long value;
    explicit counted(long v) : value(v)
    {
        __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    }
    counted(const counted &other) : value(other.value)
    {
        __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    }
    ~counted()
    {
        __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
    }
};

static int global;

static void objects()
{
    counted c(5);
    long sum = 0;
#pragma omp taskloop firstprivate(c) shared(sum) grainsize(3)
    for (int i = 0; i < 100; i++) {
        __atomic_fetch_add(&sum, c.value, __ATOMIC_RELAXED);
        c.value = i % 3 == 2 || i == 99 ? c.value : 5;
    }
    CHECK_EQ(sum, 500);
}

static void changed_copy()
{
    int own = 1, wrong = 0;
#pragma omp taskloop firstprivate(own) shared(wrong) grainsize(1)
    for (int i = 0; i < 200; i++) {
        if (own != 1)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
        own = 2;
    }
    CHECK_EQ(wrong, 0);
}

static void last_of_global()
{
    global = 77;
#pragma omp taskloop firstprivate(global) lastprivate(global) nogroup
    for (int i = 0; i < 64; i++)
        if (i == 63)
            global = i + 9;
#pragma omp taskwait
    CHECK_EQ(global, 72);
}

static void last_of_step()
{
    long i;
#pragma omp taskloop lastprivate(i)
    for (i = 7; i < 12; i += 2)
        ;
    CHECK_EQ(i, 13);
}

int main()
{
    for (int round = 0; round < SCALED(50) + 1; round++) {
#pragma omp parallel
#pragma omp single
        {
            objects();
            changed_copy();
            last_of_global();
            last_of_step();
        }
        objects();
        changed_copy();
        CHECK_EQ(alive, 0);
    }
    return check_result();
}
