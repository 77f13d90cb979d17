/* One owner, two thieves, a buffer that starts with two slots: what went in comes out, each item exactly once.

   Work comes in generations. The owner pushes bursts and pops some; at the end of a generation it drains the deque and
   raises the guard word. A thief names the generation it read, and must never get an item of a later one. */
#include "queue/deque.h"
#include "stress.h"

#define THIEVES     2
#define GENERATIONS (100 * STRESS_FACTOR)
#define ITEMS       2000 /* in each */
#define BURST       512

static struct mo_deque deque;
static struct mo_epoch_reader reader[THIEVES];
static _Atomic uint8_t taken[GENERATIONS * ITEMS];
static _Atomic uint32_t generation;
static _Atomic uint32_t started;
static _Atomic bool finished;
static _Atomic uint64_t stolen, lost;

/* Item i is the pointer i + 1, so that NULL stays none. */
static uintptr_t count_taken(void *item)
{
    uintptr_t i = (uintptr_t)item - 1;
    EXPECT(i < GENERATIONS * ITEMS);
    EXPECT(mo_fetch_add_relaxed(&taken[i], 1) == 0);
    return i;
}

static void thieve(unsigned self)
{
    void *item;
    uint64_t mine = 0, races = 0;
    uint32_t random = self + 1;
    mo_fetch_add_acq_rel(&started, 1u);
    while (!mo_load_acquire(&finished)) {
        uint32_t now = mo_load_acquire(&generation);
        const struct mo_deque_guard guard = {&generation, now};
        mo_epoch_enter(&reader[self]);
        enum mo_steal_result r = mo_deque_steal(&deque, &guard, NULL, NULL, &item);
        mo_epoch_leave(&reader[self]);
        if (r == MO_STEAL_OK) {
            EXPECT(count_taken(item) / ITEMS == now);
            mine++;
        }
        if (stress_random(&random) % 256 == 0)
            mo_plat_yield();
        races += r == MO_STEAL_LOST;
    }
    mo_fetch_add_relaxed(&stolen, mine);
    mo_fetch_add_relaxed(&lost, races);
}

static void pop_some(unsigned n)
{
    void *item;
    while (n-- > 0 && (item = mo_deque_pop_owner(&deque, INT64_MIN, true)))
        count_taken(item);
    EXPECT(mo_deque_is_valid(&deque));
}

static void push_some(uintptr_t from, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        EXPECT(mo_deque_room_owner(&deque));
        mo_deque_push_owner(&deque, (void *)(from + i + 1));
    }
    EXPECT(mo_deque_is_valid(&deque));
}

/* The largest burst of a generation: sometimes the buffer must grow, sometimes all fight for the only item. */
static unsigned largest_burst(uint32_t g)
{
    static const unsigned most[] = {BURST, 1, 4};
    return most[g % 3];
}

static void own_generation(uint32_t g, uint32_t *random)
{
    unsigned most = largest_burst(g);
    for (unsigned pushed = 0; pushed < ITEMS;) {
        unsigned n = 1 + stress_random(random) % most;
        if (n > ITEMS - pushed)
            n = ITEMS - pushed;
        push_some((uintptr_t)g * ITEMS + pushed, n);
        pushed += n;
        stress_pause(random, 8);
        pop_some(stress_random(random) % (most + 1));
    }
    pop_some(UINT32_MAX);
    mo_store_release(&generation, g + 1);
}

static void own(void)
{
    uint32_t random = 7;
    while (mo_load_acquire(&started) < THIEVES)
        mo_plat_yield();
    for (uint32_t g = 0; g < GENERATIONS; g++)
        own_generation(g, &random);
    mo_store_release(&finished, true);
}

static void *body(void *index)
{
    unsigned self = (unsigned)(uintptr_t)index;
    if (self > 0)
        thieve(self - 1);
    else
        own();
    return NULL;
}

int main(void)
{
    EXPECT(mo_deque_init(&deque, 2));
    for (unsigned i = 0; i < THIEVES; i++)
        mo_epoch_register(&reader[i]);
    stress_run(body, THIEVES + 1);
    for (unsigned i = 0; i < GENERATIONS * ITEMS; i++)
        EXPECT(mo_load_relaxed(&taken[i]) == 1);
    EXPECT(mo_deque_is_valid(&deque) && mo_deque_peek_size(&deque) == 0);
    EXPECT(mo_epoch_collect() == 0);
    printf("%d items, %llu stolen, %llu races lost\n", GENERATIONS * ITEMS,
           (unsigned long long)mo_load_relaxed(&stolen), (unsigned long long)mo_load_relaxed(&lost));
    return 0;
}
