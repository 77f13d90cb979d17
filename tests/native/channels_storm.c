/* Storms over channels: every message that was sent is received once, in its sender's order, whatever way it took,
   through deadlines and a close in the middle. And short histories of concurrent calls are those of some order of the
   same calls one after the other (linearizability).
   usage: channels_storm MODE: ring one spsc segments meet batching select histories ends closers */
#include "native.h"
#include "storm.h"

#define SENDERS   3
#define RECEIVERS 3
#define MESSAGES  4000 /* of a sender, in a round */
#define MANY      7

static moirai_channel_t *channels[3];
static moirai_spsc_t *words; /* channels[0], in the mode "spsc" */
static unsigned channel_count;
static int senders, receivers;
static long sent_of[SENDERS]; /* so far; messages are numbered from there on */
static uint8_t sent[SENDERS][MESSAGES], received[SENDERS][MESSAGES];
static long total;

struct message {
    uint32_t sender, number;
};

/* One or more messages from `number` on, in some way; how many, or a status. */
static int send_some(uint32_t sender, uint32_t number, uint32_t *seed)
{
    struct message m[MANY];
    moirai_case_t cases[3];
    unsigned many = next(seed) % MANY + 1, to = next(seed) % channel_count;
    for (unsigned i = 0; i < MANY; i++)
        m[i] = (struct message){sender, number + i};
    if (channel_count > 1 && next(seed) % 4) {
        for (unsigned i = 0; i < channel_count; i++)
            cases[i] = (moirai_case_t){channels[i], m, MOIRAI_SEND, 0};
        int chosen = moirai_select(cases, channel_count, next(seed) % 2,
                                   next(seed) % 4 ? MOIRAI_FOREVER : moirai_now_ns() + 5000);
        int status = chosen < 0 ? chosen : cases[chosen].status;
        return status == MOIRAI_OK ? 1 : status;
    }
    int status = MOIRAI_OK;
    switch (next(seed) % (words ? 6 : 4)) {
    case 0:
        status = moirai_channel_try_send(channels[to], m);
        break;
    case 1:
        status = moirai_channel_send_until(channels[to], m, moirai_now_ns() + next(seed) % 20000);
        break;
    case 2:
        if (number + many > MESSAGES)
            many = MESSAGES - number;
        return moirai_channel_send_many(channels[to], m, many,
                                        next(seed) % 2 ? MOIRAI_FOREVER : moirai_now_ns() + 10000);
    case 3:
        status = moirai_channel_send(channels[to], m);
        break;
    default: {
        uint64_t word;
        memcpy(&word, m, sizeof word);
        status = moirai_spsc_send(words, word);
    }
    }
    return status == MOIRAI_OK ? 1 : status;
}

static int receive_some(struct message *m, uint32_t *seed, unsigned *from)
{
    moirai_case_t cases[3];
    *from = next(seed) % channel_count;
    if (channel_count > 1) {
        for (unsigned i = 0; i < channel_count; i++)
            cases[i] = (moirai_case_t){channels[i], m, MOIRAI_RECV, 0};
        int chosen = moirai_select(cases, channel_count, next(seed) % 2,
                                   next(seed) % 4 ? MOIRAI_FOREVER : moirai_now_ns() + 5000);
        *from = chosen < 0 ? 0 : (unsigned)chosen;
        int status = chosen < 0 ? chosen : cases[chosen].status;
        return status == MOIRAI_OK ? 1 : status;
    }
    int status = MOIRAI_OK;
    switch (next(seed) % (words ? 6 : 4)) {
    case 0:
        status = moirai_channel_try_recv(channels[0], m);
        break;
    case 1:
        status = moirai_channel_recv_until(channels[0], m, moirai_now_ns() + next(seed) % 20000);
        break;
    case 2:
        return moirai_channel_recv_many(channels[0], m, MANY,
                                        next(seed) % 2 ? MOIRAI_FOREVER : moirai_now_ns() + 10000);
    case 3:
        status = moirai_channel_recv(channels[0], m);
        break;
    default: {
        uint64_t word = 0;
        status = moirai_spsc_recv(words, &word);
        memcpy(m, &word, sizeof word);
    }
    }
    return status == MOIRAI_OK ? 1 : status;
}

static void *sender(void *arg)
{
    uint32_t self = (uint32_t)(long)arg, seed = 77 + self * 1234567, number = 0;
    while (number < MESSAGES) {
        int n = send_some(self, number, &seed);
        if (n == MOIRAI_ECLOSED)
            break;
        EXPECT(n > 0 || n == MOIRAI_EBUSY || n == MOIRAI_ETIMEDOUT);
        for (int i = 0; i < n; i++)
            sent[self][number++] = 1;
        if (n > 0)
            ADD(&total, n);
        else
            usleep(1);
    }
    sent_of[self] = number;
    return NULL;
}

static void *receiver(void *arg)
{
    uint32_t seed = 99 + (uint32_t)(long)arg * 7654321;
    long last[3][SENDERS];
    unsigned open = channel_count, from;
    bool closed[3] = {false, false, false};
    memset(last, -1, sizeof last);
    while (open) {
        struct message m[MANY];
        int n = receive_some(m, &seed, &from);
        if (n == MOIRAI_ECLOSED) {
            open -= !closed[from];
            closed[from] = true;
            continue;
        }
        EXPECT(n > 0 || n == MOIRAI_EBUSY || n == MOIRAI_ETIMEDOUT);
        for (int i = 0; i < n; i++) {
            EXPECT(m[i].sender < SENDERS && m[i].number < MESSAGES);
            EXPECT((long)m[i].number > last[from][m[i].sender]);
            last[from][m[i].sender] = m[i].number;
            EXPECT(ADD(&received[m[i].sender][m[i].number], 1) == 1);
        }
        if (n <= 0)
            usleep(1);
    }
    return NULL;
}

/* Closed by a third when some of the messages have gone; or once all have. */
static void storm_round(int round)
{
    pthread_t t[SENDERS + RECEIVERS];
    memset(sent, 0, sizeof sent);
    memset(received, 0, sizeof received);
    SET(&total, 0);
    for (int i = 0; i < receivers; i++)
        t[SENDERS + i] = start(receiver, (void *)(long)(i + round * RECEIVERS));
    for (int i = 0; i < senders; i++)
        t[i] = start(sender, (void *)(long)i);
    bool early = round % 2;
    if (early)
        AWAIT(GET(&total) > 500);
    for (int i = 0; i < senders && !early; i++)
        pthread_join(t[i], NULL);
    for (unsigned i = 0; i < channel_count; i++)
        EXPECT(moirai_channel_close(channels[i]) == MOIRAI_OK);
    for (int i = 0; i < senders && early; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < receivers; i++)
        pthread_join(t[SENDERS + i], NULL);
    EXPECT(memcmp(sent, received, sizeof sent) == 0);
    for (unsigned i = 0; i < channel_count; i++)
        EXPECT(moirai_channel_free(channels[i]) == MOIRAI_OK);
}

static const moirai_batching_attr_t batches = {2, 16, 200000};

static void storm(const char *mode)
{
    senders = SENDERS;
    receivers = RECEIVERS;
    channel_count = 1;
    if (!strcmp(mode, "spsc"))
        senders = receivers = 1;
    for (int round = 0; round < 6; round++) {
        const size_t bytes = sizeof(struct message);
        if (!strcmp(mode, "ring"))
            EXPECT(moirai_channel_new(&channels[0], bytes, (size_t)(round % 2 ? 2 << round : 3 + round * 10), 0) ==
                   MOIRAI_OK);
        else if (!strcmp(mode, "one"))
            EXPECT(moirai_channel_new(&channels[0], bytes, 1, 0) == MOIRAI_OK);
        else if (!strcmp(mode, "spsc"))
            EXPECT(moirai_channel_new(&channels[0], bytes, (size_t)round + 1, MOIRAI_CHANNEL_SPSC) == MOIRAI_OK &&
                   moirai_spsc_of(channels[0], &words) == MOIRAI_OK);
        else if (!strcmp(mode, "segments"))
            EXPECT(moirai_channel_new(&channels[0], bytes, MOIRAI_UNBOUNDED, 0) == MOIRAI_OK);
        else if (!strcmp(mode, "meet"))
            EXPECT(moirai_channel_new(&channels[0], bytes, MOIRAI_RENDEZVOUS, 0) == MOIRAI_OK);
        else if (!strcmp(mode, "batching"))
            EXPECT(moirai_batching_new(&channels[0], bytes, 64, &batches) == MOIRAI_OK);
        else {
            channel_count = 3;
            EXPECT(moirai_channel_new(&channels[0], bytes, 2, 0) == MOIRAI_OK);
            EXPECT(moirai_channel_new(&channels[1], bytes, MOIRAI_RENDEZVOUS, 0) == MOIRAI_OK);
            EXPECT((round % 3 ? moirai_channel_new(&channels[2], bytes, MOIRAI_RENDEZVOUS, 0)
                              : moirai_batching_new(&channels[2], bytes, 32, &batches)) == MOIRAI_OK);
        }
        storm_round(round);
    }
}

/* ---- Histories. */
#define THREADS   3
#define CALLS     4
#define HISTORIES 1500
#define CLOSES    3000

enum { TRY_SEND, TRY_RECV, CLOSE };

struct event {
    int call, status;
    long value;
    uint64_t began, ended; /* by a clock that all calls advance */
};

struct history {
    struct event events[THREADS * CALLS];
    unsigned n, capacity;
};

struct queue {
    long values[THREADS * CALLS];
    unsigned head, tail;
    bool closed;
};

/* Large messages keep a call longer between its claim of a place and the end of its copy. */
struct wide {
    long value;
    char rest[32760];
};

static struct wide buffers[THREADS];
static struct history history;
static moirai_barrier_t turn;
static uint64_t clock_now;

/* What the call says, and does, where `q` is. */
static bool agrees(struct queue *q, const struct event *e, unsigned capacity)
{
    switch (e->call) {
    case TRY_SEND:
        if (q->closed || q->tail - q->head == capacity)
            return e->status == (q->closed ? MOIRAI_ECLOSED : MOIRAI_EBUSY);
        q->values[q->tail++] = e->value;
        return e->status == MOIRAI_OK;
    case TRY_RECV:
        if (q->head == q->tail)
            return e->status == (q->closed ? MOIRAI_ECLOSED : MOIRAI_EBUSY);
        return e->status == MOIRAI_OK && q->values[q->head++] == e->value;
    default:
        if (q->closed)
            return e->status == MOIRAI_EALREADY;
        q->closed = true;
        return e->status == MOIRAI_OK;
    }
}

/* Is there an order of the calls that are left that agrees? Next may be any that began before all others ended. */
static bool has_order(const struct history *h, unsigned done, struct queue q)
{
    uint64_t first_end = UINT64_MAX;
    if (done == (1u << h->n) - 1)
        return true;
    for (unsigned i = 0; i < h->n; i++)
        if (!(done >> i & 1) && h->events[i].ended < first_end)
            first_end = h->events[i].ended;
    for (unsigned i = 0; i < h->n; i++) {
        struct queue after = q;
        if (!(done >> i & 1) && h->events[i].began <= first_end && agrees(&after, &h->events[i], h->capacity) &&
            has_order(h, done | 1u << i, after))
            return true;
    }
    return false;
}

static void act(struct event *e, uint32_t *seed, long value, struct wide *m)
{
    e->call = next(seed) % 16 == 0 ? CLOSE : next(seed) % 2 ? TRY_SEND : TRY_RECV;
    m->value = value;
    e->began = __atomic_fetch_add(&clock_now, 1, __ATOMIC_SEQ_CST);
    e->status = e->call == TRY_SEND   ? moirai_channel_try_send(channels[0], m)
                : e->call == TRY_RECV ? moirai_channel_try_recv(channels[0], m)
                                      : moirai_channel_close(channels[0]);
    e->ended = __atomic_fetch_add(&clock_now, 1, __ATOMIC_SEQ_CST);
    e->value = m->value;
}

static void *acts(void *arg)
{
    long self = (long)arg;
    uint32_t seed = 4711 + (uint32_t)self * 1000003;
    for (int round = 0; round < HISTORIES; round++) {
        moirai_barrier_wait(&turn);
        for (int i = 0; i < CALLS; i++)
            act(&history.events[self * CALLS + i], &seed, self * 100 + i + 1, &buffers[self]);
        moirai_barrier_wait(&turn);
    }
    return NULL;
}

/* The checker itself: an order that cannot be, and one that can. */
static void check_the_checker(void)
{
    struct history h = {.n = 4,
                        .capacity = 2,
                        .events = {{TRY_SEND, MOIRAI_OK, 1, 0, 1},
                                   {TRY_SEND, MOIRAI_OK, 2, 2, 3},
                                   {TRY_RECV, MOIRAI_OK, 2, 4, 7},
                                   {TRY_RECV, MOIRAI_OK, 1, 5, 6}}};
    EXPECT(has_order(&h, 0, (struct queue){0}));
    h.events[3].began = 8, h.events[3].ended = 9; /* 2 before 1, one after the other */
    EXPECT(!has_order(&h, 0, (struct queue){0}));
    h.events[2].value = h.events[3].value = 1; /* twice */
    EXPECT(!has_order(&h, 0, (struct queue){0}));
    h.events[2].status = MOIRAI_EBUSY; /* empty, where nothing was on the way */
    EXPECT(!has_order(&h, 0, (struct queue){0}));
}

static void histories(void)
{
    static const size_t capacities[] = {1, 2, 3, MOIRAI_UNBOUNDED};
    pthread_t t[THREADS];
    check_the_checker();
    EXPECT(moirai_barrier_init(&turn, THREADS + 1) == MOIRAI_OK);
    for (long i = 0; i < THREADS; i++)
        t[i] = start(acts, (void *)i);
    for (int round = 0; round < HISTORIES; round++) {
        size_t capacity = capacities[round % 4];
        EXPECT(moirai_channel_new(&channels[0], sizeof(struct wide), capacity, 0) == MOIRAI_OK);
        moirai_barrier_wait(&turn);
        moirai_barrier_wait(&turn);
        history.n = THREADS * CALLS;
        history.capacity = capacity == MOIRAI_UNBOUNDED ? UINT32_MAX : (unsigned)capacity;
        EXPECT(has_order(&history, 0, (struct queue){0}));
        while (moirai_channel_try_recv(channels[0], &buffers[0]) == MOIRAI_OK) {
        }
        EXPECT(moirai_channel_free(channels[0]) == MOIRAI_OK);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
}

/* ---- A close in the middle of a send: what the sender was told has been sent is received. */
static long sends_ended;

static void *closes(void *arg)
{
    uint32_t seed = (uint32_t)(long)arg;
    for (uint32_t i = next(&seed) % 20000; i; i--)
        __asm__ volatile("" ::: "memory");
    EXPECT(moirai_channel_close(channels[0]) == MOIRAI_OK);
    return NULL;
}

static void *sends_words_until_the_end(void *arg)
{
    while (moirai_spsc_send(arg, (uint64_t)sends_ended) == MOIRAI_OK)
        sends_ended++;
    return NULL;
}

/* The same by what is compiled in; the numbers go up by one. */
static void end_of_words(uint32_t seed)
{
    pthread_t t[2];
    uint64_t got, count = 0;
    sends_ended = 0;
    EXPECT(moirai_channel_new(&channels[0], sizeof got, 1 + seed % 5, MOIRAI_CHANNEL_SPSC) == MOIRAI_OK);
    EXPECT(moirai_spsc_of(channels[0], &words) == MOIRAI_OK);
    t[0] = start(sends_words_until_the_end, words);
    t[1] = start(closes, (void *)(long)seed);
    while (moirai_spsc_recv(words, &got) == MOIRAI_OK)
        EXPECT(got == count++);
    EXPECT(moirai_channel_try_recv(channels[0], &got) == MOIRAI_ECLOSED);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    EXPECT((long)count == sends_ended);
    EXPECT(moirai_spsc_recv(words, &got) == MOIRAI_ECLOSED && moirai_spsc_send(words, 0) == MOIRAI_ECLOSED);
    EXPECT(moirai_channel_free(channels[0]) == MOIRAI_OK);
}

static void *sends_until_the_end(void *arg)
{
    struct wide *m = arg;
    while (moirai_channel_send(channels[0], m) == MOIRAI_OK)
        sends_ended++;
    return NULL;
}

static void ends(void)
{
    const size_t capacities[] = {4, 4, MOIRAI_UNBOUNDED, MOIRAI_RENDEZVOUS};
    for (int round = 0; round < 1200; round++) {
        pthread_t t[2];
        long got = 0;
        sends_ended = 0;
        EXPECT(moirai_channel_new(&channels[0], sizeof(struct wide), capacities[round % 4],
                                  round % 4 ? 0 : MOIRAI_CHANNEL_SPSC) == MOIRAI_OK);
        t[0] = start(sends_until_the_end, &buffers[0]);
        t[1] = start(closes, (void *)(long)(round * 77 + 1));
        while (moirai_channel_recv(channels[0], &buffers[1]) == MOIRAI_OK)
            got++;
        EXPECT(moirai_channel_try_recv(channels[0], &buffers[1]) == MOIRAI_ECLOSED);
        pthread_join(t[0], NULL);
        pthread_join(t[1], NULL);
        EXPECT(got == sends_ended);
        EXPECT(moirai_channel_free(channels[0]) == MOIRAI_OK);
        if (round % 2)
            end_of_words((uint32_t)round * 91 + 7);
    }
}

/* ---- Two who close: for each of them the channel is closed once its call has returned, whichever came first. */
static void *closes_and_sends(void *arg)
{
    long *firsts = arg;
    for (int round = 0; round < CLOSES; round++) {
        moirai_barrier_wait(&turn);
        int status = moirai_channel_close(channels[0]);
        EXPECT(moirai_channel_try_send(channels[0], &buffers[0]) == MOIRAI_ECLOSED);
        EXPECT(moirai_channel_is_closed(channels[0]) == 1);
        EXPECT(status == MOIRAI_OK || status == MOIRAI_EALREADY);
        *firsts += status == MOIRAI_OK;
        moirai_barrier_wait(&turn);
    }
    return NULL;
}

static void *looks_and_sends(void *unused)
{
    for (int round = 0; round < CLOSES; round++) {
        moirai_barrier_wait(&turn);
        while (moirai_channel_is_closed(channels[0]) == 0) {
        }
        EXPECT(moirai_channel_try_send(channels[0], &buffers[0]) == MOIRAI_ECLOSED);
        moirai_barrier_wait(&turn);
    }
    return unused;
}

static void closers(void)
{
    const size_t capacities[] = {4, MOIRAI_UNBOUNDED, MOIRAI_RENDEZVOUS};
    pthread_t t[3];
    long firsts[2] = {0, 0};
    EXPECT(moirai_barrier_init(&turn, 4) == MOIRAI_OK);
    t[0] = start(closes_and_sends, &firsts[0]);
    t[1] = start(closes_and_sends, &firsts[1]);
    t[2] = start(looks_and_sends, NULL);
    for (int round = 0; round < CLOSES; round++) {
        EXPECT(moirai_channel_new(&channels[0], sizeof(struct wide), capacities[round % 3], 0) == MOIRAI_OK);
        moirai_barrier_wait(&turn);
        moirai_barrier_wait(&turn);
        EXPECT(moirai_channel_free(channels[0]) == MOIRAI_OK);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    EXPECT(firsts[0] + firsts[1] == CLOSES);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: channels_storm MODE\n");
        return 2;
    }
    if (!strcmp(argv[1], "histories"))
        histories();
    else if (!strcmp(argv[1], "ends"))
        ends();
    else if (!strcmp(argv[1], "closers"))
        closers();
    else
        storm(argv[1]);
    return 0;
}
