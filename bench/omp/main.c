/* rows ROW [MILLISECONDS]: measures one row with the team size of OMP_NUM_THREADS and prints one line of JSON.
   rows --count ROW ROUNDS: runs one batch of that size and prints how many units it was.
   rows --list: names the rows. */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>

#define BUDGET_MS 200

/* A program with other rows than the usual ones says which. */
#ifdef BENCH_ROWS
extern const struct row BENCH_ROWS[];
static const struct row *const groups[] = {BENCH_ROWS};
#else
static const struct row *const groups[] = {task_rows,   depend_rows, region_rows, loop_rows, sync_rows,
                                           cancel_rows, tree_rows,   memory_rows, wait_rows};
#endif
#define GROUPS (sizeof groups / sizeof groups[0])

static const struct row *find_row(const char *name)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct row *row = groups[g]; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

static int list_rows(void)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct row *row = groups[g]; row->name; row++)
            puts(row->name);
    return 0;
}

#ifndef BENCH_ENTRY
#define BENCH_ENTRY omp_get_num_threads
#else
extern void BENCH_ENTRY(void);
#endif

/* The file that the runtime came from: the reader can see that the intended one was measured. */
static const char *runtime_path(void)
{
    Dl_info info;
    if (dladdr((void *)BENCH_ENTRY, &info) && info.dli_fname)
        return info.dli_fname;
    return "";
}

static void print_result(const struct row *row, int threads, const struct result *result)
{
    printf("{\"row\":\"%s\",\"threads\":%d,\"runtime\":\"%s\",\"compiler\":\"%s\",", row->name, threads, runtime_path(),
           __VERSION__);
    bench_print_series(result);
    puts("}");
}

static int count_units(const char *name, long rounds)
{
    const struct row *row = find_row(name);
    if (!row || !row->batch || rounds < 1) {
        fprintf(stderr, "bench: %s is no row of batches\n", name);
        return 2;
    }
    printf("%ld\n", row->batch(rounds));
    return 0;
}

int main(int argc, char **argv)
{
    static struct result result;

    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_rows();
    if (argc == 4 && strcmp(argv[1], "--count") == 0)
        return count_units(argv[2], atol(argv[3]));
    const struct row *row = argc >= 2 ? find_row(argv[1]) : NULL;
    int budget_ms = argc >= 3 ? atoi(argv[2]) : BUDGET_MS;
    if (!row || budget_ms < 1) {
        fprintf(stderr, "usage: %s ROW [MILLISECONDS] | --count ROW ROUNDS | --list\n", argv[0]);
        return 2;
    }
    int threads = bench_team();
    if (threads > BENCH_THREADS_MAX) {
        fprintf(stderr, "bench: at most %d threads\n", BENCH_THREADS_MAX);
        return 2;
    }
    bench_expect("size of the team", threads, omp_get_max_threads());
    if (row->run)
        row->run(&result, budget_ms * 1e6);
    else
        bench_measure(row, budget_ms * 1e6, &result);
    print_result(row, threads, &result);
    return 0;
}
