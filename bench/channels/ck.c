/* Rings without waiting: who cannot go on yields. */
#include <ck_ring.h>
#include <sched.h>

#include "ends.h"

static ck_ring_t ring __attribute__((aligned(128))), spsc __attribute__((aligned(128)));
static ck_ring_buffer_t ring_buffer[CAPACITY], spsc_buffer[CAPACITY];

static void begin(int workers)
{
    (void)workers;
    ck_ring_init(&ring, CAPACITY);
    ck_ring_init(&spsc, CAPACITY);
}

static void ring_send(long m)
{
    while (!ck_ring_enqueue_mpmc(&ring, ring_buffer, (void *)m))
        sched_yield();
}

static long ring_recv(void)
{
    void *m;
    while (!ck_ring_dequeue_mpmc(&ring, ring_buffer, &m))
        sched_yield();
    return (long)m;
}

static void spsc_send(long m)
{
    while (!ck_ring_enqueue_spsc(&spsc, spsc_buffer, (void *)m))
        sched_yield();
}

static long spsc_recv(void)
{
    void *m;
    while (!ck_ring_dequeue_spsc(&spsc, spsc_buffer, &m))
        sched_yield();
    return (long)m;
}

static double mpmc_1p1c(void)
{
    return through(ring_send, ring_recv, 1);
}

static double spsc_1p1c(void)
{
    return through(spsc_send, spsc_recv, 1);
}

static double mpmc_4p4c(void)
{
    return through(ring_send, ring_recv, 4);
}

static double mpmc_pair(void)
{
    return pairs(ring_send, ring_recv);
}

static double spsc_pair(void)
{
    return pairs(spsc_send, spsc_recv);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"mpmc_1p1c", mpmc_1p1c}, {"spsc_1p1c", spsc_1p1c}, {"mpmc_4p4c", mpmc_4p4c},
                                           {"mpmc_pair", mpmc_pair}, {"spsc_pair", spsc_pair}, {NULL, NULL}};
    return measure_rows("ck", rows, argc, argv, begin);
}
