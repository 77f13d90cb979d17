/* Loops whose chunks are handed out one call after another: all but static ones, and those with ordered regions. */
#include "interpose/kmp/loop.h"

/* Trapezoidal and the guided ones hand out less and less, which is what guided means here. */
static enum mo_sched_kind kind_of(int sched)
{
    switch (sched) {
    case KMP_DYNAMIC:
    case KMP_STATIC_STEAL:
        return MO_SCHED_DYNAMIC;
    case KMP_GUIDED:
    case KMP_TRAPEZOIDAL:
    case KMP_GUIDED_ITERATIVE:
    case KMP_GUIDED_ANALYTICAL:
    case KMP_GUIDED_SIMD:
        return MO_SCHED_GUIDED;
    case KMP_AUTO:
        return MO_SCHED_AUTO;
    default:
        return MO_SCHED_STATIC;
    }
}

static bool is_runtime(int sched)
{
    return sched == KMP_RUNTIME || sched == KMP_RUNTIME_SIMD;
}

static void describe(struct mo_loop_spec *spec, const struct mo_member *m, int32_t word, int64_t chunk)
{
    int sched = kmp_schedule(word);
    spec->order = MO_ORDER_NONE;
    if (sched >= KMP_ORDERED_FIRST && sched <= KMP_ORDERED_LAST) {
        spec->order = MO_ORDER_TURNS;
        sched -= KMP_ORDERED_FIRST - KMP_STATIC_CHUNKED;
    }
    spec->sched = is_runtime(sched) ? 0 : (uint8_t)kind_of(sched);
    /* Before OpenMP 5.0 dynamic meant monotonic, and its compilers say nothing about it. */
    spec->monotonic = !(word & KMP_NONMONOTONIC) && sched != KMP_STATIC_STEAL && !is_runtime(sched);
    spec->chunk = chunk > 0 ? (uint64_t)chunk : 0;
    if (spec->sched == MO_SCHED_STATIC)
        spec->chunk = kmp_static_chunk(spec->trips, sched, chunk, m->size);
    else if (sched == KMP_AUTO)
        spec->chunk = 0;
}

static void begin(struct mo_member *m, struct kmp_loop l, int32_t word, int64_t chunk)
{
    struct mo_loop_spec spec = {.begin = l.first, .end = l.first + l.trips * l.step, .step = l.step, .trips = l.trips};
    describe(&spec, m, word, chunk);
    if (kmp_doacross_expected(m))
        kmp_doacross_begin(m, &spec);
    else
        mo_loop_begin(m, &spec);
}

/* A loop of which this team has a part. */
static void begin_of_team(struct mo_member *m, struct kmp_loop l, int32_t word, int64_t chunk, int32_t *last)
{
    struct kmp_part p = kmp_share_out(l.trips, KMP_DISTRIBUTE, 0, mo_teams_count(m), mo_teams_number(m));
    if (last)
        *last = p.last;
    begin(m, (struct kmp_loop){l.first + p.lo * l.step, l.step, p.hi - p.lo}, word, chunk);
}

/* What the thread is told at the end, with which a tool's loop is over too. */
static inline int told_end(struct mo_member *m)
{
    mo_work_end(m);
    return 0;
}

/* A thread that has got the last iteration gets nothing after it, so what stays in `last` is whether it has. */
#define DISPATCH(suffix, T, S, MAKE)                                                                                   \
    MO_EXPORT void __kmpc_dispatch_init_##suffix(ident_t *loc, int32_t gtid, int32_t sched, T lower, T upper, S step,  \
                                                 S chunk)                                                              \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, kmp_work_kind(loc));                                                                             \
        begin(m, MAKE(lower, upper, step), sched, chunk);                                                              \
    }                                                                                                                  \
    MO_EXPORT void __kmpc_dist_dispatch_init_##suffix(ident_t *loc, int32_t gtid, int32_t sched, int32_t *last,        \
                                                      T lower, T upper, S step, S chunk)                               \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, kmp_work_kind(loc));                                                                             \
        begin_of_team(m, MAKE(lower, upper, step), sched, chunk, last);                                                \
    }                                                                                                                  \
    MO_EXPORT int __kmpc_dispatch_next_##suffix(ident_t *loc, int32_t gtid, int32_t *last, T *lower, T *upper,         \
                                                S *stride)                                                             \
    {                                                                                                                  \
        struct mo_member *m = mo_self();                                                                               \
        const struct mo_loop *l = &mo_omp_member(m)->loop;                                                             \
        uint64_t from, to;                                                                                             \
        if (!mo_loop_next(m, &from, &to))                                                                              \
            return told_end(m);                                                                                        \
        *lower = (T)from;                                                                                              \
        *upper = (T)(to - l->step);                                                                                    \
        if (stride)                                                                                                    \
            *stride = (S)l->step;                                                                                      \
        if (last)                                                                                                      \
            *last = l->hi == l->trips;                                                                                 \
        return 1;                                                                                                      \
    }                                                                                                                  \
    MO_EXPORT void __kmpc_dispatch_fini_##suffix(ident_t *loc, int32_t gtid)                                           \
    {                                                                                                                  \
    }

KMP_LOOP_TYPES(DISPATCH)

MO_EXPORT void __kmpc_dispatch_deinit(ident_t *loc, int32_t gtid)
{
}
