/* A growable work-stealing deque of pointers: the owner pushes and pops at the bottom, thieves take from the top.

   After Chase and Lev (SPAA 2005) in the form of Le, Pop, Cohen, Zappa Nardelli (PPoPP 2013). We differ in one thing:
   where they put fences, the accesses that must not pass each other are themselves seq_cst (D3..D7). That is the same
   code on x86-64 and lets ThreadSanitizer see the protocol, which it cannot with fences.

   Who writes what
     bottom  the owner alone.
     top     whoever takes the item at index top, by a CAS from t to t + 1. It only grows, so no ABA: a CAS that
             succeeds proves that nobody took item t since top was read.
     buffer  the owner alone (grow); an old buffer stays readable until its readers are out of their epoch (mem/epoch).
   Invariants
     I1  top <= bottom + 1, and top <= bottom whenever the owner is outside pop.
     I2  items at indices [top, bottom) are in the deque, each in exactly one of the buffer's slots (index & mask).
     I3  a slot is overwritten only when its old index is below top: push grows first when bottom - top == capacity.
   Each item is taken once
     An item at an index above top is taken by the owner without CAS, only if after writing bottom = b (D3) it reads
     top < b (D4). A thief that takes index b reads top == b (D5) and then bottom > b (D6). The four are seq_cst: if
     the thief's D6 misses the owner's D3, then D6 precedes D3 and so D5 precedes D4; top was already b at D5 and only
     grows, so the owner reads top >= b at D4 and goes through the CAS, which one of the two loses. The last item is
     always taken by CAS.
   Why a thief takes one item by one CAS and never several by one: the owner pops without CAS down to the item above
   top, so items [t + 1, t + k) may be gone by the time a CAS from t to t + k succeeds. A batch is a loop of single
   steals that stops at the first lost race.
   Progress: push and pop are wait-free (but for growth); steal is lock-free, and reports a lost race as such.
   Linearisation: push at D2, pop at D3 or its CAS, steal at its CAS.
   Where the owner sees that one item is left it does not pop but steals from itself. */
#ifndef MO_QUEUE_DEQUE_H
#define MO_QUEUE_DEQUE_H

#include "base/check.h"
#include "mem/mem.h"

struct mo_deque_buffer {
    uint64_t mask; /* capacity - 1 */
    _Atomic(void *) slot[];
};

struct mo_deque {
    /* The owner's line. Thieves read bottom. */
    _Atomic int64_t bottom MO_ALIGNED(MO_LINE_PAIR);
    _Atomic(struct mo_deque_buffer *) buffer;
    int64_t top_seen; /* a past value of top, so a lower bound: saves the owner most reads of the thieves' line */
    /* The thieves' line. */
    _Atomic int64_t top MO_ALIGNED(MO_LINE_PAIR);
};

/* A guard that a thief re-reads between reading top and the CAS: the steal fails if *word != expected. With a word that
   changes only after the deque was drained, a steal that succeeds happened before the change (top would have moved). */
struct mo_deque_guard {
    _Atomic uint32_t *word;
    uint32_t expected;
};

enum mo_steal_result { MO_STEAL_EMPTY, MO_STEAL_LOST, MO_STEAL_REFUSED, MO_STEAL_OK };

/* False when memory is exhausted; the deque is then unusable. */
bool mo_deque_init(struct mo_deque *d, uint64_t capacity);
/* Forget all items. Only while no other thread looks. */
void mo_deque_clear(struct mo_deque *d);
bool mo_deque_is_valid(struct mo_deque *d);
/* Out-of-line half of push: the buffer looks full. False when it cannot grow. Owner only. */
bool mo_deque_room_slow(struct mo_deque *d);
/* Out-of-line half of pop: one item may be left, thieves may want it too. Owner only. */
void *mo_deque_pop_last(struct mo_deque *d, int64_t b, int64_t t);

/* Number of items; exact for the owner but for thieves at work, a racy snapshot for others. */
static inline int64_t mo_deque_peek_size(struct mo_deque *d)
{
    int64_t t = mo_load_relaxed(&d->top), b = mo_load_relaxed(&d->bottom);
    return b > t ? b - t : 0;
}

/* Upper bound of the size that costs the owner no shared read while it is below `limit`. */
static inline int64_t mo_deque_size_owner(struct mo_deque *d, int64_t limit)
{
    int64_t b = mo_load_relaxed(&d->bottom);
    if (b - d->top_seen >= limit)
        d->top_seen = mo_load_acquire(&d->top);
    return b - d->top_seen;
}

/* Is there room for one push, by what is known of the other end? Where it says no there may be. */
static inline bool mo_deque_has_room_owner(const struct mo_deque *d)
{
    return mo_load_relaxed(&d->bottom) - d->top_seen <= (int64_t)mo_load_relaxed(&d->buffer)->mask;
}

/* Make room for one push. */
static inline bool mo_deque_room_owner(struct mo_deque *d)
{
    return mo_likely(mo_deque_has_room_owner(d)) || mo_deque_room_slow(d);
}

/* Requires that mo_deque_room_owner() said yes since the last push. */
static inline void mo_deque_push_owner(struct mo_deque *d, void *item)
{
    struct mo_deque_buffer *buf = mo_load_relaxed(&d->buffer);
    int64_t b = mo_load_relaxed(&d->bottom);
    MO_ASSERT(b - mo_load_relaxed(&d->top) <= (int64_t)buf->mask);
    /* D1: relaxed, D2 publishes it. */
    mo_store_relaxed(&buf->slot[(uint64_t)b & buf->mask], item);
    /* D2: publish the item and what it points to; pairs with D6. */
    mo_store_release(&d->bottom, b + 1);
}

/* The item at index b, which is both the oldest and the newest: the owner takes it as a thief does (D5 to D7), which
   leaves bottom alone and costs one RMW instead of two. NULL: a thief was first, and nothing is left. */
static inline void *mo_deque_take_last(struct mo_deque *d, struct mo_deque_buffer *buf, int64_t b)
{
    int64_t t = b;
    void *item = mo_load_relaxed(&buf->slot[(uint64_t)b & buf->mask]); /* the owner's own write */
    bool taken = mo_cas_seqcst(&d->top, &t, b + 1);
    d->top_seen = b + 1; /* by us or by who was first: nobody else can have pushed */
    return taken ? item : NULL;
}

/* The second half of what comes below, for one who has read both: `b` is the index of the newest item. */
static inline void *mo_deque_pop_at_owner(struct mo_deque *d, struct mo_deque_buffer *buf, int64_t b)
{
    if (mo_load_relaxed(&d->top) == b) /* a hint */
        return mo_deque_take_last(d, buf, b);
    /* D3: claim. An exchange, not a store: it must be visible before D4 reads top. */
    mo_exchange_seqcst(&d->bottom, b);
    int64_t t = mo_load_seqcst(&d->top); /* D4 */
    if (mo_likely(t < b))
        return mo_load_relaxed(&buf->slot[(uint64_t)b & buf->mask]);
    return mo_deque_pop_last(d, b, t);
}

/* Take the newest item whose index is at least `mark`; NULL when there is none. `shared` is false only while no thief
   can exist, which spares the full barrier. */
static inline void *mo_deque_pop_owner(struct mo_deque *d, int64_t mark, bool shared)
{
    struct mo_deque_buffer *buf = mo_load_relaxed(&d->buffer);
    int64_t b = mo_load_relaxed(&d->bottom) - 1;
    if (b < mark)
        return NULL;
    if (!shared) {
        if (b < mo_load_relaxed(&d->top))
            return NULL;
        mo_store_relaxed(&d->bottom, b);
        return mo_load_relaxed(&buf->slot[(uint64_t)b & buf->mask]);
    }
    return mo_deque_pop_at_owner(d, buf, b);
}

/* The oldest item, where no thief exists. NULL: there is none. */
static inline void *mo_deque_take_oldest_owner(struct mo_deque *d)
{
    const struct mo_deque_buffer *buf = mo_load_relaxed(&d->buffer);
    int64_t t = mo_load_relaxed(&d->top);
    if (t >= mo_load_relaxed(&d->bottom))
        return NULL;
    mo_store_relaxed(&d->top, t + 1);
    return mo_load_relaxed(&buf->slot[(uint64_t)t & buf->mask]);
}

/* Take the oldest item. `accept`, when given, sees the item before it is taken and may refuse it; the item may be taken
   and recycled by another thread while accept looks, so accept may only read memory of a kind that stays mapped, and
   what it read counts only because the CAS then proves that the item was still there. Any thread, inside an epoch. */
enum mo_steal_result mo_deque_steal(struct mo_deque *d, const struct mo_deque_guard *guard,
                                    bool (*accept)(void *item, void *arg), void *arg, void **item);

#endif
