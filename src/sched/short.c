/* The short ways of creating a small job and of joining the newest. */
#include "park/strand.h"
#include "sched/run.h"

/* The handle is given before anybody can free the job. */
static inline __attribute__((always_inline)) void fill_small(struct mo_worker *w, struct mo_job *job, uint64_t state,
                                                             uint64_t origin, void (*fn)(void *), const void *data,
                                                             size_t bytes, struct mo_job_handle *handle,
                                                             struct mo_group *group)
{
    uint32_t id = w->last_job += 2;
    job->fn = fn;
    mo_store_relaxed(&job->group, (struct mo_task *)group);
    mo_store_relaxed(&job->state, handle ? state | MO_JOB_HANDLE : state);
    job->origin = origin | id;
    mo_copy_words((uint64_t *)(job + 1), data, bytes);
    if (handle)
        *handle = (struct mo_job_handle){job, id, (uint32_t)bytes};
    if (group)
        mo_group_add(w, group);
}

static inline __attribute__((always_inline)) bool spawn_small(struct mo_worker *w, void (*fn)(void *), const void *data,
                                                              size_t bytes, struct mo_job_handle *handle,
                                                              struct mo_group *group)
{
    struct mo_seat *seat = w->seat;
    struct mo_member *m = seat->member;
    if (mo_unlikely(!mo_deque_room_owner(&m->deque)))
        return false;
    struct mo_job *job = mo_slab_alloc_owner(&w->slab, 0);
    if (mo_unlikely(!job))
        return false;
    fill_small(w, job, seat->state, seat->origin, fn, data, bytes, handle, group);
    mo_owner_add(&m->created, 1);
    mo_deque_push_owner(&m->deque, job);
    mo_work_published(m->team);
    return true;
}

bool mo_job_spawn_small(struct mo_worker *w, void (*fn)(void *), const void *data, size_t bytes,
                        struct mo_job_handle *handle)
{
    return spawn_small(w, fn, data, bytes, handle, NULL);
}

bool mo_job_spawn_small_in(struct mo_worker *w, void (*fn)(void *), const void *data, size_t bytes,
                           struct mo_job_handle *handle, struct mo_group *group)
{
    return spawn_small(w, fn, data, bytes, handle, group);
}

/* Somebody closes the executor: the long way has the answer. */
static __attribute__((noinline)) bool take_back(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    mo_slab_free_owner(&w->slab, job, 0);
    mo_fetch_sub_seqcst(&w->outboxes->created, 1);
    mo_executor_try_close(x); /* X1 */
    return false;
}

bool mo_job_spawn_small_outside(struct mo_worker *w, struct mo_executor *x, void (*fn)(void *), const void *data,
                                size_t bytes, struct mo_job_handle *handle, struct mo_group *group)
{
    struct mo_outbox *o = w->outboxes;
    if (mo_unlikely(!o || o->executor != x || x->job_flags || !mo_deque_room_owner(&o->deque)))
        return false;
    struct mo_job *job = mo_slab_alloc_owner(&w->slab, 0);
    if (mo_unlikely(!job))
        return false;
    mo_owner_add(&o->created, 1);
    mo_counted(&o->created); /* X1 */
    if (mo_unlikely(mo_load_relaxed(&x->state) != MO_EXECUTOR_OPEN))
        return take_back(w, x, job);
    fill_small(w, job, x->job_state, (uint64_t)w->index << 32, fn, data, bytes, handle, group);
    mo_deque_push_owner(&o->deque, job);
    mo_work_published(x->team);
    return true;
}

/* The entry is in hand; J4. */
static __attribute__((noinline)) enum mo_job_phase end_exposed(struct mo_worker *w, struct mo_job *job,
                                                               enum mo_job_phase phase, void *result, uint32_t bytes)
{
    mo_job_conclude(w, job, mo_load_relaxed(&job->state), phase);
    if (result && phase != MO_JOB_CANCELLED)
        mo_copy_words(result, (uint64_t *)(job + 1), bytes);
    mo_job_release(w, job);
    return phase;
}

static inline enum mo_job_phase end_alone(struct mo_worker *w, struct mo_job *job, enum mo_job_phase phase,
                                          void *result, uint32_t bytes)
{
    struct mo_group *group = mo_job_group(job);
    if (result && mo_likely(phase != MO_JOB_CANCELLED))
        mo_copy_words(result, (uint64_t *)(job + 1), bytes);
    if (mo_unlikely(phase == MO_JOB_FAILED))
        mo_error_free(w, job->error);
    mo_job_free_block(w, job);
    if (group)
        mo_group_sub(w, group);
    return phase;
}

enum mo_job_phase mo_job_join_newest(struct mo_worker *w, const struct mo_job_handle *handle, void *result)
{
    struct mo_seat *seat = w->seat;
    struct mo_job *job = handle->job;
    if (mo_unlikely(!seat || !job || !mo_job_is_small(handle->bytes) || MO_SHARED(strand))) /* its stack is small */
        return MO_JOB_QUEUED;
    struct mo_member *m = seat->member;
    struct mo_deque_buffer *buf = mo_load_relaxed(&m->deque.buffer);
    int64_t newest = mo_load_relaxed(&m->deque.bottom) - 1;
    uint64_t state = mo_load_relaxed(&job->state);
    if (mo_unlikely(newest < 0 || mo_load_relaxed(&buf->slot[(uint64_t)newest & buf->mask]) != job ||
                    mo_load_relaxed(&job->id) != handle->id || job->flags || state != (seat->state | MO_JOB_HANDLE)))
        return MO_JOB_QUEUED; /* not queued, exposed, larger, or used up */
    if (mo_unlikely(mo_deque_pop_owner(&m->deque, newest, true) != job))
        return MO_JOB_QUEUED; /* a thief had it */
    mo_store_relaxed(&job->state, (state & ~MO_JOB_ENTRY) | MO_JOB_RUNNING);
    enum mo_job_phase phase = mo_job_run(w, seat->executor, job, false);
    if (mo_unlikely(mo_load_relaxed(&job->state) & MO_JOB_EXPOSED))
        phase = end_exposed(w, job, phase, result, handle->bytes);
    else
        phase = end_alone(w, job, phase, result, handle->bytes);
    mo_owner_add_release(&m->done, 1);
    return phase;
}
