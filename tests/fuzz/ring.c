/* A ring whose other side writes what it likes. The first bytes choose its kind and sizes; then each byte is a step of
   one of the sides, or a write by somebody else, whose place and value the next bytes say.

   Required: whatever was written, a call returns a status that it may return, and what it hands out lies in a slot;
   nothing outside of the block is touched (AddressSanitizer); memory that is taken for a ring has the size that its
   shape asks for. Where nobody has written anything nothing breaks, and messages come once and in order. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "native/ring.h"

/* There are no fibers here. */
bool mo_ring_errand(_Atomic uint32_t *bell, uint32_t seen, uint64_t nap_ns)
{
    (void)bell, (void)seen, (void)nap_ns;
    return false;
}

#define SIDES     3 /* a receiver, two senders */
#define BYTES_MAX 300
#define STEPS_MAX 512
#define QUEUE_MAX 64

struct input {
    const uint8_t *at, *end;
};

static struct {
    moirai_ring_shape_t shape;
    uint64_t bytes;
    char *memory;
    bool clean;
    struct moirai_ring sides[SIDES];
    bool attached[SIDES];
    /* In a clean world: loans and messages in the order of the loans. */
    struct {
        unsigned number, sender;
        bool published, dropped;
    } queue[QUEUE_MAX];
    unsigned first, last, number;
} world;

static uint32_t take(struct input *in, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (in->at < in->end ? (uint32_t)*in->at++ : 0u) << 8 * i;
    return value;
}

static void check_in_slot(const void *p, size_t bytes)
{
    size_t stride = (world.shape.slot_bytes + 16 + 63u) & ~(size_t)63, at = (size_t)((const char *)p - world.memory);
    REQUIRE((const char *)p > world.memory && at < world.bytes, "%zu of %zu", at, (size_t)world.bytes);
    REQUIRE((at - 1024 - 16) % stride == 0 && bytes <= world.shape.slot_bytes, "%zu, %zu bytes", at, bytes);
}

static void check_status(int status)
{
    REQUIRE(status == MOIRAI_OK || status == MOIRAI_EBUSY || status == MOIRAI_EALREADY || status == MOIRAI_EPERM ||
                status == MOIRAI_EINVAL || status == MOIRAI_EBROKEN || status == MOIRAI_ECLOSED ||
                status == MOIRAI_ETIMEDOUT,
            "%d", status);
    REQUIRE(!world.clean || status != MOIRAI_EBROKEN, "nobody wrote anything");
}

static void attach(unsigned side)
{
    struct moirai_ring *r = &world.sides[side];
    /* With one sender the second never comes; a place that somebody has is not taken twice. */
    if (side == 2 && world.shape.kind == MOIRAI_RING_SPSC)
        return;
    if (world.attached[side] && world.clean && r->out)
        return;
    memset(r, 0, sizeof *r);
    r->fd = -1;
    r->side = side == 0 ? MOIRAI_RING_RECEIVER : MOIRAI_RING_SENDER;
    r->place = side;
    int status = mo_ring_bind(r, world.memory, world.bytes, NULL);
    world.attached[side] = false;
    REQUIRE(status == MOIRAI_OK || (status == MOIRAI_EINVAL && !world.clean), "%d", status);
    if (status)
        return;
    uint64_t bytes;
    REQUIRE(mo_ring_measure(&r->shape, &bytes) == MOIRAI_OK && bytes == world.bytes, "another size");
    if (memcmp(&r->shape, &world.shape, sizeof world.shape) != 0)
        return; /* a ring of another shape and the same size: not what is looked at here */
    status = mo_ring_resume(r);
    check_status(status);
    world.attached[side] = status == MOIRAI_OK;
    if (world.attached[side])
        mo_ring_set_presence(r, MO_RING_PRESENT);
}

/* ---- What is expected in a clean world. */
static void note_loan(unsigned side)
{
    REQUIRE(world.last - world.first < world.shape.slots, "more loans than slots");
    unsigned i = world.last++ % QUEUE_MAX;
    world.queue[i].number = world.number++;
    world.queue[i].sender = side;
    world.queue[i].published = world.queue[i].dropped = false;
}

static unsigned end_of_loan(unsigned side)
{
    unsigned i = world.last;
    do
        i--;
    while (world.queue[i % QUEUE_MAX].sender != side);
    return i % QUEUE_MAX;
}

static void skip_dropped(void)
{
    while (world.first < world.last && world.queue[world.first % QUEUE_MAX].dropped)
        world.first++;
}

/* ---- Steps. */
static void loan(unsigned side, uint64_t deadline)
{
    void *room;
    struct moirai_ring *r = &world.sides[side];
    bool had = r->out;
    int status = moirai_ring_loan_until(r, &room, deadline);
    check_status(status);
    if (status != MOIRAI_OK)
        return;
    REQUIRE(!had, "two loans");
    check_in_slot(room, world.shape.slot_bytes);
    memset(room, (int)side, world.shape.slot_bytes);
    if (!world.clean)
        return;
    note_loan(side);
    uint32_t number = world.number - 1;
    memcpy(room, &number, sizeof number);
}

static void publish(unsigned side, size_t bytes)
{
    struct moirai_ring *r = &world.sides[side];
    bool had = r->out;
    int status = moirai_ring_publish(r, bytes);
    check_status(status);
    REQUIRE(status != MOIRAI_OK || (had && bytes <= world.shape.slot_bytes), "%zu bytes", bytes);
    if (status == MOIRAI_OK && world.clean)
        world.queue[end_of_loan(side)].published = true;
}

static void drop(unsigned side)
{
    bool had = world.sides[side].out;
    int status = moirai_ring_drop(&world.sides[side]);
    check_status(status);
    if (status != MOIRAI_OK || !world.clean)
        return;
    REQUIRE(had, "no loan");
    if (world.shape.kind == MOIRAI_RING_SPSC)
        world.last--;
    else
        world.queue[end_of_loan(side)].dropped = true;
}

static void receive(uint64_t deadline)
{
    const void *message;
    size_t bytes;
    bool had = world.sides[0].out;
    int status = moirai_ring_receive_until(&world.sides[0], &message, &bytes, deadline);
    check_status(status);
    skip_dropped();
    if (status == MOIRAI_OK) {
        REQUIRE(!had, "two messages");
        check_in_slot(message, bytes);
    }
    if (!world.clean || had)
        return;
    bool there = world.first < world.last && world.queue[world.first % QUEUE_MAX].published;
    REQUIRE((status == MOIRAI_OK) == there, "%d", status);
    uint32_t number;
    if (!there)
        return;
    memcpy(&number, message, sizeof number);
    REQUIRE(number == world.queue[world.first % QUEUE_MAX].number, "%u", number);
}

static void release(void)
{
    bool had = world.sides[0].out;
    int status = moirai_ring_release(&world.sides[0]);
    check_status(status);
    REQUIRE(status != MOIRAI_OK || had, "no message");
    if (status == MOIRAI_OK && world.clean)
        world.first++;
}

static void scribble(struct input *in)
{
    world.clean = false;
    uint32_t where = take(in, 2);
    uint64_t value = take(in, 3);
    if (where & 1) { /* a state that could almost be */
        size_t stride = (world.shape.slot_bytes + 16 + 63u) & ~(size_t)63;
        memcpy(world.memory + 1024 + (where >> 1) % world.shape.slots * stride, &value, sizeof value);
    } else {
        size_t at = (where >> 1) % (world.bytes - 4) & ~(size_t)3;
        value |= (uint64_t)take(in, 1) << 24;
        memcpy(world.memory + at, &value, 4);
    }
}

static void step(struct input *in)
{
    uint32_t what = take(in, 1);
    unsigned side = 1 + (what >> 4 & 1);
    uint64_t deadline = what == 0xff; /* one that has passed: as a wait without the sleep */
    switch (what & 15) {
    case 0:
    case 1:
        return scribble(in);
    case 2:
        return attach((what >> 4) % SIDES);
    case 3:
    case 4:
    case 15:
        return world.attached[0] ? receive(deadline) : (void)0;
    case 5:
    case 6:
        return world.attached[0] ? release() : (void)0;
    case 7:
        return world.attached[side] ? drop(side) : (void)0;
    case 8:
    case 9:
    case 10:
        return world.attached[side] ? publish(side, take(in, 2) % (world.shape.slot_bytes + 2)) : (void)0;
    default:
        return world.attached[side] ? loan(side, deadline) : (void)0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, data + bytes};
    memset(&world, 0, sizeof world);
    world.clean = true;
    world.shape.kind = (int)take(&in, 1) & 1;
    world.shape.slots = 1u << take(&in, 1) % 5;
    world.shape.slot_bytes = 4 + take(&in, 2) % BYTES_MAX;
    REQUIRE(mo_ring_measure(&world.shape, &world.bytes) == MOIRAI_OK, "a shape");
    void *memory;
    REQUIRE(posix_memalign(&memory, 128, world.bytes) == 0, "no memory");
    world.memory = memory;
    memset(world.memory, 0, world.bytes);
    mo_ring_format(world.memory, &world.shape);
    for (unsigned side = 0; side < SIDES; side++)
        attach(side);
    for (unsigned i = 0; i < STEPS_MAX && in.at < in.end; i++)
        step(&in);
    free(world.memory);
    return 0;
}
