/* Loops as compiled code describes them: first and last value of a variable and a step. Of every type they become a
   number of iterations, and positions in it. 32-bit values are widened first, so that their differences and products
   cannot run over; whoever stores a position back cuts it to the type again. */
#ifndef MO_INTERPOSE_KMP_LOOP_H
#define MO_INTERPOSE_KMP_LOOP_H

#include "base/log.h"
#include "interpose/kmp/kmp.h"

struct kmp_loop {
    uint64_t first, step, trips; /* iteration i is first + i * step, modulo 2^64 */
};

static inline uint64_t kmp_trips(uint64_t distance, uint64_t step)
{
    return step == 1 ? distance + 1 : distance / step + 1;
}

static inline void kmp_check_step(int64_t step)
{
    if (mo_unlikely(!step))
        mo_fatal("a loop with a step of 0");
}

static inline struct kmp_loop kmp_loop_signed(int64_t first, int64_t last, int64_t step)
{
    uint64_t from = (uint64_t)first, to = (uint64_t)last, by = (uint64_t)step, trips = 0;
    kmp_check_step(step);
    if (step > 0 && first <= last)
        trips = kmp_trips(to - from, by);
    else if (step < 0 && first >= last)
        trips = kmp_trips(from - to, -by);
    return (struct kmp_loop){from, by, trips};
}

static inline struct kmp_loop kmp_loop_unsigned(uint64_t first, uint64_t last, int64_t step)
{
    uint64_t by = (uint64_t)step, trips = 0;
    kmp_check_step(step);
    if (step > 0 && first <= last)
        trips = kmp_trips(last - first, by);
    else if (step < 0 && first >= last)
        trips = kmp_trips(first - last, -by);
    return (struct kmp_loop){first, by, trips};
}

/* The four types that every entry point comes in: suffix, type, its signed twin, how it becomes a loop. */
#define KMP_LOOP_TYPES(each)                                                                                           \
    each(4, int32_t, int32_t, kmp_loop_signed) each(4u, uint32_t, int32_t, kmp_loop_unsigned)                          \
        each(8, int64_t, int64_t, kmp_loop_signed) each(8u, uint64_t, int64_t, kmp_loop_unsigned)

/* Schedules. A number that is not among these means the same as one that is: see kmp_schedule(). */
enum kmp_sched {
    KMP_STATIC_CHUNKED = 33,
    KMP_STATIC,
    KMP_DYNAMIC,
    KMP_GUIDED,
    KMP_RUNTIME,
    KMP_AUTO,
    KMP_TRAPEZOIDAL,
    KMP_STATIC_GREEDY,
    KMP_STATIC_BALANCED,
    KMP_GUIDED_ITERATIVE,
    KMP_GUIDED_ANALYTICAL,
    KMP_STATIC_STEAL,
    KMP_STATIC_BALANCED_CHUNKED, /* schedule(simd: static) */
    KMP_GUIDED_SIMD,
    KMP_RUNTIME_SIMD,
    KMP_ORDERED_FIRST = 65,
    KMP_ORDERED_LAST = 71,
    KMP_DISTRIBUTE_CHUNKED = 91,
    KMP_DISTRIBUTE,
    KMP_NOMERGE_FIRST = 160,
    KMP_NOMERGE_LAST = 199,
    KMP_MONOTONIC = 1 << 29,
    KMP_NONMONOTONIC = 1 << 30,
};

/* Without modifiers, and what each of the families of numbers adds to those of the plain one. Which loops share a
   dispatcher ("nomerge") is of no concern here. */
static inline int kmp_schedule(int32_t word)
{
    int sched = word & ~(KMP_MONOTONIC | KMP_NONMONOTONIC);
    if (sched >= KMP_NOMERGE_FIRST && sched <= KMP_NOMERGE_LAST)
        sched -= KMP_NOMERGE_FIRST - (KMP_STATIC_CHUNKED - 1);
    return sched;
}

/* Iterations lo..hi-1 for one of those that share a loop out. */
struct kmp_part {
    uint64_t lo, hi;
    uint64_t stride; /* from here to its next chunk */
    bool last;       /* it has the last iteration of all */
};

/* What sharer `nth` of `count` has, at first, under a schedule that needs no further calls. */
struct kmp_part kmp_share_out(uint64_t trips, int sched, int64_t chunk, unsigned count, unsigned nth);
/* The chunk of the one above, where it has one: 0, a block for each. */
uint64_t kmp_static_chunk(uint64_t trips, int sched, int64_t chunk, unsigned count);

/* The loop is one with doacross dependences, which a call before it has described (doacross.c). */
static inline bool kmp_doacross_expected(struct mo_member *m)
{
    return mo_unlikely(mo_omp_member(m)->next_doacross != NULL);
}
void kmp_doacross_begin(struct mo_member *m, const struct mo_loop_spec *spec);

#endif
