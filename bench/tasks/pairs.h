/* Rows about memory that several programs of bench/task have, given how to get and put an object of 48 bytes: `pool`,
   one that is put back at once; `pool_many`, one of a thousand that are out at the same time. */
#ifndef BENCH_TASKS_PAIRS_H
#define BENCH_TASKS_PAIRS_H

#include "rows.h"

#define OBJECT_BYTES 48
#define OBJECTS      1000

static void *get_object(void);
static void put_object(void *o);

static inline void touch_object(void *o)
{
    *(volatile char *)o = 1;
}

static double pool(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        void *o = get_object();
        touch_object(o);
        put_object(o);
    }
    return (bench_now_ns() - before) / SPAWNS;
}

static double pool_many(void)
{
    static void *o[OBJECTS];
    double before = bench_now_ns();
    for (int i = 0; i < OBJECTS; i++)
        touch_object(o[i] = get_object());
    for (int i = 0; i < OBJECTS; i++)
        put_object(o[i]);
    return (bench_now_ns() - before) / OBJECTS;
}

#endif
