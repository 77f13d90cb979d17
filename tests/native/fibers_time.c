/* Deadlines of fibers: many of them, and by the clock that tests hold, as are those of threads at locks. */
#include "native.h"

#include <pthread.h>

#define MS     1000000ull
#define HOUR   (3600 * 1000 * MS)
#define MANY   20000
#define FIBERS 6

/* ---- Many, each earlier than all before it: that takes no walk over the others. */
static uint64_t first_due;
static long over, early;

static void sleep_before_the_last(void *number)
{
    uint64_t due = first_due - (uint64_t)(uintptr_t)number * 2000;
    moirai_fiber_sleep_until(due);
    if (moirai_now_ns() < due)
        ADD(&early, 1);
    ADD(&over, 1);
}

static void many_that_sleep(void **unused)
{
    moirai_executor_t *x = made(2);
    first_due = moirai_now_ns() + 300 * MS;
    for (uintptr_t i = 0; i < MANY; i++)
        assert_int_equal(moirai_fiber_spawn(x, NULL, NULL, sleep_before_the_last, (void *)i), MOIRAI_OK);
    end(x);
    assert_int_equal(over, MANY);
    assert_int_equal(early, 0);
}

/* ---- By hand. Each waits for what never comes, in another way; none is over before its deadline, and each when it has
   come. */
struct waits {
    uint64_t due;
    long waiting, wrong, over;
    moirai_mutex_t mutex;
    moirai_sem_t sem;
    moirai_rwlock_t rwlock;
    moirai_channel_t *channel;
    moirai_task_t endless;
};

static void sleep_long(struct waits *w)
{
    moirai_fiber_sleep_until(w->due);
}

static void lock_long(struct waits *w)
{
    if (moirai_mutex_lock_until(&w->mutex, w->due) != MOIRAI_ETIMEDOUT)
        ADD(&w->wrong, 1);
}

static void take_long(struct waits *w)
{
    if (moirai_sem_wait_until(&w->sem, w->due) != MOIRAI_ETIMEDOUT)
        ADD(&w->wrong, 1);
}

static void write_long(struct waits *w)
{
    if (moirai_rwlock_write_lock_until(&w->rwlock, w->due) != MOIRAI_ETIMEDOUT)
        ADD(&w->wrong, 1);
}

static void receive_long(struct waits *w)
{
    long message;
    if (moirai_channel_recv_until(w->channel, &message, w->due) != MOIRAI_ETIMEDOUT)
        ADD(&w->wrong, 1);
}

static void join_long(struct waits *w)
{
    if (moirai_join_until(&w->endless, NULL, w->due) != MOIRAI_ETIMEDOUT)
        ADD(&w->wrong, 1);
}

struct one {
    struct waits *w;
    void (*wait)(struct waits *w);
};

static void wait_for_it(void *arg)
{
    const struct one *o = arg;
    ADD(&o->w->waiting, 1);
    o->wait(o->w);
    if (moirai_now_ns() < o->w->due)
        ADD(&o->w->wrong, 1);
    ADD(&o->w->over, 1);
}

static void *wait_in_thread(void *one)
{
    wait_for_it(one);
    return NULL;
}

static void wait_for_permit(void *sem)
{
    moirai_sem_wait(sem);
}

/* Nothing has come yet, the clock stands; then it is moved past the deadline at once. */
static void move_past(struct waits *w, long count)
{
    AWAIT(GET(&w->waiting) == count);
    usleep(3000);
    assert_int_equal(GET(&w->over), 0);
    assert_int_equal(moirai_clock_advance(HOUR - MS), MOIRAI_OK);
    usleep(3000);
    assert_int_equal(GET(&w->over), 0);
    assert_int_equal(moirai_clock_advance(2 * MS), MOIRAI_OK);
    AWAIT(GET(&w->over) == count);
    assert_int_equal(w->wrong, 0);
}

static void prepare(struct waits *w)
{
    assert_int_equal(moirai_clock_hold(), MOIRAI_OK);
    w->due = moirai_now_ns() + HOUR;
    moirai_mutex_init(&w->mutex, MOIRAI_MUTEX_PLAIN);
    moirai_mutex_lock(&w->mutex);
    moirai_sem_init(&w->sem, 0);
    moirai_rwlock_write_lock(&w->rwlock);
    assert_int_equal(moirai_channel_new(&w->channel, sizeof(long), 1, 0), MOIRAI_OK);
}

static void by_hand(void **unused)
{
    struct waits w = {.due = 0};
    struct one ones[FIBERS] = {{&w, sleep_long}, {&w, lock_long},    {&w, take_long},
                               {&w, write_long}, {&w, receive_long}, {&w, join_long}};
    moirai_executor_t *x = made(2);
    moirai_sem_t never;
    prepare(&w);
    moirai_sem_init(&never, 0);
    assert_int_equal(moirai_fiber_spawn(x, &w.endless, NULL, wait_for_permit, &never), MOIRAI_OK);
    for (int i = 0; i < FIBERS; i++)
        assert_int_equal(moirai_fiber_spawn(x, NULL, NULL, wait_for_it, &ones[i]), MOIRAI_OK);
    move_past(&w, FIBERS);
    moirai_sem_post(&never);
    assert_int_equal(moirai_join(&w.endless, NULL), MOIRAI_OK);
    end(x);
    assert_int_equal(moirai_channel_free(w.channel), MOIRAI_OK);
    assert_int_equal(moirai_clock_release(), MOIRAI_OK);
}

static void threads_by_hand(void **unused)
{
    struct waits w = {.due = 0};
    struct one ones[] = {{&w, sleep_long}, {&w, lock_long}, {&w, take_long}, {&w, write_long}, {&w, receive_long}};
    enum { THREADS = sizeof ones / sizeof *ones };
    pthread_t threads[THREADS];
    prepare(&w);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_in_thread, &ones[i]), 0);
    move_past(&w, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(moirai_channel_free(w.channel), MOIRAI_OK);
    assert_int_equal(moirai_clock_release(), MOIRAI_OK);
}

/* A permit that comes in time counts, by whatever clock. */
static void in_time(void *sem)
{
    assert_int_equal(moirai_sem_wait_until(sem, moirai_now_ns() + HOUR), MOIRAI_OK);
}

static void woken_in_time(void **unused)
{
    moirai_sem_t sem;
    moirai_sem_init(&sem, 0);
    for (int held = 0; held < 2; held++) {
        moirai_executor_t *x = made(1);
        moirai_task_t task;
        if (held)
            assert_int_equal(moirai_clock_hold(), MOIRAI_OK);
        assert_int_equal(moirai_fiber_spawn(x, &task, NULL, in_time, &sem), MOIRAI_OK);
        usleep(1000);
        moirai_sem_post(&sem);
        assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
        if (held) /* its timer does not run any more */
            assert_int_equal(moirai_clock_release(), MOIRAI_OK);
        end(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_that_sleep),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(threads_by_hand),
        cmocka_unit_test(woken_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
