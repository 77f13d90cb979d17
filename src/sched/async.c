/* Async jobs. To handles, groups and whoever waits one is a job that has begun (phase RUNNING) until it is over, so all
   that run.h says of those holds. What is special about it:

   Two bits of its word `wake` (async.h) say whether somebody is going to poll it.
     POLLING  a thread polls it, or it lies in the executor's list or a deque so that one will
     WOKEN    somebody has woken it since, and unless the poll to come sees that whoever ends it puts it there once more
   A1  A wake is an RMW. Who finds neither bit makes it POLLING on behalf of the poll to come, and puts the job where it
       will be taken; so it has at most one entry. All others leave WOKEN behind. Where the word changes between the
       look and the RMW, as wakers come and go, WOKEN alone says the same as POLLING.
   A2  Who takes the entry and reads POLLING alone (acquire) need not exchange it for the same: it sees what the waker
       that put it there did before, and a wake that this read misses leaves WOKEN behind for the end of the poll. Else
       he exchanges WOKEN for POLLING: what wakers did before is seen by this poll.
   A3  A poll ends by an RMW that takes POLLING away. If it finds WOKEN, this thread puts the job into the list; else
       the next wake finds neither. So no wake is lost, and after that RMW whoever polled it touches it no more unless
       A3 made it his to put.
   A4  A fiber that has only yielded stays POLLING instead, and this thread puts its entry where others find it, as if
       it had been woken.
   A5  When it is over, POLLING stays set for ever: wakers find nothing to do.
   A6  The word's address is written by one at a time: who has claimed the job (A1), taken its entry, or polls it.
       Others change the other parts meanwhile, so it is changed by adding the difference.

   Blocks. REFS counts wakers that were kept, and 1 for the job's life; while it is not 0 the job keeps its ENTRY bit.
   Who brings it to 0 takes ENTRY away, and J2 says who frees the block. So a waker may outlive the job. The count has
   few bits: one that would come to MANY is put half as high again, and from then on nobody changes it, so the block is
   not freed. Up to half of MANY it is changed without a look, from there by CAS; with fewer threads than that none
   passes MANY unseen, and none brings it back below.

   Closing. An executor's counts have one for the life of each async job, made (`created`) before its first entry and
   given back (`done`) by who ends it, and one for each entry in a deque. What is in the list is covered by its life.

   The list is a stack that only ever loses everything at once, so there is no ABA, and putting something there is an
   RMW and no memory: signal handlers may. The thread that takes it turns it round into its deque, where others find it.
   Jobs that wake themselves go there as well, so the rest of the deque comes first, and every so often other things do
   (executor.c). */
#include "sched/async.h"
#include "sched/next.h"
#include "sched/run.h"
#include "sched/strand.h"

#include <errno.h>
#include <string.h>

/* Of a thread that blocks on a future. */
struct mo_thread_waker {
    void *unused;
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    struct mo_worker *worker;
    _Atomic uint32_t refs;
    _Atomic uint32_t woken;
    uint16_t home;
};
_Static_assert(sizeof(struct mo_thread_waker) <= MO_SLAB_MIN_BYTES, "fits the smallest block");

/* ---- Blocks. */
static void unref(struct mo_worker *w, struct mo_job *job)
{
    uint64_t word = mo_load_acquire(&job->wake);
    if (mo_unlikely(MO_ASYNC_REFS(word) >= MO_ASYNC_MANY))
        return;
    /* The last one: nobody else has a waker that could be kept. */
    if (MO_ASYNC_REFS(word) != 1 && MO_ASYNC_REFS(mo_fetch_add_acq_rel(&job->wake, -MO_ASYNC_REF)) != 1)
        return;
    uint64_t state = mo_fetch_and_acq_rel(&job->state, ~MO_JOB_ENTRY);
    if (MO_JOB_OVER(state) && !(state & MO_JOB_HANDLE))
        mo_job_delete(w, job, state); /* J2 */
}

static void ref(struct mo_job *job)
{
    uint64_t word = mo_load_relaxed(&job->wake), next;
    if (mo_likely(MO_ASYNC_REFS(word) < MO_ASYNC_MANY / 2)) {
        mo_fetch_add_relaxed(&job->wake, MO_ASYNC_REF);
        return;
    }
    do {
        if (MO_ASYNC_REFS(word) >= MO_ASYNC_MANY)
            return;
        next = word + MO_ASYNC_REF;
        if (MO_ASYNC_REFS(next) == MO_ASYNC_MANY)
            next += MO_ASYNC_REF * (MO_ASYNC_MANY / 2);
    } while (!mo_cas_relaxed(&job->wake, &word, next));
}

/* ---- Rows. */
struct mo_job *mo_async_next(struct mo_job *job)
{
    uint64_t word = mo_load_relaxed(&job->wake);
    void *at = MO_ASYNC_ADDRESS(word);
    return mo_unlikely(word & MO_ASYNC_SAYS_WHY) ? ((struct mo_job_error *)at)->link : at;
}

void mo_async_link(struct mo_job *job, struct mo_job *next)
{
    uint64_t word = mo_load_relaxed(&job->wake);
    void *at = MO_ASYNC_ADDRESS(word);
    if (mo_unlikely(word & MO_ASYNC_SAYS_WHY))
        ((struct mo_job_error *)at)->link = next;
    else if (at != next)
        mo_fetch_add_relaxed(&job->wake, MO_ASYNC_WITH(next) - MO_ASYNC_WITH(at)); /* A6 */
}

/* ---- Waking. */
struct mo_executor *mo_async_executor(struct mo_job *job)
{
    if (mo_unlikely(job->flags & MO_JOB_EXTENDED))
        return mo_job_ext(job)->executor;
    return mo_executor_in(MO_JOB_SLOT(mo_load_relaxed(&job->state)));
}

void mo_async_put(struct mo_executor *x, struct mo_job *job)
{
    struct mo_job *first = mo_load_relaxed(&x->woken);
    do
        mo_async_link(job, first);
    while (!mo_cas_seqcst(&x->woken, &first, job));
    mo_work_published(x->team);
}

bool mo_async_claim(struct mo_job *job)
{
    uint64_t word = mo_load_relaxed(&job->wake); /* A1; the look is a hint */
    if (mo_likely(!(word & (MO_ASYNC_WOKEN | MO_ASYNC_POLLING))) &&
        mo_cas_acq_rel(&job->wake, &word, word | MO_ASYNC_POLLING))
        return true;
    return !(mo_fetch_or_acq_rel(&job->wake, MO_ASYNC_WOKEN) & (MO_ASYNC_WOKEN | MO_ASYNC_POLLING));
}

void mo_async_launch(struct mo_job *job)
{
    struct mo_executor *x = mo_async_executor(job);
    if (mo_likely(x != NULL) && !mo_next_put(x, job)) /* NULL: it stayed behind in the parent of a fork */
        mo_async_put(x, job);
}

void mo_async_wake(struct mo_job *job)
{
    if (mo_async_claim(job))
        mo_async_launch(job);
}

static bool is_thread(const struct mo_waker *waker)
{
    return waker->word & MO_WAKER_THREAD;
}

static struct mo_thread_waker *thread_of(const struct mo_waker *waker)
{
    return (struct mo_thread_waker *)(waker->word - MO_WAKER_THREAD);
}

void mo_waker_wake(const struct mo_waker *waker)
{
    if (!is_thread(waker)) {
        mo_async_wake((struct mo_job *)waker->word);
        return;
    }
    mo_exchange_seqcst(&thread_of(waker)->woken, 1u);
    mo_event_notify(&thread_of(waker)->worker->event);
}

void mo_waker_keep(const struct mo_waker *waker)
{
    if (is_thread(waker))
        mo_fetch_add_relaxed(&thread_of(waker)->refs, 1u);
    else
        ref((struct mo_job *)waker->word);
}

void mo_waker_drop(struct mo_worker *w, const struct mo_waker *waker)
{
    if (!is_thread(waker)) {
        unref(w, (struct mo_job *)waker->word);
        return;
    }
    struct mo_thread_waker *t = thread_of(waker);
    if (mo_fetch_add_acq_rel(&t->refs, -1u) == 1)
        mo_worker_free(w, t->home, t, 0);
}

void mo_waker_wake_last(struct mo_worker *w, uintptr_t word)
{
    const struct mo_waker waker = {word};
    mo_waker_wake(&waker);
    mo_waker_drop(w, &waker);
}

/* False: there is no memory. */
static bool hand_out(struct mo_seat *seat, struct mo_job *job)
{
    struct mo_member *m = seat->member;
    bool pinned = mo_async_is_pinned(job);
    if (!pinned && mo_unlikely(!mo_deque_room_owner(&m->deque)))
        return false;
    mo_owner_add(&m->created, 1);
    if (!pinned) {
        mo_deque_push_owner(&m->deque, job);
        return true;
    }
    if (mo_placed_put(m->worker, seat->executor, job) == 0)
        return true;
    mo_owner_add(&m->created, -1); /* its life still counts */
    return false;
}

/* The one that was woken first is pushed last, so it comes first. Without memory for the deque the rest waits in the
   list. */
void mo_async_collect_slow(struct mo_seat *seat)
{
    struct mo_member *m = seat->member;
    struct mo_job *job = mo_exchange_acq_rel(&seat->executor->woken, NULL), *next;
    unsigned count = 0;
    for (; job; job = next, count++) {
        next = mo_async_next(job);
        if (!hand_out(seat, job))
            mo_async_put(seat->executor, job);
    }
    if (count > 1)
        mo_work_published(m->team);
}

/* ---- Polling. */
void mo_async_poll(struct mo_worker *w, struct mo_job *job)
{
    void *self = mo_job_data(job);
    const struct mo_async_ops *ops = *(const struct mo_async_ops **)self;
    const struct mo_waker waker = {(uintptr_t)job};
    bool ready = ops->poll(self, &waker) != 0;
    w->polled_ready = ready; /* last: a poll inside of this one has set it, too */
}

static void drop(struct mo_job *job)
{
    void *self = mo_job_data(job);
    const struct mo_async_ops *ops = *(const struct mo_async_ops **)self;
    if (ops->drop)
        ops->drop(self);
}

/* Returns the one that has given the thread back: another one where fibers have followed each other (N5 in
   strand.h). */
static struct mo_job *poll_inside(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_job *outer = w->job;
    struct mo_executor *serves = w->serves;
    w->serves = x;
    w->job = job;
    w->budget = MO_ASYNC_BUDGET;
    if (MO_SHARED(self) == w->home && mo_root_is_clean(w->home))
        invoke(w, job, NULL);
    else
        mo_job_invoke_apart(w, job, NULL, outer);
    job = w->job;
    w->job = outer;
    w->serves = serves;
    return job;
}

/* What has begun to run on a stack of its own comes to its end by itself. */
static bool may_drop(struct mo_job *job)
{
    return mo_likely(!(job->flags & MO_JOB_STRAND)) || !mo_strand_has_begun(job);
}

void mo_async_begin_turn(struct mo_job *job)
{
    uint64_t word = mo_load_acquire(&job->wake); /* A2: nobody else takes WOKEN away */
    if (mo_unlikely(!(word & MO_ASYNC_POLLING)))
        mo_fetch_add_acq_rel(&job->wake, MO_ASYNC_POLLING - MO_ASYNC_WOKEN);
    else if (mo_unlikely(word & MO_ASYNC_WOKEN))
        mo_fetch_and_acq_rel(&job->wake, ~MO_ASYNC_WOKEN);
}

void mo_async_end_turn(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    if (mo_unlikely(job->flags & MO_JOB_STRAND) && mo_strand_has_yielded(job)) {
        if (!mo_next_put_behind(w, x, job)) /* Y4 in next.c */
            mo_async_put(x, job);
        return;
    }
    if (mo_unlikely(!(job->flags & MO_JOB_STRAND) && !mo_parked_is_kept(job)) && mo_parked_keep(x, job))
        mo_async_claim(job);                                                  /* leaves WOKEN */
    if (mo_fetch_and_acq_rel(&job->wake, ~MO_ASYNC_POLLING) & MO_ASYNC_WOKEN) /* A3 */
        mo_async_put(x, job);
}

static void end(struct mo_worker *w, struct mo_executor *x, struct mo_job *job, enum mo_job_phase phase)
{
    if (phase == MO_JOB_FAILED && mo_job_group(job))
        mo_group_fail(w, mo_job_group(job), mo_job_failure(job));
    else if (phase == MO_JOB_CANCELLED) /* it may have said so before */
        mo_error_free(w, mo_job_failure(job));
    count_phase(w, x, phase, false);
    if (mo_parked_is_kept(job))
        mo_parked_forget_slow(job);
    uint64_t state = mo_load_relaxed(&job->state); /* A5 */
    if (mo_likely(MO_ASYNC_REFS(mo_load_acquire(&job->wake)) == 1 && !(job->flags & MO_JOB_WATCHED))) {
        mo_job_conclude_rid(w, job, state, phase, MO_JOB_ENTRY); /* nobody has a waker that could be kept */
        return;
    }
    mo_job_conclude(w, job, state, phase);
    unref(w, job);
}

void mo_async_deal(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done, struct mo_job *job)
{
    enum mo_job_phase phase = MO_JOB_CANCELLED;
    mo_async_begin_turn(job);
    if (mo_unlikely(is_dropped(x, job) || mo_load_relaxed(&job->state) & MO_JOB_CANCEL) && may_drop(job)) {
        drop(job);
    } else {
        job = poll_inside(w, x, job);
        if (!w->polled_ready) {
            mo_async_end_turn(w, x, job);
            return;
        }
        phase = mo_unlikely(mo_job_failure(job) != NULL) ? MO_JOB_FAILED : MO_JOB_COMPLETED;
    }
    end(w, x, job, phase);
    mo_owner_add_release(done, 1); /* its life */
}

bool mo_async_spend(struct mo_worker *w, const struct mo_waker *waker)
{
    if (mo_likely(w->budget > 0)) {
        w->budget--;
        return true;
    }
    mo_waker_wake(waker);
    return false;
}

/* ---- Creating. */
static void count_life(struct mo_worker *w, struct mo_executor *x, uint64_t n)
{
    mo_owner_add(mo_has_seat(w, x) ? &w->seat->member->created : &w->outboxes->created, n);
}

/* Somebody who learned its number from the registry has cancelled it already, and ends it. It has no entry. */
static void end_unborn(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    drop(job);
    unref(w, job);
    count_life(w, x, (uint64_t)-2);
    if (!mo_has_seat(w, x))
        mo_executor_try_close(x);
}

int mo_async_spawn(struct mo_worker *w, struct mo_executor *x, const struct mo_job_spec *spec, const void *data,
                   struct mo_job_handle *handle)
{
    const struct mo_job_ext far = {.executor = x, .place = -1}; /* its slot does not lead there */
    struct mo_job_spec room = *spec;
    room.flags = MO_JOB_ASYNC | (spec->strand ? MO_JOB_STRAND : 0);
    if (!room.ext && x->slot == MO_SLOT_UNKNOWN)
        room.ext = &far;
    struct mo_job *job = mo_job_new(w, x, &room);
    if (!job)
        return ENOMEM;
    void *self = mo_job_data(job);
    memcpy(self, data, spec->bytes);
    const struct mo_async_ops *ops = *(const struct mo_async_ops **)self;
    if (ops->begin)
        ops->begin(self);
    int err = mo_job_count(w, x, job);
    if (err)
        return err;
    count_life(w, x, 1);
    const struct mo_job_handle made = {job, mo_load_relaxed(&job->id), (uint32_t)spec->bytes}; /* it may be gone soon */
    if (!(job->flags & MO_JOB_WATCHED)) {                                                      /* nobody knows it yet */
        mo_store_relaxed(&job->state, mo_load_relaxed(&job->state) | MO_JOB_RUNNING | MO_JOB_EXPOSED);
    } else if (mo_unlikely(MO_JOB_PHASE(mo_fetch_or_acq_rel(&job->state, MO_JOB_RUNNING | MO_JOB_EXPOSED)) !=
                           MO_JOB_QUEUED)) {
        if (spec->handle)
            *handle = made;
        end_unborn(w, x, job);
        return 0;
    }
    struct mo_job_info info;
    bool watched = job->flags & MO_JOB_WATCHED;
    if (watched)
        mo_watched_info(w, job, &info);
    err = mo_executor_put(w, x, job);
    if (err) {
        count_life(w, x, (uint64_t)-1); /* not the last: mo_job_uncount() follows */
        mo_job_uncount(w, x, job);
        return err;
    }
    mo_work_published(x->team);
    if (watched)
        mo_watched_spawned(x, &info);
    if (spec->handle)
        *handle = made;
    return 0;
}

/* ---- Threads. */
bool mo_async_block_on(struct mo_worker *w, void *self, uint64_t deadline_ns, int *err)
{
    const struct mo_async_ops *ops = *(const struct mo_async_ops **)self;
    struct mo_thread_waker *t = mo_slab_alloc_owner(&w->slab, 0);
    bool ready = false;
    *err = t ? 0 : ENOMEM;
    if (!t)
        return false;
    *t = (struct mo_thread_waker){.worker = w, .home = w->index};
    mo_store_relaxed(&t->refs, 1u);
    const struct mo_waker waker = {(uintptr_t)t | MO_WAKER_THREAD};
    do {
        mo_exchange_seqcst(&t->woken, 0u);
        w->budget = MO_ASYNC_BUDGET;
        ready = ops->poll(self, &waker) != 0;
    } while (!ready && mo_job_wait_flag(w, &t->woken, deadline_ns));
    mo_waker_drop(w, &waker);
    return ready;
}

/* ---- Waiting for a job. */
static uint64_t word_of(const struct mo_waker *waker)
{
    return MO_JOB_WITH((uint64_t)waker->word | MO_JOB_WAKES);
}

/* Replace what `job` says of whom to wake; false: it is over. The one before is dropped. */
static bool replace(struct mo_worker *w, struct mo_job *job, uint64_t then)
{
    uint64_t state = mo_load_acquire(&job->state);
    do {
        if (MO_JOB_OVER(state))
            return false;
    } while (!mo_cas_acq_rel(&job->state, &state, (state & MO_JOB_BITS & ~(MO_JOB_WAITER | MO_JOB_THEN)) | then));
    if (state & MO_JOB_THEN) {
        const struct mo_waker old = {MO_JOB_WORD(state) & ~MO_JOB_WAKES};
        mo_waker_drop(w, &old);
    }
    return true;
}

bool mo_async_await(struct mo_worker *w, struct mo_job *job, const struct mo_waker *waker)
{
    uint64_t state = mo_load_acquire(&job->state);
    if (MO_JOB_OVER(state))
        return true;
    if (state & MO_JOB_THEN && MO_JOB_WITH(MO_JOB_WORD(state)) == word_of(waker))
        return false;
    mo_waker_keep(waker);
    if (replace(w, job, MO_JOB_THEN | word_of(waker)))
        return false;
    mo_waker_drop(w, waker);
    return true;
}

void mo_async_unawait(struct mo_worker *w, struct mo_job *job)
{
    replace(w, job, 0);
}
