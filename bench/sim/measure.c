#include "measure.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TURNS   500
#define WAKES   20
#define BATCHES 20

static _Atomic uint32_t turn;
static bool sleeps;
static cpu_set_t all; /* that the process may use: threads begin with the mask of who made them */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void stay_on(unsigned nth)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && nth-- == 0) {
            CPU_SET(cpu, &one);
            sched_setaffinity(0, sizeof one, &one);
            return;
        }
}

static void take_turns(uint32_t mine, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        while (atomic_load_explicit(&turn, memory_order_acquire) != mine)
            if (sleeps)
                syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !mine, NULL);
        atomic_store_explicit(&turn, !mine, memory_order_release);
        if (sleeps)
            syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
    }
}

static void *partner(void *turns)
{
    stay_on(1);
    take_turns(1, *(unsigned *)turns);
    return NULL;
}

/* From one thread to the other. */
static double hand_over(unsigned turns, bool asleep)
{
    pthread_t thread;
    turn = 0;
    sleeps = asleep;
    if (pthread_create(&thread, NULL, partner, &turns))
        return -1;
    take_turns(0, 2); /* until it is there */
    double start = now_ns();
    take_turns(0, turns - 2);
    double took = now_ns() - start;
    pthread_join(thread, NULL);
    return took / (turns - 2) / 2;
}

static double yield_alone(unsigned turns, bool none)
{
    (void)none;
    double start = now_ns();
    for (unsigned i = 0; i < turns; i++)
        sched_yield();
    return (now_ns() - start) / turns;
}

/* Of many short ones: what nobody disturbed. */
static double least(double (*measure)(unsigned, bool), unsigned turns, bool asleep)
{
    double best = measure(turns, asleep);
    for (int i = 0; i < BATCHES; i++) {
        double now = measure(turns, asleep);
        best = now < best ? now : best;
    }
    return best;
}

int sim_measure(void)
{
    if (sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) < 2) {
        fprintf(stderr, "sim: two CPUs are needed to measure\n");
        return 1;
    }
    stay_on(0);
    printf("{\"transfer\":%.0f,\"latency\":%.0f,\"yield\":%.0f}\n", least(hand_over, TURNS, false) / 2,
           least(hand_over, WAKES, true), least(yield_alone, TURNS, false));
    return 0;
}
