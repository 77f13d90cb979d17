/* Rows about how threads wait, for bench/wait: single barriers one by one, a computation with a barrier at each of its
   short steps, and what it costs to have little to do. */
#include "bench.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <omp.h>

#define WAITS_MAX (1 << 20)
#define GRID      256

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Thread 0 times from barrier to barrier, and says two rounds ahead when to stop: what it writes before it arrives at a
   barrier all others see after that. Returns how many there were. */
static long time_barriers(double *took, double budget_ns)
{
    long rounds = 0, stop = LONG_MAX;
    double last = bench_now_ns(), end = last + budget_ns;
#pragma omp parallel
    for (long r = 0; r < __atomic_load_n(&stop, __ATOMIC_RELAXED); r++) {
        if (omp_get_thread_num()) {
#pragma omp barrier
            continue;
        }
        if (stop == LONG_MAX && (last > end || r + 2 == WAITS_MAX))
            __atomic_store_n(&stop, r + 2, __ATOMIC_RELAXED);
#pragma omp barrier
        double now = bench_now_ns();
        took[r] = now - last;
        last = now;
        rounds = r + 1;
    }
    return rounds;
}

static void barrier_each_run(struct result *out, double budget_ns)
{
    double *took = malloc(WAITS_MAX * sizeof *took);
    if (!took) {
        fprintf(stderr, "bench: out of memory\n");
        exit(1);
    }
    time_barriers(took, budget_ns / 8); /* warm-up */
    long rounds = time_barriers(took, budget_ns);
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    bench_sample(bench_series(out, "barrier_each", "ns/barrier", false), took[rounds / 2]);
    bench_sample(bench_series(out, "barrier_each_p99", "ns/barrier", false), took[rounds * 99 / 100]);
    free(took);
}

typedef double plane[GRID][GRID];
static plane planes[2];

static void begin_plane(void)
{
    memset(planes, 0, sizeof planes);
    for (int i = 0; i < GRID; i++)
        planes[0][i][0] = planes[1][i][0] = i;
}

static inline void relax_row(plane to, const plane from, int i)
{
    for (int j = 1; j < GRID - 1; j++)
        to[i][j] = 0.25 * (from[i - 1][j] + from[i + 1][j] + from[i][j - 1] + from[i][j + 1]);
}

static void relax(long steps)
{
#pragma omp parallel
    for (long s = 0; s < steps; s++) {
#pragma omp for schedule(static)
        for (int i = 1; i < GRID - 1; i++)
            relax_row(planes[(s + 1) % 2], planes[s % 2], i);
    }
}

/* Each cell is computed by the same operations on one thread, so every bit must be the same. */
static void check_stencil(void)
{
    static plane expected;
    enum { STEPS = 50 };
    begin_plane();
    relax(STEPS);
    memcpy(expected, planes[STEPS % 2], sizeof expected);
    begin_plane();
    for (long s = 0; s < STEPS; s++)
        for (int i = 1; i < GRID - 1; i++)
            relax_row(planes[(s + 1) % 2], planes[s % 2], i);
    bench_expect("difference of the grids", memcmp(expected, planes[STEPS % 2], sizeof expected), 0);
}

static long stencil_batch(long rounds)
{
    static bool checked;
    if (!checked)
        check_stencil();
    checked = true;
    relax(rounds);
    return rounds;
}

/* ---- CPU time of a process that does something small every 10 ms, beside that of one that only sleeps or wakes a bare
   thread. */
#define PERIOD_NS       (10 * 1e6)
#define PERIODS_IGNORED 10 /* until the runtime has learnt that nothing comes soon */

static double cpu_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void sleep_periods(double periods)
{
    usleep((useconds_t)(periods * PERIOD_NS / 1e3));
}

/* CPU time of a period in which `act` is called and the caller sleeps. */
static double cost_of(void (*act)(void *), void *arg, long periods)
{
    double before = 0;
    for (long i = -PERIODS_IGNORED; i < periods; i++) {
        if (i == 0)
            before = cpu_now_ns();
        act(arg);
        sleep_periods(1);
    }
    return (cpu_now_ns() - before) / (double)periods;
}

static void open_region(void *none)
{
    (void)none;
#pragma omp parallel
    __asm__ volatile("");
}

static void create_task(void *done)
{
#pragma omp task
    __atomic_fetch_add((long *)done, 1, __ATOMIC_RELAXED);
}

static void do_nothing(void *none)
{
    (void)none;
}

static void wake(void *sem)
{
    sem_post(sem);
}

struct bell {
    sem_t sem;
    bool over;
};

static void *wait_for_wakes(void *arg)
{
    struct bell *b = arg;
    while (!__atomic_load_n(&b->over, __ATOMIC_ACQUIRE))
        sem_wait(&b->sem);
    return NULL;
}

static double cost_of_wake(long periods)
{
    struct bell s = {.over = false};
    pthread_t thread;
    if (sem_init(&s.sem, 0, 0) || pthread_create(&thread, NULL, wait_for_wakes, &s)) {
        fprintf(stderr, "bench: cannot start a thread\n");
        exit(1);
    }
    double cost = cost_of(wake, &s.sem, periods);
    __atomic_store_n(&s.over, true, __ATOMIC_RELEASE);
    sem_post(&s.sem);
    pthread_join(thread, NULL);
    sem_destroy(&s.sem);
    return cost;
}

static double cost_of_tasks(long periods)
{
    long done = 0;
    double cost = 0;
#pragma omp parallel
#pragma omp single
    cost = cost_of(create_task, &done, periods);
    bench_expect("tasks that ran", done, periods + PERIODS_IGNORED);
    return cost;
}

static double cost_of_rest(long periods)
{
    open_region(NULL);
    sleep_periods(2);
    double before = cpu_now_ns();
    sleep_periods((double)periods);
    return (cpu_now_ns() - before) / (double)periods;
}

static void idle_run(struct result *out, double budget_ns)
{
    const char *unit = "ns of CPU/10 ms";
    long periods = (long)(budget_ns / PERIOD_NS) + 1;
    bench_sample(bench_series(out, "idle_rest", unit, false), cost_of_rest(periods));
    bench_sample(bench_series(out, "idle_region", unit, false), cost_of(open_region, NULL, periods));
    bench_sample(bench_series(out, "idle_task", unit, false), cost_of_tasks(periods));
    bench_sample(bench_series(out, "idle_sleep", unit, false), cost_of(do_nothing, NULL, periods));
    bench_sample(bench_series(out, "idle_wake", unit, false), cost_of_wake(periods));
}

const struct row wait_rows[] = {
    {"barrier_each", "ns/barrier", NULL, barrier_each_run},
    {"stencil", "ns/step", stencil_batch, NULL},
    {"idle", "ns of CPU/10 ms", NULL, idle_run},
    {NULL, NULL, NULL, NULL},
};
