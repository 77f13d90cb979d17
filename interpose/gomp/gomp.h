/* The names that GCC emits calls to. Types are GCC's: long loops, unsigned long long loops, sizes. */
#ifndef MO_INTERPOSE_GOMP_H
#define MO_INTERPOSE_GOMP_H

#include "interpose/face.h"

typedef unsigned long long ull;

/* The schedule that a name of the family stands for. */
#define GOMP_RUNTIME    0, true
#define GOMP_NM_RUNTIME 0, false
#define GOMP_STATIC     MO_SCHED_STATIC, true
#define GOMP_DYNAMIC    MO_SCHED_DYNAMIC, true
#define GOMP_GUIDED     MO_SCHED_GUIDED, true
#define GOMP_NM_DYNAMIC MO_SCHED_DYNAMIC, false
#define GOMP_NM_GUIDED  MO_SCHED_GUIDED, false

static inline struct mo_loop_spec gomp_long_loop(long start, long end, long incr, long chunk, uint8_t sched,
                                                 bool monotonic)
{
    return (struct mo_loop_spec){.begin = (uint64_t)start,
                                 .end = (uint64_t)end,
                                 .step = (uint64_t)incr,
                                 .trips = mo_loop_trips(start, end, incr),
                                 .chunk = chunk > 0 ? (uint64_t)chunk : 0,
                                 .sched = sched,
                                 .monotonic = monotonic};
}

/* The list that a depend clause becomes; it stays where it is. */
struct mo_deps gomp_deps(void **depend);

#endif
