/* Outboxes: what threads outside of an executor hand to it. They are found through a list that is only pushed to. A
   thread's own list of them leads to the executor's; when the thread ends it gives them up by writing `owner`
   (release), and the next one takes one over by a CAS (acquire), and the deque's owner's side with it.

   Each entry that a worker takes costs both sides the misses of a deque with two at work. So where many lie there a
   worker with nothing else takes several, one CAS each (deque.h), and goes on with the oldest; the others are in its
   own deque, from where anybody may take them, and where it finds them in the order in which they came. Which seat an
   entry's end is counted at does not matter to the sums of executor.c. A thread that takes back what it has handed over
   begins at the other end. */
#include "sched/executor.h"
#include "sched/internal.h"

#define OUTBOX_FIRST 64 /* slots of a deque */
#define MORE_MAX     24 /* less than a member's first deque has */

static void give_up_outbox(struct mo_thread_end *end, bool lost)
{
    struct mo_outbox *o = (struct mo_outbox *)((char *)end - offsetof(struct mo_outbox, end));
    struct mo_worker *w = mo_load_relaxed(&o->owner);
    struct mo_outbox **at = &w->outboxes;
    while (*at != o)
        at = &(*at)->next_of_worker;
    *at = o->next_of_worker;
    mo_store_release(&o->owner, NULL);
}

static struct mo_outbox *take_over(struct mo_worker *w, struct mo_executor *x)
{
    for (struct mo_outbox *o = mo_load_acquire(&x->outboxes); o; o = o->next) {
        struct mo_worker *nobody = NULL;
        if (!mo_load_relaxed(&o->owner) && mo_cas_acquire(&o->owner, &nobody, w))
            return o;
    }
    return NULL;
}

static struct mo_outbox *new_outbox(struct mo_worker *w, struct mo_executor *x)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_mutex_lock(&s->lock);
    struct mo_outbox *o = mo_sched_permanent_locked(sizeof *o);
    mo_mutex_unlock(&s->lock);
    if (!o || !mo_deque_init(&o->deque, OUTBOX_FIRST))
        return NULL;
    o->executor = x;
    mo_store_relaxed(&o->owner, w);
    o->next = mo_load_relaxed(&x->outboxes);
    while (!mo_cas_release(&x->outboxes, &o->next, o)) /* pairs with those who walk the list */
        ;
    return o;
}

/* The one that was used last comes first. */
struct mo_outbox *mo_outbox_slow(struct mo_worker *w, struct mo_executor *x)
{
    struct mo_outbox **at = &w->outboxes, *o;
    while ((o = *at) && o->executor != x)
        at = &o->next_of_worker;
    if (o) {
        *at = o->next_of_worker;
    } else {
        o = take_over(w, x);
        if (!o)
            o = new_outbox(w, x);
        if (!o)
            return NULL;
        o->end.fn = give_up_outbox;
        mo_worker_at_end(w, &o->end);
    }
    o->next_of_worker = w->outboxes;
    w->outboxes = o;
    return o;
}

/* Requires an empty deque of the seat's own, which has room for as many. */
static void take_more(struct mo_seat *seat, struct mo_outbox *o)
{
    struct mo_deque *own = &seat->member->deque;
    void *item[MORE_MAX];
    int64_t want = mo_deque_peek_size(&o->deque) / (2 * (int64_t)seat->executor->workers);
    unsigned n = 0;
    while (n < MORE_MAX && n < want && mo_deque_steal(&o->deque, NULL, NULL, NULL, &item[n]) == MO_STEAL_OK)
        n++;
    mo_owner_add(&seat->from_outside, n);
    for (unsigned i = n; i-- > 0;) {
        bool room = mo_deque_room_owner(own);
        MO_ASSERT(room);
        (void)room;
        mo_deque_push_owner(own, item[i]);
    }
    if (n)
        mo_work_published(seat->member->team);
}

static struct mo_job *take_from_outbox(struct mo_seat *seat, struct mo_outbox *o, const struct mo_kin *kin)
{
    struct mo_worker *w = seat->member->worker;
    void *item = NULL;
    enum mo_steal_result r;
    if (mo_deque_peek_size(&o->deque) <= 0)
        return NULL;
    mo_epoch_enter(&w->epoch);
    do
        r = mo_deque_steal(&o->deque, NULL, NULL, NULL, &item);
    while (r == MO_STEAL_LOST);
    if (r == MO_STEAL_OK && !kin && mo_deque_peek_size(&seat->member->deque) == 0)
        take_more(seat, o);
    mo_epoch_leave(&w->epoch);
    if (r != MO_STEAL_OK)
        return NULL;
    mo_owner_add(&seat->from_outside, 1);
    if (!kin || mo_task_is_kin(item, kin) || !mo_priority_put(seat->member, seat->member->team, item, 0))
        return item; /* without memory for the detour it runs here after all */
    mo_work_published(seat->member->team);
    return NULL;
}

struct mo_job *mo_outbox_take(struct mo_seat *seat, const struct mo_kin *kin)
{
    struct mo_outbox *first = seat->next_outbox, *o;
    struct mo_job *job = NULL;
    for (o = first; o && !job; o = o->next)
        job = take_from_outbox(seat, o, kin);
    if (!job)
        for (o = mo_load_acquire(&seat->executor->outboxes); o != first && !job; o = o->next)
            job = take_from_outbox(seat, o, kin);
    if (job)
        seat->next_outbox = o; /* another outsider's turn; NULL: from the beginning */
    return job;
}
