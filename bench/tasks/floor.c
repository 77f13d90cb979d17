/* What cannot be beaten: the same rows without threads, locks or atomic operations. A task is a function and 32 bytes
   on a stack of its own, which the creator takes back from, as a work-stealing stack without thieves does; objects are
   malloc()'s. */
#include "pairs.h"

struct task {
    void (*fn)(void *data);
    void *data[4];
};

static struct task *stack, *top;

static void begin(int workers)
{
    (void)workers;
    stack = malloc((SPAWNS + 100) * sizeof *stack);
    top = stack;
    bench_expect("a stack", stack != NULL, 1);
}

/* Not inlined: what a task calls is not known where it is joined. */
static __attribute__((noinline)) void spawn(void (*fn)(void *data), const void *data, size_t bytes)
{
    top->fn = fn;
    memcpy(top->data, data, bytes);
    top++;
}

static __attribute__((noinline)) void *join(void)
{
    top--;
    top->fn(top->data);
    return top->data;
}

static void nothing(void *data)
{
    (void)data;
}

static double spawn_join(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        spawn(nothing, &before, 0);
        join();
    }
    return (bench_now_ns() - before) / SPAWNS;
}

static double spawn_wait(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++)
        spawn(nothing, &before, 0);
    while (top > stack)
        join();
    return (bench_now_ns() - before) / SPAWNS;
}

struct fib {
    long n, value;
};

static void fib(void *data)
{
    struct fib *f = data;
    f->value = f->n;
    if (f->n < 2)
        return;
    struct fib a = {f->n - 1, 0}, b = {f->n - 2, 0};
    spawn(fib, &a, sizeof a);
    fib(&b);
    f->value = ((struct fib *)join())->value + b.value;
}

static double fibs(void)
{
    struct fib f = {FIB, 0};
    double before = bench_now_ns();
    fib(&f);
    bench_expect("fib", f.value, FIB_VALUE);
    return (bench_now_ns() - before) / FIB_TASKS;
}

static void *get_object(void)
{
    return malloc(OBJECT_BYTES);
}

static void put_object(void *o)
{
    free(o);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"spawn_join", spawn_join},
                                           {"spawn_wait", spawn_wait},
                                           {"fib", fibs},
                                           {"pool", pool},
                                           {"pool_many", pool_many},
                                           {NULL, NULL}};
    return measure_rows("floor", rows, argc, argv, begin);
}
