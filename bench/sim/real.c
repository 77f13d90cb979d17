/* What machine.h promises, by the real machine: the simulator's programs on real threads, to compare with. Each lies
   where the system puts it; lines, sleeps and thefts are not counted. */
#include "machine.h"

#include "plat/plat.h"
#include "sched/internal.h"

struct sim_costs sim_costs;
struct sim_counts sim_counts;

/* Of the calling thread, by a generator without state of its own. */
uint64_t sim_random(void)
{
    uint64_t x = mo_plat_ticks();
    x ^= x >> 7;
    x *= 0x9e3779b97f4a7c15u;
    return x >> 16;
}

void sim_work(uint64_t ns)
{
    uint64_t start = mo_plat_ticks(), all = ns - ns / 16 + sim_random() % (ns / 8 + 1);
    uint64_t ticks = all * mo_plat_ticks_per_us() / 1000;
    while (mo_plat_ticks() - start < ticks) {
    }
}

uint64_t sim_time(void)
{
    return mo_plat_now_ns();
}

void sim_run(unsigned cpus, uint64_t seed, void (*fn)(void *), void *arg)
{
    (void)cpus, (void)seed;
    fn(arg);
}
