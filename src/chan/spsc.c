/* The bounded channel with one thread at each end: two counts, no RMW. Each side keeps what it last saw of the other's
   count and looks again only when by that the ring is full, or empty. The sender keeps it as `limit`, the receiver's
   count and the capacity: it sends while its own count is less.

   Closing may come from any thread, at any moment of a send, and yet what the sender is told has been sent is received,
   and nothing else is. The sender has no look at `closed` for that, only the two that it has anyway:

       sender                                        close
       S1  tail < limit? else why: look further      C1  limit = 0, and SHUT in the receivers' `waiting`; closed = CLOSING
       S2  write, tail++; release                    C2  barrier of all threads
       S3  (light barrier) look at `waiting`         C3  closed = CLOSED; release
       S4  SHUT: end = tail, by CAS of UNDECIDED

       receiver, where it finds no message
       R1  closed == CLOSED? else there is none now
       R2  look at tail once more
       R3  still none: end = head, by CAS of UNDECIDED; sealed, it says "closed", and from now on takes no message

   A send that begins after close() has returned fails at S1: nobody but close() writes `limit` but the sender, by a CAS
   of what it was. For one that goes on meanwhile there are two cases. If S3 missed SHUT it came before the sender's
   part of C2, and so did S2: R2, which comes after C3, sees the message, and there is no R3 before it has been taken.
   If S3 saw SHUT the two CASes of `end` have an order. S4 first: R3 fails, and the message, which was written before
   `end`, is taken. R3 first: either the receiver had taken the message already, and `end` is after it; or the sender
   finds `end` before it, takes its count back, and says "closed": the receiver is sealed before it looks again. A send
   of many is decided as one, as it is seen as one.

   A sender that learns of the close at S1 or S4 waits for C3 before it says "closed" (mo_chan_await_closed), so that
   whoever hears it from him finds the channel closed, too.

   Sealed is a bit of `head`, which makes it larger than any tail: the receiver's usual look says "none" then. Where
   there is no barrier of all threads the one between S2 and S3 is a full one, and so is C2. tests/models/sealed.pml has
   all this. */
#include "chan/chan.h"

enum { CLOSED = 2 };

void mo_chan_spsc_init(struct mo_chan *c)
{
    mo_store_relaxed(&c->spsc.limit, c->capacity);
    mo_store_relaxed(&c->spsc.end, MO_CHAN_UNDECIDED);
    for (int side = 0; side < 2; side++)
        mo_store_relaxed(&c->waiting[side], c->light ? 0u : MO_CHAN_HEAVY);
}

/* ---- The sender. */
/* S1. How many more may be sent, `n` where there is room for as many as far as it knows; *err where there is none. */
static uint64_t room_for(struct mo_chan *c, uint64_t tail, uint64_t n, int *err)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t limit = mo_load_relaxed(&s->limit);
    if (limit && limit - tail < n) {
        uint64_t further = mo_load_acquire(&s->head) + c->capacity; /* what was read there before is overwritten */
        limit = mo_cas_relaxed(&s->limit, &limit, further) ? further : 0;
    }
    if (mo_unlikely(!limit))
        mo_chan_await_closed(c);
    *err = limit ? EAGAIN : EPIPE;
    return limit ? limit - tail : 0;
}

/* S4 */
static int settle(struct mo_chan *c, uint64_t from, uint64_t to)
{
    uint64_t end = MO_CHAN_UNDECIDED;
    if (mo_cas_acq_rel(&c->spsc.end, &end, to) || end == to)
        return 0;
    mo_store_relaxed(&c->spsc.tail, from); /* nobody has read beyond it */
    mo_chan_await_closed(c);
    return EPIPE;
}

int mo_chan_spsc_tell(struct mo_chan *c, size_t n)
{
    uint64_t to = mo_load_relaxed(&c->spsc.tail);
    mo_chan_notify_slow(c, MO_CHAN_RECV, 1);
    /* Acquire: who has seen the bit sees the limit that came with it the next time. */
    return mo_load_acquire(&c->waiting[MO_CHAN_RECV]) & MO_CHAN_SHUT ? settle(c, to - n, to) : 0;
}

static size_t send(struct mo_chan *c, const char *messages, size_t n, int *err)
{
    uint64_t tail = mo_load_relaxed(&c->spsc.tail), room = room_for(c, tail, n, err);
    n = n < room ? n : room;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        mo_chan_copy(mo_chan_place(c, tail + i), messages + i * c->bytes, c->bytes);
    mo_store_release(&c->spsc.tail, tail + n); /* S2, pairs with the receiver's acquire */
    mo_chan_order(c);
    *err = mo_load_relaxed(&c->waiting[MO_CHAN_RECV]) ? mo_chan_spsc_tell(c, n) : 0;
    return *err ? 0 : n;
}

/* ---- Who closes: C1. */
void mo_chan_spsc_shut_locked(struct mo_chan *c)
{
    mo_store_relaxed(&c->spsc.limit, (uint64_t)0);
    mo_store_release(&c->waiting[MO_CHAN_RECV], mo_load_relaxed(&c->waiting[MO_CHAN_RECV]) | MO_CHAN_SHUT);
}

/* ---- The receiver. */
/* R1..R3. Nothing will come any more. */
static bool is_over(struct mo_chan *c, uint64_t head)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t end = MO_CHAN_UNDECIDED;
    if (mo_load_acquire(&c->closed) != CLOSED || mo_load_acquire(&s->tail) > head)
        return false;
    if (!mo_cas_acq_rel(&s->end, &end, head) && end != head)
        return false;
    s->tail_seen = head | MO_CHAN_SEALED;
    mo_store_release(&s->head, head | MO_CHAN_SEALED); /* a sender that sees it finds the limit 0 */
    return true;
}

static size_t recv(struct mo_chan *c, char *messages, size_t n, int *err)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t head = mo_load_relaxed(&s->head), there = s->tail_seen - head;
    *err = EPIPE;
    if (head & MO_CHAN_SEALED)
        return 0;
    if (there < n)
        there = (s->tail_seen = mo_load_acquire(&s->tail)) - head;
    if (there == 0) {
        if (is_over(c, head))
            return 0;
        there = (s->tail_seen = mo_load_acquire(&s->tail)) - head; /* the last message before the end */
    }
    n = n < there ? n : there;
    for (size_t i = 0; i < n; i++)
        mo_chan_copy(messages + i * c->bytes, mo_chan_place(c, head + i), c->bytes);
    *err = n ? 0 : EAGAIN;
    if (n) {
        mo_store_release(&s->head, head + n);
        mo_chan_notify(c, MO_CHAN_SEND, 1);
    }
    return n;
}

size_t mo_chan_spsc_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err)
{
    return side == MO_CHAN_SEND ? send(c, messages, n, err) : recv(c, messages, n, err);
}

bool mo_chan_spsc_ready(struct mo_chan *c, enum mo_chan_side side)
{
    uint64_t head = mo_load_acquire(&c->spsc.head), tail = mo_load_acquire(&c->spsc.tail);
    if (mo_load_acquire(&c->closed) == CLOSED)
        return true;
    return side == MO_CHAN_SEND ? tail - head < c->capacity : tail != head;
}
