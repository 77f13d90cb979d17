/* Waiting for jobs, and for groups of them; what a thread runs meanwhile. */
#include "park/clock.h"
#include "sched/short.h"
#include "sched/strand.h"

#define HELP_RELOOK_NS    100000
#define PATIENCE_NS       1000000
#define GROUP_PATIENCE_NS 50000 /* there may be many jobs in it */
#define GROUP_HELP        256   /* of which so many are run at a time */
#define GROUP_LOOK        8     /* jobs between two looks at what workers write all the time: whether it is over */
#define GROUP_PLENTY      64    /* where so many lie in its outbox the workers are not soon through */
#define LOOKS_MAX         10000

struct job_wait {
    struct mo_wait wait;
    struct mo_worker *w;
    struct mo_seat *seat;  /* at `x`; NULL: it has none */
    struct mo_executor *x; /* whose jobs it may run meanwhile; NULL: none */
    struct mo_job *const *jobs;
    size_t count, over; /* over: index of one that is; count: none is */
    struct mo_group *group;
    const _Atomic uint32_t *flag;
    uint64_t deadline_ns;
    uint64_t patient_until; /* ns: when it begins to help without a seat */
    bool late;
};

/* mo_wait has no deadline: it looks again after a sixty-fourth of what is left, and then after up to 64 times as
   much. */
static bool is_late(struct job_wait *jw)
{
    if (mo_likely(jw->deadline_ns == MO_FOREVER))
        return false;
    uint64_t now = mo_clock_now();
    if (now >= jw->deadline_ns)
        return jw->late = true;
    uint64_t relook = (jw->deadline_ns - now) / 64 + 1;
    if (mo_clock_is_by_hand()) /* nobody tells this wait that the hand was moved */
        relook = relook < MO_CLOCK_LOOK_NS / 64 ? relook : MO_CLOCK_LOOK_NS / 64;
    jw->wait.relook_ns = jw->seat && relook > HELP_RELOOK_NS ? HELP_RELOOK_NS : relook;
    return false;
}

static bool jobs_over(void *arg)
{
    struct job_wait *jw = arg;
    for (size_t i = 0; i < jw->count; i++)
        if (MO_JOB_OVER(mo_load_seqcst(&jw->jobs[i]->state))) { /* J5 */
            jw->over = i;
            return true;
        }
    return is_late(jw);
}

static bool group_over(void *arg)
{
    struct job_wait *jw = arg;
    return mo_group_is_over(jw->group) || is_late(jw);
}

static bool flag_set(void *arg)
{
    struct job_wait *jw = arg;
    return mo_load_seqcst((_Atomic uint32_t *)jw->flag) || is_late(jw);
}

/* Run it here if it has not begun, on whatever thread this is; its entry stays where it is. */
static bool try_claim(struct mo_worker *w, struct mo_job *job, struct mo_executor *x)
{
    uint64_t state = mo_load_relaxed(&job->state);
    do {
        if (MO_JOB_PHASE(state) != MO_JOB_QUEUED || state & MO_JOB_PINNED)
            return false;
    } while (!mo_cas_acq_rel(&job->state, &state, (state & ~(uint64_t)7) | MO_JOB_RUNNING));
    enum mo_job_phase phase = mo_job_run(w, x, job, true);
    mo_job_conclude(w, job, mo_load_relaxed(&job->state), phase);
    return true;
}

static bool claim(struct mo_worker *w, struct mo_job *job)
{
    struct mo_executor *x = mo_executor_in(MO_JOB_SLOT(mo_load_relaxed(&job->state)));
    if (!x)
        return false;
    if (mo_likely(!(job->flags & MO_JOB_WATCHED)))
        return try_claim(w, job, x);
    mo_watched_enter(x); /* W2 */
    bool claimed = try_claim(w, job, x);
    mo_watched_leave(x);
    return claimed;
}

static bool has_plenty(const struct job_wait *jw)
{
    struct mo_outbox *o = jw->w->outboxes;
    return o && o->executor == jw->x && mo_deque_peek_size(&o->deque) >= GROUP_PLENTY;
}

/* A thread without a seat leaves its jobs to the workers, who have what it takes to share them. But it cannot know that
   one of them is going to be free: all may wait for the very thread, in a barrier for one. So after a while it begins
   with what it waits for, or with what it has handed over; of a group at once where there is plenty. */
static bool help_outside(struct job_wait *jw, const struct mo_kin *kin)
{
    struct mo_outbox *o;
    if (!(jw->group && has_plenty(jw)) && mo_plat_now_ns() < jw->patient_until)
        return false;
    if (!jw->group && jw->count == 1 && claim(jw->w, jw->jobs[0]))
        return true;
    unsigned most = jw->group ? GROUP_HELP : 1, ran = 0;
    struct mo_job *job;
    jw->w->job_depth++;
    while (ran < most && !(ran % GROUP_LOOK == GROUP_LOOK - 1 && mo_group_is_over(jw->group)) &&
           (job = mo_outbox_take_back(jw->w, jw->x, kin, &o)) != NULL) {
        mo_short_deal_outside(jw->w, o, job);
        ran++;
    }
    jw->w->job_depth--;
    if (ran && mo_executor_is_closing(jw->x))
        mo_executor_try_close(jw->x);
    return ran != 0;
}

/* The job, or, while that is blocked, one of those it is to follow. Whoever holds its handle may look there: they stay
   until it is deleted. Of a long chain the far end has begun, or is one that nothing precedes. */
static bool claim_or_before(struct mo_worker *w, struct mo_job *job, unsigned levels, unsigned *looks)
{
    while (MO_JOB_PHASE(mo_load_acquire(&job->state)) == MO_JOB_BLOCKED) {
        struct mo_job_after *after = mo_job_after(job);
        for (uint32_t i = 1; levels && *looks && i < after->count; i++) {
            --*looks;
            if (claim_or_before(w, after->before[i].job, levels - 1, looks))
                return true;
        }
        job = after->before[0].job;
    }
    return claim(w, job);
}

/* Too deep for anything else: what it waits for is run by nobody, if all others are as deep in such waits, and what is
   strictly for this worker is run by nobody else in any case. */
static bool claim_one(struct job_wait *jw)
{
    struct mo_seat *seat = jw->seat;
    bool room = (char *)__builtin_frame_address(0) - jw->w->stack_end > MO_JOB_STACK_KEEP_BYTES / 2;
    unsigned looks = LOOKS_MAX;
    for (size_t i = 0; room && i < jw->count; i++)
        if (claim_or_before(jw->w, jw->jobs[i], MO_JOB_DEPTH_MAX, &looks))
            return true;
    struct mo_job *strict = room ? mo_placed_take_strict(seat) : NULL;
    if (!strict)
        return false;
    mo_idle_awake(seat->member);
    mo_job_deal_inside(jw->w, seat->executor, &seat->member->done, strict);
    return true;
}

/* A group's jobs must be taken even where the stack is short, as nobody else might; others need not. */
static bool help(void *arg)
{
    struct job_wait *jw = arg;
    struct mo_seat *seat = jw->seat;
    const struct mo_kin group = {.ancestor = jw->group ? &jw->group->head : NULL}, *kin = &group;
    if (mo_job_may_nest(jw->w) && !(jw->group && jw->group->isolated))
        kin = NULL;
    else if (!jw->group)
        return seat && claim_one(jw);
    if (!seat)
        return help_outside(jw, kin);
    struct mo_job *job = mo_executor_take(seat, kin);
    if (!job)
        return false;
    mo_idle_awake(seat->member);
    mo_job_deal_inside(jw->w, seat->executor, &seat->member->done, job);
    return true;
}

static void wait_asleep(void *arg)
{
    struct job_wait *jw = arg;
    if (jw->group) { /* from here on who brings the sum to zero sees it */
        mo_fetch_add_seqcst(&jw->group->remote, jw->group->local);
        jw->group->local = 0;
    }
    if (jw->seat)
        mo_idle_asleep_uncounted(jw->seat->member);
}

static void wait_awake(void *arg)
{
    struct job_wait *jw = arg;
    if (jw->seat)
        mo_idle_awake(jw->seat->member);
}

static bool wait_until(struct job_wait *jw, bool (*ready)(void *))
{
    uint64_t patience = jw->group ? GROUP_PATIENCE_NS : PATIENCE_NS;
    jw->wait = (struct mo_wait){.ready = ready,
                                .work = jw->x ? help : NULL,
                                .asleep = wait_asleep,
                                .awake = wait_awake,
                                .arg = jw,
                                .event = &jw->w->event,
                                .bits = MO_WAKE_ANY,
                                .relook_ns = jw->seat ? HELP_RELOOK_NS
                                             : jw->x  ? patience
                                                      : 0};
    if (jw->x && !jw->seat)
        jw->patient_until = mo_plat_now_ns() + patience;
    mo_wait(&jw->wait);
    return !jw->late;
}

static void set_waiter(struct mo_worker *w, struct mo_job *job)
{
    uint64_t state = mo_load_relaxed(&job->state);
    while (!MO_JOB_OVER(state) &&
           !mo_cas_seqcst(&job->state, &state, (state & MO_JOB_BITS) | MO_JOB_WAITER | MO_JOB_WITH(w->index)))
        ;
}

static void unset_waiter(struct mo_job *job)
{
    uint64_t state = mo_load_relaxed(&job->state);
    while (!MO_JOB_OVER(state) && !mo_cas_seqcst(&job->state, &state, state & MO_JOB_BITS & ~MO_JOB_WAITER))
        ;
}

size_t mo_job_wait_any(struct mo_worker *w, struct mo_job *const *jobs, size_t count, uint64_t deadline_ns)
{
    struct mo_native_strand *n = mo_strand_native();
    if (mo_unlikely(n != NULL))
        return mo_strand_wait_any(n, jobs, count, deadline_ns);
    struct job_wait jw = {.w = w, .jobs = jobs, .count = count, .over = count, .deadline_ns = deadline_ns};
    jw.x = w->seat ? w->seat->executor : mo_executor_in(MO_JOB_SLOT(mo_load_relaxed(&jobs[0]->state)));
    jw.seat = w->seat;
    if (!jw.seat && deadline_ns != MO_FOREVER)
        jw.x = NULL; /* it would be late; and in the end it gives up */
    if (jobs_over(&jw))
        return jw.over;
    for (size_t i = 0; i < count; i++)
        set_waiter(w, jobs[i]);
    wait_until(&jw, jobs_over);
    for (size_t i = 0; i < count; i++)
        unset_waiter(jobs[i]);
    return jw.over;
}

bool mo_job_wait(struct mo_worker *w, struct mo_job *job, uint64_t deadline_ns)
{
    if (MO_JOB_OVER(mo_load_acquire(&job->state)))
        return true;
    if (deadline_ns == MO_FOREVER && w->seat && !MO_SHARED(strand) && claim(w, job))
        return true;
    if (mo_unlikely(job->flags & MO_JOB_STRAND) && deadline_ns == MO_FOREVER && mo_strand_here() &&
        mo_strand_run_newest(w, job))
        return true;
    return mo_job_wait_any(w, &job, 1, deadline_ns) == 0;
}

bool mo_job_wait_flag(struct mo_worker *w, const _Atomic uint32_t *flag, uint64_t deadline_ns)
{
    struct job_wait jw = {
        .w = w, .seat = w->seat, .x = w->seat ? w->seat->executor : NULL, .flag = flag, .deadline_ns = deadline_ns};
    return wait_until(&jw, flag_set);
}

bool mo_job_yield(struct mo_worker *w)
{
    struct mo_seat *seat = w->seat;
    if (!seat || !mo_job_may_nest(w))
        return false;
    struct mo_job *job = mo_executor_take(seat, NULL);
    if (job)
        mo_job_deal_inside(w, seat->executor, &seat->member->done, job);
    return job != NULL;
}

bool mo_group_await(struct mo_group *g, uint64_t deadline_ns)
{
    struct mo_worker *w = g->owner;
    bool own = w->seat && w->seat->executor == g->executor;
    struct job_wait jw = {
        .w = w, .seat = own ? w->seat : NULL, .x = g->executor, .group = g, .deadline_ns = deadline_ns};
    if ((!own && deadline_ns != MO_FOREVER) || mo_strand_here())
        jw.x = NULL; /* it would be late; and in the end it gives up */
    if (!jw.x)
        jw.seat = NULL;
    return wait_until(&jw, group_over);
}
