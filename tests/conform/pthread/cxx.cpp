// C++: destructors of frames that a cancelled wait leaves, and the standard library's own locks.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <vector>

extern "C" {
struct conform_case {
    const char *name;
    void (*run)(void);
};
void note(const char *what, long got, long wanted);
void nap(long ms);
}

#define CASE(name_)                                                                                                    \
    static void name_();                                                                                               \
    static const conform_case case_##name_ = {#name_, name_};                                                          \
    __attribute__((used, section("cases"))) static const conform_case *const entry_##name_ = &case_##name_;            \
    static void name_()
#define IS(expr, wanted) note(#expr, static_cast<long>(expr), static_cast<long>(wanted))

namespace
{

struct Frame {
    std::vector<int> &left;
    int id;
    ~Frame()
    {
        left.push_back(id);
    }
};

struct Waiter {
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    std::atomic<int> waiting{0};
    std::vector<int> left;
    bool caught = false;
    int held_when_left = -1;
};

struct Lock {
    Waiter &w;
    explicit Lock(Waiter &waiter) : w(waiter)
    {
        pthread_mutex_lock(&w.m);
    }
    ~Lock()
    {
        w.held_when_left = pthread_mutex_trylock(&w.m);
        pthread_mutex_unlock(&w.m);
    }
};

void inner(Waiter &w)
{
    Frame frame{w.left, 2};
    for (;;)
        pthread_cond_wait(&w.c, &w.m);
}

void *outer(void *arg)
{
    auto &w = *static_cast<Waiter *>(arg);
    Frame frame{w.left, 1};
    Lock lock(w);
    w.waiting = 1;
    try {
        inner(w);
    } catch (...) {
        w.caught = true;
        throw;
    }
    return nullptr;
}

void is_left(long settle)
{
    Waiter w;
    pthread_t t;
    void *result;
    pthread_create(&t, nullptr, outer, &w);
    while (w.waiting == 0)
        nap(1);
    nap(settle);
    pthread_cancel(t);
    pthread_join(t, &result);
    IS(result == PTHREAD_CANCELED, 1);
    IS(w.left.size(), 2);
    IS(w.left.at(0) * 10 + w.left.at(1), 21);
    IS(w.caught, 1);
    IS(w.held_when_left, EBUSY);
    IS(pthread_mutex_trylock(&w.m), 0);
}

} // namespace

CASE(cxx_cancel_runs_destructors)
{
    is_left(3);
}
CASE(cxx_cancel_runs_destructors_long)
{
    is_left(20);
}

CASE(cxx_condition_variable)
{
    std::mutex m;
    std::condition_variable c;
    std::condition_variable_any any;
    int turn = 0;
    bool any_done = false;
    std::thread t([&] {
        for (int i = 0; i < 1000; i++) {
            std::unique_lock lock(m);
            c.wait(lock, [&] { return turn == 1; });
            turn = 0;
            c.notify_one();
        }
        std::unique_lock lock(m);
        any_done = true;
        any.notify_all();
    });
    for (int i = 0; i < 1000; i++) {
        std::unique_lock lock(m);
        c.wait(lock, [&] { return turn == 0; });
        turn = 1;
        c.notify_one();
    }
    std::unique_lock lock(m);
    any.wait(lock, [&] { return any_done; });
    t.join();
    IS(turn, 0);
    using namespace std::chrono_literals;
    IS(c.wait_for(lock, 10ms) == std::cv_status::timeout, 1);
    IS(c.wait_until(lock, std::chrono::system_clock::now() + 10ms) == std::cv_status::timeout, 1);
}

CASE(cxx_timed_and_recursive)
{
    using namespace std::chrono_literals;
    std::timed_mutex timed;
    std::recursive_mutex recursive;
    bool got = true, got_recursive = true;
    timed.lock();
    recursive.lock();
    IS(recursive.try_lock(), 1);
    std::thread([&] {
        got = timed.try_lock_for(10ms);
        got_recursive = recursive.try_lock();
    }).join();
    IS(got, 0);
    IS(got_recursive, 0);
    timed.unlock();
    recursive.unlock();
    recursive.unlock();
}

/* Waits from the destructor of a thread-local object. */
namespace
{
std::atomic<int> waits_at_end{0};
pthread_mutex_t end_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t end_cond = PTHREAD_COND_INITIALIZER;

struct Last {
    int touched = 0;
    ~Last()
    {
        timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        pthread_mutex_lock(&end_mutex);
        if (pthread_cond_timedwait(&end_cond, &end_mutex, &at) == ETIMEDOUT)
            waits_at_end++;
        pthread_mutex_unlock(&end_mutex);
    }
};
thread_local Last last;
} // namespace

CASE(cxx_waits_in_thread_local_destructor)
{
    for (int i = 0; i < 5; i++)
        std::thread([] { last.touched = 1; }).join();
    IS(waits_at_end, 5);
}
