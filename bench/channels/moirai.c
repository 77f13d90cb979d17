#include <moirai/moirai.h>

#include "ends.h"

#define BATCH 64

static moirai_channel_t *ring, *spsc, *pair, *meet, *back, *batching, *unbounded;

static moirai_spsc_t *words; /* spsc, for what is compiled in */

static void begin(int workers)
{
    const moirai_batching_attr_t attr = {1, 256, 1000000};
    (void)workers;
    moirai_channel_new(&ring, sizeof(long), CAPACITY, 0);
    moirai_channel_new(&spsc, sizeof(long), CAPACITY, MOIRAI_CHANNEL_SPSC);
    moirai_spsc_of(spsc, &words);
    moirai_channel_new(&pair, sizeof(long), CAPACITY, 0);
    moirai_channel_new(&unbounded, sizeof(long), MOIRAI_UNBOUNDED, 0);
    moirai_channel_new(&meet, sizeof(long), MOIRAI_RENDEZVOUS, 0);
    moirai_channel_new(&back, sizeof(long), MOIRAI_RENDEZVOUS, 0);
    bench_expect("channels", moirai_batching_new(&batching, sizeof(long), CAPACITY, &attr), MOIRAI_OK);
}

static void ring_send(long m)
{
    moirai_channel_send(ring, &m);
}

static long ring_recv(void)
{
    long m;
    moirai_channel_recv(ring, &m);
    return m;
}

static void spsc_call_send(long m)
{
    moirai_channel_send(spsc, &m);
}

static long spsc_call_recv(void)
{
    long m;
    moirai_channel_recv(spsc, &m);
    return m;
}

/* Compiled in. */
static void spsc_send(long m)
{
    moirai_spsc_send(words, (uint64_t)m);
}

static long spsc_recv(void)
{
    uint64_t m;
    moirai_spsc_recv(words, &m);
    return (long)m;
}

static void unbounded_send(long m)
{
    moirai_channel_send(unbounded, &m);
}

static long unbounded_recv(void)
{
    long m;
    moirai_channel_recv(unbounded, &m);
    return m;
}

static void batching_send(long m)
{
    moirai_channel_send(batching, &m);
}

/* What a receiver has of its last batch. */
static long batching_recv(void)
{
    static __thread long batch[CAPACITY];
    static __thread int count, next;
    if (next == count) {
        count = moirai_channel_recv_many(batching, batch, CAPACITY, MOIRAI_FOREVER);
        next = 0;
    }
    return batch[next++];
}

static long batching_recv_one(void)
{
    long m;
    moirai_channel_recv(batching, &m);
    return m;
}

/* A sender that has many at hand. */
static void many_send(long m)
{
    static __thread long batch[BATCH];
    static __thread int count;
    batch[count++] = m;
    if (count == BATCH || m == MESSAGES) {
        moirai_channel_send_many(ring, batch, (size_t)count, MOIRAI_FOREVER);
        count = 0;
    }
}

static long many_recv(void)
{
    static __thread long batch[BATCH];
    static __thread int count, next;
    if (next == count) {
        count = moirai_channel_recv_many(ring, batch, BATCH, MOIRAI_FOREVER);
        next = 0;
    }
    return batch[next++];
}

static double mpmc_1p1c(void)
{
    return through(ring_send, ring_recv, 1);
}

static double spsc_call_1p1c(void)
{
    return through(spsc_call_send, spsc_call_recv, 1);
}

BENCH_ENDS(spsc_ends, spsc_send, spsc_recv)

static double spsc_1p1c(void)
{
    struct ends e = {NULL, NULL, MESSAGES, 0};
    return through_ends(&e, spsc_ends_send, spsc_ends_recv, 1);
}

static double mpmc_4p4c(void)
{
    return through(ring_send, ring_recv, 4);
}

static double unbounded_1p1c(void)
{
    return through(unbounded_send, unbounded_recv, 1);
}

static double batching_1p1c(void)
{
    return through(batching_send, batching_recv, 1);
}

/* The same messages one by one, through the same channel with batches of one, over those in batches. */
static double batching_gain(void)
{
    const moirai_batching_attr_t one = {1, 1, 1000000};
    moirai_channel_t *adaptive = batching;
    double batched = batching_1p1c();
    bench_expect("a channel", moirai_batching_new(&batching, sizeof(long), CAPACITY, &one), MOIRAI_OK);
    double unbatched = through(batching_send, batching_recv_one, 1);
    moirai_channel_free(batching);
    batching = adaptive;
    return unbatched / batched;
}

static double many_1p1c(void)
{
    return through(many_send, many_recv, 1);
}

static double pairs_through(moirai_channel_t *c)
{
    double before = bench_now_ns();
    long sum = 0, got;
    for (long i = 0; i < PAIRS; i++) {
        moirai_channel_send(c, &i);
        moirai_channel_recv(c, &got);
        sum += got;
    }
    double ns = (bench_now_ns() - before) / PAIRS;
    bench_expect("the sum", sum, (long)PAIRS * (PAIRS - 1) / 2);
    return ns;
}

static double mpmc_pair(void)
{
    return pairs_through(ring);
}

static double spsc_call_pair(void)
{
    return pairs_through(spsc);
}

static double spsc_pair(void)
{
    double before = bench_now_ns();
    moirai_spsc_t *c = words;
    uint64_t sum = 0, got;
    for (uint64_t i = 0; i < PAIRS; i++) {
        moirai_spsc_send(c, i);
        moirai_spsc_recv(c, &got);
        sum += got;
    }
    double ns = (bench_now_ns() - before) / PAIRS;
    bench_expect("the sum", (long)sum, (long)PAIRS * (PAIRS - 1) / 2);
    return ns;
}

/* Send to one of two, and receive by a select over both. */
static double select_two(void)
{
    moirai_channel_t *to[2] = {ring, pair};
    long got, sum = 0;
    double before = bench_now_ns();
    for (long i = 0; i < PAIRS; i++) {
        moirai_case_t cases[] = {{ring, &got, MOIRAI_RECV, 0}, {pair, &got, MOIRAI_RECV, 0}};
        moirai_channel_send(to[i & 1], &i);
        moirai_select(cases, 2, 0, MOIRAI_FOREVER);
        sum += got;
    }
    double ns = (bench_now_ns() - before) / PAIRS;
    bench_expect("the sum", sum, (long)PAIRS * (PAIRS - 1) / 2);
    return ns;
}

static void *answers(void *arg)
{
    long m;
    while (moirai_channel_recv(meet, &m) == MOIRAI_OK && m >= 0)
        moirai_channel_send(back, &m);
    return arg;
}

/* There and back, without buffer, between threads. */
static double round_trip(void)
{
    const long trips = 20000;
    pthread_t t;
    long m;
    pthread_create(&t, NULL, answers, NULL);
    double before = bench_now_ns();
    for (long i = 0; i < trips; i++) {
        moirai_channel_send(meet, &i);
        moirai_channel_recv(back, &m);
    }
    double ns = (bench_now_ns() - before) / (double)trips;
    moirai_channel_send(meet, &(long){-1});
    pthread_join(t, NULL);
    return ns;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"spsc_1p1c", spsc_1p1c},
                                           {"spsc_pair", spsc_pair},
                                           {"mpmc_1p1c", mpmc_1p1c},
                                           {"mpmc_1p1c", mpmc_1p1c},
                                           {"spsc_1p1c", spsc_1p1c},
                                           {"spsc_call_1p1c", spsc_call_1p1c},
                                           {"mpmc_4p4c", mpmc_4p4c},
                                           {"mpmc_pair", mpmc_pair},
                                           {"spsc_pair", spsc_pair},
                                           {"spsc_call_pair", spsc_call_pair},
                                           {"select", select_two},
                                           {"round_trip", round_trip},
                                           {"unbounded_1p1c", unbounded_1p1c},
                                           {"many_1p1c", many_1p1c},
                                           {"batching_1p1c", batching_1p1c},
                                           {"batching_gain", batching_gain},
                                           {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
