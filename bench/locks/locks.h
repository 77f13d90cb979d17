/* Rows of the benchmark of locks: what a row is, and how its timings are taken and kept. The program knows nothing of
   Moirai: it measures whatever answers to the names of pthread.h. */
#ifndef LOCKS_H
#define LOCKS_H

#include "../series.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One thread of a team, which counts what it has done. */
struct member {
    alignas(128) int id;
    long units;
    double longest_ns; /* of its waits, where the row looks at them */
};

/* A row is one of these:
   once     does so many operations on the calling thread; one other thread exists, asleep, unless `single`
   member   runs on each thread of a team until locks_stopped(); `begin`, `end` and `check` run on the calling thread before
            the threads start, after the stop, and when they are gone
   run      does all of that itself, because it takes another kind of sample */
struct row {
    const char *name;
    const char *unit;
    bool single;
    void (*once)(long operations);
    int threads;
    void (*member)(struct member *);
    void (*begin)(void);
    void (*end)(void);
    void (*check)(void);
    void (*run)(struct result *out, double budget_ns);
};

extern const struct row mutex_rows[], cond_rows[], other_rows[];

void locks_measure(const struct row *row, double budget_ns, struct result *out);

bool locks_stopped(void);
/* Runs row->member on row->threads threads for about `ns`; returns the ns that really went by until they were told to
   stop. What the members did is in `members`, which has room for all. */
double locks_team(const struct row *row, double ns, struct member *members);

/* Arithmetic that takes a thread some `steps` ns and touches no memory. */
static inline void locks_work(unsigned steps)
{
    uint64_t x = steps;
    for (unsigned i = 0; i < steps; i++) {
        x = x * 3 + 1;
        __asm__ volatile("" : "+r"(x));
    }
}

#endif
