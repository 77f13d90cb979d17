/* The bounded channel with one thread at each end: two counts, no RMW. Each side keeps what it last saw of the other's count
   and looks again only when by that the ring is full, or empty.

   Closing may come from any thread, and must not lose what the sender is about to send: the sender says that it is inside
   before it looks whether the channel is closed,

       sender                                 close
       S1  sending = 1                        C1  closed = CLOSING
       S2  (light barrier)                    C2  barrier of all threads
       S3  closed? leave : write, tail++      C3  closed = CLOSED
       S4  sending = 0; release

   and a receiver that finds the ring empty says "closed" only after C3, when it has seen sending == 0, and has looked at tail
   once more. By C2 a sender that did not see C1 is seen inside by who has seen C3: such a receiver waits for S4, a few instructions,
   and sees the message. Where there is no barrier of all threads S2 is a full one. */
#include "chan/chan.h"

enum { CLOSED = 2 };

static bool enter(struct mo_chan *c)
{
    mo_store_relaxed(&c->spsc.sending, 1u); /* S1 */
    mo_chan_order(c);                       /* S2 */
    return mo_load_relaxed(&c->closed) == 0;
}

static void leave(struct mo_chan *c)
{
    mo_store_release(&c->spsc.sending, 0u); /* S4 */
}

static size_t send(struct mo_chan *c, const char *messages, size_t n, int *err)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t tail = mo_load_relaxed(&s->tail);
    if (!enter(c)) {
        leave(c);
        *err = EPIPE;
        return 0;
    }
    uint64_t room = c->capacity - (tail - s->head_seen);
    if (room < n) {
        s->head_seen = mo_load_acquire(&s->head);
        room = c->capacity - (tail - s->head_seen);
    }
    n = n < room ? n : room;
    for (size_t i = 0; i < n; i++)
        mo_chan_copy(mo_chan_place(c, tail + i), messages + i * c->bytes, c->bytes);
    if (n)
        mo_store_release(&s->tail, tail + n); /* pairs with the receiver's acquire */
    leave(c);
    *err = n ? 0 : EAGAIN;
    if (n)
        mo_chan_notify(c, MO_CHAN_RECV, 1);
    return n;
}

/* Nothing will come any more. */
static bool is_over(struct mo_chan *c, uint64_t head)
{
    unsigned round = 0;
    if (mo_load_acquire(&c->closed) != CLOSED)
        return false;
    while (mo_load_acquire(&c->spsc.sending))
        mo_chan_backoff(&round);
    return mo_load_acquire(&c->spsc.tail) == head;
}

static size_t recv(struct mo_chan *c, char *messages, size_t n, int *err)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t head = mo_load_relaxed(&s->head), there = s->tail_seen - head;
    if (there < n) {
        s->tail_seen = mo_load_acquire(&s->tail);
        there = s->tail_seen - head;
    }
    if (there == 0) {
        if (is_over(c, head)) {
            *err = EPIPE;
            return 0;
        }
        s->tail_seen = mo_load_acquire(&s->tail); /* the last message before the end */
        there = s->tail_seen - head;
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
