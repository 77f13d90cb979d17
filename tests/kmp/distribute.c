/* Loops over teams: distribute alone and with the loops inside, for types and schedules. Each iteration runs once. */
#include "check.h"

#include <omp.h>
#include <stdint.h>

enum { N = 301 };

static int ran[N];

static void expect(const char *what, int line)
{
    for (int i = 0; i < N; i++)
        check_equal(ran[i], 1, what, __FILE__, line);
    memset(ran, 0, sizeof ran);
}

#define DO_PRAGMA(...)  DO_PRAGMA_(__VA_ARGS__)
#define DO_PRAGMA_(...) _Pragma(#__VA_ARGS__)
#define LOOP(T, directive)                                                                                             \
    do {                                                                                                               \
        T last = 0;                                                                                                    \
        DO_PRAGMA(omp teams directive lastprivate(last))                                                               \
        for (T i = 7; i < 7 + 3 * N; i += 3) {                                                                         \
            __atomic_fetch_add(&ran[(i - 7) / 3], 1, __ATOMIC_RELAXED);                                                \
            last = i;                                                                                                  \
        }                                                                                                              \
        CHECK_EQ(last, 7 + 3 * (N - 1));                                                                               \
        expect(#T " " #directive, __LINE__);                                                                           \
    } while (0)
#define LOOPS(T)                                                                                                       \
    LOOP(T, distribute);                                                                                               \
    LOOP(T, distribute num_teams(4));                                                                                  \
    LOOP(T, distribute dist_schedule(static, 5) num_teams(3));                                                         \
    LOOP(T, distribute parallel for num_teams(3));                                                                     \
    LOOP(T, distribute parallel for dist_schedule(static, 50) num_teams(3) thread_limit(2));                           \
    LOOP(T, distribute parallel for schedule(static, 3) num_teams(2));                                                 \
    LOOP(T, distribute parallel for dist_schedule(static, 7) schedule(dynamic) num_teams(2));                          \
    LOOP(T, distribute parallel for schedule(guided) num_teams(2));                                                    \
    LOOP(T, distribute parallel for if (0) num_teams(3));                                                              \
    LOOP(T, distribute parallel for simd schedule(runtime) num_teams(2));                                              \
    LOOP(T, distribute parallel for simd num_teams(5))

static void expect_league(int teams)
{
    CHECK_EQ(omp_get_num_teams(), teams);
    CHECK(omp_get_team_num() < teams);
}

/* A region that an if clause makes one of a thread looks like a target region, which clang does not tell apart. */
static void check_league(void)
{
#pragma omp teams num_teams(2)
    {
#pragma omp parallel if (0)
        {
            expect_league(1);
#pragma omp parallel if (0)
            expect_league(1);
#pragma omp parallel num_threads(2)
            expect_league(omp_get_num_threads() == 1 ? 1 : 2);
        }
#pragma omp parallel num_threads(2)
        {
            expect_league(2);
#pragma omp parallel if (0)
            expect_league(2);
        }
#pragma omp parallel num_threads(1)
        expect_league(2);
        expect_league(2);
    }
#pragma omp parallel if (0)
    expect_league(1);
}

int main(void)
{
    LOOPS(int32_t);
    LOOPS(uint32_t);
    LOOPS(int64_t);
    LOOPS(uint64_t);
#pragma omp teams num_teams(3)
    {
        CHECK_EQ(omp_get_level(), 0);
        CHECK(omp_get_team_num() < omp_get_num_teams());
#pragma omp distribute
        for (int i = 0; i < N; i++)
            __atomic_fetch_add(&ran[i], 1, __ATOMIC_RELAXED);
#pragma omp parallel
        CHECK_EQ(omp_get_level(), 1);
    }
    expect("distribute in teams", __LINE__);
    check_league();
    return check_result();
}
