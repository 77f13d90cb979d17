/* Programs that make up their OpenMP constructs from a seed and compare what happened with a serial model.

       [RANDOM_WITHOUT=word,...] random_NAME [SEED [SECONDS]]

   Round after round has a seed of its own, SEED, SEED + 1, ...; a seed gives the same constructs each time, though not
   the same schedule. A round that fails or hangs is named by its seed, so that it can be tried again alone, and
   RANDOM_WITHOUT leaves out what the program has a word for, to find out what the failure is about. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include "check.h"

#define RANDOM_SECONDS      0.4
#define RANDOM_HANG_SECONDS 30

/* Everything that is made up comes from such a state; a task or thread gets its own, forked from its creator's. */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_roll(struct dice *d)
{
    d->state += 0x9e3779b97f4a7c15u;
    uint64_t x = d->state;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline int dice_below(struct dice *d, int n)
{
    return (int)(dice_roll(d) % (uint64_t)n);
}

static inline int dice_between(struct dice *d, int least, int most)
{
    return least + dice_below(d, most - least + 1);
}

static inline bool dice_percent(struct dice *d, int percent)
{
    return dice_below(d, 100) < percent;
}

static inline struct dice dice_fork(struct dice *d)
{
    return (struct dice){dice_roll(d)};
}

/* Time passes: mostly next to none, sometimes as much as a task may take, now and then the thread leaves its CPU. */
static inline void dice_work(struct dice *d)
{
    int kind = dice_below(d, 32);
    if (kind == 0)
        sched_yield();
    else if (kind < 4)
        for (int i = dice_below(d, 2000); i > 0; i--)
            __asm__ volatile("");
}

static char random_hang_line[120];

static inline void random_hangs(int signal)
{
    (void)signal;
    if (write(2, random_hang_line, strlen(random_hang_line)) < 0)
        _exit(3);
    _exit(3);
}

static inline double random_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Whether a round has something: by chance, and unless RANDOM_WITHOUT names it. */
static inline bool random_has(struct dice *d, int percent, const char *word)
{
    const char *without = getenv("RANDOM_WITHOUT");
    return dice_percent(d, percent) && !(without && strstr(without, word));
}

/* A variable that the runtime reads when it starts: where it is missing, start once more with it. */
static inline void random_environment(char **argv, const char *name, const char *value)
{
    if (getenv(name))
        return;
    setenv(name, value, 1);
    execv("/proc/self/exe", argv);
    perror("exec");
    exit(2);
}

/* The main loop. Returns the exit status. */
static inline int random_rounds(int argc, char **argv, void (*round)(struct dice *d))
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    double seconds = argc > 2 ? atof(argv[2]) : RANDOM_SECONDS, start = random_now();
    signal(SIGALRM, random_hangs);
    do {
        struct dice d = {seed};
        snprintf(random_hang_line, sizeof random_hang_line, "seed %llu hangs\n", (unsigned long long)seed);
        alarm(RANDOM_HANG_SECONDS);
        round(&d);
        if (check_result()) {
            fprintf(stderr, "seed %llu fails\n", (unsigned long long)seed);
            return 1;
        }
        seed++;
    } while (random_now() - start < seconds);
    alarm(0);
    return 0;
}

#endif
