/* Doacross loops under pressure: more threads than processors, bodies from nothing to sleeping, so that waiters spin,
   yield and sleep; loops that follow one another without a barrier; many waiters of one iteration. */
#include <omp.h>
#include <unistd.h>
#include "check.h"
#include "gomp_abi.h"

enum { ROWS = 200, COLUMNS = 32, THREADS = 8 };

#define PRAGMA(text) _Pragma(#text)

static long grid[ROWS][COLUMNS], expected[ROWS][COLUMNS];

/* About `weight` microseconds of work now and then; negative: sleep. */
static void body(int i, int j, int weight)
{
    if (weight < 0 && (i * 7 + j) % 61 == 0)
        usleep((useconds_t)-weight);
    for (volatile int k = 0; weight > 0 && k < weight * 300; k++)
        ;
}

static long element(long (*g)[COLUMNS], int i, int j)
{
    long above = i > 0 ? g[i - 1][j] : 1, before = j > 0 ? g[i][j - 1] : 2,
         beside = i > 2 && j > 1 ? g[i - 3][j - 2] : 3;
    return (above + 3 * before + 5 * beside + i) & 0xffffff;
}

#define WAVE(name, ...)                                                                                                \
    static void name(int weight)                                                                                       \
    {                                                                                                                  \
        PRAGMA(omp for ordered(2) schedule(__VA_ARGS__) nowait)                                                        \
        for (int i = 0; i < ROWS; i++)                                                                                 \
            for (int j = 0; j < COLUMNS; j++) {                                                                        \
                PRAGMA(omp ordered depend(sink : i - 1, j) depend(sink : i, j - 1) depend(sink : i - 3, j - 2))        \
                body(i, j, weight);                                                                                    \
                grid[i][j] = element(grid, i, j);                                                                      \
                PRAGMA(omp ordered depend(source))                                                                     \
            }                                                                                                          \
    }

WAVE(wave_static, static)
WAVE(wave_static_one, static, 1)
WAVE(wave_dynamic, dynamic)
WAVE(wave_dynamic_three, dynamic, 3)
WAVE(wave_guided, guided)

typedef void wave(int weight);
static wave *const waves[] = {wave_static, wave_static_one, wave_dynamic, wave_dynamic_three, wave_guided};
enum { WAVES = sizeof waves / sizeof *waves };

static void verify(void)
{
    CHECK(!memcmp(grid, expected, sizeof grid));
    memset(grid, 0, sizeof grid);
}

static void one_wave_a_region(int weight, int rounds)
{
    for (int round = 0; round < rounds; round++) {
#pragma omp parallel num_threads(THREADS)
        waves[round % WAVES](weight);
        verify();
    }
}

/* All waves write the same values, but a thread that is early in the next loop must not take posts of the last one for
   posts of that. */
static long chain[WAVES][ROWS];

static void links_of(int loop, int from)
{
#pragma omp for ordered(1) schedule(dynamic) nowait
    for (int i = 0; i < ROWS; i++) {
#pragma omp ordered depend(sink : i - 1)
        chain[loop][i] = (i > 0 ? chain[loop][i - 1] : from) + 1;
#pragma omp ordered depend(source)
    }
}

static void loops_in_a_row(int rounds)
{
    for (int round = 0; round < rounds; round++) {
#pragma omp parallel num_threads(THREADS)
        for (int loop = 0; loop < WAVES; loop++)
            links_of(loop, round);
        for (int loop = 0; loop < WAVES; loop++)
            for (int i = 0; i < ROWS; i++)
                CHECK_EQ(chain[loop][i], round + i + 1);
    }
}

/* All threads wait for one that takes its time. */
static void many_waiters(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        long first = 0;
        int behind = 0;
#pragma omp parallel for num_threads(THREADS) ordered(1) schedule(static, 1) reduction(+ : behind)
        for (int i = 0; i < 3 * THREADS; i++) {
            if (i == 0) {
                usleep((useconds_t)(round % 5) * 300);
                first = 1;
#pragma omp ordered depend(source)
            } else {
                GOMP_doacross_wait(0L); /* depend(sink) takes constant distances only */
                behind += first == 1;
#pragma omp ordered depend(source)
            }
        }
        CHECK_EQ(behind, 3 * THREADS - 1);
    }
}

int main(void)
{
    /* The reference waits without ever giving its processor away: each hand-over may take a time slice. */
    if (check_is_reference())
        return 0;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            expected[i][j] = element(expected, i, j);
    one_wave_a_region(0, SCALED(40) + WAVES);
    one_wave_a_region(2, SCALED(10) + WAVES);
    one_wave_a_region(-100, WAVES);
    loops_in_a_row(SCALED(60) + 2);
    many_waiters(SCALED(100) + 3);
    return check_result();
}
