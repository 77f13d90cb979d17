/* Channels: what the native interface's calls do, and what its files share.

   One kind of channel is a set of ways to send and to receive without waiting (`try`), and to look whether that may
   succeed (`ready`). Waiting is the same for all, and is in wait.c: who cannot go on stands in the queue of the
   channel's side, a gate; who has made room or has sent tells one of those who stand at the other gate to try again.
   Channels without a buffer pass the message itself to whoever stands there.

   The seam for what is not a thread: a waiter is an object with a function that wakes it (struct mo_chan_waiter).
   Threads and native tasks, which wait as the threads that run them do, have one in wait.c; others bring their own. */
#ifndef MO_CHAN_CHAN_H
#define MO_CHAN_CHAN_H

#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "plat/plat.h"

enum mo_chan_side { MO_CHAN_RECV = 0, MO_CHAN_SEND = 1 };

enum mo_chan_kind {
    MO_CHAN_RING,       /* bounded, any number of threads at each end */
    MO_CHAN_SPSC,       /* bounded, one thread at each end */
    MO_CHAN_SEGMENTS,   /* without bound */
    MO_CHAN_RENDEZVOUS, /* without buffer */
    MO_CHAN_TIMER,      /* the time itself sends */
    MO_CHAN_BROADCAST,  /* the sending end of what all subscribers get */
    MO_CHAN_SUBSCRIBER,
    MO_CHAN_BATCHING
};

/* What the quickest ways may take for granted: messages are words, `light` is true, and of a ring `capacity` is a power
   of two. */
enum mo_chan_quick { MO_CHAN_NOT_QUICK, MO_CHAN_QUICK_RING, MO_CHAN_QUICK_SPSC };

#define MO_CHAN_CLOSED      ((uint64_t)1 << 63) /* in the senders' index */
#define MO_CHAN_FOREVER     UINT64_MAX
#define MO_CHAN_CASES_MAX   32
#define MO_CHAN_BYTES_MAX   ((size_t)1 << 20)
#define MO_CHAN_FIXED_BYTES 384

struct mo_chan;

/* ---- Waiters. State, written by CAS but for the last step:
     AWAKE   stands at gates, nobody has claimed it
     ASLEEP  the same, and must be woken
     CLAIMED somebody has it and will say why; the waiter must stay where it is
     OVER    said; nobody but its owner touches it any more */
enum mo_chan_state { MO_CHAN_AWAKE, MO_CHAN_ASLEEP, MO_CHAN_CLAIMED, MO_CHAN_OVER };

struct mo_chan_waiter {
    _Atomic uint32_t state;
    uint32_t index; /* the case on whose account it was claimed */
    bool handed;    /* its message has been passed, else: try again */
    bool slept;     /* when it was claimed */
    bool bound; /* it stands at one gate only and does not leave by itself: claimed under that channel's lock alone */
    /* Called by who claimed it, once, after the rest has been written, without a lock. Has to make the state OVER as
       the last access to the waiter. */
    void (*wake)(struct mo_chan_waiter *w);
};

/* A thread's, or a strand's (park/strand.h). */
struct mo_chan_sleeper {
    struct mo_chan_waiter waiter;
    struct mo_strand *strand; /* NULL: a thread */
};

/* A waiter's place in one queue. */
struct mo_chan_entry {
    struct mo_chan_waiter *waiter;
    struct mo_chan_entry *next, *prev;
    void *message;
    uint32_t index;
    bool queued;    /* under the channel's lock */
    bool settled;   /* W7: a barrier of its own thread is enough */
    bool by_notice; /* at a channel without buffer: cannot be handed a message, see W5 in wait.c */
};

struct mo_chan_gate {
    struct mo_chan_entry *first, *last;
};

/* One message's place in a ring, `stride` bytes with what it holds. */
struct mo_chan_cell {
    _Atomic uint64_t turn; /* 2 * position: free for it; and 1: holds its message */
    char message[];
};

_Static_assert(sizeof(struct mo_chan_cell) == sizeof(uint64_t), "a cell with a word is two of these");

struct mo_chan_segment;

struct mo_chan_ring {
    _Atomic uint64_t tail MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint64_t head MO_ALIGNED(MO_LINE_PAIR);
};

/* What the other side looks at again and again, and what it never looks at, on lines of their own; see spsc.c. */
struct mo_chan_spsc {
    _Atomic uint64_t tail MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint64_t limit MO_ALIGNED(MO_CACHE_LINE); /* the sender's: as far as it may send; 0: no further */
    _Atomic uint64_t end;                             /* after the last message, or MO_CHAN_UNDECIDED */
    _Atomic uint64_t head MO_ALIGNED(MO_LINE_PAIR);
    uint64_t tail_seen MO_ALIGNED(MO_CACHE_LINE); /* the receiver's */
};

#define MO_CHAN_UNDECIDED UINT64_MAX
#define MO_CHAN_SEALED    ((uint64_t)1 << 63) /* in `head`, for the receiver: it has said that nothing comes any more */

struct mo_chan_segments {
    _Atomic uint64_t tail MO_ALIGNED(MO_LINE_PAIR);
    _Atomic(struct mo_chan_segment *) tail_segment;
    _Atomic uint64_t head MO_ALIGNED(MO_LINE_PAIR);
    _Atomic(struct mo_chan_segment *) head_segment;
    _Atomic(struct mo_chan_segment *) spare;
};

struct mo_chan_timer {
    _Atomic uint64_t due; /* MO_CHAN_FOREVER: never again */
    uint64_t period;      /* 0: once */
};

/* All under the lock but `count`, which others peek at. */
struct mo_chan_broadcast {
    uint64_t sent;                 /* so far; the last `capacity` of them are in the ring */
    struct mo_chan *first;         /* of the subscribers */
    struct mo_chan *source, *next; /* of a subscriber */
    uint64_t seen;                 /* by it */
    _Atomic uint64_t missed;       /* by it, not reported yet */
    bool closed;
    bool newest; /* who subscribes gets the newest one */
};

struct mo_chan_batching {
    _Atomic uint32_t lock;
    uint32_t least, most, target; /* sizes */
    uint64_t delay_ns;
    /* Written under `lock`. */
    _Atomic uint64_t first_ns; /* when the oldest message that is not released came */
    _Atomic uint64_t sent MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint64_t released; /* up to here receivers may take */
    _Atomic uint64_t received;
    uint64_t since_ns, since; /* the last time that the rate was looked at, and what had been sent then */
    uint64_t batches, full, late, rest, largest, smallest;
    double rate; /* messages in a nanosecond */
};

struct mo_chan {
    /* Written once. */
    uint8_t kind;
    bool light; /* the waiters pay for the barrier */
    uint8_t shift;
    uint8_t quick; /* enum mo_chan_quick */
    uint32_t bytes;
    uint32_t stride;
    uint64_t capacity;
    uint64_t mask; /* of `shift` bits */
    uint64_t extent_bytes;
    _Atomic uint32_t closed; /* CLOSING, then CLOSED; of kinds whose index does not say it */
    /* Written by who waits, and by who wakes. */
    _Atomic
        uint32_t waiting[2] MO_ALIGNED(MO_CACHE_LINE); /* entries at each gate, and bits (W7); written under the lock */
    _Atomic uint32_t lock;
    _Atomic uint16_t spins[2];  /* how long waits stay awake, see wait.c */
    _Atomic uint16_t fenced[2]; /* W7: so many more in vain */
    _Atomic uint64_t fence;     /* where the system has no barrier for all threads */
    struct mo_chan_gate gate[2];
    union {
        struct mo_chan_ring ring;
        struct mo_chan_spsc spsc;
        struct mo_chan_segments segments;
        struct mo_chan_timer timer;
        struct mo_chan_broadcast broadcast;
        struct mo_chan_batching batching;
    };
};

/* In `waiting`, see W7 in wait.c, and spsc.c. */
#define MO_CHAN_FENCED  0x80000000u
#define MO_CHAN_SETTLED 0x40000000u
#define MO_CHAN_SHUT    0x20000000u /* for the sender: it is being closed */
#define MO_CHAN_HEAVY   0x10000000u /* not light, for who is not to look at that: moirai/spsc.h */
#define MO_CHAN_COUNT   0x0fffffffu

/* How many stand there. */
static inline uint32_t mo_chan_standing(struct mo_chan *c, enum mo_chan_side side)
{
    return mo_load_relaxed(&c->waiting[side]) & MO_CHAN_COUNT;
}

struct mo_chan_case {
    struct mo_chan *chan;
    void *message;
    enum mo_chan_side side;
};

/* 0, or EINVAL, ENOMEM. `bytes` of a message may be 0. */
int mo_chan_new(struct mo_chan **out, enum mo_chan_kind kind, size_t bytes, uint64_t capacity);
/* EBUSY while messages are in it, somebody waits, or subscribers are left. */
int mo_chan_free(struct mo_chan *c);
/* No more is sent; what is in it is received. EALREADY. */
int mo_chan_close(struct mo_chan *c);
bool mo_chan_is_closed(struct mo_chan *c);
/* Until whoever closes it has. */
void mo_chan_await_closed(struct mo_chan *c);
uint64_t mo_chan_count(struct mo_chan *c);

/* May a try succeed, or say that the channel is closed? Looks as late as the caller's last barrier. */
bool mo_chan_ready(struct mo_chan *c, enum mo_chan_side side);
/* The same, until a point of time: ETIMEDOUT as well. */
int mo_chan_wait(struct mo_chan *c, enum mo_chan_side side, void *message, uint64_t deadline_ns);
/* How many, up to `n`, at least one; or 0 and *err. */
size_t mo_chan_try_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err);
size_t mo_chan_wait_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, uint64_t deadline_ns,
                         int *err);
/* The number of the case that was carried out, and *err of it (0 or EPIPE); or -1 with ETIMEDOUT or another error. */
int mo_chan_select(const struct mo_chan_case *cases, unsigned n, bool biased, uint64_t deadline_ns, int *err);

/* Of each kind. */
int mo_chan_ring_try_slow(struct mo_chan *c, enum mo_chan_side side, void *message);
bool mo_chan_ring_ready(struct mo_chan *c, enum mo_chan_side side);
bool mo_chan_ring_hint(struct mo_chan *c, enum mo_chan_side side);
size_t mo_chan_ring_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err);
void mo_chan_spsc_init(struct mo_chan *c);
void mo_chan_spsc_shut_locked(struct mo_chan *c);
bool mo_chan_spsc_ready(struct mo_chan *c, enum mo_chan_side side);
/* S4: `n` messages are there to be taken, and somebody is to be told. 0, or EPIPE: they have been taken back. */
int mo_chan_spsc_tell(struct mo_chan *c, size_t n);
size_t mo_chan_spsc_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err);
int mo_chan_segments_init(struct mo_chan *c);
void mo_chan_segments_free(struct mo_chan *c);
int mo_chan_segments_try(struct mo_chan *c, enum mo_chan_side side, void *message);
bool mo_chan_segments_ready(struct mo_chan *c, enum mo_chan_side side);
uint64_t mo_chan_segments_count(struct mo_chan *c);
int mo_chan_timer_new(struct mo_chan **out, uint64_t due_ns, uint64_t period_ns);
int mo_chan_timer_try(struct mo_chan *c, void *message);
bool mo_chan_timer_ready(struct mo_chan *c);
int mo_chan_broadcast_try(struct mo_chan *c, enum mo_chan_side side, void *message);
bool mo_chan_broadcast_ready(struct mo_chan *c);
int mo_chan_subscribe(struct mo_chan **out, struct mo_chan *source);
bool mo_chan_broadcast_leave(struct mo_chan *c);
void mo_chan_broadcast_close(struct mo_chan *c);
int mo_chan_batching_new(struct mo_chan **out, size_t bytes, uint64_t capacity, uint32_t least, uint32_t most,
                         uint64_t delay_ns);
size_t mo_chan_batching_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, int *err);
bool mo_chan_batching_ready(struct mo_chan *c, enum mo_chan_side side);
/* When a try may succeed that does not now although nobody does anything; MO_CHAN_FOREVER. */
uint64_t mo_chan_due(struct mo_chan *c, enum mo_chan_side side);

void mo_chan_batching_stats(struct mo_chan *c, struct mo_chan_batching *out);

/* Who waits, as wait.c has it; gate.c has the queues. */
void mo_chan_sleeper_init(struct mo_chan_sleeper *sleeper);
/* Bound, and asleep before it is. */
void mo_chan_sleeper_of_strand(struct mo_chan_sleeper *sleeper, struct mo_strand *s);
/* Under the lock. */
void mo_chan_push_locked(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e, bool in_front);
/* The waiter claims itself. False: another has, and has said why. */
bool mo_chan_withdraw(struct mo_chan_waiter *w);
/* True: it has been claimed, and is OVER; false: that time has come, and it may be claimed still. */
bool mo_chan_sleep(struct mo_chan_sleeper *sleeper, uint64_t until_ns);
/* Requires that it has been claimed, or is about to be. */
void mo_chan_await_word(struct mo_chan_waiter *w);
void mo_chan_notify_slow(struct mo_chan *c, enum mo_chan_side side, size_t n);
void mo_chan_notify_all(struct mo_chan *c, enum mo_chan_side side);
bool mo_chan_has_barrier(void);
/* Every thread that runs passes a full barrier; false: it does not, look again after some time. */
bool mo_chan_barrier(const struct mo_chan *c);
/* W2, W7: of who has just stood in, before it looks again. False: it may miss something, and is to look again after
   some time. */
bool mo_chan_pass_barrier(struct mo_chan *c, enum mo_chan_side side, const struct mo_chan_entry *e);
/* Every thread has passed a barrier since it stood in. */
void mo_chan_settle(struct mo_chan *c, enum mo_chan_side side, const struct mo_chan_entry *e);
/* W5: have a receiver that cannot be handed a message try. */
void mo_chan_call(struct mo_chan *c);
/* Of a waiter that waits for one thing only, and is no thread. 0 or EPIPE: it went on at once, at a channel without
   buffer; EAGAIN: it stands there. At other channels what has come meanwhile is to be looked for then (W2). */
int mo_chan_stand(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e, bool in_front);
/* True: it stands there no more, nobody has claimed it. False: somebody had, and it is OVER. */
bool mo_chan_step_back(struct mo_chan *c, enum mo_chan_side side, struct mo_chan_entry *e);
int mo_chan_rendezvous_try(struct mo_chan *c, enum mo_chan_side side, void *message);
/* Until it meets somebody: 0 or EPIPE. */
int mo_chan_meet(struct mo_chan *c, enum mo_chan_side side, void *message);

/* N1: between what changed the channel and the look at `waiting`. The other half is in wait.c, W2. */
static inline void mo_chan_order(struct mo_chan *c)
{
    if (mo_likely(c->light))
        mo_plat_light_barrier();
    else
        mo_plat_full_barrier(&c->fence);
}

/* Tell up to `n` of those who stand at that side to try again. */
static inline void mo_chan_notify(struct mo_chan *c, enum mo_chan_side side, size_t n)
{
    mo_chan_order(c);
    if (mo_unlikely(mo_load_relaxed(&c->waiting[side]) != 0))
        mo_chan_notify_slow(c, side, n);
}

static inline void mo_chan_copy(void *to, const void *from, size_t bytes)
{
    if (mo_likely(bytes == 8))
        memcpy(to, from, 8);
    else if (bytes)
        memcpy(to, from, bytes);
}

/* Waiting for a peer that is between two of its instructions, or was when it lost its CPU. */
static inline void mo_chan_backoff(unsigned *round)
{
    if (++*round < 64)
        mo_plat_pause();
    else
        mo_plat_yield();
}

static inline char *mo_chan_cells(const struct mo_chan *c)
{
    return (char *)(uintptr_t)(c + 1);
}

/* ---- The ring's quick ways, see ring.c. */
static inline uint64_t mo_chan_ring_next(const struct mo_chan *c, uint64_t position)
{
    return (position & c->mask) + 1 == c->capacity ? (position | c->mask) + 1 : position + 1;
}

static inline struct mo_chan_cell *mo_chan_cell_at(const struct mo_chan *c, uint64_t index)
{
    return (struct mo_chan_cell *)(mo_chan_cells(c) + index * c->stride);
}

static inline struct mo_chan_cell *mo_chan_ring_cell(const struct mo_chan *c, uint64_t position)
{
    return mo_chan_cell_at(c, position & c->mask);
}

static inline int mo_chan_ring_send(struct mo_chan *c, const void *message)
{
    uint64_t position = mo_load_relaxed(&c->ring.tail);
    struct mo_chan_cell *cell = mo_chan_ring_cell(c, position);
    /* A closed index is no cell's turn. */
    if (mo_unlikely(mo_load_acquire(&cell->turn) != position << 1 || (position & MO_CHAN_CLOSED)) ||
        mo_unlikely(!mo_cas_relaxed(&c->ring.tail, &position, mo_chan_ring_next(c, position))))
        return mo_chan_ring_try_slow(c, MO_CHAN_SEND, (void *)message);
    mo_chan_copy(cell->message, message, c->bytes);
    mo_store_release(&cell->turn, position << 1 | 1); /* R2 */
    mo_chan_notify(c, MO_CHAN_RECV, 1);
    return 0;
}

static inline int mo_chan_ring_recv(struct mo_chan *c, void *message)
{
    uint64_t position = mo_load_relaxed(&c->ring.head);
    struct mo_chan_cell *cell = mo_chan_ring_cell(c, position);
    if (mo_unlikely(mo_load_acquire(&cell->turn) != (position << 1 | 1)) ||
        mo_unlikely(!mo_cas_relaxed(&c->ring.head, &position, mo_chan_ring_next(c, position))))
        return mo_chan_ring_try_slow(c, MO_CHAN_RECV, message);
    mo_chan_copy(message, cell->message, c->bytes);
    mo_store_release(&cell->turn, (position + ((uint64_t)1 << c->shift)) << 1); /* R2 */
    mo_chan_notify(c, MO_CHAN_SEND, 1);
    return 0;
}

/* ---- The same for one thread at each end, see spsc.c. */
static inline char *mo_chan_place(const struct mo_chan *c, uint64_t count)
{
    return mo_chan_cells(c) + (count & c->mask) * c->stride;
}

/* There is a message. What is compared with may be sealed. */
static inline bool mo_chan_spsc_has(struct mo_chan_spsc *s, uint64_t head)
{
    if (head != s->tail_seen)
        return true;
    uint64_t tail = mo_load_acquire(&s->tail);
    if (mo_unlikely(tail <= head))
        return false;
    s->tail_seen = tail;
    return true;
}

/* ---- The quickest ways, of a word through a channel that is not full, not empty, not closed: the protocols above
   without what `quick` has settled. False: another case, or a lost race; nothing has happened. True: who waits at the
   other side is yet to be told, as mo_chan_notify() does. They are leaves, so that a call of them saves no
   registers. */
static inline bool mo_chan_quick_ring_send(struct mo_chan *c, const void *message)
{
    uint64_t position = mo_load_relaxed(&c->ring.tail);
    struct mo_chan_cell *cell = (struct mo_chan_cell *)mo_chan_cells(c) + 2 * (position & c->mask);
    if (mo_unlikely(mo_load_acquire(&cell->turn) != position << 1 || (position & MO_CHAN_CLOSED)) ||
        mo_unlikely(!mo_cas_relaxed(&c->ring.tail, &position, position + 1))) /* R1 */
        return false;
    memcpy(cell->message, message, sizeof(uint64_t));
    mo_store_release(&cell->turn, position << 1 | 1); /* R2 */
    return true;
}

static inline bool mo_chan_quick_ring_recv(struct mo_chan *c, void *message)
{
    uint64_t position = mo_load_relaxed(&c->ring.head);
    struct mo_chan_cell *cell = (struct mo_chan_cell *)mo_chan_cells(c) + 2 * (position & c->mask);
    if (mo_unlikely(mo_load_acquire(&cell->turn) != (position << 1 | 1)) ||
        mo_unlikely(!mo_cas_relaxed(&c->ring.head, &position, position + 1))) /* R1 */
        return false;
    memcpy(message, cell->message, sizeof(uint64_t));
    mo_store_release(&cell->turn, (position + c->capacity) << 1); /* R2 */
    return true;
}

static inline bool mo_chan_quick_spsc_send(struct mo_chan *c, const void *message)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t tail = mo_load_relaxed(&s->tail);
    if (mo_unlikely(tail >= mo_load_relaxed(&s->limit))) /* S1 */
        return false;
    memcpy((uint64_t *)mo_chan_cells(c) + (tail & c->mask), message, sizeof(uint64_t));
    mo_store_release(&s->tail, tail + 1); /* S2 */
    return true;
}

static inline bool mo_chan_quick_spsc_recv(struct mo_chan *c, void *message)
{
    struct mo_chan_spsc *s = &c->spsc;
    uint64_t head = mo_load_relaxed(&s->head);
    if (mo_unlikely(!mo_chan_spsc_has(s, head)))
        return false;
    memcpy(message, (uint64_t *)mo_chan_cells(c) + (head & c->mask), sizeof(uint64_t));
    mo_store_release(&s->head, head + 1);
    return true;
}

int mo_chan_try_other(struct mo_chan *c, enum mo_chan_side side, void *message);

/* 0, EAGAIN (not now), EPIPE (closed; of a receiver: and empty), EINVAL (has no such end), ENOMEM. */
static inline int mo_chan_try(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    if (mo_likely(c->kind == MO_CHAN_RING))
        return side == MO_CHAN_SEND ? mo_chan_ring_send(c, message) : mo_chan_ring_recv(c, message);
    return mo_chan_try_other(c, side, message);
}

#endif
