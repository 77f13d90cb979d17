// The queue of Boost.Lockfree for one thread at each end, compiled in. Who cannot go on yields.
#include <boost/lockfree/spsc_queue.hpp>
#include <sched.h>

#include "ends.h"

static boost::lockfree::spsc_queue<long, boost::lockfree::capacity<CAPACITY>> queue;

static void begin(int workers)
{
    (void)workers;
}

static void put(long m)
{
    while (!queue.push(m))
        sched_yield();
}

static long take(void)
{
    long m;
    while (!queue.pop(m))
        sched_yield();
    return m;
}

BENCH_ENDS(words, put, take)

static double spsc_1p1c(void)
{
    struct ends e = {nullptr, nullptr, MESSAGES, 0};
    return through_ends(&e, words_send, words_recv, 1);
}

/* There is room, and then a message. */
static double spsc_pair(void)
{
    double before = bench_now_ns();
    long sum = 0, got = 0;
    for (long i = 0; i < PAIRS; i++) {
        queue.push(i);
        queue.pop(got);
        sum += got;
    }
    double ns = (bench_now_ns() - before) / PAIRS;
    bench_expect("the sum", sum, (long)PAIRS * (PAIRS - 1) / 2);
    return ns;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"spsc_1p1c", spsc_1p1c}, {"spsc_pair", spsc_pair}, {NULL, NULL}};
    return measure_rows("boost", rows, argc, argv, begin);
}
