/* Executors: their threads, where these find something to do, and how one comes to its end.

   Who has dealt with everything? Each seat, each outbox and each thread for blocking work counts the entries that it
   made (`created`), and those that it dealt with (`done`; of an outbox, those that its owner took back). All only grow,
   but for an entry that is refused, which is taken off again. First all `done` are summed, then all `created`: equal
   sums mean that at some moment between the passes there was no entry (barrier.c has the argument).
   X1  An outsider counts, then reads the state, with a full barrier between the two; who closes writes the state, has
       every thread pass a full barrier, and then writes `sealed`. Sums are taken only after `sealed` was read. So an
       outsider that read OPEN had counted before any sum, and one that reads it later refuses and, having taken its
       count off, looks itself whether that was the last thing missing.
   X2  From then on only jobs make entries, and each of these is counted before the one that made it is done. So equal
       sums stay equal, and the executor may be closed.
   X3  Somebody sees it: a thread looks after its last `done`, with an RMW on team->idle between the two; and so does
       who seals. Of any two of them the RMWs are ordered, and the later one sees what the earlier one did.
   tests/models/closing.pml tries all three. */
#include "park/clock.h"
#include "sched/async.h"
#include "sched/executor.h"
#include "sched/next.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_BLOCKING 64

struct executors {
    struct mo_executor *all;                                    /* guarded by the scheduler's lock, as is `in_use` */
    _Atomic(struct mo_executor *) in_slot[MO_SLOT_UNKNOWN + 1]; /* the last one is always NULL */
    _Atomic(struct mo_executor *) preferred;
    _Atomic uint32_t making_preferred;
    _Atomic uint32_t registries; /* of executors in use; written under the lock */
};

extern struct executors MO_SHARED(executors) MO_SHARED_ATTR;
struct executors MO_SHARED(executors);
struct mo_reactor MO_SHARED(reactor);

static bool accept_kin(void *item, void *kin)
{
    return mo_task_is_kin(item, kin);
}

/* The newest, as workers take the oldest; of kin the oldest, as a thief does, but without an epoch: the owner itself
   would be who replaces the buffer. */
struct mo_job *mo_outbox_take_back(struct mo_worker *w, struct mo_executor *x, const struct mo_kin *kin,
                                   struct mo_outbox **outbox)
{
    struct mo_outbox *o = *outbox = mo_outbox(w, x);
    void *item = NULL;
    enum mo_steal_result r = MO_STEAL_LOST;
    if (o && !kin)
        return mo_deque_pop_owner(&o->deque, INT64_MIN, true);
    while (o && r == MO_STEAL_LOST)
        r = mo_deque_steal(&o->deque, NULL, accept_kin, (void *)kin, &item);
    return r == MO_STEAL_OK ? item : NULL;
}

int mo_executor_put(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_seat *seat = w->seat;
    if (job->flags & MO_JOB_EXTENDED && mo_job_ext(job)->place >= 0) {
        int err = mo_placed_put(w, x, job);
        if (err != EAGAIN)
            return err;
    }
    if (x->watch.scheduler)
        return mo_managed_put(w, x, job);
    int32_t priority = job->flags & MO_JOB_EXTENDED ? mo_job_ext(job)->priority : 0;
    struct mo_deque *d = NULL;
    if (!priority) {
        struct mo_outbox *o = seat && seat->executor == x ? NULL : mo_outbox(w, x);
        d = o ? &o->deque : seat && seat->executor == x ? &seat->member->deque : NULL;
    }
    if (priority ? !mo_priority_put(mo_self_peek(), x->team, (struct mo_task *)job, priority)
                 : !d || !mo_deque_room_owner(d))
        return ENOMEM;
    if (!priority)
        mo_deque_push_owner(d, job);
    return 0;
}

/* ---- Finding something to do. */
/* What is not wanted goes where others find it. */
static struct mo_job *pop_kin(struct mo_seat *seat, const struct mo_kin *kin, bool oldest)
{
    struct mo_member *m = seat->member;
    struct mo_task *item;
    while ((item = (struct mo_task *)(oldest ? mo_next_oldest(seat) : mo_next_newest(seat))) != NULL) {
        if (mo_task_is_kin(item, kin) || !mo_priority_put(m, m->team, item, 0))
            return (struct mo_job *)item; /* without memory for the detour it runs here after all */
        mo_work_published(m->team);
    }
    return NULL;
}

static struct mo_job *pop(struct mo_seat *seat, const struct mo_kin *kin)
{
    return kin ? pop_kin(seat, kin, false) : mo_next_newest(seat);
}

/* Where the newest has yielded, or has been first for long. */
static struct mo_job *pop_oldest(struct mo_seat *seat, const struct mo_kin *kin)
{
    return kin ? pop_kin(seat, kin, true) : mo_next_oldest(seat);
}

/* What the last job has left behind comes to where others find it. True: it was for others to be run before it. */
static bool give_way(struct mo_seat *seat)
{
    bool yielded = seat->yielded;
    if (mo_unlikely(mo_load_relaxed(&seat->next) != NULL))
        mo_next_give_up(seat);
    seat->yielded = false;
    if (yielded)
        mo_work_published(seat->member->team);
    return yielded;
}

struct mo_job *mo_executor_take(struct mo_seat *seat, const struct mo_kin *kin)
{
    struct mo_member *m = seat->member;
    bool yielded = give_way(seat);
    struct mo_task *task = mo_priority_take(m, kin);
    struct mo_job *job = (struct mo_job *)task;
    if (!job)
        job = mo_placed_take(seat, kin, false);
    bool others_first = mo_unlikely(++seat->looks >= MO_NEXT_EVERY);
    if (others_first)
        seat->looks = 0;
    if (!job && others_first)
        job = mo_outbox_take(seat, kin);
    if (!job && mo_unlikely(others_first || yielded))
        mo_async_collect(seat);
    if (!job)
        job = mo_unlikely(yielded || (others_first && !kin)) ? pop_oldest(seat, kin) : pop(seat, kin);
    if (!job && mo_async_collect(seat))
        job = pop(seat, kin);
    if (!job && mo_unlikely(seat->executor->watch.scheduler != NULL))
        job = mo_managed_take(seat, kin);
    if (!job)
        job = mo_outbox_take(seat, kin);
    if (!job && (job = (struct mo_job *)mo_steal(m, kin)))
        mo_owner_add(&seat->stolen, 1);
    if (!job)
        job = mo_placed_take(seat, kin, true);
    if (job)
        mo_placed_say_idle(seat, false);
    return job;
}

/* Together with what follows from it. */
static void deal_in_a_row(struct mo_seat *seat, struct mo_job *job)
{
    struct mo_member *m = seat->member;
    for (; job; job = mo_next_take(seat)) {
        mo_store_relaxed(&seat->busy, true);
        mo_job_deal(m->worker, seat->executor, &m->done, job);
        mo_store_relaxed(&seat->busy, false);
        mo_plat_light_barrier(); /* what a signal handler has put there before is seen */
    }
}

static bool work(void *member)
{
    struct mo_member *m = member;
    struct mo_seat *seat = mo_seat_of(m);
    bool last = m->sleeping != MO_AWAKE;
    mo_next_unwatch(seat);
    struct mo_job *job = mo_executor_take(seat, NULL);
    if (!job && mo_unlikely(mo_reactor_has_found()))
        job = mo_executor_take(seat, NULL);
    if (!job && last)
        job = mo_next_steal(seat);
    if (job) {
        mo_idle_found_work(m);
        deal_in_a_row(seat, job);
        return true;
    }
    seat->wait->relook_ns = last ? mo_next_watch(seat) : 0;
    mo_placed_say_idle(seat, true);
    if (last && MO_IDLE_COUNT(mo_load_seqcst(&m->team->idle), MO_IDLE_SLEEPING) >= seat->executor->workers)
        mo_reactor_take_over(); /* the last one: it counts itself before it looks, as the others do */
    mo_idle_begin_search(m);
    if (mo_unlikely(mo_load_relaxed(&seat->executor->state) != MO_EXECUTOR_OPEN))
        mo_executor_try_close(seat->executor); /* X3 */
    return false;
}

static bool is_closed(void *member)
{
    return mo_load_seqcst(&mo_seat_of(member)->executor->state) >= MO_EXECUTOR_CLOSED;
}

static void keep_counts(struct mo_worker *w, const struct mo_seat *seat)
{
    mo_count(&w->counts, MO_COUNT_JOBS_RUN, mo_load_relaxed(&seat->ran.executed));
    mo_count(&w->counts, MO_COUNT_JOBS_DROPPED, mo_load_relaxed(&seat->ran.dropped));
    mo_count(&w->counts, MO_COUNT_JOBS_FAILED, mo_load_relaxed(&seat->ran.failed));
    mo_count(&w->counts, MO_COUNT_STOLEN, mo_load_relaxed(&seat->stolen));
}

/* What a worker runs from the executor's beginning to its end. */
static void serve(struct mo_member *m)
{
    struct mo_worker *w = m->worker;
    struct mo_seat *seat = mo_seat_of(m);
    struct mo_executor *x = mo_apart_owner(m->team);
    seat->member = m;
    seat->executor = x;
    seat->quick = x->watching ? NULL : x;
    seat->alone = x->workers == 1;
    seat->state = x->job_state;
    seat->origin = (uint64_t)w->index << 32;
    m->gen_seen = mo_load_relaxed(&m->team->gen); /* stays so until all leave */
    w->seat = seat;
    w->serves = x;
    struct mo_placement_before before;
    char name[MO_PLAT_NAME_BYTES];
    mo_executor_label(x, name);
    mo_placement_enter(seat, &before);
    mo_root_enter(w);
    struct mo_wait wait = {.ready = is_closed,
                           .work = work,
                           .asleep = mo_idle_asleep,
                           .awake = mo_idle_awake,
                           .linger = mo_spread,
                           .arg = m,
                           .event = &m->team->event,
                           .bits = MO_WAKE_MEMBER | MO_WAKE_SEAT(m->tid)};
    seat->wait = &wait;
    mo_wait(&wait);
    mo_idle_end_search(m);
    mo_root_leave(m);
    mo_placement_leave(seat, &before);
    mo_executor_unlabel(name);
    w->seat = NULL;
    w->serves = NULL;
    keep_counts(w, seat);
    mo_mutex_lock(&x->blocking_lock);
    mo_executor_add_member(&x->past, m);
    mo_mutex_unlock(&x->blocking_lock);
    mo_store_relaxed(&m->created, 0u); /* the barrier that follows counts tasks of its own */
    mo_store_relaxed(&m->done, 0u);
}

/* ---- The end. */
static bool is_through(struct mo_executor *x)
{
    struct mo_team *team = x->team;
    uint64_t done = mo_load_seqcst(&x->done_elsewhere), created = 0;
    for (unsigned i = 1; i <= x->workers; i++)
        done += mo_load_seqcst(&mo_team_member(team, i)->done);
    for (struct mo_crew *c = mo_load_acquire(&x->crews); c; c = c->next)
        done += mo_load_seqcst(&c->member->done);
    for (struct mo_outbox *o = mo_load_acquire(&x->outboxes); o; o = o->next)
        done += mo_load_seqcst(&o->done);
    for (unsigned i = 1; i <= x->workers; i++)
        created += mo_load_seqcst(&mo_team_member(team, i)->created);
    for (struct mo_outbox *o = mo_load_acquire(&x->outboxes); o; o = o->next)
        created += mo_load_seqcst(&o->created);
    return done - x->done_before == created - x->created_before;
}

void mo_executor_try_close(struct mo_executor *x)
{
    mo_fetch_add_seqcst(&x->team->idle, 0u); /* X3 */
    uint32_t state = mo_load_seqcst(&x->state);
    if ((state != MO_EXECUTOR_DRAINING && state != MO_EXECUTOR_CANCELLING) || !mo_load_seqcst(&x->sealed) ||
        !is_through(x))
        return;
    do {
        if (state >= MO_EXECUTOR_CLOSED)
            return;
    } while (!mo_cas_seqcst(&x->state, &state, (uint32_t)MO_EXECUTOR_CLOSED));
    mo_event_notify(&x->team->event);
    mo_event_notify(&x->blocking_event);
    mo_event_notify(&x->closed);
}

/* X1. */
static void seal(struct mo_executor *x)
{
    if (mo_sched_asymmetric())
        mo_sched_heavy_barrier();
    mo_store_seqcst(&x->sealed, true);
    mo_executor_try_close(x);
}

struct closing {
    struct mo_executor *x;
    struct mo_wait wait;
    uint64_t deadline_ns;
    bool late;
};

static bool is_over(void *arg)
{
    struct closing *c = arg;
    if (mo_load_seqcst(&c->x->state) >= MO_EXECUTOR_CLOSED)
        return true;
    if (c->deadline_ns == UINT64_MAX)
        return false;
    uint64_t now = mo_clock_now();
    c->wait.relook_ns = now < c->deadline_ns ? (c->deadline_ns - now) / 64 + 1 : 1;
    if (mo_clock_is_by_hand() && c->wait.relook_ns > MO_CLOCK_LOOK_NS / 64)
        c->wait.relook_ns = MO_CLOCK_LOOK_NS / 64;
    return c->late = now >= c->deadline_ns;
}

static bool await_closed(struct mo_executor *x, uint64_t deadline_ns)
{
    struct closing c = {.x = x, .deadline_ns = deadline_ns};
    c.wait = (struct mo_wait){.ready = is_over, .arg = &c, .event = &x->closed, .bits = MO_WAKE_ANY};
    mo_wait(&c.wait);
    return !c.late;
}

int mo_executor_shutdown(struct mo_executor *x, enum mo_shutdown mode, uint64_t deadline_ns)
{
    struct mo_worker *w = mo_self()->worker;
    uint32_t open = MO_EXECUTOR_OPEN, draining = MO_EXECUTOR_DRAINING;
    bool cancels = mode == MO_SHUTDOWN_CANCEL, in_time = true;
    if (w->serves == x)
        return EDEADLK;
    if (!mo_cas_seqcst(&x->state, &open, (uint32_t)(cancels ? MO_EXECUTOR_CANCELLING : MO_EXECUTOR_DRAINING)))
        return EALREADY;
    mo_watched_shutdown_begins(x);
    seal(x);
    if (!cancels && !await_closed(x, deadline_ns)) {
        in_time = !mo_cas_seqcst(&x->state, &draining, (uint32_t)MO_EXECUTOR_CANCELLING);
        cancels = true;
    }
    if (cancels) {
        mo_parked_wake_cancelled();
        await_closed(x, UINT64_MAX);
    }
    mo_blocking_close(x, w);
    mo_apart_close(x->team, w);
    mo_blocking_forget(x);
    mo_watched_shutdown_over(x);
    mo_store_release(&x->state, (uint32_t)MO_EXECUTOR_LEFT);
    return in_time ? 0 : ETIMEDOUT;
}

int mo_executor_free(struct mo_executor *x)
{
    struct mo_sched *s = &MO_SHARED(sched);
    uint32_t state = mo_load_acquire(&x->state);
    struct mo_executor *preferred = x;
    if (state < MO_EXECUTOR_LEFT)
        return EBUSY;
    mo_cas_acq_rel(&MO_SHARED(executors).preferred, &preferred, NULL); /* a new one will be made */
    mo_watched_close(x);
    mo_placement_free(x);
    mo_mutex_lock(&s->lock);
    x->in_use = false;
    if (x->slot < MO_SLOT_UNKNOWN)
        mo_store_relaxed(&MO_SHARED(executors).in_slot[x->slot], NULL);
    mo_mutex_unlock(&s->lock);
    return 0;
}

bool mo_executor_is_closing(const struct mo_executor *x)
{
    return mo_load_acquire(&x->state) != MO_EXECUTOR_OPEN;
}

unsigned mo_executor_workers(const struct mo_executor *x)
{
    return x->workers;
}

const char *mo_executor_name(const struct mo_executor *x)
{
    return x->name;
}

/* ---- The beginning. */
/* The smallest number that no living executor has. */
static unsigned free_slot_locked(void)
{
    uint64_t taken = 0;
    for (struct mo_executor *x = MO_SHARED(executors).all; x; x = x->next)
        if (x->in_use && x->slot < MO_SLOT_UNKNOWN)
            taken |= (uint64_t)1 << x->slot;
    unsigned slot = taken == UINT64_MAX ? MO_SLOT_UNKNOWN : (unsigned)__builtin_ctzll(~taken);
    return slot < MO_SLOT_UNKNOWN ? slot : MO_SLOT_UNKNOWN;
}

static struct mo_executor *take_executor_locked(void)
{
    struct executors *e = &MO_SHARED(executors);
    struct mo_executor *x = e->all;
    while (x && x->in_use)
        x = x->next;
    if (!x && (x = mo_sched_permanent_locked(sizeof *x))) {
        x->next = e->all;
        e->all = x;
    }
    if (x) {
        x->slot = free_slot_locked();
        x->in_use = true;
    }
    return x;
}

/* Outboxes stay from the one whose memory this is; what was put into them is dealt with. */
static void prepare(struct mo_executor *x, const struct mo_executor_form *form)
{
    memcpy(x->name, form->name, sizeof x->name);
    x->blocking_limit = form->blocking_limit;
    x->created_before = x->done_before = 0;
    for (struct mo_outbox *o = mo_load_acquire(&x->outboxes); o; o = o->next) {
        x->created_before += mo_load_relaxed(&o->created);
        x->done_before += mo_load_relaxed(&o->done);
        memset(&o->ran, 0, sizeof o->ran); /* its owner runs nothing before we are open */
    }
    x->past = (struct mo_executor_stats){0};
    memset(&x->elsewhere, 0, sizeof x->elsewhere);
    x->blocking_idle = 0;
    mo_store_relaxed(&x->watcher, 0u);
    mo_store_relaxed(&x->done_elsewhere, 0u);
    mo_store_relaxed(&x->sealed, false);
    mo_store_relaxed(&x->blocking_done, 0u);
    x->flat = form->flat;
    x->labels = form->labels;
    x->job_flags = x->watching ? MO_JOB_WATCHED : 0;
    x->job_state = MO_JOB_OF(x->slot) | MO_JOB_ENTRY | (x->watching ? MO_JOB_EXPOSED : 0);
    mo_store_relaxed(&x->state, (uint32_t)MO_EXECUTOR_OPEN);
}

/* It never came to life. */
static void give_back(struct mo_executor *x)
{
    mo_store_relaxed(&x->state, (uint32_t)MO_EXECUTOR_LEFT);
    mo_executor_free(x);
}

static uint64_t cost_of(const struct mo_task *task)
{
    struct mo_job *job = (struct mo_job *)task;
    return job->flags & MO_JOB_EXTENDED ? mo_job_ext(job)->cost_ns : 0;
}

int mo_executor_new(const struct mo_executor_form *form, struct mo_executor **made)
{
    struct mo_sched *s = &MO_SHARED(sched);
    int err;
    mo_mutex_lock(&s->lock);
    struct mo_executor *x = take_executor_locked();
    mo_mutex_unlock(&s->lock);
    if (!x)
        return ENOMEM;
    err = mo_watched_open(x, form);
    if (err) {
        give_back(x);
        return err;
    }
    x->team = mo_apart_open(form->workers, serve, x, &err);
    if (!x->team) {
        give_back(x);
        return err;
    }
    if (x->slot < MO_SLOT_UNKNOWN)
        mo_store_release(&MO_SHARED(executors).in_slot[x->slot], x);
    x->team->steal = form->steal;
    x->team->cost_of = cost_of;
    x->workers = x->team->size - 1;
    prepare(x, form);
    if (!mo_placement_plan(x, form->numa))
        mo_warn_once("out of memory for the order of an executor's workers; going on as if all were alike");
    mo_team_start(x->team);
    *made = x;
    return 0;
}

int mo_executor_default(struct mo_executor **found)
{
    struct executors *e = &MO_SHARED(executors);
    struct mo_executor *x = mo_load_acquire(&e->preferred);
    int err = 0;
    if (mo_likely(x != NULL)) {
        *found = x;
        return 0;
    }
    mo_mutex_lock(&e->making_preferred);
    x = mo_load_acquire(&e->preferred);
    if (!x) {
        const struct mo_executor_form form = {.workers = mo_park_cpus(),
                                              .blocking_limit = DEFAULT_BLOCKING,
                                              .steal = MO_SHARED(sched).steal,
                                              .name = "default"};
        err = mo_executor_new(&form, &x);
        if (!err)
            mo_store_release(&e->preferred, x);
    }
    mo_mutex_unlock(&e->making_preferred);
    *found = x;
    return err;
}

struct mo_executor *mo_executor_in(unsigned slot)
{
    return mo_load_acquire(&MO_SHARED(executors).in_slot[slot]);
}

void mo_registry_set(struct mo_executor *x, struct mo_registry *r)
{
    struct executors *e = &MO_SHARED(executors);
    mo_mutex_lock(&MO_SHARED(sched).lock);
    mo_owner_add(&e->registries, (r ? 1u : 0u) - (x->watch.registry ? 1u : 0u));
    x->watch.registry = r;
    mo_mutex_unlock(&MO_SHARED(sched).lock);
}

bool mo_registries_visit(bool (*fn)(struct mo_executor *x, void *arg), void *arg)
{
    struct executors *e = &MO_SHARED(executors);
    bool found = false;
    if (!mo_load_acquire(&e->registries))
        return false;
    mo_mutex_lock(&MO_SHARED(sched).lock);
    for (struct mo_executor *x = e->all; x && !found; x = x->next)
        found = x->in_use && x->watch.registry && fn(x, arg);
    mo_mutex_unlock(&MO_SHARED(sched).lock);
    return found;
}

void mo_executors_forget(void)
{
    struct executors *e = &MO_SHARED(executors);
    for (unsigned slot = 0; slot < MO_SLOT_UNKNOWN; slot++)
        mo_store_relaxed(&e->in_slot[slot], NULL);
    for (struct mo_executor *x = e->all; x; x = x->next)
        mo_store_relaxed(&x->state, (uint32_t)MO_EXECUTOR_GONE);
    e->all = NULL; /* their outboxes belong to threads that are gone: new ones start afresh */
    mo_parked_forget_all();
    mo_store_relaxed(&e->registries, 0u);
    mo_store_relaxed(&e->preferred, NULL);
    mo_store_relaxed(&e->making_preferred, 0u);
}
