#include <moirai/moirai.h>
#include <string.h>
#include <unistd.h>

#include "../tasks/memory.h"
#include "timers.h"

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
#define NS_LATE 1000000

static moirai_sleep_t sleeps[TIMERS];
static int set_and_drop(moirai_future_t *self, const moirai_waker_t *waker)
{
    (void)self;
    for (int i = 0; i < TIMERS; i++)
        moirai_future_poll(&sleeps[i].future, waker);
    inserted_at = bench_now_ns();
    for (int i = 0; i < TIMERS; i++)
        moirai_future_drop(&sleeps[i].future);
    return MOIRAI_READY;
}

/* Set, and taken out again: one a second away, and the others behind it. Returns when it began. */
static double set_timers(void)
{
    static const moirai_future_ops_t ops = {.poll = set_and_drop};
    moirai_future_t all = {&ops};
    uint64_t far = moirai_now_ns() + 1000000000;
    for (int i = 0; i < TIMERS; i++)
        moirai_sleep_init(&sleeps[i], far + (uint64_t)i * 1000);
    double before = bench_now_ns();
    moirai_block_on(&all, MOIRAI_FOREVER);
    return before;
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

/* ---- Futures that wait. Each is polled once, and then once more when it has been woken. */
struct waiting {
    moirai_future_t future;
    moirai_waker_t *waker;
    double *polled_at; /* the second time */
};

static long waiting, woken;

static int wait_once(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct waiting *w = (struct waiting *)self;
    if (!w->waker->moirai_word) {
        *w->waker = moirai_waker_clone(waker);
        __atomic_add_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
        return MOIRAI_PENDING;
    }
    if (w->polled_at)
        *w->polled_at = bench_now_ns();
    moirai_waker_drop(w->waker);
    __atomic_add_fetch(&woken, 1, __ATOMIC_ACQ_REL);
    return MOIRAI_READY;
}

static const moirai_future_ops_t waiting_ops = {.poll = wait_once};

static void spawn_waiting(moirai_waker_t *waker, double *polled_at)
{
    const struct waiting w = {{&waiting_ops}, waker, polled_at};
    moirai_async(executor, NULL, &w.future, sizeof w);
}

/* From a thread, whose executor sleeps, to the poll. */
static double wakes(void)
{
    double at, sum = 0;
    for (int i = 0; i < WAKES; i++) {
        moirai_waker_t waker = {0};
        waiting = woken = 0;
        spawn_waiting(&waker, &at);
        usleep(100); /* so that the worker sleeps */
        while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
            ;
        double before = bench_now_ns();
        moirai_waker_wake(&waker);
        while (!__atomic_load_n(&woken, __ATOMIC_ACQUIRE))
            ;
        sum += at - before;
    }
    return sum / WAKES;
}

/* Made, parked, woken and over, each. */
static double parked(void)
{
    static moirai_waker_t wakers[PARKED];
    memset(wakers, 0, sizeof wakers);
    waiting = woken = 0;
    double before = bench_now_ns();
    for (long i = 0; i < PARKED; i++)
        spawn_waiting(&wakers[i], NULL);
    while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) < PARKED)
        usleep(100);
    for (long i = 0; i < PARKED; i++)
        moirai_waker_wake(&wakers[i]);
    while (__atomic_load_n(&woken, __ATOMIC_ACQUIRE) < PARKED)
        usleep(100);
    return (bench_now_ns() - before) / PARKED;
}

/* The row `memory`: of one of 500,000 that wait, with a state of 32 bytes; made in a worker, so no queue grows. */
struct small {
    moirai_future_t future;
    moirai_waker_t *waker;
    char more[16];
};

static moirai_waker_t small_wakers[OUTSTANDING];

static int wait_small(moirai_future_t *self, const moirai_waker_t *waker)
{
    const struct waiting w = {*self, ((struct small *)self)->waker, NULL};
    return wait_once((moirai_future_t *)&w, waker);
}

static void park_some(void *unused)
{
    static const moirai_future_ops_t ops = {.poll = wait_small};
    (void)unused;
    for (long i = 0; i < OUTSTANDING; i++) {
        const struct small s = {{&ops}, &small_wakers[i], {0}};
        moirai_async(NULL, NULL, &s.future, sizeof s);
        while (i % 1000 == 999 && __atomic_load_n(&waiting, __ATOMIC_ACQUIRE) <= i)
            moirai_task_yield();
    }
}

static void make_parked(void)
{
    bench_expect("a task", moirai_run(executor, park_some, NULL, 0), MOIRAI_OK);
}

static void end_parked(void)
{
    for (long i = 0; i < OUTSTANDING; i++)
        moirai_waker_wake(&small_wakers[i]);
    while (__atomic_load_n(&woken, __ATOMIC_ACQUIRE) < OUTSTANDING)
        usleep(100);
}

static double memory(void)
{
    for (long i = 0; i < OUTSTANDING; i++)
        ((volatile moirai_waker_t *)small_wakers)[i].moirai_word = 0; /* their pages are there before */
    waiting = woken = 0;
    return bytes_of_outstanding(make_parked, end_parked);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"yield", yields},
                                           {"create_join", create_join},
                                           {"ping_pong", ping_pong},
                                           {"timer", timers},
                                           {"insert", inserts},
                                           {"late", late},
                                           {"wake", wakes},
                                           {"parked", parked},
                                           {"future", futures},
                                           {"memory", memory},
                                           {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
