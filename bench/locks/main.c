/* usage: locks --list | locks ROW [MILLISECONDS]
   Measures one row and prints one line of JSON: who answered for pthread_mutex_lock, and every sample. */
#include "locks.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MS 200

static const struct row *const groups[] = {mutex_rows, cond_rows, other_rows};
#define GROUPS (sizeof groups / sizeof *groups)

static int list(void)
{
    for (unsigned g = 0; g < GROUPS; g++)
        for (const struct row *row = groups[g]; row->name; row++)
            puts(row->name);
    return 0;
}

static const struct row *find(const char *name)
{
    for (unsigned g = 0; g < GROUPS; g++)
        for (const struct row *row = groups[g]; row->name; row++)
            if (strcmp(row->name, name) == 0)
                return row;
    return NULL;
}

static const char *who_answers(void)
{
    Dl_info where;
    void *lock = dlsym(RTLD_DEFAULT, "pthread_mutex_lock");
    return lock && dladdr(lock, &where) ? where.dli_fname : "unknown";
}

static void print_result(const char *row, const struct result *r)
{
    printf("{\"row\": \"%s\", \"face\": \"%s\", \"compiler\": \"%s\", ", row, who_answers(), __VERSION__);
    bench_print_series(r);
    puts("}");
}

static int usage(void)
{
    fputs("usage: locks --list | locks ROW [MILLISECONDS]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static struct result result;
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc < 2 || argc > 3)
        return usage();
    const struct row *row = find(argv[1]);
    long ms = argc == 3 ? atol(argv[2]) : DEFAULT_MS;
    if (!row || ms <= 0)
        return usage();
    if (row->run)
        row->run(&result, (double)ms * 1e6);
    else
        locks_measure(row, (double)ms * 1e6, &result);
    print_result(row->name, &result);
    return 0;
}
