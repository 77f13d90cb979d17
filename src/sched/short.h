/* The short ways of creating a small job, of joining the newest and of running those of a group, inline: they are for a
   thread that has a seat, jobs that are for the seat's executor, have no more than a header and a few words, and are of
   the thread's own slab. What is not so is left to the long ways, with nothing done.

   One comparison each of `origin` and `state` tells that a job is such a one: `origin` has the number, the slab, the
   class 0 and the flags 0, and `state` is as on the day it was made (J4: nobody else can know of it). */
#ifndef MO_SCHED_SHORT_H
#define MO_SCHED_SHORT_H

#include "park/strand.h"
#include "sched/run.h"

#define MO_SHORT __attribute__((always_inline))

/* As words; more than MO_SHORT_WORDS where it is no whole number of them. */
#define MO_SHORT_WORDS ((MO_SLAB_MIN_BYTES - sizeof(struct mo_job)) / sizeof(uint64_t))
static inline uint64_t mo_short_words(uint64_t bytes)
{
    return bytes >> 3 | bytes << 61;
}

static inline MO_SHORT void mo_short_copy(uint64_t *to, const uint64_t *from, uint64_t words)
{
    if (words)
        mo_copy_words(to, from, words * sizeof *to);
}

/* ---- Creating. The handle is given before anybody can free the job. */
static inline MO_SHORT void mo_short_fill(struct mo_worker *w, struct mo_job *job, uint64_t state, uint64_t origin,
                                          void (*fn)(void *), const void *data, size_t bytes,
                                          struct mo_job_handle *handle, struct mo_group *group)
{
    uint32_t id = w->last_job += 2;
    job->fn = fn;
    mo_store_relaxed(&job->group, (struct mo_task *)group);
    mo_store_relaxed(&job->state, handle ? state | MO_JOB_HANDLE : state);
    job->origin = origin | id;
    mo_short_copy((uint64_t *)(job + 1), data, bytes / sizeof(uint64_t));
    if (handle)
        *handle = (struct mo_job_handle){job, id, (uint32_t)bytes};
    if (group)
        mo_group_add(w, group);
}

/* From a worker to its own executor; x NULL: that. False: another case, nothing has happened. */
static inline MO_SHORT bool mo_short_spawn(struct mo_worker *w, const struct mo_executor *x, void (*fn)(void *),
                                           const void *data, size_t bytes, struct mo_job_handle *handle,
                                           struct mo_group *group)
{
    struct mo_seat *seat = w->seat;
    if (mo_unlikely(!seat || (x ? x : w->serves) != seat->quick || !fn || mo_short_words(bytes) > MO_SHORT_WORDS ||
                    (!data && bytes)))
        return false;
    struct mo_member *m = seat->member;
    if (mo_unlikely(!mo_deque_has_room_owner(&m->deque) || !w->slab.free[0]))
        return false;
    struct mo_job *job = mo_slab_take_owner(&w->slab, 0);
    mo_short_fill(w, job, seat->state, seat->origin, fn, data, bytes, handle, group);
    mo_owner_add(&m->created, 1);
    mo_deque_push_owner(&m->deque, job);
    mo_work_published(m->team);
    return true;
}

/* ---- Running: the entry is in hand, and J3 or J4. */
/* It has failed: count it, and tell its group. */
enum mo_job_phase mo_short_failed(struct mo_worker *w, struct mo_job_counts *ran, struct mo_job *job);

static inline MO_SHORT enum mo_job_phase mo_short_run(struct mo_worker *w, const struct mo_executor *x,
                                                      struct mo_job_counts *ran, struct mo_job *job, uint64_t state)
{
    struct mo_job *outer = w->job;
    void (*fn)(void *) = job->fn;
    mo_store_relaxed(&job->state, (state & ~MO_JOB_ENTRY) | MO_JOB_RUNNING);
    job->error = NULL;
    if (mo_unlikely(is_dropped(x, job))) {
        mo_owner_add(&ran->dropped, 1);
        return MO_JOB_CANCELLED;
    }
    w->job = job;
    if (mo_likely(MO_SHARED(self) == w->home && mo_root_is_clean(w->home)))
        fn(job + 1);
    else
        mo_job_invoke_apart(w, job, fn, outer);
    w->job = outer;
    mo_owner_add(&ran->executed, 1);
    return mo_likely(!job->error) ? MO_JOB_COMPLETED : mo_short_failed(w, ran, job);
}

/* ---- Ending. */
/* Of one that others may know by now, or that did not complete, and had a handle where `handle` is not NULL. */
enum mo_job_phase mo_short_end_slow(struct mo_worker *w, struct mo_job *job, enum mo_job_phase phase,
                                    const struct mo_job_handle *handle, void *result);

static inline MO_SHORT enum mo_job_phase mo_short_end(struct mo_worker *w, struct mo_job *job, enum mo_job_phase phase,
                                                      const struct mo_job_handle *handle, void *result)
{
    struct mo_group *group = mo_job_group(job);
    if (mo_unlikely(phase != MO_JOB_COMPLETED || mo_load_relaxed(&job->state) & MO_JOB_EXPOSED))
        return mo_short_end_slow(w, job, phase, handle, result);
    if (handle && result)
        mo_short_copy(result, (uint64_t *)(job + 1), handle->bytes / sizeof(uint64_t));
    mo_store_relaxed(&job->id, 0u);
    mo_slab_free_owner(&w->slab, job, 0);
    if (group)
        mo_group_sub(w, group);
    return MO_JOB_COMPLETED;
}

/* Run the job here if it is the newest of the caller's deque and nobody else can know of it, copy its payload to
   `result` unless that is NULL, and free it. Returns its phase; MO_JOB_QUEUED: another case, nothing has happened. */
static inline MO_SHORT enum mo_job_phase mo_short_join(struct mo_worker *w, const struct mo_job_handle *handle,
                                                       void *result)
{
    struct mo_seat *seat = w->seat;
    struct mo_job *job = handle->job;
    if (mo_unlikely(!seat || !job || w->serves != seat->executor || MO_SHARED(strand) || /* its stack is small */
                    mo_short_words(handle->bytes) > MO_SHORT_WORDS))
        return MO_JOB_QUEUED;
    struct mo_member *m = seat->member;
    struct mo_deque_buffer *buf = mo_load_relaxed(&m->deque.buffer);
    int64_t newest = mo_load_relaxed(&m->deque.bottom) - 1;
    uint64_t state = seat->state | MO_JOB_HANDLE;
    if (mo_unlikely(newest < 0 || mo_load_relaxed(&buf->slot[(uint64_t)newest & buf->mask]) != job ||
                    job->origin != (seat->origin | handle->id) || mo_load_relaxed(&job->state) != state))
        return MO_JOB_QUEUED; /* not queued, exposed, larger, or used up */
    if (mo_unlikely(mo_deque_pop_at_owner(&m->deque, buf, newest) != job))
        return MO_JOB_QUEUED; /* a thief had it */
    enum mo_job_phase ran = mo_short_run(w, seat->executor, &seat->ran, job, state);
    enum mo_job_phase phase = mo_short_end(w, job, ran, handle, result);
    mo_owner_add_release(&m->done, 1);
    return phase;
}

/* An entry of the caller's deque, whose job has no handle more likely than not. */
static inline MO_SHORT void mo_short_deal(struct mo_worker *w, struct mo_seat *seat, struct mo_job *job)
{
    uint64_t state = mo_load_acquire(&job->state); /* as in mo_job_deal() */
    if (mo_likely(state == seat->state && job->origin >> 32 == seat->origin >> 32 && w->serves == seat->executor)) {
        mo_short_end(w, job, mo_short_run(w, seat->executor, &seat->ran, job, state), NULL, NULL);
        mo_owner_add_release(&seat->member->done, 1);
    } else {
        mo_job_deal(w, seat->executor, &seat->member->done, job);
    }
}

/* An entry of the caller's outbox. */
static inline MO_SHORT void mo_short_deal_outside(struct mo_worker *w, struct mo_outbox *o, struct mo_job *job)
{
    struct mo_executor *x = o->executor, *serves = w->serves;
    uint64_t state = mo_load_acquire(&job->state);
    if (mo_unlikely(state != x->job_state || job->origin >> 32 != w->index)) {
        mo_job_deal(w, x, &o->done, job);
        return;
    }
    w->serves = x; /* what the job creates is for its executor, too */
    enum mo_job_phase phase = mo_short_run(w, x, &o->ran, job, state);
    w->serves = serves;
    mo_count(&w->counts, phase == MO_JOB_CANCELLED ? MO_COUNT_JOBS_DROPPED : MO_COUNT_JOBS_RUN, 1);
    mo_count(&w->counts, MO_COUNT_JOBS_FAILED, phase == MO_JOB_FAILED);
    mo_short_end(w, job, phase, NULL, NULL);
    mo_owner_add_release(&o->done, 1);
}

#endif
