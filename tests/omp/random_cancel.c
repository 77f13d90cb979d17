/* Cancellation at random points of loops, sections and regions, nested ones too. Whatever is cancelled: no iteration
   runs twice, who cancelled does not go on, tasks that had begun are over at the end, and the constructs that come
   after are whole. Without OMP_CANCELLATION, or when nobody cancels, nothing is missing either. */
#include <omp.h>
#include "random.h"

#define WIDTH     160
#define SECTIONS  6
#define STEPS_MAX 6

enum kind { LOOP_STATIC, LOOP_CHUNKS, LOOP_DYNAMIC, LOOP_GUIDED, LOOP_RUNTIME, SECTIONED, NESTED, KINDS };

/* One construct that all threads of a region meet. */
struct step {
    enum kind kind;
    int width;        /* iterations, or sections */
    int cancel_at[2]; /* iterations that cancel, -1 for none */
    int point_percent, task_percent;
    uint64_t seed;
    unsigned char runs[WIDTH];
    long created, ended; /* tasks */
    long arrived;
};

struct plan {
    int threads, steps;
    int canceller, cancel_step; /* of the region itself */
    bool nested;
    struct step step[STEPS_MAX];
};

static bool cancels;

static void plan_step(struct step *s, struct dice *d, bool nested, bool may_cancel)
{
    memset(s, 0, sizeof *s);
    s->kind = (enum kind)dice_below(d, nested ? NESTED : KINDS);
    s->width = s->kind == SECTIONED ? SECTIONS : dice_between(d, 1, WIDTH);
    for (int k = 0; k < 2; k++)
        s->cancel_at[k] = may_cancel && dice_percent(d, 40) ? dice_below(d, s->width) : -1;
    s->point_percent = dice_percent(d, 50) ? dice_below(d, 100) : 0;
    s->task_percent = dice_percent(d, 50) ? dice_below(d, 60) : 0;
    s->seed = dice_roll(d);
}

static void plan_region(struct plan *p, struct dice *d, bool nested, bool itself)
{
    p->threads = dice_between(d, 1, omp_get_max_threads());
    p->steps = dice_between(d, 1, STEPS_MAX);
    p->canceller = dice_below(d, p->threads);
    p->cancel_step = itself && dice_percent(d, 70) ? dice_below(d, p->steps) : -1;
    p->nested = nested;
    for (int i = 0; i < p->steps; i++)
        plan_step(&p->step[i], d, nested, !itself);
}

/* ---- One iteration or section. */
static bool cancels_at(const struct step *s, int i)
{
    return i == s->cancel_at[0] || i == s->cancel_at[1];
}

static void end_task(struct step *s, struct dice d)
{
    dice_work(&d);
    __atomic_fetch_add(&s->ended, 1, __ATOMIC_RELEASE);
}

static void visit(struct step *s, int i)
{
    struct dice d = {s->seed + (uint64_t)i};
    CHECK_EQ(__atomic_fetch_add(&s->runs[i], 1, __ATOMIC_RELAXED), 0);
    dice_work(&d);
    if (dice_percent(&d, s->task_percent)) {
        __atomic_fetch_add(&s->created, 1, __ATOMIC_RELAXED);
#pragma omp task firstprivate(s, d)
        end_task(s, d);
    }
}

static bool looks(const struct step *s, int i)
{
    struct dice d = {s->seed ^ (uint64_t)i << 32};
    return dice_percent(&d, s->point_percent);
}

/* After the barrier at the end of a step. */
static void check_step(const struct step *s)
{
    bool whole = !cancels || (s->cancel_at[0] < 0 && s->cancel_at[1] < 0);
    for (int i = 0; whole && i < s->width; i++)
        CHECK_EQ(s->runs[i], 1);
    CHECK_EQ(__atomic_load_n(&s->ended, __ATOMIC_ACQUIRE), s->created);
}

/* ---- Loops and sections that are cancelled, orphaned. */
/* clang-format off */
#define PRAGMA(text)     _Pragma(#text)
#define EXPANDED(pragma) PRAGMA(pragma)
#define PART(construct, s, i)                                                                                          \
    {                                                                                                                  \
        visit(s, i);                                                                                                   \
        EXPANDED(omp cancel construct if (cancels_at(s, i)))                                                           \
        CHECK(!cancels || !cancels_at(s, i));                                                                          \
        if (looks(s, i)) {                                                                                             \
            EXPANDED(omp cancellation point construct)                                                                 \
        }                                                                                                              \
    }
#define LOOP(how)                                                                                                      \
    EXPANDED(omp for how)                                                                                              \
    for (int i = 0; i < s->width; i++)                                                                                 \
        PART(for, s, i)
#define SECTION(i)                                                                                                     \
    _Pragma("omp section") PART(sections, s, i)
/* clang-format on */

static void run_sections(struct step *s)
{
#pragma omp sections
    {
        SECTION(0)
        SECTION(1)
        SECTION(2)
        SECTION(3)
        SECTION(4)
        SECTION(5)
    }
}

static void run_nested(const struct step *s);

static void run_step(struct step *s)
{
    switch (s->kind) {
    case LOOP_STATIC:
        LOOP()
        break;
    case LOOP_CHUNKS:
        LOOP(schedule(static, 3))
        break;
    case LOOP_DYNAMIC:
        LOOP(schedule(dynamic, 2))
        break;
    case LOOP_GUIDED:
        LOOP(schedule(guided))
        break;
    case LOOP_RUNTIME:
        LOOP(schedule(runtime))
        break;
    case SECTIONED:
        run_sections(s);
        break;
    default:
        run_nested(s);
    }
    if (s->kind != NESTED)
        check_step(s);
}

static void region_of_cancelled_constructs(struct plan *p)
{
#pragma omp parallel num_threads(p->threads)
    for (int i = 0; i < p->steps; i++)
        run_step(&p->step[i]);
}

/* ---- Regions that are cancelled themselves. The compiler wants to see the constructs in them. */
static void check_arrival(struct step *s, int threads)
{
    CHECK_EQ(__atomic_load_n(&s->arrived, __ATOMIC_ACQUIRE), threads);
}

static void region_that_is_cancelled(struct plan *p)
{
    int threads = 0;
#pragma omp parallel num_threads(p->threads)
    {
#pragma omp single
        threads = omp_get_num_threads();
        for (int k = 0; k < p->steps; k++) {
            struct step *s = &p->step[k];
            bool mine = k == p->cancel_step && omp_get_thread_num() == p->canceller % threads;
#pragma omp cancel parallel if (mine)
            CHECK(!cancels || !mine);
            if (looks(s, omp_get_thread_num())) {
#pragma omp cancellation point parallel
            }
            if (s->kind < LOOP_DYNAMIC) {
#pragma omp for
                for (int i = 0; i < s->width; i++)
                    visit(s, i);
            } else if (s->kind < SECTIONED) {
#pragma omp for schedule(dynamic, 2)
                for (int i = 0; i < s->width; i++)
                    visit(s, i);
            } else {
#pragma omp single
                for (int i = 0; i < s->width; i++)
                    visit(s, i);
            }
            __atomic_fetch_add(&s->arrived, 1, __ATOMIC_RELEASE);
#pragma omp barrier
            check_arrival(s, threads);
        }
    }
}

static void check_cancelled_region(const struct plan *p)
{
    for (int k = 0; k < p->steps; k++)
        if (!cancels || p->cancel_step < 0 || k < p->cancel_step)
            check_step(&p->step[k]);
}

/* Tasks of a cancelled region may be dropped, but none may begin once it is over. */
static long tasks_ended(const struct plan *p)
{
    long sum = 0;
    for (int k = 0; k < p->steps; k++)
        sum += __atomic_load_n(&p->step[k].ended, __ATOMIC_ACQUIRE);
    return sum;
}

static void any_region(struct dice *d, bool nested)
{
    struct plan *p = malloc(sizeof *p);
    bool itself = dice_percent(d, 50);
    plan_region(p, d, nested, itself);
    if (itself) {
        region_that_is_cancelled(p);
        check_cancelled_region(p);
    } else {
        region_of_cancelled_constructs(p);
    }
    long ended = tasks_ended(p);
    sched_yield();
    CHECK_EQ(tasks_ended(p), ended);
    free(p);
}

/* Each thread of the outer region has inner ones, which are cancelled on their own. */
static void run_nested(const struct step *s)
{
    struct dice d = {s->seed + (unsigned)omp_get_thread_num()};
    any_region(&d, true);
}

/* ---- What comes after is whole. */
static void region_without_cancellation(void)
{
    long sum = 0, tasks = 0, threads = 0;
#pragma omp parallel reduction(+ : sum, threads)
    {
        threads++;
#pragma omp for schedule(dynamic, 3)
        for (int i = 0; i < 100; i++)
            sum += i;
#pragma omp task shared(tasks)
        __atomic_fetch_add(&tasks, 1, __ATOMIC_RELAXED);
#pragma omp barrier
        CHECK_EQ(__atomic_load_n(&tasks, __ATOMIC_RELAXED), omp_get_num_threads());
    }
    CHECK_EQ(sum, 4950);
    CHECK_EQ(threads, omp_get_max_threads());
}

static void any_round(struct dice *d)
{
    omp_set_schedule((omp_sched_t)dice_between(d, omp_sched_static, omp_sched_guided), dice_between(d, 1, 5));
    any_region(d, false);
    region_without_cancellation();
}

int main(int argc, char **argv)
{
    random_environment(argv, "OMP_CANCELLATION", "true");
    omp_set_max_active_levels(2);
    cancels = omp_get_cancellation();
    return random_rounds(argc, argv, any_round);
}
