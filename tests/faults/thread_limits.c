/* Threads that cannot be had: the region runs with those there are, and one line on stderr says so. */
#include <omp.h>
#include <pthread.h>
#include <sys/resource.h>
#include "../omp/check.h"
#include "process.h"

enum { WANTED = 24, STRANGE_USER = 54321 };

static int few_threads(void)
{
    int members = 0, sum = 0;
    for (int k = 0; k < 3; k++) {
        members = 0;
        sum = 0;
#pragma omp parallel num_threads(WANTED) reduction(+ : members)
        {
            members += 1;
#pragma omp for schedule(dynamic) reduction(+ : sum)
            for (int i = 0; i < 1000; i++)
                sum += i;
#pragma omp barrier
        }
        if (sum != 499500)
            return 50;
    }
    return members;
}

static int with_few_processes(void)
{
    struct rlimit limit = {4, 4};
    if (setuid(STRANGE_USER) != 0 || setrlimit(RLIMIT_NPROC, &limit) != 0)
        return 60;
    return few_threads();
}

/* Address space for half of the stacks, whatever the process has mapped by now and however large a stack is here. */
static int with_little_memory(void)
{
    pthread_attr_t usual;
    size_t stack, pages;
    FILE *mapped = fopen("/proc/self/statm", "r");
    if (!mapped || fscanf(mapped, "%zu", &pages) != 1 || pthread_getattr_default_np(&usual) != 0 ||
        pthread_attr_getstacksize(&usual, &stack) != 0)
        return 60;
    fclose(mapped);
    size_t bytes = pages * (size_t)sysconf(_SC_PAGESIZE) + WANTED / 2 * stack;
    struct rlimit limit = {bytes, bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 60;
    return few_threads();
}

/* Count the lines of `log` that the runtime wrote; any other line is shown. */
static int warnings(FILE *log)
{
    char line[500];
    int count = 0;
    rewind(log);
    while (fgets(line, sizeof line, log)) {
        count += !strncmp(line, "moirai:", 7);
        fprintf(stderr, "   it said: %s", line);
    }
    return count;
}

static void limited(int (*body)(void), const char *what)
{
    FILE *log = tmpfile();
    int stderr_kept = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    int members = in_child(body, 20);
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    fprintf(stderr, "%s: %d threads of %d\n", what, members, WANTED);
    CHECK(members >= 1 && members < WANTED);
    CHECK_EQ(warnings(log), 1);
    fclose(log);
}

int main(void)
{
    if (geteuid() == 0)
        limited(with_few_processes, "limit of processes");
    limited(with_little_memory, "limit of address space");
    return check_result();
}
