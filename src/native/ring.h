/* A ring in memory that processes share (moirai/ring.h), as its sides see it.

   A slot's state is ticket << 8 | phase << 6 | sender. Slot k serves the tickets k, k + slots, k + 2 slots, and so on,
   each message having one. For ticket t:

     FREE(t)        nobody has it yet
     LOANED(t, i)   sender i writes a message (MPSC alone: who has the loan must be known when it dies)
     FULL(t, i)     a message
     PASSED(t)      no message: dropped, or its sender died (MPSC alone)

   Who writes: senders FREE(t) -> LOANED(t, i) -> FULL(t, i) or PASSED(t), with one sender FREE(t) -> FULL(t, 0) by a
   store; the receiver FULL(t, i) or PASSED(t) -> FREE(t + slots) by a store, and LOANED(t, i) -> PASSED(t) where i is
   dead.

   I1  The receiver's next ticket h is the smallest of all slots: all others are in [h, h + slots).
   I2  With one sender, its next ticket is the largest that was ever filled, plus 1: of FREE(t) that is t - slots, else
       t. What the receiver does does not change that, and what senders do does not change I1. So whoever takes a side
       finds its place by a look at all slots while the other side goes on, and a death leaves nothing to repair but
       loans.
   I3  With several senders `tail` is the next ticket to be loaned, or the one before: who loans a ticket raises it, and
       where that one died, or is slow, whoever comes next does. Only the slot decides whose the ticket is.
   I4  A place (receiver, or sender i) is taken under the lock of its byte, so LOANED(t, i) with that byte free, or held
       by who has just come and has not loaned yet, is a dead one's: the receiver passes it over, and so does the next
       sender i before it loans anything. Either does it by a CAS from that very value; tickets do not come again.

   Order. The CAS that makes a slot FULL among several senders is seq_cst, as is the look at the bell that follows
   (below). The one sender's store of FULL is a release, see Barriers. The store of FREE is a release: the bell is read
   by a read-modify-write then. The payload is published by them and read after a load that acquires. Linearisation: a
   loan by the CAS of its slot (one sender: none needed, it is not seen), a message by the store of FULL, a release by
   the store of FREE.

   Bells. Who has to wait sets the lowest bit of a bell, looks again, and sleeps on the bell as it was with the bit. Who
   changed something for the other side reads the bell, and where the bit is set makes it the next even number and wakes
   all that sleep on it. The waiter's write of the bit and its look at the slot, and the changer's write of the slot and
   its look at the bell, are seq_cst (Dekker): either the waiter finds the change, or the changer finds the bit. A
   number, not only a bit: another waiter may set the bit again before this one sleeps. tests/models/ring.pml has it.
   A sender that sleeps is not woken for each slot: the receiver rings when half of the slots have been freed since, and
   before it waits itself. Where it does neither, since it stops receiving, the sender finds the free slot by itself: it
   sleeps for a millisecond first, and each time for twice as long as before, up to WATCH_NS.

   Barriers. A store that is seq_cst waits until the slot's line has come from the receiver's processor, which costs
   more than all else of a small message. So the sender leaves it out where the receiver says that it has all processes
   pass a barrier (bit BARRIER of its presence): after the bell's bit, before it looks at the slot. Then either the
   sender's look at the bell came after the barrier and finds the bit, or its store of FULL came before and the receiver
   finds the message; sync/asym.c has the argument for threads. The sender takes part in such barriers, or pays for its
   own. It reads the receiver's presence after the store: a receiver that took the place meanwhile, without barriers,
   might not be rung, and finds the message after WATCH_NS, as one does whose peer lies.

   Waiting is mo_wait()'s, with its policy, deadlines and traces; but the bell, which processes share, cannot be a
   private event, so the wait brings its own sleep: a thread sleeps on the bell. A fiber first looks again after short
   times, in which its thread runs others, and then leaves the bell to a thread for blocking work; where none is to be
   had soon, it goes on looking.

   Progress: the receiver and a single sender are wait-free; of several senders one always gets on.

   Distrust. The header is read once, into the handle; after that only the handle's own values give addresses: slot (t &
   mask) is inside of the mapping whatever t is. A state is read once and compared with those which it may have for the
   ticket at hand; any other one breaks the handle. The length is read once and compared with the room. The bell can
   only make its owner sleep for too long, or not at all; a sleep ends after WATCH_NS at the latest.

   Why the kernel's locks tell who is alive. A pid in the memory, with a start time, is what the other side says it is,
   means nothing in another pid namespace, and two that find a dead one must settle who comes next. A pidfd has to be
   got from that same pid. A robust mutex belongs to a thread, not to the process, and its links lie in the memory: the
   other side could lead our exit through any address. A lock of an open file description needs no trust, is dropped by
   the kernel at death, and taking it is taking the place. What it cannot do is end a sleep, so who sleeps looks every
   WATCH_NS; the other three, without a thread of their own, cannot either, but for the mutex. Such a description must
   not be shared: descriptors for others are of new ones, and a child of fork closes its own. */
#ifndef MO_NATIVE_RING_H
#define MO_NATIVE_RING_H

#include "native/native.h"
#include "park/park.h"

#include "moirai/ring.h"
#include "moirai/sync.h"

#define MO_RING_MAGIC    UINT64_C(0x31676e696961726f) /* another byte order has another number */
#define MO_RING_VERSION  2
#define MO_RING_WATCH_NS UINT64_C(100000000)

/* Bytes that are locked: the two sides' places, and one for who makes the name or takes it away. */
#define MO_RING_PLACE_RECEIVER 0
#define MO_RING_PLACE_SENDERS  1
#define MO_RING_PLACES         (MO_RING_PLACE_SENDERS + MOIRAI_RING_SENDERS_MAX)
#define MO_RING_PLACE_GATE     MO_RING_PLACES

enum mo_ring_phase { MO_RING_FREE, MO_RING_LOANED, MO_RING_FULL, MO_RING_PASSED };

#define MO_RING_TICKET_SHIFT 8
#define MO_RING_PHASE_SHIFT  6
#define MO_RING_SENDER_MASK  63u

static inline uint64_t mo_ring_state(uint64_t ticket, enum mo_ring_phase phase, unsigned sender)
{
    return ticket << MO_RING_TICKET_SHIFT | (uint64_t)phase << MO_RING_PHASE_SHIFT | sender;
}

static inline uint64_t mo_ring_ticket(uint64_t state)
{
    return state >> MO_RING_TICKET_SHIFT;
}

static inline enum mo_ring_phase mo_ring_phase(uint64_t state)
{
    return (enum mo_ring_phase)(state >> MO_RING_PHASE_SHIFT & 3);
}

/* The lowest two bits of a place's word; then BARRIER; the rest counts how often it has been taken. */
enum mo_ring_presence { MO_RING_NEVER, MO_RING_PRESENT, MO_RING_CLOSED };
#define MO_RING_BARRIER     4u
#define MO_RING_COUNT_SHIFT 3

struct mo_ring_slot {
    _Atomic uint64_t state;
    _Atomic uint32_t bytes;
    uint32_t unused;
    char payload[];
};

/* Written before the memory is given to anybody, but for what stands on lines of its own. */
struct mo_ring_shared {
    _Atomic uint64_t magic;
    _Atomic uint32_t version, kind, slots, slot_bytes, stride, slots_at;
    _Atomic uint64_t bytes;
    _Atomic uint64_t tail MO_ALIGNED(MO_LINE_PAIR);          /* MPSC; see I3 */
    _Atomic uint32_t receiver_bell MO_ALIGNED(MO_LINE_PAIR); /* senders ring it */
    _Atomic uint32_t senders_bell MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint32_t presence[MO_RING_PLACES] MO_ALIGNED(MO_LINE_PAIR);
};
#define MO_RING_SLOTS_AT 1024

_Static_assert(sizeof(struct mo_ring_shared) <= MO_RING_SLOTS_AT, "slots come after it");
_Static_assert(sizeof(struct mo_ring_slot) == 16, "what the public header promises");
_Static_assert(MOIRAI_RING_SENDERS_MAX == MO_RING_SENDER_MASK + 1, "each sender has a number");

#define MO_RING_NAME_MAX 200

/* What the other side cannot reach. */
struct moirai_ring {
    struct mo_ring_shared *shared;
    char *slots;
    uint64_t mask, stride;
    moirai_ring_shape_t shape;
    int side;
    unsigned place;
    uint64_t at; /* receiver: the next ticket, or that of the message; sender: the same, or that of the loan */
    uint32_t message_bytes; /* of the slot that was found full last */
    bool out;               /* there is a loan, or a message */
    bool broken;
    bool gone;     /* this is a child of the process that made it */
    bool barriers; /* it takes part in those of all processes; of a receiver: it makes them */
    int fd;        /* -1: nobody's, as in tests: then all are alive */
    /* What the last look at the other side said, when that was, and the sum of the words it was said of. */
    uint64_t watched_ns;
    uint32_t watched_sum;
    int watched;
    struct mo_wait_memory memory;
    struct moirai_ring *next, **link; /* all handles of the process */
    uint64_t mapped;
    char name[MO_RING_NAME_MAX + 1];
};

static inline struct mo_ring_slot *mo_ring_slot(const struct moirai_ring *r, uint64_t ticket)
{
    return (struct mo_ring_slot *)(r->slots + (ticket & r->mask) * r->stride);
}

/* What r sleeps on, and what those that it waits for sleep on. */
static inline _Atomic uint32_t *mo_ring_bell(const struct moirai_ring *r)
{
    return r->side == MOIRAI_RING_RECEIVER ? &r->shared->receiver_bell : &r->shared->senders_bell;
}

static inline _Atomic uint32_t *mo_ring_bell_of_peer(const struct moirai_ring *r)
{
    return r->side == MOIRAI_RING_RECEIVER ? &r->shared->senders_bell : &r->shared->receiver_bell;
}

static inline unsigned mo_ring_sender(const struct moirai_ring *r)
{
    return r->place - MO_RING_PLACE_SENDERS;
}

/* ---- ring_header.c */
/* MOIRAI_EINVAL for a shape that is none; else *bytes is what it takes. */
int mo_ring_measure(const moirai_ring_shape_t *shape, uint64_t *bytes);
/* Make zeroed memory a ring. */
void mo_ring_format(void *memory, const moirai_ring_shape_t *shape);
/* Memory of `bytes` bytes becomes r's ring if it is one: shape, addresses. `expected` may be NULL. MOIRAI_EINVAL. */
int mo_ring_bind(struct moirai_ring *r, void *memory, uint64_t bytes, const moirai_ring_shape_t *expected);
/* Find where r's place goes on. Requires that the place is r's alone. MOIRAI_EBROKEN. */
int mo_ring_resume(struct moirai_ring *r);
void mo_ring_set_presence(struct moirai_ring *r, enum mo_ring_presence presence);
bool mo_ring_is_empty(const struct moirai_ring *r);

/* ---- ring_wait.c */
/* Somebody sleeps on it, who has set it to `seen`. */
void mo_ring_ring_slow(_Atomic uint32_t *bell, uint32_t seen);
/* After a change that is seq_cst: pairs with the waiter's write of the bit. */
static inline void mo_ring_ring(_Atomic uint32_t *bell)
{
    uint32_t seen = mo_load_seqcst(bell);
    if (mo_unlikely(seen & 1))
        mo_ring_ring_slow(bell, seen);
}
/* After any number of changes that were released. */
void mo_ring_ring_for_all(_Atomic uint32_t *bell);
/* 1: look again, something was done. 0: it is alive, or nobody has taken it yet. MOIRAI_EPEER, MOIRAI_ECLOSED,
   MOIRAI_EBROKEN. Asks the kernel once in WATCH_NS at most, unless `now`. */
int mo_ring_watch(struct moirai_ring *r, bool now);
bool mo_ring_has_peer(const struct moirai_ring *r);
/* Until look(r) says something else than 0. A deadline of 0: one try, MOIRAI_EBUSY. */
int mo_ring_await(struct moirai_ring *r, int (*look)(struct moirai_ring *r), uint64_t deadline_ns);
/* Until somebody has the other side. */
int mo_ring_meet(struct moirai_ring *r, uint64_t deadline_ns);

/* ---- ring_fiber.c */
/* Sleep on the bell as a fiber, for about that long at most. False: no thread for blocking work was free. */
bool mo_ring_errand(_Atomic uint32_t *bell, uint32_t seen, uint64_t nap_ns);

/* ---- ring_move.c */
/* The receiver's look: 1 a message, 0 none, or MOIRAI_EBROKEN. */
int mo_ring_look_full(struct moirai_ring *r);
/* LOANED(t, sender) of one that is dead. */
void mo_ring_pass_over(struct moirai_ring *r, uint64_t state);

static inline int mo_ring_break(struct moirai_ring *r)
{
    r->broken = true;
    return MOIRAI_EBROKEN;
}

/* MOIRAI_OK, or why the handle is good for nothing any more. */
static inline int mo_ring_usable(const struct moirai_ring *r)
{
    return mo_likely(!r->broken && !r->gone) ? MOIRAI_OK : r->gone ? MOIRAI_ESTALE : MOIRAI_EBROKEN;
}

#endif
