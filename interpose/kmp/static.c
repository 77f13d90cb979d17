/* Loops that compiled code runs by itself once it knows its part: static schedules, distribution over teams.

   What comes back is the part's first and last value, and how far it is from there to the thread's next chunk. Compiled
   code goes on until a chunk begins beyond the end of the loop; so a thread without iterations gets a part that begins
   there, and what is told as the distance never leads past the end of the type. */
#include "interpose/kmp/loop.h"

static uint64_t round_up_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* With simd the size of a block is a multiple of the chunk, so that vectors do not fall apart at its end. */
static uint64_t balanced_chunk(uint64_t trips, uint64_t multiple, unsigned count)
{
    uint64_t block = round_up_div(trips, count);
    return round_up_div(block, multiple) * multiple;
}

uint64_t kmp_static_chunk(uint64_t trips, int sched, int64_t given, unsigned count)
{
    uint64_t chunk = given > 0 ? (uint64_t)given : 1;
    if (chunk > trips)
        chunk = trips;
    switch (sched) {
    case KMP_STATIC_CHUNKED:
    case KMP_DISTRIBUTE_CHUNKED:
        return chunk;
    case KMP_STATIC_BALANCED_CHUNKED:
        return trips ? balanced_chunk(trips, chunk, count) : 0;
    case KMP_STATIC_GREEDY:
        return round_up_div(trips, count);
    default:
        return 0;
    }
}

static struct kmp_part chunk_of(uint64_t trips, uint64_t chunk, unsigned count, unsigned nth)
{
    uint64_t chunks = round_up_div(trips, chunk);
    if (nth >= chunks)
        return (struct kmp_part){trips, trips, 1, false};
    uint64_t lo = nth * chunk, left = trips - lo;
    return (struct kmp_part){.lo = lo,
                             .hi = left > chunk ? lo + chunk : trips,
                             .stride = chunks > count ? chunk * count : left,
                             .last = (chunks - 1) % count == nth};
}

static struct kmp_part block_of(uint64_t trips, unsigned count, unsigned nth)
{
    struct kmp_part p = {.stride = trips};
    if (mo_loop_block(trips, count, nth, &p.lo, &p.hi))
        p.last = p.hi == trips;
    else
        p.lo = p.hi = trips;
    return p;
}

struct kmp_part kmp_share_out(uint64_t trips, int sched, int64_t given, unsigned count, unsigned nth)
{
    uint64_t chunk = count > 1 && trips ? kmp_static_chunk(trips, sched, given, count) : 0;
    return chunk ? chunk_of(trips, chunk, count, nth) : block_of(trips, count, nth);
}

static bool is_distribute(int sched)
{
    return sched == KMP_DISTRIBUTE || sched == KMP_DISTRIBUTE_CHUNKED;
}

static struct kmp_part part_of(struct mo_member *m, const struct kmp_loop *l, int sched, int64_t chunk)
{
    if (is_distribute(sched))
        return kmp_share_out(l->trips, sched, chunk, mo_teams_count(m), mo_teams_number(m));
    return kmp_share_out(l->trips, sched, chunk, m->size, m->tid);
}

/* Waits and posts must find whose an iteration is. */
static void begin_doacross(struct mo_member *m, const struct kmp_loop *l, int sched, int64_t chunk)
{
    const struct mo_loop_spec spec = {.end = l->trips,
                                      .step = 1,
                                      .trips = l->trips,
                                      .chunk = kmp_static_chunk(l->trips, sched, chunk, m->size),
                                      .sched = MO_SCHED_STATIC,
                                      .order = MO_ORDER_DOACROSS};
    kmp_doacross_begin(m, &spec);
}

/* To a tool the loop begins here and ends with the call of _fini. */
static inline void tell_begin(struct mo_member *m, const struct kmp_loop *l)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_begin(&m->worker->obs, (enum mo_obs_work)mo_obs_what(&m->worker->obs, MO_OBS_LOOP), l->trips);
}

static inline struct kmp_part for_part(struct mo_member *m, const struct kmp_loop *l, int32_t word, int64_t chunk)
{
    int sched = kmp_schedule(word);
    if (kmp_doacross_expected(m) && !is_distribute(sched))
        begin_doacross(m, l, sched, chunk);
    else
        tell_begin(m, l);
    return part_of(m, l, sched, chunk);
}

/* First what the part's team has, then the thread's part of that: both are positions in the whole loop. */
static struct kmp_part for_team_part(struct mo_member *m, const struct kmp_loop *l, int32_t word, int64_t chunk,
                                     uint64_t *team_hi)
{
    tell_begin(m, l);
    struct kmp_part team = part_of(m, l, KMP_DISTRIBUTE, 0);
    struct kmp_part p = kmp_share_out(team.hi - team.lo, kmp_schedule(word), chunk, m->size, m->tid);
    *team_hi = team.hi;
    p.lo += team.lo;
    p.hi += team.lo;
    p.last &= team.last;
    return p;
}

/* The value before position `at`. An empty part begins where the loop is over and ends before that. If no value of the
   type lies beyond the loop, any two that are in no order do. */
#define STORE(suffix, T, S, MAKE)                                                                                      \
    static inline T value_##suffix(const struct kmp_loop *l, uint64_t at)                                              \
    {                                                                                                                  \
        return (T)(l->first + at * l->step);                                                                           \
    }                                                                                                                  \
    static inline void store_##suffix(const struct kmp_loop *l, const struct kmp_part *p, S step, int32_t *last,       \
                                      T *lower, T *upper, S *stride)                                                   \
    {                                                                                                                  \
        if (last)                                                                                                      \
            *last = p->last;                                                                                           \
        *stride = l->trips ? (S)(p->stride * l->step) : step;                                                          \
        if (!l->trips)                                                                                                 \
            return;                                                                                                    \
        *lower = value_##suffix(l, p->lo);                                                                             \
        *upper = value_##suffix(l, p->hi - 1);                                                                         \
        if (mo_unlikely(p->lo == p->hi && (step > 0 ? *lower <= *upper : *lower >= *upper))) {                         \
            *lower = step > 0;                                                                                         \
            *upper = step < 0;                                                                                         \
        }                                                                                                              \
    }

KMP_LOOP_TYPES(STORE)

#define STATIC(suffix, T, S, MAKE)                                                                                     \
    MO_EXPORT void __kmpc_for_static_init_##suffix(ident_t *loc, int32_t gtid, int32_t sched, int32_t *last, T *lower, \
                                                   T *upper, S *stride, S step, S chunk)                               \
    {                                                                                                                  \
        const struct kmp_loop l = MAKE(*lower, *upper, step);                                                          \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, kmp_work_kind(loc));                                                                             \
        const struct kmp_part p = for_part(m, &l, sched, chunk);                                                       \
        store_##suffix(&l, &p, step, last, lower, upper, stride);                                                      \
    }

KMP_LOOP_TYPES(STATIC)

MO_EXPORT void __kmpc_for_static_fini(ident_t *loc, int32_t gtid)
{
    mo_work_end(mo_self());
}

/* distribute and for in one. The end of the team's part comes back as well. */
#define DIST_STATIC(suffix, T, S, MAKE)                                                                                \
    MO_EXPORT void __kmpc_dist_for_static_init_##suffix(ident_t *loc, int32_t gtid, int32_t sched, int32_t *last,      \
                                                        T *lower, T *upper, T *team_upper, S *stride, S step, S chunk) \
    {                                                                                                                  \
        const struct kmp_loop l = MAKE(*lower, *upper, step);                                                          \
        uint64_t team_hi;                                                                                              \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, kmp_work_kind(loc));                                                                             \
        const struct kmp_part p = for_team_part(m, &l, sched, chunk, &team_hi);                                        \
        *team_upper = l.trips ? value_##suffix(&l, team_hi - 1) : *upper;                                              \
        store_##suffix(&l, &p, step, last, lower, upper, stride);                                                      \
    }

KMP_LOOP_TYPES(DIST_STATIC)

/* distribute with a chunk size. */
#define TEAM_STATIC(suffix, T, S, MAKE)                                                                                \
    MO_EXPORT void __kmpc_team_static_init_##suffix(ident_t *loc, int32_t gtid, int32_t *last, T *lower, T *upper,     \
                                                    S *stride, S step, S chunk)                                        \
    {                                                                                                                  \
        const struct kmp_loop l = MAKE(*lower, *upper, step);                                                          \
        struct mo_member *m = mo_self();                                                                               \
        MO_OBSERVE(m, kmp_work_kind(loc));                                                                             \
        tell_begin(m, &l);                                                                                             \
        const struct kmp_part p = part_of(m, &l, KMP_DISTRIBUTE_CHUNKED, chunk);                                       \
        store_##suffix(&l, &p, step, last, lower, upper, stride);                                                      \
    }

KMP_LOOP_TYPES(TEAM_STATIC)
