/* Jobs that stay with the worker that makes them ready: the one that a fiber has woken last comes next, and one that
   yields goes behind the others of the worker's deque. Neither takes the way through the executor's list (async.c).

   A seat's word `next` holds one job whose entry it is (A1). It is exchanged, never compared, so there is no ABA, and
   signal handlers may put something there. What lay there before goes to the executor's list.
   Y1  the owner takes it when what it runs gives the thread back, before it looks for anything else; where it has to
       look elsewhere (fairness), it hands it to the list first. So what lies there waits for the turn of one fiber at
       the most.
   Y2  that turn may be long, while others sleep who could run it. Who puts a job there does so by an exchange
       (seq_cst), then reads `watcher`. If it is set the job stays a secret: the watcher is a worker that sleeps for a
       short while only. Else the job is published as all work is. A watcher that comes back takes `watcher` back
       (seq_cst) and from then on counts as a searcher, who looks at these words in its last look before it sleeps
       again; if it finds other work first, it wakes a sleeper that will look (steal.c). So either it sees the job, or
       who puts it there sees no watcher.
   Y3  a worker becomes the watcher in the last look before its sleep, as long as some worker is neither asleep nor
       looking for work; without one nobody could put anything there. So an idle executor sleeps for good.
   Y4  a job that yields is in the deque, where thieves find it, and still POLLING: nonzero is all that wakers ask of
       it, and the next poll sees what they did (A2). Others are told of it once its worker takes something else. Where
       the worker is the executor's only one nobody else looks there: then it is put there before it leaves its stack,
       and what leaves the deque and `next` needs no RMW. Between its load and its store of `next` that one has `moving`
       set, which its own signal handlers see, who then use the list.
   Y5  a fiber that gives its thread back asks itself what comes next, before its own turn is over. What it finds and
       cannot switch to is `chosen`: the poller takes that first.

   Once in so many looks the owner looks in the usual way, and then what is from outside comes first, and the oldest of
   its deque before the newest: two that wake each other for ever keep nobody waiting for ever. tests/models/next.pml
   tries Y1 to Y3. */
#include "sched/next.h"

#include "park/strand.h"
#include "sched/async.h"

#define WATCH_NS 250000 /* and up to 64 times that */

/* As a thief, but without an epoch: the owner itself would be who replaces the buffer. */
struct mo_job *mo_next_oldest(struct mo_seat *seat)
{
    struct mo_deque *d = &seat->member->deque;
    void *item = NULL;
    enum mo_steal_result r;
    if (seat->alone)
        return mo_deque_take_oldest_owner(d);
    do
        r = mo_deque_steal(d, NULL, NULL, NULL, &item);
    while (r == MO_STEAL_LOST);
    return r == MO_STEAL_OK ? item : NULL;
}

/* Of a worker that is alone, by its own thread. Requires that `moving` is not set. */
static struct mo_job *move_alone(struct mo_seat *seat, struct mo_job *job)
{
    mo_store_relaxed(&seat->moving, true);
    mo_plat_light_barrier();
    struct mo_job *before = mo_load_relaxed(&seat->next);
    mo_store_relaxed(&seat->next, job);
    mo_plat_light_barrier();
    mo_store_relaxed(&seat->moving, false);
    return before;
}

/* Its entry is the worker's now, and counts as one of a deque. */
static struct mo_job *take(struct mo_seat *taker, struct mo_seat *from)
{
    if (!mo_load_relaxed(&from->next))
        return NULL;
    struct mo_job *job = taker->alone ? move_alone(taker, NULL) : mo_exchange_acq_rel(&from->next, NULL);
    if (job)
        mo_owner_add(&taker->member->created, 1);
    return job;
}

bool mo_next_put(struct mo_executor *x, struct mo_job *job)
{
    const struct mo_member *self = mo_self_peek();
    const struct mo_worker *w = self ? self->worker : NULL;
    struct mo_seat *seat = w ? w->seat : NULL;
    bool inside = MO_SHARED(strand) != NULL;
    if (mo_async_is_pinned(job))
        return false;
    if (!seat || seat->executor != x || !mo_load_relaxed(&seat->busy) || (!inside && w->job))
        return false;
    if (seat->alone && mo_load_relaxed(&seat->moving))
        return false;
    struct mo_job *before = seat->alone ? move_alone(seat, job) : mo_exchange_seqcst(&seat->next, job); /* Y2 */
    if (before)
        mo_async_put(x, before);
    else if (inside && !seat->alone && !mo_load_seqcst(&x->watcher))
        mo_work_published(x->team);
    return true;
}

bool mo_next_stay_behind(struct mo_seat *seat, struct mo_job *job)
{
    struct mo_deque *d = &seat->member->deque;
    if (!seat->alone || mo_async_is_pinned(job) || !mo_deque_room_owner(d))
        return false;
    mo_deque_push_owner(d, job);
    seat->yielded = true;
    return true;
}

bool mo_next_put_behind(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_seat *seat = w->seat;
    if (!seat || seat->executor != x || mo_async_is_pinned(job) || !mo_deque_room_owner(&seat->member->deque))
        return false;
    mo_owner_add(&seat->member->created, 1);
    mo_deque_push_owner(&seat->member->deque, job);
    seat->yielded = true;
    if (w->job) /* who goes on next has its turn already, or is in the middle of something */
        mo_work_published(x->team);
    return true;
}

static bool is_time_to_look(const struct mo_seat *seat)
{
    return seat->looks + 1 >= MO_NEXT_EVERY;
}

/* Nothing else comes before what lies in the owner's deque. */
static bool deque_comes_first(const struct mo_seat *seat)
{
    struct mo_executor *x = seat->executor;
    return !mo_load_relaxed(&x->woken) && !mo_load_relaxed(&x->team->queued) && !mo_load_relaxed(&x->placement) &&
           !x->watch.scheduler;
}

/* What has been woken last. */
static struct mo_job *take_woken(struct mo_seat *seat)
{
    struct mo_job *job = take(seat, seat);
    if (job && seat->yielded)
        mo_work_published(seat->member->team);
    return job;
}

/* One that has yielded lies in the deque, and is to come after the others. */
static struct mo_job *take_oldest(struct mo_seat *seat)
{
    struct mo_member *m = seat->member;
    bool yielded = seat->yielded;
    seat->yielded = false;
    if (mo_deque_peek_size(&m->deque) == 0)
        return NULL;
    struct mo_job *job = mo_next_oldest(seat);
    if (yielded && !seat->alone && mo_deque_peek_size(&m->deque) > 0)
        mo_work_published(m->team);
    return job;
}

struct mo_job *mo_next_take(struct mo_seat *seat)
{
    struct mo_job *job = seat->chosen;
    if (job) {
        seat->chosen = NULL;
        return job;
    }
    if (is_time_to_look(seat))
        return NULL;
    job = take_woken(seat);
    if (!job && (!seat->yielded || !deque_comes_first(seat)))
        return NULL;
    seat->looks++;
    return job ? job : take_oldest(seat);
}

struct mo_job *mo_next_follow(struct mo_seat *seat, struct mo_job *yields)
{
    if (is_time_to_look(seat))
        return NULL;
    struct mo_job *job = take_woken(seat);
    if (!job) {
        if (!deque_comes_first(seat))
            return NULL;
        job = yields || seat->yielded ? take_oldest(seat) : mo_next_newest(seat);
        if (!job)
            job = yields;
    }
    if (job)
        seat->looks++;
    return job;
}

void mo_next_give_up(struct mo_seat *seat)
{
    struct mo_job *job = mo_exchange_acq_rel(&seat->next, NULL);
    if (job)
        mo_async_put(seat->executor, job);
}

struct mo_job *mo_next_steal(struct mo_seat *seat)
{
    struct mo_executor *x = seat->executor;
    struct mo_job *job = NULL;
    for (unsigned i = 1; i <= x->workers && !job; i++)
        job = take(seat, mo_seat_of(mo_team_member(x->team, i)));
    return job;
}

uint64_t mo_next_watch(struct mo_seat *seat)
{
    struct mo_executor *x = seat->executor;
    uint64_t idle = mo_load_relaxed(&x->team->idle);
    uint32_t nobody = 0;
    if (MO_IDLE_COUNT(idle, MO_IDLE_SLEEPING) + MO_IDLE_COUNT(idle, MO_IDLE_SEARCHING) >= x->workers ||
        !mo_cas_seqcst(&x->watcher, &nobody, 1u))
        return 0;
    seat->watches = true;
    return WATCH_NS;
}

void mo_next_unwatch_slow(struct mo_seat *seat)
{
    seat->watches = false;
    mo_exchange_seqcst(&seat->executor->watcher, 0u); /* Y2 */
    mo_idle_begin_search(seat->member);
}
