/* Making jobs, and handing them to an executor. */
#include "sched/async.h"
#include "sched/run.h"

#include <errno.h>

/* Its header. */
static inline void fill(struct mo_worker *w, const struct mo_executor *x, struct mo_job *job,
                        const struct mo_job_spec *spec, unsigned cls, unsigned flags)
{
    job->fn = spec->fn;
    mo_store_relaxed(&job->group, (struct mo_task *)spec->group);
    mo_store_relaxed(&job->state, spec->handle ? x->job_state | MO_JOB_HANDLE : x->job_state);
    uint32_t id = w->last_job += 2; /* odd, never 0 */
    job->origin = id | (uint64_t)w->index << 32 | (uint64_t)cls << 48 | (uint64_t)flags << 56;
}

/* ---- Large payloads. */
static struct mo_job *new_apart(struct mo_worker *w, size_t bytes)
{
    unsigned cls = mo_slab_class(sizeof(struct mo_job) + bytes);
    struct mo_job *apart = cls < MO_SLAB_CLASSES ? mo_slab_alloc_owner(&w->slab, cls) : NULL;
    if (!apart)
        return NULL;
    apart->fn = NULL;
    mo_store_relaxed(&apart->group, NULL);
    mo_store_relaxed(&apart->state, (uint64_t)0);
    apart->origin = (uint64_t)w->index << 32 | (uint64_t)cls << 48; /* number 0: no job */
    return apart;
}

static void free_apart(struct mo_worker *w, struct mo_job *apart)
{
    mo_worker_free(w, apart->home, apart, apart->cls);
}

void mo_job_free_apart(struct mo_worker *w, struct mo_job *job)
{
    free_apart(w, *mo_job_apart(job));
}

/* ---- Making. */
/* What it has beyond. */
static __attribute__((noinline)) bool fill_more(struct mo_worker *w, struct mo_executor *x, struct mo_job *job,
                                                const struct mo_job_spec *spec)
{
    if (job->flags & MO_JOB_ASYNC)
        mo_async_begin_life(job);
    if (spec->ext) {
        *mo_job_ext(job) = *spec->ext;
        if (x->flat)
            mo_job_ext(job)->priority = 0;
    }
    if (!x->watching || mo_watched_created(w, x, job))
        return true;
    mo_job_free_blocks(w, job);
    return false;
}

static inline struct mo_job *new_job(struct mo_worker *w, struct mo_executor *x, const struct mo_job_spec *spec,
                                     unsigned flags, struct mo_job *apart)
{
    unsigned cls = mo_slab_class(mo_job_head(flags) + (apart ? sizeof(struct mo_job *) : spec->bytes));
    struct mo_job *job = mo_likely(cls < MO_SLAB_CLASSES) ? mo_slab_alloc_owner(&w->slab, cls) : NULL;
    if (mo_unlikely(!job)) {
        if (apart)
            free_apart(w, apart);
        return NULL;
    }
    fill(w, x, job, spec, cls, flags);
    if (apart)
        *mo_job_apart(job) = apart;
    if (mo_unlikely(flags != 0) && !fill_more(w, x, job, spec))
        return NULL;
    return job;
}

static __attribute__((noinline)) struct mo_job *new_large(struct mo_worker *w, struct mo_executor *x,
                                                          const struct mo_job_spec *spec, unsigned flags)
{
    struct mo_job *apart = new_apart(w, spec->bytes);
    return apart ? new_job(w, x, spec, flags | MO_JOB_APART, apart) : NULL;
}

struct mo_job *mo_job_new(struct mo_worker *w, struct mo_executor *x, const struct mo_job_spec *spec)
{
    unsigned flags = x->job_flags | spec->flags | (spec->ext ? MO_JOB_EXTENDED : 0);
    return mo_likely(spec->bytes <= MO_JOB_INLINE_MAX) ? new_job(w, x, spec, flags, NULL)
                                                       : new_large(w, x, spec, flags);
}

void mo_job_discard(struct mo_worker *w, struct mo_job *job)
{
    struct mo_group *group = mo_job_group(job);
    if (group)
        mo_group_sub(w, group);
    if (job->flags & MO_JOB_WATCHED)
        mo_watched_discarded(w, job);
    if (job->flags & MO_JOB_FOLLOWS)
        mo_job_free_before(w, mo_job_after(job));
    mo_job_free_blocks(w, job);
}

static __attribute__((noinline)) int count_outside(struct mo_worker *w, struct mo_executor *x)
{
    struct mo_outbox *o = mo_outbox(w, x);
    if (mo_unlikely(!o))
        return ENOMEM;
    mo_owner_add(&o->created, 1);
    mo_counted(&o->created); /* X1 */
    if (mo_likely(mo_load_relaxed(&x->state) == MO_EXECUTOR_OPEN))
        return 0;
    mo_fetch_sub_seqcst(&o->created, 1);
    mo_executor_try_close(x);
    return ESHUTDOWN;
}

int mo_job_count(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_group *group = mo_job_group(job);
    int err = 0;
    if (group)
        mo_group_add(w, group);
    if (mo_has_seat(w, x))
        mo_owner_add(&w->seat->member->created, 1); /* published with the entry: nobody can end it before seeing this */
    else
        err = count_outside(w, x);
    if (mo_unlikely(err != 0))
        mo_job_discard(w, job);
    return err;
}

void mo_job_uncount(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    if (mo_has_seat(w, x)) {
        mo_owner_add(&w->seat->member->created,
                     -1); /* the job that we are in is not done: nobody takes us for through */
    } else {
        mo_fetch_sub_seqcst(&w->outboxes->created, 1);
        mo_executor_try_close(x);
    }
    mo_job_discard(w, job);
}

static int push_special(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_job_info info;
    if (job->flags & MO_JOB_WATCHED)
        mo_watched_info(w, job, &info);
    bool watched = job->flags & MO_JOB_WATCHED; /* it may be over, and gone, as soon as others have it */
    int err = mo_executor_put(w, x, job);
    if (watched && !err)
        mo_watched_spawned(x, &info);
    return err;
}

static inline int push(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    if (mo_unlikely(job->flags))
        return push_special(w, x, job);
    struct mo_deque *d =
        mo_has_seat(w, x) ? &w->seat->member->deque : &w->outboxes->deque; /* counted: it comes first */
    if (mo_unlikely(!mo_deque_room_owner(d)))
        return ENOMEM;
    mo_deque_push_owner(d, job);
    return 0;
}

int mo_job_submit_quietly(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    int err = mo_job_count(w, x, job);
    if (mo_unlikely(err != 0))
        return err;
    err = push(w, x, job);
    if (mo_unlikely(err != 0))
        mo_job_uncount(w, x, job);
    return err;
}

void mo_executor_wake(struct mo_executor *x)
{
    mo_work_published(x->team);
}

int mo_job_submit(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    int err = mo_job_submit_quietly(w, x, job);
    if (mo_likely(err == 0))
        mo_work_published(x->team);
    return err;
}
