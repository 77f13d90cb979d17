/* Waiters that work: a producer publishes jobs and wakes one waiter if any says that it is asleep. The waiters sleep
   without a timeout, so a job or an end that is announced to nobody would hang the test. */
#include "base/config.h"
#include "park/park.h"
#include "plat/plat.h"
#include "stress.h"

#define WAITERS 3
#define JOBS    (1000 * STRESS_FACTOR)

static struct mo_event event;
static _Atomic int64_t jobs;     /* published and not taken */
static _Atomic int32_t sleepers; /* between asleep and awake */
static _Atomic uint64_t done;
static _Atomic bool closed;
static bool sleepy; /* the waiters go to sleep at once */

struct waiter {
    bool asleep;
    uint32_t random;
};

static bool is_over(void *arg)
{
    return mo_load_seqcst(&closed) && mo_load_seqcst(&jobs) == 0;
}

static bool take_job(void *arg)
{
    stress_pause(&((struct waiter *)arg)->random, 8);
    int64_t have = mo_load_seqcst(&jobs);
    while (have > 0)
        if (mo_cas_seqcst(&jobs, &have, have - 1)) {
            /* The last job of all: the others wait for nothing else. */
            if (mo_fetch_add_seqcst(&done, 1) + 1 == JOBS)
                mo_event_notify(&event);
            return true;
        }
    return false;
}

static void fall_asleep(void *arg)
{
    struct waiter *w = arg;
    EXPECT(!w->asleep);
    w->asleep = true;
    mo_fetch_add_seqcst(&sleepers, 1);
}

static void wake_up(void *arg)
{
    struct waiter *w = arg;
    EXPECT(w->asleep);
    w->asleep = false;
    mo_fetch_sub_seqcst(&sleepers, 1);
}

static void wait_and_work(unsigned self)
{
    struct waiter w = {.random = self + 1};
    const struct mo_wait wait = {.ready = is_over,
                                 .work = take_job,
                                 .asleep = fall_asleep,
                                 .awake = wake_up,
                                 .arg = &w,
                                 .event = &event,
                                 .bits = MO_WAKE_ANY};
    mo_wait(&wait);
    EXPECT(!w.asleep);
}

/* Waits now and then until all is done: a job that nobody was woken for would stay. */
static void await_done(unsigned published)
{
    while (mo_load_acquire(&done) < published)
        mo_plat_yield();
}

/* Pauses now and then until all sleep, so that wake-ups are needed. */
static void produce(void)
{
    uint32_t random = 3;
    for (unsigned i = 0; i < JOBS; i++) {
        mo_fetch_add_seqcst(&jobs, 1);
        if (mo_load_seqcst(&sleepers))
            mo_event_notify_bits(&event, 1, MO_WAKE_ANY);
        if (stress_random(&random) % 4 == 0)
            await_done(i + 1);
        if (sleepy && stress_random(&random) % 8 == 0)
            for (int pause = 0; pause < 200 && mo_load_relaxed(&sleepers) < WAITERS; pause++)
                mo_plat_yield();
    }
    mo_store_seqcst(&closed, true);
    mo_event_notify(&event);
}

static void *body(void *index)
{
    mo_park_threads_add(1);
    if ((uintptr_t)index < WAITERS)
        wait_and_work((unsigned)(uintptr_t)index);
    else
        produce();
    mo_park_threads_add(-1);
    return NULL;
}

static void race(const char *policy)
{
    setenv("OMP_WAIT_POLICY", policy, 1);
    mo_config_reload_for_test();
    mo_config_load();
    mo_park_init(2, 2);
    mo_store_relaxed(&done, 0);
    mo_store_relaxed(&closed, false);
    stress_run(body, WAITERS + 1);
    EXPECT(mo_load_relaxed(&done) == JOBS);
    EXPECT(mo_load_relaxed(&sleepers) == 0);
    EXPECT(mo_load_relaxed(&event.waiters) == 0);
}

int main(void)
{
    sleepy = true;
    race("passive");
    sleepy = false;
    race("active");
    unsetenv("OMP_WAIT_POLICY");
    return 0;
}
