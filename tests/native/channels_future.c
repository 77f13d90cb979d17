/* The ends of channels as futures: what a poll and a drop do, one step after the other, and storms in which futures and
   threads send and receive, futures are dropped at any moment, and every message is received once or is its sender's
   still.
   usage: channels_future steps|ring|spsc|segments|meet|batching */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <moirai/moirai.h>

#include "storm.h"

#define MS 1000000ull

/* ---- Steps: each a future's poll, which has a waker; it is ready at once. */
struct step {
    moirai_future_t future;
    void (*run)(const moirai_waker_t *waker);
};

static int poll_step(moirai_future_t *self, const moirai_waker_t *waker)
{
    ((struct step *)self)->run(waker);
    return MOIRAI_READY;
}

static void step(void (*run)(const moirai_waker_t *waker))
{
    static const moirai_future_ops_t ops = {.poll = poll_step};
    struct step s = {{&ops}, run};
    EXPECT(moirai_block_on(&s.future, MOIRAI_FOREVER) == MOIRAI_OK);
}

static moirai_channel_t *channel_of(size_t capacity, int flags)
{
    moirai_channel_t *c;
    EXPECT(moirai_channel_new(&c, sizeof(long), capacity, flags) == MOIRAI_OK);
    return c;
}

#define PENDS(end, waker) (moirai_future_poll(&(end).future, waker) == MOIRAI_PENDING)
#define IS_READY(end, waker, wanted)                                                                                   \
    (moirai_future_poll(&(end).future, waker) == MOIRAI_READY && (end).status == (wanted))

static const struct {
    size_t capacity;
    int flags;
} kinds[] = {{1, 0}, {1, MOIRAI_CHANNEL_SPSC}, {MOIRAI_UNBOUNDED, 0}};

/* One that has been told of a message and is dropped tells the next one; nothing is lost. */
static void drop_noticed_receiver(const moirai_waker_t *waker)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        moirai_channel_t *c = channel_of(kinds[i].capacity, kinds[i].flags);
        long sent = 7, got[2] = {0, 0};
        moirai_recv_t first, second;
        moirai_recv_init(&first, c, &got[0]);
        moirai_recv_init(&second, c, &got[1]);
        EXPECT(PENDS(first, waker) && PENDS(second, waker) && first.status == MOIRAI_EBUSY);
        EXPECT(moirai_channel_free(c) == MOIRAI_EBUSY);
        EXPECT(moirai_channel_try_send(c, &sent) == MOIRAI_OK);
        moirai_future_drop(&first.future);
        EXPECT(first.status == MOIRAI_ECANCELED && got[0] == 0);
        EXPECT(IS_READY(second, waker, MOIRAI_OK) && got[1] == 7);
        EXPECT(moirai_channel_free(c) == MOIRAI_OK);
    }
}

static void drop_noticed_sender(const moirai_waker_t *waker)
{
    moirai_channel_t *c = channel_of(1, 0);
    long sent[3] = {1, 2, 3}, got = 0;
    moirai_send_t first, second;
    EXPECT(moirai_channel_try_send(c, &sent[0]) == MOIRAI_OK);
    moirai_send_init(&first, c, &sent[1]);
    moirai_send_init(&second, c, &sent[2]);
    EXPECT(PENDS(first, waker) && PENDS(second, waker));
    EXPECT(moirai_channel_try_recv(c, &got) == MOIRAI_OK && got == 1);
    moirai_future_drop(&first.future);
    EXPECT(first.status == MOIRAI_ECANCELED);
    EXPECT(IS_READY(second, waker, MOIRAI_OK));
    EXPECT(moirai_channel_try_recv(c, &got) == MOIRAI_OK && got == 3);
    EXPECT(moirai_channel_free(c) == MOIRAI_OK);
}

/* Without a buffer: who was called and is dropped calls the next one, which takes it from where the sender stands. */
static void meet(const moirai_waker_t *waker)
{
    moirai_channel_t *c = channel_of(MOIRAI_RENDEZVOUS, 0);
    long sent = 5, got[2] = {0, 0};
    moirai_recv_t first, second;
    moirai_send_t send;
    moirai_recv_init(&first, c, &got[0]);
    moirai_recv_init(&second, c, &got[1]);
    moirai_send_init(&send, c, &sent);
    EXPECT(PENDS(first, waker) && PENDS(second, waker));
    EXPECT(moirai_channel_try_send(c, &sent) == MOIRAI_EBUSY);
    EXPECT(PENDS(send, waker));
    moirai_future_drop(&first.future);
    EXPECT(first.status == MOIRAI_ECANCELED && got[0] == 0);
    EXPECT(IS_READY(second, waker, MOIRAI_OK) && got[1] == 5);
    moirai_future_drop(&send.future); /* too late: it has been received */
    EXPECT(send.status == MOIRAI_OK);
    moirai_send_init(&send, c, &sent);
    EXPECT(PENDS(send, waker));
    moirai_future_drop(&send.future);
    EXPECT(send.status == MOIRAI_ECANCELED);
    EXPECT(moirai_channel_try_recv(c, &got[0]) == MOIRAI_EBUSY);
    moirai_send_init(&send, c, &sent);
    EXPECT(PENDS(send, waker));
    EXPECT(moirai_channel_try_recv(c, &got[0]) == MOIRAI_OK && got[0] == 5);
    EXPECT(IS_READY(send, waker, MOIRAI_OK));
    EXPECT(moirai_channel_free(c) == MOIRAI_OK);
}

static void close_under_both(const moirai_waker_t *waker)
{
    static const size_t capacity[] = {1, MOIRAI_RENDEZVOUS};
    for (int i = 0; i < 2; i++) {
        moirai_channel_t *full = channel_of(capacity[i], 0), *empty = channel_of(capacity[i], 0);
        long message = 1;
        moirai_send_t send;
        moirai_recv_t recv;
        if (capacity[i])
            EXPECT(moirai_channel_try_send(full, &message) == MOIRAI_OK);
        moirai_send_init(&send, full, &message);
        moirai_recv_init(&recv, empty, &message);
        EXPECT(PENDS(send, waker) && PENDS(recv, waker));
        EXPECT(moirai_channel_close(full) == MOIRAI_OK && moirai_channel_close(empty) == MOIRAI_OK);
        EXPECT(IS_READY(send, waker, MOIRAI_ECLOSED) && IS_READY(recv, waker, MOIRAI_ECLOSED));
        if (capacity[i])
            EXPECT(moirai_channel_try_recv(full, &message) == MOIRAI_OK);
        EXPECT(moirai_channel_free(full) == MOIRAI_OK && moirai_channel_free(empty) == MOIRAI_OK);
    }
}

static void one_shot(const moirai_waker_t *waker)
{
    moirai_oneshot_t o = MOIRAI_ONESHOT_INIT, closed = MOIRAI_ONESHOT_INIT;
    long sent = 9, got = 0;
    moirai_oneshot_recv_t first, second;
    moirai_oneshot_recv_init(&first, &o, &got);
    moirai_oneshot_recv_init(&second, &o, &got);
    EXPECT(PENDS(first, waker) && IS_READY(second, waker, MOIRAI_EBUSY));
    EXPECT(moirai_oneshot_send(&o, &sent, sizeof sent) == MOIRAI_OK);
    moirai_future_drop(&first.future); /* what was sent stays */
    EXPECT(first.status == MOIRAI_ECANCELED && got == 0);
    EXPECT(IS_READY(second, waker, MOIRAI_OK) && got == 9);
    moirai_oneshot_recv_init(&first, &closed, &got);
    EXPECT(PENDS(first, waker) && moirai_oneshot_close(&closed) == MOIRAI_OK);
    EXPECT(IS_READY(first, waker, MOIRAI_ECLOSED));
}

static void bad_ends(const moirai_waker_t *waker)
{
    moirai_channel_t *broadcast, *c = channel_of(1, 0);
    long message = 1;
    moirai_recv_t recv;
    moirai_send_t send;
    moirai_oneshot_recv_t one;
    moirai_recv_init(&recv, NULL, &message);
    EXPECT(IS_READY(recv, waker, MOIRAI_EINVAL));
    moirai_send_init(&send, c, NULL);
    EXPECT(IS_READY(send, waker, MOIRAI_EINVAL));
    moirai_oneshot_recv_init(&one, NULL, &message);
    EXPECT(IS_READY(one, waker, MOIRAI_EINVAL));
    EXPECT(moirai_broadcast_new(&broadcast, sizeof message, 1) == MOIRAI_OK);
    moirai_recv_init(&recv, broadcast, &message);
    EXPECT(IS_READY(recv, waker, MOIRAI_EINVAL));
    moirai_recv_init(&recv, NULL, &message); /* never polled */
    moirai_future_drop(&recv.future);
    EXPECT(recv.status == MOIRAI_ECANCELED);
    EXPECT(moirai_channel_free(broadcast) == MOIRAI_OK && moirai_channel_free(c) == MOIRAI_OK);
}

static void subscriber(const moirai_waker_t *waker)
{
    moirai_channel_t *broadcast, *c;
    long sent = 3, got = 0;
    moirai_recv_t recv;
    EXPECT(moirai_broadcast_new(&broadcast, sizeof sent, 1) == MOIRAI_OK);
    EXPECT(moirai_channel_subscribe(broadcast, &c) == MOIRAI_OK);
    moirai_recv_init(&recv, c, &got);
    EXPECT(PENDS(recv, waker));
    EXPECT(moirai_channel_send(broadcast, &sent) == MOIRAI_OK);
    EXPECT(IS_READY(recv, waker, MOIRAI_OK) && got == 3);
    EXPECT(moirai_channel_free(c) == MOIRAI_OK && moirai_channel_free(broadcast) == MOIRAI_OK);
}

/* What the time sends, and what the time makes visible. */
static void with_the_time(void)
{
    moirai_batching_attr_t attr = {.least = 4, .most = 4, .delay_ns = 2 * MS};
    moirai_channel_t *after, *batching;
    moirai_tick_t tick;
    moirai_recv_t recv;
    long sent = 4, got = 0;
    EXPECT(moirai_after(&after, 2 * MS) == MOIRAI_OK);
    moirai_recv_init(&recv, after, &tick);
    EXPECT(moirai_block_on(&recv.future, MOIRAI_FOREVER) == MOIRAI_OK && recv.status == MOIRAI_OK);
    EXPECT(moirai_now_ns() >= tick.due_ns);
    EXPECT(moirai_batching_new(&batching, sizeof sent, 8, &attr) == MOIRAI_OK);
    EXPECT(moirai_channel_send(batching, &sent) == MOIRAI_OK);
    moirai_recv_init(&recv, batching, &got);
    EXPECT(moirai_block_on(&recv.future, MOIRAI_FOREVER) == MOIRAI_OK && recv.status == MOIRAI_OK && got == 4);
    EXPECT(moirai_channel_free(after) == MOIRAI_OK && moirai_channel_free(batching) == MOIRAI_OK);
}

static void steps(void)
{
    step(drop_noticed_receiver);
    step(drop_noticed_sender);
    step(meet);
    step(close_under_both);
    step(one_shot);
    step(bad_ends);
    step(subscriber);
    with_the_time();
}

/* ---- Storms. Each sender has numbers of its own. */
#define SENDERS   3
#define RECEIVERS 3
#define EACH      (30000 / SLOWER(10))
#define CANCELS   (300 / SLOWER(5))

static moirai_channel_t *channel;
static unsigned char received[(SENDERS + 1) * EACH];
static long over;

static void count(long message)
{
    EXPECT(message >= 0 && message < (SENDERS + 1) * EACH);
    EXPECT(__atomic_add_fetch(&received[message], 1, __ATOMIC_RELAXED) == 1);
}

struct sender {
    moirai_future_t future;
    moirai_send_t send;
    long message, end;
    uint32_t seed;
    bool begun;
};

/* Give up what was begun now and then: if that was sent all the same the next one follows, else it is sent again. */
static int poll_sender(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct sender *s = (struct sender *)self;
    while (s->message < s->end) {
        if (!s->begun)
            moirai_send_init(&s->send, channel, &s->message);
        bool drop = s->begun && next(&s->seed) % 4 == 0;
        s->begun = !drop;
        if (drop) {
            moirai_future_drop(&s->send.future);
            EXPECT(s->send.status == MOIRAI_OK || s->send.status == MOIRAI_ECANCELED);
        } else if (moirai_future_poll(&s->send.future, waker) == MOIRAI_PENDING) {
            return MOIRAI_PENDING;
        } else {
            EXPECT(s->send.status == MOIRAI_OK);
            s->begun = false;
        }
        s->message += s->send.status == MOIRAI_OK;
    }
    __atomic_add_fetch(&over, 1, __ATOMIC_RELEASE);
    return MOIRAI_READY;
}

struct receiver {
    moirai_future_t future;
    moirai_recv_t recv;
    long message;
    uint32_t seed;
    bool begun;
};

static void drop_receiver(moirai_future_t *self)
{
    struct receiver *r = (struct receiver *)self;
    if (!r->begun)
        return;
    moirai_future_drop(&r->recv.future);
    EXPECT(r->recv.status == MOIRAI_ECANCELED);
    r->begun = false;
}

static int poll_receiver(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct receiver *r = (struct receiver *)self;
    for (;;) {
        if (r->begun && next(&r->seed) % 4 == 0)
            drop_receiver(self);
        if (!r->begun)
            moirai_recv_init(&r->recv, channel, &r->message);
        r->begun = moirai_future_poll(&r->recv.future, waker) == MOIRAI_PENDING;
        if (r->begun)
            return MOIRAI_PENDING;
        if (r->recv.status == MOIRAI_ECLOSED)
            return MOIRAI_READY;
        EXPECT(r->recv.status == MOIRAI_OK);
        count(r->message);
    }
}

static void spawn_receiver(moirai_executor_t *x, moirai_task_t *task, uint32_t seed)
{
    static const moirai_future_ops_t ops = {.poll = poll_receiver, .drop = drop_receiver};
    struct receiver r = {.future = {&ops}, .seed = seed};
    EXPECT(moirai_async(x, task, &r.future, sizeof r) == MOIRAI_OK);
}

static void *send_as_thread(void *unused)
{
    (void)unused;
    for (long message = SENDERS * EACH; message < (SENDERS + 1) * EACH; message++)
        EXPECT(moirai_channel_send(channel, &message) == MOIRAI_OK);
    __atomic_add_fetch(&over, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *receive_as_thread(void *unused)
{
    long message;
    (void)unused;
    while (moirai_channel_recv(channel, &message) == MOIRAI_OK)
        count(message);
    return NULL;
}

static moirai_executor_t *made(void)
{
    moirai_executor_attr_t attr;
    moirai_executor_t *x;
    moirai_executor_attr_init(&attr);
    EXPECT(moirai_executor_attr_set_workers(&attr, 2) == MOIRAI_OK);
    EXPECT(moirai_executor_new(&x, &attr) == MOIRAI_OK);
    return x;
}

static void storm(long senders, int receivers, bool threads)
{
    static const moirai_future_ops_t ops = {.poll = poll_sender};
    moirai_executor_t *x = made();
    moirai_task_t sending[SENDERS], receiving[RECEIVERS];
    pthread_t t[2];
    for (int i = 0; i < receivers; i++)
        spawn_receiver(x, &receiving[i], (uint32_t)i + 1);
    for (long i = 0; i < senders; i++) {
        struct sender s = {.future = {&ops}, .message = i * EACH, .end = (i + 1) * EACH, .seed = (uint32_t)i + 77};
        EXPECT(moirai_async(x, &sending[i], &s.future, sizeof s) == MOIRAI_OK);
    }
    if (threads)
        EXPECT(!pthread_create(&t[0], NULL, send_as_thread, NULL) &&
               !pthread_create(&t[1], NULL, receive_as_thread, NULL));
    for (uint32_t n = 0; n < CANCELS; n++) { /* a receiver ends where it stands, and another one comes */
        moirai_task_t *task = &receiving[n % (uint32_t)receivers];
        moirai_cancel(task);
        EXPECT(moirai_join(task, NULL) == MOIRAI_ECANCELED);
        spawn_receiver(x, task, n + 1000);
    }
    for (long i = 0; i < senders; i++)
        EXPECT(moirai_join(&sending[i], NULL) == MOIRAI_OK);
    if (threads)
        pthread_join(t[0], NULL);
    EXPECT(moirai_channel_close(channel) == MOIRAI_OK);
    for (int i = 0; i < receivers; i++)
        EXPECT(moirai_join(&receiving[i], NULL) == MOIRAI_OK);
    if (threads)
        pthread_join(t[1], NULL);
    EXPECT(over == senders + threads);
    for (long i = 0; i < (SENDERS + 1) * EACH; i++)
        EXPECT(received[i] == (threads || i < senders * EACH));
    EXPECT(moirai_channel_free(channel) == MOIRAI_OK);
    EXPECT(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0) == MOIRAI_OK);
    EXPECT(moirai_executor_free(x) == MOIRAI_OK);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2);
    bool spsc = !strcmp(argv[1], "spsc");
    if (!strcmp(argv[1], "steps")) {
        steps();
        return 0;
    }
    if (!strcmp(argv[1], "batching")) {
        moirai_batching_attr_t attr = {.least = 1, .most = 8, .delay_ns = MS / 10};
        EXPECT(moirai_batching_new(&channel, sizeof(long), 16, &attr) == MOIRAI_OK);
    } else {
        channel = channel_of(!strcmp(argv[1], "segments") ? MOIRAI_UNBOUNDED
                             : !strcmp(argv[1], "meet")   ? MOIRAI_RENDEZVOUS
                                                          : 4,
                             spsc ? MOIRAI_CHANNEL_SPSC : 0);
    }
    storm(spsc ? 1 : SENDERS, spsc ? 1 : RECEIVERS, !spsc);
    return 0;
}
