/* The batching channel: messages become visible to receivers in batches. A batch ends when it has `target` messages, or
   when its oldest one has waited for the set delay, or with the channel. No timer runs for it: the first message of a
   batch wakes a receiver that waits, which then sleeps until the batch is due.

   `sent`, `released` and `received` count messages; received <= released <= sent <= received + capacity. All changes
   are made under a lock of one RMW, held for one message's copy by a sender and for one batch's by a receiver; others
   peek.

   The target follows the throughput: at the end of each batch the rate since the last one is put to a moving average,
   and the target is what comes in half of the delay at that rate, between the bounds. So where messages come seldom
   they are passed on at once (with a least size of 1), and under load a batch is full in half the time that it might
   wait. */
#include "chan/chan.h"
#include "park/clock.h"

#define LOOK_NS 20000 /* a rate is of that long at least */

static void lock(struct mo_chan *c)
{
    unsigned round = 0;
    while (mo_load_relaxed(&c->batching.lock) || mo_exchange_acquire(&c->batching.lock, 1u))
        mo_chan_backoff(&round);
}

static void unlock(struct mo_chan *c)
{
    mo_store_release(&c->batching.lock, 0u);
}

static bool is_over(struct mo_chan *c)
{
    return (mo_load_acquire(&c->batching.sent) & MO_CHAN_CLOSED) != 0;
}

int mo_chan_batching_new(struct mo_chan **out, size_t bytes, uint64_t capacity, uint32_t least, uint32_t most,
                         uint64_t delay_ns)
{
    if (least == 0 || least > most || most > capacity || delay_ns == 0)
        return EINVAL;
    int err = mo_chan_new(out, MO_CHAN_BATCHING, bytes, capacity);
    if (err)
        return err;
    struct mo_chan_batching *b = &(*out)->batching;
    b->least = least;
    b->most = most;
    b->target = least;
    b->delay_ns = delay_ns;
    mo_store_relaxed(&b->first_ns, MO_CHAN_FOREVER);
    b->since_ns = mo_clock_now();
    return 0;
}

static void adapt(struct mo_chan_batching *b, uint64_t sent)
{
    uint64_t now = mo_clock_now(), took = now - b->since_ns;
    if (took < LOOK_NS)
        return;
    double rate = (double)(sent - b->since) / (double)took;
    b->rate = b->rate == 0 ? rate : b->rate + (rate - b->rate) / 4;
    b->since_ns = now;
    b->since = sent;
    double fits = b->rate * (double)b->delay_ns / 2;
    b->target = fits <= b->least ? b->least : fits >= b->most ? b->most : (uint32_t)fits;
}

static uint64_t due_of(struct mo_chan_batching *b)
{
    uint64_t first = mo_load_acquire(&b->first_ns);
    return first == MO_CHAN_FOREVER || first + b->delay_ns < first ? MO_CHAN_FOREVER : first + b->delay_ns;
}

enum reason { FULL, LATE, REST };

static void release(struct mo_chan_batching *b, uint64_t sent, enum reason why)
{
    uint64_t size = sent - mo_load_relaxed(&b->released);
    b->batches++;
    b->full += why == FULL;
    b->late += why == LATE;
    b->rest += why == REST;
    b->largest = size > b->largest ? size : b->largest;
    b->smallest = b->smallest == 0 || size < b->smallest ? size : b->smallest;
    mo_store_release(&b->released, sent);
    mo_store_relaxed(&b->first_ns, MO_CHAN_FOREVER);
    adapt(b, sent);
}

static size_t put(struct mo_chan *c, const char *messages, size_t n, int *err)
{
    struct mo_chan_batching *b = &c->batching;
    lock(c);
    uint64_t sent = mo_load_relaxed(&b->sent), released = mo_load_relaxed(&b->released);
    uint64_t room = c->capacity - (sent - mo_load_relaxed(&b->received));
    if ((sent & MO_CHAN_CLOSED) || room == 0) {
        unlock(c);
        *err = sent & MO_CHAN_CLOSED ? EPIPE : EAGAIN;
        return 0;
    }
    n = n < room ? n : room;
    for (size_t i = 0; i < n; i++)
        mo_chan_copy(mo_chan_place(c, sent + i), messages + i * c->bytes, c->bytes);
    mo_store_relaxed(&b->sent, sent + n); /* the lock releases it */
    bool begins = sent == released,
         ends = sent + n - released >= b->target || n == room; /* none could come to fill it */
    if (ends)
        release(b, sent + n, FULL);
    else if (begins)
        mo_store_relaxed(&b->first_ns, mo_clock_now());
    unlock(c);
    if (begins || ends)
        mo_chan_notify(c, MO_CHAN_RECV, 1);
    *err = 0;
    return n;
}

static size_t take(struct mo_chan *c, char *messages, size_t n, int *err)
{
    struct mo_chan_batching *b = &c->batching;
    lock(c);
    uint64_t sent = mo_load_relaxed(&b->sent), received = mo_load_relaxed(&b->received);
    bool closed = sent & MO_CHAN_CLOSED;
    sent &= ~MO_CHAN_CLOSED;
    if (sent != mo_load_relaxed(&b->released)) {
        if (closed)
            release(b, sent, REST);
        else if (mo_clock_now() >= due_of(b))
            release(b, sent, LATE);
    }
    uint64_t there = mo_load_relaxed(&b->released) - received;
    n = n < there ? n : there;
    for (size_t i = 0; i < n; i++)
        mo_chan_copy(messages + i * c->bytes, mo_chan_place(c, received + i), c->bytes);
    mo_store_relaxed(&b->received, received + n);
    bool more = n < there || (sent != received + n);
    unlock(c);
    *err = n ? 0 : closed && sent == received ? EPIPE : EAGAIN;
    if (n) {
        mo_chan_notify(c, MO_CHAN_SEND, n);
        if (more)
            mo_chan_notify(c, MO_CHAN_RECV, 1);
    }
    return n;
}

size_t mo_chan_batching_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err)
{
    return side == MO_CHAN_SEND ? put(c, messages, n, err) : take(c, messages, n, err);
}

bool mo_chan_batching_ready(struct mo_chan *c, enum mo_chan_side side)
{
    struct mo_chan_batching *b = &c->batching;
    if (is_over(c))
        return true;
    uint64_t received = mo_load_acquire(&b->received);
    if (side == MO_CHAN_SEND)
        return mo_load_acquire(&b->sent) - received < c->capacity;
    if (mo_load_acquire(&b->released) != received)
        return true;
    uint64_t due = due_of(b);
    return due != MO_CHAN_FOREVER && mo_clock_now() >= due;
}

uint64_t mo_chan_due(struct mo_chan *c, enum mo_chan_side side)
{
    if (side == MO_CHAN_SEND)
        return MO_CHAN_FOREVER;
    if (c->kind == MO_CHAN_TIMER)
        return mo_load_acquire(&c->timer.due);
    return c->kind == MO_CHAN_BATCHING ? due_of(&c->batching) : MO_CHAN_FOREVER;
}

void mo_chan_batching_stats(struct mo_chan *c, struct mo_chan_batching *out)
{
    const struct mo_chan_batching *b = &c->batching;
    lock(c);
    memset(out, 0, sizeof *out);
    out->least = b->least;
    out->most = b->most;
    out->target = b->target;
    out->batches = b->batches;
    out->full = b->full;
    out->late = b->late;
    out->rest = b->rest;
    out->largest = b->largest;
    out->smallest = b->smallest;
    out->rate = b->rate;
    mo_store_relaxed(&out->sent, mo_load_relaxed(&b->sent) & ~MO_CHAN_CLOSED);
    mo_store_relaxed(&out->released, mo_load_relaxed(&b->released));
    mo_store_relaxed(&out->received, mo_load_relaxed(&b->received));
    unlock(c);
}
