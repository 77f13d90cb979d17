/* The wait policy.

   Spinning pays only while the awaited thread runs. We know how many of our threads are runnable and how many CPUs the
   process may use; we do not know what strangers run, but we notice them: a spinning thread that finds a hole in time
   was preempted (by a stranger, if we have no more threads than CPUs), a yield that took long gave the CPU to somebody
   with much to do. Then waits go to sleep soon, until QUIET_US passed without such a sign.

     runnable <= CPUs, quiet      spin up to spin_ns
     runnable <= CPUs, disturbed  spin up to DISTURBED_SPIN_US
     runnable >  CPUs, quiet      yield up to yield_ns
     runnable >  CPUs, disturbed  sleep

   OMP_WAIT_POLICY, GOMP_SPINCOUNT and KMP_BLOCKTIME overrule the first budget. */
#include "park/park.h"
#include "base/config.h"
#include "base/shared.h"
#include "mem/mem.h"
#include "plat/plat.h"

#define LONG_YIELD_US     500
#define QUIET_US          5000
#define DISTURBED_SPIN_US 20
#define SPINS_PER_LOOK    8
#define EAGER_LOOKS       64
#define LINGER_US         5
#define HOLE_US           500
#define ACTIVE_SPIN_NS    10000000000u
#define LOCK_SPIN_US      4  /* about what a sleep and a wake-up cost */
#define SPINCOUNT_NS      20 /* about one pause */

struct park_state {
    _Atomic int32_t runnable MO_ALIGNED(MO_LINE_PAIR); /* of `threads`, those that do not sleep */
    _Atomic int32_t threads;
    _Atomic uint64_t disturbed_until; /* ticks */
    /* Written seldom. */
    _Atomic uint64_t spin_ticks MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint64_t yield_ticks;
    _Atomic bool always_spin;
    uint64_t ticks_per_us;
    unsigned cpus;
};

extern struct park_state MO_SHARED(park) MO_SHARED_ATTR;
struct park_state MO_SHARED(park);

static bool wants_turnaround(void)
{
    enum mo_library library = (enum mo_library)mo_knob(MO_KNOB_KMP_LIBRARY);
    return library == MO_LIBRARY_TURNAROUND || library == MO_LIBRARY_DEDICATED;
}

/* Whoever speaks of waiting itself is heard before those who speak of the policy, the runtime that we follow does the
   same. */
static uint64_t spin_budget_ns(void)
{
    if (mo_knob_source(MO_KNOB_GOMP_SPINCOUNT) == MO_SOURCE_ENV) {
        uint64_t count = mo_knob(MO_KNOB_GOMP_SPINCOUNT);
        return count > ACTIVE_SPIN_NS / SPINCOUNT_NS ? ACTIVE_SPIN_NS : count * SPINCOUNT_NS;
    }
    if (mo_knob_source(MO_KNOB_KMP_BLOCKTIME) == MO_SOURCE_ENV)
        return mo_knob(MO_KNOB_KMP_BLOCKTIME);
    switch (mo_knob(MO_KNOB_OMP_WAIT_POLICY)) {
    case MO_WAIT_ACTIVE:
        return ACTIVE_SPIN_NS;
    case MO_WAIT_PASSIVE:
        return 0;
    default:
        return wants_turnaround() ? ACTIVE_SPIN_NS : mo_knob(MO_KNOB_SPIN_NS);
    }
}

/* Relaxed: each word counts for itself. */
void mo_park_set_spin_ns(uint64_t ns)
{
    struct park_state *p = &MO_SHARED(park);
    ns = ns < ACTIVE_SPIN_NS ? ns : ACTIVE_SPIN_NS;
    mo_store_relaxed(&p->spin_ticks, ns * p->ticks_per_us / 1000);
    mo_store_relaxed(&p->yield_ticks, ns ? mo_knob(MO_KNOB_YIELD_NS) * p->ticks_per_us / 1000 : 0);
    mo_store_relaxed(&p->always_spin, ns == ACTIVE_SPIN_NS);
}

uint64_t mo_park_spin_ns(void)
{
    const struct park_state *p = &MO_SHARED(park);
    if (mo_load_relaxed(&p->always_spin))
        return UINT64_MAX;
    return mo_load_relaxed(&p->spin_ticks) * 1000 / p->ticks_per_us;
}

unsigned mo_park_threads(void)
{
    return (unsigned)mo_load_relaxed(&MO_SHARED(park).threads);
}

void mo_park_init(unsigned cpus)
{
    struct park_state *p = &MO_SHARED(park);
    p->ticks_per_us = mo_plat_ticks_per_us();
    p->cpus = cpus;
    mo_park_set_spin_ns(spin_budget_ns());
}

unsigned mo_park_cpus(void)
{
    return MO_SHARED(park).cpus;
}

static void count_runnable(int n)
{
    mo_fetch_add_relaxed(&MO_SHARED(park).runnable, n); /* hints for the policy; they order nothing */
}

void mo_park_threads_add(int n)
{
    mo_fetch_add_relaxed(&MO_SHARED(park).threads, n);
    count_runnable(n);
}

void mo_park_sleep(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns, uint32_t bits)
{
    count_runnable(-1);
    if (mo_plat_futex_wait(word, seen, timeout_ns, bits) != 0)
        count_runnable(1); /* nobody woke it, so nobody has counted it */
}

void mo_park_wake(_Atomic uint32_t *word, int count, uint32_t bits, int expected)
{
    /* Before the call: a woken thread may take this CPU at once, and the rest of the line runs much later. */
    count_runnable(expected);
    int woken = mo_plat_futex_wake(word, count, bits);
    if (woken != expected)
        count_runnable(woken - expected);
}

void mo_park_reset_after_fork(void)
{
    mo_store_relaxed(&MO_SHARED(park).runnable, 1);
    mo_store_relaxed(&MO_SHARED(park).threads, 1);
}

static bool crowded(const struct park_state *p)
{
    return mo_load_relaxed(&MO_SHARED(park).runnable) > (int32_t)p->cpus;
}

static bool disturbed(uint64_t now)
{
    uint64_t until = mo_load_relaxed(&MO_SHARED(park).disturbed_until);
    return until && (int64_t)(until - now) > 0;
}

static void note_disturbance(const struct park_state *p, uint64_t now)
{
    mo_store_relaxed(&MO_SHARED(park).disturbed_until, now + QUIET_US * p->ticks_per_us);
}

/* One bout of waiting awake. */
struct bout {
    uint64_t began, last, lingered; /* ticks */
    unsigned sleeps, eager;         /* looks to come that follow each other closely */
};

/* Let another thread run, and notice who that was. Returns the time after it. */
static uint64_t yield(const struct park_state *p)
{
    uint64_t before = mo_plat_ticks();
    mo_plat_yield();
    uint64_t now = mo_plat_ticks();
    if (now - before > LONG_YIELD_US * p->ticks_per_us)
        note_disturbance(p, now);
    return now;
}

/* Each waiter on a CPU of its own. A hole in its time means that it was preempted. False when spinning is used up. */
static bool spin(const struct park_state *p, struct bout *b)
{
    unsigned spins = SPINS_PER_LOOK;
    if (b->eager) {
        b->eager--;
        spins = 1;
    }
    for (unsigned i = 0; i < spins; i++)
        mo_plat_pause();
    uint64_t now = mo_plat_ticks();
    if (now - b->last > HOLE_US * p->ticks_per_us && mo_load_relaxed(&p->threads) <= (int32_t)p->cpus)
        note_disturbance(p, now);
    b->last = now;
    uint64_t budget = mo_load_relaxed(&p->spin_ticks);
    if (!mo_load_relaxed(&p->always_spin) && disturbed(now) && budget > DISTURBED_SPIN_US * p->ticks_per_us)
        budget = DISTURBED_SPIN_US * p->ticks_per_us;
    return now - b->began < budget;
}

/* More runnable threads than CPUs. False when yielding is used up. */
static bool step_aside(const struct park_state *p, struct bout *b)
{
    if (disturbed(mo_plat_ticks()))
        return false;
    b->last = yield(p);
    return b->last - b->began < mo_load_relaxed(&p->yield_ticks);
}

static bool stay_awake(const struct mo_wait *w, const struct park_state *p, struct bout *b)
{
    if (w->linger && b->last - b->lingered > LINGER_US * p->ticks_per_us) {
        b->lingered = b->last;
        w->linger(w->arg);
    }
    return crowded(p) ? step_aside(p, b) : spin(p, b);
}

/* Sleep until notified. True when the condition came true or work turned up before that. */
static bool sleep_once(const struct mo_wait *w, struct bout *b)
{
    uint32_t key = mo_event_prepare(w->event);
    if (w->asleep)
        w->asleep(w->arg);
    bool ready = w->ready(w->arg);
    bool found = !ready && w->work && w->work(w->arg);
    if (!ready && !found)
        mo_park_sleep(&w->event->seq, key, w->relook_ns << (b->sleeps < 6 ? b->sleeps++ : 6), w->bits);
    if (w->awake)
        w->awake(w->arg);
    mo_event_finish(w->event);
    return ready;
}

void mo_wait(const struct mo_wait *w)
{
    const struct park_state *p = &MO_SHARED(park);
    struct bout b = {.eager = w->work ? 0 : EAGER_LOOKS}; /* looking for work disturbs those who have some */
    for (;;) {
        if (w->ready(w->arg))
            return;
        if (w->work && w->work(w->arg)) {
            b.began = b.sleeps = 0;
            continue;
        }
        if (!b.began)
            b.began = b.last = b.lingered = mo_plat_ticks();
        if (!stay_awake(w, p, &b)) {
            if (sleep_once(w, &b))
                return;
            b.began = 0;
        }
    }
}

uint64_t mo_park_lock_spin_ticks(void)
{
    const struct park_state *p = &MO_SHARED(park);
    if (!mo_load_relaxed(&p->spin_ticks) || p->cpus < 2 || crowded(p))
        return 0;
    return p->ticks_per_us * LOCK_SPIN_US;
}
