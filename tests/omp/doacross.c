/* Loops with ordered(n), depend(sink) and depend(source): recurrences whose result shows whether every iteration waited
   for those it names. One to three dimensions, all schedules, int, long and unsigned loops, up and down, collapsed. */
#include <omp.h>
#include "check.h"

typedef unsigned long long ull;

enum { N = 61, M = 17, K = 11 };

#define PRAGMA(text) _Pragma(#text)

static long line[N + 3], grid[N + 3][M + 3], cube[N + 3][M + 3][K + 3];

static long expected_line[N + 3], expected_grid[N + 3][M + 3], expected_cube[N + 3][M + 3][K + 3];

/* Elements begin at index 3, so that each has predecessors. */
static long next_in_line(const long *l, long i)
{
    return (3 * l[i - 1] + l[i - 3] + i) & 0xffffff;
}

static long next_in_grid(long (*g)[M + 3], long i, long j)
{
    return (g[i - 1][j] + 2 * g[i][j - 1] + 3 * g[i - 2][j + 1] + 1) & 0xffffff;
}

static long next_in_cube(long (*c)[M + 3][K + 3], long i, long j, long k)
{
    return (c[i - 1][j][k] + c[i][j - 1][k] + 2 * c[i][j][k - 1] + c[i - 1][j - 1][k + 1] + 1) & 0xffffff;
}

static void compute_expected(void)
{
    for (int i = 3; i < N; i++)
        expected_line[i] = next_in_line(expected_line, i);
    for (int i = 3; i < N; i++)
        for (int j = 3; j < M; j++)
            expected_grid[i][j] = next_in_grid(expected_grid, i, j);
    for (int i = 3; i < N; i++)
        for (int j = 3; j < M; j++)
            for (int k = 3; k < K; k++)
                expected_cube[i][j][k] = next_in_cube(expected_cube, i, j, k);
}

static void verify(const char *what)
{
    int right = !memcmp(line, expected_line, sizeof line) && !memcmp(grid, expected_grid, sizeof grid) &&
                !memcmp(cube, expected_cube, sizeof cube);
    check_true(right, what, __FILE__, __LINE__);
    memset(line, 0, sizeof line);
    memset(grid, 0, sizeof grid);
    memset(cube, 0, sizeof cube);
}

#define UP(name, type, ...)                                                                                            \
    static void name##_##type(void)                                                                                    \
    {                                                                                                                  \
        PRAGMA(omp parallel)                                                                                           \
        {                                                                                                              \
            PRAGMA(omp for ordered(1) schedule(__VA_ARGS__) nowait)                                                    \
            for (type i = 3; i < N; i++) {                                                                             \
                PRAGMA(omp ordered depend(sink : i - 1) depend(sink : i - 3))                                          \
                line[i] = next_in_line(line, (long)i);                                                                 \
                PRAGMA(omp ordered depend(source))                                                                     \
            }                                                                                                          \
            PRAGMA(omp for ordered(2) schedule(__VA_ARGS__) nowait)                                                    \
            for (type i = 3; i < N; i++)                                                                               \
                for (type j = 3; j < M; j++) {                                                                         \
                    PRAGMA(omp ordered depend(sink : i - 1, j) depend(sink : i, j - 1) depend(sink : i - 2, j + 1))    \
                    grid[i][j] = next_in_grid(grid, (long)i, (long)j);                                                 \
                    PRAGMA(omp ordered depend(source))                                                                 \
                }                                                                                                      \
            PRAGMA(omp for ordered(3) schedule(__VA_ARGS__))                                                           \
            for (type i = 3; i < N; i++)                                                                               \
                for (type j = 3; j < M; j++)                                                                           \
                    for (type k = 3; k < K; k++) {                                                                     \
                        PRAGMA(omp ordered depend(sink                                                                 \
                                                  : i - 1, j, k) depend(sink                                           \
                                                                        : i, j - 1, k) depend(sink                     \
                                                                                              : i, j, k - 1)           \
                                   depend(sink                                                                         \
                                          : i - 1, j - 1, k + 1))                                                      \
                        cube[i][j][k] = next_in_cube(cube, (long)i, (long)j, (long)k);                                 \
                        PRAGMA(omp ordered depend(source))                                                             \
                    }                                                                                                  \
        }                                                                                                              \
        verify(#name " " #type);                                                                                       \
    }

/* The same elements by loops that count down by 2, and two dimensions that are shared as one. */
#define DOWN(name, type, ...)                                                                                          \
    static void name##_down(void)                                                                                      \
    {                                                                                                                  \
        PRAGMA(omp parallel for ordered(1) schedule(__VA_ARGS__))                                                      \
        for (type d = 2 * N; d > 6; d -= 2) {                                                                          \
            type i = N + 3 - d / 2;                                                                                    \
            PRAGMA(omp ordered depend(sink : d + 2) depend(sink : d + 6))                                              \
            line[i] = next_in_line(line, i);                                                                           \
            PRAGMA(omp ordered depend(source))                                                                         \
        }                                                                                                              \
        PRAGMA(omp parallel for ordered(2) schedule(__VA_ARGS__))                                                      \
        for (type d = 2 * N; d > 6; d -= 2)                                                                            \
            for (type j = 3; j < M; j++) {                                                                             \
                type i = N + 3 - d / 2;                                                                                \
                PRAGMA(omp ordered depend(sink : d + 2, j) depend(sink : d, j - 1) depend(sink : d + 4, j + 1))        \
                grid[i][j] = next_in_grid(grid, i, j);                                                                 \
                PRAGMA(omp ordered depend(source))                                                                     \
            }                                                                                                          \
        PRAGMA(omp parallel for collapse(2) ordered(3) schedule(__VA_ARGS__))                                          \
        for (type i = 3; i < N; i++)                                                                                   \
            for (type j = 3; j < M; j++)                                                                               \
                for (type k = 3; k < K; k++) {                                                                         \
                    PRAGMA(omp ordered depend(sink                                                                     \
                                              : i - 1, j, k) depend(sink                                               \
                                                                    : i, j - 1, k) depend(sink                         \
                                                                                          : i, j, k - 1)               \
                               depend(sink                                                                             \
                                      : i - 1, j - 1, k + 1))                                                          \
                    cube[i][j][k] = next_in_cube(cube, i, j, k);                                                       \
                    PRAGMA(omp ordered depend(source))                                                                 \
                }                                                                                                      \
        verify(#name " down");                                                                                         \
    }

/* clang-format off */
#define SCHEDULES(row, type) \
    row(plain_static, type, static) \
    row(static_one, type, static, 1) \
    row(static_five, type, static, 5) \
    row(static_large, type, static, 1000) \
    row(plain_dynamic, type, dynamic) \
    row(dynamic_four, type, dynamic, 4) \
    row(plain_guided, type, guided) \
    row(guided_three, type, guided, 3) \
    row(plain_auto, type, auto) \
    row(plain_runtime, type, runtime)
/* clang-format on */

SCHEDULES(UP, int)
SCHEDULES(UP, long)
SCHEDULES(UP, ull)
SCHEDULES(DOWN, int)

#define CALL(name, type, ...)      name##_##type();
#define CALL_DOWN(name, type, ...) name##_down();

static void run_all(void)
{
    SCHEDULES(CALL, int)
    SCHEDULES(CALL, long)
    SCHEDULES(CALL, ull)
    SCHEDULES(CALL_DOWN, int)
}

/* The reference waits without ever giving its processor away: each hand-over may take a time slice. */
static int run_little(void)
{
    if (omp_get_max_threads() <= 2) {
        SCHEDULES(CALL, int)
    }
    return check_result();
}

int main(void)
{
    const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto};
    compute_expected();
    if (check_is_reference())
        return run_little();
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        omp_set_schedule(kinds[k], (int)k * 2);
        for (int round = 0; round < SCALED(3) + 1; round++)
            run_all();
    }
    return check_result();
}
