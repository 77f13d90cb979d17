/* lastprivate(conditional: ...): the value of the last iteration that assigned one, whoever ran it, for loops of all
   schedules, ordered ones, doacross ones, sections, simd, with nowait and without any assignment. */
#include <omp.h>
#include "check.h"

enum { N = 500 };

#define PRAGMA(text) _Pragma(#text)

static int hit[N]; /* bit 0: assigns a, bit 1: assigns b */
static long a, b, expected_a, expected_b;

static void choose_hits(int seed, int rarity)
{
    expected_a = expected_b = a = b = -1;
    for (int i = 0; i < N; i++) {
        int r = (i * 7919 + seed * 104729) % 1000;
        hit[i] = (r % rarity == 0) | (r / rarity % (2 * rarity) == 1) << 1;
        if (hit[i] & 1)
            expected_a = i + 1000;
        if (hit[i] & 2)
            expected_b = 3L * i;
    }
}

static void verify(const char *what)
{
    check_equal(a, expected_a, what, __FILE__, __LINE__);
    check_equal(b, expected_b, what, __FILE__, __LINE__);
    a = b = -1;
}

#define ASSIGN(i)                                                                                                      \
    do {                                                                                                               \
        if (hit[i] & 1)                                                                                                \
            a = (long)(i) + 1000;                                                                                      \
        if (hit[i] & 2)                                                                                                \
            b = 3L * (long)(i);                                                                                        \
    } while (0)

#define LOOPS(name, ...)                                                                                               \
    static void name(void)                                                                                             \
    {                                                                                                                  \
        PRAGMA(omp parallel for schedule(__VA_ARGS__) lastprivate(conditional : a, b))                                 \
        for (int i = 0; i < N; i++)                                                                                    \
            ASSIGN(i);                                                                                                 \
        verify(#name " in a region");                                                                                  \
        PRAGMA(omp parallel)                                                                                           \
        {                                                                                                              \
            PRAGMA(omp for schedule(__VA_ARGS__) lastprivate(conditional : a) lastprivate(conditional : b) nowait)     \
            for (unsigned long long i = 0; i < N; i++)                                                                 \
                ASSIGN(i);                                                                                             \
        }                                                                                                              \
        verify(#name " nowait");                                                                                       \
        PRAGMA(omp for schedule(__VA_ARGS__) lastprivate(conditional : a, b))                                          \
        for (long i = 0; i < N; i++)                                                                                   \
            ASSIGN(i);                                                                                                 \
        verify(#name " outside");                                                                                      \
    }

/* Those in order as well. */
#define IN_ORDER(name, ...)                                                                                            \
    static void name##_ordered(void)                                                                                   \
    {                                                                                                                  \
        int count = 0;                                                                                                 \
        PRAGMA(omp parallel for ordered schedule(__VA_ARGS__) lastprivate(conditional : a, b))                         \
        for (int i = 0; i < N; i++) {                                                                                  \
            ASSIGN(i);                                                                                                 \
            PRAGMA(omp ordered)                                                                                        \
            count += count == i;                                                                                       \
        }                                                                                                              \
        verify(#name " ordered");                                                                                      \
        CHECK_EQ(count, N);                                                                                            \
    }                                                                                                                  \
    static void name##_doacross(void)                                                                                  \
    {                                                                                                                  \
        static int row[N];                                                                                             \
        PRAGMA(omp parallel for ordered(1) schedule(__VA_ARGS__) lastprivate(conditional : a, b))                      \
        for (int i = 0; i < N; i++) {                                                                                  \
            PRAGMA(omp ordered depend(sink : i - 1))                                                                   \
            row[i] = i ? row[i - 1] + 1 : 0;                                                                           \
            ASSIGN(i);                                                                                                 \
            PRAGMA(omp ordered depend(source))                                                                         \
        }                                                                                                              \
        verify(#name " doacross");                                                                                     \
        CHECK_EQ(row[N - 1], N - 1);                                                                                   \
    }

/* clang-format off */
#define SCHEDULES(row) \
    row(plain_static, static) \
    row(static_seven, static, 7) \
    row(plain_dynamic, dynamic) \
    row(dynamic_nine, dynamic, 9) \
    row(plain_guided, guided) \
    row(plain_runtime, runtime)
/* clang-format on */
SCHEDULES(LOOPS)
SCHEDULES(IN_ORDER)
LOOPS(nonmonotonic_dynamic, nonmonotonic : dynamic, 2)

#define CALL(name, ...)          name();
#define CALL_ORDERED(name, ...)  name##_ordered();
#define CALL_DOACROSS(name, ...) name##_doacross();

static void simd(void)
{
#pragma omp parallel for simd lastprivate(conditional : a, b)
    for (int i = 0; i < N; i++)
        ASSIGN(i);
    verify("simd");
}

static void collapsed(void)
{
#pragma omp parallel for collapse(2) schedule(dynamic, 3) lastprivate(conditional : a, b)
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < N / 5; i++)
            ASSIGN(k * (N / 5) + i);
    verify("collapsed");
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized" /* GCC does not see who assigns the threads' own ones */
static void sections(int which)
{
    long c = -1, d = -1;
#pragma omp parallel sections lastprivate(conditional : c, d)
    {
        {
            c = 1;
            d = 10;
        }
#pragma omp section
        if (which & 1)
            c = 2;
#pragma omp section
        if (which & 2)
            d = 30;
#pragma omp section
        if (which & 4)
            c = 4;
    }
    CHECK_EQ(c, which & 4 ? 4 : which & 1 ? 2 : 1);
    CHECK_EQ(d, which & 2 ? 30 : 10);
}
#pragma GCC diagnostic pop

int main(void)
{
    const omp_sched_t kinds[] = {omp_sched_static, omp_sched_dynamic, omp_sched_guided, omp_sched_auto};
    const int rarities[] = {1, 2, 10, 100, 2000};
    for (int round = 0; round < SCALED(10) + 5; round++) {
        omp_set_schedule(kinds[round % 4], round % 7);
        choose_hits(round, rarities[round % 5]);
        SCHEDULES(CALL)
        nonmonotonic_dynamic();
        SCHEDULES(CALL_ORDERED)
        if (!check_is_reference() || omp_get_max_threads() == 1) {
            SCHEDULES(CALL_DOACROSS)
        }
        simd();
        collapsed();
        sections(round % 8);
    }
    return check_result();
}
