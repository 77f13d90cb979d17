/* Teams whose members are fibers, for programs that want more threads than there are CPUs (MOIRAI_TEAM=ult).

   The first members, as many as there are CPUs, have threads as in any team: they are the carriers. The others are
   guests: each is a fiber of one carrier's thread for as long as a region lasts, and nothing between regions, so
   threads can be taken from the team as from any other. A guest has a worker to itself, which makes it a thread to
   everything above: a slab, an event, a number, copies of threadprivate variables. What a thread of the system has
   beyond that, it shares with the others of its carrier.

   A guest begins when its carrier first waits, and ends when it has seen that the barrier at the region's end is over.
   It is not waited for then: whoever wants its carrier for another region lets it go first, which takes no time, as a
   barrier that is over stays over.
   G1  carriers == bound + 1 while it is not 0: members up to `bound` have threads, those beyond have none, so no member
       has both. A region that has fewer members than carriers has no guests.
   G2  a guest's ring is that of the thread that starts it, and only that thread touches the guest's fiber. Which thread
       that is follows from the sizes of the region and of its carriers; where these change, the master first waits
       until the other carriers have let go what they have.
   G3  guests have their stacks before the region begins: where there are none left the team is one of threads.

   Regions inside of a region share the CPUs: those of a member that shares its CPU have one carrier, the opening
   thread. */
#include "sched/internal.h"

#include "base/log.h"
#include "park/fiber.h"

struct mo_guest {
    struct mo_fiber fiber;
    struct mo_worker *worker;
    struct mo_member *member, *host;
};

/* release: who deals the guests out anew relies on it. */
static void count_guests(struct mo_member *host, int n)
{
    mo_store_release(&host->guests, mo_load_relaxed(&host->guests) + (uint32_t)n);
}

/* ---- What a guest runs. */
static bool region_began(void *member)
{
    struct mo_member *m = member;
    return mo_load_seqcst(&m->team->go) != m->go_seen;
}

static bool barrier_is_over(void *member)
{
    struct mo_member *m = member;
    return mo_load_seqcst(&m->team->gen) != m->gen_seen;
}

static void guest_main(void *arg)
{
    struct mo_guest *g = arg;
    struct mo_member *m = g->member;
    mo_team_await(m, region_began, MO_WAKE_MEMBER);
    m->go_seen = mo_load_acquire(&m->team->go);
    mo_member_begin(m, MO_GO_SIZE(m->go_seen));
    m->team->enter(m);
    m->joining = true;
    mo_depends_leave(m, &m->implicit);
    mo_team_arrive(m);
    mo_team_await(m, barrier_is_over, MO_WAKE_MEMBER);
}

/* Only now, when nothing of it runs any more, another thread may have it. */
static void guest_left(void *arg)
{
    struct mo_guest *g = arg;
    count_guests(g->host, -1);
}

unsigned mo_member_carrier(const struct mo_member *m)
{
    return m->tid < mo_team_threads(m->team) ? m->tid : m->guest->host->tid;
}

/* ---- Starting and ending them. */
static struct mo_ring *ring_of(const struct mo_member *m)
{
    struct mo_ring *ring = MO_SHARED(ring);
    return ring ? ring : m->worker->ring;
}

/* `go_seen`: what the team's `go` is not, or not any more, when the region has begun. */
static void start(struct mo_member *host, struct mo_member *m, uint64_t go_seen)
{
    struct mo_guest *g = m->guest;
    struct mo_worker *w = g->worker;
    if (mo_unlikely(!w->stack_end)) /* its last fiber was lost in a fork, or this is the first */
        mo_worker_end_all(w, true);
    g->host = host;
    w->held = 0;
    w->stack_end = g->fiber.stack->low;
    m->gen_seen = mo_load_relaxed(&m->team->gen) - 1; /* no barrier of this team is its own yet */
    m->go_seen = go_seen;
    count_guests(host, 1);
    g->fiber.left = guest_left;
    mo_fiber_start(ring_of(host), &g->fiber, (void **)&MO_SHARED(self), guest_main, g, m);
}

/* Guests are dealt out in blocks: neighbours often share data, and count their arrivals together. */
static void host_guests(struct mo_member *m, unsigned size, uint64_t go_seen)
{
    struct mo_team *team = m->team;
    unsigned carriers = mo_load_relaxed(&team->carriers), guests = size > carriers ? size - carriers : 0;
    unsigned first = carriers + (unsigned)((uint64_t)guests * m->tid / carriers);
    unsigned end = carriers + (unsigned)((uint64_t)guests * (m->tid + 1) / carriers);
    for (unsigned tid = first; tid < end; tid++)
        start(m, mo_team_member(team, tid), go_seen);
}

void mo_guests_leave(struct mo_member *m)
{
    while (mo_load_relaxed(&m->guests))
        mo_fiber_yield();
}

/* The program's own code on a carrier may overflow a guest's stack from now on. */
static void watch(struct mo_worker *w)
{
    if (w->ring)
        mo_worker_watch(w);
}

void mo_worker_watch(struct mo_worker *w)
{
    if (!w->watch)
        w->watch = mo_fiber_watch();
}

void mo_guests_thread_ends(struct mo_worker *w)
{
    while (MO_SHARED(ring))
        mo_fiber_yield();
    if (w->watch)
        mo_fiber_unwatch(w->watch);
    w->watch = NULL;
}

void mo_guests_enter(struct mo_member *m, uint64_t go)
{
    mo_guests_leave(m);
    watch(m->worker);
    host_guests(m, MO_GO_SIZE(go), go - 1);
}

/* ---- Making them. */
static struct mo_stack *take_stack_locked(struct mo_sched *s)
{
    if (!s->has_stacks) {
        size_t bytes = mo_pool_stack_bytes();
        mo_stacks_init(&s->stacks, bytes ? bytes : (size_t)8 << 20, MO_STACK_GUARD_MARK);
        s->has_stacks = true;
    }
    return mo_stack_take(&s->stacks, &s->spare_stacks);
}

static bool furnish_locked(struct mo_sched *s, struct mo_member *m)
{
    struct mo_guest *g = m->guest;
    if (!g && !(g = m->guest = mo_sched_permanent_locked(sizeof *g)))
        return false;
    if (!g->worker && (g->worker = mo_worker_new_fresh_locked(true)))
        g->worker->fiber = true;
    if (!g->fiber.stack)
        g->fiber.stack = take_stack_locked(s);
    if (m->worker != g->worker) { /* else its last fiber may still read them */
        m->worker = g->worker;
        g->member = m;
    }
    return g->worker && g->fiber.stack;
}

static bool furnish_all_locked(struct mo_sched *s, struct mo_team *team, unsigned want)
{
    if (!mo_team_reserve_locked(team, want))
        return false;
    unsigned carriers = mo_load_relaxed(&team->carriers);
    for (unsigned tid = 0; tid < carriers; tid++) {
        struct mo_worker *w = mo_team_member(team, tid)->worker;
        if (!w->ring && !(w->ring = mo_sched_permanent_locked(sizeof *w->ring)))
            return false;
    }
    for (unsigned tid = carriers; tid < want; tid++)
        if (!furnish_locked(s, mo_team_member(team, tid)))
            return false;
    return true;
}

static bool furnish_all(struct mo_team *team, unsigned want)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_mutex_lock(&s->lock);
    bool all = furnish_all_locked(s, team, want);
    mo_mutex_unlock(&s->lock);
    return all;
}

/* How many members share the CPUs that the region of this member has to itself. */
static unsigned sharers(const struct mo_member *m)
{
    uint64_t n = 1;
    for (; m->team->master; m = m->team->master) {
        n *= m->size;
        if (n > UINT16_MAX)
            return UINT16_MAX;
    }
    return (unsigned)n;
}

static bool may_have_guests(void)
{
    if (!mo_unlikely(mo_obs_attached()))
        return true;
    mo_warn_once("a tool is attached, so MOIRAI_TEAM=ult has no effect");
    return false;
}

/* G2. Carriers that sleep have no reason to wake at the end of a region, so they are woken here. */
static void wait_for_carriers(struct mo_team *team)
{
    mo_event_notify(&team->event);
    for (unsigned tid = 1; tid < team->capacity; tid++) {
        struct mo_member *m = mo_team_member(team, tid);
        while (m && mo_load_acquire(&m->guests))
            if (!mo_fiber_yield())
                mo_plat_yield();
    }
}

static void deal_anew(struct mo_team *team)
{
    if (team->dealt)
        wait_for_carriers(team);
    team->dealt = 0;
}

bool mo_guests_open(struct mo_member *master, struct mo_team *team, unsigned want)
{
    unsigned cpus = mo_park_cpus(), outer = sharers(master), threads = cpus / outer ? cpus / outer : 1;
    struct mo_member *m = mo_team_member(team, 0);
    mo_guests_leave(m);
    while (outer == 1 && MO_SHARED(ring))
        mo_fiber_yield(); /* of regions inside of the last one */
    if (want <= threads || !may_have_guests())
        return false;
    if (team->bound + 1 < threads) {
        deal_anew(team);
        mo_pool_bind(team, threads - 1);
    }
    if (mo_load_relaxed(&team->carriers) != team->bound + 1 || team->dealt != want)
        deal_anew(team);
    mo_store_relaxed(&team->carriers, team->bound + 1); /* published with the region */
    if (!furnish_all(team, want)) {
        mo_warn_once("out of memory for the stacks of fibers; going on with threads");
        deal_anew(team);
        return false;
    }
    team->dealt = want;
    watch(m->worker);
    host_guests(m, want, mo_load_relaxed(&team->go));
    return true;
}
