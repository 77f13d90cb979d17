/* exit() from inside of a region, a loop or a task: the process ends at once, with its status, handlers included. */
#include <omp.h>
#include "../omp/check.h"
#include "process.h"

static int pipe_ends[2];

static void handler(void)
{
    if (write(pipe_ends[1], "x", 1) != 1)
        _exit(99);
}

static int master_exits(void)
{
    atexit(handler);
#pragma omp parallel num_threads(4)
    {
        if (omp_get_thread_num() == 0)
            exit(7);
#pragma omp barrier
    }
    return 1;
}

static int other_exits(void)
{
    atexit(handler);
#pragma omp parallel num_threads(4)
    {
        if (omp_get_thread_num() == 3)
            exit(7);
    }
    return 1;
}

static int task_exits(void)
{
    atexit(handler);
#pragma omp parallel num_threads(3)
#pragma omp single
    for (int i = 0; i < 100; i++)
#pragma omp task
        if (i == 50) {
#pragma omp critical
            exit(7);
        }
    return 1;
}

static int loop_exits(void)
{
    atexit(handler);
#pragma omp parallel for num_threads(3) schedule(dynamic)
    for (int i = 0; i < 100; i++)
        if (i == 40)
            exit(7);
    return 1;
}

static void expect(int (*body)(void))
{
    char mark = 0;
    CHECK_EQ(in_child(body, 10), 7);
    CHECK_EQ(read(pipe_ends[0], &mark, 1), 1);
    CHECK_EQ(mark, 'x');
}

int main(void)
{
    if (pipe(pipe_ends) != 0)
        return 2;
    for (int k = 0; k < 5; k++) {
        expect(master_exits);
        expect(other_exits);
        expect(task_exits);
        expect(loop_exits);
    }
    return check_result();
}
