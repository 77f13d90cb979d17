/* How the sides of a ring wait for each other, and notice that the other one is gone; native/ring.h has the rules. */
#include "native/ring.h"
#include "native/executor.h"
#include "park/clock.h"
#include "park/strand.h"
#include "plat/plat.h"
#include "plat/share.h"

#define FIRST_LOOK_NS   1000000
#define LOOKS_PER_CLOSE 64    /* looks at the slot alone, between two at the other side and at the clock */
#define FIBER_NAP_NS    20000 /* the first one; each is twice as long as the last */
#define FIBER_NAPS      6     /* until a thread for blocking work is worth its price */

/* One try: where the CAS fails another one has rung, or the other side plays with the word. */
__attribute__((noinline)) void mo_ring_ring_slow(_Atomic uint32_t *bell, uint32_t seen)
{
    if (mo_cas_seqcst(bell, &seen, seen + 1))
        mo_plat_share_wake(bell);
}

/* Either this read-modify-write finds the bit, or the waiter's, which comes later, acquires what came before this
   one. */
void mo_ring_ring_for_all(_Atomic uint32_t *bell)
{
    uint32_t seen = mo_fetch_add_acq_rel(bell, 0u);
    if (mo_unlikely(seen & 1))
        mo_ring_ring_slow(bell, seen);
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

/* Who is marked present and has no lock is dead, if the mark is still the same: a place is locked before it is marked,
   and marked as closed before it is unlocked. */
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
struct waiting {
    struct moirai_ring *r;
    int (*look)(struct moirai_ring *r); /* cheap */
    int (*look_closely)(struct waiting *w);
    uint64_t deadline_ns, nap_ns;
    uint32_t seen; /* the bell, as it was with the bit; 0: never set */
    int status;    /* why it is over */
    unsigned looks, naps;
    bool closely; /* it is about to sleep */
    bool crowded; /* no thread for blocking work was to be had */
};

/* Nothing to take, and what the other side is like decides. What it did before it went is looked for once more. */
static int look_at_peer(struct waiting *w)
{
    int status = mo_ring_watch(w->r, false);
    if (!status)
        return 0;
    int found = w->look(w->r);
    return found ? found : status < 0 ? status : 0;
}

static bool is_over(void *arg)
{
    struct waiting *w = arg;
    w->status = w->look(w->r);
    if (w->status || (!w->closely && ++w->looks % LOOKS_PER_CLOSE != 0))
        return w->status != 0;
    w->status = w->look_closely(w);
    if (!w->status && mo_clock_now() >= w->deadline_ns)
        w->status = MOIRAI_ETIMEDOUT;
    return w->status != 0;
}

/* The bell is set before the look that follows: seq_cst, pairs with mo_ring_ring(); and see Barriers. */
static void asleep(void *arg)
{
    struct waiting *w = arg;
    struct moirai_ring *r = w->r;
    w->closely = true;
    w->seen = mo_fetch_or_seqcst(mo_ring_bell(r), 1u) | 1u;
    if (r->side == MOIRAI_RING_RECEIVER && r->barriers && !mo_plat_share_barrier()) {
        r->barriers = false; /* denied from now on */
        mo_ring_set_presence(r, MO_RING_PRESENT);
    }
}

static void awake(void *arg)
{
    ((struct waiting *)arg)->closely = false;
}

static uint64_t next_nap(struct waiting *w)
{
    uint64_t now = mo_clock_now(), left = now < w->deadline_ns ? w->deadline_ns - now : 1, nap = w->nap_ns;
    w->nap_ns = nap * 2 < MO_RING_WATCH_NS ? nap * 2 : MO_RING_WATCH_NS;
    if (w->deadline_ns != MOIRAI_FOREVER && mo_clock_is_by_hand() && nap > MO_CLOCK_LOOK_NS)
        nap = MO_CLOCK_LOOK_NS; /* nobody wakes it when the hand is moved */
    return left < nap ? left : nap;
}

/* As strands do: what woke it is looked for by the caller. */
static void sleep_as_fiber(struct waiting *w, struct mo_strand *s)
{
    if (w->naps >= FIBER_NAPS && !w->crowded) {
        w->crowded = !mo_ring_errand(mo_ring_bell(w->r), w->seen, next_nap(w));
        return;
    }
    uint64_t nap = FIBER_NAP_NS << w->naps, now = mo_clock_now();
    w->naps += w->naps < FIBER_NAPS;
    if (now + nap > w->deadline_ns)
        nap = now < w->deadline_ns ? w->deadline_ns - now : 1;
    s->ops->suspend_until(s, mo_plat_now_ns() + nap);
}

static void sleep_on_bell(void *arg)
{
    struct waiting *w = arg;
    struct mo_strand *s = mo_strand_here();
    if (s)
        sleep_as_fiber(w, s);
    else
        mo_plat_share_wait(mo_ring_bell(w->r), w->seen, next_nap(w));
    w->closely = false;
}

/* Nobody else sleeps on the bell: spare the other side a wake. */
static void take_bit_away(const struct waiting *w)
{
    const struct moirai_ring *r = w->r;
    uint32_t seen = w->seen;
    if (seen && (r->shape.kind == MOIRAI_RING_SPSC || r->side == MOIRAI_RING_RECEIVER))
        mo_cas_relaxed(mo_ring_bell(r), &seen, seen & ~1u);
}

static int wait_until(struct waiting *w)
{
    const struct mo_wait wait = {.ready = is_over,
                                 .asleep = asleep,
                                 .awake = awake,
                                 .sleep = sleep_on_bell,
                                 .arg = w,
                                 .relook_ns = FIRST_LOOK_NS,
                                 .memory = &w->r->memory};
    if (!mo_native_worker())
        return MOIRAI_ENOMEM;
    mo_wait(&wait);
    take_bit_away(w);
    return w->status;
}

int mo_ring_await(struct moirai_ring *r, int (*look)(struct moirai_ring *r), uint64_t deadline_ns)
{
    struct waiting w = {.r = r, .look = look, .look_closely = look_at_peer, .deadline_ns = deadline_ns};
    w.nap_ns = r->side == MOIRAI_RING_SENDER ? FIRST_LOOK_NS : MO_RING_WATCH_NS;
    if (r->side == MOIRAI_RING_RECEIVER)
        mo_ring_ring_for_all(&r->shared->senders_bell);
    int status = look(r);
    if (!status)
        status = look_at_peer(&w);
    if (status || deadline_ns == 0)
        return status ? status : MOIRAI_EBUSY;
    return wait_until(&w);
}

/* ---- Who takes a place rings the others' bell. */
static int look_no_further(struct moirai_ring *r)
{
    (void)r;
    return 0;
}

static int look_for_peer(struct waiting *w)
{
    int status = mo_ring_watch(w->r, true);
    return status == MOIRAI_EBROKEN ? status : status >= 0 && mo_ring_has_peer(w->r);
}

int mo_ring_meet(struct moirai_ring *r, uint64_t deadline_ns)
{
    struct waiting w = {.r = r,
                        .look = look_no_further,
                        .look_closely = look_for_peer,
                        .deadline_ns = deadline_ns,
                        .nap_ns = MO_RING_WATCH_NS};
    int status = look_for_peer(&w);
    if (!status)
        status = wait_until(&w);
    return status < 0 ? status : MOIRAI_OK;
}
