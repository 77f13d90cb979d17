// A copy constructor that runs while its task is being created may create tasks itself.
#include <omp.h>
#include "check.h"

namespace
{

int side_tasks;

struct Busy {
    int value;
    explicit Busy(int value) : value(value)
    {
    }
    Busy(const Busy &other) : value(other.value)
    {
        for (int i = 0; i < 300; i++)
#pragma omp task
            __atomic_fetch_add(&side_tasks, 1, __ATOMIC_RELAXED);
    }
};

} // namespace

int main()
{
    const int rounds = SCALED(20) + 1;
    int sum = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 0; k < rounds; k++) {
        Busy busy(k);
#pragma omp task firstprivate(busy) shared(sum)
        __atomic_fetch_add(&sum, busy.value, __ATOMIC_RELAXED);
    }
    CHECK_EQ(sum, rounds * (rounds - 1) / 2);
    CHECK(side_tasks >= 300 * rounds);
    return check_result();
}
