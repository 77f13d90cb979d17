/* What a ring says of itself, and where a side goes on that comes to it; native/ring.h has the rules. */
#include "native/ring.h"

#include <string.h>

static uint64_t stride_of(uint32_t slot_bytes)
{
    return ((uint64_t)slot_bytes + sizeof(struct mo_ring_slot) + MO_CACHE_LINE - 1) & ~(uint64_t)(MO_CACHE_LINE - 1);
}

int mo_ring_measure(const moirai_ring_shape_t *shape, uint64_t *bytes)
{
    if ((shape->kind != MOIRAI_RING_SPSC && shape->kind != MOIRAI_RING_MPSC) || shape->slots == 0 ||
        shape->slots > MOIRAI_RING_SLOTS_MAX || (shape->slots & (shape->slots - 1)) != 0 || shape->slot_bytes == 0 ||
        shape->slot_bytes > MOIRAI_RING_SLOT_BYTES_MAX)
        return MOIRAI_EINVAL;
    *bytes = MO_RING_SLOTS_AT + shape->slots * stride_of(shape->slot_bytes);
    return MOIRAI_OK;
}

void mo_ring_format(void *memory, const moirai_ring_shape_t *shape)
{
    struct mo_ring_shared *s = memory;
    uint64_t bytes = 0, stride = stride_of(shape->slot_bytes);
    mo_ring_measure(shape, &bytes);
    mo_store_relaxed(&s->version, MO_RING_VERSION);
    mo_store_relaxed(&s->kind, (uint32_t)shape->kind);
    mo_store_relaxed(&s->slots, shape->slots);
    mo_store_relaxed(&s->slot_bytes, shape->slot_bytes);
    mo_store_relaxed(&s->stride, (uint32_t)stride);
    mo_store_relaxed(&s->slots_at, MO_RING_SLOTS_AT);
    mo_store_relaxed(&s->bytes, bytes);
    for (uint64_t t = 0; t < shape->slots; t++) {
        struct mo_ring_slot *slot = (struct mo_ring_slot *)((char *)memory + MO_RING_SLOTS_AT + t * stride);
        mo_store_relaxed(&slot->state, mo_ring_state(t, MO_RING_FREE, 0));
    }
    mo_store_release(&s->magic, MO_RING_MAGIC);
}

/* Each word is read once. What can be computed is not believed but compared. */
int mo_ring_bind(struct moirai_ring *r, void *memory, uint64_t bytes, const moirai_ring_shape_t *expected)
{
    struct mo_ring_shared *s = memory;
    if (bytes < MO_RING_SLOTS_AT || mo_load_acquire(&s->magic) != MO_RING_MAGIC ||
        mo_load_relaxed(&s->version) != MO_RING_VERSION)
        return MOIRAI_EINVAL;
    uint32_t kind = mo_load_relaxed(&s->kind);
    moirai_ring_shape_t shape = {.kind = kind <= MOIRAI_RING_MPSC ? (int)kind : -1,
                                 .slots = mo_load_relaxed(&s->slots),
                                 .slot_bytes = mo_load_relaxed(&s->slot_bytes)};
    uint64_t needed;
    if (mo_ring_measure(&shape, &needed) != MOIRAI_OK || needed != bytes || mo_load_relaxed(&s->bytes) != bytes ||
        mo_load_relaxed(&s->stride) != stride_of(shape.slot_bytes) || mo_load_relaxed(&s->slots_at) != MO_RING_SLOTS_AT)
        return MOIRAI_EINVAL;
    if (expected &&
        (expected->kind != shape.kind || expected->slots != shape.slots || expected->slot_bytes != shape.slot_bytes))
        return MOIRAI_EINVAL;
    r->shared = s;
    r->slots = (char *)memory + MO_RING_SLOTS_AT;
    r->mask = shape.slots - 1;
    r->stride = stride_of(shape.slot_bytes);
    r->shape = shape;
    return MOIRAI_OK;
}

/* Slot `k` may be in this state, at some time. */
static bool is_possible(const struct moirai_ring *r, uint64_t k, uint64_t state)
{
    enum mo_ring_phase phase = mo_ring_phase(state);
    bool has_sender = phase == MO_RING_LOANED || phase == MO_RING_FULL;
    if ((mo_ring_ticket(state) & r->mask) != k || (!has_sender && (state & MO_RING_SENDER_MASK) != 0))
        return false;
    if (r->shape.kind == MOIRAI_RING_MPSC)
        return true;
    return phase == MO_RING_FREE || (phase == MO_RING_FULL && (state & MO_RING_SENDER_MASK) == 0);
}

/* I1: the receiver. */
static int resume_receiver(struct moirai_ring *r)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t k = 0; k <= r->mask; k++) {
        uint64_t state = mo_load_acquire(&mo_ring_slot(r, k)->state), t = mo_ring_ticket(state);
        if (!is_possible(r, k, state))
            return MOIRAI_EBROKEN;
        least = t < least ? t : least;
        most = t > most ? t : most;
    }
    if (most - least > r->mask)
        return MOIRAI_EBROKEN;
    r->at = least;
    return MOIRAI_OK;
}

/* I2: the only sender. 1 is added to each number so that the first round, where nothing was filled, is not negative. */
static int resume_sender(struct moirai_ring *r)
{
    uint64_t least = UINT64_MAX, most = 0, slots = r->shape.slots;
    for (uint64_t k = 0; k <= r->mask; k++) {
        uint64_t state = mo_load_acquire(&mo_ring_slot(r, k)->state);
        if (!is_possible(r, k, state))
            return MOIRAI_EBROKEN;
        uint64_t filled = mo_ring_ticket(state) + (mo_ring_phase(state) == MO_RING_FREE ? 0 : slots);
        least = filled < least ? filled : least;
        most = filled > most ? filled : most;
    }
    if (most - least > r->mask || most < slots - 1)
        return MOIRAI_EBROKEN;
    r->at = most - (slots - 1);
    return MOIRAI_OK;
}

/* I4: one of several senders. */
static int resume_among_senders(struct moirai_ring *r)
{
    for (uint64_t k = 0; k <= r->mask; k++) {
        uint64_t state = mo_load_acquire(&mo_ring_slot(r, k)->state);
        if (!is_possible(r, k, state))
            return MOIRAI_EBROKEN;
        if (mo_ring_phase(state) == MO_RING_LOANED && (state & MO_RING_SENDER_MASK) == mo_ring_sender(r))
            mo_ring_pass_over(r, state);
    }
    return MOIRAI_OK;
}

int mo_ring_resume(struct moirai_ring *r)
{
    if (r->side == MOIRAI_RING_RECEIVER)
        return resume_receiver(r);
    return r->shape.kind == MOIRAI_RING_SPSC ? resume_sender(r) : resume_among_senders(r);
}

/* Only who has the place writes its word. */
void mo_ring_set_presence(struct moirai_ring *r, enum mo_ring_presence presence)
{
    _Atomic uint32_t *word = &r->shared->presence[r->place];
    uint32_t count = (mo_load_relaxed(word) >> MO_RING_COUNT_SHIFT) + 1;
    mo_store_seqcst(word, count << MO_RING_COUNT_SHIFT | (r->barriers ? MO_RING_BARRIER : 0) | (uint32_t)presence);
}

bool mo_ring_is_empty(const struct moirai_ring *r)
{
    for (uint64_t k = 0; k <= r->mask; k++)
        if (mo_ring_phase(mo_load_acquire(&mo_ring_slot(r, k)->state)) == MO_RING_FULL)
            return false;
    return true;
}
