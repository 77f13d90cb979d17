/* Loops of the four integer types, with every schedule, over bounds near the ends of the types: each iteration runs
   once, and lastprivate has the last value (which LLVM's runtime sometimes loses when chunks are stolen). The model is
   the loop itself, run by one thread. */
#include "check.h"

#include <limits.h>
#include <omp.h>
#include <stdint.h>

#define VISITS 512

static int visits[VISITS];

static void expect_once(int trips, const char *what, int line)
{
    for (int i = 0; i < VISITS; i++)
        check_equal(visits[i], i < trips, what, __FILE__, line);
    memset(visits, 0, sizeof visits);
}

/* Iteration i of the loop marks visits[i]; what it is follows from the distance to the first value. */
#define RUN(T, U, from, compare, to, step, clause)                                                                     \
    do {                                                                                                               \
        const T first = (from), bound = (to);                                                                          \
        T last = 0, model = 0;                                                                                         \
        int trips = 0;                                                                                                 \
        for (T i = first; i compare bound && trips < VISITS; i += (step), trips++)                                     \
            model = i;                                                                                                 \
        _Pragma("omp parallel")                                                                                        \
        {                                                                                                              \
            DO_PRAGMA(omp for clause lastprivate(last))                                                                \
            for (T i = first; i compare bound; i += (step)) {                                                          \
                U distance = (step) > 0 ? (U)i - (U)first : (U)first - (U)i;                                           \
                U by = (step) > 0 ? (U)(step) : (U)0 - (U)(step);                                                      \
                __atomic_fetch_add(&visits[distance / by], 1, __ATOMIC_RELAXED);                                       \
                last = i;                                                                                              \
            }                                                                                                          \
        }                                                                                                              \
        if (trips && !check_is_reference())                                                                            \
            CHECK_EQ(last, model);                                                                                     \
        expect_once(trips, #T " " #from " " #compare " " #to " by " #step " " #clause, __LINE__);                      \
    } while (0)
#define DO_PRAGMA(...)  DO_PRAGMA_(__VA_ARGS__)
#define DO_PRAGMA_(...) _Pragma(#__VA_ARGS__)

#define SCHEDULES(each, ...)                                                                                           \
    each(__VA_ARGS__, );                                                                                               \
    each(__VA_ARGS__, schedule(static));                                                                               \
    each(__VA_ARGS__, schedule(static, 1));                                                                            \
    each(__VA_ARGS__, schedule(static, 7));                                                                            \
    each(__VA_ARGS__, schedule(static, 1000));                                                                         \
    each(__VA_ARGS__, schedule(dynamic));                                                                              \
    each(__VA_ARGS__, schedule(dynamic, 5));                                                                           \
    each(__VA_ARGS__, schedule(monotonic : dynamic, 3));                                                               \
    each(__VA_ARGS__, schedule(nonmonotonic : dynamic, 3));                                                            \
    each(__VA_ARGS__, schedule(guided));                                                                               \
    each(__VA_ARGS__, schedule(guided, 4));                                                                            \
    each(__VA_ARGS__, schedule(auto));                                                                                 \
    each(__VA_ARGS__, schedule(runtime));                                                                              \
    each(__VA_ARGS__, schedule(static) nowait);                                                                        \
    each(__VA_ARGS__, schedule(dynamic, 2) nowait)

#define SIGNED(T, U, MIN, MAX)                                                                                         \
    static void signed_##T(void)                                                                                       \
    {                                                                                                                  \
        SCHEDULES(RUN, T, U, 0, <, 100, 1);                                                                            \
        SCHEDULES(RUN, T, U, -50, <=, 50, 3);                                                                          \
        SCHEDULES(RUN, T, U, 100, >, -100, -7);                                                                        \
        SCHEDULES(RUN, T, U, 5, >=, 5, -1);                                                                            \
        SCHEDULES(RUN, T, U, 5, <, 5, 1);                                                                              \
        SCHEDULES(RUN, T, U, 5, <, -5, 1);                                                                             \
        SCHEDULES(RUN, T, U, MAX - 50, <, MAX - 1, 1);                                                                 \
        SCHEDULES(RUN, T, U, MAX - 50, <, MAX - 10, 9);                                                                \
        SCHEDULES(RUN, T, U, MIN + 100, >, MIN + 20, -13);                                                             \
        SCHEDULES(RUN, T, U, MIN, <, MIN + 77, 1);                                                                     \
        SCHEDULES(RUN, T, U, MIN, <, MAX - MAX / 3, MAX / 3);                                                          \
    }
#define UNSIGNED(T, MAX)                                                                                               \
    static void unsigned_##T(void)                                                                                     \
    {                                                                                                                  \
        SCHEDULES(RUN, T, T, 0, <, 100, 1);                                                                            \
        SCHEDULES(RUN, T, T, 3, <=, 250, 11);                                                                          \
        SCHEDULES(RUN, T, T, 100, >, 2, -7);                                                                           \
        SCHEDULES(RUN, T, T, 9, <, 9, 1);                                                                              \
        SCHEDULES(RUN, T, T, 9, <, 3, 1);                                                                              \
        SCHEDULES(RUN, T, T, MAX - 300, <, MAX - 1, 1);                                                                \
        SCHEDULES(RUN, T, T, MAX - 300, <, MAX - 20, 19);                                                              \
        SCHEDULES(RUN, T, T, MAX - 1, >, MAX - 90, -4);                                                                \
        SCHEDULES(RUN, T, T, MAX / 2 - 40, <, MAX / 2 + 40, 1);                                                        \
        SCHEDULES(RUN, T, T, 0, <, MAX - MAX / 5, MAX / 5);                                                            \
    }

SIGNED(int32_t, uint32_t, INT32_MIN, INT32_MAX)
SIGNED(int64_t, uint64_t, INT64_MIN, INT64_MAX)
UNSIGNED(uint32_t, UINT32_MAX)
UNSIGNED(uint64_t, UINT64_MAX)

int main(void)
{
    static const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto};
    for (int k = 0; k < 4; k++) {
        omp_set_schedule(kinds[k], k == 1 ? 3 : 0);
        signed_int32_t();
        signed_int64_t();
        unsigned_uint32_t();
        unsigned_uint64_t();
    }
    return check_result();
}
