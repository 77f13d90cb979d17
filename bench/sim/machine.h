/* A modelled machine: CPUs with a clock each, on which threads run as contexts of the one real thread.

   The runtime is compiled as it is, but for the two headers under seam/. Its atomic accesses take the time that the
   cache line needs to come to the CPU; pauses, looks at the clock, yields, sleeps and wakes take what the parameters
   say; all other instructions take none, so what a task does beyond is given to sim_work(). Whoever has the earliest
   clock runs, up to the next one's time; so runs with the same parameters are the same.

   A thread stays on the CPU that it was given: thread number i on CPU i modulo their number. Threads of one CPU take
   turns by yields, sleeps and slices of 3 ms. */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_CPUS_MAX 1024
#define SIM_LEVELS   4 /* enum mo_distance */

struct sim_costs {
    uint64_t transfer[SIM_LEVELS]; /* ns for a line to come from a CPU at that distance */
    uint64_t pause, ticks;         /* a pause; a look at the clock */
    uint64_t yield, change;        /* a yield; what it takes more where another thread runs then */
    uint64_t call, wake,
        latency;      /* a sleep's system call; a wake-up; from there until the sleeper runs on an idle CPU */
    uint64_t barrier; /* membarrier */
};

struct sim_counts {
    uint64_t transfers[SIM_LEVELS];
    uint64_t wakes, sleeps, yields;
};

extern struct sim_costs sim_costs;
extern struct sim_counts sim_counts;

/* Run fn(arg) as the first thread until it returns. */
void sim_run(unsigned cpus, uint64_t seed, void (*fn)(void *), void *arg);
/* The calling thread computes for so long, give or take a sixteenth. */
void sim_work(uint64_t ns);
uint64_t sim_time(void);
uint64_t sim_random(void);

#endif
