/* What calls for static loops and for chunks of others answer, for ranges and steps that cover the ends of the types:
   the parts of all threads together are the loop, each iteration once, and one of them says that it has the last. */
#include "check.h"
#include "kmp_direct.h"

#include <omp.h>

enum { VISITS = 600 };

static int visits[VISITS], lasts;

#define TYPES(each)                                                                                                    \
    each(4, int32_t, int32_t, uint32_t) each(4u, uint32_t, int32_t, uint32_t) each(8, int64_t, int64_t, uint64_t)      \
        each(8u, uint64_t, int64_t, uint64_t)

static void expect(uint64_t trips, const char *what, int line)
{
    for (unsigned i = 0; i < VISITS; i++)
        check_equal(visits[i], i < trips, what, __FILE__, line);
    check_equal(lasts, trips > 0, what, __FILE__, line);
    memset(visits, 0, sizeof visits);
    lasts = 0;
}

#define TEST(suffix, T, S, U)                                                                                          \
    void __kmpc_for_static_init_##suffix(ident *, int32_t, int32_t, int32_t *, T *, T *, S *, S, S);                   \
    void __kmpc_dist_for_static_init_##suffix(ident *, int32_t, int32_t, int32_t *, T *, T *, T *, S *, S, S);         \
    void __kmpc_team_static_init_##suffix(ident *, int32_t, int32_t *, T *, T *, S *, S, S);                           \
    void __kmpc_dispatch_init_##suffix(ident *, int32_t, int32_t, T, T, S, S);                                         \
    void __kmpc_dist_dispatch_init_##suffix(ident *, int32_t, int32_t, int32_t *, T, T, S, S);                         \
    int __kmpc_dispatch_next_##suffix(ident *, int32_t, int32_t *, T *, T *, S *);                                     \
    static uint64_t trips_##suffix(T lo, T up, S st)                                                                   \
    {                                                                                                                  \
        if (st > 0)                                                                                                    \
            return lo <= up ? (uint64_t)(U)((U)up - (U)lo) / (uint64_t)st + 1 : 0;                                     \
        return lo >= up ? (uint64_t)(U)((U)lo - (U)up) / -(uint64_t)st + 1 : 0;                                        \
    }                                                                                                                  \
    static void mark_##suffix(T first, T lo, T up, S st)                                                               \
    {                                                                                                                  \
        uint64_t n = trips_##suffix(lo, up, st);                                                                       \
        if (!n)                                                                                                        \
            return;                                                                                                    \
        U distance = st > 0 ? (U)lo - (U)first : (U)first - (U)lo;                                                     \
        uint64_t at = distance / (U)(st > 0 ? (U)st : -(U)st);                                                         \
        for (uint64_t i = 0; i < n && at + i < VISITS; i++)                                                            \
            __atomic_fetch_add(&visits[at + i], 1, __ATOMIC_RELAXED);                                                  \
    }                                                                                                                  \
    /* As compiled code goes through its chunks. */                                                                    \
    static void static_##suffix(T first, T final, S st, int sched, S chunk)                                            \
    {                                                                                                                  \
        _Pragma("omp parallel")                                                                                        \
        {                                                                                                              \
            T lo = first, up = final;                                                                                  \
            S stride = 1;                                                                                              \
            int32_t last = 0;                                                                                          \
            __kmpc_for_static_init_##suffix(&here, GTID, sched, &last, &lo, &up, &stride, st, chunk);                  \
            __atomic_fetch_add(&lasts, last, __ATOMIC_RELAXED);                                                        \
            int chunked = sched == 33 || sched == 33 + 128;                                                            \
            for (int turns = 0; turns < VISITS; turns++) {                                                             \
                if (st > 0 ? up > final : up < final)                                                                  \
                    up = final;                                                                                        \
                if (st > 0 ? lo > up : lo < up)                                                                        \
                    break;                                                                                             \
                mark_##suffix(first, lo, up, st);                                                                      \
                U left = st > 0 ? (U) final - (U)lo : (U)lo - (U) final;                                               \
                U by = st > 0 ? (U)stride : (U)0 - (U)stride;                                                          \
                if (!chunked || left < by)                                                                             \
                    break; /* the next one would be beyond the loop, and perhaps the type */                           \
                lo = (T)((U)lo + (U)stride);                                                                           \
                up = (T)((U)up + (U)stride);                                                                           \
                if (st > 0 ? up < lo : up > lo)                                                                        \
                    up = final; /* the end of the type is within the chunk */                                          \
            }                                                                                                          \
        }                                                                                                              \
        expect(trips_##suffix(first, final, st), "static " #suffix, sched * 1000 + (int)chunk);                        \
    }                                                                                                                  \
    static void dispatch_##suffix(T first, T final, S st, int sched, S chunk)                                          \
    {                                                                                                                  \
        _Pragma("omp parallel")                                                                                        \
        {                                                                                                              \
            T lo, up;                                                                                                  \
            S stride;                                                                                                  \
            int32_t last = 0;                                                                                          \
            __kmpc_dispatch_init_##suffix(&here, GTID, sched, first, final, st, chunk);                                \
            while (__kmpc_dispatch_next_##suffix(&here, GTID, &last, &lo, &up, &stride)) {                             \
                CHECK_EQ(stride, st);                                                                                  \
                mark_##suffix(first, lo, up, st);                                                                      \
            }                                                                                                          \
            if (!check_is_reference()) /* it may have run another chunk after the last one */                          \
                __atomic_fetch_add(&lasts, last, __ATOMIC_RELAXED);                                                    \
        }                                                                                                              \
        if (check_is_reference())                                                                                      \
            lasts = trips_##suffix(first, final, st) > 0;                                                              \
        expect(trips_##suffix(first, final, st), "dispatch " #suffix, (sched & 0xffff) * 1000 + (int)chunk);           \
    }                                                                                                                  \
    static void range_##suffix(T first, T final, S st)                                                                 \
    {                                                                                                                  \
        static const int statics[] = {33, 34, 45, 33 + 128, 34 + 128};                                                 \
        static const int dynamics[] = {33, 34, 35, 36, 37, 38, 39, 42,  43,           44,           46,          47,   \
                                       65, 66, 67, 68, 69, 70, 71, 163, 35 | 1 << 29, 35 | 1 << 30, 36 | 1 << 30};     \
        static const int chunks[] = {0, 1, 2, 8, 64, 100000};                                                          \
        for (unsigned c = 0; c < 6; c++) {                                                                             \
            for (unsigned s = 0; s < 3u + 2u * !check_is_reference(); s++)                                             \
                if (!check_is_reference() || (chunks[c] > 0 && chunks[c] < 100))                                       \
                    static_##suffix(first, final, st, statics[s], chunks[c]);                                          \
            for (unsigned s = 0; s < sizeof dynamics / sizeof *dynamics; s++)                                          \
                if (!check_is_reference() || (chunks[c] > 0 && chunks[c] < 100))                                       \
                    dispatch_##suffix(first, final, st, dynamics[s], chunks[c]);                                       \
        }                                                                                                              \
    }

TYPES(TEST)

#define UNTEAMED(suffix, T, S, U)                                                                                      \
    static void teams_##suffix(void)                                                                                   \
    {                                                                                                                  \
        static const int scheds[] = {33, 34, 35, 36};                                                                  \
        for (int s = 0; s < 4; s++) {                                                                                  \
            _Pragma("omp teams num_teams(3)")                                                                          \
            {                                                                                                          \
                _Pragma("omp parallel num_threads(2)")                                                                 \
                {                                                                                                      \
                    T lo = 10, up = 10 + 4 * 299, team_up = 0;                                                         \
                    S stride;                                                                                          \
                    int32_t last = 0, team_last = 0;                                                                   \
                    if (s < 2) {                                                                                       \
                        __kmpc_dist_for_static_init_##suffix(&here, GTID, scheds[s], &last, &lo, &up, &team_up,        \
                                                             &stride, 4, 7);                                           \
                        for (; lo <= team_up; lo += (T)stride, up += (T)stride) {                                      \
                            mark_##suffix(10, lo, up < team_up ? up : team_up, 4);                                     \
                            if (scheds[s] == 34)                                                                       \
                                break;                                                                                 \
                        }                                                                                              \
                    } else {                                                                                           \
                        __kmpc_dist_dispatch_init_##suffix(&here, GTID, scheds[s], &team_last, lo, up, 4, 7);          \
                        while (__kmpc_dispatch_next_##suffix(&here, GTID, &last, &lo, &up, &stride))                   \
                            mark_##suffix(10, lo, up, 4);                                                              \
                        last = last && team_last;                                                                      \
                    }                                                                                                  \
                    __atomic_fetch_add(&lasts, last, __ATOMIC_RELAXED);                                                \
                }                                                                                                      \
            }                                                                                                          \
            expect(300, "teams " #suffix, scheds[s]);                                                                  \
        }                                                                                                              \
        _Pragma("omp teams num_teams(3)")                                                                              \
        {                                                                                                              \
            T lo = 10, up = 10 + 4 * 299;                                                                              \
            const T final = up;                                                                                        \
            S stride;                                                                                                  \
            int32_t last = 0;                                                                                          \
            __kmpc_team_static_init_##suffix(&here, GTID, &last, &lo, &up, &stride, 4, 9);                             \
            for (; lo <= final; lo += (T)stride, up += (T)stride)                                                      \
                mark_##suffix(10, lo, up < final ? up : final, 4);                                                     \
            __atomic_fetch_add(&lasts, last, __ATOMIC_RELAXED);                                                        \
        }                                                                                                              \
        expect(300, "team static " #suffix, 0);                                                                        \
    }

TYPES(UNTEAMED)

int main(void)
{
    range_4(0, 99, 1);
    range_4(-20, 300, 3);
    range_4(50, -100, -1);
    range_4(4, 4, 5);
    range_4(4, 3, 1);
    range_4(3, 4, -1);
    range_4u(0, 511, 1);
    range_8(-1000, 1000, 7);
    range_8(INT64_C(1) << 40, (INT64_C(1) << 40) + 77, 2);
    range_8u(0, 10, 1);
    range_8u(0, UINT64_MAX / 2, INT64_MAX / 100);
    if (!check_is_reference()) {
        range_4(INT32_MAX - 70, INT32_MAX, 1);
        range_4(INT32_MIN + 70, INT32_MIN, -3);
        range_4(INT32_MIN / 2, INT32_MAX / 2, INT32_MAX / 20);
        range_4u(UINT32_MAX - 70, UINT32_MAX, 1);
        range_4u(9, 0, -2);
        range_4u(70, 0, -1);
        range_4u(UINT32_MAX, UINT32_MAX - 500, -7);
        range_8(INT64_MAX - 99, INT64_MAX, 5);
        range_8u(UINT64_MAX - 300, UINT64_MAX, 1);
        teams_4();
        teams_4u();
        teams_8();
        teams_8u();
    }
    return check_result();
}
