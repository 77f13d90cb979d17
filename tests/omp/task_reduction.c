/* Task reductions of taskgroups: sums, user-defined operators that look at the original, array sections, hundreds of
   list items, groups in groups, recursion, tasks in functions that know only an address. */
#include <omp.h>
#include "check.h"

struct pair {
    long sum, mark;
};

/* A copy starts with a mark taken from its original; combining checks both. */
static void begin_pair(struct pair *copy, const struct pair *original)
{
    CHECK_EQ(original->mark, 5);
    copy->sum = 0;
    copy->mark = 9;
}

static void add_pair(struct pair *out, const struct pair *in)
{
    CHECK(out->mark == 5 || out->mark == 9);
    CHECK_EQ(in->mark, 9);
    out->sum += in->sum;
}

#pragma omp declare reduction(add                                                                                      \
                              : struct pair                                                                            \
                              : add_pair(&omp_out, &omp_in)) initializer(begin_pair(&omp_priv, &omp_orig))

static void sums(int tasks)
{
    long sum = 100;
    unsigned mask = 0;
    double product = 2;
    struct pair pair = {1000, 5};
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(+ : sum) task_reduction(| : mask) task_reduction(* : product) task_reduction(add : pair)
    for (int i = 0; i < tasks; i++)
#pragma omp task in_reduction(+ : sum) in_reduction(| : mask) in_reduction(* : product) in_reduction(add : pair)
    {
        sum += i;
        mask |= 1u << i % 32;
        product *= i < 3 ? 2 : 1;
        CHECK(pair.mark == 9 || pair.mark == 5);
        pair.sum += 2 * i;
    }
    CHECK_EQ(sum, 100 + tasks * (tasks - 1) / 2);
    CHECK_EQ(mask, tasks < 32 ? (1u << tasks) - 1 : ~0u);
    CHECK(product == (tasks < 3 ? 2 << tasks : 16));
    CHECK_EQ(pair.sum, 1000 + tasks * (tasks - 1));
    CHECK_EQ(pair.mark, 5);
}

static void array_sections(int n)
{
    int whole[7] = {1, 1, 1, 1, 1, 1, 1};
    long *part = malloc(sizeof *part * (size_t)n);
    for (int i = 0; i < n; i++)
        part[i] = i;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(* : whole) task_reduction(+ : part [2:n - 4])
    for (int t = 0; t < 20; t++)
#pragma omp task in_reduction(* : whole) in_reduction(+ : part [2:n - 4])
    {
        whole[t % 7] *= 2;
        for (int i = 2; i < n - 2; i++)
            part[i] += t;
    }
    for (int i = 0; i < 7; i++)
        CHECK_EQ(whole[i], i < 6 ? 8 : 4);
    for (int i = 0; i < n; i++)
        CHECK_EQ(part[i], i + (i >= 2 && i < n - 2 ? 190 : 0));
    free(part);
}

/* The task's function knows the list item only as what a pointer points to: the original's address here, a copy's where
   the caller is a task itself. */
static void add_below(long *sum, int depth)
{
#pragma omp task in_reduction(+ : sum[0])
    {
        sum[0] += 1;
        if (depth > 0) {
            add_below(sum, depth - 1);
            add_below(sum, depth - 1);
        }
    }
}

static void copies_of_copies(int depth)
{
    long sum = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(+ : sum)
    add_below(&sum, depth);
    CHECK_EQ(sum, (2L << depth) - 1);
}

/* A plain group, one that reduces something else, and one that reduces the copy of the outer one. */
static void groups_in_groups(void)
{
    long outer = 0, other = 0, inner_sums = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(+ : outer, inner_sums)
    for (int i = 0; i < 10; i++)
#pragma omp task in_reduction(+ : outer, inner_sums)
    {
        outer += 1;
#pragma omp taskgroup
#pragma omp task in_reduction(+ : outer)
        outer += 10;
        long mine = 0;
#pragma omp taskgroup task_reduction(+ : mine)
        for (int k = 0; k < 4; k++)
#pragma omp task in_reduction(+ : outer, mine)
        {
            outer += 100;
            mine += 1;
        }
        inner_sums += mine;
#pragma omp taskgroup task_reduction(+ : outer)
        for (int k = 0; k < 4; k++)
#pragma omp task in_reduction(+ : outer)
            outer += 1000;
#pragma omp atomic
        other += 1;
    }
    CHECK_EQ(outer, 10 * (1 + 10 + 400 + 4000));
    CHECK_EQ(inner_sums, 40);
    CHECK_EQ(other, 10);
}

/* Every thread has a group of its own with the same variable's name and another variable. */
static void group_of_each_thread(void)
{
    int threads = 0;
#pragma omp parallel reduction(+ : threads)
    {
        long mine = omp_get_thread_num();
#pragma omp taskgroup task_reduction(+ : mine)
        for (int i = 0; i < 50; i++)
#pragma omp task in_reduction(+ : mine)
            mine += i;
        CHECK_EQ(mine, omp_get_thread_num() + 1225);
        threads++;
    }
    CHECK_EQ(threads, omp_get_max_threads());
}

static void undeferred_and_final(void)
{
    long sum = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(+ : sum)
    for (int i = 0; i < 20; i++) {
#pragma omp task in_reduction(+ : sum) if (0)
        sum += 1;
#pragma omp task in_reduction(+ : sum) final(1)
        {
            sum += 1;
#pragma omp task in_reduction(+ : sum)
            sum += 1;
        }
    }
    CHECK_EQ(sum, 60);
}

static void outside_regions(void)
{
    long sum = 0;
#pragma omp taskgroup task_reduction(+ : sum)
    for (int i = 0; i < 10; i++)
#pragma omp task in_reduction(+ : sum)
        sum += i;
    CHECK_EQ(sum, 45);
}

/* 300 list items, so that looking at one after the other would show, and in another order than they are registered. */
#define X10(m, p) m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7) m(p##8) m(p##9)
#define X100(m, p)                                                                                                     \
    X10(m, p##0)                                                                                                       \
    X10(m, p##1) X10(m, p##2) X10(m, p##3) X10(m, p##4) X10(m, p##5) X10(m, p##6) X10(m, p##7) X10(m, p##8)            \
        X10(m, p##9)
#define DEFINE(v)  static int v;
#define ADD(v)     v += value++;
#define VERIFY(v)  CHECK_EQ(v, total), total += tasks;
#define NAMES10(p) p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9
#define NAMES(p)                                                                                                       \
    NAMES10(p##0), NAMES10(p##1), NAMES10(p##2), NAMES10(p##3), NAMES10(p##4), NAMES10(p##5), NAMES10(p##6),           \
        NAMES10(p##7), NAMES10(p##8), NAMES10(p##9)
#define PRAGMA(...) _Pragma(#__VA_ARGS__)
#define EXPAND(...) PRAGMA(__VA_ARGS__)

X100(DEFINE, a)
X100(DEFINE, b)
X100(DEFINE, c)

static void many_items(int tasks)
{
    long total = 0;
    EXPAND(omp parallel)
    EXPAND(omp single)
    EXPAND(omp taskgroup task_reduction(+ : NAMES(a), NAMES(b), NAMES(c)))
    for (int i = 0; i < tasks; i++)
        EXPAND(omp task in_reduction(+ : NAMES(c), NAMES(a), NAMES(b)))
        {
            int value = 0;
            X100(ADD, a)
            X100(ADD, b)
            X100(ADD, c)
        }
    X100(VERIFY, a)
    X100(VERIFY, b)
    X100(VERIFY, c)
}

int main(void)
{
    for (int round = 0; round < SCALED(40) + 1; round++) {
        sums(round);
        sums(200);
        array_sections(10 + round * 7);
        copies_of_copies(round % 8);
        groups_in_groups();
        group_of_each_thread();
        undeferred_and_final();
        if (!check_is_reference()) /* its regions hang after that */
            outside_regions();
    }
    array_sections(300000);
    many_items(40);
    outside_regions();
    return check_result();
}
