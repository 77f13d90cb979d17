/* Keeping the threads of a team apart.

   A kernel that sees no cache shared between two CPUs (many virtual machines) wakes a thread on the CPU of its waker,
   and leaves two threads that hand over to each other on one CPU while the next one idles: they look cache-hot and
   mostly asleep. So a pool thread that waits looks at where its team-mates were last seen, and if its CPU has more than
   its share of them while another has less, it moves there: it narrows its affinity mask to that CPU and restores the
   mask at once. The thread is not bound by that, and threads that are bound to places stay there; the user's masks stay
   what they were, and threads that are not ours are left alone. One member of a team moves at a time, and none twice
   within MOVE_PAUSE_US, in large teams more. Where strangers run the CPU that we find without team-mates may be theirs:
   there the kernel knows better.

   But for one thing: a thread that sleeps on a stranger's CPU is woken there, and gets it when the stranger's slice is
   over, some ms later. Where it is needed for less than that it does better on the CPU of the one that wakes it, which
   soon waits for it. If the regions become longer, the kernel sees two busy threads there and moves one of them. */
#include "sched/internal.h"

#define MOVE_PAUSE_US   2000
#define MEMBERS_A_PAUSE 8

/* `size` is the member's own, as the team may be in another region by now. */
static unsigned threads_of(const struct mo_member *m)
{
    unsigned carriers = mo_load_relaxed(&m->team->carriers);
    return carriers && carriers < m->size ? carriers : m->size;
}

/* Members last seen on each CPU. Racy: each writes its own. */
static void count_members(const struct mo_member *m, unsigned *count)
{
    for (unsigned i = 0, threads = threads_of(m); i < threads; i++) {
        unsigned cpu = mo_load_relaxed(&mo_team_member(m->team, i)->cpu);
        if (cpu < MO_PLAT_CPUS_MAX)
            count[cpu]++;
    }
}

static void move_if_crowded(struct mo_member *m, unsigned here)
{
    unsigned count[MO_PLAT_CPUS_MAX] = {0};
    unsigned cpus = mo_park_cpus(), share = (threads_of(m) + cpus - 1) / cpus;
    count_members(m, count);
    if (count[here] <= share)
        return;
    struct mo_cpu_mask mask;
    unsigned best = mo_plat_least_counted_cpu(&mask, count);
    if (best == MO_PLAT_CPUS_MAX || count[best] + 1 >= count[here])
        return;
    mo_store_relaxed(&m->cpu, best);
    mo_plat_move(best, &mask);
}

static bool may_move(const struct mo_member *m, unsigned here)
{
    const struct mo_worker *w = m->worker;
    return !w->place && w->pooled && !w->fiber && m->size >= 2 && threads_of(m) <= mo_park_cpus() &&
           here < MO_PLAT_CPUS_MAX && mo_park_cpus() >= 2;
}

bool mo_gather(const struct mo_member *m)
{
    unsigned here = mo_plat_cpu(), there = mo_load_relaxed(&mo_team_member(m->team, 0)->cpu);
    if (!m->worker->was_brief || !may_move(m, here) || !mo_park_disturbed() ||
        !mo_park_sleeps_at_once(&m->memory[true]))
        return false;
    if (here != there)
        mo_plat_move_to(there);
    return true;
}

/* Who looks reads a line of each member, and may be late for a region by that. In a team of a hundred there was always
   one who did; so the more there are, the less often each looks. */
static uint64_t move_pause_us(const struct mo_member *m)
{
    return MOVE_PAUSE_US * (1 + (uint64_t)m->size / MEMBERS_A_PAUSE);
}

void mo_spread(void *member)
{
    struct mo_member *m = member;
    struct mo_worker *w = m->worker;
    unsigned here = mo_plat_cpu();
    if (mo_load_relaxed(&m->cpu) != here)
        mo_store_relaxed(&m->cpu, here);
    if (!may_move(m, here))
        return;
    uint64_t now = mo_plat_ticks();
    if (now - w->moved_at < move_pause_us(m) * mo_plat_ticks_per_us() || mo_park_disturbed())
        return;
    uint32_t free = 0;
    /* Read first: a hundred waiters that all write this line every few us wait for it longer than for anything else. */
    if (mo_load_relaxed(&m->team->spreading) || !mo_cas_acquire(&m->team->spreading, &free, 1u))
        return;
    w->moved_at = now;
    move_if_crowded(m, here);
    mo_store_release(&m->team->spreading, 0u);
}
