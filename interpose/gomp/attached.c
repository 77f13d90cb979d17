/* Loops and sections that need more than iterations: task reductions, or memory that their threads share, for scan and
   lastprivate(conditional:). The schedule is an argument. */
#include "interpose/gomp/gomp.h"

/* Where the compiler hands out a static loop's iterations itself, it wants nothing but what is attached. */
static void begin(struct mo_member *m, struct mo_loop_spec spec, uint8_t order, bool hands_out, uintptr_t *reductions,
                  void **mem)
{
    spec.order = order;
    spec.described = true;
    if (hands_out)
        mo_loop_begin(m, &spec);
    else
        mo_share_enter(m);
    gomp_attach(m, reductions, mem);
}

#define LOOP(name, order)                                                                                              \
    MO_EXPORT bool GOMP_loop_##name(long start, long end, long incr, long sched, long chunk, long *istart, long *iend, \
                                    uintptr_t *reductions, void **mem)                                                 \
    {                                                                                                                  \
        const struct mo_loop_spec spec = gomp_long_loop(start, end, incr, chunk, GOMP_SCHEDULE(sched));                \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        begin(m, spec, order, istart != NULL, reductions, mem);                                                        \
        return !istart || gomp_next_long(istart, iend);                                                                \
    }                                                                                                                  \
    MO_EXPORT bool GOMP_loop_ull_##name(bool up, ull start, ull end, ull incr, long sched, ull chunk, ull *istart,     \
                                        ull *iend, uintptr_t *reductions, void **mem)                                  \
    {                                                                                                                  \
        const struct mo_loop_spec spec = gomp_ull_loop(up, start, end, incr, chunk, GOMP_SCHEDULE(sched));             \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, 0);                                                                                              \
        begin(m, spec, order, istart != NULL, reductions, mem);                                                        \
        return !istart || gomp_next_ull(istart, iend);                                                                 \
    }

LOOP(start, MO_ORDER_NONE)
LOOP(ordered_start, MO_ORDER_TURNS)

MO_EXPORT unsigned GOMP_sections2_start(unsigned count, uintptr_t *reductions, void **mem)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_sections_begin(m, count);
    gomp_attach(m, reductions, mem);
    return (unsigned)mo_sections_next(m);
}
