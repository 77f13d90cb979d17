/* What the programs of bench/task have in common: each measures the same rows with another library. A row repeats one
   round for some time; a round returns the ns of one unit, or the bytes in the row `memory`.
   usage: PROGRAM ROW [MILLISECONDS [WORKERS]], or --list */
#ifndef BENCH_TASKS_ROWS_H
#define BENCH_TASKS_ROWS_H

#include <string.h>

#include "../series.h"

#define SPAWNS    10000 /* in a round */
#define FIB       22
#define FIB_TASKS 28656 /* fib(22) makes so many, where one of two calls is a task */
#define FIB_VALUE 17711

struct task_row {
    const char *name;
    double (*round)(void);
};

static int measure_rows(const char *library, const struct task_row *rows, int argc, char **argv,
                        void (*begin)(int workers))
{
    struct result out;
    double ms = argc > 2 ? atof(argv[2]) : 100;
    const struct task_row *row = rows;
    out.series_count = 0;
    if (argc > 1 && !strcmp(argv[1], "--list")) {
        for (; row->name; row++)
            puts(row->name);
        return 0;
    }
    while (row->name && (argc < 2 || strcmp(row->name, argv[1])))
        row++;
    if (!row->name) {
        fprintf(stderr, "usage: %s ROW [MILLISECONDS [WORKERS]]\n", argv[0]);
        return 2;
    }
    begin(argc > 3 ? atoi(argv[3]) : 2);
    struct series *series = bench_series(&out, row->name, strcmp(row->name, "memory") ? "ns" : "B", false);
    row->round(); /* warms up */
    for (double start = bench_now_ns(); bench_now_ns() - start < ms * 1e6 || series->count < 3;)
        bench_sample(series, row->round());
    printf("{\"library\":\"%s\",", library);
    bench_print_series(&out);
    puts("}");
    return 0;
}

#endif
