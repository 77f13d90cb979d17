/* Fibers: what each call answers, what moves along with one, and what of it is left when memory or its executor
   goes. */
#include "native.h"

#include <fenv.h>
#include <stdlib.h>

#define FIBERS 200

static moirai_task_t spawned(moirai_executor_t *x, const moirai_fiber_attr_t *attr, void (*fn)(void *), void *arg)
{
    moirai_task_t task;
    assert_int_equal(moirai_fiber_spawn(x, &task, attr, fn, arg), MOIRAI_OK);
    return task;
}

static void joined(moirai_task_t *task)
{
    assert_int_equal(moirai_join(task, NULL), MOIRAI_OK);
}

/* ---- Beginning and ending. */
static void count_up(void *arg)
{
    ADD((int *)arg, 1);
}

static void runs_once(void **state)
{
    int count = 0;
    moirai_executor_t *x = made(2);
    moirai_task_t task = spawned(x, NULL, count_up, &count);
    joined(&task);
    assert_int_equal(count, 1);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_ESTALE);
    assert_int_equal(moirai_go(count_up, &count), MOIRAI_OK);
    AWAIT(GET(&count) == 2);
    end(x);
}

static void refuses(void **state)
{
    moirai_fiber_attr_t attr, raw = {{0}};
    moirai_task_t task;
    moirai_fiber_attr_init(&attr);
    assert_int_equal(moirai_go(NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_block(NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_spawn(NULL, &task, &raw, count_up, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_attr_set_name(&raw, "none"), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_attr_set_group(&raw, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_attr_set_stack_bytes(&raw, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_attr_set_stack_bytes(&attr, MOIRAI_FIBER_STACK_MAX + 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_is_here(), 0);
    moirai_executor_t *x = made(1);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_fiber_spawn(x, &task, NULL, count_up, NULL), MOIRAI_ESHUTDOWN);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
}

/* ---- Waits leave the thread to others: on one worker each of these would hang otherwise. */
static int turns[2];

static void take_turns(void *arg)
{
    int me = (int)(intptr_t)arg;
    assert_int_equal(moirai_fiber_is_here(), 1);
    for (int i = 0; i < 100; i++) {
        ADD(&turns[me], 1);
        while (GET(&turns[1 - me]) < turns[me])
            moirai_fiber_yield();
    }
}

static void yields(void **state)
{
    moirai_executor_t *x = made(1);
    moirai_task_t a = spawned(x, NULL, take_turns, (void *)0), b = spawned(x, NULL, take_turns, (void *)1);
    joined(&a);
    joined(&b);
    assert_int_equal(turns[0] + turns[1], 200);
    end(x);
}

static void spawn_and_join(void *arg)
{
    int *depth = arg, below = *depth - 1;
    if (*depth == 0)
        return;
    moirai_task_t task = spawned(NULL, NULL, spawn_and_join, &below);
    joined(&task);
    *depth = below + 1;
}

static void joins_inside(void **state)
{
    int depth = FIBERS;
    moirai_executor_t *x = made(1);
    moirai_task_t task = spawned(x, NULL, spawn_and_join, &depth);
    joined(&task);
    assert_int_equal(depth, FIBERS);
    end(x);
}

struct pair {
    moirai_channel_t *there, *back;
};

static void answer(void *arg)
{
    struct pair *p = arg;
    long m;
    while (moirai_channel_recv(p->there, &m) == MOIRAI_OK) {
        m++;
        assert_int_equal(moirai_channel_send(p->back, &m), MOIRAI_OK);
    }
}

static void ask(void *arg)
{
    struct pair *p = arg;
    for (long i = 0; i < 1000; i++) {
        long m = i;
        assert_int_equal(moirai_channel_send(p->there, &m), MOIRAI_OK);
        assert_int_equal(moirai_channel_recv(p->back, &m), MOIRAI_OK);
        assert_int_equal(m, i + 1);
    }
    assert_int_equal(moirai_channel_close(p->there), MOIRAI_OK);
}

static void talk_through_channels(void **state)
{
    const size_t capacities[] = {MOIRAI_RENDEZVOUS, 1, MOIRAI_UNBOUNDED};
    for (unsigned workers = 1; workers <= 2; workers++)
        for (unsigned i = 0; i < 3; i++) {
            struct pair p;
            moirai_executor_t *x = made(workers);
            assert_int_equal(moirai_channel_new(&p.there, sizeof(long), capacities[i], 0), MOIRAI_OK);
            assert_int_equal(moirai_channel_new(&p.back, sizeof(long), capacities[i], 0), MOIRAI_OK);
            moirai_task_t a = spawned(x, NULL, answer, &p), b = spawned(x, NULL, ask, &p);
            joined(&a);
            joined(&b);
            end(x);
            assert_int_equal(moirai_channel_free(p.there), MOIRAI_OK);
            assert_int_equal(moirai_channel_free(p.back), MOIRAI_OK);
        }
}

/* ---- Locks. */
static struct {
    moirai_mutex_t mutex;
    moirai_cond_t changed;
    moirai_sem_t sem;
    moirai_barrier_t barrier;
    moirai_rwlock_t rwlock;
    moirai_once_t once;
    long count, once_count;
    int turn;
} shared;

static void do_once(void *arg)
{
    moirai_fiber_yield();
    shared.once_count++;
}

/* Each holds what it has taken over a yield, so the others find it taken. */
static void use_all(void *arg)
{
    int me = (int)(intptr_t)arg;
    moirai_once(&shared.once, do_once, NULL);
    assert_int_equal(shared.once_count, 1);
    moirai_mutex_lock(&shared.mutex);
    while (shared.turn != me)
        moirai_cond_wait(&shared.changed, &shared.mutex);
    shared.turn++;
    moirai_cond_broadcast(&shared.changed);
    moirai_fiber_yield();
    moirai_mutex_unlock(&shared.mutex);
    moirai_barrier_wait(&shared.barrier);
    assert_int_equal(shared.turn, FIBERS);
    assert_int_equal(moirai_sem_wait(&shared.sem), MOIRAI_OK);
    moirai_fiber_yield();
    assert_int_equal(moirai_sem_post(&shared.sem), MOIRAI_OK);
    moirai_rwlock_read_lock(&shared.rwlock);
    moirai_fiber_yield();
    moirai_rwlock_read_unlock(&shared.rwlock);
    moirai_rwlock_write_lock(&shared.rwlock);
    long before = shared.count;
    moirai_fiber_yield();
    shared.count = before + 1;
    moirai_rwlock_write_unlock(&shared.rwlock);
}

static void wait_for_locks(void **state)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        moirai_task_t tasks[FIBERS];
        moirai_executor_t *x = made(workers);
        memset(&shared, 0, sizeof shared);
        moirai_mutex_init(&shared.mutex, workers == 2 ? MOIRAI_MUTEX_ASYMMETRIC : MOIRAI_MUTEX_PLAIN);
        assert_int_equal(moirai_sem_init(&shared.sem, 3), MOIRAI_OK);
        assert_int_equal(moirai_barrier_init(&shared.barrier, FIBERS), MOIRAI_OK);
        for (int i = 0; i < FIBERS; i++)
            tasks[i] = spawned(x, NULL, use_all, (void *)(intptr_t)i);
        for (int i = 0; i < FIBERS; i++)
            joined(&tasks[i]);
        assert_int_equal(shared.count, FIBERS);
        assert_int_equal(moirai_barrier_destroy(&shared.barrier), MOIRAI_OK);
        end(x);
    }
}

/* A thread and fibers at the same words. */
static void post_ten(void *arg)
{
    for (int i = 0; i < 10; i++)
        moirai_sem_post(&shared.sem);
}

static void threads_wait_beside(void **state)
{
    moirai_executor_t *x = made(2);
    moirai_sem_init(&shared.sem, 0);
    for (int i = 0; i < 100; i++) {
        moirai_task_t task = spawned(x, NULL, post_ten, NULL);
        for (int k = 0; k < 10; k++)
            assert_int_equal(moirai_sem_wait(&shared.sem), MOIRAI_OK);
        joined(&task);
    }
    end(x);
}

/* ---- Time. */
static void sleep_awhile(void *arg)
{
    uint64_t until = moirai_now_ns() + (uint64_t)(uintptr_t)arg * MS;
    moirai_fiber_sleep_until(until);
    assert_true(moirai_now_ns() >= until);
}

static void wait_in_vain(void *arg)
{
    moirai_channel_t *c;
    moirai_sem_t sem;
    long m;
    uint64_t until = in_ms(3);
    assert_int_equal(moirai_channel_new(&c, sizeof m, 1, 0), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv_until(c, &m, until), MOIRAI_ETIMEDOUT);
    assert_true(moirai_now_ns() >= until);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    moirai_sem_init(&sem, 0);
    assert_int_equal(moirai_sem_wait_until(&sem, in_ms(3)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_sem_wait_until(&sem, 0), MOIRAI_ETIMEDOUT);
    moirai_mutex_lock(&shared.mutex);
    assert_int_equal(moirai_cond_wait_until(&shared.changed, &shared.mutex, in_ms(3)), MOIRAI_ETIMEDOUT);
    moirai_mutex_unlock(&shared.mutex);
}

static void sleeps_and_deadlines(void **state)
{
    moirai_task_t tasks[FIBERS];
    moirai_executor_t *x = made(2);
    memset(&shared, 0, sizeof shared);
    for (int i = 0; i < FIBERS; i++)
        tasks[i] = spawned(x, NULL, i % 2 ? wait_in_vain : sleep_awhile, (void *)(uintptr_t)(i % 7));
    for (int i = 0; i < FIBERS; i++)
        joined(&tasks[i]);
    end(x);
}

/* ---- Groups and tasks from inside. */
static void in_a_group(void *arg)
{
    moirai_group_t *g;
    moirai_fiber_attr_t attr;
    int count = 0;
    int *p = &count;
    assert_int_equal(moirai_group_open(&g, NULL, 0), MOIRAI_OK);
    moirai_fiber_attr_init(&attr);
    assert_int_equal(moirai_fiber_attr_set_group(&attr, g), MOIRAI_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(moirai_fiber_spawn(NULL, NULL, &attr, count_up, p), MOIRAI_OK);
    moirai_fiber_yield();
    assert_int_equal(moirai_group_wait(g), MOIRAI_OK);
    assert_int_equal(GET(p), 10);
    assert_int_equal(moirai_group_close(g), MOIRAI_OK);
}

static void groups(void **state)
{
    moirai_task_t tasks[FIBERS];
    moirai_executor_t *x = made(3);
    for (int i = 0; i < FIBERS; i++)
        tasks[i] = spawned(x, NULL, in_a_group, NULL);
    for (int i = 0; i < FIBERS; i++)
        joined(&tasks[i]);
    end(x);
}

/* ---- Blocking work. */
static void block_awhile(void *arg)
{
    usleep(1000);
    ADD((int *)arg, 1);
}

static void call_blocking(void *arg)
{
    assert_int_equal(moirai_block(block_awhile, arg), MOIRAI_OK);
}

static void blocking(void **state)
{
    int count = 0;
    moirai_task_t tasks[20];
    moirai_executor_t *x = made(1);
    for (int i = 0; i < 20; i++)
        tasks[i] = spawned(x, NULL, call_blocking, &count);
    for (int i = 0; i < 20; i++)
        joined(&tasks[i]);
    assert_int_equal(GET(&count), 20);
    end(x);
}

/* ---- What moves along. */
static moirai_fiber_key_t key;
static int destroyed;

static void destroy(void *value)
{
    ADD(&destroyed, (int)(intptr_t)value);
}

static void keep(void *arg)
{
    assert_null(moirai_fiber_get(key));
    assert_int_equal(moirai_fiber_set(key, arg), MOIRAI_OK);
    for (int i = 0; i < 20; i++) {
        moirai_fiber_yield();
        assert_ptr_equal(moirai_fiber_get(key), arg);
    }
}

static void storage(void **state)
{
    moirai_task_t tasks[FIBERS];
    moirai_fiber_key_t many[256], more;
    int n = 0;
    moirai_executor_t *x = made(2);
    destroyed = 0;
    while (moirai_fiber_key_new(&many[n], NULL) == MOIRAI_OK)
        n++;
    assert_int_equal(n, 256);
    assert_int_equal(moirai_fiber_key_new(&more, NULL), MOIRAI_EAGAIN);
    while (n-- > 0)
        assert_int_equal(moirai_fiber_key_free(many[n]), MOIRAI_OK);
    assert_int_equal(moirai_fiber_key_free(many[0]), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_key_new(&key, destroy), MOIRAI_OK);
    assert_int_equal(moirai_fiber_set(key, x), MOIRAI_EPERM);
    assert_null(moirai_fiber_get(key));
    for (int i = 0; i < FIBERS; i++)
        tasks[i] = spawned(x, NULL, keep, (void *)(intptr_t)(i + 1));
    for (int i = 0; i < FIBERS; i++)
        joined(&tasks[i]);
    assert_int_equal(GET(&destroyed), FIBERS * (FIBERS + 1) / 2);
    assert_int_equal(moirai_fiber_key_free(key), MOIRAI_OK);
    end(x);
}

static void round_my_way(void *arg)
{
    const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    int mode = modes[(uintptr_t)arg % 4];
    fesetround(mode);
    for (int i = 0; i < 20; i++) {
        moirai_fiber_yield();
        assert_int_equal(fegetround(), mode);
    }
}

static void control_words(void **state)
{
    moirai_task_t tasks[40];
    moirai_executor_t *x = made(2);
    for (uintptr_t i = 0; i < 40; i++)
        tasks[i] = spawned(x, NULL, round_my_way, (void *)i);
    for (int i = 0; i < 40; i++)
        joined(&tasks[i]);
    end(x);
}

/* ---- Large stacks. */
static void use_a_lot(void *arg)
{
    volatile char room[900 * 1024];
    for (size_t i = 0; i < sizeof room; i += 4096)
        room[i] = 1;
    moirai_fiber_yield();
    ADD((int *)arg, room[4096]);
}

static void large_stacks(void **state)
{
    int count = 0;
    moirai_task_t tasks[20];
    moirai_fiber_attr_t attr;
    moirai_executor_t *x = made(2);
    moirai_fiber_attr_init(&attr);
    assert_int_equal(moirai_fiber_attr_set_stack_bytes(&attr, 1024 * 1024), MOIRAI_OK);
    assert_int_equal(moirai_fiber_attr_set_name(&attr, "large"), MOIRAI_OK);
    for (int i = 0; i < 20; i++)
        tasks[i] = spawned(x, &attr, use_a_lot, &count);
    for (int i = 0; i < 20; i++)
        joined(&tasks[i]);
    assert_int_equal(count, 20);
    end(x);
}

/* ---- Cancelling: one worker that is kept busy begins nothing. */
struct gate {
    int in, open;
};

static void keep_worker(void *arg)
{
    struct gate *g = arg;
    SET(&g->in, 1);
    while (!GET(&g->open))
        usleep(100);
}

static void until_cancelled(void *arg)
{
    SET((int *)arg, 1);
    while (!moirai_task_is_cancelled())
        moirai_fiber_yield();
}

static void cancelling(void **state)
{
    struct gate g = {0, 0};
    int count = 0, begun = 0;
    moirai_executor_t *x = made(1);
    moirai_task_t first = spawned(x, NULL, keep_worker, &g);
    AWAIT(GET(&g.in));
    moirai_task_t second = spawned(x, NULL, count_up, &count);
    assert_int_equal(moirai_cancel(&second), MOIRAI_EBUSY);
    SET(&g.open, 1);
    assert_int_equal(moirai_join(&second, NULL), MOIRAI_ECANCELED);
    assert_int_equal(count, 0);
    joined(&first);
    moirai_task_t third = spawned(x, NULL, until_cancelled, &begun);
    AWAIT(GET(&begun));
    assert_int_equal(moirai_cancel(&third), MOIRAI_EBUSY);
    joined(&third);
    end(x);
}

/* A drain waits for who is parked. */
static void recv_one(void *arg)
{
    long m;
    assert_int_equal(moirai_channel_recv(arg, &m), MOIRAI_OK);
}

static void *send_later(void *arg)
{
    long m = 1;
    usleep(20000);
    for (int i = 0; i < FIBERS; i++)
        assert_int_equal(moirai_channel_send(arg, &m), MOIRAI_OK);
    return NULL;
}

static void draining(void **state)
{
    moirai_channel_t *c;
    moirai_executor_t *x = made(2);
    assert_int_equal(moirai_channel_new(&c, sizeof(long), MOIRAI_RENDEZVOUS, 0), MOIRAI_OK);
    for (int i = 0; i < FIBERS; i++)
        assert_int_equal(moirai_fiber_spawn(x, NULL, NULL, recv_one, c), MOIRAI_OK);
    pthread_t t = start(send_later, c);
    end(x);
    pthread_join(t, NULL);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_once),
        cmocka_unit_test(refuses),
        cmocka_unit_test(yields),
        cmocka_unit_test(joins_inside),
        cmocka_unit_test(talk_through_channels),
        cmocka_unit_test(wait_for_locks),
        cmocka_unit_test(threads_wait_beside),
        cmocka_unit_test(sleeps_and_deadlines),
        cmocka_unit_test(groups),
        cmocka_unit_test(blocking),
        cmocka_unit_test(storage),
        cmocka_unit_test(control_words),
        cmocka_unit_test(large_stacks),
        cmocka_unit_test(cancelling),
        cmocka_unit_test(draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
