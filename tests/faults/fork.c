/* fork() outside of a region: the child starts afresh, with regions, loops, tasks and locks that work. */
#include <omp.h>
#include <pthread.h>
#include "../omp/check.h"
#include "process.h"

enum { CHILD_SECONDS = 10 };

static int work(void)
{
    int members = 0, sum = 0, tasks = 0;
#pragma omp parallel reduction(+ : members)
    members += 1;
#pragma omp parallel for schedule(dynamic) reduction(+ : sum)
    for (int i = 0; i < 100; i++)
        sum += i;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 100; i++)
#pragma omp task shared(tasks)
#pragma omp atomic
        tasks += 1;
    return members == omp_get_max_threads() && sum == 4950 && tasks == 100 ? 0 : 1;
}

static int only_tasks(void)
{
    int tasks = 0;
#pragma omp task shared(tasks)
    tasks += 1;
#pragma omp taskwait
    return tasks == 1 ? 0 : 1;
}

static int grandchild(void)
{
    if (work() != 0)
        return 1;
    return in_child(work, CHILD_SECONDS) == 0 && work() == 0 ? 0 : 2;
}

static int untouched_grandchild(void)
{
    return in_child(work, CHILD_SECONDS);
}

static void *from_other_thread(void *unused)
{
    (void)unused;
    CHECK_EQ(in_child(work, CHILD_SECONDS), 0);
    CHECK_EQ(work(), 0);
    CHECK_EQ(in_child(work, CHILD_SECONDS), 0);
    return NULL;
}

/* Several children live at the same time, while the parent goes on. */
static void several(void)
{
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            alarm(CHILD_SECONDS);
            _exit(work());
        }
        CHECK_EQ(work(), 0);
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        CHECK_EQ(status, 0);
    }
}

/* A child that leaves through exit() runs the handlers of the parent's runtime. */
static int leaves_by_exit(void)
{
    exit(work());
}

int main(void)
{
    pthread_t thread;
    CHECK_EQ(in_child(work, CHILD_SECONDS), 0);
    CHECK_EQ(work(), 0);
    CHECK_EQ(in_child(work, CHILD_SECONDS), 0);
    CHECK_EQ(in_child(only_tasks, CHILD_SECONDS), 0);
    CHECK_EQ(in_child(grandchild, CHILD_SECONDS), 0);
    CHECK_EQ(in_child(untouched_grandchild, CHILD_SECONDS), 0);
    CHECK_EQ(in_child(leaves_by_exit, CHILD_SECONDS), 0);
    CHECK_EQ(work(), 0);
    several();
    pthread_create(&thread, NULL, from_other_thread, NULL);
    pthread_join(thread, NULL);
    CHECK_EQ(work(), 0);
    return check_result();
}
