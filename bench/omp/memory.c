/* What a task costs in memory until it has run: growth of the resident set over the tasks that wait. A runtime that
   does not store so many leaves fewer waiting; those that ran at once do not count. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <omp.h>

#define TASKS 16000

/* From the pages themselves: the kernel's counter, which statm shows, may be off by some dozens of pages for each
   CPU. */
static long resident_bytes(void)
{
    char line[200];
    long kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f && !kib && fgets(line, sizeof line, f))
        sscanf(line, "Rss: %ld kB", &kib);
    if (!f || !kib) {
        fprintf(stderr, "bench: cannot read /proc/self/smaps_rollup\n");
        exit(1);
    }
    fclose(f);
    return kib * 1024;
}

static long tasks_run;

static void create_plain(void)
{
    for (long i = 0; i < TASKS; i++) {
#pragma omp task firstprivate(i)
        tasks_run += i >= 0;
    }
}

/* A pipeline of ten stages over many items. */
static void create_chains(void)
{
    static char item[TASKS / 10];
    (void)item; /* GCC does not count a depend clause as a use */
    for (long i = 0; i < TASKS; i++) {
#pragma omp task firstprivate(i) depend(inout : item[i % (TASKS / 10)])
        tasks_run += i >= 0;
    }
}

/* Each task has an address of its own and follows the one before. */
static void create_depend(void)
{
    static char item[TASKS + 1];
    (void)item;
    for (long i = 0; i < TASKS; i++) {
#pragma omp task firstprivate(i) depend(in : item[i]) depend(out : item[i + 1])
        tasks_run += i >= 0;
    }
}

struct load {
    void (*create)(void);
    struct series *series;
};

static void measure_load(void *arg)
{
    const struct load *load = arg;
    tasks_run = 0;
    resident_bytes(); /* what the C library keeps for reading files is there before */
    long before = resident_bytes();
    load->create();
    long after = resident_bytes(), waiting = TASKS - tasks_run;
#pragma omp taskwait
    bench_expect("tasks that ran in the end", tasks_run, TASKS);
    bench_sample(load->series, (double)(after - before) / (double)(waiting ? waiting : 1));
}

/* Runtimes keep memory, so only the first time tells: a run gives one sample. */
static void measure(struct result *out, const char *name, void (*create)(void))
{
    struct load load = {create, bench_series(out, name, "B/task", false)};
    bench_alone(TASKS, measure_load, &load);
}

static void memory_run(struct result *out, double budget_ns)
{
    (void)budget_ns;
    measure(out, "memory", create_plain);
}

static void memory_chains_run(struct result *out, double budget_ns)
{
    (void)budget_ns;
    measure(out, "memory_chains", create_chains);
}

static void memory_depend_run(struct result *out, double budget_ns)
{
    (void)budget_ns;
    measure(out, "memory_depend", create_depend);
}

const struct row memory_rows[] = {
    {"memory", "", NULL, memory_run},
    {"memory_chains", "", NULL, memory_chains_run},
    {"memory_depend", "", NULL, memory_depend_run},
    {NULL, NULL, NULL, NULL},
};
