/* The ends of channels as futures (moirai/channel.h): waiters of chan/ that wake a waker.

   F1  a place is in use (`stands`) from when its waiter can be found until whoever polls or drops the future has taken
       it back. Only then, as the waiter is OVER or was withdrawn, is the waker given up, so who claims may use it: it
       wakes, then says OVER. A poll that this wake-up begins waits for that word.
   F2  a receiver is never handed a message, it is told to try (W5 in chan/wait.c). So a message is taken by a poll that
       says so, or not at all, and a drop has only a notice to pass on. A sender that stands at a channel without buffer
       may find that its message has been taken; then it was sent, also where it is being dropped.
   F3  polled without having been claimed and with the same waker it stays where it stands: W2 holds since it stood
       in. */
#include "native/native.h"

#include "chan/chan.h"
#include "chan/oneshot.h"
#include "moirai/channel.h"
#include "moirai/timer.h"
#include "park/clock.h"

#define BLIND_NS 1000000

struct place {
    struct mo_chan_waiter waiter;
    struct mo_chan_entry entry;
    moirai_waker_t waker;
    moirai_sleep_t sleep; /* of what comes with the time, and where the barrier failed */
    bool stands, timed;
    bool noticed; /* and has not tried since */
};

_Static_assert(sizeof(struct place) == sizeof(((moirai_recv_t *)NULL)->moirai_words), "room for it");
_Static_assert(sizeof(struct place) == sizeof(((moirai_send_t *)NULL)->moirai_words), "room for it");
_Static_assert(sizeof(struct place) == sizeof(((moirai_oneshot_recv_t *)NULL)->moirai_words), "room for it");

static struct place *place_in(uint64_t *words)
{
    return (struct place *)words;
}

static int end(int *status, int err)
{
    *status = err == EAGAIN ? MOIRAI_EAGAIN : mo_native_status(err);
    return MOIRAI_READY;
}

/* F1 */
static void wake_future(struct mo_chan_waiter *w)
{
    struct place *p = (struct place *)((char *)w - offsetof(struct place, waiter));
    moirai_waker_wake(&p->waker);
    mo_store_release(&w->state, (uint32_t)MO_CHAN_OVER);
}

static void take_place(struct place *p, const moirai_waker_t *waker)
{
    p->waiter = (struct mo_chan_waiter){.wake = wake_future};
    p->waker = moirai_waker_clone(waker);
    p->stands = true;
    p->timed = false;
}

static void give_place_up(struct place *p)
{
    if (p->timed)
        moirai_future_drop(&p->sleep.future);
    moirai_waker_drop(&p->waker);
    p->stands = false;
}

/* F3 */
static bool stays(struct place *p, const moirai_waker_t *waker)
{
    return mo_load_relaxed(&p->waiter.state) == MO_CHAN_AWAKE && moirai_waker_same(&p->waker, waker) &&
           (!p->timed || moirai_future_poll(&p->sleep.future, waker) == MOIRAI_PENDING);
}

/* ---- Channels. */
/* True: its message has been taken (F2). */
static bool leave(struct place *p, const struct mo_chan_case *k)
{
    bool claimed = !mo_chan_step_back(k->chan, k->side, &p->entry);
    bool handed = claimed && p->waiter.handed;
    give_place_up(p);
    p->noticed = claimed && !handed;
    return handed;
}

static void pass_on(struct place *p, const struct mo_chan_case *k)
{
    if (!p->noticed)
        return;
    p->noticed = false;
    if (k->chan->kind == MO_CHAN_RENDEZVOUS && k->side == MO_CHAN_RECV)
        mo_chan_call(k->chan);
    else
        mo_chan_notify(k->chan, k->side, 1);
}

/* EAGAIN: it will be told. 0: it is to try again, or cannot wait for the time, as the sleep's status says. */
static int look_again(struct place *p, const struct mo_chan_case *k, const moirai_waker_t *waker)
{
    if (k->chan->kind == MO_CHAN_RENDEZVOUS)
        return EAGAIN;
    bool blind = !mo_chan_pass_barrier(k->chan, k->side, &p->entry);
    if (mo_chan_ready(k->chan, k->side))
        return 0;
    uint64_t due = mo_chan_due(k->chan, k->side), soon = blind ? mo_clock_now() + BLIND_NS : MO_CHAN_FOREVER;
    due = due < soon ? due : soon;
    if (due == MO_CHAN_FOREVER)
        return EAGAIN;
    moirai_sleep_init(&p->sleep, due);
    p->timed = true;
    return moirai_future_poll(&p->sleep.future, waker) == MOIRAI_PENDING ? EAGAIN : 0;
}

/* EAGAIN: it stands there, and will be told. 0 or EPIPE: carried out. */
static int stand(struct place *p, const struct mo_chan_case *k, const moirai_waker_t *waker, bool in_front)
{
    take_place(p, waker);
    p->entry = (struct mo_chan_entry){.waiter = &p->waiter,
                                      .message = k->message,
                                      .by_notice = k->chan->kind == MO_CHAN_RENDEZVOUS && k->side == MO_CHAN_RECV};
    int err = mo_chan_stand(k->chan, k->side, &p->entry, in_front);
    if (err != EAGAIN)
        give_place_up(p);
    return err;
}

static bool is_wrong(const struct mo_chan_case *k)
{
    return !k->chan || (!k->message && k->chan->bytes);
}

static int poll_end(struct place *p, const struct mo_chan_case *k, const moirai_waker_t *waker, int *status)
{
    bool again = false;
    if (is_wrong(k))
        return end(status, EINVAL);
    if (p->stands && stays(p, waker))
        return MOIRAI_PENDING;
    for (;;) {
        int trouble = p->stands && p->timed ? p->sleep.status : MOIRAI_OK;
        if (p->stands && leave(p, k))
            return end(status, 0);
        if (trouble != MOIRAI_OK) {
            pass_on(p, k);
            *status = trouble;
            return MOIRAI_READY;
        }
        again |= p->noticed;
        if (mo_chan_ready(k->chan, k->side) && !moirai_waker_may_go_on(waker))
            return MOIRAI_PENDING;
        int err = mo_chan_try(k->chan, k->side, k->message);
        p->noticed = false;
        if (err == EAGAIN)
            err = stand(p, k, waker, again);
        if (err != EAGAIN)
            return end(status, err);
        if (look_again(p, k, waker) == EAGAIN)
            return MOIRAI_PENDING;
    }
}

/* A receiver of a batching channel keeps its timer. One that goes leaves that to another. */
static void drop_end(struct place *p, const struct mo_chan_case *k, int *status)
{
    bool stood = p->stands;
    if (stood && leave(p, k))
        end(status, 0);
    pass_on(p, k);
    if (stood && k->chan->kind == MO_CHAN_BATCHING && mo_chan_due(k->chan, k->side) != MO_CHAN_FOREVER)
        mo_chan_notify(k->chan, MO_CHAN_RECV, 1);
    if (*status == MOIRAI_EBUSY)
        *status = MOIRAI_ECANCELED;
}

static struct mo_chan_case case_of_recv(const moirai_recv_t *recv)
{
    return (struct mo_chan_case){(struct mo_chan *)recv->channel, recv->message, MO_CHAN_RECV};
}

static int poll_recv(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_recv_t *recv = (moirai_recv_t *)self;
    struct mo_chan_case k = case_of_recv(recv);
    return poll_end(place_in(recv->moirai_words), &k, waker, &recv->status);
}

static void drop_recv(moirai_future_t *self)
{
    moirai_recv_t *recv = (moirai_recv_t *)self;
    struct mo_chan_case k = case_of_recv(recv);
    drop_end(place_in(recv->moirai_words), &k, &recv->status);
}

MO_API void moirai_recv_init(moirai_recv_t *recv, moirai_channel_t *channel, void *message)
{
    static const moirai_future_ops_t ops = {.poll = poll_recv, .drop = drop_recv};
    *recv = (moirai_recv_t){{&ops}, channel, message, MOIRAI_EBUSY, {0}};
}

static struct mo_chan_case case_of_send(const moirai_send_t *send)
{
    return (struct mo_chan_case){(struct mo_chan *)send->channel, (void *)(uintptr_t)send->message, MO_CHAN_SEND};
}

static int poll_send(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_send_t *send = (moirai_send_t *)self;
    struct mo_chan_case k = case_of_send(send);
    return poll_end(place_in(send->moirai_words), &k, waker, &send->status);
}

static void drop_send(moirai_future_t *self)
{
    moirai_send_t *send = (moirai_send_t *)self;
    struct mo_chan_case k = case_of_send(send);
    drop_end(place_in(send->moirai_words), &k, &send->status);
}

MO_API void moirai_send_init(moirai_send_t *send, moirai_channel_t *channel, const void *message)
{
    static const moirai_future_ops_t ops = {.poll = poll_send, .drop = drop_send};
    *send = (moirai_send_t){{&ops}, channel, message, MOIRAI_EBUSY, {0}};
}

/* ---- The one-shot. */
static void leave_oneshot(struct place *p, moirai_oneshot_t *oneshot)
{
    mo_oneshot_step_back((struct mo_oneshot *)oneshot, &p->waiter);
    give_place_up(p);
}

static int poll_oneshot(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_oneshot_recv_t *recv = (moirai_oneshot_recv_t *)self;
    struct mo_oneshot *o = (struct mo_oneshot *)recv->oneshot;
    struct place *p = place_in(recv->moirai_words);
    if (!o)
        return end(&recv->status, EINVAL);
    if (p->stands && stays(p, waker))
        return MOIRAI_PENDING;
    if (p->stands)
        leave_oneshot(p, recv->oneshot);
    for (;;) {
        int err = mo_oneshot_try_recv(o, recv->message);
        if (err != EAGAIN)
            return end(&recv->status, err);
        take_place(p, waker);
        err = mo_oneshot_stand(o, &p->waiter);
        if (err == 0)
            return MOIRAI_PENDING;
        give_place_up(p);
        if (err == EBUSY) {
            recv->status = MOIRAI_EBUSY;
            return MOIRAI_READY;
        }
    }
}

static void drop_oneshot(moirai_future_t *self)
{
    moirai_oneshot_recv_t *recv = (moirai_oneshot_recv_t *)self;
    struct place *p = place_in(recv->moirai_words);
    if (p->stands)
        leave_oneshot(p, recv->oneshot);
    if (recv->status == MOIRAI_EBUSY)
        recv->status = MOIRAI_ECANCELED;
}

MO_API void moirai_oneshot_recv_init(moirai_oneshot_recv_t *recv, moirai_oneshot_t *oneshot, void *message)
{
    static const moirai_future_ops_t ops = {.poll = poll_oneshot, .drop = drop_oneshot};
    *recv = (moirai_oneshot_recv_t){{&ops}, oneshot, message, MOIRAI_EBUSY, {0}};
}
