/* Reductions of every operator and many types, with one variable and with many, by regions, loops, sections and teams;
   arrays, own operators. Integers throughout, also where the type is a floating one: sums are exact in any order. */
#include "check.h"

#include <complex.h>
#include <limits.h>
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

enum { N = 200 };

#define DO_PRAGMA(...)  DO_PRAGMA_(__VA_ARGS__)
#define DO_PRAGMA_(...) _Pragma(#__VA_ARGS__)

/* The same loop with and without threads. */
#define ONE(T, op, start, statement)                                                                                   \
    do {                                                                                                               \
        T x = start, model = start;                                                                                    \
        DO_PRAGMA(omp parallel for reduction(op : x) schedule(runtime))                                                \
        for (int i = 0; i < N; i++)                                                                                    \
            statement(x, i);                                                                                           \
        for (int i = 0; i < N; i++)                                                                                    \
            statement(model, i);                                                                                       \
        CHECK(x == model);                                                                                             \
    } while (0)
#define ADD(x, i)  x += i % 7
#define MUL(x, i)  x *= i % 50 ? 1 : 2
#define AND(x, i)  x &= ~(i == 77 ? 8 : i == 3 ? 1 : 0)
#define OR(x, i)   x |= 1 << i % 6
#define XOR(x, i)  x ^= i
#define LAND(x, i) x = x && i != 300
#define LOR(x, i)  x = x || i == 150
#define MAX(x, i)  x = x > i * 37 % 101 ? x : i * 37 % 101
#define MIN(x, i)  x = x < i * 37 % 101 ? x : i * 37 % 101

#define ANY(T)                                                                                                         \
    ONE(T, +, 3, ADD);                                                                                                 \
    ONE(T, *, 1, MUL);                                                                                                 \
    ONE(T, max, 0, MAX);                                                                                               \
    ONE(T, min, 120, MIN);                                                                                             \
    ONE(T, &&, 1, LAND);                                                                                               \
    ONE(T, ||, 0, LOR)
#define INTEGER(T)                                                                                                     \
    ANY(T);                                                                                                            \
    ONE(T, &, 127, AND);                                                                                               \
    ONE(T, |, 64, OR);                                                                                                 \
    ONE(T, ^, 5, XOR)

static void types(void)
{
    INTEGER(signed char);
    INTEGER(unsigned char);
    INTEGER(short);
    INTEGER(unsigned short);
    INTEGER(int);
    INTEGER(unsigned);
    INTEGER(long);
    INTEGER(unsigned long);
    INTEGER(__int128);
    ANY(float);
    ANY(double);
    ANY(long double);
    ONE(double complex, +, 3, ADD);
    ONE(float complex, *, 1, MUL);
}

/* More variables than are worth an atomic operation each. */
static void many(void)
{
    int a = 1, b = 0, c = INT_MAX, d = INT_MIN, e = 0;
    double f = 0, g = 1;
    long h[5] = {0};
#pragma omp parallel for reduction(+ : a, f, h) reduction(^ : b) reduction(min : c) reduction(max : d)                 \
    reduction(| : e) reduction(* : g)
    for (int i = 0; i < N; i++) {
        a += i;
        b ^= i;
        c = c < 5 - i ? c : 5 - i;
        d = d > 5 - i ? d : 5 - i;
        e |= i;
        f += 0.5;
        g *= i % 20 ? 1 : 2;
        h[i % 5] += i;
    }
    CHECK_EQ(a, 1 + N * (N - 1) / 2);
    CHECK_EQ(b, 0);
    CHECK_EQ(c, 5 - (N - 1));
    CHECK_EQ(d, 5);
    CHECK_EQ(e, 255);
    CHECK(f == N / 2);
    CHECK(g == 1024);
    for (int k = 0; k < 5; k++)
        CHECK_EQ(h[k], N / 5 * k + 5 * (N / 5) * (N / 5 - 1) / 2);
}

struct pair {
    long sum, count, most;
};

static void join(struct pair *to, const struct pair *from)
{
    to->sum += from->sum;
    to->count += from->count;
    if (from->most > to->most)
        to->most = from->most;
}

#pragma omp declare reduction(join : struct pair : join(&omp_out, &omp_in)) initializer(omp_priv = {0, 0, -1})

/* Section k of a loop's reductions is what the next one must not take for its own. */
static void own(void)
{
    enum { ROUNDS = 50 };
    static struct pair p[ROUNDS];
    int other = 0;
    for (int r = 0; r < ROUNDS; r++)
        p[r] = (struct pair){0, 0, -1};
#pragma omp parallel
    for (int r = 0; r < ROUNDS; r++) {
        struct pair *q = &p[r];
#pragma omp for reduction(join : q [0:1]) nowait
        for (int i = 0; i < N; i++)
            join(&q[0], &(struct pair){i + r, 1, i});
    }
#pragma omp parallel
    for (int r = 0; r < ROUNDS; r++) {
        struct pair *q = &p[r];
#pragma omp for reduction(join : q [0:1]) reduction(+ : other)
        for (int i = 0; i < N; i++) {
            join(&q[0], &(struct pair){i + r, 1, i});
            other++;
        }
        CHECK_EQ(other, N * (r + 1));
#pragma omp barrier
    }
    for (int r = 0; r < ROUNDS; r++) {
        CHECK_EQ(p[r].sum, N * (N - 1) + 2 * N * r);
        CHECK_EQ(p[r].count, 2 * N);
        CHECK_EQ(p[r].most, N - 1);
    }
}

static void join_slowly(struct pair *to, const struct pair *from)
{
    usleep(1000);
    join(to, from);
}

#pragma omp declare reduction(slow : struct pair : join_slowly(&omp_out, &omp_in)) initializer(omp_priv = {0, 0, -1})

/* While one thread combines, the others come. There are more variables than atomics are worth. */
static void crowd(void)
{
    struct pair p = {0, 0, -1}, q = {0, 0, -1};
    long other = 0, third = 0;
#pragma omp parallel num_threads(12)
    for (int r = 0; r < 5; r++) {
#pragma omp for reduction(slow : p) reduction(+ : other, third) nowait schedule(static)
        for (int i = 0; i < N; i++)
            join(&p, &(struct pair){i, 1, i}), other++, third += 2;
#pragma omp for reduction(slow : q) reduction(+ : other, third) schedule(static)
        for (int i = 0; i < N; i++)
            join(&q, &(struct pair){i, 1, i}), other++, third += 2;
        CHECK_EQ(q.count, N * (r + 1));
#pragma omp barrier
    }
    CHECK_EQ(other, 10 * N);
    CHECK_EQ(third, 20 * N);
    CHECK_EQ(p.sum, 5 * N * (N - 1) / 2);
    CHECK_EQ(p.count, 5 * N);
    CHECK_EQ(q.sum, 5 * N * (N - 1) / 2);
    CHECK_EQ(q.most, N - 1);
}

static void sections_and_regions(void)
{
    int s = 0, t = 0, threads = 0, u = 0;
#pragma omp parallel reduction(+ : t, threads)
    {
        t++;
        threads = omp_get_thread_num() == 0 ? omp_get_num_threads() : 0;
#pragma omp sections reduction(+ : s)
        {
            s += 1;
#pragma omp section
            s += 10;
#pragma omp section
            s += 100;
        }
        CHECK_EQ(s, 111);
    }
    CHECK_EQ(t, threads);
#pragma omp teams num_teams(3) reduction(+ : u)
    u++;
    CHECK(u >= 1 && u <= 3);
    u = 0;
#pragma omp teams distribute parallel for reduction(+ : u)
    for (int i = 0; i < N; i++)
        u += i;
    CHECK_EQ(u, N * (N - 1) / 2);
}

/* Each thread of a region has a region of its own. */
static void nested(void)
{
    long all = 0;
#pragma omp parallel for reduction(+ : all) num_threads(3)
    for (int i = 0; i < 30; i++) {
        long mine = 0, other = 0, third = 0;
#pragma omp parallel for reduction(+ : mine, other, third) num_threads(6)
        for (int j = 0; j < 50; j++) {
            mine += i;
            other += j;
            third++;
        }
        CHECK_EQ(mine, 50 * i);
        CHECK_EQ(other, 49 * 25);
        CHECK_EQ(third, 50);
        all += mine;
    }
    CHECK_EQ(all, 50 * 29 * 15);
}

int main(void)
{
    omp_set_max_active_levels(2);
    types();
    omp_set_schedule(omp_sched_dynamic, 3);
    types();
    many();
    own();
    crowd();
    sections_and_regions();
    nested();
    omp_set_num_threads(16);
    many();
    own();
    nested();
    return check_result();
}
