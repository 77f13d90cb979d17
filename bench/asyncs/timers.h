/* The rows of timers: TIMERS of them are set, and taken out again. */
#ifndef BENCH_ASYNCS_TIMERS_H
#define BENCH_ASYNCS_TIMERS_H

#include "ends.h"

static double inserted_at; /* all of them have been set */
/* Returns when it began. */
static double set_timers(void);

static double timers(void)
{
    double before = set_timers();
    return (bench_now_ns() - before) / TIMERS;
}

static double inserts(void)
{
    double before = set_timers();
    return (inserted_at - before) / TIMERS;
}

#endif
