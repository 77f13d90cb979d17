/* The rows of timers with libevent. */
#include <event2/event.h>
#include <event2/event_struct.h>

#include "timers.h"

static struct event_base *base;
static struct event timer[TIMERS];

static void goes_off(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void begin(int workers)
{
    (void)workers;
    base = event_base_new();
    bench_expect("a base", base != NULL, 1);
    for (int i = 0; i < TIMERS; i++)
        evtimer_assign(&timer[i], base, goes_off, NULL);
}

/* Set, and taken out again. Returns when it began. */
static double set_timers(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < TIMERS; i++) {
        const struct timeval after = {1, i};
        evtimer_add(&timer[i], &after);
    }
    inserted_at = bench_now_ns();
    for (int i = 0; i < TIMERS; i++)
        evtimer_del(&timer[i]);
    return before;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"timer", timers}, {"insert", inserts}, {NULL, NULL}};
    return measure_rows("libevent", rows, argc, argv, begin);
}
