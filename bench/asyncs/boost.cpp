// The rows of bench/async with Boost.Context and Boost.Fiber, whose fibers share one thread here.
#include <boost/context/continuation.hpp>
#include <boost/fiber/all.hpp>

#include "ends.h"

namespace ctx = boost::context;
namespace fib = boost::fibers;

static ctx::continuation other;

static void begin(int workers)
{
    (void)workers;
    other = ctx::callcc([](ctx::continuation &&home) {
        for (;;)
            home = home.resume();
        return std::move(home);
    });
}

static double switches()
{
    double before = bench_now_ns();
    for (int i = 0; i < SWITCHES; i += 2)
        other = other.resume();
    return (bench_now_ns() - before) / SWITCHES;
}

static void yield_often()
{
    for (int i = 0; i < YIELDS; i++)
        boost::this_fiber::yield();
}

static double yields()
{
    double before = bench_now_ns();
    fib::fiber a(yield_often), b(yield_often);
    a.join();
    b.join();
    return (bench_now_ns() - before) / (2 * YIELDS);
}

static double create_join()
{
    long count = 0;
    double before = bench_now_ns();
    for (int i = 0; i < CREATIONS; i++)
        fib::fiber([&count] { count++; }).join();
    double ns = (bench_now_ns() - before) / CREATIONS;
    bench_expect("fibers", count, CREATIONS);
    return ns;
}

static double ping_pong()
{
    fib::unbuffered_channel<long> there, back;
    fib::fiber answer([&] {
        for (long m; there.pop(m) == fib::channel_op_status::success;)
            back.push(m);
    });
    long m;
    double before = bench_now_ns();
    for (long i = 0; i < TRIPS; i++) {
        there.push(i);
        back.pop(m);
    }
    double ns = (bench_now_ns() - before) / TRIPS;
    there.close();
    answer.join();
    return ns;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {
        {"switch", switches}, {"yield", yields}, {"create_join", create_join}, {"ping_pong", ping_pong}, {NULL, NULL}};
    int status = measure_rows("boost", rows, argc, argv, begin);
    fflush(stdout);
    _Exit(status); // the context that is left over ends with the process
}
