/* No wake-up is lost: threads hand a turn round, and each sleeps without a timeout until it is its own. */
#include "base/config.h"
#include "park/park.h"
#include "stress.h"

#define THREADS 2
#define TURNS   (1500 * STRESS_FACTOR)

static struct mo_event event;
static _Atomic uint32_t turn;
static bool by_bits; /* wake the next one alone, or everybody */

/* Awake for a while first: whoever sleeps at once is never about to sleep when it is woken. */
static void await_turn(unsigned self, uint32_t *random)
{
    for (unsigned looks = stress_random(random) % 64; looks > 0 && mo_load_acquire(&turn) % THREADS != self; looks--)
        mo_plat_pause();
    while (mo_load_acquire(&turn) % THREADS != self) {
        uint32_t key = mo_event_prepare(&event);
        bool mine = mo_load_seqcst(&turn) % THREADS == self;
        stress_pause(random, 32);
        if (!mine)
            mo_park_sleep(&event.seq, key, 0, 1u << self);
        mo_event_finish(&event);
    }
}

static void pass_on(unsigned self)
{
    mo_fetch_add_seqcst(&turn, 1u);
    if (by_bits)
        mo_event_notify_bits(&event, 1, 1u << (self + 1) % THREADS);
    else
        mo_event_notify(&event);
}

static void *body(void *index)
{
    unsigned self = (unsigned)(uintptr_t)index;
    uint32_t random = self + 1;
    for (unsigned i = 0; i < TURNS / THREADS; i++) {
        await_turn(self, &random);
        pass_on(self);
    }
    return NULL;
}

int main(void)
{
    mo_config_load();
    mo_park_init(2, 2);
    for (int round = 0; round < 2; round++) {
        by_bits = round;
        stress_run(body, THREADS);
        EXPECT(mo_load_relaxed(&turn) == TURNS * (round + 1u));
        EXPECT(mo_load_relaxed(&event.waiters) == 0);
    }
    return 0;
}
