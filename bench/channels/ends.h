/* The rows of bench/chan with threads at the ends: so many senders and receivers, of one message each call. */
#ifndef BENCH_CHANNELS_ENDS_H
#define BENCH_CHANNELS_ENDS_H

#include <pthread.h>

#include "../tasks/rows.h"

#define CAPACITY 1024
#define MESSAGES 400000 /* in a round */
#define PAIRS    200000

struct ends {
    void (*send)(long message);
    long (*recv)(void);
    long each; /* messages of one thread */
    long sum;
};

/* Both ends as threads, NAME_send() and NAME_recv(). Where SEND and RECV are compiled in, so are they there. */
#define BENCH_ENDS(name, SEND, RECV)                                                                                   \
    static void *name##_send(void *arg)                                                                                \
    {                                                                                                                  \
        const struct ends *e = (const struct ends *)arg;                                                               \
        for (long i = 1; i <= e->each; i++)                                                                            \
            SEND(i);                                                                                                   \
        return NULL;                                                                                                   \
    }                                                                                                                  \
    static void *name##_recv(void *arg)                                                                                \
    {                                                                                                                  \
        struct ends *e = (struct ends *)arg;                                                                           \
        long sum = 0;                                                                                                  \
        for (long i = 0; i < e->each; i++)                                                                             \
            sum += RECV();                                                                                             \
        __atomic_add_fetch(&e->sum, sum, __ATOMIC_RELAXED);                                                            \
        return NULL;                                                                                                   \
    }

BENCH_ENDS(bench, e->send, e->recv)

/* ns a message. */
static inline double through_ends(struct ends *e, void *(*send)(void *), void *(*recv)(void *), int threads)
{
    pthread_t t[16];
    double before = bench_now_ns();
    for (int i = 0; i < threads; i++) {
        pthread_create(&t[2 * i], NULL, send, e);
        pthread_create(&t[2 * i + 1], NULL, recv, e);
    }
    for (int i = 0; i < 2 * threads; i++)
        pthread_join(t[i], NULL);
    double ns = (bench_now_ns() - before) / (double)(e->each * threads);
    bench_expect("the sum", e->sum, threads * (e->each * (e->each + 1) / 2));
    return ns;
}

static inline double through(void (*send)(long), long (*recv)(void), int threads)
{
    struct ends e = {send, recv, MESSAGES / threads, 0};
    return through_ends(&e, bench_send, bench_recv, threads);
}

/* The same of a send and a receive by one thread. */
static inline double pairs(void (*send)(long), long (*recv)(void))
{
    double before = bench_now_ns();
    for (long i = 0; i < PAIRS; i++) {
        send(i);
        recv();
    }
    return (bench_now_ns() - before) / PAIRS;
}

#endif
