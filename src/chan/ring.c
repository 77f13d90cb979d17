/* The bounded channel: a ring of cells after D. Vyukov's bounded MPMC queue, with a bit for "closed", any capacity from
   1 on, and answers "full" and "empty" that are exact.

   Positions are a lap above `shift` bits and a cell's index below. A cell's turn is twice the position that may write
   it, and one more once that has been written; who reads makes it the turn of the same cell in the next lap. Doubled,
   as with one cell "written" and "free in the next lap" would be the same number otherwise.

   R1  a position is claimed by a CAS of tail or head, and only while the cell's turn says that it is ready for it.
       Between the look and the CAS nothing changes that: only the one who claims the position changes this turn. So a
       claim never waits, and several neighbouring ones may be claimed at once (mo_chan_ring_many()).
   R2  the claimer copies and then passes the turn on; release, pairs with the acquire of the look in R1. So the
       message, and what was done before it was sent, is seen by who gets it; and what the receiver did before, by who
       writes there next.
   R3  closing sets a bit of tail. All claims to send are CASes of tail without the bit: the ones before the bit will be
       written and received, after it there are none. A receiver says "closed" where head is what tail is without the
       bit.

   "Empty" is said where tail, read between two looks at head that saw the same, is that position: then nothing was in
   the ring at that moment. Where tail is further a sender has claimed the cell and is about to write: the receiver
   waits for it, although later cells may be written already, as anything else would break the order or the truth.
   "Full" likewise. That is where the ring is not lock-free: a sender that stops between the claim and the release holds
   up receivers.

   Order: positions are claimed in the order of tail, so messages of one sender are received in its order, and what was
   sent before another send began comes first. */
#include "chan/chan.h"

static int send_slow(struct mo_chan *c, const void *message)
{
    unsigned round = 0;
    for (;;) {
        uint64_t position = mo_load_acquire(&c->ring.tail);
        if (position & MO_CHAN_CLOSED)
            return EPIPE;
        struct mo_chan_cell *cell = mo_chan_ring_cell(c, position);
        if (mo_load_acquire(&cell->turn) == position << 1) {
            if (!mo_cas_relaxed(&c->ring.tail, &position, mo_chan_ring_next(c, position)))
                continue;
            mo_chan_copy(cell->message, message, c->bytes);
            mo_store_release(&cell->turn, position << 1 | 1);
            mo_chan_notify(c, MO_CHAN_RECV, 1);
            return 0;
        }
        uint64_t head = mo_load_acquire(&c->ring.head);
        if (mo_load_acquire(&c->ring.tail) != position)
            continue;
        if (head + ((uint64_t)1 << c->shift) == position)
            return EAGAIN;
        mo_chan_backoff(&round);
    }
}

static int recv_slow(struct mo_chan *c, void *message)
{
    unsigned round = 0;
    for (;;) {
        uint64_t position = mo_load_acquire(&c->ring.head);
        struct mo_chan_cell *cell = mo_chan_ring_cell(c, position);
        if (mo_load_acquire(&cell->turn) == (position << 1 | 1)) {
            if (!mo_cas_relaxed(&c->ring.head, &position, mo_chan_ring_next(c, position)))
                continue;
            mo_chan_copy(message, cell->message, c->bytes);
            mo_store_release(&cell->turn, (position + ((uint64_t)1 << c->shift)) << 1);
            mo_chan_notify(c, MO_CHAN_SEND, 1);
            return 0;
        }
        uint64_t tail = mo_load_acquire(&c->ring.tail);
        if (mo_load_acquire(&c->ring.head) != position)
            continue;
        if ((tail & ~MO_CHAN_CLOSED) == position)
            return tail & MO_CHAN_CLOSED ? EPIPE : EAGAIN;
        mo_chan_backoff(&round);
    }
}

int mo_chan_ring_try_slow(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    return side == MO_CHAN_SEND ? send_slow(c, message) : recv_slow(c, message);
}

bool mo_chan_ring_ready(struct mo_chan *c, enum mo_chan_side side)
{
    uint64_t head = mo_load_acquire(&c->ring.head), tail = mo_load_acquire(&c->ring.tail);
    if (tail & MO_CHAN_CLOSED)
        return true;
    return side == MO_CHAN_SEND ? head + ((uint64_t)1 << c->shift) != tail : head != tail;
}

/* Who waits awake looks at the cell that it wants, not at the index that the other side is about to change. */
bool mo_chan_ring_hint(struct mo_chan *c, enum mo_chan_side side)
{
    uint64_t position = mo_load_relaxed(side == MO_CHAN_SEND ? &c->ring.tail : &c->ring.head);
    uint64_t turn = mo_load_relaxed(&mo_chan_ring_cell(c, position)->turn);
    return turn == (position << 1 | (side == MO_CHAN_RECV)) || mo_load_relaxed(&c->closed) != 0;
}

/* How many neighbouring cells from `position` on have their turn; *end is the position after them. */
static size_t run_of(const struct mo_chan *c, uint64_t position, unsigned written, size_t n, uint64_t *end)
{
    size_t found = 0;
    while (found < n && mo_load_acquire(&mo_chan_ring_cell(c, position)->turn) == (position << 1 | written)) {
        found++;
        position = mo_chan_ring_next(c, position);
    }
    *end = position;
    return found;
}

static void carry(struct mo_chan *c, enum mo_chan_side side, uint64_t position, char *messages, size_t n)
{
    for (size_t i = 0; i < n; i++, position = mo_chan_ring_next(c, position)) {
        struct mo_chan_cell *cell = mo_chan_ring_cell(c, position);
        char *message = messages + i * c->bytes;
        if (side == MO_CHAN_SEND) {
            mo_chan_copy(cell->message, message, c->bytes);
            mo_store_release(&cell->turn, position << 1 | 1);
        } else {
            mo_chan_copy(message, cell->message, c->bytes);
            mo_store_release(&cell->turn, (position + ((uint64_t)1 << c->shift)) << 1);
        }
    }
}

/* One CAS for all. Where there is none to be had at once the way for one message finds out why. */
size_t mo_chan_ring_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err)
{
    _Atomic uint64_t *index = side == MO_CHAN_SEND ? &c->ring.tail : &c->ring.head;
    uint64_t position = mo_load_acquire(index), end;
    size_t found;
    *err = 0;
    while (!(position & MO_CHAN_CLOSED) && (found = run_of(c, position, side == MO_CHAN_RECV, n, &end)) != 0) {
        if (!mo_cas_relaxed(index, &position, end))
            continue;
        carry(c, side, position, messages, found);
        mo_chan_notify(c, side == MO_CHAN_SEND ? MO_CHAN_RECV : MO_CHAN_SEND, found);
        return found;
    }
    *err = mo_chan_ring_try_slow(c, side, messages);
    return *err == 0;
}
