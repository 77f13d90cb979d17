#include "queue/deque.h"

static struct mo_deque_buffer *buffer_new(uint64_t capacity)
{
    struct mo_deque_buffer *buf = mo_extent_alloc(sizeof *buf + capacity * sizeof(buf->slot[0]));
    if (buf)
        buf->mask = capacity - 1;
    return buf;
}

bool mo_deque_init(struct mo_deque *d, uint64_t capacity)
{
    MO_ASSERT(capacity && !(capacity & (capacity - 1)));
    mo_store_relaxed(&d->bottom, 0);
    mo_store_relaxed(&d->top, 0);
    d->top_seen = 0;
    struct mo_deque_buffer *buf = buffer_new(capacity);
    mo_store_relaxed(&d->buffer, buf);
    return buf != NULL;
}

void mo_deque_clear(struct mo_deque *d)
{
    d->top_seen = mo_load_relaxed(&d->bottom);
    mo_store_relaxed(&d->top, d->top_seen);
}

bool mo_deque_is_valid(struct mo_deque *d)
{
    struct mo_deque_buffer *buf = mo_load_relaxed(&d->buffer);
    int64_t t = mo_load_relaxed(&d->top), b = mo_load_relaxed(&d->bottom);
    return buf && !(buf->mask & (buf->mask + 1)) && t >= 0 && t <= b + 1 && b - t <= (int64_t)buf->mask + 1 &&
           d->top_seen <= t;
}

bool mo_deque_room_slow(struct mo_deque *d)
{
    struct mo_deque_buffer *old = mo_load_relaxed(&d->buffer);
    int64_t b = mo_load_relaxed(&d->bottom);
    /* acquire: the slots below top are free for reuse only after their thieves have read them; pairs with the CAS in
       mo_deque_steal(). */
    int64_t t = mo_load_acquire(&d->top);
    d->top_seen = t;
    if (b - t <= (int64_t)old->mask)
        return true;
    struct mo_deque_buffer *buf = buffer_new((old->mask + 1) * 2);
    if (!buf)
        return false;
    for (int64_t i = t; i < b; i++)
        mo_store_relaxed(&buf->slot[(uint64_t)i & buf->mask], mo_load_relaxed(&old->slot[(uint64_t)i & old->mask]));
    /* D8: publish the copied slots; pairs with the load of buffer in mo_deque_steal(). A thief that still reads the old
       buffer finds the same item at every index below b, and its CAS decides as before. seq_cst: a thief that enters
       its epoch after the retirement below must not find the old buffer (mem/epoch.c). */
    mo_store_seqcst(&d->buffer, buf);
    mo_epoch_retire(old, sizeof *old + (old->mask + 1) * sizeof(old->slot[0]));
    return true;
}

void *mo_deque_pop_last(struct mo_deque *d, int64_t b, int64_t t)
{
    struct mo_deque_buffer *buf = mo_load_relaxed(&d->buffer);
    void *item = NULL;
    if (t == b) {
        /* The last item: thieves and the owner are equals now. */
        if (mo_cas_seqcst(&d->top, &t, b + 1))
            item = mo_load_relaxed(&buf->slot[(uint64_t)b & buf->mask]);
    }
    /* release, not relaxed: a thief that reads bottom here (D6) goes on to read slots published by earlier pushes. */
    mo_store_release(&d->bottom, b + 1);
    d->top_seen = mo_load_relaxed(&d->top);
    return item;
}

enum mo_steal_result mo_deque_steal(struct mo_deque *d, const struct mo_deque_guard *guard,
                                    bool (*accept)(void *item, void *arg), void *arg, void **item)
{
    int64_t t = mo_load_seqcst(&d->top);    /* D5 */
    int64_t b = mo_load_seqcst(&d->bottom); /* D6 */
    if (t >= b)
        return MO_STEAL_EMPTY;
    if (guard && mo_load_acquire(guard->word) != guard->expected)
        return MO_STEAL_EMPTY;
    struct mo_deque_buffer *buf = mo_load_seqcst(&d->buffer); /* pairs with D8 */
    void *found = mo_load_relaxed(&buf->slot[(uint64_t)t & buf->mask]);
    if (accept && !accept(found, arg))
        return MO_STEAL_REFUSED;
    /* D7: take it. A weaker order would let the slot's read above drift past the moment the item was still ours. */
    if (!mo_cas_seqcst(&d->top, &t, t + 1))
        return MO_STEAL_LOST;
    *item = found;
    return MO_STEAL_OK;
}
