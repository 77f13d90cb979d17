/* Are tasks really parallel? An unbalanced tree of tasks does its work in leaves of one microsecond of arithmetic. The
   same leaves are also run by one thread and, split evenly, by bare pthreads, which is as good as this machine gets at
   this moment. All three are taken in turns, so that whatever disturbs one disturbs the others. */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <omp.h>

#define LEAVES     20000
#define LEAF_NS    1000.0
#define ROUNDS_MIN 5

/* Steps of arithmetic that last LEAF_NS. */
static long leaf_steps;
static _Thread_local long leaves_run;
static long leaves_of[BENCH_THREADS_MAX];

static uint64_t mix(uint64_t x)
{
    x = x * 6364136223846793005u + 1442695040888963407u;
    return x ^ (x >> 29);
}

__attribute__((noinline)) static uint64_t do_leaf(long index, long steps)
{
    uint64_t x = (uint64_t)index;
    for (long i = 0; i < steps; i++)
        x = mix(x);
    return x;
}

static void calibrate_leaf(void)
{
    const long steps = 200000;
    double best = 1e18;
    for (int try = 0; try < 20; try++) {
        double start = bench_now_ns();
        long value = (long)do_leaf(try, steps);
        bench_keep(&value);
        double took = bench_now_ns() - start;
        best = took < best ? took : best;
    }
    leaf_steps = (long)(LEAF_NS * (double)steps / best) + 1;
}

static uint64_t do_leaves(long from, long to)
{
    uint64_t sum = 0;
    for (long i = from; i < to; i++)
        sum += do_leaf(i, leaf_steps);
    return sum;
}

/* Between one leaf and a quarter of all goes to the left: no thread can know where the work is. */
static long split(long from, long to)
{
    long quarter = (to - from) / 4;
    uint64_t dice = mix(mix((uint64_t)(from * LEAVES + to)));
    return from + 1 + (quarter ? (long)(dice >> 16) % quarter : 0);
}

static uint64_t grow(long from, long to)
{
    uint64_t left, right;
    if (to - from == 1) {
        leaves_run++;
        return do_leaf(from, leaf_steps);
    }
    long middle = split(from, to);
#pragma omp task shared(left) firstprivate(from, middle)
    left = grow(from, middle);
#pragma omp task shared(right) firstprivate(middle, to)
    right = grow(middle, to);
#pragma omp taskwait
    return left + right;
}

static uint64_t run_tree(void)
{
    uint64_t sum = 0;
#pragma omp parallel
    {
        leaves_run = 0;
#pragma omp barrier
#pragma omp single
        sum = grow(0, LEAVES);
        leaves_of[omp_get_thread_num()] = leaves_run;
    }
    return sum;
}

static uint64_t run_taskloop(void)
{
    uint64_t sum = 0;
#pragma omp parallel
    {
        leaves_run = 0;
#pragma omp barrier
#pragma omp single
#pragma omp taskloop grainsize(1) reduction(+ : sum)
        for (long i = 0; i < LEAVES; i++) {
            leaves_run++;
            sum += do_leaf(i, leaf_steps);
        }
        leaves_of[omp_get_thread_num()] = leaves_run;
    }
    return sum;
}

struct span {
    long from, to;
    uint64_t sum;
    pthread_t thread;
};

static void *run_span(void *arg)
{
    struct span *span = arg;
    span->sum = do_leaves(span->from, span->to);
    return NULL;
}

/* The caller is one of the threads, as the master is in a team. */
static uint64_t run_pthreads(int threads)
{
    static struct span spans[BENCH_THREADS_MAX];
    uint64_t sum = 0;
    for (long i = 0; i < threads; i++) {
        spans[i] = (struct span){.from = LEAVES * i / threads, .to = LEAVES * (i + 1) / threads};
        if (i && pthread_create(&spans[i].thread, NULL, run_span, &spans[i])) {
            fprintf(stderr, "bench: cannot create %d threads\n", threads);
            exit(1);
        }
    }
    run_span(&spans[0]);
    for (int i = 0; i < threads; i++) {
        if (i)
            pthread_join(spans[i].thread, NULL);
        sum += spans[i].sum;
    }
    return sum;
}

static double process_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

/* Runtimes keep their threads spinning after a region, for up to 200 ms. Bare threads measured beside those would come
   out slow, and the tasks good: wait until this process uses no CPU. */
static void settle(void)
{
    const struct timespec nap = {.tv_nsec = 5 * 1000 * 1000};
    for (int i = 0; i < 100; i++) {
        double before = process_cpu_ns();
        nanosleep(&nap, NULL);
        if (process_cpu_ns() - before < 0.5e6)
            return;
    }
}

static double smallest_share(int threads)
{
    long total = 0, least = LEAVES;
    for (int i = 0; i < threads; i++) {
        total += leaves_of[i];
        least = leaves_of[i] < least ? leaves_of[i] : least;
    }
    bench_expect("leaves run by tasks", total, LEAVES);
    return 100.0 * (double)least / LEAVES;
}

struct round {
    double serial_ns, pthreads_ns, tasks_ns;
};

static struct round take_round(int threads, uint64_t (*run_tasks)(void))
{
    settle();
    double serial_start = bench_now_ns();
    uint64_t serial = do_leaves(0, LEAVES);
    double serial_end = bench_now_ns();
    run_pthreads(threads); /* a core that slept long gets its share of new threads milliseconds late */
    double bare_start = bench_now_ns();
    uint64_t bare = run_pthreads(threads);
    double bare_end = bench_now_ns();
    bench_team(); /* settling let the team fall asleep */
    double tasks_start = bench_now_ns();
    uint64_t tasks = run_tasks();
    double tasks_end = bench_now_ns();
    bench_expect("sum of leaves by pthreads", (long)bare, (long)serial);
    bench_expect("sum of leaves by tasks", (long)tasks, (long)serial);
    return (struct round){serial_end - serial_start, bare_end - bare_start, tasks_end - tasks_start};
}

struct tree_series {
    struct series *ratio, *share, *tasks, *bare;
};

static void take_rounds(const struct tree_series *out, uint64_t (*run_tasks)(void), double budget_ns)
{
    int threads = bench_team();
    calibrate_leaf();
    run_tasks();
    double start = bench_now_ns();
    for (int i = 0; i < ROUNDS_MIN || bench_now_ns() - start < budget_ns; i++) {
        struct round round = take_round(threads, run_tasks);
        bench_sample(out->ratio, round.pthreads_ns / round.tasks_ns);
        bench_sample(out->share, smallest_share(threads));
        bench_sample(out->tasks, round.serial_ns / round.tasks_ns);
        bench_sample(out->bare, round.serial_ns / round.pthreads_ns);
    }
}

static void tree_run(struct result *out, double budget_ns)
{
    const struct tree_series series = {.ratio = bench_series(out, "tree", "of pthreads", true),
                                       .share = bench_series(out, "tree_share", "% least", true),
                                       .tasks = bench_series(out, "tree_tasks", "x serial", true),
                                       .bare = bench_series(out, "tree_pthreads", "x serial", true)};
    take_rounds(&series, run_tree, budget_ns);
}

static void taskloop_work_run(struct result *out, double budget_ns)
{
    const struct tree_series series = {.ratio = bench_series(out, "taskloop_work", "of pthreads", true),
                                       .share = bench_series(out, "taskloop_share", "% least", true),
                                       .tasks = bench_series(out, "taskloop_tasks", "x serial", true),
                                       .bare = bench_series(out, "taskloop_pthreads", "x serial", true)};
    take_rounds(&series, run_taskloop, budget_ns);
}

const struct row tree_rows[] = {
    {"tree", "", NULL, tree_run},
    {"taskloop_work", "", NULL, taskloop_work_run},
    {NULL, NULL, NULL, NULL},
};
