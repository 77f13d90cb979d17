/* Jobs: their state, running them, handles, waiting for them.

   The state is one word; job.h has its bits. Who changes it:
     phase    QUEUED -> RUNNING by who takes the entry, or by who joins it (claims it, and leaves the entry where it is);
              QUEUED or BLOCKED -> CANCELLED by who cancels, or by who finds its group or executor cancelled; BLOCKED ->
              QUEUED by who ends the job before it; RUNNING -> COMPLETED or FAILED by who runs it. All are CASes.
     HANDLE   cleared by its holder. From then on nobody but the entry's holder and who runs it can reach the job, unless
              it is EXPOSED.
     ENTRY    cleared by who takes the entry out of its deque or queue.
     WAITER, THEN and their word: set by the holder of the handle while the job is not over; not both.
   J1  A phase that is over never changes, and is set once; who sets it counts the job off its group and tells whom the
       word names, as that was at the CAS.
   J2  The block is freed by who clears the last of HANDLE and ENTRY of a job that is over, or ends the phase of one that
       has neither. All three are RMWs on one word, so exactly one of them sees that it is the last.
   J3  Without HANDLE and EXPOSED the thread that has the entry is alone with the job: it needs no RMW, and none is done.
   J4  Who has both entry and handle of a job that is not EXPOSED is alone as well: joining the newest of one's own deque
       costs the exchange of the deque and nothing else. A handle is one thread's at a time, so it is the holder who
       exposes a job, and he knows.
   J5  A joiner cannot miss the end: it sets WAITER by an RMW, then announces itself to its event, then looks at the phase
       (seq_cst); who ends the job does an RMW on the state and then looks for waiters of that event (seq_cst).

   No deadlock: a wait for a job that has not begun claims it, so a job that waits waits for one that runs. Waits that form
   no cycle therefore end, whatever the number of workers. */
#include "sched/executor.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX        64
#define STACK_KEEP_BYTES (96 * 1024)
#define HELP_RELOOK_NS   100000
#define PATIENCE_NS      1000000
#define FOREVER          UINT64_MAX

static inline struct mo_group *group_of(struct mo_job *job)
{
    return (struct mo_group *)mo_load_relaxed(&job->group);
}

/* ---- Blocks. */
/* Its header. */
static inline void fill(struct mo_worker *w, const struct mo_executor *x, struct mo_job *job,
                        const struct mo_job_spec *spec, unsigned cls, unsigned flags)
{
    job->fn = spec->fn;
    mo_store_relaxed(&job->group, (struct mo_task *)spec->group);
    mo_store_relaxed(&job->state, MO_JOB_OF(x->slot) | MO_JOB_ENTRY | (spec->handle ? MO_JOB_HANDLE : 0));
    uint32_t id = w->last_job += 2; /* odd, never 0 */
    job->origin = id | (uint64_t)w->index << 32 | (uint64_t)cls << 48 | (uint64_t)flags << 56;
}

struct mo_job *mo_job_new(struct mo_worker *w, struct mo_executor *x, const struct mo_job_spec *spec)
{
    unsigned flags = spec->ext ? MO_JOB_EXTENDED : 0;
    unsigned cls = mo_slab_class(mo_job_head(flags) + spec->bytes);
    struct mo_job *job = mo_likely(cls < MO_SLAB_CLASSES) ? mo_slab_alloc_owner(&w->slab, cls) : NULL;
    if (mo_unlikely(!job))
        return NULL;
    fill(w, x, job, spec, cls, flags);
    if (mo_unlikely(spec->ext != NULL))
        *mo_job_ext(job) = *spec->ext;
    return job;
}

static void free_error(struct mo_worker *w, struct mo_job_error *e);
static void release_before(struct mo_worker *w, struct mo_job_after *after);

static inline void free_block(struct mo_worker *w, struct mo_job *job)
{
    mo_store_relaxed(&job->id, 0u);
    if (mo_likely(job->home == w->index))
        mo_slab_free_owner(&w->slab, job, job->cls);
    else
        mo_worker_free(w, job->home, job, job->cls);
}

/* A job that is over, or was never handed out, and all that it holds. `state` is its last. */
static inline void delete (struct mo_worker *w, struct mo_job *job, uint64_t state)
{
    if (mo_unlikely(MO_JOB_PHASE(state) == MO_JOB_FAILED))
        free_error(w, job->error);
    if (mo_unlikely(job->flags & MO_JOB_FOLLOWS))
        release_before(w, mo_job_after(job));
    free_block(w, job);
}

/* ---- Failures. */
static struct mo_job_error out_of_memory = {.code = ENOMEM, .text = "no memory to say why"};

#define ERROR_CLASS 2
_Static_assert(sizeof(struct mo_job_error) == MO_SLAB_BYTES(ERROR_CLASS), "fills its class");

static struct mo_job_error *new_error(struct mo_worker *w, int32_t code, const char *text)
{
    struct mo_job_error *e = mo_slab_alloc_owner(&w->slab, ERROR_CLASS);
    if (!e)
        return &out_of_memory;
    e->unused = e->no_parent = NULL;
    e->code = code;
    e->home = w->index;
    strncpy(e->text, text, sizeof e->text - 1);
    e->text[sizeof e->text - 1] = 0;
    return e;
}

static void free_error(struct mo_worker *w, struct mo_job_error *e)
{
    if (e && e != &out_of_memory)
        mo_worker_free(w, e->home, e, ERROR_CLASS);
}

void mo_job_fail(struct mo_worker *w, int32_t code, const char *text)
{
    struct mo_job *job = w->job;
    if (job && !job->error)
        job->error = new_error(w, code, text);
}

/* The first failure in a group is the group's, too. */
static void fail_group(struct mo_worker *w, struct mo_group *g, const struct mo_job_error *e)
{
    struct mo_job_error *copy = new_error(w, e->code, e->text), *none = NULL;
    if (!mo_cas_acq_rel(&g->error, &none, copy)) /* pairs with the owner's look when it has waited */
        free_error(w, copy);
    if (!g->tenacious)
        mo_group_cancel(g);
}

/* ---- Counting in groups; job.h and architecture.md say how. */
static inline void group_add(struct mo_worker *w, struct mo_group *g)
{
    if (mo_likely(g->owner == w))
        g->local++;
    else
        mo_fetch_add_relaxed(&g->remote, 1); /* published with the entry */
}

static inline void group_sub(struct mo_worker *w, struct mo_group *g)
{
    struct mo_worker *owner = g->owner;
    if (mo_likely(owner == w))
        g->local--;
    else if (mo_fetch_sub_seqcst(&g->remote, 1) == 1) /* from here on the group may be gone */
        mo_event_notify(&owner->event);
}

bool mo_group_is_cancelled(const struct mo_task *group)
{
    for (; group; group = mo_load_relaxed(&group->parent))
        if (mo_load_relaxed(&((const struct mo_group *)group)->cancelled))
            return true;
    return false;
}

/* ---- The end of a job. */
/* Whom the state names, as it was when the job ended. */
static void tell(struct mo_worker *w, uint64_t state);

/* The phase of a job that somebody else may know; its block may be gone on return. */
static void conclude(struct mo_worker *w, struct mo_job *job, uint64_t state, enum mo_job_phase phase)
{
    struct mo_group *group = group_of(job);
    while (!mo_cas_seqcst(&job->state, &state, (state & ~(uint64_t)7) | phase)) /* J5 */
        ;
    if (!(state & (MO_JOB_HANDLE | MO_JOB_ENTRY)))
        delete (w, job, phase); /* J2 */
    if (mo_unlikely(state & (MO_JOB_WAITER | MO_JOB_THEN)))
        tell(w, state);
    if (group)
        group_sub(w, group);
}

/* One more of those before it is over. When all are, put the job where workers find it. It was counted when it was made,
   so it cannot be refused, and nothing else would ever run it. */
static void launch(struct mo_worker *w, struct mo_job *job)
{
    struct mo_job_after *after = mo_job_after(job);
    struct mo_executor *x = after->executor;
    if (mo_fetch_add_acq_rel(&after->pending, -1u) != 1)
        return;
    uint64_t state = mo_load_relaxed(&job->state);
    while (MO_JOB_PHASE(state) == MO_JOB_BLOCKED &&
           !mo_cas_acq_rel(&job->state, &state, (state & ~(uint64_t)7) | MO_JOB_QUEUED))
        ;
    while (mo_executor_put(w, x, job) != 0) {
        mo_warn_once("out of memory for a task that is to follow another one; waiting for some");
        mo_plat_yield();
    }
    mo_work_published(x->team);
}

static void tell(struct mo_worker *w, uint64_t state)
{
    if (state & MO_JOB_THEN)
        launch(w, (struct mo_job *)MO_JOB_WORD(state));
    else
        mo_event_notify(&mo_worker_at((uint16_t)MO_JOB_WORD(state))->event);
}

/* ---- Running. */
static inline void invoke(struct mo_job *job, void (*fn)(void *))
{
    if (mo_likely(!(job->flags & MO_JOB_FOLLOWS)))
        fn((char *)job + mo_job_head(job->flags));
    else
        mo_job_after(job)->fn(mo_job_after(job), mo_job_data(job));
}

/* Its thread is in the middle of something, or something has been left behind in its root. */
static __attribute__((noinline)) void invoke_apart(struct mo_worker *w, struct mo_job *job, void (*fn)(void *),
                                                   const struct mo_job *outer)
{
    bool pushed = false;
    if (MO_SHARED(self) == w->home && !outer)
        mo_root_clean(w->home);
    else
        pushed = mo_root_push(w);
    invoke(job, fn);
    if (pushed)
        mo_root_pop(w);
}

/* Returns the phase. */
static inline enum mo_job_phase run(struct mo_worker *w, struct mo_job *job)
{
    struct mo_job *outer = w->job;
    void (*fn)(void *) = job->fn;
    job->error = NULL;
    w->job = job;
    if (mo_likely(MO_SHARED(self) == w->home && mo_root_is_clean(w->home)))
        invoke(job, fn);
    else
        invoke_apart(w, job, fn, outer);
    w->job = outer;
    if (mo_likely(!job->error))
        return MO_JOB_COMPLETED;
    if (group_of(job))
        fail_group(w, group_of(job), job->error);
    return MO_JOB_FAILED;
}

static inline bool is_dropped(const struct mo_executor *x, struct mo_job *job)
{
    struct mo_task *group = mo_load_relaxed(&job->group);
    return mo_executor_drops(x) || (group && mo_group_is_cancelled(group));
}

/* Threads without a seat count together. */
static __attribute__((noinline)) void count_elsewhere(struct mo_executor *x, enum mo_job_phase phase, bool in_place)
{
    mo_fetch_add_relaxed(phase == MO_JOB_CANCELLED ? &x->elsewhere.dropped : &x->elsewhere.executed, 1);
    if (phase == MO_JOB_FAILED)
        mo_fetch_add_relaxed(&x->elsewhere.failed, 1);
    if (in_place)
        mo_fetch_add_relaxed(&x->elsewhere.in_place, 1);
}

static inline void count_phase(struct mo_worker *w, struct mo_executor *x, enum mo_job_phase phase, bool in_place)
{
    struct mo_seat *seat = w->seat;
    if (mo_unlikely(!seat || seat->executor != x)) {
        count_elsewhere(x, phase, in_place);
        return;
    }
    mo_owner_add(phase == MO_JOB_CANCELLED ? &seat->ran.dropped : &seat->ran.executed, 1);
    if (mo_unlikely(phase == MO_JOB_FAILED))
        mo_owner_add(&seat->ran.failed, 1);
    if (in_place)
        mo_owner_add(&seat->ran.in_place, 1);
}

static inline enum mo_job_phase run_or_drop(struct mo_worker *w, struct mo_executor *x, struct mo_job *job,
                                            bool in_place)
{
    struct mo_executor *serves = w->serves;
    if (mo_unlikely(serves != x))
        w->serves = x; /* what the job creates is for its executor, too */
    enum mo_job_phase phase = is_dropped(x, job) ? MO_JOB_CANCELLED : run(w, job);
    if (mo_unlikely(serves != x))
        w->serves = serves;
    count_phase(w, x, phase, in_place);
    return phase;
}

/* The entry is ours; the job may have been claimed or cancelled, or may be now. */
static __attribute__((noinline)) void deal_shared(struct mo_worker *w, struct mo_executor *x, struct mo_job *job,
                                                  uint64_t state)
{
    do {
        if (MO_JOB_PHASE(state) == MO_JOB_QUEUED)
            continue;
        state = mo_fetch_and_acq_rel(&job->state, ~MO_JOB_ENTRY);
        if (MO_JOB_OVER(state) && !(state & MO_JOB_HANDLE))
            delete (w, job, state); /* J2 */
        return;
    } while (!mo_cas_acq_rel(&job->state, &state, (state & ~(MO_JOB_ENTRY | 7)) | MO_JOB_RUNNING));
    enum mo_job_phase phase = run_or_drop(w, x, job, false);
    conclude(w, job, mo_load_relaxed(&job->state), phase);
}

void mo_job_deal(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done, struct mo_job *job)
{
    /* acquire: J3 is true only after what the holder of the handle did before he gave it up. */
    uint64_t state = mo_load_acquire(&job->state);
    if (mo_unlikely(state & (MO_JOB_HANDLE | MO_JOB_EXPOSED))) {
        deal_shared(w, x, job, state);
    } else if (mo_unlikely(MO_JOB_PHASE(state) != MO_JOB_QUEUED)) { /* cancelled, and its handle is gone */
        delete (w, job, state);
    } else {
        mo_store_relaxed(&job->state, (state & ~MO_JOB_ENTRY) | MO_JOB_RUNNING); /* J3 */
        enum mo_job_phase phase = run_or_drop(w, x, job, false);
        struct mo_group *group = group_of(job);
        if (mo_unlikely(mo_load_relaxed(&job->state) & MO_JOB_EXPOSED)) {
            conclude(w, job, mo_load_relaxed(&job->state), phase);
        } else {
            delete (w, job, phase);
            if (group)
                group_sub(w, group);
        }
    }
    mo_owner_add_release(done, 1); /* last: pairs with is_through() in executor.c */
}

/* ---- Handles. */
void mo_job_release(struct mo_worker *w, struct mo_job *job)
{
    /* acq_rel: who frees the block has seen what all others did with it. */
    uint64_t state = mo_fetch_and_acq_rel(&job->state, ~MO_JOB_HANDLE);
    if (MO_JOB_OVER(state) && !(state & MO_JOB_ENTRY))
        delete (w, job, state); /* J2 */
}

int mo_job_cancel(struct mo_worker *w, struct mo_job *job)
{
    struct mo_group *group = group_of(job);
    uint64_t state = mo_load_acquire(&job->state);
    for (;;) {
        enum mo_job_phase phase = MO_JOB_PHASE(state);
        bool begun = phase == MO_JOB_RUNNING;
        if (MO_JOB_OVER(state))
            return EALREADY;
        uint64_t next = begun ? state | MO_JOB_CANCEL : (state & ~(uint64_t)7) | MO_JOB_CANCELLED;
        if (!mo_cas_seqcst(&job->state, &state, next)) /* J5 */
            continue;
        if (begun)
            return EBUSY;
        if (state & (MO_JOB_WAITER | MO_JOB_THEN))
            tell(w, state);
        if (group)
            group_sub(w, group);
        return 0;
    }
}

/* Address above, number below. */
#define NUMBER_BITS 22

uint64_t mo_job_number(struct mo_job *job)
{
    if (!(mo_load_relaxed(&job->state) & MO_JOB_EXPOSED))
        mo_fetch_or_acq_rel(&job->state, MO_JOB_EXPOSED);
    return (uint64_t)((uintptr_t)job / MO_SLAB_MIN_BYTES) << NUMBER_BITS |
           (mo_load_relaxed(&job->id) & ((1u << NUMBER_BITS) - 1));
}

/* Whether an address is that of a block cannot be told, so a number that was never one of a job's is not for here. Blocks
   stay mapped, and what the block is used for now has another number, most likely. */
MO_RACES_BY_DESIGN struct mo_job *mo_job_find(uint64_t number)
{
    struct mo_job *job = (struct mo_job *)(uintptr_t)((number >> NUMBER_BITS) * MO_SLAB_MIN_BYTES);
    uint32_t id = number & ((1u << NUMBER_BITS) - 1);
    return job && id && (mo_load_relaxed(&job->id) & ((1u << NUMBER_BITS) - 1)) == id ? job : NULL;
}

bool mo_job_is_cancelled(const struct mo_worker *w)
{
    struct mo_job *job = w->job;
    if (!job)
        return false;
    if (w->seat && mo_executor_drops(w->seat->executor))
        return true;
    return mo_load_relaxed(&job->state) & MO_JOB_CANCEL || mo_group_is_cancelled(mo_load_relaxed(&job->group));
}

/* ---- A job that follows others. */
/* A block for more than one begins like this. */
struct before_head {
    void *unused;
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    struct mo_job_before before[];
};

static void free_before(struct mo_worker *w, struct mo_job_after *after)
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

static void release_before(struct mo_worker *w, struct mo_job_after *after)
{
    for (uint32_t i = 0; i < after->count; i++)
        mo_job_release(w, after->before[i].job);
    free_before(w, after);
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
            launch(w, job);
            return;
        }
    } while (!mo_cas_acq_rel(&before->state, &state,
                             (state & MO_JOB_BITS & ~MO_JOB_WAITER) | MO_JOB_THEN | MO_JOB_WITH((uintptr_t)job)));
}

int mo_job_follow(struct mo_worker *w, const struct mo_job_spec *spec, const struct mo_job_follow *f,
                  struct mo_job **made)
{
    struct mo_job_spec room = *spec;
    room.bytes += sizeof(struct mo_job_after);
    struct mo_job *job = mo_job_new(w, f->executor, &room);
    if (!job)
        return ENOMEM;
    job->flags |= MO_JOB_FOLLOWS;
    struct mo_job_after *after = mo_job_after(job);
    after->fn = f->fn;
    after->user = f->user;
    after->executor = f->executor;
    after->count = 0; /* until they are ours */
    mo_store_relaxed(&after->pending, f->count + 1);
    if (!copy_before(w, after, f)) {
        free_block(w, job);
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
    for (uint32_t i = 0; i < f->count; i++)
        tell_later(w, f->before[i].job, job);
    launch(w, job);
    return 0;
}

/* ---- Waiting. */
struct job_wait {
    struct mo_wait wait;
    struct mo_worker *w;
    struct mo_seat *seat;  /* at `x`; NULL: it has none */
    struct mo_executor *x; /* whose jobs it may run meanwhile; NULL: none */
    struct mo_job *const *jobs;
    size_t count, over; /* over: index of one that is; count: none is */
    struct mo_group *group;
    uint64_t deadline_ns;
    uint64_t patient_until; /* ns: when it begins to help without a seat */
    bool late;
};

/* mo_wait has no deadline: it looks again after a sixty-fourth of what is left, and then after up to 64 times as much. */
static bool is_late(struct job_wait *jw)
{
    if (mo_likely(jw->deadline_ns == FOREVER))
        return false;
    uint64_t now = mo_plat_now_ns();
    if (now >= jw->deadline_ns)
        return jw->late = true;
    uint64_t relook = (jw->deadline_ns - now) / 64 + 1;
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

static bool group_is_over(const struct mo_group *g)
{
    return g->local + mo_load_seqcst(&g->remote) == 0;
}

static bool group_over(void *arg)
{
    struct job_wait *jw = arg;
    return group_is_over(jw->group) || is_late(jw);
}

/* Run it here if it has not begun, on whatever thread this is; its entry stays where it is. */
static bool claim(struct mo_worker *w, struct mo_job *job)
{
    uint64_t state = mo_load_relaxed(&job->state);
    struct mo_executor *x = mo_executor_in(MO_JOB_SLOT(state));
    do {
        if (MO_JOB_PHASE(state) != MO_JOB_QUEUED || state & MO_JOB_PINNED || !x)
            return false;
    } while (!mo_cas_acq_rel(&job->state, &state, (state & ~(uint64_t)7) | MO_JOB_RUNNING));
    enum mo_job_phase phase = run_or_drop(w, x, job, true);
    conclude(w, job, mo_load_relaxed(&job->state), phase);
    return true;
}

/* Stack for another job that waits on top of this one. */
static bool may_nest(struct mo_worker *w)
{
    if (w->job_depth >= DEPTH_MAX)
        return false;
    if (mo_unlikely(!w->stack_end))
        w->stack_end = mo_plat_stack_end();
    return (char *)__builtin_frame_address(0) - w->stack_end > STACK_KEEP_BYTES;
}

static void deal_inside(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done, struct mo_job *job)
{
    w->job_depth++;
    mo_job_deal(w, x, done, job);
    w->job_depth--;
}

/* A thread without a seat leaves its jobs to the workers, who have what it takes to share them. But it cannot know that one
   of them is going to be free: all may wait for the very thread, in a barrier for one. So after a while it begins with what
   it waits for, or with what it has handed over. */
static bool help_outside(struct job_wait *jw, const struct mo_kin *kin)
{
    struct mo_outbox *o;
    if (mo_plat_now_ns() < jw->patient_until)
        return false;
    if (!jw->group && jw->count == 1 && claim(jw->w, jw->jobs[0]))
        return true;
    struct mo_job *job = mo_outbox_take_back(jw->w, jw->x, kin, &o);
    if (!job)
        return false;
    deal_inside(jw->w, jw->x, &o->done, job);
    if (mo_executor_is_closing(jw->x))
        mo_executor_try_close(jw->x);
    return true;
}

/* A group's jobs must be taken even where the stack is short, as nobody else might; others need not. */
static bool help(void *arg)
{
    struct job_wait *jw = arg;
    struct mo_seat *seat = jw->seat;
    const struct mo_kin group = {.ancestor = jw->group ? &jw->group->head : NULL}, *kin = &group;
    if (may_nest(jw->w) && !(jw->group && jw->group->isolated))
        kin = NULL;
    else if (!jw->group)
        return false;
    if (!seat)
        return help_outside(jw, kin);
    struct mo_job *job = mo_executor_take(seat, kin);
    if (!job)
        return false;
    mo_idle_awake(seat->member);
    deal_inside(jw->w, seat->executor, &seat->member->done, job);
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
    jw->wait = (struct mo_wait){.ready = ready,
                                .work = jw->x ? help : NULL,
                                .asleep = wait_asleep,
                                .awake = wait_awake,
                                .arg = jw,
                                .event = &jw->w->event,
                                .bits = MO_WAKE_ANY,
                                .relook_ns = jw->seat ? HELP_RELOOK_NS
                                             : jw->x  ? PATIENCE_NS
                                                      : 0};
    if (jw->x && !jw->seat)
        jw->patient_until = mo_plat_now_ns() + PATIENCE_NS;
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
    struct job_wait jw = {.w = w, .jobs = jobs, .count = count, .over = count, .deadline_ns = deadline_ns};
    jw.x = w->seat ? w->seat->executor : mo_executor_in(MO_JOB_SLOT(mo_load_relaxed(&jobs[0]->state)));
    jw.seat = w->seat;
    if (!jw.seat && deadline_ns != FOREVER)
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
    if (deadline_ns == FOREVER && w->seat && claim(w, job))
        return true;
    return mo_job_wait_any(w, &job, 1, deadline_ns) == 0;
}

bool mo_job_yield(struct mo_worker *w)
{
    struct mo_seat *seat = w->seat;
    if (!seat || !may_nest(w))
        return false;
    struct mo_job *job = mo_executor_take(seat, NULL);
    if (job)
        deal_inside(w, seat->executor, &seat->member->done, job);
    return job != NULL;
}

/* ---- Groups. */
#define GROUP_CLASS 4
_Static_assert(sizeof(struct mo_group) <= MO_SLAB_BYTES(GROUP_CLASS), "fits its class");

struct mo_group *mo_group_new(struct mo_worker *w, struct mo_executor *x)
{
    struct mo_group *g = mo_slab_alloc_owner(&w->slab, GROUP_CLASS);
    if (!g)
        return NULL;
    g->head.fn = NULL;
    mo_store_relaxed(&g->head.parent, w->job ? mo_load_relaxed(&w->job->group) : NULL);
    g->head.counts = 0;
    g->head.origin = (uint64_t)w->index << 32 | (uint64_t)GROUP_CLASS << 48;
    g->executor = x;
    g->owner = w;
    g->local = 0;
    g->isolated = g->tenacious = false;
    mo_store_relaxed(&g->cancelled, false);
    mo_store_relaxed(&g->error, NULL);
    mo_store_relaxed(&g->remote, 0);
    return g;
}

bool mo_group_wait(struct mo_group *g, uint64_t deadline_ns)
{
    struct mo_worker *w = g->owner;
    struct mo_seat *seat = w->seat;
    bool own = seat && seat->executor == g->executor;
    if (own && !g->isolated)
        while (!group_is_over(g) && may_nest(w)) {
            struct mo_job *job = mo_deque_pop_owner(&seat->member->deque, INT64_MIN, true);
            if (!job)
                break;
            deal_inside(w, seat->executor, &seat->member->done, job);
        }
    if (!group_is_over(g)) {
        struct job_wait jw = {
            .w = w, .seat = own ? seat : NULL, .x = g->executor, .group = g, .deadline_ns = deadline_ns};
        if (!own && deadline_ns != FOREVER)
            jw.x = NULL; /* as above */
        if (!wait_until(&jw, group_over))
            return false;
    }
    g->local = 0;
    mo_store_relaxed(&g->remote, 0); /* nobody is left who could touch it */
    return true;
}

void mo_group_cancel(struct mo_group *g)
{
    mo_store_relaxed(&g->cancelled, true); /* a request; who begins a job meanwhile was first */
}

void mo_group_free(struct mo_group *g)
{
    struct mo_worker *w = g->owner;
    free_error(w, mo_load_acquire(&g->error));
    mo_slab_free_owner(&w->slab, g, GROUP_CLASS);
}

/* ---- Handing over. */
static bool has_seat(const struct mo_worker *w, const struct mo_executor *x)
{
    return mo_likely(w->seat && w->seat->executor == x);
}

/* Nobody else knows the job: forget it. */
static void discard(struct mo_worker *w, struct mo_job *job)
{
    struct mo_group *group = group_of(job);
    if (group)
        group_sub(w, group);
    if (job->flags & MO_JOB_FOLLOWS)
        free_before(w, mo_job_after(job));
    free_block(w, job);
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
    struct mo_group *group = group_of(job);
    int err = 0;
    if (group)
        group_add(w, group);
    if (has_seat(w, x))
        mo_owner_add(&w->seat->member->created, 1); /* published with the entry: nobody can end it before seeing this */
    else
        err = count_outside(w, x);
    if (mo_unlikely(err != 0))
        discard(w, job);
    return err;
}

void mo_job_uncount(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    if (has_seat(w, x)) {
        mo_owner_add(&w->seat->member->created,
                     -1); /* the job that we are in is not done: nobody takes us for through */
    } else {
        mo_fetch_sub_seqcst(&w->outboxes->created, 1);
        mo_executor_try_close(x);
    }
    discard(w, job);
}

static inline int push(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    if (mo_unlikely(job->flags))
        return mo_executor_put(w, x, job);
    struct mo_deque *d = has_seat(w, x) ? &w->seat->member->deque : &w->outboxes->deque; /* counted: it comes first */
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

/* ---- The short way of creating. */
static inline __attribute__((always_inline)) bool spawn_small(struct mo_worker *w, void (*fn)(void *), const void *data,
                                                              size_t bytes, struct mo_job_handle *handle,
                                                              struct mo_group *group)
{
    struct mo_seat *seat = w->seat;
    struct mo_member *m = seat->member;
    struct mo_job *job = (struct mo_job *)w->slab.free[0];
    if (mo_unlikely(!job || !mo_deque_room_owner(&m->deque)))
        return false;
    uint32_t id = w->last_job += 2;
    mo_slab_take_owner(&w->slab, 0);
    job->fn = fn;
    mo_store_relaxed(&job->group, (struct mo_task *)group);
    mo_store_relaxed(&job->state, handle ? seat->state | MO_JOB_HANDLE : seat->state);
    job->origin = seat->origin | id;
    mo_copy_words((uint64_t *)(job + 1), data, bytes);
    if (handle)
        *handle = (struct mo_job_handle){job, id, (uint32_t)bytes};
    if (group)
        group_add(w, group);
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

/* ---- The short way of joining. */
/* The entry is in hand; J4. */
static __attribute__((noinline)) enum mo_job_phase end_exposed(struct mo_worker *w, struct mo_job *job,
                                                               enum mo_job_phase phase, void *result, uint32_t bytes)
{
    conclude(w, job, mo_load_relaxed(&job->state), phase);
    if (result && phase != MO_JOB_CANCELLED)
        mo_copy_words(result, (uint64_t *)(job + 1), bytes);
    mo_job_release(w, job);
    return phase;
}

static inline enum mo_job_phase end_alone(struct mo_worker *w, struct mo_job *job, enum mo_job_phase phase,
                                          void *result, uint32_t bytes)
{
    struct mo_group *group = group_of(job);
    if (result && mo_likely(phase != MO_JOB_CANCELLED))
        mo_copy_words(result, (uint64_t *)(job + 1), bytes);
    if (mo_unlikely(phase == MO_JOB_FAILED))
        free_error(w, job->error);
    free_block(w, job);
    if (group)
        group_sub(w, group);
    return phase;
}

enum mo_job_phase mo_job_join_newest(struct mo_worker *w, const struct mo_job_handle *handle, void *result)
{
    struct mo_seat *seat = w->seat;
    struct mo_job *job = handle->job;
    if (mo_unlikely(!seat || !job || !mo_job_is_small(handle->bytes)))
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
    enum mo_job_phase phase = run_or_drop(w, seat->executor, job, false);
    if (mo_unlikely(mo_load_relaxed(&job->state) & MO_JOB_EXPOSED))
        phase = end_exposed(w, job, phase, result, handle->bytes);
    else
        phase = end_alone(w, job, phase, result, handle->bytes);
    mo_owner_add_release(&m->done, 1);
    return phase;
}
