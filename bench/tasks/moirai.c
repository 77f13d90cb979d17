#include <moirai/moirai.h>
#include <stdint.h>
#include <unistd.h>

#include "memory.h"
#include "pairs.h"

static moirai_executor_t *executor;
static moirai_pool_t *objects;
static int worker_count;

static void make_executor(int workers, int strategy, size_t remembered)
{
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    bench_expect("workers", moirai_executor_attr_set_workers(&attr, (unsigned)workers), MOIRAI_OK);
    if (remembered)
        bench_expect("a registry", moirai_executor_attr_set_retention(&attr, 1000000000, remembered, 1000000000),
                     MOIRAI_OK);
    if (strategy >= 0)
        bench_expect("a strategy", moirai_executor_attr_set_steal(&attr, strategy), MOIRAI_OK);
    bench_expect("an executor", moirai_executor_new(&executor, &attr), MOIRAI_OK);
}

static void begin(int workers)
{
    worker_count = workers;
    make_executor(workers, -1, 0);
    bench_expect("a pool", moirai_pool_new(&objects, OBJECT_BYTES, 0, 0), MOIRAI_OK);
}

static void nothing(void *data)
{
    (void)data;
}

/* In a worker, whatever that takes to wake: what moirai_run() asks for the caller may run himself, from outside of the
   executor. */
static double inside(void (*body)(void *ns))
{
    double ns = 0;
    moirai_task_attr_t attr;
    moirai_task_t task;
    moirai_task_attr_init(&attr);
    bench_expect("a place", moirai_task_attr_set_worker(&attr, 0, MOIRAI_STRICT), MOIRAI_OK);
    bench_expect("a task", moirai_spawn_with(executor, &task, &attr, body, &ns, sizeof ns), MOIRAI_OK);
    bench_expect("its end", moirai_join(&task, &ns), MOIRAI_OK);
    return ns;
}

static void join_each(void *ns)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        moirai_task_t task;
        moirai_spawn(NULL, &task, nothing, NULL, 0);
        moirai_join(&task, NULL);
    }
    *(double *)ns = (bench_now_ns() - before) / SPAWNS;
}

static double spawn_join(void)
{
    return inside(join_each);
}

static void wait_for_all(void *ns)
{
    moirai_group_t *group;
    double before = bench_now_ns();
    moirai_group_open(&group, executor, 0);
    for (int i = 0; i < SPAWNS; i++)
        moirai_group_spawn(group, NULL, nothing, NULL, 0);
    bench_expect("a group", moirai_group_close(group), MOIRAI_OK);
    *(double *)ns = (bench_now_ns() - before) / SPAWNS;
}

static double spawn_wait(void)
{
    return inside(wait_for_all);
}

static double outside(void)
{
    double ns;
    wait_for_all(&ns);
    return ns;
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
    moirai_task_t task;
    moirai_spawn(NULL, &task, fib, &a, sizeof a);
    fib(&b);
    moirai_join(&task, &a);
    f->value = a.value + b.value;
}

static void fib_in_worker(void *ns)
{
    struct fib f = {FIB, 0};
    double before = bench_now_ns();
    fib(&f);
    *(double *)ns = (bench_now_ns() - before) / FIB_TASKS;
    bench_expect("fib", f.value, FIB_VALUE);
}

static double fibs(void)
{
    return inside(fib_in_worker);
}

/* From the end of a task to the return of the join, on one worker: the time stamp counter as the last thing in the task
   and the first after the join, behind fences, so that nothing of the join is moved across. */
static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t now;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(now)::"memory");
    return now;
#else
    return (uint64_t)bench_now_ns();
#endif
}

static void say_when(void *when)
{
    *(uint64_t *)when = ticks();
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The mean of all but the longest tenth, which are interruptions. Not the median: the counter may go up in steps of 10
   ns or more, of which the mean sees fractions. */
static double usual(uint64_t *took)
{
    double sum = 0;
    qsort(took, SPAWNS, sizeof *took, compare);
    for (int i = 0; i < SPAWNS * 9 / 10; i++)
        sum += (double)took[i];
    return sum / (SPAWNS * 9 / 10);
}

static void join_and_look(void *ns)
{
    static uint64_t took[SPAWNS], look[SPAWNS];
    uint64_t began = ticks();
    double began_ns = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        moirai_task_t task;
        uint64_t then = 0;
        moirai_spawn(NULL, &task, say_when, &then, sizeof then);
        moirai_join(&task, &then);
        uint64_t now = ticks();
        took[i] = now - then;
        look[i] = ticks() - now; /* what looking takes is in both */
    }
    double ns_per_tick = (bench_now_ns() - began_ns) / (double)(ticks() - began);
    *(double *)ns = (usual(took) - usual(look)) * ns_per_tick;
}

static double latency(void)
{
    return inside(join_and_look);
}

static void replace_executor(int strategy, size_t remembered)
{
    bench_expect("its end", moirai_executor_shutdown(executor, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    moirai_executor_free(executor);
    make_executor(worker_count, strategy, remembered);
}

/* With a registry, and where another executor has had one: what `spawn_join` is without. */
static double registry_on(void)
{
    static bool made;
    if (!made)
        replace_executor(-1, 1000);
    made = true;
    return inside(join_each);
}

static double registry_off(void)
{
    static bool made;
    if (!made) {
        replace_executor(-1, 1000);
        inside(join_each);
        replace_executor(-1, 0);
    }
    made = true;
    return inside(join_each);
}

/* ---- How much thieves take: a task of 5 us out of one deque, with all that goes with it. */
static void five_us(void *data)
{
    (void)data;
    for (double end = bench_now_ns() + 5000; bench_now_ns() < end;)
        ;
}

static void share_out(void *ns)
{
    moirai_group_t *group;
    double before = bench_now_ns();
    moirai_group_open(&group, NULL, 0);
    for (int i = 0; i < SPAWNS / 10; i++)
        moirai_group_spawn(group, NULL, five_us, NULL, 0);
    bench_expect("a group", moirai_group_close(group), MOIRAI_OK);
    *(double *)ns = (bench_now_ns() - before) / (SPAWNS / 10);
}

static double share_by(int strategy)
{
    static int present = -1;
    if (present != strategy) { /* in the round that warms up */
        replace_executor(strategy, 0);
        present = strategy;
    }
    return inside(share_out);
}

static double share_one(void)
{
    return share_by(MOIRAI_STEAL_ONE);
}

static double share_half(void)
{
    return share_by(MOIRAI_STEAL_HALF);
}

static double share_quarter(void)
{
    return share_by(MOIRAI_STEAL_QUARTER);
}

static double share_adaptive(void)
{
    return share_by(MOIRAI_STEAL_ADAPTIVE);
}

/* ---- Memory. */
static void *get_object(void)
{
    return moirai_pool_get(objects);
}

static void put_object(void *o)
{
    moirai_pool_put(objects, o);
}

static int released;

static void block(void *data)
{
    (void)data;
    while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
        usleep(100);
}

static void spawn_outstanding(void)
{
    moirai_task_attr_t attr;
    moirai_task_attr_init(&attr);
    for (int i = 0; i < worker_count; i++) {
        moirai_task_attr_set_worker(&attr, (unsigned)i, MOIRAI_STRICT);
        bench_expect("a task", moirai_spawn_with(executor, NULL, &attr, block, NULL, 0), MOIRAI_OK);
    }
    for (long i = 0; i < OUTSTANDING; i++)
        bench_expect("a task", moirai_spawn(executor, NULL, nothing, &i, sizeof i), MOIRAI_OK);
}

static void end_outstanding(void)
{
    __atomic_store_n(&released, 1, __ATOMIC_RELEASE);
}

static double memory(void)
{
    return bytes_of_outstanding(spawn_outstanding, end_outstanding);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"spawn_join", spawn_join},
                                           {"spawn_wait", spawn_wait},
                                           {"fib", fibs},
                                           {"outside", outside},
                                           {"latency", latency},
                                           {"registry_off", registry_off},
                                           {"registry_on", registry_on},
                                           {"share_one", share_one},
                                           {"share_quarter", share_quarter},
                                           {"share_half", share_half},
                                           {"share_adaptive", share_adaptive},
                                           {"pool", pool},
                                           {"pool_many", pool_many},
                                           {"memory", memory},
                                           {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
