/* A queue without bound, as GLib has no other: what it holds is bounded by a count here, as senders would outrun. */
#include <glib.h>

#include "ends.h"

static GAsyncQueue *queue;

static void begin(int workers)
{
    (void)workers;
    queue = g_async_queue_new();
}

static void send(long m)
{
    while (g_async_queue_length(queue) >= CAPACITY)
        g_thread_yield();
    g_async_queue_push(queue, GSIZE_TO_POINTER(m));
}

static long recv(void)
{
    return (long)GPOINTER_TO_SIZE(g_async_queue_pop(queue));
}

static double mpmc_1p1c(void)
{
    return through(send, recv, 1);
}

static double mpmc_4p4c(void)
{
    return through(send, recv, 4);
}

static void plain_send(long m)
{
    g_async_queue_push(queue, GSIZE_TO_POINTER(m));
}

static double unbounded_1p1c(void)
{
    return through(plain_send, recv, 1);
}

static double mpmc_pair(void)
{
    double before = bench_now_ns();
    for (long i = 1; i <= PAIRS; i++) {
        plain_send(i);
        recv();
    }
    return (bench_now_ns() - before) / PAIRS;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"mpmc_1p1c", mpmc_1p1c},
                                           {"mpmc_4p4c", mpmc_4p4c},
                                           {"mpmc_pair", mpmc_pair},
                                           {"unbounded_1p1c", unbounded_1p1c},
                                           {NULL, NULL}};
    return measure_rows("glib", rows, argc, argv, begin);
}
