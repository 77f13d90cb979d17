/* Regions: numbers of captured variables from none to hundreds, of every type that is passed by value, many levels,
   regions of one thread, what a master, a single and a copyprivate see, ordered loops. */
#include "check.h"

#include <omp.h>

#define FEW(each)  each(0) each(1) each(2) each(3) each(4) each(5) each(6)
#define TENS(each) FEW(each) each(7) each(8) each(9) each(10) each(11) each(12) each(13) each(14)
#define DECLARE(n) int v##n = n + 1;
#define SUM(n)     +v##n
#define ADD(n)     __atomic_fetch_add(&v##n, 1, __ATOMIC_RELAXED);
#define COUNT(n)   +1
#define CAPTURES(name, list, more)                                                                                     \
    static void name(int threads)                                                                                      \
    {                                                                                                                  \
        list(DECLARE) int before = 0 list(SUM), size = 0;                                                              \
        _Pragma("omp parallel num_threads(threads)")                                                                   \
        {                                                                                                              \
            list(ADD) if (omp_get_thread_num() == 0) size = omp_get_num_threads();                                     \
            more                                                                                                       \
        }                                                                                                              \
        CHECK_EQ(0 list(SUM), before + size * (0 list(COUNT)));                                                        \
    }

CAPTURES(seven, FEW, )
CAPTURES(fifteen, TENS, )
#define MORE(each)                                                                                                     \
    TENS(each)                                                                                                         \
    each(15) each(16) each(17) each(18) each(19) each(20) each(21) each(22) each(23) each(24) each(25) each(26)        \
        each(27) each(28) each(29) each(30) each(31) each(32) each(33) each(34) each(35) each(36) each(37)
CAPTURES(thirtyeight, MORE, )

#define TEN(each, d)                                                                                                   \
    each(1##d##0) each(1##d##1) each(1##d##2) each(1##d##3) each(1##d##4) each(1##d##5) each(1##d##6) each(1##d##7)    \
        each(1##d##8) each(1##d##9)
#define HUNDRED(each, d)                                                                                               \
    TEN(each, d##0)                                                                                                    \
    TEN(each, d##1)                                                                                                    \
    TEN(each, d##2)                                                                                                    \
    TEN(each, d##3) TEN(each, d##4) TEN(each, d##5) TEN(each, d##6) TEN(each, d##7) TEN(each, d##8) TEN(each, d##9)
#define HUNDREDS(each) HUNDRED(each, 0) HUNDRED(each, 1) HUNDRED(each, 2)
CAPTURES(threehundred, HUNDREDS, )

static int visits;
static void none(void)
{
#pragma omp parallel
    __atomic_fetch_add(&visits, 1, __ATOMIC_RELAXED);
}

static void by_value(int n)
{
    char c = 'x';
    short s = -5;
    long l = 1L << 40;
    float f = 1.5f;
    double d = -2.25;
    void *p = &c;
    unsigned long long u = ~0ull;
#pragma omp parallel firstprivate(c, s, l, f, d, p, u, n)
    {
        CHECK(c == 'x' && s == -5 && l == 1L << 40 && f == 1.5f && d == -2.25 && p && u == ~0ull && n == 17);
        c = 0, s = 0, l = 0, f = 0, d = 0, p = NULL, u = 0, n = 0;
    }
}

static void levels(int depth)
{
    if (depth == 40) {
        CHECK_EQ(omp_get_level(), 40);
        CHECK_EQ(omp_get_ancestor_thread_num(39), 0);
        return;
    }
#pragma omp parallel num_threads(depth % 3 == 0 && depth < 4 ? 2 : 1)
    {
        CHECK_EQ(omp_get_level(), depth + 1);
        if (omp_get_thread_num() == 0)
            levels(depth + 1);
    }
    CHECK_EQ(omp_get_level(), depth);
}

static void serialized(int yes)
{
#pragma omp parallel if (!yes)
    {
        CHECK_EQ(omp_get_num_threads(), 1);
        CHECK_EQ(omp_get_level(), 1);
        CHECK(!omp_in_parallel());
        int sum = 0;
#pragma omp for schedule(dynamic) ordered
        for (int i = 0; i < 10; i++) {
#pragma omp ordered
            sum = sum * 3 + i;
        }
        int model = 0;
        for (int i = 0; i < 10; i++)
            model = model * 3 + i;
        CHECK_EQ(sum, model);
    }
}

static void blocks(void)
{
    int singles = 0, masters = 0, masks = 0, protected = 0, size = 0;
#pragma omp parallel
    {
        int mine = -1;
        double also = 0;
        for (int i = 0; i < 30; i++) {
#pragma omp single copyprivate(mine, also)
            {
                mine = i;
                also = i / 2.0;
                /* One that waits for nobody, of the round before, may still be counting. */
                __atomic_fetch_add(&singles, 1, __ATOMIC_RELAXED);
            }
            CHECK(mine == i && also == i / 2.0);
#pragma omp single nowait
            __atomic_fetch_add(&singles, 1, __ATOMIC_RELAXED);
#pragma omp master
            masters++;
#pragma omp masked filter(omp_get_num_threads() - 1)
            {
                CHECK_EQ(omp_get_thread_num(), omp_get_num_threads() - 1);
                masks++;
            }
#pragma omp critical(name)
            protected++;
        }
#pragma omp single
        size = omp_get_num_threads();
    }
    CHECK_EQ(singles, 60);
    CHECK_EQ(masters, 30);
    CHECK_EQ(masks, 30);
    CHECK_EQ(protected, 30 * size);
}

#define DO_PRAGMA(...)  DO_PRAGMA_(__VA_ARGS__)
#define DO_PRAGMA_(...) _Pragma(#__VA_ARGS__)
#define ORDERED(clause)                                                                                                \
    do {                                                                                                               \
        int next = 90;                                                                                                 \
        DO_PRAGMA(omp parallel for ordered clause)                                                                     \
        for (int i = 90; i > -90; i -= 3) {                                                                            \
            if (i % 2)                                                                                                 \
                continue; /* an iteration need not have its region */                                                  \
            DO_PRAGMA(omp ordered)                                                                                     \
            {                                                                                                          \
                CHECK_EQ(next, i);                                                                                     \
                next = i - 6;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        CHECK_EQ(next, -90);                                                                                           \
    } while (0)

static void ordered(void)
{
    ORDERED();
    ORDERED(schedule(static));
    ORDERED(schedule(static, 4));
    ORDERED(schedule(dynamic));
    ORDERED(schedule(dynamic, 3));
    ORDERED(schedule(guided));
    ORDERED(schedule(auto));
    ORDERED(schedule(runtime));
}

static void sections(void)
{
    int ran[5] = {0}, last = 0;
#pragma omp parallel sections lastprivate(last)
    {
        __atomic_fetch_add(&ran[0], 1, __ATOMIC_RELAXED);
#pragma omp section
        __atomic_fetch_add(&ran[1], 1, __ATOMIC_RELAXED);
#pragma omp section
        __atomic_fetch_add(&ran[2], 1, __ATOMIC_RELAXED);
#pragma omp section
        __atomic_fetch_add(&ran[3], 1, __ATOMIC_RELAXED);
#pragma omp section
        {
            __atomic_fetch_add(&ran[4], 1, __ATOMIC_RELAXED);
            last = 77;
        }
    }
    for (int i = 0; i < 5; i++)
        CHECK_EQ(ran[i], 1);
    CHECK_EQ(last, 77);
}

int main(void)
{
    omp_set_max_active_levels(3);
    none();
    CHECK_EQ(visits, omp_get_max_threads());
    for (int threads = 1; threads < 9; threads += 3) {
        seven(threads);
        fifteen(threads);
        thirtyeight(threads);
        threehundred(threads);
    }
    by_value(17);
    levels(0);
    serialized(1);
    blocks();
    ordered();
    sections();
    return check_result();
}
