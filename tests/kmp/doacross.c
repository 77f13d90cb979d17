/* Loops with ordered(n): an iteration finds done what it waited for, in one to three dimensions, up and down, with
   every schedule, also where it waits for iterations outside the loop. */
#include "check.h"

#include <omp.h>

enum { N = 60, M = 17, K = 5 };

static int line[N], plane[N][M], space[N][M][K];

#define DO_PRAGMA(...)  DO_PRAGMA_(__VA_ARGS__)
#define DO_PRAGMA_(...) _Pragma(#__VA_ARGS__)

/* Each iteration counts what it finds, by which a wrong order shows at once. */
#define ONE(clause)                                                                                                    \
    do {                                                                                                               \
        memset(line, 0, sizeof line);                                                                                  \
        DO_PRAGMA(omp parallel for ordered(1) clause)                                                                  \
        for (int i = 0; i < N; i++) {                                                                                  \
            _Pragma("omp ordered depend(sink: i - 3)");                                                                \
            if (i >= 3)                                                                                                \
                CHECK_EQ(__atomic_load_n(&line[i - 3], __ATOMIC_RELAXED), (i - 3) / 3 + 1);                            \
            line[i] = i < 3 ? 1 : line[i - 3] + 1;                                                                     \
            _Pragma("omp ordered depend(source)");                                                                     \
        }                                                                                                              \
        for (int i = 0; i < N; i++)                                                                                    \
            CHECK_EQ(line[i], i / 3 + 1);                                                                              \
    } while (0)

#define DOWN(clause)                                                                                                   \
    do {                                                                                                               \
        memset(line, 0, sizeof line);                                                                                  \
        DO_PRAGMA(omp parallel for ordered(1) clause)                                                                  \
        for (unsigned i = 2 * N; i > 2; i -= 2) {                                                                      \
            _Pragma("omp ordered depend(sink: i + 2)");                                                                \
            line[(2 * N - i) / 2] = i == 2 * N ? 1 : line[(2 * N - i) / 2 - 1] + 1;                                    \
            _Pragma("omp ordered depend(source)");                                                                     \
        }                                                                                                              \
        for (int i = 0; i < N - 1; i++)                                                                                \
            CHECK_EQ(line[i], i + 1);                                                                                  \
    } while (0)

/* The second sink leaves the loop at the end of each row. */
#define TWO(clause)                                                                                                    \
    do {                                                                                                               \
        memset(plane, 0, sizeof plane);                                                                                \
        DO_PRAGMA(omp parallel for ordered(2) clause)                                                                  \
        for (int i = 0; i < N; i++)                                                                                    \
            for (long j = 0; j < M; j++) {                                                                             \
                _Pragma("omp ordered depend(sink: i - 1, j) depend(sink: i - 1, j + 2) depend(sink: i, j - 1)");       \
                int up = i ? plane[i - 1][j] : 0, right = i && j + 2 < M ? plane[i - 1][j + 2] : 0;                    \
                if (i && j + 2 < M)                                                                                    \
                    CHECK_EQ(right, (int)(i + j + 2));                                                                 \
                plane[i][j] = i ? up + 1 : (int)j + 1;                                                                 \
                _Pragma("omp ordered depend(source)");                                                                 \
            }                                                                                                          \
        for (int i = 0; i < N; i++)                                                                                    \
            for (int j = 0; j < M; j++)                                                                                \
                CHECK_EQ(plane[i][j], i + j + 1);                                                                      \
    } while (0)

#define THREE(clause)                                                                                                  \
    do {                                                                                                               \
        memset(space, 0, sizeof space);                                                                                \
        DO_PRAGMA(omp parallel for ordered(3) clause)                                                                  \
        for (int i = 0; i < N; i += 1)                                                                                 \
            for (int j = M - 1; j >= 0; j--)                                                                           \
                for (unsigned k = 3; k < 3 + 2 * K; k += 2) {                                                          \
                    _Pragma("omp ordered depend(sink: i - 1, j, k) depend(sink: i, j + 1, k)");                        \
                    int z = (int)(k - 3) / 2;                                                                          \
                    space[i][j][z] = (i ? space[i - 1][j][z] : 0) + (j < M - 1 ? space[i][j + 1][z] : 0) + 1;          \
                    space[i][j][z] %= 1000;                                                                            \
                    _Pragma("omp ordered depend(source)");                                                             \
                }                                                                                                      \
        check_space(__LINE__);                                                                                         \
    } while (0)

static void check_space(int at)
{
    static int model[N][M];
    for (int i = 0; i < N; i++)
        for (int j = M - 1; j >= 0; j--) {
            model[i][j] = ((i ? model[i - 1][j] : 0) + (j < M - 1 ? model[i][j + 1] : 0) + 1) % 1000;
            for (int z = 0; z < K; z++)
                check_equal(space[i][j][z], model[i][j], "space", __FILE__, at);
        }
}

/* Several loops without barriers between them. */
static void many(void)
{
    static int chain[4][N];
    memset(chain, 0, sizeof chain);
#pragma omp parallel
    for (int l = 0; l < 4; l++) {
#pragma omp for ordered(1) schedule(static, 2) nowait
        for (int i = 0; i < N; i++) {
#pragma omp ordered depend(sink : i - 1)
            chain[l][i] = i ? chain[l][i - 1] + 1 : 1;
#pragma omp ordered depend(source)
        }
    }
    for (int l = 0; l < 4; l++)
        CHECK_EQ(chain[l][N - 1], N);
}

#define ALL(clause)                                                                                                    \
    ONE(clause);                                                                                                       \
    DOWN(clause);                                                                                                      \
    if (!check_is_reference())                                                                                         \
        TWO(clause);                                                                                                   \
    THREE(clause)

static void collapsed(void)
{
    memset(space, 0, sizeof space);
#pragma omp parallel for collapse(2) ordered(3) schedule(static, 3)
    for (int i = 0; i < N; i++)
        for (int j = 0; j < M; j++)
            for (int k = 0; k < K; k++) {
#pragma omp ordered depend(sink : i - 1, j, k)
                space[i][j][k] = i ? space[i - 1][j][k] + 1 : 1;
#pragma omp ordered depend(source)
            }
    for (int j = 0; j < M; j++)
        CHECK_EQ(space[N - 1][j][K - 1], N);
}

int main(void)
{
    ALL();
    ALL(schedule(static));
    ALL(schedule(static, 1));
    ALL(schedule(static, 5));
    ALL(schedule(static, 1000));
    ALL(schedule(dynamic));
    ALL(schedule(dynamic, 4));
    ALL(schedule(guided));
    ALL(schedule(guided, 2));
    ALL(schedule(auto));
    ALL(schedule(runtime));
    many();
    collapsed();
    return check_result();
}
