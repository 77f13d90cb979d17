/* The wait policy.

   Spinning pays only while the awaited thread runs. We know how many of our threads are runnable and how many CPUs the
   process may use; we do not know what strangers run, but we notice them:

   - A spinning thread that finds a hole in its time was preempted; by a stranger, if we have no more threads than CPUs.
   - So was one that was woken and got no CPU for as long.
   - A yield that took long gave the CPU to somebody with much to do. Where strangers share our part of the scheduler,
   they
     get it after every few yields, as each yield puts us behind them; a long one among very many short ones is the
     share of those that would have got it anyway, and yielding is still the best.

   Each of these signs ends our trust for a while. If trust has hardly returned when the next one comes, it is gone for
   twice as long, up to 128 times; each time that it was justified for longer, for half as long. So what noticing costs
   (a long yield may take 4 ms) becomes a small part of the time, and the first quiet moment is not taken for the end.

     runnable <= CPUs, quiet            spin up to spin_ns, less where that was in vain lately
     runnable <= CPUs, holes            spin up to DISTURBED_SPIN_US
     runnable >  CPUs, quiet            yield up to yield_ns, less where that was in vain lately; where the team fits the
                                        CPUs, spin MEET_US before each yield
     any, yields took long              sleep: those that still run may wait for our CPU

   Where that was in vain: a wait that took longer than the whole budget halves the next one's at the same place of
   the same thread; one that would have been over within the budget, asleep or not, restores it. After so many that the
   budget has become less than a sleep costs, the thread sleeps at once. While there are holes few in a row that ended
   asleep are enough for that, and as a sleep then takes long whatever is waited for, one in some is spun for as a try.

   Several teams that fit the CPUs each, as those of nested regions, but not together: they should take turns as wholes.
   So should one that has more threads than its control group's quota pays for: it runs as a whole until the quota is
   used up. A hand-over between threads that both run takes a tenth of one through the scheduler. So a waiter spins
   about as long as such a hand-over takes, and then yields: nobody who was awaited is running. Of a team that got all
   its CPUs nobody yields until the kernel takes one of them away; then the others yield, and the next team meets in the
   same way. A yield then takes as long as the kernel lets others run. It is no sign of strangers if one of our threads
   was seen on this CPU shortly before it came back, and the time counts neither as waited.

   OMP_WAIT_POLICY, GOMP_SPINCOUNT and KMP_BLOCKTIME overrule the first budget; then neither holes nor memory change
   it. */
#include "park/wait.h"
#include "base/config.h"
#include "base/shared.h"
#include "park/strand.h"
#include "plat/plat.h"
#include "watch/trace.h"

#define LONG_YIELD_US     500
#define QUIET_US          5000 /* the shortest loss of trust */
#define QUIET_DOUBLINGS   7    /* at most: 640 ms */
#define TRUST_US          50000
#define FEW_YIELDS        32 /* and 4 for each thread: fewer short ones between two long ones are a sign */
#define MISSES_MAX        8  /* budget / 2^8: below what a sleep costs */
#define SHORT_MISSES_MAX  4
#define TRY_AFTER         12 /* sleeps at once */
#define DISTURBED_SPIN_US 20
#define MEET_US           4  /* about two yields that each lead to another thread */
#define CPUS_SEEN         64 /* beyond, CPUs share an entry */
#define SEEN_AGAIN_US     20
#define ALARMS            16
#define SPINS_PER_LOOK    8
#define LINGER_US         5
#define HOLE_US           500
#define ACTIVE_SPIN_NS    10000000000u
#define LOCK_SPIN_US      4  /* about what a sleep and a wake-up cost */
#define SPINCOUNT_NS      20 /* about one pause */

/* A kind of sign of strangers. All words are hints, written by whoever sees one: relaxed, and a lost update harms
   nobody. */
struct signs {
    _Atomic uint64_t until;   /* ticks; 0: there was none yet */
    _Atomic uint32_t doubled; /* how often the time until then has been */
};

/* Ticks: when a thread that waited for its team was awake on this CPU. */
struct presence {
    _Atomic uint64_t at MO_ALIGNED(MO_CACHE_LINE);
};

struct park_state {
    _Atomic int32_t runnable MO_ALIGNED(MO_LINE_PAIR); /* of `threads`, those that do not sleep */
    _Atomic int32_t threads;
    struct signs holes, yields;
    _Atomic uint32_t short_yields; /* since the last long one */
    /* Written seldom. */
    _Atomic uint64_t spin_ticks MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint64_t yield_ticks;
    _Atomic bool always_spin, adapts;
    _Atomic unsigned cpus;
    _Atomic unsigned abreast; /* CPUs without the quota: so many threads can run at the same time, for a while */
    _Atomic unsigned claimed; /* of the CPUs, by regions under a budget */
    uint64_t ticks_per_us;
    _Atomic uint64_t alarm[ALARMS]; /* ticks of the last wake-up, by the word's address: written before a system call */
    struct presence seen[CPUS_SEEN]; /* written while there are more runnable threads than CPUs */
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

static bool budget_is_asked_for(void)
{
    return mo_knob_source(MO_KNOB_GOMP_SPINCOUNT) == MO_SOURCE_ENV ||
           mo_knob_source(MO_KNOB_KMP_BLOCKTIME) == MO_SOURCE_ENV ||
           mo_knob_source(MO_KNOB_OMP_WAIT_POLICY) == MO_SOURCE_ENV || wants_turnaround();
}

/* Relaxed: each word counts for itself. */
void mo_park_set_spin_ns(uint64_t ns)
{
    struct park_state *p = &MO_SHARED(park);
    mo_store_relaxed(&p->adapts, false);
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

void mo_park_init(unsigned cpus, unsigned abreast)
{
    struct park_state *p = &MO_SHARED(park);
    p->ticks_per_us = mo_plat_ticks_per_us();
    mo_park_set_cpus(cpus);
    mo_store_relaxed(&p->abreast, abreast);
    mo_park_set_spin_ns(spin_budget_ns());
    mo_store_relaxed(&p->adapts, !budget_is_asked_for());
}

void mo_park_set_cpus(unsigned cpus)
{
    mo_store_relaxed(&MO_SHARED(park).cpus, cpus);
}

unsigned mo_park_cpus(void)
{
    return mo_load_relaxed(&MO_SHARED(park).cpus);
}

void mo_park_count_runnable(int n)
{
    mo_fetch_add_relaxed(&MO_SHARED(park).runnable, n); /* hints for the policy; they order nothing */
}

void mo_park_threads_add(int n)
{
    mo_fetch_add_relaxed(&MO_SHARED(park).threads, n);
    mo_park_count_runnable(n);
}

/* Words may share an alarm: a later one makes a sleeper seem awake sooner than it was. */
static _Atomic uint64_t *alarm_of(struct park_state *p, const _Atomic uint32_t *word)
{
    return &p->alarm[(uintptr_t)word / MO_CACHE_LINE % ALARMS];
}

bool mo_park_sleep(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns, uint32_t bits)
{
    mo_park_count_runnable(-1);
    mo_count_here(MO_COUNT_SLEEPS, 1);
    mo_trace(MO_TRACE_SLEEP, NULL, 0, 0);
    bool woken = mo_plat_futex_wait(word, seen, timeout_ns, bits) == 0;
    if (!woken)
        mo_park_count_runnable(1); /* nobody woke it, so nobody has counted it */
    mo_trace(MO_TRACE_END(MO_TRACE_SLEEP), NULL, 0, 0);
    return woken;
}

/* Who wakes it may be another process, and counts nobody here. */
static void sleep_apart(const struct mo_wait *w)
{
    mo_park_count_runnable(-1);
    mo_count_here(MO_COUNT_SLEEPS, 1);
    mo_trace(MO_TRACE_SLEEP, NULL, 0, 0);
    w->sleep(w->arg);
    mo_trace(MO_TRACE_END(MO_TRACE_SLEEP), NULL, 0, 0);
    mo_park_count_runnable(1);
}

void mo_park_wake(_Atomic uint32_t *word, int count, uint32_t bits, int expected)
{
    /* Before the call: a woken thread may take this CPU at once, and the rest of the line runs much later. */
    mo_park_count_runnable(expected);
    mo_store_relaxed(alarm_of(&MO_SHARED(park), word), mo_plat_ticks());
    int woken = mo_word_wake(word, count, bits);
    mo_count_here(MO_COUNT_WAKES, (uint64_t)woken);
    if (woken != expected)
        mo_park_count_runnable(woken - expected);
}

/* Relaxed, both: a count and nothing else. */
unsigned mo_park_claim(unsigned own, unsigned more)
{
    struct park_state *p = &MO_SHARED(park);
    unsigned used = mo_load_relaxed(&p->claimed), cpus = mo_load_relaxed(&p->cpus), granted;
    do {
        unsigned left = cpus > used + own ? cpus - used - own : 0;
        granted = more < left ? more : left;
    } while (!mo_cas_relaxed(&p->claimed, &used, used + own + granted));
    return own + granted;
}

void mo_park_unclaim(unsigned claimed)
{
    struct park_state *p = &MO_SHARED(park);
    unsigned used = mo_load_relaxed(&p->claimed);
    while (!mo_cas_relaxed(&p->claimed, &used, used > claimed ? used - claimed : 0)) {
    }
}

void mo_park_reset_after_fork(void)
{
    mo_store_relaxed(&MO_SHARED(park).claimed, 0u);
    mo_store_relaxed(&MO_SHARED(park).runnable, 1);
    mo_store_relaxed(&MO_SHARED(park).threads, 1);
}

static int32_t cpus_of(const struct park_state *p)
{
    return (int32_t)mo_load_relaxed(&p->cpus);
}

static bool crowded(const struct park_state *p)
{
    return mo_load_relaxed(&p->runnable) > cpus_of(p);
}

static bool lasts(const struct signs *s, uint64_t now)
{
    uint64_t until = mo_load_relaxed(&s->until);
    return until && (int64_t)(until - now) > 0;
}

/* What was noticed began at `began`. Others who notice the same while it lasts add nothing. */
static void note_sign(const struct park_state *p, struct signs *s, uint64_t began, uint64_t now)
{
    uint64_t until = mo_load_relaxed(&s->until), quiet = QUIET_US * p->ticks_per_us;
    uint32_t doubled = mo_load_relaxed(&s->doubled);
    if (lasts(s, now))
        return;
    uint64_t trust = TRUST_US * p->ticks_per_us > quiet << doubled ? TRUST_US * p->ticks_per_us : quiet << doubled;
    if (until && (int64_t)(began - until) < (int64_t)trust)
        doubled += doubled < QUIET_DOUBLINGS;
    else
        doubled -= doubled > 0;
    mo_store_relaxed(&s->doubled, doubled);
    mo_store_relaxed(&s->until, now + (quiet << doubled));
}

/* The thread has been woken just now. */
static void note_late_wake(struct park_state *p, const _Atomic uint32_t *word)
{
    uint64_t now = mo_plat_ticks(), woken = mo_load_relaxed(alarm_of(p, word));
    if ((int64_t)(now - woken) > (int64_t)(HOLE_US * p->ticks_per_us) && mo_load_relaxed(&p->threads) <= cpus_of(p))
        note_sign(p, &p->holes, woken, now);
}

bool mo_park_sleeps_at_once(const struct mo_wait_memory *m)
{
    const struct park_state *p = &MO_SHARED(park);
    if (!mo_load_relaxed(&p->adapts))
        return !mo_load_relaxed(&p->spin_ticks);
    return m->misses >= MISSES_MAX || (m->short_misses >= SHORT_MISSES_MAX && lasts(&p->holes, mo_plat_ticks()));
}

bool mo_park_disturbed(void)
{
    const struct park_state *p = &MO_SHARED(park);
    uint64_t now = mo_plat_ticks();
    return lasts(&p->holes, now) || lasts(&p->yields, now);
}

static void count_yield(struct park_state *p, uint64_t before, uint64_t now)
{
    uint32_t few = FEW_YIELDS + 4 * (uint32_t)mo_load_relaxed(&p->threads), so_far = mo_load_relaxed(&p->short_yields);
    if (now - before <= LONG_YIELD_US * p->ticks_per_us) {
        if (so_far < few) /* a line that others write */
            mo_store_relaxed(&p->short_yields, so_far + 1);
        return;
    }
    mo_store_relaxed(&p->short_yields, 0u);
    if (so_far < few)
        note_sign(p, &p->yields, before, now);
}

static uint64_t left_by_memory(const struct mo_wait *w, const struct park_state *p, uint64_t budget)
{
    if (!w->memory || !mo_load_relaxed(&p->adapts))
        return budget;
    return w->memory->misses < MISSES_MAX ? budget >> w->memory->misses : 0;
}

/* It has been in vain here for so long that not even one look pays. */
static bool gave_up(const struct mo_wait *w, const struct park_state *p)
{
    return w->memory && w->memory->misses >= MISSES_MAX && mo_load_relaxed(&p->adapts);
}

/* Each waiter on a CPU of its own. A hole in its time means that it was preempted. False when spinning is used up. */
static bool spin(const struct mo_wait *w, struct park_state *p, struct mo_bout *b)
{
    unsigned spins = SPINS_PER_LOOK;
    if (gave_up(w, p))
        return false;
    if (b->eager) {
        b->eager--;
        spins = 1;
    }
    for (unsigned i = 0; i < spins; i++)
        mo_plat_pause();
    uint64_t now = mo_plat_ticks(), budget = mo_load_relaxed(&p->spin_ticks);
    if (now - b->last > HOLE_US * p->ticks_per_us && mo_load_relaxed(&p->threads) <= cpus_of(p))
        note_sign(p, &p->holes, b->last, now);
    b->last = now;
    if (mo_load_relaxed(&p->always_spin))
        return now - b->began < budget;
    if (lasts(&p->yields, now))
        return false;
    if (!mo_load_relaxed(&p->adapts))
        return now - b->began < budget;
    budget = left_by_memory(w, p, budget);
    if (lasts(&p->holes, now)) {
        uint64_t little = DISTURBED_SPIN_US * (1 + b->sharers) * p->ticks_per_us;
        b->disturbed = true;
        if (budget > little)
            budget = w->memory && w->memory->short_misses >= SHORT_MISSES_MAX ? 0 : little;
    }
    return now - b->began < budget;
}

static bool team_fits(const struct mo_wait *w, const struct park_state *p)
{
    return w->together > 1 && w->together <= mo_load_relaxed(&p->abreast);
}

static void show_presence(struct park_state *p, uint64_t now)
{
    _Atomic uint64_t *seen = &p->seen[mo_plat_cpu() % CPUS_SEEN].at;
    if (now - mo_load_relaxed(seen) > SEEN_AGAIN_US * p->ticks_per_us) /* a line that others may write */
        mo_store_relaxed(seen, now);
}

/* One of our threads had this CPU between the two times, and still had it shortly before the second. */
static bool was_ours(const struct park_state *p, uint64_t before, uint64_t now)
{
    uint64_t seen = mo_load_relaxed(&p->seen[mo_plat_cpu() % CPUS_SEEN].at);
    return (int64_t)(seen - before) > 0 && (int64_t)(now - seen) < (int64_t)(LONG_YIELD_US * p->ticks_per_us);
}

/* More runnable threads than CPUs. False when yielding is used up. */
static bool step_aside(const struct mo_wait *w, struct park_state *p, struct mo_bout *b)
{
    uint64_t budget = left_by_memory(w, p, mo_load_relaxed(&p->yield_ticks)), before = mo_plat_ticks();
    if (!budget || lasts(&p->yields, before))
        return false;
    mo_plat_yield();
    uint64_t now = mo_plat_ticks();
    if (now - before > LONG_YIELD_US * p->ticks_per_us && team_fits(w, p) && was_ours(p, before, now))
        b->began += now - before;
    else
        count_yield(p, before, now);
    b->last = b->met = now;
    return now - b->began < budget;
}

/* The same for a team that can run as a whole: is the rest of it here? False: it is time to yield. */
static bool meet(const struct mo_wait *w, struct park_state *p, struct mo_bout *b)
{
    if (!team_fits(w, p) || !mo_load_relaxed(&p->yield_ticks) || lasts(&p->yields, b->last))
        return false;
    for (unsigned i = 0; i < SPINS_PER_LOOK; i++)
        mo_plat_pause();
    uint64_t now = mo_plat_ticks();
    if (now - b->last > LONG_YIELD_US * p->ticks_per_us) { /* it was preempted, and its team with it */
        b->began += now - b->last;
        b->met = now;
    }
    b->last = now;
    show_presence(p, now);
    return now - b->met < MEET_US * p->ticks_per_us;
}

static bool stay_awake(const struct mo_wait *w, struct park_state *p, struct mo_bout *b)
{
    if (w->patient && mo_load_relaxed(&p->adapts))
        return false;
    if (w->linger && b->last - b->lingered > LINGER_US * p->ticks_per_us) {
        b->lingered = b->last;
        w->linger(w->arg);
    }
    if (!crowded(p))
        return spin(w, p, b);
    return meet(w, p, b) || step_aside(w, p, b);
}

/* Sleep until notified. True when the condition came true or work turned up before that. */
static bool sleep_once(const struct mo_wait *w, struct park_state *p, struct mo_bout *b)
{
    uint32_t key = w->event ? mo_event_prepare(w->event) : 0;
    if (w->asleep)
        w->asleep(w->arg);
    bool ready = w->ready(w->arg);
    bool found = !ready && w->work && w->work(w->arg);
    if (!ready && !found && w->sleep)
        sleep_apart(w);
    else if (!ready && !found &&
             mo_park_sleep(&w->event->seq, key, w->relook_ns << (b->sleeps < 6 ? b->sleeps++ : 6), w->bits))
        note_late_wake(p, &w->event->seq);
    if (w->awake)
        w->awake(w->arg);
    if (w->event)
        mo_event_finish(w->event);
    return ready;
}

/* The thread slept in this bout: would the whole budget have done? */
static void learn(struct mo_wait_memory *m, const struct park_state *p, const struct mo_bout *b)
{
    if (mo_plat_ticks() - b->began < mo_load_relaxed(&p->spin_ticks))
        m->misses = 0;
    else
        m->misses += m->misses < MISSES_MAX;
    if (b->disturbed && ++m->short_misses == SHORT_MISSES_MAX + TRY_AFTER)
        m->short_misses = SHORT_MISSES_MAX - 1;
}

bool mo_park_stay_awake(const struct mo_wait *w, struct mo_bout *b)
{
    return stay_awake(w, &MO_SHARED(park), b);
}

void mo_park_learn(struct mo_wait_memory *m, const struct mo_bout *b)
{
    learn(m, &MO_SHARED(park), b);
}

/* A strand gives its thread to others, so it has no work to look for and nothing to gain by staying awake. */
static __attribute__((noinline)) void wait_as_strand(const struct mo_wait *w, struct mo_strand *s)
{
    while (!w->ready(w->arg)) {
        uint32_t key = w->event ? mo_event_prepare(w->event) : 0;
        if (w->asleep)
            w->asleep(w->arg);
        if (!w->ready(w->arg)) {
            if (w->sleep)
                w->sleep(w->arg);
            else
                mo_strand_sleep(s, &w->event->seq, key, w->relook_ns);
        }
        if (w->event)
            mo_event_finish(w->event);
    }
}

void mo_wait(const struct mo_wait *w)
{
    struct park_state *p = &MO_SHARED(park);
    struct mo_bout b = {.eager = w->work ? 0 : MO_EAGER_LOOKS}; /* looking for work disturbs those who have some */
    for (;;) {
        if (w->ready(w->arg)) {
            if (b.disturbed && w->memory)
                w->memory->short_misses = 0;
            if (b.began)
                mo_count_here(MO_COUNT_WAITS_AWAKE, 1);
            return;
        }
        struct mo_strand *strand = mo_strand_here();
        if (mo_unlikely(strand != NULL)) {
            wait_as_strand(w, strand);
            return;
        }
        if (w->work && w->work(w->arg)) {
            b.began = b.sleeps = 0;
            b.disturbed = false;
            continue;
        }
        if (!b.began) {
            if (mo_unlikely(MO_SHARED(ring) != NULL)) {
                mo_wait_in_ring(w, MO_SHARED(ring));
                return;
            }
            b.began = b.last = b.lingered = b.met = mo_plat_ticks();
        }
        if (!stay_awake(w, p, &b)) {
            if (w->idle)
                w->idle(w->arg);
            bool over = sleep_once(w, p, &b);
            if (w->memory)
                learn(w->memory, p, &b);
            if (over)
                return;
            b.began = 0;
            b.disturbed = false;
        }
    }
}

uint64_t mo_park_lock_spin_ticks(void)
{
    const struct park_state *p = &MO_SHARED(park);
    if (!mo_load_relaxed(&p->spin_ticks) || cpus_of(p) < 2 || crowded(p))
        return 0;
    return p->ticks_per_us * LOCK_SPIN_US;
}
