// Loops over random access iterators, private objects in regions, reductions over classes.
#include <numeric>
#include <vector>
#include <omp.h>
#include "check.h"

namespace
{

struct Sum {
    double value = 0;
    Sum &operator+=(const Sum &other)
    {
        value += other.value;
        return *this;
    }
};
#pragma omp declare reduction(add:Sum : omp_out += omp_in)

void iterators()
{
    std::vector<int> values(1000);
    std::iota(values.begin(), values.end(), 1);
    long sum = 0;
#pragma omp parallel for schedule(dynamic, 7) reduction(+ : sum)
    for (auto it = values.begin(); it != values.end(); ++it)
        sum += *it;
    CHECK_EQ(sum, 500500);
    sum = 0;
#pragma omp parallel for schedule(guided) reduction(+ : sum)
    for (auto it = values.rbegin(); it < values.rend(); it += 2)
        sum += *it;
    CHECK_EQ(sum, 250500);
#pragma omp parallel for schedule(static, 3)
    for (auto &value : values)
        value *= 2;
    CHECK_EQ(std::accumulate(values.begin(), values.end(), 0L), 1001000);
}

void objects()
{
    Sum sum;
    std::vector<int> given(10, 3), last;
#pragma omp parallel firstprivate(given)
    {
        given[omp_get_thread_num() % 10] = 100;
#pragma omp for reduction(add : sum) schedule(nonmonotonic : dynamic) lastprivate(last)
        for (int i = 0; i < 400; i++) {
            sum.value += i;
            last.assign(5, i);
        }
    }
    CHECK(sum.value == 399 * 200);
    CHECK_EQ(last.size(), 5);
    CHECK_EQ(last[4], 399);
    CHECK_EQ(given[0], 3);
}

void copied_to_all()
{
#pragma omp parallel
    {
        std::vector<int> message;
#pragma omp single copyprivate(message)
        message.assign(100, 42);
        CHECK_EQ(message.size(), 100);
        CHECK_EQ(message[99], 42);
    }
}

int counter;
#pragma omp threadprivate(counter)

void thread_private()
{
    counter = 5;
#pragma omp parallel copyin(counter)
    {
        CHECK_EQ(counter, 5);
        counter += omp_get_thread_num();
    }
    // The same team comes back with the values that its threads left behind.
#pragma omp parallel
    CHECK_EQ(counter, 5 + omp_get_thread_num());
}

} // namespace

int main()
{
    iterators();
    objects();
    copied_to_all();
    thread_private();
    return check_result();
}
