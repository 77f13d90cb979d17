/* Ordered regions run in the order of the iterations, under every schedule. */
#include <omp.h>
#include "check.h"

enum { TRIPS = 200 };

typedef unsigned long long ull;

static int order[TRIPS], done;

static void append(int value)
{
    if (done < TRIPS)
        order[done] = value;
    done++;
}

static void verify(int count, const char *what)
{
    if (done != count && check_first_lines())
        fprintf(stderr, "%s: %d ordered regions of %d\n", what, done, count);
    for (int i = 0; i < count; i++)
        if (order[i] != i && check_first_lines())
            fprintf(stderr, "%s: place %d taken by %d\n", what, i, order[i]);
    done = 0;
}

#define PRAGMA(text) _Pragma(#text)
#define LOOPS(name, ...)                                                                                               \
    static void name(int trips)                                                                                        \
    {                                                                                                                  \
        PRAGMA(omp parallel for ordered schedule(__VA_ARGS__))                                                         \
        for (int i = 0; i < trips; i++) {                                                                              \
            PRAGMA(omp ordered)                                                                                        \
            append(i);                                                                                                 \
        }                                                                                                              \
        verify(trips, #__VA_ARGS__);                                                                                   \
        PRAGMA(omp parallel for ordered schedule(__VA_ARGS__))                                                         \
        for (long i = 3L * trips; i > 0; i -= 3) {                                                                     \
            PRAGMA(omp ordered)                                                                                        \
            append(trips - (int)(i / 3));                                                                              \
        }                                                                                                              \
        verify(trips, #__VA_ARGS__ " down");                                                                           \
        PRAGMA(omp parallel for ordered schedule(__VA_ARGS__))                                                         \
        for (ull i = 0; i < (ull)trips; i++) {                                                                         \
            PRAGMA(omp ordered)                                                                                        \
            append((int)i);                                                                                            \
        }                                                                                                              \
        verify(trips, #__VA_ARGS__ " ull");                                                                            \
    }

LOOPS(plain_static, static)
LOOPS(static_chunk, static, 3)
LOOPS(plain_dynamic, dynamic)
LOOPS(dynamic_chunk, dynamic, 4)
LOOPS(plain_guided, guided)
LOOPS(guided_chunk, guided, 2)
LOOPS(plain_auto, auto)
LOOPS(plain_runtime, runtime)

/* An iteration may skip its ordered region; those after it must not wait for it. */
static void skipped(void)
{
#pragma omp parallel for ordered schedule(dynamic, 2)
    for (int i = 0; i < TRIPS; i++)
        if (i % 3 == 0) {
#pragma omp ordered
            append(i / 3);
        }
    verify((TRIPS + 2) / 3, "skipped");
#pragma omp parallel for ordered schedule(static)
    for (int i = 0; i < TRIPS; i++)
        if (i % 5 == 4) {
#pragma omp ordered
            append(i / 5);
        }
    verify(TRIPS / 5, "skipped, static");
}

static void several_in_one_region(void)
{
    int rounds = SCALED(100) + 1, total = 0;
#pragma omp parallel
    for (int k = 0; k < rounds; k++)
#pragma omp for ordered schedule(dynamic)
        for (int i = 0; i < 10; i++) {
#pragma omp ordered
            total += 1;
        }
    CHECK_EQ(total, rounds * 10);
}

int main(void)
{
    const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto};
    const int trips[] = {0, 1, 5, TRIPS};
    for (int t = 0; t < 4; t++) {
        plain_static(trips[t]);
        static_chunk(trips[t]);
        plain_dynamic(trips[t]);
        dynamic_chunk(trips[t]);
        plain_guided(trips[t]);
        guided_chunk(trips[t]);
        plain_auto(trips[t]);
        for (int k = 0; k < 4; k++) {
            omp_set_schedule(kinds[k], t);
            plain_runtime(trips[t]);
        }
    }
    skipped();
    several_in_one_region();
    return check_result();
}
