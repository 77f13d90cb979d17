/* taskloop. The tasks of a loop are many and alike, so they are not stored one by one: a stored task stands for a range
   of them. Whoever runs a range keeps half of what it has in its deque as long as the deque is empty, for others to
   take, and runs the next task of its own part at once. Each is a task of its own all the same (its children, its
   locks). Payloads that a function of the program copies are made by the thread that meets the construct, one by one,
   as copying may do anything; such tasks are stored singly. */
#include "omp/core.h"

#include <alloca.h>
#include <string.h>

#define BLOCK_MAX 4096 /* bytes of payload on the stack */

/* Tasks [lo, hi) of a loop; the pattern of the payload follows it in a stored one. */
struct range {
    struct mo_taskloop loop;
    uint64_t tasks, grain; /* of the loop: how many, and iterations of all but the last; grain 0: spread evenly */
    uint64_t lo, hi;
};

/* A grain size that is not strict leaves tasks of up to twice its size. */
static void cut(struct range *r, unsigned threads)
{
    const struct mo_taskloop *l = &r->loop;
    r->grain = l->grainsize && l->strict ? l->grainsize : 0;
    if (l->grainsize)
        r->tasks = l->strict ? (l->trips - 1) / l->grainsize + 1 : l->trips / l->grainsize;
    else
        r->tasks = l->num_tasks ? l->num_tasks : threads;
    if (r->tasks > l->trips)
        r->tasks = l->trips;
    if (r->tasks == 0)
        r->tasks = 1;
}

/* The first tasks get one iteration more where they do not come out even. */
static struct mo_part part_at(const struct range *r, uint64_t i)
{
    const struct mo_taskloop *l = &r->loop;
    uint64_t size = r->grain ? r->grain : l->trips / r->tasks, more = r->grain ? 0 : l->trips % r->tasks;
    uint64_t lo = i * size + (i < more ? i : more), count = size + (i < more);
    if (count > l->trips - lo)
        count = l->trips - lo;
    uint64_t from = l->begin + lo * l->step;
    /* `to` is beyond the loop's end where the step does: lastprivate is found by that */
    return (struct mo_part){.from = from, .to = from + count * l->step, .last = i + 1 == r->tasks};
}

static void run_one(struct mo_member *m, const struct range *r, uint64_t i, void *block)
{
    const struct mo_task_spec *t = &r->loop.task;
    const struct mo_part part = part_at(r, i);
    memcpy(block, t->data, t->bytes);
    mo_task_place(t, block, &part);
    mo_task_run_undeferred(m, t->fn, block, t->final ? MO_TASK_FINAL : 0);
}

static void run_range(struct mo_member *m, struct range *r);

static void range_task(void *payload)
{
    struct mo_member *m = mo_self();
    struct range *r = payload;
    r->loop.task.data = r + 1;
    run_range(m, r);
    mo_task_wait(m); /* who waits for this one waits for its parts too */
}

/* False: no memory. */
static bool store_range(struct mo_member *m, const struct range *r, uint64_t lo, uint64_t hi)
{
    const struct mo_task_form form = {.bytes = sizeof *r + r->loop.task.bytes,
                                      .align = r->loop.task.align > 16 ? r->loop.task.align : 16,
                                      .priority = r->loop.task.priority};
    void *payload;
    struct mo_task *task = mo_task_new(m, &form, &payload);
    if (!task)
        return false;
    struct range *part = payload;
    *part = *r;
    part->lo = lo;
    part->hi = hi;
    memcpy(part + 1, r->loop.task.data, r->loop.task.bytes);
    task->fn = range_task;
    mo_task_submit(m, task);
    return true;
}

static void run_range(struct mo_member *m, struct range *r)
{
    size_t align = r->loop.task.align > 16 ? r->loop.task.align : 16;
    char *raw = alloca(r->loop.task.bytes + align);
    void *block = (void *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
    while (r->lo < r->hi && !mo_task_cancelled(m)) {
        uint64_t mid = r->lo + (r->hi - r->lo) / 2;
        if (m->shared && mid > r->lo && mo_deque_size_owner(&m->deque, 1) < 1 && store_range(m, r, mid, r->hi))
            r->hi = mid;
        run_one(m, r, r->lo++, block);
    }
}

static void store_each(struct mo_member *m, const struct range *all)
{
    struct mo_part part;
    struct mo_task_spec task = all->loop.task;
    task.part = &part;
    for (uint64_t i = 0; i < all->tasks; i++) {
        part = part_at(all, i);
        mo_omp_task(m, &task);
    }
}

/* A tool wants to hear of each task before it runs. */
static bool fits_ranges(const struct mo_member *m, const struct mo_taskloop *l)
{
    return !mo_traced(m) && !l->task.copy && !l->singly && l->task.deferrable &&
           l->task.bytes + l->task.align <= BLOCK_MAX;
}

void mo_omp_taskloop(struct mo_member *m, const struct mo_taskloop *l)
{
    struct range all = {.loop = *l};
    if (!l->trips)
        return;
    all.loop.task.priority = mo_omp_priority(l->task.priority);
    cut(&all, m->size);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_begin(&m->worker->obs, MO_OBS_TASKLOOP, l->trips);
    all.hi = all.tasks;
    if (!fits_ranges(m, l) || m->current->flags & MO_TASK_FINAL || mo_omp_outside(m))
        store_each(m, &all);
    else if (!l->nogroup || !store_range(m, &all, 0, all.tasks))
        run_range(m, &all);
    mo_work_end(m);
}
