/* taskloop. The block that the compiled code has filled in is the pattern of the tasks: each is a copy with bounds of
   its own. A function of the program copies what plain copying cannot, and notes which task has the last iteration. */
#include "interpose/kmp/task.h"

typedef void duplicate(kmp_task_t *to, kmp_task_t *from, int32_t last);

struct pattern {
    kmp_task_t *task;
    duplicate *dup;
};

static void place(kmp_task_t *t, const struct mo_part *part, const struct pattern *pattern)
{
    struct kmp_loop_task *loop = (struct kmp_loop_task *)t;
    uint32_t shareds_at = kmp_head(t)->shareds_at;
    if (shareds_at)
        t->shareds = (char *)t + shareds_at;
    loop->lower = part->from;
    loop->upper = part->to - (uint64_t)loop->step;
    if (pattern)
        pattern->dup(t, pattern->task, part->last);
}

static void place_at_16(void *payload, const struct mo_part *part, void *pattern)
{
    place((kmp_task_t *)((char *)payload + 16), part, pattern);
}

static void place_at_64(void *payload, const struct mo_part *part, void *pattern)
{
    place((kmp_task_t *)((char *)payload + 64), part, pattern);
}

/* Bounds are inclusive, and compiled code has seen to it that there are iterations. */
static uint64_t trips(uint64_t lower, uint64_t upper, int64_t step)
{
    uint64_t distance = step > 0 ? upper - lower : lower - upper, stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
    return stride == 1 ? distance + 1 : distance / stride + 1;
}

enum { SCHED_NONE, SCHED_GRAINSIZE, SCHED_NUM_TASKS };

static void run_loop(struct mo_member *m, kmp_task_t *t, bool deferrable, uint64_t lower, uint64_t upper, int64_t step,
                     int32_t sched, uint64_t amount, bool strict, duplicate *dup)
{
    struct task_head *head = kmp_head(t);
    struct pattern pattern = {t, dup};
    unsigned padding = head->task_at % 64 ? 16 : 64;
    bool destructors = head->flags & TASK_DESTRUCTORS;
    ((struct kmp_loop_task *)t)->step = step;
    const struct mo_taskloop loop = {.task = {.fn = kmp_task_entry(padding),
                                              .data = (char *)t - padding,
                                              .bytes = padding + (size_t)head->bytes,
                                              .align = padding,
                                              .priority = kmp_task_priority(t),
                                              .deferrable = deferrable,
                                              .final = head->flags & TASK_FINAL,
                                              .always = destructors,
                                              .place = padding == 16 ? place_at_16 : place_at_64,
                                              .place_arg = dup ? &pattern : NULL},
                                     .begin = lower,
                                     .step = (uint64_t)step,
                                     .trips = trips(lower, upper, step),
                                     .grainsize = sched == SCHED_GRAINSIZE ? amount ? amount : 1 : 0,
                                     .num_tasks = sched == SCHED_NUM_TASKS ? amount : 0,
                                     .strict = strict,
                                     .singly = dup || destructors,
                                     .nogroup = true};
    mo_omp_taskloop(m, &loop);
    kmp_task_discard(m, t);
}

static void taskloop(struct mo_member *m, kmp_task_t *t, int32_t if_clause, uint64_t *lower, uint64_t *upper,
                     int64_t step, int32_t nogroup, int32_t sched, uint64_t amount, int32_t strict, void *dup)
{
    if (!nogroup)
        mo_omp_taskgroup_begin(m);
    run_loop(m, t, if_clause, *lower, *upper, step, sched, amount, strict, (duplicate *)dup);
    if (!nogroup)
        mo_omp_taskgroup_end(m);
}

MO_EXPORT void __kmpc_taskloop_5(ident_t *loc, int32_t gtid, kmp_task_t *t, int32_t if_clause, uint64_t *lower,
                                 uint64_t *upper, int64_t step, int32_t nogroup, int32_t sched, uint64_t amount,
                                 int32_t strict, void *dup)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    taskloop(m, t, if_clause, lower, upper, step, nogroup, sched, amount, strict, dup);
}

MO_EXPORT void __kmpc_taskloop(ident_t *loc, int32_t gtid, kmp_task_t *t, int32_t if_clause, uint64_t *lower,
                               uint64_t *upper, int64_t step, int32_t nogroup, int32_t sched, uint64_t amount,
                               void *dup)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    taskloop(m, t, if_clause, lower, upper, step, nogroup, sched, amount, 0, dup);
}
