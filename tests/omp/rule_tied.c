/* The task scheduling constraint: while a tied task is suspended on a thread, only its descendants start there. Each
   thread keeps the stack of the tasks that it has begun and not ended; a task that starts must descend from the top. */
#include <omp.h>
#include "check.h"

struct task {
    const struct task *parent;
    int depth;
};

static __thread const struct task *top;
static int started;

static int descends(const struct task *task, const struct task *from)
{
    while (task && task != from)
        task = task->parent;
    return task == from;
}

static const struct task *enter(const struct task *task)
{
    const struct task *below = top;
    CHECK(!below || descends(task, below));
    __atomic_fetch_add(&started, 1, __ATOMIC_RELAXED);
    top = task;
    return below;
}

static void wait_in_the_middle(int kind)
{
    if (kind == 0) {
#pragma omp taskwait
    } else {
#pragma omp taskyield
    }
}

static void tree(const struct task *parent, int depth, int width)
{
    struct task me = {parent, depth};
    const struct task *below = enter(&me);
    for (int i = 0; depth > 0 && i < width; i++) {
#pragma omp task shared(me)
        tree(&me, depth - 1, width);
        if (i == 1)
            wait_in_the_middle(depth % 2);
    }
    CHECK(top == &me);
#pragma omp taskwait
    CHECK(top == &me);
    top = below;
}

static void group_tree(const struct task *parent, int depth)
{
    struct task me = {parent, depth};
    const struct task *below = enter(&me);
#pragma omp taskgroup
    for (int i = 0; depth > 0 && i < 3; i++)
#pragma omp task shared(me)
        group_tree(&me, depth - 1);
    CHECK(top == &me);
    top = below;
}

int main(void)
{
    int depth = TEST_SLOWDOWN > 1 ? 4 : 6;
#pragma omp parallel
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 4; i++)
#pragma omp task
            tree(NULL, depth, 3);
#pragma omp task
        group_tree(NULL, depth);
    }
    CHECK(started > 0);
    return check_result();
}
