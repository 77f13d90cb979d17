/* taskloop. The tasks of a loop are many and alike, so they are not stored one by one: a stored task stands for a range of
   them. Whoever runs a range keeps half of what it has in its deque as long as the deque is empty, for others to take, and
   runs the next task of its own part at once. Each is a task of its own all the same (its children, its locks).
   Payloads with a copy function are made by the thread that meets the construct, one by one, as copying may do anything;
   such tasks are stored singly. */
#include "omp/core.h"

#include <alloca.h>
#include <string.h>

#define BLOCK_MAX 4096 /* bytes of payload on the stack */

/* What a range needs to know; the pattern of the payload follows it. */
struct range {
    struct mo_taskloop loop;
    uint64_t lo, hi;
};

/* The first tasks get one iteration more where they do not come out even. */
static void bounds(const struct mo_taskloop *l, uint64_t i, uint64_t *from, uint64_t *to)
{
    uint64_t size = l->grain ? l->grain : l->trips / l->tasks, more = l->grain ? 0 : l->trips % l->tasks;
    uint64_t lo = i * size + (i < more ? i : more), count = size + (i < more);
    if (count > l->trips - lo)
        count = l->trips - lo;
    *from = l->begin + lo * l->step;
    *to = *from + count * l->step; /* beyond the loop's end where the step does: lastprivate is found by that */
}

static void run_one(struct mo_member *m, const struct mo_taskloop *l, uint64_t i, void *block)
{
    uint64_t *head = block;
    memcpy(block, l->task.data, l->task.bytes);
    bounds(l, i, &head[0], &head[1]);
    mo_task_run_undeferred(m, l->task.fn, block, l->task.final ? MO_TASK_FINAL : 0);
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
        run_one(m, &r->loop, r->lo++, block);
    }
}

static void store_each(struct mo_member *m, const struct mo_taskloop *l)
{
    uint64_t own[2];
    struct mo_task_spec task = l->task;
    task.bounds = own;
    for (uint64_t i = 0; i < l->tasks; i++) {
        bounds(l, i, &own[0], &own[1]);
        mo_omp_task(m, &task);
    }
}

static bool fits_ranges(const struct mo_taskloop *l)
{
    return !l->task.copy && l->task.deferrable && l->task.bytes + l->task.align <= BLOCK_MAX;
}

void mo_omp_taskloop(struct mo_member *m, const struct mo_taskloop *l)
{
    struct range all = {.loop = *l, .hi = l->tasks};
    if (!fits_ranges(l) || m->current->flags & MO_TASK_FINAL || mo_omp_outside(m))
        store_each(m, l);
    else if (!l->nogroup)
        run_range(m, &all);
    else if (!store_range(m, &all, 0, l->tasks))
        run_range(m, &all);
}
