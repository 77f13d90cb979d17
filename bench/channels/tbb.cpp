// oneTBB's bounded queue.
#include <tbb/concurrent_queue.h>

#include "ends.h"

static tbb::concurrent_bounded_queue<long> queue;

static void begin(int workers)
{
    (void)workers;
    queue.set_capacity(CAPACITY);
}

static void put(long m)
{
    queue.push(m);
}

static long take(void)
{
    long m;
    queue.pop(m);
    return m;
}

#define LIBRARY "tbb"
#include "bounded.h"
