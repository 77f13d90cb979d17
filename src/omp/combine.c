/* Reductions that compiled code brings to an end: it holds a lock while it adds its part to the original, and it has a
   function that adds the parts of another thread to its own.

   Where many threads come at once the lock would go through as many hands. Instead they stand in a list, and the first
   one in it, who waits for the lock, takes all that have come until it has it: they are done.
   K1  The list is one word of the construct's descriptor, so only parts of one construct meet, and it begins empty. Who
       pushes onto an empty list leads. A leader takes the whole list, its own node last, so the next who comes finds it
       empty and leads: the list never waits for anybody but a leader that is on its way to the lock.
   K2  Push is a release, taking the list an acquire: the parts are complete.
   K3  A node lives on its thread's stack until `taken`; whoever takes it reads its successor before that and touches it
       no more after. The store is a release: the thread may throw its parts away.
   Nobody waits for a thread that has not come. A tree of threads would be faster where parts are large, and make a
   construct with nowait wait. */
#include "omp/core.h"

struct node {
    void *parts;
    struct node *next;
    _Atomic uint32_t taken;
};

static bool is_taken(void *arg)
{
    return mo_load_seqcst(&((struct node *)arg)->taken);
}

/* True: the list was empty. */
static bool push(struct mo_share *s, struct node *mine)
{
    uint64_t head = mo_load_relaxed(&s->counter); /* only compared */
    do
        mine->next = (struct node *)(uintptr_t)head;
    while (!mo_cas_acq_rel(&s->counter, &head, (uint64_t)(uintptr_t)mine)); /* K2 */
    return !head;
}

static void take_all(struct mo_share *s, struct node *mine, void (*combine)(void *, void *))
{
    struct node *n = (struct node *)(uintptr_t)mo_exchange_acquire(&s->counter, 0u); /* K2 */
    while (n != mine) {
        struct node *next = n->next;
        combine(mine->parts, n->parts);
        mo_exchange_seqcst(&n->taken, 1u); /* K3; seq_cst for the event */
        n = next;
    }
    mo_event_notify(&s->turn_event);
}

bool mo_combine(struct mo_member *m, void *parts, void (*combine)(void *, void *), _Atomic uint32_t *lock)
{
    struct mo_share *s = mo_share_enter(m);
    struct node mine = {.parts = parts};
    if (push(s, &mine)) {
        mo_omp_lock(lock);
        take_all(s, &mine, combine);
        return true;
    }
    const struct mo_wait wait = {.ready = is_taken, .arg = &mine, .event = &s->turn_event, .bits = MO_WAKE_ANY};
    if (!is_taken(&mine))
        mo_wait(&wait);
    return false;
}
