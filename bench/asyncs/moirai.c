#include <moirai/moirai.h>

#include "ends.h"

static moirai_executor_t *executor;
static moirai_channel_t *there, *back;

static void begin(int workers)
{
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, (unsigned)workers);
    bench_expect("an executor", moirai_executor_new(&executor, &attr), MOIRAI_OK);
    moirai_channel_new(&there, sizeof(long), MOIRAI_RENDEZVOUS, 0);
    bench_expect("channels", moirai_channel_new(&back, sizeof(long), MOIRAI_RENDEZVOUS, 0), MOIRAI_OK);
}

/* The time that `fn` takes in a fiber. */
static double inside(void (*fn)(void *ns))
{
    double ns = 0;
    moirai_task_t task;
    bench_expect("a fiber", moirai_fiber_spawn(executor, &task, NULL, fn, &ns), MOIRAI_OK);
    bench_expect("its end", moirai_join(&task, NULL), MOIRAI_OK);
    return ns;
}

static void yield_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < YIELDS; i++)
        moirai_fiber_yield();
}

static void two_yield(void *ns)
{
    moirai_task_t tasks[2];
    double before = bench_now_ns();
    for (int i = 0; i < 2; i++)
        moirai_fiber_spawn(executor, &tasks[i], NULL, yield_often, NULL);
    for (int i = 0; i < 2; i++)
        moirai_join(&tasks[i], NULL);
    *(double *)ns = (bench_now_ns() - before) / (2 * YIELDS);
}

static double yields(void)
{
    return inside(two_yield);
}

static void nothing(void *arg)
{
    ++*(long *)arg;
}

static void create_and_join(void *ns)
{
    long count = 0;
    double before = bench_now_ns();
    for (int i = 0; i < CREATIONS; i++) {
        moirai_task_t task;
        moirai_fiber_spawn(executor, &task, NULL, nothing, &count);
        moirai_join(&task, NULL);
    }
    *(double *)ns = (bench_now_ns() - before) / CREATIONS;
    bench_expect("fibers", count, CREATIONS);
}

static double create_join(void)
{
    return inside(create_and_join);
}

static void answer(void *arg)
{
    long m;
    (void)arg;
    while (moirai_channel_recv(there, &m) == MOIRAI_OK && m >= 0)
        moirai_channel_send(back, &m);
}

static void play(void *ns)
{
    moirai_task_t task;
    long m, end = -1;
    moirai_fiber_spawn(executor, &task, NULL, answer, NULL);
    double before = bench_now_ns();
    for (long i = 0; i < TRIPS; i++) {
        moirai_channel_send(there, &i);
        moirai_channel_recv(back, &m);
    }
    *(double *)ns = (bench_now_ns() - before) / TRIPS;
    moirai_channel_send(there, &end);
    moirai_join(&task, NULL);
}

static double ping_pong(void)
{
    return inside(play);
}

/* ---- Timers and futures. */
#define TIMERS  1000
#define NS_LATE 1000000

static moirai_sleep_t sleeps[TIMERS];

static int set_and_drop(moirai_future_t *self, const moirai_waker_t *waker)
{
    (void)self;
    for (int i = 0; i < TIMERS; i++)
        moirai_future_poll(&sleeps[i].future, waker);
    for (int i = 0; i < TIMERS; i++)
        moirai_future_drop(&sleeps[i].future);
    return MOIRAI_READY;
}

/* Set and taken out again: one a second away, and the others behind it. */
static double timers(void)
{
    static const moirai_future_ops_t ops = {.poll = set_and_drop};
    moirai_future_t all = {&ops};
    uint64_t far = moirai_now_ns() + 1000000000;
    for (int i = 0; i < TIMERS; i++)
        moirai_sleep_init(&sleeps[i], far + (uint64_t)i * 1000);
    double before = bench_now_ns();
    moirai_block_on(&all, MOIRAI_FOREVER);
    return (bench_now_ns() - before) / TIMERS;
}

static void sleep_late(void *ns)
{
    uint64_t deadline = moirai_now_ns() + NS_LATE;
    bench_expect("a sleep", moirai_sleep_until(deadline), MOIRAI_OK);
    *(double *)ns = (double)(moirai_now_ns() - deadline);
}

static double late(void)
{
    return inside(sleep_late);
}

static int ready_at_once(moirai_future_t *self, const moirai_waker_t *waker)
{
    (void)self;
    (void)waker;
    return MOIRAI_READY;
}

static void spawn_futures(void *ns)
{
    static const moirai_future_ops_t ops = {.poll = ready_at_once};
    moirai_future_t future = {&ops};
    moirai_task_t task;
    double before = bench_now_ns();
    for (int i = 0; i < CREATIONS; i++) {
        moirai_async(executor, &task, &future, sizeof future);
        moirai_join(&task, NULL);
    }
    *(double *)ns = (bench_now_ns() - before) / CREATIONS;
}

static double futures(void)
{
    return inside(spawn_futures);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"yield", yields},
                                           {"create_join", create_join},
                                           {"ping_pong", ping_pong},
                                           {"timer", timers},
                                           {"late", late},
                                           {"future", futures},
                                           {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
