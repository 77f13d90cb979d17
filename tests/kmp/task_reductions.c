/* Reductions in which tasks take part: of regions, loops and sections, groups in groups, operators with an initialiser
   and wide types, on every team and in nested regions; and the entry points of older compilers. */
#include "check.h"
#include "task_calls.h"

#include <omp.h>

struct wide {
    long sum[9];
    long mark;
};

static void begin_wide(struct wide *copy, const struct wide *original)
{
    CHECK_EQ(original->mark, 5);
    memset(copy, 0, sizeof *copy);
    copy->mark = 9;
}

static void add_wide(struct wide *out, const struct wide *in)
{
    CHECK_EQ(in->mark, 9);
    for (int i = 0; i < 9; i++)
        out->sum[i] += in->sum[i];
}

#pragma omp declare reduction(add                                                                                      \
                              : struct wide                                                                            \
                              : add_wide(&omp_out, &omp_in)) initializer(begin_wide(&omp_priv, &omp_orig))

static void of_region(int tasks)
{
    long sum = 10;
    double product = 1;
    int threads = 0;
#pragma omp parallel reduction(task, + : sum) reduction(task, * : product)
    {
#pragma omp single
        threads = omp_get_num_threads();
        sum += 1000;
        for (int i = 0; i < tasks; i++)
#pragma omp task in_reduction(+ : sum) in_reduction(* : product)
        {
            sum += i;
            product *= i == 0 ? 2 : 1;
#pragma omp task in_reduction(+ : sum)
            sum += 1;
        }
    }
    CHECK_EQ(sum, 10 + threads * (1000 + tasks * (tasks - 1) / 2 + tasks));
    CHECK(tasks == 0 || product == (double)(1ull << threads));
}

/* Tasks that see the program's variables where the region has its copies, of few items and of more than a few. */
static long global[10];
static long few;

static void add_to_globals(int i)
{
#pragma omp task in_reduction(+ : few) firstprivate(i)
    few += i;
#define ADD(n) _Pragma("omp task in_reduction(+ : global) firstprivate(i)") global[n] += i;
    ADD(0)
    ADD(9)
}

#define NAMES(each) each(0) each(1) each(2) each(3) each(4) each(5) each(6) each(7) each(8) each(9) each(10) each(11)
#define DEFINE(n)   static long many_##n;
NAMES(DEFINE)

static void add_to_many(void)
{
#pragma omp task in_reduction(+ : many_0, many_5, many_11)
    {
        many_0 += 1;
        many_5 += 2;
        many_11 += 3;
    }
}

static void of_globals(int tasks)
{
    memset(global, 0, sizeof global);
    few = many_0 = many_5 = many_11 = 0;
    int threads = 0;
#pragma omp parallel reduction(task, + : few, global)
    {
#pragma omp single
        threads = omp_get_num_threads();
        for (int i = 0; i < tasks; i++)
            add_to_globals(i);
    }
    CHECK_EQ(few, threads * tasks * (tasks - 1) / 2);
    CHECK_EQ(global[0], few);
    CHECK_EQ(global[9], few);
#pragma omp parallel reduction(task, + : many_0, many_1, many_2, many_3, many_4, many_5, many_6, many_7, many_8,       \
                               many_9, many_10, many_11)
    for (int i = 0; i < tasks; i++)
        add_to_many();
    CHECK_EQ(many_0, threads * tasks);
    CHECK_EQ(many_5, 2 * threads * tasks);
    CHECK_EQ(many_11, 3 * threads * tasks);
}

static void of_loops(int n)
{
    long sum = 0, more = 0, other = 1;
#pragma omp parallel
    {
#pragma omp for reduction(task, + : sum)
        for (int i = 0; i < n; i++)
#pragma omp task in_reduction(+ : sum) firstprivate(i)
            sum += i;
#pragma omp for reduction(task, + : more) schedule(static, 3)
        for (int i = 0; i < n; i++) {
            more += 1;
#pragma omp task in_reduction(+ : more) firstprivate(i)
            {
#pragma omp taskgroup
#pragma omp task in_reduction(+ : more)
                more += i;
            }
        }
#pragma omp sections reduction(task, + : other)
        {
#pragma omp section
            for (int i = 0; i < n; i++)
#pragma omp task in_reduction(+ : other)
                other += 1;
#pragma omp section
            other += 1;
        }
    }
    CHECK_EQ(sum, (long)n * (n - 1) / 2);
    CHECK_EQ(more, (long)n * (n - 1) / 2 + n);
    CHECK_EQ(other, n + 2);
}

static void of_groups(int tasks)
{
    long sum = 1;
    struct wide w = {{1, 2, 3}, 5};
#pragma omp taskgroup task_reduction(+ : sum) task_reduction(add : w)
    for (int i = 0; i < tasks; i++) {
#pragma omp task in_reduction(+ : sum) in_reduction(add : w)
        {
            CHECK(w.mark == 9 || w.mark == 5);
            sum += i;
            for (int k = 0; k < 9; k++)
                w.sum[k] += k;
            long inner = 0;
#pragma omp taskgroup task_reduction(+ : inner)
            for (int k = 0; k < 3; k++)
#pragma omp task in_reduction(+ : inner, sum)
            {
                inner++;
                sum++;
            }
            CHECK_EQ(inner, 3);
        }
    }
    CHECK_EQ(sum, 1 + tasks * (tasks - 1) / 2 + 3 * tasks);
    CHECK_EQ(w.mark, 5);
    for (int k = 0; k < 9; k++)
        CHECK_EQ(w.sum[k], (k < 3 ? k + 1 : 0) + (long)k * tasks);
    long looped = 0;
#pragma omp taskloop reduction(+ : looped) grainsize(3)
    for (int i = 0; i < tasks; i++)
        looped += i;
    CHECK_EQ(looped, tasks * (tasks - 1) / 2);
}

/* ---- What older compilers call. */
struct older {
    void *shared;
    size_t bytes;
    void *init, *fini, *combine;
    uint32_t flags;
};

static int initialised, finished;

static void init_long(long *copy)
{
    CHECK_EQ(*copy, 0);
    *copy = 100;
    __atomic_fetch_add(&initialised, 1, __ATOMIC_RELAXED);
}

static void fini_long(long *copy)
{
    __atomic_fetch_add(&finished, 1, __ATOMIC_RELAXED);
}

static void add_long(long *out, const long *in)
{
    *out += *in - 100;
}

static void add_short(short *out, const short *in)
{
    *out = (short)(*out + *in);
}

static int32_t take_part(int32_t id, struct task *t)
{
    void **shareds = t->shareds;
    long *sum = __kmpc_task_reduction_get_th_data(id, shareds[0], shareds[1]);
    short *few = __kmpc_task_reduction_get_th_data(id, NULL, shareds[2]);
    *sum += 2;
    *few += 1;
    CHECK(__kmpc_task_reduction_get_th_data(id, shareds[0], sum) == sum);
    return 0;
}

static void submit_parts(void *group, long *sum, short *few, int tasks)
{
    for (int i = 0; i < tasks; i++) {
        struct task *t = alloc(TIED, sizeof *t, 3 * sizeof(void *), take_part);
        void **shareds = t->shareds;
        shareds[0] = group;
        shareds[1] = sum;
        shareds[2] = few;
        submit(t);
    }
}

static void older_group(int tasks)
{
    long sum = 1;
    short few = 3;
    struct older in[] = {{&sum, sizeof sum, (void *)init_long, (void *)fini_long, (void *)add_long, 1},
                         {&few, sizeof few, NULL, NULL, (void *)add_short, 0}};
    initialised = finished = 0;
    __kmpc_taskgroup(NULL, gtid());
    submit_parts(__kmpc_task_reduction_init(gtid(), 2, in), &sum, &few, tasks);
    memset(in, 0xee, sizeof in); /* it was read */
    __kmpc_end_taskgroup(NULL, gtid());
    CHECK_EQ(sum, 1 + 2 * tasks);
    CHECK_EQ(few, 3 + tasks);
    CHECK_EQ(initialised, finished);
    CHECK(tasks == 0 || initialised > 0);
}

static void older_region(int tasks)
{
    long sums = 0;
    int threads = 0;
#pragma omp parallel
    {
        long mine = 0;
        short few = 0;
        struct older in[] = {{&mine, sizeof mine, (void *)init_long, NULL, (void *)add_long, 0},
                             {&few, sizeof few, NULL, NULL, (void *)add_short, 0}};
        submit_parts(__kmpc_task_reduction_modifier_init(NULL, gtid(), 0, 2, in), &mine, &few, tasks);
        __kmpc_task_reduction_modifier_fini(NULL, gtid(), 0);
#pragma omp atomic
        sums += mine + few;
#pragma omp atomic
        threads++;
    }
    CHECK_EQ(sums, 3 * tasks * threads);
}

static void all(int n)
{
    of_region(n);
    of_loops(n);
    of_groups(n);
}

int main(void)
{
    for (int n = 0; n < 50; n += 7) {
        all(n);
#pragma omp parallel
#pragma omp single
        of_groups(n);
#pragma omp parallel
        of_groups(n);
        if (!getenv("TEST_REFERENCE")) {
            older_region(n);
            of_globals(n);
        }
#pragma omp parallel num_threads(2)
        {
#pragma omp single
            if (!getenv("TEST_REFERENCE"))
                older_group(n);
            all(n);
        }
    }
    return check_result();
}
