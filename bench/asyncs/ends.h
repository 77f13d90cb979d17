/* What the programs of bench/async have in common beside rows.h. */
#ifndef BENCH_ASYNCS_ENDS_H
#define BENCH_ASYNCS_ENDS_H

#include "../tasks/rows.h"

#define SWITCHES    100000 /* in a round */
#define YIELDS      50000  /* of each of two fibers */
#define CREATIONS   10000
#define TRIPS       20000
#define WAKES       20
#define PARKED      1000000
#define TIMERS      1000
#define STACK_BYTES (64 * 1024)

#endif
