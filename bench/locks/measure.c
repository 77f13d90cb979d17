/* How a row is timed. Operations of one thread: batches long enough that reading the clock does not show. Teams: a new
   one for each sample, as where its threads happen to run decides much; the time until all of them are there does not
   count. */
#include "locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_NS      (0.2 * 1e6) /* short against a time slice, so that most batches are not interrupted */
#define TEAM_NS       (25 * 1e6)
#define THREADS_MAX   64
#define SAMPLES_LEAST 3

static void need(const char *what, int err)
{
    if (!err)
        return;
    fprintf(stderr, "locks: %s: %s\n", what, strerror(err));
    exit(1);
}

/* ---- One thread. */
static void *sleep_for_ever(void *unused)
{
    for (;;)
        nanosleep(&(struct timespec){.tv_sec = 1000}, NULL);
    return unused;
}

static void have_another_thread(void)
{
    pthread_t thread;
    need("no thread", pthread_create(&thread, NULL, sleep_for_ever, NULL));
}

/* Grows until a batch is long enough, which warms up as well. */
static long fit_batch(const struct row *row)
{
    for (long n = 64;; n *= 2) {
        double before = bench_now_ns();
        row->once(n);
        double took = bench_now_ns() - before;
        if (took >= BATCH_NS / 2)
            return (long)((double)n * BATCH_NS / took) + 1;
    }
}

static void measure_operations(const struct row *row, double budget_ns, struct series *series)
{
    if (!row->single)
        have_another_thread();
    long n = fit_batch(row);
    double start = bench_now_ns(), end = start;
    while (end - start < budget_ns || series->count < SAMPLES_LEAST) {
        double before = bench_now_ns();
        row->once(n);
        end = bench_now_ns();
        bench_sample(series, (end - before) / (double)n);
    }
}

/* ---- Teams. */
static atomic_bool stop;
static pthread_barrier_t all_there;
static const struct row *current;

bool locks_stopped(void)
{
    return atomic_load_explicit(&stop, memory_order_relaxed);
}

static void *run_member(void *arg)
{
    struct member *m = arg;
    pthread_barrier_wait(&all_there);
    current->member(m);
    return NULL;
}

static void sleep_ns(double ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1e9)};
    t.tv_nsec = (long)(ns - (double)t.tv_sec * 1e9);
    nanosleep(&t, NULL);
}

double locks_team(const struct row *row, double ns, struct member *members)
{
    pthread_t threads[THREADS_MAX];
    current = row;
    atomic_store(&stop, false);
    if (row->begin)
        row->begin();
    need("no barrier", pthread_barrier_init(&all_there, NULL, (unsigned)row->threads + 1));
    for (int i = 0; i < row->threads; i++) {
        members[i] = (struct member){.id = i};
        need("no thread", pthread_create(&threads[i], NULL, run_member, &members[i]));
    }
    pthread_barrier_wait(&all_there);
    double began = bench_now_ns();
    sleep_ns(ns);
    double took = bench_now_ns() - began;
    atomic_store(&stop, true);
    if (row->end)
        row->end();
    for (int i = 0; i < row->threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all_there);
    if (row->check)
        row->check();
    return took;
}

static void measure_teams(const struct row *row, double budget_ns, struct series *series)
{
    struct member members[THREADS_MAX];
    locks_team(row, TEAM_NS / 5, members); /* warms up */
    double start = bench_now_ns();
    while (bench_now_ns() - start < budget_ns || series->count < SAMPLES_LEAST) {
        double took = locks_team(row, TEAM_NS, members);
        long units = 0;
        for (int i = 0; i < row->threads; i++)
            units += members[i].units;
        bench_sample(series, took / (double)(units ? units : 1));
    }
}

void locks_measure(const struct row *row, double budget_ns, struct result *out)
{
    struct series *series = bench_series(out, row->name, row->unit, false);
    if (row->once)
        measure_operations(row, budget_ns, series);
    else
        measure_teams(row, budget_ns, series);
}
