/* The channels of moirai/channel.h, which are those of chan/. */
#include "native/native.h"

#include "chan/chan.h"
#include "chan/oneshot.h"
#include "moirai/channel.h"
#include "moirai/spsc.h"
#include "park/clock.h"

#include <limits.h>

_Static_assert(sizeof(moirai_oneshot_t) <= 32 && sizeof(moirai_oneshot_t) == sizeof(struct mo_oneshot), "as promised");
_Static_assert(_Alignof(moirai_oneshot_t) >= _Alignof(struct mo_oneshot), "aligned as the core's");
_Static_assert(MOIRAI_ONESHOT_BYTES_MAX == MO_ONESHOT_BYTES, "the core's value");
_Static_assert(MOIRAI_CHANNEL_FIXED_BYTES == MO_CHAN_FIXED_BYTES, "as promised");
_Static_assert(MOIRAI_CHANNEL_BYTES_MAX == MO_CHAN_BYTES_MAX, "the core's value");
_Static_assert(MOIRAI_SELECT_MAX == MO_CHAN_CASES_MAX, "the core's value");
_Static_assert(MOIRAI_RECV == (int)MO_CHAN_RECV && MOIRAI_SEND == (int)MO_CHAN_SEND, "the core's values");

static struct mo_chan *core(const moirai_channel_t *channel)
{
    return (struct mo_chan *)(uintptr_t)channel;
}

static int status_of(int err)
{
    return mo_likely(err == 0) ? MOIRAI_OK : err == EAGAIN ? MOIRAI_EBUSY : mo_native_status_of_error(err);
}

static bool is_wrong(const struct mo_chan *c, const void *message)
{
    return mo_unlikely(!c || (!message && c->bytes));
}

/* ---- Making and ending. */
/* `c` is where `err` says that it is: arguments have no order. */
static int made(int err, struct mo_chan *const *c, moirai_channel_t **channel)
{
    if (err == 0)
        *channel = (moirai_channel_t *)*c;
    return status_of(err);
}

static int kind_of(size_t capacity, int flags)
{
    if (flags == MOIRAI_CHANNEL_SPSC)
        return capacity == MOIRAI_RENDEZVOUS || capacity == MOIRAI_UNBOUNDED ? -1 : MO_CHAN_SPSC;
    if (flags)
        return -1;
    return capacity == MOIRAI_RENDEZVOUS  ? MO_CHAN_RENDEZVOUS
           : capacity == MOIRAI_UNBOUNDED ? MO_CHAN_SEGMENTS
                                          : MO_CHAN_RING;
}

MO_API int moirai_channel_new(moirai_channel_t **channel, size_t bytes, size_t capacity, int flags)
{
    struct mo_chan *c = NULL;
    int kind = kind_of(capacity, flags);
    if (!channel || kind < 0)
        return MOIRAI_EINVAL;
    return made(mo_chan_new(&c, (enum mo_chan_kind)kind, bytes, capacity), &c, channel);
}

MO_API int moirai_channel_close(moirai_channel_t *channel)
{
    return channel ? status_of(mo_chan_close(core(channel))) : MOIRAI_EINVAL;
}

MO_API int moirai_channel_is_closed(const moirai_channel_t *channel)
{
    return channel ? mo_chan_is_closed(core(channel)) : MOIRAI_EINVAL;
}

MO_API size_t moirai_channel_count(const moirai_channel_t *channel)
{
    return channel ? mo_chan_count(core(channel)) : 0;
}

MO_API int moirai_channel_free(moirai_channel_t *channel)
{
    int err = channel ? mo_chan_free(core(channel)) : 0;
    return err == EBUSY ? MOIRAI_EBUSY : status_of(err);
}

/* ---- One message. */
static __attribute__((noinline)) int wait_for(struct mo_chan *c, enum mo_chan_side side, void *message,
                                              uint64_t deadline_ns)
{
    return status_of(mo_chan_wait(c, side, message, deadline_ns));
}

static __attribute__((noinline)) int meet(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    int err = mo_chan_meet(c, side, message);
    return mo_likely(err == 0) ? MOIRAI_OK : status_of(err);
}

static __attribute__((noinline)) int until_other(struct mo_chan *c, enum mo_chan_side side, void *message,
                                                 uint64_t deadline_ns)
{
    /* Where the quickest way was tried a race was lost, or there is more to find out. */
    int err = c->quick == MO_CHAN_QUICK_RING ? mo_chan_ring_try_slow(c, side, message) : mo_chan_try(c, side, message);
    if (mo_likely(err == 0))
        return MOIRAI_OK;
    return err == EAGAIN ? wait_for(c, side, message, deadline_ns) : status_of(err);
}

static __attribute__((noinline)) int until(struct mo_chan *c, enum mo_chan_side side, void *message,
                                           uint64_t deadline_ns)
{
    if (is_wrong(c, message))
        return MOIRAI_EINVAL;
    if (c->kind == MO_CHAN_RENDEZVOUS && deadline_ns == MOIRAI_FOREVER)
        return meet(c, side, message);
    return until_other(c, side, message, deadline_ns);
}

static __attribute__((noinline)) int at_once(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    return is_wrong(c, message) ? MOIRAI_EINVAL : status_of(mo_chan_try(c, side, message));
}

static __attribute__((noinline)) int tell(struct mo_chan *c, enum mo_chan_side side)
{
    if (c->kind == MO_CHAN_SPSC && side == MO_CHAN_RECV)
        return status_of(mo_chan_spsc_tell(c, 1));
    mo_chan_notify_slow(c, side, 1);
    return MOIRAI_OK;
}

static inline __attribute__((always_inline)) bool quick(struct mo_chan *c, enum mo_chan_side side, void *message)
{
    if (mo_unlikely(!c || !message))
        return false;
    if (mo_likely(c->quick == MO_CHAN_QUICK_RING))
        return side == MO_CHAN_SEND ? mo_chan_quick_ring_send(c, message) : mo_chan_quick_ring_recv(c, message);
    if (mo_likely(c->quick == MO_CHAN_QUICK_SPSC))
        return side == MO_CHAN_SEND ? mo_chan_quick_spsc_send(c, message) : mo_chan_quick_spsc_recv(c, message);
    return false;
}

/* N1 of a channel that is light. */
static inline __attribute__((always_inline)) int quick_done(struct mo_chan *c, enum mo_chan_side other)
{
    mo_plat_light_barrier();
    return mo_unlikely(mo_load_relaxed(&c->waiting[other]) != 0) ? tell(c, other) : MOIRAI_OK;
}

MO_API int moirai_channel_send_until(moirai_channel_t *channel, const void *message, uint64_t deadline_ns)
{
    struct mo_chan *c = core(channel);
    void *from = (void *)(uintptr_t)message;
    return mo_likely(quick(c, MO_CHAN_SEND, from)) ? quick_done(c, MO_CHAN_RECV)
                                                   : until(c, MO_CHAN_SEND, from, deadline_ns);
}

MO_API int moirai_channel_send(moirai_channel_t *channel, const void *message)
{
    struct mo_chan *c = core(channel);
    void *from = (void *)(uintptr_t)message;
    return mo_likely(quick(c, MO_CHAN_SEND, from)) ? quick_done(c, MO_CHAN_RECV)
                                                   : until(c, MO_CHAN_SEND, from, MOIRAI_FOREVER);
}

MO_API int moirai_channel_try_send(moirai_channel_t *channel, const void *message)
{
    struct mo_chan *c = core(channel);
    void *from = (void *)(uintptr_t)message;
    return mo_likely(quick(c, MO_CHAN_SEND, from)) ? quick_done(c, MO_CHAN_RECV) : at_once(c, MO_CHAN_SEND, from);
}

MO_API int moirai_channel_recv_until(moirai_channel_t *channel, void *message, uint64_t deadline_ns)
{
    struct mo_chan *c = core(channel);
    return mo_likely(quick(c, MO_CHAN_RECV, message)) ? quick_done(c, MO_CHAN_SEND)
                                                      : until(c, MO_CHAN_RECV, message, deadline_ns);
}

MO_API int moirai_channel_recv(moirai_channel_t *channel, void *message)
{
    struct mo_chan *c = core(channel);
    return mo_likely(quick(c, MO_CHAN_RECV, message)) ? quick_done(c, MO_CHAN_SEND)
                                                      : until(c, MO_CHAN_RECV, message, MOIRAI_FOREVER);
}

MO_API int moirai_channel_try_recv(moirai_channel_t *channel, void *message)
{
    struct mo_chan *c = core(channel);
    return mo_likely(quick(c, MO_CHAN_RECV, message)) ? quick_done(c, MO_CHAN_SEND) : at_once(c, MO_CHAN_RECV, message);
}

/* ---- What moirai/spsc.h compiles into the caller, and the rest of it. */
#define SAME_PLACE(theirs, ours)                                                                                       \
    _Static_assert(offsetof(moirai_spsc_t, theirs) == offsetof(struct mo_chan, ours), "part of the ABI")
SAME_PLACE(moirai_mask, mask);
SAME_PLACE(moirai_waiting, waiting);
SAME_PLACE(moirai_tail, spsc.tail);
SAME_PLACE(moirai_limit, spsc.limit);
SAME_PLACE(moirai_head, spsc.head);
SAME_PLACE(moirai_tail_seen, spsc.tail_seen);
_Static_assert(sizeof(moirai_spsc_t) == sizeof(struct mo_chan), "messages come after it");

MO_API int moirai_spsc_of(moirai_channel_t *channel, moirai_spsc_t **spsc)
{
    const struct mo_chan *c = core(channel);
    if (!c || !spsc || c->kind != MO_CHAN_SPSC || c->bytes != sizeof(uint64_t))
        return MOIRAI_EINVAL;
    *spsc = (moirai_spsc_t *)channel;
    return MOIRAI_OK;
}

MO_API int moirai_spsc_send_until(moirai_spsc_t *spsc, uint64_t word, uint64_t deadline_ns)
{
    return until((struct mo_chan *)spsc, MO_CHAN_SEND, &word, deadline_ns);
}

MO_API int moirai_spsc_recv_until(moirai_spsc_t *spsc, uint64_t *word, uint64_t deadline_ns)
{
    return until((struct mo_chan *)spsc, MO_CHAN_RECV, word, deadline_ns);
}

MO_API int moirai_spsc_tell(moirai_spsc_t *spsc, int side)
{
    if (!spsc || (side != MOIRAI_SEND && side != MOIRAI_RECV))
        return MOIRAI_EINVAL;
    mo_chan_order((struct mo_chan *)spsc); /* what is compiled in has the compiler's alone */
    return tell((struct mo_chan *)spsc, side == MOIRAI_SEND ? MO_CHAN_RECV : MO_CHAN_SEND);
}

/* ---- Many. */
static bool are_wrong(const moirai_channel_t *channel, const void *messages, size_t n)
{
    return is_wrong(core(channel), messages) || n == 0 || n > INT_MAX;
}

MO_API int moirai_channel_send_many(moirai_channel_t *channel, const void *messages, size_t n, uint64_t deadline_ns)
{
    struct mo_chan *c = core(channel);
    size_t sent = 0;
    int err = 0;
    if (are_wrong(channel, messages, n))
        return MOIRAI_EINVAL;
    while (sent < n && err == 0)
        sent += mo_chan_wait_many(c, MO_CHAN_SEND, (char *)(uintptr_t)messages + sent * c->bytes, n - sent, deadline_ns,
                                  &err);
    return sent ? (int)sent : status_of(err);
}

MO_API int moirai_channel_recv_many(moirai_channel_t *channel, void *messages, size_t n, uint64_t deadline_ns)
{
    int err;
    if (are_wrong(channel, messages, n))
        return MOIRAI_EINVAL;
    size_t received = mo_chan_wait_many(core(channel), MO_CHAN_RECV, messages, n, deadline_ns, &err);
    return received ? (int)received : status_of(err);
}

/* ---- Select. */
static bool has_end(const struct mo_chan *c, enum mo_chan_side side)
{
    if (side == MO_CHAN_SEND)
        return c->kind != MO_CHAN_TIMER && c->kind != MO_CHAN_SUBSCRIBER;
    return c->kind != MO_CHAN_BROADCAST;
}

static bool is_case(const moirai_case_t *k)
{
    return (k->kind == MOIRAI_RECV || k->kind == MOIRAI_SEND) && !is_wrong(core(k->channel), k->message) &&
           has_end(core(k->channel), (enum mo_chan_side)k->kind);
}

MO_API int moirai_select(moirai_case_t *cases, unsigned n, int flags, uint64_t deadline_ns)
{
    struct mo_chan_case core_cases[MO_CHAN_CASES_MAX];
    int err;
    if (!cases || n == 0 || n > MOIRAI_SELECT_MAX || (flags & ~MOIRAI_SELECT_BIASED))
        return MOIRAI_EINVAL;
    for (unsigned i = 0; i < n; i++) {
        if (!is_case(&cases[i]))
            return MOIRAI_EINVAL;
        core_cases[i] =
            (struct mo_chan_case){core(cases[i].channel), cases[i].message, (enum mo_chan_side)cases[i].kind};
    }
    int chosen = mo_chan_select(core_cases, n, flags & MOIRAI_SELECT_BIASED, deadline_ns, &err);
    if (chosen < 0)
        return status_of(err);
    cases[chosen].status = status_of(err);
    return chosen;
}

/* ---- The time. */
static int timer(moirai_channel_t **channel, uint64_t ns, uint64_t period_ns)
{
    struct mo_chan *c = NULL;
    uint64_t now = mo_clock_now();
    if (!channel)
        return MOIRAI_EINVAL;
    /* What lies beyond the clock's end never comes, and is no reason to say that it is over. */
    return made(mo_chan_timer_new(&c, ns < MO_CHAN_FOREVER - 1 - now ? now + ns : MO_CHAN_FOREVER - 1, period_ns), &c,
                channel);
}

MO_API int moirai_after(moirai_channel_t **channel, uint64_t ns)
{
    return timer(channel, ns, 0);
}

MO_API int moirai_tick(moirai_channel_t **channel, uint64_t ns)
{
    return ns ? timer(channel, ns, ns) : MOIRAI_EINVAL;
}

/* ---- Broadcast. */
MO_API int moirai_broadcast_new(moirai_channel_t **channel, size_t bytes, size_t capacity)
{
    struct mo_chan *c = NULL;
    return channel ? made(mo_chan_new(&c, MO_CHAN_BROADCAST, bytes, capacity), &c, channel) : MOIRAI_EINVAL;
}

MO_API int moirai_watch_new(moirai_channel_t **channel, size_t bytes)
{
    int status = moirai_broadcast_new(channel, bytes, 1);
    if (status == MOIRAI_OK)
        core(*channel)->broadcast.newest = true;
    return status;
}

MO_API int moirai_channel_subscribe(moirai_channel_t *broadcast, moirai_channel_t **subscription)
{
    struct mo_chan *c = NULL;
    return broadcast && subscription ? made(mo_chan_subscribe(&c, core(broadcast)), &c, subscription) : MOIRAI_EINVAL;
}

MO_API uint64_t moirai_channel_missed(moirai_channel_t *subscription)
{
    struct mo_chan *c = core(subscription);
    return c && c->kind == MO_CHAN_SUBSCRIBER ? mo_exchange_acquire(&c->broadcast.missed, (uint64_t)0) : 0;
}

/* ---- Batching. */
MO_API int moirai_batching_new(moirai_channel_t **channel, size_t bytes, size_t capacity,
                               const moirai_batching_attr_t *attr)
{
    struct mo_chan *c = NULL;
    if (!channel || !attr)
        return MOIRAI_EINVAL;
    return made(mo_chan_batching_new(&c, bytes, capacity, attr->least, attr->most, attr->delay_ns), &c, channel);
}

MO_API int moirai_batching_stats(const moirai_channel_t *channel, moirai_batching_stats_t *stats)
{
    struct mo_chan_batching b;
    if (!channel || !stats || core(channel)->kind != MO_CHAN_BATCHING)
        return MOIRAI_EINVAL;
    mo_chan_batching_stats(core(channel), &b);
    *stats = (moirai_batching_stats_t){.messages = mo_load_relaxed(&b.sent),
                                       .batches = b.batches,
                                       .full = b.full,
                                       .late = b.late,
                                       .rest = b.rest,
                                       .smallest = b.smallest,
                                       .largest = b.largest,
                                       .size = b.target,
                                       .per_second = b.rate * 1e9};
    return MOIRAI_OK;
}

/* ---- One-shot. */
static struct mo_oneshot *oneshot_of(moirai_oneshot_t *oneshot)
{
    return (struct mo_oneshot *)oneshot;
}

MO_API int moirai_oneshot_send(moirai_oneshot_t *oneshot, const void *message, size_t bytes)
{
    return oneshot && (message || !bytes) ? status_of(mo_oneshot_send(oneshot_of(oneshot), message, bytes))
                                          : MOIRAI_EINVAL;
}

MO_API int moirai_oneshot_recv_until(moirai_oneshot_t *oneshot, void *message, uint64_t deadline_ns)
{
    return oneshot ? status_of(mo_oneshot_recv(oneshot_of(oneshot), message, deadline_ns)) : MOIRAI_EINVAL;
}

MO_API int moirai_oneshot_recv(moirai_oneshot_t *oneshot, void *message)
{
    return moirai_oneshot_recv_until(oneshot, message, MOIRAI_FOREVER);
}

MO_API int moirai_oneshot_try_recv(moirai_oneshot_t *oneshot, void *message)
{
    return oneshot ? status_of(mo_oneshot_try_recv(oneshot_of(oneshot), message)) : MOIRAI_EINVAL;
}

MO_API int moirai_oneshot_close(moirai_oneshot_t *oneshot)
{
    return oneshot ? status_of(mo_oneshot_close(oneshot_of(oneshot))) : MOIRAI_EINVAL;
}
