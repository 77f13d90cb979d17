/* threadprivate variables without thread-local storage (-fnoopenmp-use-tls): each thread's copy is made from nothing by its
   constructor, filled by copyin, kept from region to region, and unmade when its thread ends. */
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include <omp.h>

static std::atomic<int> made, unmade;

struct alignas(64) counted {
    int value;
    void *self;
    counted() : value(7), self(this)
    {
        made++;
    }
    counted &operator=(const counted &other)
    {
        value = other.value;
        return *this;
    }
    ~counted()
    {
        unmade++;
        CHECK(self == this);
    }
};

static counted object;
static counted row[3];
static int number = 5;
static double numbers[100] = {1.5, 2.5};
#pragma omp threadprivate(object, row, number, numbers)

static void first_values()
{
    number = 6; /* after the image was taken; no other thread sees it */
#pragma omp parallel num_threads(8)
    {
        if (omp_get_thread_num() != 0)
            CHECK_EQ(number, 5);
        CHECK_EQ(object.value, 7);
        CHECK_EQ(row[2].value, 7);
        CHECK(numbers[0] == 1.5 && numbers[1] == 2.5 && numbers[99] == 0);
        CHECK(object.self == &object);
        CHECK_EQ((uintptr_t)&object % 64, 0);
    }
}

static void kept_between_regions()
{
#pragma omp parallel num_threads(8)
    {
        number = omp_get_thread_num() * 10;
        object.value = omp_get_thread_num();
        row[1].value = -omp_get_thread_num();
    }
    for (int i = 0; i < 50; i++) {
#pragma omp parallel num_threads(8)
        {
            CHECK_EQ(number, omp_get_thread_num() * 10 + i);
            CHECK_EQ(object.value, omp_get_thread_num());
            CHECK_EQ(row[1].value, -omp_get_thread_num());
            number++;
        }
    }
}

static void copied_in()
{
    number = 77;
    object.value = 78;
    numbers[50] = 79;
#pragma omp parallel num_threads(8) copyin(number, object, numbers)
    {
        CHECK_EQ(number, 77);
        CHECK_EQ(object.value, 78);
        CHECK(numbers[50] == 79);
        CHECK(object.self == &object);
        number = omp_get_thread_num();
    }
    CHECK_EQ(number, 0);
}

/* Threads of the program have copies of their own, and new threads new ones, which the reference has not. */
static void threads_come_and_go()
{
    for (int round = 0; round < 10; round++) {
        std::vector<std::thread> threads;
        int made_before = made, unmade_before = unmade;
        for (int t = 0; t < 8; t++)
            threads.emplace_back([t] {
                CHECK_EQ(object.value, 7);
                CHECK_EQ(number, 5);
                object.value = number = t;
                std::this_thread::yield();
                CHECK_EQ(object.value, t);
                CHECK_EQ(number, t);
            });
        for (auto &t : threads)
            t.join();
        CHECK_EQ(made - made_before, 8);
        /* A thread is joined when it has run everything that ends with it. */
        CHECK_EQ(unmade - unmade_before, 8);
    }
    CHECK_EQ(number, 0);
}

static void many_threads()
{
#pragma omp parallel num_threads(64)
    number = omp_get_thread_num() + 1000;
#pragma omp parallel num_threads(64)
    CHECK_EQ(number, omp_get_thread_num() + 1000);
}

/* In the child the forking thread has what it had; new threads begin anew. */
static void forked()
{
    number = 4;
    fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
        CHECK_EQ(number, 4);
#pragma omp parallel num_threads(4)
        CHECK_EQ(number, omp_get_thread_num() == 0 ? 4 : 5);
        _exit(check_result());
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}

int main()
{
    first_values();
    kept_between_regions();
    copied_in();
    if (!check_is_reference())
        threads_come_and_go();
    many_threads();
    forked();
    return check_result();
}
