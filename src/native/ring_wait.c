/* How the sides of a ring wait for each other, and notice that the other one is gone; native/ring.h has the rules. */
#include "native/ring.h"
#include "plat/plat.h"
#include "plat/share.h"

#define SPIN_US       10 /* about what a sleep and a wake-up of another process cost */
#define MISSES_MAX    3  /* spins in vain, one after the other, until only one in so many waits spins: */
#define SPINS_ONE_IN  16
#define FIRST_LOOK_NS 1000000

static void wake(_Atomic uint32_t *bell, uint32_t seen)
{
    if (mo_unlikely(seen & 1) && mo_cas_seqcst(bell, &seen, seen + 1))
        mo_plat_share_wake(bell);
}

/* One try: where the CAS fails another one has rung, or the other side plays with the word. */
void mo_ring_ring(_Atomic uint32_t *bell)
{
    wake(bell, mo_load_seqcst(bell)); /* after the change; pairs with the waiter's write of the bit */
}

/* Either this read-modify-write finds the bit, or the waiter's, which comes later, acquires what came before this one. */
void mo_ring_ring_for_all(_Atomic uint32_t *bell)
{
    wake(bell, mo_fetch_add_acq_rel(bell, 0u));
}

/* ---- The other side. */
static unsigned first_peer(const struct moirai_ring *r)
{
    return r->side == MOIRAI_RING_RECEIVER ? MO_RING_PLACE_SENDERS : MO_RING_PLACE_RECEIVER;
}

static unsigned peers(const struct moirai_ring *r)
{
    if (r->side == MOIRAI_RING_SENDER || r->shape.kind == MOIRAI_RING_SPSC)
        return 1;
    return MOIRAI_RING_SENDERS_MAX;
}

struct presences {
    uint32_t sum;
    bool present, closed, wrong;
};

static struct presences read_presences(const struct moirai_ring *r)
{
    struct presences p = {0};
    for (unsigned i = 0, first = first_peer(r); i < peers(r); i++) {
        uint32_t word = mo_load_acquire(&r->shared->presence[first + i]);
        p.sum = p.sum * 31 + word;
        p.present |= (word & 3) == MO_RING_PRESENT;
        p.closed |= (word & 3) == MO_RING_CLOSED;
        p.wrong |= (word & 3) == 3;
    }
    return p;
}

/* The head of the ring is on loan to one that is dead. The state is read before the lock: see I4. */
static bool pass_over_dead(struct moirai_ring *r)
{
    if (r->side != MOIRAI_RING_RECEIVER || r->shape.kind != MOIRAI_RING_MPSC || r->fd < 0)
        return false;
    uint64_t state = mo_load_acquire(&mo_ring_slot(r, r->at)->state);
    unsigned sender = state & MO_RING_SENDER_MASK;
    if (mo_ring_ticket(state) != r->at || mo_ring_phase(state) != MO_RING_LOANED ||
        mo_plat_share_is_locked(r->fd, MO_RING_PLACE_SENDERS + sender, 1))
        return false;
    mo_ring_pass_over(r, state);
    return true;
}

/* Who is marked present and has no lock is dead, if the mark is still the same: a place is locked before it is marked, and
   marked as closed before it is unlocked. */
static int ask_kernel(struct moirai_ring *r, uint32_t sum)
{
    if (r->fd < 0 || mo_plat_share_is_locked(r->fd, first_peer(r), peers(r)))
        return MOIRAI_OK;
    return read_presences(r).sum == sum ? MOIRAI_EPEER : MOIRAI_OK;
}

bool mo_ring_has_peer(const struct moirai_ring *r)
{
    return read_presences(r).present;
}

int mo_ring_watch(struct moirai_ring *r, bool now)
{
    struct presences p = read_presences(r);
    if (p.wrong)
        return mo_ring_break(r);
    uint64_t time = mo_plat_now_ns();
    if (!now && r->watched_ns && p.sum == r->watched_sum && time - r->watched_ns < MO_RING_WATCH_NS)
        return r->watched < 0 && pass_over_dead(r) ? 1 : r->watched;
    r->watched_ns = time;
    r->watched_sum = p.sum;
    r->watched = p.present ? ask_kernel(r, p.sum) : p.closed ? MOIRAI_ECLOSED : MOIRAI_OK;
    return pass_over_dead(r) ? 1 : r->watched;
}

/* ---- Waiting. */
/* Spinning pays while the other side runs, and has not when it did not lately. */
static bool may_spin(struct moirai_ring *r)
{
    return mo_plat_usable_cpus() > 1 && (r->misses < MISSES_MAX || ++r->unspun % SPINS_ONE_IN == 0);
}

static int spin(struct moirai_ring *r, int (*look)(struct moirai_ring *r))
{
    uint64_t began = mo_plat_ticks(), budget = mo_plat_ticks_per_us() * SPIN_US;
    int status = 0;
    while (!status && mo_plat_ticks() - began < budget) {
        mo_plat_pause();
        status = look(r);
    }
    r->misses = status ? 0 : r->misses + (r->misses < MISSES_MAX);
    return status;
}

/* Nothing to take, and what the other side is like decides. What it did before it went is looked for once more. */
static int look_at_peer(struct moirai_ring *r, int (*look)(struct moirai_ring *r))
{
    int status = mo_ring_watch(r, false);
    if (!status)
        return 0;
    int found = look(r);
    return found ? found : status < 0 ? status : 0;
}

/* The bell is set before each look: seq_cst, pairs with mo_ring_ring(). */
static int sleep_until(struct moirai_ring *r, int (*look)(struct moirai_ring *r), uint64_t deadline_ns)
{
    _Atomic uint32_t *bell = mo_ring_bell(r);
    uint64_t nap_ns = r->side == MOIRAI_RING_SENDER ? FIRST_LOOK_NS : MO_RING_WATCH_NS;
    for (;;) {
        uint32_t seen = mo_fetch_or_seqcst(bell, 1u) | 1u;
        int status = look(r);
        if (!status)
            status = look_at_peer(r, look);
        if (status) {
            if (r->shape.kind == MOIRAI_RING_SPSC || r->side == MOIRAI_RING_RECEIVER)
                mo_cas_relaxed(bell, &seen, seen & ~1u); /* nobody else waits: spare the other side a wake */
            return status;
        }
        uint64_t now = mo_plat_now_ns();
        if (now >= deadline_ns)
            return MOIRAI_ETIMEDOUT;
        mo_plat_share_wait(bell, seen, deadline_ns - now < nap_ns ? deadline_ns - now : nap_ns);
        nap_ns = nap_ns * 2 < MO_RING_WATCH_NS ? nap_ns * 2 : MO_RING_WATCH_NS;
    }
}

int mo_ring_await(struct moirai_ring *r, int (*look)(struct moirai_ring *r), uint64_t deadline_ns)
{
    if (r->side == MOIRAI_RING_RECEIVER)
        mo_ring_ring_for_all(&r->shared->senders_bell);
    int status = look(r);
    if (!status)
        status = look_at_peer(r, look);
    if (status || deadline_ns == 0)
        return status ? status : MOIRAI_EBUSY;
    if (may_spin(r))
        status = spin(r, look);
    return status ? status : sleep_until(r, look, deadline_ns);
}

/* Who takes a place rings the others' bell. */
int mo_ring_meet(struct moirai_ring *r, uint64_t deadline_ns)
{
    _Atomic uint32_t *bell = mo_ring_bell(r);
    for (;;) {
        uint32_t seen = mo_fetch_or_seqcst(bell, 1u) | 1u;
        int status = mo_ring_watch(r, true);
        if (status == MOIRAI_EBROKEN || (status >= 0 && mo_ring_has_peer(r)))
            return status < 0 ? status : MOIRAI_OK;
        uint64_t now = mo_plat_now_ns(), most = MO_RING_WATCH_NS;
        if (now >= deadline_ns)
            return MOIRAI_ETIMEDOUT;
        mo_plat_share_wait(bell, seen, deadline_ns - now < most ? deadline_ns - now : most);
    }
}
