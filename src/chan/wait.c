/* Waiting at channels.

   Who cannot go on stands in the queue of each channel and side that it waits for; which queue that is, only the gate's
   lock decides. A waiter is claimed once, by a CAS of its state, by whoever gives it something to do:

     notice      what it waits for may be there now: it tries again. If somebody was quicker it stands in again, in front.
     hand-over   its message has been passed (channels without buffer).

   W1  the claimer takes the entry out of the queue, under the channel's lock, and claims the waiter. Where that fails
       the waiter has been claimed elsewhere; the entry is out, and the next one is looked at. The waiter leaves the
       queues of its other channels itself before it returns, also under their locks: nobody holds a pointer to it
       afterwards.
   W2  no message is overlooked. A waiter stands in the queue (`waiting` raised), lets all threads pass a barrier, then
       looks again (`ready`), then sleeps. Who sends writes first, then looks at `waiting` with nothing between but the
       compiler's barrier (N1). As in sync/asym.c: either the sender's look came after the barrier, and sees the waiter;
       or its write came before, and the waiter's look sees it. Where there is no such barrier, both sides use a full
       one; where it stops working, sleeps are bounded.
   W3  each message that comes while somebody stands there claims one waiter, and a claimed waiter tries: it gets a
       message, or there is none any more. If it takes another case's message instead, it passes the notice on. One that
       gives up (deadline) claims itself; if it fails at that it has been noticed, and tries.
   W4  a hand-over is decided under the channel's lock. A select takes the locks of all its channels without buffer, in
       the order of their addresses, looks for somebody who stands there, and if there is nobody stands in at all of
       them before it lets go: of two that come to the same channel the second one finds the first.
   W5  a receiver that may be given up when its message has been handed to it (a future that is dropped) would take the
       message with it. At a channel without buffer such a one is only ever noticed (`by_notice`): each sender that
       stands in calls one of them, which takes the message from where it stands. They stand behind those that can be
       handed one. Who was called and goes without having tried calls the next. So while a sender and such a receiver
       stand, another one has yet to try: a receiver stands in only where it sees no sender under the lock, each sender
       that comes then calls one, and each one that was called takes at most one sender away.
   W7  a barrier of all threads costs a system call and interrupts the others, which is much for a fiber that waits for
       every message. So the first who stands in also sets FENCED in `waiting`: from then on who sends takes the slow
       way, and passes a full barrier of its own between its write and its look. It reads that bit in its look, after
       its write: a look that missed it came before that waiter's barrier of all threads was over, and so did the write.
       So once that is over, and the waiter still stands there (FENCED has not been taken away meanwhile), it sets
       SETTLED, and who finds that passes a barrier of its own thread alone. When so many senders in a row found nobody
       that they have paid for one barrier of all, both bits go, if nobody stands there: the next waiter begins anew.
   W6  a strand (park/strand.h) needs no word to sleep on: who has claimed the waiter claims the strand, too. It may be
       awake for another reason, but does not leave its wait before the waiter is OVER; so the strand is claimed before
       that is written, and if it was not claimed already stays where it is until it is launched. A claim that finds it
       running makes it come back once more, and where it looks at its state again before it is switched out that does
       no harm.
   W8  a strand that waits at one channel without buffer and has no deadline is ASLEEP before it stands there and never
       claims itself. So whoever claims it has the channel's lock, which keeps others from that: no CAS is needed. A
       claim that comes before it has left its thread is W6's.

   tests/models/channel.pml has closing, two receivers with a select and the notices passed on; fenced.pml has W7,
   by_notice.pml W5. */
#include "chan/gate.h"
#include "park/clock.h"
#include "park/park.h"
#include "park/strand.h"
#include "watch/trace.h"

#include <pthread.h>
#include <time.h>

#define SPINS_MIN     8
#define SPINS_MAX     400 /* pauses: what a sleep and a wake cost */
#define PAUSES_MAX    16  /* between two looks */
#define YIELDS        4
#define LONG_YIELD_US 100
#define NO_YIELDS_US  20000
#define BLIND_NS      1000000
#define NS_PER_SECOND 1000000000u

/* ---- The barrier of all threads. */
enum answer { NOT_ASKED, GIVEN, DENIED };
static _Atomic uint8_t answer;
static pthread_once_t asked = PTHREAD_ONCE_INIT;

static void ask(void)
{
    mo_watch_start(); /* the first channel of the process is made */
    bool given = mo_plat_barrier_arm_late() && mo_plat_barrier_all();
    mo_store_relaxed(&answer, (uint8_t)(given ? GIVEN : DENIED));
}

bool mo_chan_has_barrier(void)
{
    if (mo_unlikely(mo_load_relaxed(&answer) == NOT_ASKED))
        pthread_once(&asked, ask);
    return mo_load_relaxed(&answer) == GIVEN;
}

bool mo_chan_barrier(const struct mo_chan *c)
{
    if (!c->light) {
        mo_plat_full_barrier((_Atomic uint64_t *)&c->fence);
        return true;
    }
    /* A child may have to register again. */
    return mo_plat_barrier_all() || (mo_plat_barrier_arm_late() && mo_plat_barrier_all());
}

/* ---- Threads and strands as waiters. A thread sleeps on the state itself, and the wake passes an address. */
static void wake_thread(struct mo_chan_waiter *w)
{
    bool slept = w->slept;
    mo_store_release(&w->state, (uint32_t)MO_CHAN_OVER);
    if (slept)
        mo_plat_futex_wake(&w->state, 1, MO_WAKE_ANY);
}

/* W6 */
static void wake_strand(struct mo_chan_waiter *w)
{
    struct mo_strand *s = ((struct mo_chan_sleeper *)w)->strand; /* its first member */
    bool mine = w->slept && s->ops->claim(s);
    mo_store_release(&w->state, (uint32_t)MO_CHAN_OVER);
    if (mine)
        s->ops->launch(s);
}

/* Claimed: the other side is about to say why. */
void mo_chan_await_word(struct mo_chan_waiter *w)
{
    unsigned round = 0;
    while (mo_load_acquire(&w->state) != MO_CHAN_OVER)
        mo_chan_backoff(&round);
}

void mo_chan_sleeper_init(struct mo_chan_sleeper *sleeper)
{
    struct mo_strand *s = mo_strand_here();
    *sleeper = (struct mo_chan_sleeper){.waiter.wake = s ? wake_strand : wake_thread, .strand = s};
}

void mo_chan_sleeper_of_strand(struct mo_chan_sleeper *sleeper, struct mo_strand *s)
{
    sleeper->waiter.bound = true;
    sleeper->waiter.wake = wake_strand;
    mo_store_relaxed(&sleeper->waiter.state, (uint32_t)MO_CHAN_ASLEEP);
    sleeper->strand = s;
}

/* False: the deadline came first. */
static bool sleep_as_strand(const struct mo_chan_waiter *w, struct mo_strand *s, uint64_t until_ns)
{
    while (mo_load_acquire(&w->state) == MO_CHAN_ASLEEP)
        if (until_ns == MO_CHAN_FOREVER)
            s->ops->suspend(s);
        else if (until_ns <= mo_plat_now_ns())
            return false;
        else
            s->ops->suspend_until(s, until_ns);
    return true;
}

static bool sleep_as_thread(struct mo_chan_waiter *w, uint64_t until_ns)
{
    struct timespec at = {.tv_sec = (time_t)(until_ns / NS_PER_SECOND), .tv_nsec = (long)(until_ns % NS_PER_SECOND)};
    while (mo_load_acquire(&w->state) == MO_CHAN_ASLEEP)
        if (mo_plat_futex_wait_until(&w->state, MO_CHAN_ASLEEP, false, until_ns == MO_CHAN_FOREVER ? NULL : &at) ==
            ETIMEDOUT)
            return false;
    return true;
}

bool mo_chan_sleep(struct mo_chan_sleeper *sleeper, uint64_t until_ns)
{
    struct mo_chan_waiter *w = &sleeper->waiter;
    struct mo_strand *s = sleeper->strand;
    uint32_t seen = MO_CHAN_AWAKE;
    if (!mo_cas_acq_rel(&w->state, &seen, MO_CHAN_ASLEEP)) {
        mo_chan_await_word(w);
        return true;
    }
    if (!(s ? sleep_as_strand(w, s, until_ns) : sleep_as_thread(w, until_ns)))
        return false;
    mo_chan_await_word(w);
    return true;
}

/* ---- A wait: for one case or several. */
struct wait {
    const struct mo_chan_case *cases;
    unsigned n, first;
    struct mo_chan_sleeper sleeper;
    struct mo_chan_entry *entries; /* one a case */
    bool blind;                    /* the barrier failed */
    int noticed;                   /* the case on whose account it was woken and that it has to look at, or -1 */
    int again;                     /* the last of these, or -1 */
    size_t many;                   /* of a single case: messages */
    size_t done;
    int err;
};

static bool is_ready(const struct mo_chan_case *k)
{
    return mo_chan_ready(k->chan, k->side);
}

static int try_case(struct wait *w, const struct mo_chan_case *k)
{
    if (w->many == 0)
        return mo_chan_try(k->chan, k->side, k->message);
    int err;
    w->done = mo_chan_try_many(k->chan, k->side, k->message, w->many, &err);
    return err;
}

static int try_cases(struct wait *w)
{
    unsigned index = w->first;
    for (unsigned i = 0; i < w->n; i++, index = index + 1 == w->n ? 0 : index + 1) {
        w->err = try_case(w, &w->cases[index]);
        if (w->err != EAGAIN) {
            if (w->noticed >= 0 && w->noticed != (int)index)
                mo_chan_notify(w->cases[w->noticed].chan, w->cases[w->noticed].side, 1); /* W3 */
            w->noticed = -1;
            return (int)index;
        }
    }
    w->noticed = -1;
    return -1;
}

/* The channels without buffer in the order of their addresses, each once. */
static unsigned sort_unbuffered(const struct wait *w, struct mo_chan **chans)
{
    unsigned count = 0;
    for (unsigned i = 0; i < w->n; i++) {
        struct mo_chan *c = w->cases[i].chan;
        if (c->kind != MO_CHAN_RENDEZVOUS)
            continue;
        unsigned at = 0;
        while (at < count && (uintptr_t)chans[at] < (uintptr_t)c)
            at++;
        if (at < count && chans[at] == c)
            continue;
        memmove(&chans[at + 1], &chans[at], (count - at) * sizeof *chans);
        chans[at] = c;
        count++;
    }
    return count;
}

/* W4. The case that met somebody, or found its channel closed; or -1, and stands in at all. */
static int stand_in_unbuffered(struct wait *w)
{
    struct mo_chan *chans[MO_CHAN_CASES_MAX];
    struct mo_chan_waiter *met = NULL;
    unsigned count = sort_unbuffered(w, chans);
    int index = -1;
    if (count == 0)
        return -1;
    for (unsigned i = 0; i < count; i++)
        mo_mutex_lock(&chans[i]->lock);
    for (unsigned i = 0; i < w->n && index < 0; i++) {
        const struct mo_chan_case *k = &w->cases[(w->first + i) % w->n];
        if (k->chan->kind != MO_CHAN_RENDEZVOUS)
            continue;
        if (mo_load_relaxed(&k->chan->closed))
            w->err = EPIPE;
        else if (mo_chan_rendezvous_locked(k->chan, k->side, k->message, &met))
            w->err = 0, w->done = 1;
        else
            continue;
        index = (int)(k - w->cases);
    }
    for (unsigned i = 0; i < w->n && index < 0; i++)
        if (w->cases[i].chan->kind == MO_CHAN_RENDEZVOUS)
            mo_chan_push_locked(w->cases[i].chan, w->cases[i].side, &w->entries[i], false);
    for (unsigned i = 0; i < count; i++)
        mo_mutex_unlock(&chans[i]->lock);
    if (met)
        met->wake(met);
    for (unsigned i = 0; i < w->n && index < 0; i++)
        if (w->cases[i].chan->kind == MO_CHAN_RENDEZVOUS && w->cases[i].side == MO_CHAN_SEND)
            mo_chan_call(w->cases[i].chan);
    return index;
}

static void stand_in_buffered(struct wait *w)
{
    for (unsigned i = 0; i < w->n; i++) {
        struct mo_chan *c = w->cases[i].chan;
        if (c->kind == MO_CHAN_RENDEZVOUS)
            continue;
        mo_mutex_lock(&c->lock);
        mo_chan_push_locked(c, w->cases[i].side, &w->entries[i], w->again == (int)i);
        mo_mutex_unlock(&c->lock);
    }
}

static void leave_all(struct wait *w)
{
    for (unsigned i = 0; i < w->n; i++) {
        struct mo_chan *c = w->cases[i].chan;
        mo_mutex_lock(&c->lock);
        if (w->entries[i].queued)
            mo_chan_unlink_locked(c, w->cases[i].side, &w->entries[i]);
        mo_mutex_unlock(&c->lock);
    }
}

static uint64_t due_at(const struct wait *w, uint64_t deadline_ns)
{
    for (unsigned i = 0; i < w->n; i++) {
        uint64_t due = mo_chan_due(w->cases[i].chan, w->cases[i].side);
        deadline_ns = due < deadline_ns ? due : deadline_ns;
    }
    deadline_ns = mo_clock_sleep_until(deadline_ns);
    if (w->blind) {
        uint64_t soon = mo_plat_now_ns() + BLIND_NS;
        deadline_ns = soon < deadline_ns ? soon : deadline_ns;
    }
    return deadline_ns;
}

/* One barrier of all threads for all that need it; what is decided under a lock needs none. */
static bool pass_barriers(const struct wait *w)
{
    bool passed = true, all_passed = false;
    for (unsigned i = 0; i < w->n; i++) {
        const struct mo_chan_case *k = &w->cases[i];
        if (k->chan->kind == MO_CHAN_RENDEZVOUS)
            continue;
        bool needs_all = k->chan->light && !w->entries[i].settled;
        if (needs_all && all_passed) {
            mo_chan_settle(k->chan, k->side, &w->entries[i]);
            continue;
        }
        bool ok = mo_chan_pass_barrier(k->chan, k->side, &w->entries[i]);
        all_passed |= needs_all && ok;
        passed &= ok;
    }
    return passed;
}

/* Stand in, look once more, sleep. The case that has been carried out, or -1: try again. */
static int park(struct wait *w, uint64_t deadline_ns)
{
    struct mo_chan_waiter *self = &w->sleeper.waiter;
    mo_chan_sleeper_init(&w->sleeper);
    for (unsigned i = 0; i < w->n; i++)
        w->entries[i] = (struct mo_chan_entry){.waiter = self, .message = w->cases[i].message, .index = i};
    int index = stand_in_unbuffered(w);
    if (index >= 0)
        return index;
    stand_in_buffered(w);
    w->blind = false;
    if (!pass_barriers(w))
        w->blind = true;
    bool ready = false, claimed;
    for (unsigned i = 0; i < w->n && !ready; i++)
        ready = w->cases[i].chan->kind != MO_CHAN_RENDEZVOUS && is_ready(&w->cases[i]);
    claimed = (!ready && mo_chan_sleep(&w->sleeper, due_at(w, deadline_ns))) || !mo_chan_withdraw(self);
    if (!claimed || w->n > 1)
        leave_all(w);
    if (claimed && self->handed) {
        w->err = 0;
        w->done = 1;
        return (int)self->index;
    }
    w->noticed = w->again = claimed ? (int)self->index : -1;
    return -1;
}

static bool looks_ready(const struct mo_chan_case *k)
{
    return k->chan->kind == MO_CHAN_RING ? mo_chan_ring_hint(k->chan, k->side) : is_ready(k);
}

static int try_ready(struct wait *w)
{
    for (unsigned i = 0; i < w->n; i++)
        if (looks_ready(&w->cases[i]))
            return try_cases(w);
    return -1;
}

/* A yield that took long has given the CPU to a stranger; for some time a sleep is better then. All hints: relaxed. */
static _Atomic uint64_t no_yields_before;

static bool yield_paid(void)
{
    uint64_t before = mo_plat_ticks();
    if (before < mo_load_relaxed(&no_yields_before))
        return false;
    mo_plat_yield();
    uint64_t now = mo_plat_ticks(), us = mo_plat_ticks_per_us();
    if (now - before < LONG_YIELD_US * us)
        return true;
    mo_store_relaxed(&no_yields_before, now + NO_YIELDS_US * us);
    return false;
}

/* Trying again while that can pay: a spin that was in vain halves the next one at this side of the channel, one that
   was not makes it longer. With one thread at each end the first look is as late as the others: an early one takes the
   line that the other side is writing away from it, for few messages. */
static int stay_awake(struct wait *w)
{
    _Atomic uint16_t *spins = &w->cases[0].chan->spins[w->cases[0].side];
    uint32_t most = mo_load_relaxed(spins) + SPINS_MIN, first = w->cases[0].chan->kind == MO_CHAN_SPSC ? PAUSES_MAX : 1;
    int index;
    for (uint32_t i = 0, pauses = first; i < most; i += pauses, pauses += pauses < PAUSES_MAX) {
        for (uint32_t k = 0; k < pauses; k++) /* fewer looks at what the other side is writing */
            mo_plat_pause();
        if ((index = try_ready(w)) >= 0) {
            if (most < SPINS_MAX)
                mo_store_relaxed(spins, (uint16_t)most);
            return index;
        }
    }
    mo_store_relaxed(spins, (uint16_t)(most / 2));
    for (unsigned i = 0; i < YIELDS && yield_paid(); i++)
        if ((index = try_ready(w)) >= 0)
            return index;
    return -1;
}

/* A receiver of a batching channel that sleeps keeps its timer. One that goes leaves that to another. */
static void pass_timers_on(const struct wait *w, int index)
{
    for (unsigned i = 0; i < w->n; i++) {
        const struct mo_chan_case *k = &w->cases[i];
        if ((int)i != index && k->chan->kind == MO_CHAN_BATCHING && mo_chan_due(k->chan, k->side) != MO_CHAN_FOREVER)
            mo_chan_notify(k->chan, MO_CHAN_RECV, 1);
    }
}

/* What cannot be had at once. */
static int await_cases(struct wait *w, uint64_t deadline_ns)
{
    bool parked = false;
    int index = -1;
    while (index < 0) {
        if (deadline_ns != MO_CHAN_FOREVER && mo_clock_now() >= deadline_ns) {
            w->err = ETIMEDOUT;
            break;
        }
        index = mo_strand_here() ? -1 : stay_awake(w); /* a strand keeps nobody waiting by going away */
        if (index < 0) {
            index = park(w, deadline_ns);
            parked = true;
        }
        if (index < 0)
            index = try_cases(w);
    }
    if (mo_unlikely(parked))
        pass_timers_on(w, index);
    return index;
}

static int wait_for_cases(struct wait *w, uint64_t deadline_ns)
{
    int index = try_cases(w);
    if (index < 0 && deadline_ns == 0)
        w->err = ETIMEDOUT;
    if (index >= 0 || deadline_ns == 0)
        return index;
    const struct mo_chan_case *first = &w->cases[0];
    mo_trace(MO_TRACE_CHANNEL, NULL, (uintptr_t)first->chan, MO_TRACE_CHANNEL_C(first->chan->kind, first->side, w->n));
    index = await_cases(w, deadline_ns);
    mo_trace(MO_TRACE_END(MO_TRACE_CHANNEL), NULL, (uintptr_t)first->chan, (uint32_t)w->err);
    return index;
}

int mo_chan_wait(struct mo_chan *c, enum mo_chan_side side, void *message, uint64_t deadline_ns)
{
    const struct mo_chan_case only = {c, message, side};
    struct mo_chan_entry entry;
    struct wait w = {.cases = &only, .n = 1, .entries = &entry, .noticed = -1, .again = -1};
    wait_for_cases(&w, deadline_ns);
    return w.err;
}

size_t mo_chan_wait_many(struct mo_chan *c, enum mo_chan_side side, char *messages, size_t n, uint64_t deadline_ns,
                         int *err)
{
    const struct mo_chan_case only = {c, messages, side};
    struct mo_chan_entry entry;
    struct wait w = {.cases = &only, .n = 1, .entries = &entry, .noticed = -1, .again = -1, .many = n};
    wait_for_cases(&w, deadline_ns);
    *err = w.err;
    return w.err ? 0 : w.done;
}

/* Which case is looked at first differs from call to call. */
static unsigned any_below(unsigned n)
{
    uint32_t any = (uint32_t)(mo_plat_ticks() * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    return (unsigned)((uint64_t)any * n >> 32);
}

int mo_chan_select(const struct mo_chan_case *cases, unsigned n, bool biased, uint64_t deadline_ns, int *err)
{
    struct mo_chan_entry entries[MO_CHAN_CASES_MAX];
    struct wait w = {
        .cases = cases, .n = n, .first = biased ? 0 : any_below(n), .entries = entries, .noticed = -1, .again = -1};
    int index = wait_for_cases(&w, deadline_ns);
    *err = w.err;
    return index;
}
