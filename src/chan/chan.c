#include "chan/chan.h"

#include "mem/mem.h"
#include "park/park.h"

_Static_assert(sizeof(struct mo_chan) == MO_CHAN_FIXED_BYTES, "what the public header says, see native/channel.c");

#define BLIND_NS 1000000

enum { OPEN, CLOSING, CLOSED };

static unsigned log_above(uint64_t n)
{
    return n <= 1 ? 0 : 64 - (unsigned)__builtin_clzl(n - 1);
}

static uint32_t stride_of(enum mo_chan_kind kind, size_t bytes)
{
    size_t padded = (bytes + 7) & ~(size_t)7;
    return (uint32_t)(padded + (kind == MO_CHAN_RING ? sizeof(struct mo_chan_cell) : 0));
}

static bool has_cells(enum mo_chan_kind kind)
{
    return kind == MO_CHAN_RING || kind == MO_CHAN_SPSC || kind == MO_CHAN_BROADCAST || kind == MO_CHAN_BATCHING;
}

static enum mo_chan_quick quick_of(const struct mo_chan *c)
{
    if (c->bytes != sizeof(uint64_t) || !c->light)
        return MO_CHAN_NOT_QUICK;
    if (c->kind == MO_CHAN_SPSC)
        return MO_CHAN_QUICK_SPSC;
    return c->kind == MO_CHAN_RING && c->capacity == c->mask + 1 ? MO_CHAN_QUICK_RING : MO_CHAN_NOT_QUICK;
}

int mo_chan_new(struct mo_chan **out, enum mo_chan_kind kind, size_t bytes, uint64_t capacity)
{
    uint32_t stride = stride_of(kind, bytes);
    if (bytes > MO_CHAN_BYTES_MAX || (has_cells(kind) && (capacity == 0 || capacity > UINT32_MAX)))
        return EINVAL;
    unsigned shift = has_cells(kind) ? log_above(capacity) : 0;
    uint64_t cells = !has_cells(kind)                                   ? 0
                     : kind == MO_CHAN_SPSC || kind == MO_CHAN_BATCHING ? (uint64_t)1 << shift
                                                                        : capacity;
    size_t extent = sizeof(struct mo_chan) + cells * stride;
    struct mo_chan *c = mo_extent_alloc(extent);
    if (!c)
        return ENOMEM;
    c->kind = (uint8_t)kind;
    c->light = mo_chan_has_barrier();
    c->shift = (uint8_t)shift;
    c->bytes = (uint32_t)bytes;
    c->stride = stride;
    c->capacity = capacity;
    c->mask = ((uint64_t)1 << shift) - 1;
    c->quick = (uint8_t)quick_of(c);
    c->extent_bytes = extent;
    if (kind == MO_CHAN_RING)
        for (uint64_t i = 0; i < capacity; i++)
            mo_store_relaxed(&mo_chan_cell_at(c, i)->turn, i << 1);
    if (kind == MO_CHAN_SPSC)
        mo_chan_spsc_init(c);
    if (kind == MO_CHAN_SEGMENTS && mo_chan_segments_init(c) != 0) {
        mo_extent_free(c, extent);
        return ENOMEM;
    }
    *out = c;
    return 0;
}

int mo_chan_free(struct mo_chan *c)
{
    uint32_t waiting = mo_load_acquire(&c->waiting[0]) | mo_load_acquire(&c->waiting[1]);
    if (waiting & MO_CHAN_COUNT || mo_chan_count(c))
        return EBUSY;
    if ((c->kind == MO_CHAN_BROADCAST || c->kind == MO_CHAN_SUBSCRIBER) && !mo_chan_broadcast_leave(c))
        return EBUSY;
    if (c->kind == MO_CHAN_SEGMENTS)
        mo_chan_segments_free(c);
    mo_extent_free(c, c->extent_bytes);
    return 0;
}

static _Atomic uint64_t *closing_index(struct mo_chan *c)
{
    switch (c->kind) {
    case MO_CHAN_RING:
        return &c->ring.tail;
    case MO_CHAN_SEGMENTS:
        return &c->segments.tail;
    default:
        return NULL;
    }
}

/* Closing takes several steps, up to the last of which a send may succeed. Who is told that the channel is closed may
   rely on it, so it is told after that step: pairs with the release of CLOSED. */
void mo_chan_await_closed(struct mo_chan *c)
{
    unsigned round = 0;
    while (mo_load_acquire(&c->closed) != CLOSED)
        mo_chan_backoff(&round);
}

bool mo_chan_is_closed(struct mo_chan *c)
{
    if (mo_load_acquire(&c->closed) == OPEN)
        return false;
    mo_chan_await_closed(c);
    return true;
}

/* The batching channel's index changes by plain stores under its lock. */
static void set_batching_closed(struct mo_chan *c)
{
    unsigned round = 0;
    while (mo_exchange_acquire(&c->batching.lock, 1u))
        mo_chan_backoff(&round);
    mo_store_relaxed(&c->batching.sent, mo_load_relaxed(&c->batching.sent) | MO_CHAN_CLOSED);
    mo_store_release(&c->batching.lock, 0u);
}

/* Where the barrier is denied by now a store that was made that long ago is seen. */
static void order_spsc(struct mo_chan *c)
{
    _Atomic uint32_t never = 0;
    if (!mo_chan_barrier(c))
        mo_plat_futex_wait(&never, 0, BLIND_NS, 1);
}

int mo_chan_close(struct mo_chan *c)
{
    uint32_t open = OPEN;
    bool first = false;
    mo_mutex_lock(&c->lock); /* who stands in at a channel without buffer has looked under it */
    first = mo_cas_acq_rel(&c->closed, &open, CLOSING);
    if (first && c->kind == MO_CHAN_SPSC)
        mo_chan_spsc_shut_locked(c);
    mo_mutex_unlock(&c->lock);
    if (!first) {
        mo_chan_await_closed(c);
        return EALREADY;
    }
    if (closing_index(c))
        mo_fetch_or_seqcst(closing_index(c), MO_CHAN_CLOSED);
    if (c->kind == MO_CHAN_BATCHING)
        set_batching_closed(c);
    if (c->kind == MO_CHAN_BROADCAST)
        mo_chan_broadcast_close(c);
    if (c->kind == MO_CHAN_SPSC)
        order_spsc(c);
    mo_store_release(&c->closed, (uint32_t)CLOSED);
    mo_chan_notify_all(c, MO_CHAN_RECV);
    mo_chan_notify_all(c, MO_CHAN_SEND);
    return 0;
}

uint64_t mo_chan_count(struct mo_chan *c)
{
    switch (c->kind) {
    case MO_CHAN_RING: {
        uint64_t head = mo_load_acquire(&c->ring.head), tail = mo_load_acquire(&c->ring.tail) & ~MO_CHAN_CLOSED;
        uint64_t before = (head >> c->shift) * c->capacity + (head & c->mask);
        uint64_t after = (tail >> c->shift) * c->capacity + (tail & c->mask);
        return after > before ? after - before < c->capacity ? after - before : c->capacity : 0;
    }
    case MO_CHAN_SPSC: {
        uint64_t head = mo_load_acquire(&c->spsc.head) & ~MO_CHAN_SEALED;
        return mo_load_acquire(&c->spsc.tail) - head;
    }
    case MO_CHAN_SEGMENTS:
        return mo_chan_segments_count(c);
    case MO_CHAN_BATCHING: {
        uint64_t received = mo_load_acquire(&c->batching.received);
        return (mo_load_acquire(&c->batching.sent) & ~MO_CHAN_CLOSED) - received;
    }
    default:
        return 0;
    }
}

int mo_chan_try_other(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    int err;
    switch (c->kind) {
    case MO_CHAN_SPSC:
        mo_chan_spsc_many(c, side, message, 1, &err);
        return err;
    case MO_CHAN_SEGMENTS:
        return mo_chan_segments_try(c, side, message);
    case MO_CHAN_RENDEZVOUS:
        return mo_chan_rendezvous_try(c, side, message);
    case MO_CHAN_TIMER:
        return side == MO_CHAN_RECV ? mo_chan_timer_try(c, message) : EINVAL;
    case MO_CHAN_BROADCAST:
    case MO_CHAN_SUBSCRIBER:
        return mo_chan_broadcast_try(c, side, message);
    default:
        mo_chan_batching_many(c, side, message, 1, &err);
        return err;
    }
}

size_t mo_chan_try_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err)
{
    size_t done = 0;
    switch (c->kind) {
    case MO_CHAN_RING:
        return mo_chan_ring_many(c, side, messages, n, err);
    case MO_CHAN_SPSC:
        return mo_chan_spsc_many(c, side, messages, n, err);
    case MO_CHAN_BATCHING:
        return mo_chan_batching_many(c, side, messages, n, err);
    default:
        while (done < n && (*err = mo_chan_try(c, side, messages + done * c->bytes)) == 0)
            done++;
        if (done)
            *err = 0;
        return done;
    }
}

bool mo_chan_ready(struct mo_chan *c, enum mo_chan_side side)
{
    switch (c->kind) {
    case MO_CHAN_RING:
        return mo_chan_ring_ready(c, side);
    case MO_CHAN_SPSC:
        return mo_chan_spsc_ready(c, side);
    case MO_CHAN_SEGMENTS:
        return mo_chan_segments_ready(c, side);
    case MO_CHAN_RENDEZVOUS: /* a hint: W4 is what counts */
        return mo_chan_standing(c, side == MO_CHAN_SEND ? MO_CHAN_RECV : MO_CHAN_SEND) != 0 ||
               mo_load_relaxed(&c->closed) != 0;
    case MO_CHAN_TIMER:
        return mo_chan_timer_ready(c);
    case MO_CHAN_BROADCAST:
    case MO_CHAN_SUBSCRIBER:
        return mo_chan_broadcast_ready(c);
    default:
        return mo_chan_batching_ready(c, side);
    }
}
