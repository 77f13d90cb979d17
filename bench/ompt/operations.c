/* The operations whose cost bench/ompt/run looks at; with -DEMPTY_TOOL, a tool that attaches and listens to nothing. */
#ifdef EMPTY_TOOL
static int initialize(void *lookup, int device, void *data)
{
    return 1;
}

static void finalize(void *data)
{
}

void *ompt_start_tool(unsigned version, const char *runtime)
{
    static struct {
        int (*initialize)(void *, int, void *);
        void (*finalize)(void *);
        void *data;
    } tool = {initialize, finalize, 0};
    return &tool;
}
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile int word;

static void run(const char *what, int rounds)
{
    if (!strcmp(what, "fork")) {
        for (int i = 0; i < rounds; i++)
#pragma omp parallel
            word = i;
        return;
    }
#pragma omp parallel
    for (int i = 0; i < rounds; i++) {
        switch (*what) {
        case 'b': {
#pragma omp barrier
            break;
        }
        case 't': {
            long payload = i; /* a multiple of eight bytes, so that the task is a small one */
#pragma omp task
            word = (int)payload;
            if (i % 16 == 0) {
#pragma omp taskwait
            }
            break;
        }
        case 'c':
#pragma omp critical
            word = i;
            break;
        case 's':
#pragma omp single nowait
            word = i;
            break;
        default:
#pragma omp for schedule(dynamic) nowait
            for (int k = 0; k < 4; k++)
                word = k;
        }
    }
}

int main(int argc, char **argv)
{
    struct timespec from, to;
    int rounds = argc > 2 ? atoi(argv[2]) : 1000;
    run(argv[1], 100);
    clock_gettime(CLOCK_MONOTONIC, &from);
    run(argv[1], rounds);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.1f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / rounds);
    return 0;
}
#endif
