/* Time small operations: each sample runs `body` often enough to dwarf the clock, and one line tells the median of the
   samples, the fastest, and how far the slower half lies from it. */
#ifndef MO_BENCH_MICRO_MICRO_H
#define MO_BENCH_MICRO_MICRO_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "plat/plat.h"

#define MICRO_SAMPLES 41
#define MICRO_ROUNDS  20000 /* operations in a sample */

static inline int micro_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline void micro_header(void)
{
    printf("%-32s %10s %10s %8s\n", "operation", "median ns", "min ns", "spread");
}

/* Sorts the samples, which are in ns an operation. The spread is that between the quartiles, against the median. */
static inline void micro_print(const char *name, double *sample, unsigned n)
{
    qsort(sample, n, sizeof *sample, micro_compare);
    double median = sample[n / 2], spread = sample[n * 3 / 4] - sample[n / 4];
    printf("%-32s %10.2f %10.2f %7.1f%%\n", name, median, sample[0], 100 * spread / median);
}

/* `body` does MICRO_ROUNDS operations. `before`, when given, prepares each sample outside the clock. */
static inline void micro_run(const char *name, void (*before)(void), void (*body)(void))
{
    double sample[MICRO_SAMPLES];
    for (int i = -1; i < MICRO_SAMPLES; i++) { /* the first warms up */
        if (before)
            before();
        uint64_t began = mo_plat_now_ns();
        body();
        uint64_t took = mo_plat_now_ns() - began;
        if (i >= 0)
            sample[i] = (double)took / MICRO_ROUNDS;
    }
    micro_print(name, sample, MICRO_SAMPLES);
}

/* Keeps the compiler from dropping what made the value. */
static inline void micro_use(const void *value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

#endif
