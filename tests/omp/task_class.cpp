// Objects in tasks: copied once per task through their copy constructor, destroyed as often as made.
#include <memory>
#include <string>
#include <vector>
#include "check.h"

namespace
{

int alive, copies;

class Counted
{
  public:
    explicit Counted(int value) : self(this), text(std::to_string(value)), value(value)
    {
        __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
    }
    Counted(const Counted &other) : self(this), text(other.text), value(other.value)
    {
        __atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&copies, 1, __ATOMIC_RELAXED);
    }
    ~Counted()
    {
        __atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
    }
    Counted &operator=(const Counted &) = delete;
    // An object that was moved as bytes no longer lies where it believes to be.
    bool right(int wanted) const
    {
        return self == this && value == wanted && text == std::to_string(wanted);
    }

  private:
    const Counted *self;
    std::string text;
    int value;
};

void by_copy(int tasks)
{
    int right = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++) {
        Counted object(i);
#pragma omp task firstprivate(object) shared(right)
        {
#pragma omp atomic
            right += object.right(i);
        }
    }
    CHECK_EQ(right, tasks);
    CHECK_EQ(alive, 0);
    CHECK(copies >= tasks);
}

void undeferred(int tasks)
{
    int right = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++) {
        Counted object(i);
#pragma omp task firstprivate(object) shared(right) if (0)
        right += object.right(i);
    }
    CHECK_EQ(right, tasks);
    CHECK_EQ(alive, 0);
}

void owners(int tasks)
{
    long sum = 0;
    auto shared = std::make_shared<std::vector<int>>(100, 1);
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++) {
#pragma omp task firstprivate(shared) shared(sum)
        {
            long mine = static_cast<long>(shared->size());
#pragma omp atomic
            sum += mine;
        }
    }
    CHECK_EQ(sum, 100L * tasks);
    CHECK_EQ(shared.use_count(), 1);
}

// An exception may be thrown and caught inside of a task, a loop or a region.
void exceptions(int tasks)
{
    int caught = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++) {
#pragma omp task shared(caught)
        try {
            throw std::string("thrown in a task");
        } catch (const std::string &) {
#pragma omp atomic
            caught += 1;
        }
    }
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < tasks; i++)
        try {
            throw i;
        } catch (int number) {
#pragma omp atomic
            caught += number == i;
        }
    CHECK_EQ(caught, 2 * tasks);
}

} // namespace

int main()
{
    by_copy(SCALED(2000));
    undeferred(SCALED(500));
    owners(SCALED(2000));
    exceptions(SCALED(500));
    return check_result();
}
