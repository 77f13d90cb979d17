// Target regions and teams in C++: members of objects, lambdas, exceptions that stay inside.
#include <omp.h>
#include <vector>
#include "check.h"

namespace
{

struct Counter {
    int value = 0;

    void add(int n)
    {
#pragma omp target map(tofrom : this [0:1])
        {
            value += n;
        }
    }

    void spread(int n)
    {
        int total = 0;
#pragma omp target teams distribute parallel for num_teams(2) reduction(+ : total) map(tofrom : total)
        for (int i = 0; i < n; i++)
            total += i;
        value += total;
    }
};

void members()
{
    Counter c;
    c.add(5);
    CHECK_EQ(c.value, 5);
    c.spread(100);
    CHECK_EQ(c.value, 5 + 4950);
}

void lambdas()
{
    int sum = 0, step = 2;
#pragma omp target map(tofrom : sum)
    {
        auto add = [step, &sum](int n) { sum += step * n; };
        for (int i = 0; i < 10; i++)
            add(i);
    }
    CHECK_EQ(sum, 90);
}

void exceptions(int rounds)
{
    int caught = 0;
#pragma omp parallel num_threads(4)
    for (int i = 0; i < rounds; i++) {
#pragma omp target map(tofrom : caught)
        {
            try {
#pragma omp parallel num_threads(2)
                {
                    try {
                        throw i;
                    } catch (int n) {
                        __atomic_fetch_add(&caught, n == i, __ATOMIC_RELAXED);
                    }
                }
                throw 1.0;
            } catch (double) {
                __atomic_fetch_add(&caught, 1000000, __ATOMIC_RELAXED);
            }
        }
    }
    CHECK(caught >= 4000000LL * rounds);
}

template <typename T> T teams_sum(const std::vector<T> &data)
{
    T sum = 0;
    const T *first = data.data();
    int n = static_cast<int>(data.size());
#pragma omp teams distribute parallel for num_teams(3) reduction(+ : sum)
    for (int i = 0; i < n; i++)
        sum += first[i];
    return sum;
}

} // namespace

int main()
{
    members();
    lambdas();
    exceptions(SCALED(20) + 1);
    CHECK_EQ(teams_sum(std::vector<int>(1000, 3)), 3000);
    CHECK_EQ(teams_sum(std::vector<double>(1000, 0.5)), 500);
    return check_result();
}
