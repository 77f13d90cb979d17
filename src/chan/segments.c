/* The channel without bound: a list of segments, each a run of slots that are written and read once.

   Positions count slots, and one more at each segment's end that is no slot: while tail (or head) is there, the one who
   claimed the last slot is putting the next segment in its place, and others wait for it, a few instructions.

   G1  a slot is claimed by a CAS of tail or head. The segment that was read before a CAS that succeeds is the claimed
       slot's: the pointer changes only while the index is at a segment's end, and positions never come back.
   G2  nothing of a segment is touched before a slot of it has been claimed. Whoever has claimed one to read counts it
       in `taken` as its last access; who brings it to the number of slots gives the segment back. A sender's last
       access, the release of the slot, comes before the slot is read; so nobody looks into a segment that is gone.
   G3  the segment to follow is there before the last slot is claimed: no memory means that nothing has been sent.
   G4  closing sets a bit of tail, as in ring.c; the step over a segment's end keeps it.

   One segment that is used up is kept for the next that is needed. Memory is that of the messages inside, and two
   segments. */
#include "chan/chan.h"

#include "mem/mem.h"

#define SEGMENT_BYTES 16384

struct slot {
    _Atomic uint32_t written;
    char message[] MO_ALIGNED(8);
};

struct mo_chan_segment {
    _Atomic(struct mo_chan_segment *) next;
    _Atomic uint32_t taken;
    char slots[] MO_ALIGNED(8);
};

static uint64_t end_of(const struct mo_chan *c)
{
    return ((uint64_t)1 << c->shift) - 1;
}

static uint64_t offset_of(const struct mo_chan *c, uint64_t position)
{
    return position & end_of(c);
}

static struct slot *slot_at(const struct mo_chan *c, struct mo_chan_segment *s, uint64_t position)
{
    return (struct slot *)(s->slots + offset_of(c, position) * c->stride);
}

static size_t segment_bytes(const struct mo_chan *c)
{
    return sizeof(struct mo_chan_segment) + end_of(c) * c->stride;
}

static struct mo_chan_segment *get_segment(struct mo_chan *c)
{
    struct mo_chan_segment *s = mo_exchange_acquire(&c->segments.spare, (struct mo_chan_segment *)NULL);
    return s ? s : mo_extent_alloc(segment_bytes(c));
}

static void drop_segment(struct mo_chan *c, struct mo_chan_segment *s)
{
    if (s)
        mo_extent_free(s, segment_bytes(c));
}

static void keep_segment(struct mo_chan *c, struct mo_chan_segment *s)
{
    drop_segment(c, mo_exchange_acq_rel(&c->segments.spare, s));
}

static void renew_segment(struct mo_chan *c, struct mo_chan_segment *s)
{
    mo_store_relaxed(&s->next, (struct mo_chan_segment *)NULL); /* relaxed: who keeps it releases */
    mo_store_relaxed(&s->taken, 0u);
    for (uint64_t i = 0; i < end_of(c); i++)
        mo_store_relaxed(&slot_at(c, s, i)->written, 0u);
    keep_segment(c, s);
}

int mo_chan_segments_init(struct mo_chan *c)
{
    c->stride = (uint32_t)(sizeof(struct slot) + ((c->bytes + 7) & ~7u));
    c->shift = 4;
    while (c->shift < 9 && ((size_t)2 << c->shift) * c->stride <= SEGMENT_BYTES)
        c->shift++;
    struct mo_chan_segment *s = mo_extent_alloc(segment_bytes(c));
    if (!s)
        return ENOMEM;
    mo_store_relaxed(&c->segments.tail_segment, s);
    mo_store_relaxed(&c->segments.head_segment, s);
    return 0;
}

void mo_chan_segments_free(struct mo_chan *c)
{
    drop_segment(c, mo_load_acquire(&c->segments.spare));
    drop_segment(c, mo_load_acquire(&c->segments.tail_segment));
}

/* In the place of the one whose last slot was claimed by the caller. */
static void append(struct mo_chan *c, struct mo_chan_segment *last, struct mo_chan_segment *next)
{
    mo_store_release(&c->segments.tail_segment, next);
    mo_store_release(&last->next, next);
    mo_fetch_add_acq_rel(&c->segments.tail, 1); /* release for G1 */
}

static int send(struct mo_chan *c, const void *message)
{
    struct mo_chan_segments *g = &c->segments;
    struct mo_chan_segment *fresh = NULL;
    unsigned round = 0;
    for (;;) {
        uint64_t position = mo_load_acquire(&g->tail), offset = offset_of(c, position);
        if (position & MO_CHAN_CLOSED) {
            if (fresh)
                keep_segment(c, fresh);
            return EPIPE;
        }
        if (offset == end_of(c)) {
            mo_chan_backoff(&round);
            continue;
        }
        if (offset + 1 == end_of(c) && !fresh && !(fresh = get_segment(c)))
            return ENOMEM;
        struct mo_chan_segment *s = mo_load_acquire(&g->tail_segment);
        if (!mo_cas_acq_rel(&g->tail, &position, position + 1))
            continue;
        if (offset + 1 == end_of(c)) {
            append(c, s, fresh);
            fresh = NULL;
        }
        struct slot *slot = slot_at(c, s, position);
        mo_chan_copy(slot->message, message, c->bytes);
        mo_store_release(&slot->written, 1u); /* pairs with take() */
        if (fresh)
            keep_segment(c, fresh);
        mo_chan_notify(c, MO_CHAN_RECV, 1);
        return 0;
    }
}

static void take(struct mo_chan *c, struct mo_chan_segment *s, uint64_t position, void *message)
{
    struct mo_chan_segments *g = &c->segments;
    unsigned round = 0;
    if (offset_of(c, position) + 1 == end_of(c)) {
        struct mo_chan_segment *next;
        while (!(next = mo_load_acquire(&s->next)))
            mo_chan_backoff(&round);
        mo_store_release(&g->head_segment, next);
        mo_fetch_add_acq_rel(&g->head, 1);
    }
    struct slot *slot = slot_at(c, s, position);
    while (!mo_load_acquire(&slot->written))
        mo_chan_backoff(&round);
    mo_chan_copy(message, slot->message, c->bytes);
    if (mo_fetch_add_acq_rel(&s->taken, 1u) + 1 == end_of(c)) /* G2; acq_rel: after all other readers' accesses */
        renew_segment(c, s);
}

/* Tail may still be at the end of a segment that has been read through: then it is one behind head. */
static bool is_empty(uint64_t head, uint64_t tail)
{
    return (int64_t)((tail & ~MO_CHAN_CLOSED) - head) <= 0;
}

static int recv(struct mo_chan *c, void *message)
{
    struct mo_chan_segments *g = &c->segments;
    unsigned round = 0;
    for (;;) {
        uint64_t position = mo_load_acquire(&g->head);
        if (offset_of(c, position) == end_of(c)) {
            mo_chan_backoff(&round);
            continue;
        }
        struct mo_chan_segment *s = mo_load_acquire(&g->head_segment);
        uint64_t tail = mo_load_acquire(&g->tail);
        if (is_empty(position, tail)) {
            if (mo_load_acquire(&g->head) != position)
                continue;
            return tail & MO_CHAN_CLOSED ? EPIPE : EAGAIN;
        }
        if (!mo_cas_acq_rel(&g->head, &position, position + 1))
            continue;
        take(c, s, position, message);
        return 0;
    }
}

int mo_chan_segments_try(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    return side == MO_CHAN_SEND ? send(c, message) : recv(c, message);
}

bool mo_chan_segments_ready(struct mo_chan *c, enum mo_chan_side side)
{
    uint64_t head = mo_load_acquire(&c->segments.head), tail = mo_load_acquire(&c->segments.tail);
    return side == MO_CHAN_SEND || (tail & MO_CHAN_CLOSED) || !is_empty(head, tail);
}

static uint64_t slots_before(const struct mo_chan *c, uint64_t position)
{
    return (position >> c->shift) * end_of(c) + offset_of(c, position);
}

uint64_t mo_chan_segments_count(struct mo_chan *c)
{
    uint64_t head = mo_load_acquire(&c->segments.head), tail = mo_load_acquire(&c->segments.tail) & ~MO_CHAN_CLOSED;
    uint64_t before = slots_before(c, head), after = slots_before(c, tail);
    return after > before ? after - before : 0;
}
