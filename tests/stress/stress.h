/* Threads that race, a check that works in all of them, and a clock that ends a test which hangs. */
#ifndef MO_TESTS_STRESS_STRESS_H
#define MO_TESTS_STRESS_STRESS_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plat/plat.h"

/* A lost wake-up shows as a hang; SIGALRM then ends the process, which is a failure. */
#define STRESS_SECONDS 30

#define EXPECT(cond)                                                                                                   \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #cond);                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ThreadSanitizer sees a race in any order of events, but slows each one down; other builds need luck, so more
   rounds. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define STRESS_FACTOR 1
#else
#define STRESS_FACTOR 8
#endif

/* Small, own state for each thread: races need variety, not quality. */
static inline uint32_t stress_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A short delay of random length, to meet windows of all widths. */
static inline void stress_pause(uint32_t *state, unsigned most)
{
    for (unsigned n = stress_random(state) % most; n > 0; n--)
        mo_plat_pause();
}

/* A kernel may leave threads that hand over to each other on one CPU, where nothing ever races: spread them. */
static inline void stress_pin(pthread_t thread, unsigned i)
{
    cpu_set_t all, one;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    unsigned skip = i % (unsigned)CPU_COUNT(&all);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all) || skip-- > 0)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(thread, sizeof one, &one);
}

/* Run body(0) to body(n - 1), each on a thread of its own, and wait for them. */
static inline void stress_run(void *(*body)(void *index), unsigned n)
{
    pthread_t thread[16];
    EXPECT(n <= 16);
    alarm(STRESS_SECONDS);
    for (unsigned i = 0; i < n; i++) {
        EXPECT(pthread_create(&thread[i], NULL, body, (void *)(uintptr_t)i) == 0);
        stress_pin(thread[i], i);
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    alarm(0);
}

#endif
