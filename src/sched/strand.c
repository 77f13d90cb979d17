/* Native fibers; strand.h says what they are. */
#include "sched/strand.h"

#include "base/log.h"
#include "sched/internal.h"
#include "sched/run.h"

#include <errno.h>
#include <string.h>

/* The C++ runtime's record of a thread: what it handles at the moment, and how many are in flight. */
extern void *__cxa_get_globals(void) __attribute__((weak));

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

/* N1: the poller goes on. */
static __attribute__((noinline)) void suspend(struct mo_strand *s)
{
    struct mo_native_strand *n = native_of(s);
    mo_context_switch(&n->context, n->back);
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
static __attribute__((noinline)) bool may_suspend(struct mo_strand *s)
{
    const struct mo_native_strand *n = native_of(s);
    const struct mo_member *m = MO_SHARED(self);
    return m == n->self && m->worker->job == n->job;
}

static const struct mo_strand_ops strand_ops = {suspend, mo_strand_suspend_until, claim, launch, may_suspend};

struct mo_native_strand *mo_strand_native(void)
{
    struct mo_strand *s = mo_strand_here();
    return s ? native_of(s) : NULL;
}

bool mo_strand_yield(void)
{
    struct mo_native_strand *n = mo_strand_native();
    if (!n)
        return false;
    n->yields = true; /* A4: the poller puts it behind the others */
    suspend(&n->strand);
    return true;
}

/* What fn keeps under keys is its own to the end. */
static void run_all(void *arg)
{
    struct mo_native_strand *n = arg;
    n->fn(n->arg);
    mo_strand_slots_end(n);
    n->over = true;
    mo_context_leave(&n->context, n->back);
}

/* ---- On the poller's side. */
/* The thread's state of exceptions, which the fiber's takes the place of meanwhile. */
static void swap_exceptions(struct mo_native_strand *n)
{
    void **mine = __cxa_get_globals ? __cxa_get_globals() : NULL;
    for (unsigned i = 0; mine && i < 2; i++) {
        void *other = mine[i];
        mine[i] = n->exceptions[i];
        n->exceptions[i] = other;
    }
}

static void begin(struct mo_worker *w, struct mo_native_strand *n)
{
    mo_worker_watch(w);
    mo_context_init(&n->context, n->stack->low, n->stack->bytes, run_all, n);
}

static int poll(void *self, const struct mo_waker *waker)
{
    struct mo_native_strand *n = self;
    struct mo_worker *w = MO_SHARED(self)->worker;
    struct mo_strand *outer = MO_SHARED(strand);
    char *stack_end = w->stack_end;
    uint32_t held = w->held;
    struct mo_context here;
    if (n->begins++ == 0)
        begin(w, n);
    else if (n->begins == 0)
        n->begins = 1; /* after 2^32 turns */
    mo_context_adopt(&here);
    n->back = &here;
    n->self = MO_SHARED(self);
    w->stack_end = n->stack->low;
    w->held = n->held;
    swap_exceptions(n);
    MO_SHARED(strand) = &n->strand;
    mo_context_switch(&here, &n->context);
    MO_SHARED(strand) = outer;
    swap_exceptions(n);
    n->held = w->held;
    w->held = held;
    w->stack_end = stack_end;
    if (mo_unlikely(!mo_stack_is_whole(n->stack)))
        mo_fatal("a fiber has run over the end of its stack of %zu KiB", (MO_STRAND_STACK_MIN << n->size) / 1024);
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
    int size = size_of(form->stack_bytes);
    if (size < 0)
        return EINVAL;
    if (form->pinned)
        ext.place = MO_PLACE_WORKER(form->worker) | MO_PLACE_STRICT;
    int misplaced = mo_executor_check_place(x, &ext.place);
    if (misplaced)
        return misplaced;
    struct mo_native_strand n = {.ops = &ops, .fn = form->fn, .arg = form->arg, .size = (uint8_t)size};
    n.strand.ops = &strand_ops;
    n.head = mo_job_head(x->job_flags | MO_JOB_ASYNC | (spec.ext ? MO_JOB_EXTENDED : 0));
    n.stack = take_stack(w, (unsigned)size);
    n.strand.stack = n.stack;
    if (!n.stack)
        return ENOMEM;
    int err = mo_async_spawn(w, x, &spec, &n, handle);
    if (err)
        give_stack(w, n.size, n.stack);
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
    if (mo_plat_now_ns() >= deadline_ns)
        return false;
    mo_strand_suspend_until(&n->strand, deadline_ns);
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
    while (mo_plat_now_ns() < until_ns)
        mo_strand_suspend_until(&n->strand, until_ns);
}
