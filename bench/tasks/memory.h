/* The row `memory`: bytes by which the resident set grows for each task that is made and not begun. */
#ifndef BENCH_TASKS_MEMORY_H
#define BENCH_TASKS_MEMORY_H

#include <unistd.h>

#include "rows.h"

#define OUTSTANDING 500000

static double resident_bytes(void)
{
    long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    bench_expect("figures in /proc/self/statm", f && fscanf(f, "%ld %ld", &all, &resident) == 2, 1);
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* Memory is kept for the next tasks, so this can be seen once. */
static double bytes_of_outstanding(void (*make)(void), void (*end)(void))
{
    static double bytes;
    if (bytes > 0)
        return bytes;
    double before = resident_bytes();
    make();
    bytes = (resident_bytes() - before) / OUTSTANDING;
    end();
    return bytes;
}

#endif
