#include "park/fiber.h"

#include "base/log.h"
#include "park/park.h"
#include "park/strand.h"
#include "plat/plat.h"

__thread struct mo_ring *MO_SHARED(ring) MO_SHARED_TLS;

/* The C++ runtime's record of a thread: what it handles at the moment, and how many are in flight. */
extern void *__cxa_get_globals(void) __attribute__((weak));

/* The ring may have been another thread's, whose place this one takes. */
static void begin_on_thread(struct mo_ring *r, void **thread_local)
{
    r->own.next = r->own.prev = r->current = &r->own;
    r->own.ring = r;
    r->local = thread_local;
    r->exceptions = __cxa_get_globals ? __cxa_get_globals() : NULL;
    r->tried = 0;
    r->settling = false;
    mo_context_adopt(&r->own.context);
    MO_SHARED(ring) = r;
}

static void leave(struct mo_ring *r, struct mo_fiber *me)
{
    if (mo_unlikely(me->stack && !mo_stack_is_whole(me->stack)))
        mo_fatal("a fiber has run over the end of its stack of %zu KiB", me->stack->bytes / 1024);
    me->local = *r->local;
    if (r->exceptions) {
        me->exceptions[0] = r->exceptions[0];
        me->exceptions[1] = r->exceptions[1];
    }
}

static void arrive(struct mo_ring *r, const struct mo_fiber *me)
{
    *r->local = me->local;
    if (r->exceptions) {
        r->exceptions[0] = me->exceptions[0];
        r->exceptions[1] = me->exceptions[1];
    }
    struct mo_fiber *gone = r->gone;
    if (!gone)
        return;
    r->gone = NULL;
    mo_context_destroy(&gone->context);
    if (gone->left)
        gone->left(gone->arg);
}

static void begin(void *fiber)
{
    struct mo_fiber *f = fiber;
    arrive(f->ring, f);
    f->entry(f->arg);
    mo_fiber_end(f);
}

void mo_fiber_start(struct mo_ring *r, struct mo_fiber *f, void **thread_local, void (*entry)(void *arg), void *arg,
                    void *local)
{
    if (!r->fibers)
        begin_on_thread(r, thread_local);
    f->ring = r;
    f->entry = entry;
    f->arg = arg;
    f->local = local;
    f->exceptions[0] = f->exceptions[1] = NULL;
    f->wait = NULL;
    f->came = false;
    f->announced = NULL;
    mo_context_init(&f->context, f->stack->low, f->stack->bytes, begin, f);
    f->next = &r->own; /* the last one of the round */
    f->prev = r->own.prev;
    f->prev->next = f;
    r->own.prev = f;
    r->fibers++;
}

struct mo_fiber *mo_fiber_next(struct mo_ring *r, const struct mo_fiber *me)
{
    (void)r;
    for (struct mo_fiber *f = me->next; f != me; f = f->next) {
        if (!f->wait)
            return f;
        if (f->wait->ready(f->wait->arg)) {
            f->came = true;
            return f;
        }
    }
    return NULL;
}

struct mo_fiber *mo_fiber_next_worker(const struct mo_fiber *me)
{
    struct mo_fiber *f = me->next;
    while (f != me && !f->wait->work)
        f = f->next;
    return f != me ? f : NULL;
}

void mo_fiber_switch(struct mo_ring *r, struct mo_fiber *to, const struct mo_wait *wait)
{
    struct mo_fiber *me = r->current;
    leave(r, me);
    me->wait = wait;
    r->current = to;
    mo_context_switch(&me->context, &to->context);
    me->wait = NULL;
    arrive(r, me);
}

bool mo_fiber_yield_slow(struct mo_ring *r)
{
    struct mo_fiber *to = mo_fiber_next(r, r->current);
    if (!to)
        to = mo_fiber_next_worker(r->current); /* what is yielded for may be such work */
    if (to)
        mo_fiber_switch(r, to, NULL);
    return to != NULL;
}

void mo_fiber_end(struct mo_fiber *f)
{
    struct mo_ring *r = f->ring;
    struct mo_fiber *to = mo_fiber_next(r, f);
    if (!to)
        to = f->next; /* it goes on waiting */
    leave(r, f);
    f->prev->next = f->next;
    f->next->prev = f->prev;
    if (--r->fibers == 0)
        MO_SHARED(ring) = NULL;
    r->gone = f;
    r->current = to;
    mo_context_leave(&f->context, &to->context);
}

/* The stack of the one that forked stays in use, and with it the ring. */
void mo_fiber_reset_after_fork(void)
{
    struct mo_ring *r = MO_SHARED(ring);
    if (!r)
        return;
    struct mo_fiber *me = r->current;
    me->next = me->prev = me;
    me->announced = NULL;
    r->fibers = 0;
    r->gone = NULL;
    r->settling = false;
    MO_SHARED(ring) = NULL;
}

/* ---- Overflows. The guard below a stack is one page; a frame that is larger may pass over it. */
static bool explain(const void *address)
{
    const struct mo_ring *r = MO_SHARED(ring);
    const struct mo_strand *strand = MO_SHARED(strand);
    const struct mo_stack *s = strand ? strand->stack : r ? r->current->stack : NULL;
    if (!s || (const char *)address >= (const char *)s->low ||
        (const char *)s->low - (const char *)address > (ptrdiff_t)mo_plat_page_bytes())
        return false;
    if (strand)
        mo_warn("stack overflow: a fiber needs more than its %zu KiB (moirai_fiber_attr_set_stack_bytes() sets how "
                "many it has)",
                (s->bytes + sizeof *s) / 1024);
    else
        mo_warn("stack overflow: a fiber needs more than its %zu KiB (OMP_STACKSIZE sets how large the stacks of "
                "threads are)",
                s->bytes / 1024);
    return true;
}

#define WATCH_BYTES ((size_t)64 * 1024)

void *mo_fiber_watch(void)
{
    if (!mo_plat_explain_faults(explain) || mo_plat_has_alternate_stack())
        return NULL;
    void *stack = mo_plat_map(WATCH_BYTES);
    if (stack && mo_plat_set_alternate_stack(stack, WATCH_BYTES) == 0)
        return stack;
    if (stack)
        mo_plat_unmap(stack, WATCH_BYTES);
    return NULL;
}

void mo_fiber_unwatch(void *stack)
{
    mo_plat_set_alternate_stack(NULL, 0);
    mo_plat_unmap(stack, WATCH_BYTES);
}
