/* The names that GCC emits calls to. Types are GCC's: long loops, unsigned long long loops, sizes. */
#ifndef MO_INTERPOSE_GOMP_H
#define MO_INTERPOSE_GOMP_H

#include "interpose/face.h"

typedef unsigned long long ull;

/* Flags of GOMP_task and GOMP_taskloop. */
enum {
    TASK_UNTIED = 1 << 0,
    TASK_FINAL = 1 << 1,
    TASK_MERGEABLE = 1 << 2,
    TASK_DEPEND = 1 << 3,
    TASK_PRIORITY = 1 << 4,
    TASK_UP = 1 << 8,
    TASK_GRAINSIZE = 1 << 9,
    TASK_IF = 1 << 10,
    TASK_NOGROUP = 1 << 11,
    TASK_REDUCTION = 1 << 12,
    TASK_DETACH = 1 << 13,
    TASK_STRICT = 1 << 14
};

void GOMP_taskgroup_reduction_register(uintptr_t *data);

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

static inline struct mo_loop_spec gomp_ull_loop(bool up, ull start, ull end, ull incr, ull chunk, uint8_t sched,
                                                bool monotonic)
{
    return (struct mo_loop_spec){.begin = start,
                                 .end = end,
                                 .step = incr,
                                 .trips = mo_loop_trips_unsigned(up, start, end, incr),
                                 .chunk = chunk,
                                 .sched = sched,
                                 .monotonic = monotonic};
}

static inline bool gomp_next_long(long *istart, long *iend)
{
    uint64_t from, to;
    if (!mo_loop_next(mo_self(), &from, &to))
        return false;
    *istart = (long)from;
    *iend = (long)to;
    return true;
}

static inline bool gomp_next_ull(ull *istart, ull *iend)
{
    uint64_t from, to;
    if (!mo_loop_next(mo_self(), &from, &to))
        return false;
    *istart = from;
    *iend = to;
    return true;
}

/* A schedule that comes as an argument: its kind, and a bit that demands rising chunks. */
#define GOMP_SCHEDULE(word) (uint8_t)((word)&0x7f), ((word)&0x80000000) != 0

/* The construct whose descriptor has just been entered has what a clause asked for beside; NULL: nothing. `mem` holds a
   number of bytes and then points to as many that are zero. */
void gomp_attach(struct mo_member *m, uintptr_t *reductions, void **mem);

/* The array that describes task reductions (reduction.c). */
void gomp_register_reductions(struct mo_member *m, uintptr_t *array);

/* The list that a depend clause becomes; it stays where it is. */
struct mo_deps gomp_deps(void **depend);

#endif
