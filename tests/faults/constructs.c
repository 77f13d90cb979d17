/* Constructs that cannot get what they need say so in one line and end the process: task reductions that nothing around
   the task has registered, private copies and memory of loops that are larger than what there is. */
#include <omp.h>
#include <sys/resource.h>
#include "../omp/check.h"
#include "../omp/gomp_abi.h"
#include "process.h"

enum { ITEMS = 7 };
#define HUGE_BYTES ((size_t)1 << 40)

static long sum, other;

static void remap(void *address)
{
    void *pointers[1] = {address};
    GOMP_task_reduction_remap(1, 0, pointers);
}

static int nothing_registered(void)
{
    remap(&sum);
    return 0;
}

static int not_in_this_group(void)
{
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(+ : other)
#pragma omp task in_reduction(+ : other)
    {
        other++;
        remap(&sum);
    }
    return 0;
}

/* The threads of the inner region could not be told apart. */
static int across_a_region(void)
{
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
#pragma omp single
#pragma omp taskgroup task_reduction(+ : sum)
#pragma omp parallel num_threads(2)
#pragma omp single
#pragma omp task in_reduction(+ : sum)
    sum++;
    return 0;
}

/* A region of one thread is no obstacle, and neither is one outside of which there is none. */
static int across_regions_of_one(void)
{
    omp_set_max_active_levels(1);
    sum = 0;
#pragma omp parallel num_threads(3)
#pragma omp single
#pragma omp taskgroup task_reduction(+ : sum)
    for (int i = 0; i < 50; i++)
#pragma omp task in_reduction(+ : sum)
#pragma omp parallel num_threads(2)
#pragma omp task in_reduction(+ : sum)
        sum++;
    CHECK_EQ(sum, 50);
#pragma omp taskgroup task_reduction(+ : sum)
#pragma omp parallel num_threads(1)
#pragma omp task in_reduction(+ : sum)
    sum++;
    CHECK_EQ(sum, 51);
    return check_result();
}

static void describe(uintptr_t *array, size_t bytes)
{
    const uintptr_t words[ITEMS + 3] = {1, bytes, 64, ~(uintptr_t)0, 0, 0, 0, (uintptr_t)&sum, 0, 0};
    memcpy(array, words, sizeof words);
}

static void limit_memory(void)
{
    const struct rlimit r = {(rlim_t)1 << 36, (rlim_t)1 << 36};
    CHECK_EQ(setrlimit(RLIMIT_AS, &r), 0);
}

static int copies_too_large(void)
{
    uintptr_t array[ITEMS + 3];
    limit_memory();
    describe(array, HUGE_BYTES);
    GOMP_taskgroup_start();
    GOMP_taskgroup_reduction_register(array);
    return 0;
}

static void overflowing(void *unused)
{
    uintptr_t array[ITEMS + 3];
    (void)unused;
    if (omp_get_thread_num() != 0)
        return;
    describe(array, SIZE_MAX / 2);
    GOMP_scope_start(array);
}

static int copies_beyond_all_addresses(void)
{
    GOMP_parallel(overflowing, NULL, 4, 0);
    return 0;
}

static int memory_too_large(void)
{
    void *mem = (void *)HUGE_BYTES;
    limit_memory();
    GOMP_loop_start(0, 1, 1, 1, 0, NULL, NULL, NULL, &mem);
    return 0;
}

static int memory_beyond_all_addresses(void)
{
    void *mem = (void *)SIZE_MAX;
    GOMP_sections2_start(3, NULL, &mem);
    return 0;
}

static void ends_with(int (*body)(void), const char *line)
{
    char said[1000];
    int status = in_child_saying(body, 20, said, sizeof said);
    int right = line ? strstr(said, line) == said && strchr(said, '\n') == strrchr(said, '\n') : said[0] == '\0';
    if (status != (line ? 1 : 0) || !right)
        fprintf(stderr, "status %d, expected %s, said: %s\n", status, line ? line : "nothing", said);
    CHECK(status == (line ? 1 : 0) && right);
}

int main(void)
{
    ends_with(nothing_registered, "moirai: fatal: in_reduction: no task reduction around this task");
    ends_with(not_in_this_group, "moirai: fatal: in_reduction: no task reduction around this task");
    ends_with(across_a_region, "moirai: fatal: in_reduction: no task reduction around this task");
    ends_with(across_regions_of_one, NULL);
    ends_with(copies_too_large, "moirai: fatal: out of memory for the private copies of a reduction");
    ends_with(copies_beyond_all_addresses, "moirai: fatal: out of memory for the private copies of a reduction");
    ends_with(memory_too_large, "moirai: fatal: out of memory for a work-sharing construct");
    ends_with(memory_beyond_all_addresses, "moirai: fatal: out of memory for a work-sharing construct");
    return check_result();
}
