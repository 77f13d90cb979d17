#include <tbb/scalable_allocator.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

extern "C" {
#include "memory.h"
#include "pairs.h"
}

static tbb::task_arena *arena;

static void begin(int workers)
{
    arena = new tbb::task_arena(workers);
}

static double spawn_join()
{
    double before = bench_now_ns();
    arena->execute([] {
        for (int i = 0; i < SPAWNS; i++) {
            tbb::task_group group;
            group.run([] {});
            group.wait();
        }
    });
    return (bench_now_ns() - before) / SPAWNS;
}

static double spawn_wait()
{
    double before = bench_now_ns();
    arena->execute([] {
        tbb::task_group group;
        for (int i = 0; i < SPAWNS; i++)
            group.run([] {});
        group.wait();
    });
    return (bench_now_ns() - before) / SPAWNS;
}

static long fib(long n)
{
    if (n < 2)
        return n;
    long a, b;
    tbb::task_group group;
    group.run([&a, n] { a = fib(n - 1); });
    b = fib(n - 2);
    group.wait();
    return a + b;
}

static double fibs()
{
    double before = bench_now_ns();
    arena->execute([] { bench_expect("fib", fib(FIB), FIB_VALUE); });
    return (bench_now_ns() - before) / FIB_TASKS;
}

static void *get_object()
{
    return scalable_malloc(OBJECT_BYTES);
}

static void put_object(void *o)
{
    scalable_free(o);
}

/* An arena for one thread alone, which is inside: nobody begins a task. */
static tbb::task_arena alone(1);
static tbb::task_group outstanding;

static void spawn_outstanding()
{
    alone.execute([] {
        for (long i = 0; i < OUTSTANDING; i++)
            outstanding.run([i] { *(volatile long *)&i; });
    });
}

static void end_outstanding()
{
    alone.execute([] { outstanding.wait(); });
}

static double memory()
{
    return bytes_of_outstanding(spawn_outstanding, end_outstanding);
}

/* A thread of the program's is a worker there while it waits. */
int main(int argc, char **argv)
{
    static const struct task_row rows[] = {
        {"spawn_join", spawn_join}, {"spawn_wait", spawn_wait}, {"fib", fibs}, {"outside", spawn_wait}, {"pool", pool},
        {"pool_many", pool_many},   {"memory", memory},         {NULL, NULL}};
    return measure_rows("tbb", rows, argc, argv, begin);
}
