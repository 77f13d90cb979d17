/* Loans and messages; native/ring.h has the rules. */
#include "native/ring.h"
#include "plat/plat.h"

#define TRIES_MAX 65536 /* lost races of one look, until it says that there is nothing now */

void mo_ring_pass_over(struct moirai_ring *r, uint64_t state)
{
    uint64_t t = mo_ring_ticket(state);
    if (mo_cas_seqcst(&mo_ring_slot(r, t)->state, &state, mo_ring_state(t, MO_RING_PASSED, 0)))
        mo_ring_ring(&r->shared->receiver_bell);
}

/* ---- Receiving. */
/* The senders' bell is for half of the slots at once, and for what is left when the receiver waits. */
static void free_slot(struct moirai_ring *r)
{
    uint64_t next = r->at + r->shape.slots, half = r->mask >> 1;
    mo_store_release(&mo_ring_slot(r, r->at)->state, mo_ring_state(next, MO_RING_FREE, 0));
    r->at++;
    if ((r->at & half) == 0)
        mo_ring_ring_for_all(&r->shared->senders_bell);
}

static int take_full(struct moirai_ring *r, const struct mo_ring_slot *slot)
{
    uint32_t bytes = mo_load_relaxed(&slot->bytes); /* written before the state, which was acquired */
    if (bytes > r->shape.slot_bytes)
        return mo_ring_break(r);
    r->message_bytes = bytes;
    return 1;
}

/* Passes over at most one round, lest the other side keeps us at it. */
int mo_ring_look_full(struct moirai_ring *r)
{
    bool many = r->shape.kind == MOIRAI_RING_MPSC;
    for (uint64_t i = 0; i <= r->mask; i++) {
        struct mo_ring_slot *slot = mo_ring_slot(r, r->at);
        uint64_t state = mo_load_seqcst(&slot->state); /* after the bell's bit */
        unsigned sender = many ? state & MO_RING_SENDER_MASK : 0;
        if (mo_likely(state == mo_ring_state(r->at, MO_RING_FULL, sender)))
            return take_full(r, slot);
        if (state == mo_ring_state(r->at, MO_RING_FREE, 0))
            return 0;
        if (!many || mo_ring_ticket(state) != r->at)
            return mo_ring_break(r);
        if (state == mo_ring_state(r->at, MO_RING_LOANED, sender))
            return 0;
        if (state != mo_ring_state(r->at, MO_RING_PASSED, 0))
            return mo_ring_break(r);
        free_slot(r);
    }
    return 0;
}

static __attribute__((noinline)) int receive_slow(moirai_ring_t *r, uint64_t deadline_ns)
{
    return mo_ring_await(r, mo_ring_look_full, deadline_ns);
}

MO_API int moirai_ring_receive_until(moirai_ring_t *ring, const void **message, size_t *bytes, uint64_t deadline_ns)
{
    if (!ring || !message || !bytes)
        return MOIRAI_EINVAL;
    int status = mo_ring_usable(ring);
    if (mo_unlikely(status))
        return status;
    if (ring->side != MOIRAI_RING_RECEIVER || ring->out)
        return ring->out ? MOIRAI_EALREADY : MOIRAI_EPERM;
    status = mo_ring_look_full(ring);
    if (mo_unlikely(status <= 0)) {
        status = status ? status : receive_slow(ring, deadline_ns);
        if (status < 0)
            return status;
    }
    *message = mo_ring_slot(ring, ring->at)->payload;
    *bytes = ring->message_bytes;
    ring->out = true;
    return MOIRAI_OK;
}

MO_API int moirai_ring_receive(moirai_ring_t *ring, const void **message, size_t *bytes)
{
    return moirai_ring_receive_until(ring, message, bytes, MOIRAI_FOREVER);
}

MO_API int moirai_ring_try_receive(moirai_ring_t *ring, const void **message, size_t *bytes)
{
    return moirai_ring_receive_until(ring, message, bytes, 0);
}

MO_API int moirai_ring_release(moirai_ring_t *ring)
{
    if (!ring)
        return MOIRAI_EINVAL;
    int status = mo_ring_usable(ring);
    if (mo_unlikely(status))
        return status;
    if (ring->side != MOIRAI_RING_RECEIVER || !ring->out)
        return MOIRAI_EPERM;
    ring->out = false;
    free_slot(ring);
    return MOIRAI_OK;
}

/* ---- Sending. */
static int look_free_alone(struct moirai_ring *r)
{
    uint64_t state = mo_load_seqcst(&mo_ring_slot(r, r->at)->state); /* after the bell's bit */
    if (mo_likely(state == mo_ring_state(r->at, MO_RING_FREE, 0)))
        return 1;
    return state == mo_ring_state(r->at - r->shape.slots, MO_RING_FULL, 0) ? 0 : mo_ring_break(r);
}

/* What a sender that believes in ticket `t` makes of that slot. */
enum verdict { OURS, FULL_UP, BEHIND, WRONG };

static enum verdict judge(const struct moirai_ring *r, uint64_t t, uint64_t state)
{
    uint64_t ticket = mo_ring_ticket(state);
    bool is_free = mo_ring_phase(state) == MO_RING_FREE;
    if (ticket == t)
        return is_free ? (state & MO_RING_SENDER_MASK) == 0 ? OURS : WRONG : BEHIND;
    if (ticket == t - r->shape.slots && !is_free)
        return FULL_UP;
    return ticket == t + r->shape.slots && is_free ? BEHIND : WRONG;
}

/* I3. Where the tail has not moved since it was read, the slot may only be in the states that judge() knows. */
static int look_free_among(struct moirai_ring *r)
{
    _Atomic uint64_t *tail = &r->shared->tail;
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        uint64_t t = mo_load_seqcst(tail), seen = t; /* after the bell's bit */
        _Atomic uint64_t *word = &mo_ring_slot(r, t)->state;
        uint64_t state = mo_load_seqcst(word);
        enum verdict verdict = judge(r, t, state);
        if (verdict == OURS && mo_cas_seqcst(word, &state, mo_ring_state(t, MO_RING_LOANED, mo_ring_sender(r)))) {
            mo_cas_seqcst(tail, &seen, t + 1);
            r->at = t;
            return 1;
        }
        if (verdict == BEHIND)
            mo_cas_seqcst(tail, &seen, t + 1);
        if (verdict >= FULL_UP && verdict != BEHIND && mo_load_seqcst(tail) == t)
            return verdict == FULL_UP ? 0 : mo_ring_break(r);
    }
    return 0;
}

static int look_free(struct moirai_ring *r)
{
    uint32_t presence = mo_load_acquire(&r->shared->presence[MO_RING_PLACE_RECEIVER]);
    if (mo_unlikely((presence & 3) == MO_RING_CLOSED))
        return MOIRAI_ECLOSED;
    return r->shape.kind == MOIRAI_RING_SPSC ? look_free_alone(r) : look_free_among(r);
}

static __attribute__((noinline)) int loan_slow(moirai_ring_t *r, uint64_t deadline_ns)
{
    return mo_ring_await(r, look_free, deadline_ns);
}

MO_API int moirai_ring_loan_until(moirai_ring_t *ring, void **room, uint64_t deadline_ns)
{
    if (!ring || !room)
        return MOIRAI_EINVAL;
    int status = mo_ring_usable(ring);
    if (mo_unlikely(status))
        return status;
    if (ring->side != MOIRAI_RING_SENDER || ring->out)
        return ring->out ? MOIRAI_EALREADY : MOIRAI_EPERM;
    status = look_free(ring);
    if (mo_unlikely(status <= 0)) {
        status = status ? status : loan_slow(ring, deadline_ns);
        if (status < 0)
            return status;
    }
    *room = mo_ring_slot(ring, ring->at)->payload;
    ring->out = true;
    return MOIRAI_OK;
}

MO_API int moirai_ring_loan(moirai_ring_t *ring, void **room)
{
    return moirai_ring_loan_until(ring, room, MOIRAI_FOREVER);
}

MO_API int moirai_ring_try_loan(moirai_ring_t *ring, void **room)
{
    return moirai_ring_loan_until(ring, room, 0);
}

/* Barriers: the receiver's bell is looked at next. */
static inline void fill_alone(const struct moirai_ring *r, _Atomic uint64_t *word, uint64_t state)
{
    mo_store_release(word, state);
    mo_plat_light_barrier();
    if (mo_unlikely(!r->barriers) ||
        mo_unlikely(!(mo_load_relaxed(&r->shared->presence[MO_RING_PLACE_RECEIVER]) & MO_RING_BARRIER)))
        mo_plat_full_barrier(&r->shared->tail); /* which means nothing with one sender */
}

/* The loan's slot, with several senders only if it is the caller's still: a receiver that lies may have given it
   away. */
static int end_loan(struct moirai_ring *r, uint64_t state)
{
    _Atomic uint64_t *word = &mo_ring_slot(r, r->at)->state;
    uint64_t mine = mo_ring_state(r->at, MO_RING_LOANED, mo_ring_sender(r));
    if (r->shape.kind == MOIRAI_RING_SPSC)
        fill_alone(r, word, state);
    else if (!mo_cas_seqcst(word, &mine, state))
        return mo_ring_break(r);
    mo_ring_ring(&r->shared->receiver_bell);
    return MOIRAI_OK;
}

static int loan_status(const moirai_ring_t *ring)
{
    int status = ring ? mo_ring_usable(ring) : MOIRAI_EINVAL;
    return status ? status : ring->side == MOIRAI_RING_SENDER && ring->out ? MOIRAI_OK : MOIRAI_EPERM;
}

MO_API int moirai_ring_publish(moirai_ring_t *ring, size_t bytes)
{
    int status = loan_status(ring);
    if (mo_unlikely(status))
        return status;
    if (bytes > ring->shape.slot_bytes)
        return MOIRAI_EINVAL;
    ring->out = false;
    mo_store_relaxed(&mo_ring_slot(ring, ring->at)->bytes, (uint32_t)bytes);
    status = end_loan(ring, mo_ring_state(ring->at, MO_RING_FULL, mo_ring_sender(ring)));
    ring->at++;
    return status;
}

/* A single sender's loan has left no trace. */
MO_API int moirai_ring_drop(moirai_ring_t *ring)
{
    int status = loan_status(ring);
    if (mo_unlikely(status))
        return status;
    ring->out = false;
    if (ring->shape.kind == MOIRAI_RING_SPSC)
        return MOIRAI_OK;
    return end_loan(ring, mo_ring_state(ring->at, MO_RING_PASSED, 0));
}
