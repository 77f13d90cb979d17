/* Native fibers; strand.h says what they are. */
#include "sched/strand.h"

#include "base/log.h"
#include "park/clock.h"
#include "sched/internal.h"
#include "sched/run.h"

#include <errno.h>
#include <string.h>

struct strand_stacks {
    _Atomic uint32_t lock; /* of those without a cache of their own, and of the making of all */
    _Atomic uint32_t made; /* bit n: stacks[n] is ready */
    struct mo_stacks stacks[MO_STRAND_STACK_SIZES];
    struct mo_stack_cache cache[MO_STRAND_STACK_SIZES];
};

extern struct strand_stacks MO_SHARED(strand_stacks) MO_SHARED_ATTR;
struct strand_stacks MO_SHARED(strand_stacks);

/* ---- Stacks: the smallest ones from the worker's own, the others one thread at a time. */
static struct mo_stacks *stacks_of(unsigned size)
{
    struct strand_stacks *all = &MO_SHARED(strand_stacks);
    if (mo_unlikely(!(mo_load_acquire(&all->made) & 1u << size))) {
        mo_mutex_lock(&all->lock);
        if (!(mo_load_relaxed(&all->made) & 1u << size)) {
            mo_stacks_init(&all->stacks[size], (MO_STRAND_STACK_MIN << size) - sizeof(struct mo_stack),
                           MO_STACK_GUARD_MARK);
            mo_fetch_or_acq_rel(&all->made, 1u << size);
        }
        mo_mutex_unlock(&all->lock);
    }
    return &all->stacks[size];
}

static struct mo_stack *take_stack(struct mo_worker *w, unsigned size)
{
    struct strand_stacks *all = &MO_SHARED(strand_stacks);
    struct mo_stacks *stacks = stacks_of(size);
    if (mo_likely(size == 0))
        return mo_stack_take(stacks, &w->stacks);
    mo_mutex_lock(&all->lock);
    struct mo_stack *stack = mo_stack_take(stacks, &all->cache[size]);
    mo_mutex_unlock(&all->lock);
    return stack;
}

static void give_stack(struct mo_worker *w, unsigned size, struct mo_stack *stack)
{
    struct strand_stacks *all = &MO_SHARED(strand_stacks);
    if (mo_likely(size == 0)) {
        mo_stack_give(&all->stacks[0], &w->stacks, stack);
        return;
    }
    mo_mutex_lock(&all->lock);
    mo_stack_give(&all->stacks[size], &all->cache[size], stack);
    mo_mutex_unlock(&all->lock);
}

/* ---- On the fiber's side. */
static struct mo_native_strand *native_of(struct mo_strand *s)
{
    return (struct mo_native_strand *)((char *)s - offsetof(struct mo_native_strand, strand));
}

__attribute__((noinline)) struct mo_worker *mo_worker_now(void)
{
    return mo_self()->worker;
}

/* N1, N5 */
static void suspend(struct mo_strand *s)
{
    mo_strand_switch_out(native_of(s));
}

static bool claim(struct mo_strand *s)
{
    return mo_async_claim(native_of(s)->job);
}

static void launch(struct mo_strand *s)
{
    mo_async_launch(native_of(s)->job);
}

/* Not in a region, nor in a task that runs on top of the fiber. */
static inline bool is_free(const struct mo_native_strand *n)
{
    const struct mo_member *m = MO_SHARED(self);
    return m == n->self && m->worker->job == n->job;
}

static __attribute__((noinline)) bool may_suspend(struct mo_strand *s)
{
    return is_free(native_of(s));
}

static const struct mo_strand_ops strand_ops = {
    suspend, mo_strand_suspend_until, mo_strand_suspend_by_clock, claim, launch, may_suspend};

/* Never inlined, as mo_strand_slow(). */
__attribute__((noinline)) struct mo_native_strand *mo_strand_native(void)
{
    struct mo_strand *s = MO_SHARED(strand);
    return s && is_free(native_of(s)) ? native_of(s) : NULL;
}

bool mo_strand_yield(void)
{
    struct mo_native_strand *n = mo_strand_native();
    if (!n)
        return false;
    n->yields = true; /* A4: it is put behind the others */
    mo_strand_switch_out(n);
    return true;
}

/* What fn keeps under keys is its own to the end. */
static void run_all(void *arg)
{
    struct mo_native_strand *n = arg;
    mo_strand_arrive(n);
    n->fn(n->arg);
    mo_strand_slots_end(n);
    n->over = true;
    mo_context_leave(&n->context, &n->turn->here);
}

/* ---- On the poller's side. */
void mo_strand_begin(struct mo_worker *w, struct mo_native_strand *n)
{
    mo_worker_watch(w);
    mo_context_init(&n->context, n->stack->low, n->stack->bytes, run_all, n);
}

/* N5: nothing waits on this stack, and what is begun here is run in the shortest way. */
static struct mo_seat *may_follow_here(const struct mo_worker *w, const struct mo_strand *outer)
{
    struct mo_seat *seat = w->seat;
    bool may = seat && !outer && !w->job_depth && mo_load_relaxed(&seat->busy) && seat->quick == w->serves &&
               MO_SHARED(self) == w->home && mo_root_is_clean(w->home);
    return may ? seat : NULL;
}

static int poll(void *self, const struct mo_waker *waker)
{
    struct mo_native_strand *n = self;
    struct mo_worker *w = MO_SHARED(self)->worker;
    struct mo_strand *outer = MO_SHARED(strand);
    char *stack_end = w->stack_end;
    uint32_t held = w->held;
    struct mo_strand_turn turn;
    mo_context_adopt(&turn.here);
    turn.seat = may_follow_here(w, outer);
    mo_strand_enter(w, n, &turn);
    mo_context_switch(&turn.here, &n->context);
    n = native_of(MO_SHARED(strand)); /* who has come back */
    mo_strand_leave(w, n);
    MO_SHARED(strand) = outer;
    w->held = held;
    w->stack_end = stack_end;
    if (!n->over)
        return 0;
    mo_context_destroy(&n->context);
    give_stack(w, n->size, n->stack);
    return 1;
}

/* It never began. */
static void drop(void *self)
{
    struct mo_native_strand *n = self;
    give_stack(mo_worker_now(), n->size, n->stack);
}

static void settle(void *self)
{
    struct mo_native_strand *n = self;
    n->job = (struct mo_job *)((char *)self - n->head);
}

static const struct mo_async_ops ops = {poll, drop, settle};

/* ---- Creating. */
static int size_of(size_t bytes)
{
    int size = 0;
    while (size < MO_STRAND_STACK_SIZES && MO_STRAND_STACK_MIN << size < bytes)
        size++;
    return size < MO_STRAND_STACK_SIZES ? size : -1;
}

static void prepare(struct mo_native_strand *n, const struct mo_strand_form *form, struct mo_stack *stack,
                    unsigned size)
{
    n->ops = &ops;
    n->strand.ops = &strand_ops;
    n->strand.stack = n->stack = stack;
    n->strand.address = NULL;
    n->fn = form->fn;
    n->arg = form->arg;
    n->before = NULL;
    n->exceptions[0] = n->exceptions[1] = NULL;
    n->held = n->begins = n->slot_count = 0;
    n->slots = NULL;
    n->size = (uint8_t)size;
    n->over = n->yields = false;
    n->timer.waker = 0; /* it does not run */
    n->timer.life = 0;
}

/* Nothing special, from a worker of the executor: as the next one, in fewer steps. False: another case, nothing has
   happened. */
#define PLAIN_FLAGS (MO_JOB_ASYNC | MO_JOB_STRAND)
static bool spawn_plain(struct mo_worker *w, const struct mo_executor *x, const struct mo_strand_form *form,
                        struct mo_job_handle *handle)
{
    struct mo_seat *seat = w->seat;
    if (!seat || seat->quick != x || form->stack_bytes > MO_STRAND_STACK_MIN || form->name || form->pinned ||
        x->slot == MO_SLOT_UNKNOWN || !mo_deque_room_owner(&seat->member->deque))
        return false;
    const unsigned head = mo_job_head(PLAIN_FLAGS);
    const unsigned cls = mo_slab_class(head + sizeof(struct mo_native_strand));
    struct mo_job *job = mo_slab_alloc_owner(&w->slab, cls);
    struct mo_stack *stack = job ? take_stack(w, 0) : NULL;
    if (!stack) {
        if (job)
            mo_slab_free_owner(&w->slab, job, cls);
        return false;
    }
    uint32_t id = w->last_job += 2;
    mo_store_relaxed(&job->group, (struct mo_task *)form->group);
    mo_store_relaxed(&job->state, seat->state | MO_JOB_RUNNING | MO_JOB_EXPOSED | (handle ? MO_JOB_HANDLE : 0));
    job->origin = seat->origin | id | (uint64_t)cls << 48 | (uint64_t)PLAIN_FLAGS << 56;
    struct mo_native_strand *n = (struct mo_native_strand *)((char *)job + head);
    prepare(n, form, stack, 0);
    n->job = job;
    if (handle)
        *handle = (struct mo_job_handle){job, id, 0};
    if (form->group)
        mo_group_add(w, form->group);
    mo_async_begin_life(job);
    mo_owner_add(&seat->member->created, 2); /* its life, and its entry */
    mo_deque_push_owner(&seat->member->deque, job);
    mo_work_published(x->team);
    return true;
}

int mo_strand_spawn(struct mo_worker *w, struct mo_executor *x, const struct mo_strand_form *form,
                    struct mo_job_handle *handle)
{
    struct mo_job_ext ext = {.name = form->name, .executor = x, .place = MO_PLACE_ANY};
    struct mo_job_spec spec = {.bytes = sizeof(struct mo_native_strand),
                               .handle = handle,
                               .strand = true,
                               .group = form->group,
                               .ext = form->name || form->pinned || x->slot == MO_SLOT_UNKNOWN ? &ext : NULL};
    _Static_assert(sizeof(struct mo_native_strand) <= MO_JOB_INLINE_MAX, "the job is found from it");
    if (mo_likely(spawn_plain(w, x, form, handle)))
        return 0;
    int size = size_of(form->stack_bytes);
    if (size < 0)
        return EINVAL;
    if (form->pinned)
        ext.place = MO_PLACE_WORKER(form->worker) | MO_PLACE_STRICT;
    int misplaced = mo_executor_check_place(x, &ext.place);
    if (misplaced)
        return misplaced;
    struct mo_native_strand n = {.head = mo_job_head(x->job_flags | MO_JOB_ASYNC | (spec.ext ? MO_JOB_EXTENDED : 0))};
    struct mo_stack *stack = take_stack(w, (unsigned)size);
    if (!stack)
        return ENOMEM;
    prepare(&n, form, stack, (unsigned)size);
    int err = mo_async_spawn(w, x, &spec, &n, handle);
    if (err)
        give_stack(w, n.size, stack);
    else if (handle)
        handle->bytes = 0; /* it has no result */
    return err;
}

/* ---- Waiting for jobs and futures: they wake the fiber's job. */
static struct mo_waker waker_of(const struct mo_native_strand *n)
{
    return (struct mo_waker){(uintptr_t)n->job};
}

/* False: late. */
static bool suspend_until(struct mo_native_strand *n, uint64_t deadline_ns)
{
    if (deadline_ns == MO_FOREVER) {
        suspend(&n->strand);
        return true;
    }
    if (mo_clock_now() >= deadline_ns)
        return false;
    mo_strand_suspend_by_clock(&n->strand, deadline_ns);
    return true;
}

static size_t first_over(struct mo_native_strand *n, struct mo_job *const *jobs, size_t count)
{
    const struct mo_waker waker = waker_of(n);
    struct mo_worker *w = mo_worker_now();
    for (size_t i = 0; i < count; i++)
        if (mo_async_await(w, jobs[i], &waker))
            return i;
    return count;
}

size_t mo_strand_wait_any(struct mo_native_strand *n, struct mo_job *const *jobs, size_t count, uint64_t deadline_ns)
{
    size_t over = first_over(n, jobs, count);
    while (over == count && suspend_until(n, deadline_ns))
        over = first_over(n, jobs, count);
    for (size_t i = 0; i < count; i++)
        if (i != over)
            mo_async_unawait(mo_worker_now(), jobs[i]);
    return over;
}

bool mo_strand_block_on(struct mo_native_strand *n, void *self, uint64_t deadline_ns)
{
    const struct mo_async_ops *future = *(const struct mo_async_ops **)self;
    const struct mo_waker waker = waker_of(n);
    bool ready;
    do {
        mo_worker_now()->budget = MO_ASYNC_BUDGET;
        ready = future->poll(self, &waker) != 0;
    } while (!ready && suspend_until(n, deadline_ns));
    return ready;
}

void mo_strand_sleep_until(struct mo_native_strand *n, uint64_t until_ns)
{
    while (mo_clock_now() < until_ns)
        mo_strand_suspend_by_clock(&n->strand, until_ns);
}
