/* Cancellation of taskgroups at random points. Tasks of a cancelled group run at most once and not after the end of the
   group; who cancelled does not go on; groups inside and outside, and tasks that have nothing to do with it, are whole.
   Tasks depend on one another, in the group and across its borders, and have children and groups of their own. */
#include <omp.h>
#include "random.h"

#define TASKS     600
#define PLACES    4
#define DEPTH_MAX 3

/* A taskgroup and the tasks that were created directly in it or as descendants of those, but for inner groups. */
struct group {
    struct group *outer;
    bool may_cancel;
    int cancelled; /* somebody has */
    long created, begun, ended;
};

struct task {
    struct group *group;
    int depth;
    bool cancels, looks, has_children, has_group;
    struct dice dice;
    int begun;
};

static struct task tasks[TASKS];
static int tasks_used;
static char place[PLACES];
static bool cancels, with_children, with_groups, with_dependences, with_loops;

static void create_tasks(struct group *g, struct dice *d, int depth, int count);
static void run_group(struct group *outer, struct dice *d, int depth, int count);

static struct task *new_task(struct group *g, struct dice *d, int depth)
{
    int at = __atomic_fetch_add(&tasks_used, 1, __ATOMIC_RELAXED);
    if (at >= TASKS)
        return NULL;
    struct task *t = &tasks[at];
    *t = (struct task){.group = g,
                       .depth = depth,
                       .cancels = g->may_cancel && dice_percent(d, 5),
                       .looks = dice_percent(d, 30),
                       .has_children = with_children && depth < DEPTH_MAX && dice_percent(d, 15),
                       .has_group = with_groups && depth < DEPTH_MAX && dice_percent(d, 8),
                       .dice = dice_fork(d)};
    __atomic_fetch_add(&g->created, 1, __ATOMIC_RELAXED);
    return t;
}

static void begin(struct task *t)
{
    CHECK_EQ(__atomic_fetch_add(&t->begun, 1, __ATOMIC_RELAXED), 0);
    __atomic_fetch_add(&t->group->begun, 1, __ATOMIC_RELAXED);
    dice_work(&t->dice);
}

static void end(struct task *t)
{
    __atomic_fetch_add(&t->group->ended, 1, __ATOMIC_RELEASE);
}

static void have_descendants(struct task *t)
{
    if (t->has_children)
        create_tasks(t->group, &t->dice, t->depth + 1, dice_between(&t->dice, 1, 8));
    if (t->has_group)
        run_group(t->group, &t->dice, t->depth + 1, dice_between(&t->dice, 1, 12));
    if (dice_percent(&t->dice, 10)) {
#pragma omp taskwait
    }
}

/* clang-format off */
#define PRAGMA(text)     _Pragma(#text)
#define EXPANDED(pragma) PRAGMA(pragma)
#define TASK(clauses)                                                                                                  \
    EXPANDED(omp task firstprivate(t) clauses)                                                                         \
    {                                                                                                                  \
        begin(t);                                                                                                      \
        have_descendants(t);                                                                                           \
        if (t->cancels)                                                                                                \
            __atomic_store_n(&t->group->cancelled, 1, __ATOMIC_RELAXED);                                               \
        end(t);                                                                                                        \
        EXPANDED(omp cancel taskgroup if (t->cancels))                                                                 \
        CHECK(!cancels || !t->cancels);                                                                                \
        if (t->looks) {                                                                                                \
            EXPANDED(omp cancellation point taskgroup)                                                                 \
        }                                                                                                              \
    }
/* clang-format on */

static void create_task(struct group *g, struct dice *d, int depth)
{
    struct task *t = new_task(g, d, depth);
    int one = dice_below(d, PLACES), two = dice_below(d, PLACES), kind = dice_below(d, 8);
    if (!t)
        return;
    if (!with_dependences)
        kind = kind % 3;
    switch (kind) {
    case 0:
        TASK()
        break;
    case 1:
        TASK(untied)
        break;
    case 2:
        TASK(if (dice_percent(d, 80)) mergeable)
        break;
    case 3:
        TASK(depend(inout : place[one]))
        break;
    case 4:
        TASK(depend(in : place[one]) depend(out : place[two]))
        break;
    case 5:
        TASK(depend(mutexinoutset : place[one]))
        break;
    case 6:
        TASK(depend(in : place[one], place[two]))
        break;
    default:
        TASK(depend(inout : place[one]) if (dice_percent(d, 70)) final(one == 0))
    }
}

static void create_tasks(struct group *g, struct dice *d, int depth, int count)
{
    for (int i = 0; i < count; i++)
        create_task(g, d, depth);
}

/* What is in an inner group belongs to the outer ones, too. */
static bool is_cancelled(const struct group *g)
{
    for (; g; g = g->outer)
        if (__atomic_load_n(&g->cancelled, __ATOMIC_RELAXED))
            return cancels;
    return false;
}

static void check_group(const struct group *g)
{
    CHECK_EQ(__atomic_load_n(&g->ended, __ATOMIC_ACQUIRE), g->begun);
    if (!is_cancelled(g))
        CHECK_EQ(g->begun, g->created);
}

static void run_group(struct group *outer, struct dice *d, int depth, int count)
{
    struct group g = {.outer = outer, .may_cancel = dice_percent(d, 60)};
#pragma omp taskgroup
    create_tasks(&g, d, depth, count);
    check_group(&g);
    long begun = g.begun;
    dice_work(d);
    CHECK_EQ(g.begun, begun);
}

/* The group of a taskloop. Its tasks leave at the iteration that cancels. */
static void run_loop(struct dice *d)
{
    int width = dice_between(d, 1, 200), cancel_at = dice_below(d, 2 * width), size = dice_between(d, 1, 9);
    long runs[200] = {0}, missing = 0;
#pragma omp taskloop grainsize(size) shared(runs)
    for (int i = 0; i < width; i++) {
        CHECK_EQ(__atomic_fetch_add(&runs[i], 1, __ATOMIC_RELAXED), 0);
#pragma omp cancel taskgroup if (i == cancel_at)
        CHECK(!cancels || i != cancel_at);
#pragma omp cancellation point taskgroup
    }
    for (int i = 0; i < width; i++)
        missing += !runs[i];
    CHECK(!missing || (cancels && cancel_at < width));
}

/* ---- One thread's part of a region. */
static void several_groups(struct group *around, struct dice *d, int count)
{
    for (int i = 0; i < count; i++) {
        create_tasks(around, d, 0, dice_below(d, 6));
        if (with_loops && dice_percent(d, 25))
            run_loop(d);
        else
            run_group(around, d, 0, dice_between(d, 1, 40));
    }
    create_tasks(around, d, 0, dice_below(d, 6));
}

static void any_round(struct dice *d)
{
    struct group around = {.may_cancel = false}; /* no taskgroup at all, but the region */
    int threads = dice_between(d, 1, omp_get_max_threads()), count = dice_between(d, 1, 6);
    bool alone = dice_percent(d, 60);
    uint64_t seed = dice_roll(d);
    tasks_used = 0;
    with_children = random_has(d, 75, "children");
    with_groups = random_has(d, 75, "groups");
    with_dependences = random_has(d, 50, "dependences");
    with_loops = random_has(d, 50, "loops");
#pragma omp parallel num_threads(threads)
    if (!alone || omp_get_thread_num() == threads - 1) {
        struct dice mine = {seed + 977u * (unsigned)omp_get_thread_num()};
        several_groups(&around, &mine, alone ? count : 1 + count / threads);
    }
    check_group(&around);
}

int main(int argc, char **argv)
{
    random_environment(argv, "OMP_CANCELLATION", "true");
    cancels = omp_get_cancellation();
    return random_rounds(argc, argv, any_round);
}
