// Task reductions of classes: every private copy that was constructed is destroyed, once, and only copies that somebody
// used are combined. References, templates, objects that own memory.
#include <omp.h>
#include <vector>
#include "check.h"

static int living, made;

struct counter {
    long value;
    long *owned;

    counter() : value(0), owned(new long(0))
    {
        born();
    }
    explicit counter(long v) : value(v), owned(new long(v))
    {
        born();
    }
    counter(const counter &o) : value(o.value), owned(new long(*o.owned))
    {
        born();
    }
    ~counter()
    {
        delete owned;
        __atomic_fetch_sub(&living, 1, __ATOMIC_RELAXED);
    }
    counter &operator=(const counter &o)
    {
        value = o.value;
        *owned = *o.owned;
        return *this;
    }
    void add(long n)
    {
        value += n;
        *owned += n;
    }
    static void born()
    {
        __atomic_fetch_add(&living, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    }
};

#pragma omp declare reduction(add:counter : omp_out.add(omp_in.value)) initializer(omp_priv = counter())
#pragma omp declare reduction(join : std::vector <int> : omp_out.insert(omp_out.end(), omp_in.begin(), omp_in.end()))

static void expect(const counter &c, long value, int alive)
{
    CHECK_EQ(c.value, value);
    CHECK_EQ(*c.owned, value);
    CHECK_EQ(living, alive);
}

static void group(int tasks)
{
    counter total(5);
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(add : total)
    for (int i = 0; i < tasks; i++)
#pragma omp task in_reduction(add : total)
        total.add(i);
    expect(total, 5 + tasks * (tasks - 1) / 2, 1);
}

static void region_and_constructs()
{
    counter a(1), b(2), c(3), d(4);
    int threads = 0;
#pragma omp parallel reduction(task, add : a) reduction(+ : threads) shared(b, c, d)
    {
        threads++;
        a.add(1);
#pragma omp task in_reduction(add : a)
        a.add(10);
#pragma omp for schedule(dynamic) reduction(task, add : b)
        for (int i = 0; i < 40; i++)
#pragma omp task in_reduction(add : b)
            b.add(i);
#pragma omp sections reduction(task, add : c)
        {
            c.add(1);
#pragma omp section
#pragma omp task in_reduction(add : c)
            c.add(10);
        }
#pragma omp scope reduction(task, add : d)
#pragma omp task in_reduction(add : d)
        d.add(7);
    }
    expect(a, 1 + 11 * threads, 4);
    expect(b, 2 + 780, 4);
    expect(c, 3 + 11, 4);
    expect(d, 4 + 7 * threads, 4);
}

static void vectors()
{
    std::vector<int> all;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(join : all)
    for (int i = 0; i < 100; i++)
#pragma omp task in_reduction(join : all)
        all.push_back(i);
    CHECK_EQ(all.size(), 100);
    long sum = 0;
    for (int i : all)
        sum += i;
    CHECK_EQ(sum, 4950);
}

template <typename T> static void by_reference(T &total, T *array)
{
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup task_reduction(add : total, array [1:2])
    for (int i = 0; i < 12; i++)
#pragma omp task in_reduction(add : total, array [1:2])
    {
        total.add(1);
        array[1 + i % 2].add(i);
    }
}

static void references()
{
    counter total, array[4];
    by_reference(total, array);
    expect(total, 12, 5);
    expect(array[0], 0, 5);
    expect(array[1], 30, 5);
    expect(array[2], 36, 5);
}

int main()
{
    for (int round = 0; round < SCALED(50) + 1; round++) {
        group(round);
        region_and_constructs();
        vectors();
        references();
        CHECK_EQ(living, 0);
    }
    CHECK(made > 0);
    return check_result();
}
