/* Objects in tasks that clang makes: each firstprivate copy is destroyed exactly once, whether its task is deferred,
   undeferred, final, untied, waits for others, is a part of a loop, or is cancelled before it begins. */
#include "check.h"

#include <omp.h>
#include <vector>

static long living, made;

struct object {
    std::vector<int> values;
    const object *self;
    explicit object(int n = 0) : values(n, n), self(this)
    {
        count(1);
    }
    object(const object &other) : values(other.values), self(this)
    {
        CHECK(other.self == &other);
        count(1);
    }
    object &operator=(const object &other)
    {
        values = other.values;
        return *this;
    }
    ~object()
    {
        CHECK(self == this);
        self = nullptr;
        count(-1);
    }
    bool is(int n) const
    {
        return self == this && (int)values.size() == n && (n == 0 || values[n - 1] == n);
    }

  private:
    static void count(int by)
    {
        __atomic_fetch_add(&living, by, __ATOMIC_RELAXED);
        __atomic_fetch_add(&made, by > 0, __ATOMIC_RELAXED);
    }
};

enum { MANY = 100 };

static void tasks()
{
    int wrong = 0, ran = 0, x = 0;
#pragma omp taskgroup
    for (int i = 0; i < MANY; i++) {
        object o(i);
#pragma omp task firstprivate(o) shared(wrong, ran) if (i % 4)
        {
#pragma omp atomic
            wrong += !o.is(i);
#pragma omp atomic
            ran++;
        }
#pragma omp task firstprivate(o) shared(wrong, ran) final(i % 3 == 0) priority(i)
        {
#pragma omp task firstprivate(o) shared(wrong, ran)
            {
#pragma omp atomic
                wrong += !o.is(i);
#pragma omp atomic
        ran++;
    }
}
#pragma omp task firstprivate(o) shared(wrong, ran, x) depend(inout : x)
{
#pragma omp atomic
    wrong += !o.is(i);
#pragma omp atomic
    ran++;
}
#pragma omp task firstprivate(o) shared(wrong, ran, x) depend(in : x) if (0)
{
#pragma omp atomic
    wrong += !o.is(i);
#pragma omp atomic
    ran++;
}
}
CHECK_EQ(wrong, 0);
CHECK_EQ(ran, 4 * MANY);
}

static void loops()
{
    for (int n = 0; n < 40; n += 3) {
        object o(n), last(n);
        std::vector<int> runs(n);
        int wrong = 0;
#pragma omp taskloop firstprivate(o) lastprivate(last) shared(runs, wrong) grainsize(2) if (n % 2)
        for (int i = 0; i < n; i++) {
#pragma omp atomic
            wrong += !o.is(n);
            runs[i]++;
            if (i == n - 1)
                last = object(7);
        }
        CHECK_EQ(wrong, 0);
        for (int i = 0; i < n; i++)
            CHECK_EQ(runs[i], 1);
        CHECK(last.is(n ? 7 : 0));
#pragma omp taskloop firstprivate(o) private(last) num_tasks(5) nogroup shared(wrong) default(none) firstprivate(n)
        for (int i = n; i > 0; i--) {
#pragma omp atomic
            wrong += !o.is(n);
        }
#pragma omp taskwait
        CHECK_EQ(wrong, 0);
    }
}

static void cancelled()
{
#pragma omp taskgroup
    for (int i = 0; i < MANY; i++) {
        object o(i);
        int x = 0;
#pragma omp task firstprivate(o)
        {
            CHECK(o.is(i));
            if (i == 10) {
#pragma omp cancel taskgroup
            }
        }
#pragma omp task firstprivate(o) depend(inout : x)
        CHECK(o.is(i));
#pragma omp taskloop firstprivate(o) nogroup
        for (int k = 0; k < 4; k++)
            CHECK(o.is(i));
    }
}

struct by_default {
    object o{3};
};

static void privates()
{
    by_default mine;
#pragma omp taskloop private(mine)
    for (int i = 0; i < 10; i++)
        CHECK(mine.o.is(3));
#pragma omp task private(mine)
    CHECK(mine.o.is(3));
#pragma omp taskwait
}

static void all()
{
    tasks();
    loops();
    cancelled();
    privates();
}

int main()
{
    all();
    CHECK_EQ(living, 0);
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 5; i++)
        all();
    CHECK_EQ(living, 0);
#pragma omp parallel num_threads(2)
#pragma omp parallel num_threads(2)
    tasks();
    CHECK_EQ(living, 0);
    CHECK(made > 0);
    return check_result();
}
