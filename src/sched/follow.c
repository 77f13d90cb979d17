/* Jobs that follow others, and who is told when one is over. */
#include "sched/async.h"
#include "sched/run.h"

#include <errno.h>
#include <string.h>

/* Its function is that of its struct mo_job_after, so this word is free until it begins. */
static void strand(struct mo_worker *w, struct mo_job *job)
{
    job->fn = (void (*)(void *))(void *)w->stranded;
    w->stranded = job;
}

static void run_stranded(struct mo_worker *w)
{
    struct mo_job *job = w->stranded;
    struct mo_executor *x = mo_job_after(job)->executor;
    _Atomic uint64_t done = 0;
    w->stranded = (struct mo_job *)(void *)job->fn;
    mo_job_deal_inside(w, x, &done, job);
    mo_fetch_add_seqcst(&x->done_elsewhere, 1u); /* as a `done` of others (executor.c) */
    if (mo_executor_is_closing(x))
        mo_executor_try_close(x);
}

/* Without memory to put it anywhere it runs here, on top of what has just ended. What ends up here meanwhile, which may
   be a long chain, does so after it and not on top of it. False: there is no stack for that. */
static bool run_here(struct mo_worker *w, struct mo_job *job)
{
    if (!mo_job_may_nest(w))
        return false;
    strand(w, job);
    if (w->runs_stranded)
        return true;
    w->runs_stranded = true;
    while (w->stranded)
        run_stranded(w);
    w->runs_stranded = false;
    return true;
}

/* It was counted when it was made, so it cannot be refused, and nothing else would ever run it. */
static void put_or_run(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    while (mo_executor_put(w, x, job) != 0) {
        if (run_here(w, job))
            return;
        mo_warn_once("out of memory for a task that is to follow another one; waiting for some");
        mo_plat_yield();
    }
    mo_work_published(x->team);
}

void mo_job_launch(struct mo_worker *w, struct mo_job *job)
{
    struct mo_job_after *after = mo_job_after(job);
    struct mo_executor *x = after->executor;
    if (mo_fetch_add_acq_rel(&after->pending, -1u) != 1)
        return;
    uint64_t state = mo_load_relaxed(&job->state);
    while (MO_JOB_PHASE(state) == MO_JOB_BLOCKED &&
           !mo_cas_acq_rel(&job->state, &state, (state & ~(uint64_t)7) | MO_JOB_QUEUED))
        ;
    put_or_run(w, x, job);
}

void mo_job_tell(struct mo_worker *w, uint64_t state)
{
    if (state & MO_JOB_THEN && MO_JOB_WORD(state) & MO_JOB_WAKES)
        mo_waker_wake_last(w, MO_JOB_WORD(state) & ~MO_JOB_WAKES);
    else if (state & MO_JOB_THEN)
        mo_job_launch(w, (struct mo_job *)MO_JOB_WORD(state));
    else
        mo_event_notify(&mo_worker_at((uint16_t)MO_JOB_WORD(state))->event);
}

/* A block for more than one begins like this. */
struct before_head {
    void *unused;
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    struct mo_job_before before[];
};

void mo_job_free_before(struct mo_worker *w, struct mo_job_after *after)
{
    if (after->before != &after->one)
        mo_worker_free(w, after->home, (char *)after->before - offsetof(struct before_head, before), after->cls);
}

static struct mo_job_before *new_before(struct mo_worker *w, struct mo_job_after *after, size_t bytes)
{
    after->home = w->index;
    after->cls = (uint8_t)mo_slab_class(sizeof(struct before_head) + bytes);
    struct before_head *head = after->cls < MO_SLAB_CLASSES ? mo_slab_alloc_owner(&w->slab, after->cls) : NULL;
    if (!head)
        return NULL;
    head->unused = head->no_parent = NULL;
    return head->before;
}

void mo_job_release_before(struct mo_worker *w, struct mo_job_after *after)
{
    for (uint32_t i = 0; i < after->count; i++)
        mo_job_release(w, after->before[i].job);
    mo_job_free_before(w, after);
}

static bool copy_before(struct mo_worker *w, struct mo_job_after *after, const struct mo_job_follow *f)
{
    size_t bytes = f->count * sizeof *f->before;
    after->before = f->count > 1 ? new_before(w, after, bytes) : &after->one;
    if (after->before)
        memcpy(after->before, f->before, bytes);
    return after->before != NULL;
}

/* Have `job` told when `before` is over; it may be already. */
static void tell_later(struct mo_worker *w, struct mo_job *before, struct mo_job *job)
{
    uint64_t state = mo_load_acquire(&before->state);
    do {
        if (MO_JOB_OVER(state)) {
            mo_job_launch(w, job);
            return;
        }
    } while (!mo_cas_acq_rel(&before->state, &state,
                             (state & MO_JOB_BITS & ~MO_JOB_WAITER) | MO_JOB_THEN | MO_JOB_WITH((uintptr_t)job)));
}

int mo_job_follow(struct mo_worker *w, const struct mo_job_spec *spec, const struct mo_job_follow *f,
                  struct mo_job **made)
{
    struct mo_job_spec room = *spec;
    room.flags = MO_JOB_FOLLOWS;
    struct mo_job *job = mo_job_new(w, f->executor, &room);
    if (!job)
        return ENOMEM;
    struct mo_job_after *after = mo_job_after(job);
    after->fn = f->fn;
    after->user = f->user;
    after->executor = f->executor;
    after->count = 0; /* until they are ours */
    mo_store_relaxed(&after->pending, f->count + 1);
    if (!copy_before(w, after, f)) {
        if (job->flags & MO_JOB_WATCHED)
            mo_watched_discarded(w, job);
        mo_job_free_blocks(w, job);
        return ENOMEM;
    }
    if (spec->bytes)
        memcpy(mo_job_data(job), f->data, spec->bytes);
    mo_store_relaxed(&job->state, mo_load_relaxed(&job->state) | MO_JOB_BLOCKED);
    int err = mo_job_count(w, f->executor, job);
    if (err)
        return err;
    after->count = f->count;
    *made = job;
    struct mo_job_info info;
    bool watched = job->flags & MO_JOB_WATCHED;
    if (watched)
        mo_watched_info(w, job, &info);
    for (uint32_t i = 0; i < f->count; i++)
        tell_later(w, f->before[i].job, job);
    mo_job_launch(w, job);
    if (watched)
        mo_watched_spawned(f->executor, &info);
    return 0;
}
