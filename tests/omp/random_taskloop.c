/* Random taskloops: every iteration runs once, in as many tasks of such a size as the clauses say, and is over when the
   construct is, or with nogroup when its taskgroup is. The types, steps and directions of loops vary, and loops
   collapse. Several threads have loops at a time, and tasks of loops have loops themselves. */
#include <omp.h>
#include "random.h"

#define TRIPS_MAX 600
#define DEPTH_MAX 2
#define LOOPS     400

enum kind { FREE, GRAIN, NUM, KINDS };

struct loop {
    enum kind kind;
    bool strict, deferred, final;
    long trips, size; /* size: of a task, or number of tasks */
    int depth;
    struct dice dice;
    /* Iterations: how often each ran, and which it was in its task. */
    unsigned char runs[TRIPS_MAX];
    short place[TRIPS_MAX];
    long over;
};

static struct loop loops[LOOPS];
static int loops_used, priority_max;

static struct loop *any_loop(struct dice *d, int depth);

/* ---- One iteration. `place` is a private copy of each task. */
static void iterate(struct loop *l, long at, short *place)
{
    CHECK(at >= 0 && at < l->trips);
    if (at < 0 || at >= l->trips)
        return;
    __atomic_fetch_add(&l->runs[at], 1, __ATOMIC_RELAXED);
    l->place[at] = (*place)++;
    CHECK(!l->final || omp_in_final());
    struct dice mine = {l->dice.state + (uint64_t)at};
    dice_work(&mine);
    if (l->depth < DEPTH_MAX && dice_percent(&mine, 2))
        any_loop(&mine, l->depth + 1);
    __atomic_fetch_add(&l->over, 1, __ATOMIC_RELEASE);
}

/* ---- What must be true when a loop is over. */
static long check_tasks(const struct loop *l, long least, long most)
{
    long tasks = 0;
    for (long begin = 0, end; begin < l->trips; begin = end, tasks++) {
        CHECK_EQ(l->place[begin], 0);
        for (end = begin + 1; end < l->trips && l->place[end] != 0; end++)
            CHECK_EQ(l->place[end], end - begin);
        CHECK(end - begin <= most);
        CHECK(end - begin >= least || (end == l->trips && (l->strict || tasks == 0)));
    }
    return tasks;
}

static void check_loop(const struct loop *l)
{
    CHECK_EQ(__atomic_load_n(&l->over, __ATOMIC_ACQUIRE), l->trips);
    for (long i = 0; i < l->trips; i++)
        CHECK_EQ(l->runs[i], 1);
    if (l->kind == GRAIN)
        check_tasks(l, l->size, l->strict ? l->size : 2 * l->size - 1);
    else if (l->kind == NUM && l->trips > 0)
        CHECK_EQ(check_tasks(l, 1, l->trips), l->size < l->trips ? l->size : l->trips);
    else
        check_tasks(l, 1, l->trips);
}

/* ---- The loops. Each shape is there with every form of the clause that sizes its tasks. */
/* clang-format off */
#define PRAGMA(text)     _Pragma(#text)
#define EXPANDED(pragma) PRAGMA(pragma)
#define COMMON           firstprivate(place, l) if (l->deferred) final(l->final) priority(priority)
#define TASKLOOP(size, more) EXPANDED(omp taskloop size COMMON more)
#define ALL_SIZES(LOOP)                                                                                                \
    switch (l->kind * 2 + l->strict) {                                                                                 \
    case GRAIN * 2:     LOOP(grainsize(l->size)) break;                                                                \
    case GRAIN * 2 + 1: LOOP(grainsize(strict : l->size)) break;                                                       \
    case NUM * 2:       LOOP(num_tasks(l->size)) break;                                                                \
    case NUM * 2 + 1:   LOOP(num_tasks(strict : l->size)) break;                                                       \
    default:            LOOP() break;                                                                                  \
    }
/* clang-format on */

static void loop_up(struct loop *l, int priority, long step)
{
    short place = 0;
    long begin = -37, end = begin + l->trips * step - (l->trips ? step - 1 : 0), last = 0;
#define LOOP(size)                                                                                                     \
    TASKLOOP(size, lastprivate(last))                                                                                  \
    for (long i = begin; i < end; i += step) {                                                                         \
        iterate(l, (i - begin) / step, &place);                                                                        \
        last = i;                                                                                                      \
    }
    ALL_SIZES(LOOP)
#undef LOOP
    if (l->trips)
        CHECK_EQ(last, begin + (l->trips - 1) * step);
}

static void loop_down(struct loop *l, int priority, int step)
{
    short place = 0;
    int begin = 100, end = begin - (int)l->trips * step;
#define LOOP(size)                                                                                                     \
    TASKLOOP(size, untied)                                                                                             \
    for (int i = begin; i > end; i -= step)                                                                            \
        iterate(l, (begin - i) / step, &place);
    ALL_SIZES(LOOP)
#undef LOOP
}

/* Near the end of the type, where sums of bounds and steps overflow. */
static void loop_unsigned(struct loop *l, int priority, unsigned long long step)
{
    short place = 0;
    unsigned long long end = ~0ull - step, begin = end - step * (unsigned long long)l->trips;
#define LOOP(size)                                                                                                     \
    TASKLOOP(size, mergeable)                                                                                          \
    for (unsigned long long i = begin; i < end; i += step)                                                             \
        iterate(l, (long)((i - begin) / step), &place);
    ALL_SIZES(LOOP)
#undef LOOP
}

static void loop_unsigned_down(struct loop *l, int priority, unsigned long long step)
{
    short place = 0;
    unsigned long long end = step, begin = end + step * (unsigned long long)l->trips;
#define LOOP(size)                                                                                                     \
    TASKLOOP(size, )                                                                                                   \
    for (unsigned long long i = begin; i > end; i -= step)                                                             \
        iterate(l, (long)((begin - i) / step), &place);
    ALL_SIZES(LOOP)
#undef LOOP
}

static void loop_collapsed(struct loop *l, int priority, int width)
{
    short place = 0;
    int height = (int)l->trips / width;
    l->trips = (long)height * width;
#define LOOP(size)                                                                                                     \
    TASKLOOP(size, collapse(2))                                                                                        \
    for (int y = 0; y < height; y++)                                                                                   \
        for (int x = width; x > 0; x--)                                                                                \
            iterate(l, (long)y *width + width - x, &place);
    ALL_SIZES(LOOP)
#undef LOOP
}

/* Its tasks may outlive it: somebody else waits. */
static void loop_nogroup(struct loop *l, int priority)
{
    short place = 0;
    long trips = l->trips;
#define LOOP(size)                                                                                                     \
    TASKLOOP(size, nogroup)                                                                                            \
    for (long i = 0; i < trips; i++)                                                                                   \
        iterate(l, i, &place);
    ALL_SIZES(LOOP)
#undef LOOP
}

static void run_loop(struct loop *l, int shape, int step, int priority)
{
    switch (shape) {
    case 0:
        loop_up(l, priority, step);
        break;
    case 1:
        loop_down(l, priority, step);
        break;
    case 2:
        loop_unsigned(l, priority, (unsigned long long)step);
        break;
    case 3:
        loop_unsigned_down(l, priority, (unsigned long long)step);
        break;
    case 4:
        loop_collapsed(l, priority, step);
        break;
    default:
        loop_nogroup(l, priority);
    }
}

static struct loop *new_loop(struct dice *d, int depth)
{
    int at = __atomic_fetch_add(&loops_used, 1, __ATOMIC_RELAXED);
    if (at >= LOOPS)
        return NULL;
    struct loop *l = &loops[at];
    *l = (struct loop){.kind = (enum kind)dice_below(d, KINDS),
                       .strict = dice_percent(d, 50),
                       .deferred = dice_percent(d, 85),
                       .final = dice_percent(d, 10) || omp_in_final(),
                       .trips = dice_percent(d, 5) ? 0 : dice_between(d, 1, dice_percent(d, 50) ? 20 : TRIPS_MAX),
                       .size = dice_between(d, 1, dice_percent(d, 50) ? 9 : TRIPS_MAX),
                       .depth = depth,
                       .dice = dice_fork(d)};
    return l;
}

/* The loop is over when this returns, but for one with nogroup. */
static struct loop *any_loop(struct dice *d, int depth)
{
    struct loop *l = new_loop(d, depth);
    int shape = dice_below(d, 6);
    if (!l)
        return NULL;
    run_loop(l, shape, dice_between(d, 1, 7), dice_below(d, priority_max + 1));
    if (shape < 5)
        check_loop(l);
    return l;
}

static void several_loops(struct dice *d, int count)
{
    struct loop *l[21]; /* one more than asked for, where threads share them */
#pragma omp taskgroup
    for (int i = 0; i < count; i++)
        l[i] = any_loop(d, 0);
    for (int i = 0; i < count; i++)
        if (l[i])
            check_loop(l[i]);
}

static void any_round(struct dice *d)
{
    int count = dice_between(d, 1, 20), threads = dice_between(d, 1, omp_get_max_threads());
    bool alone = dice_percent(d, 60), outside = dice_percent(d, 5);
    uint64_t seed = dice_roll(d);
    loops_used = 0;
    priority_max = random_has(d, 50, "priority") && !check_is_reference() ? 3 : 0;
    if (outside)
        several_loops(d, count);
#pragma omp parallel num_threads(threads) if (!outside)
    if (!alone || omp_get_thread_num() == threads - 1) {
        struct dice mine = {seed + 977u * (unsigned)omp_get_thread_num()};
        several_loops(&mine, alone ? count : 1 + count / threads);
    }
    for (int i = 0; i < loops_used && i < LOOPS; i++)
        check_loop(&loops[i]);
}

int main(int argc, char **argv)
{
    random_environment(argv, "OMP_MAX_TASK_PRIORITY", "3");
    return random_rounds(argc, argv, any_round);
}
