/* Rows of the OpenMP benchmark: what a row is, and how its timings are taken and kept.
   A row is one construct, repeated. The program measures whatever OpenMP runtime it was loaded with; it knows none. */
#ifndef BENCH_H
#define BENCH_H

#include "../series.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_THREADS_MAX 1024

/* A row has either `batch`, which the common loop calibrates, warms up and times, or `run`, which does all of that
   itself because it takes more than one series.
   batch: does `rounds` (>= 1) rounds, checks what they computed, returns how many units that was. */
struct row {
    const char *name;
    const char *unit;
    long (*batch)(long rounds);
    void (*run)(struct result *out, double budget_ns);
};

extern const struct row task_rows[], depend_rows[], region_rows[], loop_rows[], sync_rows[], cancel_rows[], tree_rows[],
    memory_rows[], wait_rows[];

/* Takes timings of `row` for about `budget_ns`, after a warm-up that also finds the size of a batch. */
void bench_measure(const struct row *row, double budget_ns, struct result *out);

/* Size of the team that a plain parallel region gets. */
int bench_team(void);

/* Calls fn(arg) in thread 0 of a region in which every runtime stores this many tasks, and no other thread runs any. */
void bench_alone(int tasks, void (*fn)(void *), void *arg);

/* A result that the compiler must produce, though nobody reads it. */
static inline void bench_keep(long *value)
{
    __asm__ volatile("" : "+r"(*value));
}

#endif
