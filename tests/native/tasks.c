/* Tasks, handles, groups and executors: what each call answers, in order and out of order. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

struct fib {
    long n, result;
};

static void fib(void *data)
{
    struct fib *f = data;
    if (f->n < 2) {
        f->result = f->n;
        return;
    }
    struct fib a = {f->n - 1, 0}, b = {f->n - 2, 0};
    moirai_task_t task;
    assert_int_equal(moirai_spawn(NULL, &task, fib, &a, sizeof a), MOIRAI_OK);
    fib(&b);
    assert_int_equal(moirai_join(&task, &a), MOIRAI_OK);
    f->result = a.result + b.result;
}

static void twice(void *data)
{
    *(long *)data *= 2;
}

static void count_up(void *data)
{
    ADD(*(long **)data, 1);
}

/* A task that runs until it is told to end. */
struct gate {
    bool in, go;
};

static void wait_at(void *data)
{
    struct gate *g = *(struct gate **)data;
    SET(&g->in, true);
    AWAIT(GET(&g->go));
}

/* Keep the only worker of an executor busy. */
static void occupy(moirai_executor_t *x, struct gate *g, moirai_task_t *task)
{
    assert_int_equal(moirai_spawn(x, task, wait_at, &g, sizeof g), MOIRAI_OK);
    AWAIT(GET(&g->in));
}

/* ---- Tasks and handles. */
static void test_recursion(void **unused)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        moirai_executor_t *x = made(workers);
        struct fib f = {18, 0};
        assert_int_equal(moirai_run(x, fib, &f, sizeof f), MOIRAI_OK);
        assert_int_equal(f.result, 2584);
        end(x);
    }
}

static void fill_bytes(void *data)
{
    unsigned char *p = data;
    size_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    assert_true((uintptr_t)p % 32 == 0);
    memset(p + sizeof bytes, 0xa5, bytes - sizeof bytes);
}

static void test_sizes(void **unused)
{
    static const size_t sizes[] = {8, 9, 24, 31, 32, 33, 64, 100, 1000, 1024, 1025, 4096, 100000, 5000000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = calloc(1, sizes[i] + 8);
        moirai_task_t task;
        memcpy(p, &sizes[i], sizeof sizes[i]);
        assert_int_equal(moirai_spawn(NULL, &task, fill_bytes, p, sizes[i]), MOIRAI_OK);
        assert_int_equal(moirai_join(&task, p), MOIRAI_OK);
        for (size_t b = sizeof(size_t); b < sizes[i]; b++)
            assert_int_equal(p[b], 0xa5);
        for (unsigned b = 0; b < 8; b++)
            assert_int_equal(p[sizes[i] + b], 0);
        free(p);
    }
}

static void test_misuse(void **unused)
{
    moirai_task_t task, copy, none = {{0, 0}};
    long n = 4;
    assert_int_equal(moirai_spawn(NULL, NULL, NULL, NULL, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_spawn(NULL, NULL, twice, NULL, 8), MOIRAI_EINVAL);
    assert_int_equal(moirai_spawn(NULL, NULL, twice, &n, MOIRAI_TASK_BYTES_MAX + 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_spawn_many(NULL, NULL, NULL, twice, &n, SIZE_MAX / 2, 3, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_join(NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_join(&none, NULL), MOIRAI_ESTALE);
    assert_int_equal(moirai_spawn(NULL, &task, twice, &n, sizeof n), MOIRAI_OK);
    copy = task;
    assert_int_equal(moirai_join(&task, &n), MOIRAI_OK);
    assert_int_equal(n, 8);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_ESTALE);
    assert_int_equal(moirai_join(&copy, &n), MOIRAI_ESTALE);
    assert_int_equal(moirai_try_join(&task, &n), MOIRAI_ESTALE);
    assert_int_equal(moirai_detach(&task), MOIRAI_ESTALE);
    assert_int_equal(moirai_cancel(&task), MOIRAI_ESTALE);
    assert_int_equal(moirai_task_state(&task), MOIRAI_ESTALE);
    assert_int_equal(moirai_task_id(&task), 0);
    assert_int_equal(moirai_then(&task, NULL, NULL, NULL, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_spawn(NULL, &task, twice, &n, sizeof n), MOIRAI_OK);
    AWAIT(moirai_task_state(&task) == MOIRAI_TASK_COMPLETED);
    assert_int_equal(moirai_cancel(&task), MOIRAI_EALREADY);
    assert_int_equal(moirai_id_cancel(moirai_task_id(&task)), MOIRAI_EALREADY);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_OK); /* its result is untouched */
    assert_int_equal(n, 16);
    assert_int_equal(moirai_spawn(NULL, &task, twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_detach(&task), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_ESTALE);
    assert_int_equal(moirai_task_fail(1, "outside"), MOIRAI_EPERM);
    assert_int_equal(moirai_task_is_cancelled(), 0);
    assert_int_equal(moirai_task_self(), 0);
    assert_int_equal(moirai_task_yield(), 0);
    assert_int_equal(moirai_worker_index(), -1);
    assert_null(moirai_executor_current());
    assert_int_equal(moirai_join_any(NULL, 0, NULL, NULL, 0), MOIRAI_EINVAL);
}

struct own_handle {
    moirai_task_t task;
    bool known;
};

static void join_self(void *data)
{
    struct own_handle *own = *(struct own_handle **)data;
    AWAIT(GET(&own->known));
    moirai_task_t copy = own->task;
    assert_int_equal(moirai_join(&copy, NULL), MOIRAI_EDEADLOCK);
}

static void test_self_join(void **unused)
{
    struct own_handle own = {.known = false}, *p = &own;
    assert_int_equal(moirai_spawn(NULL, &own.task, join_self, &p, sizeof p), MOIRAI_OK);
    SET(&own.known, true);
    moirai_task_t task = own.task;
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
}

static void test_timed_and_try(void **unused)
{
    moirai_executor_t *x = made(1);
    struct gate g = {0};
    moirai_task_t busy, task;
    long n = 21;
    occupy(x, &g, &busy);
    assert_int_equal(moirai_spawn(x, &task, twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_try_join(&task, &n), MOIRAI_EBUSY);
    uint64_t before = moirai_now_ns();
    assert_int_equal(moirai_join_until(&task, &n, in_ms(20)), MOIRAI_ETIMEDOUT);
    assert_true(moirai_now_ns() - before >= 19 * MS);
    assert_int_equal(moirai_join_until(&task, &n, 0), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_task_state(&task), MOIRAI_TASK_QUEUED);
    assert_int_equal(moirai_task_state(&busy), MOIRAI_TASK_RUNNING);
    SET(&g.go, true);
    assert_int_equal(moirai_join_until(&task, &n, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(n, 42);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    end(x);
}

static void fail_with(void *data)
{
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_int_equal(moirai_task_fail(*(int *)data, *(int *)data == 9 ? text : "went wrong"), MOIRAI_OK);
    assert_int_equal(moirai_task_fail(77, "too late"), MOIRAI_OK);
}

static void test_failure(void **unused)
{
    moirai_task_t task;
    moirai_error_t error;
    int code = 5, out = 0;
    assert_int_equal(moirai_spawn(NULL, &task, fail_with, &code, sizeof code), MOIRAI_OK);
    assert_int_equal(moirai_join_error(&task, &out, &error), MOIRAI_EFAILED);
    assert_int_equal(out, 5);
    assert_int_equal(error.code, 5);
    assert_string_equal(error.text, "went wrong");
    code = 9;
    assert_int_equal(moirai_spawn(NULL, &task, fail_with, &code, sizeof code), MOIRAI_OK);
    assert_int_equal(moirai_join_error(&task, NULL, &error), MOIRAI_EFAILED);
    assert_int_equal(strlen(error.text), MOIRAI_ERROR_TEXT_BYTES - 1);
    assert_int_equal(moirai_spawn(NULL, NULL, fail_with, &code, sizeof code), MOIRAI_OK);
}

static void stop_when_told(void *data)
{
    SET(*(bool **)data, true);
    while (!moirai_task_is_cancelled())
        usleep(100);
}

static void test_cancel(void **unused)
{
    moirai_executor_t *x = made(1);
    struct gate g = {0};
    moirai_task_t busy, task, other;
    bool began = false, *p = &began;
    long n = 1, hits = 0, *h = &hits;
    occupy(x, &g, &busy);
    assert_int_equal(moirai_spawn(x, &task, count_up, &h, sizeof h), MOIRAI_OK);
    assert_int_equal(moirai_spawn(x, &other, count_up, &h, sizeof h), MOIRAI_OK);
    uint64_t id = moirai_task_id(&other);
    assert_int_not_equal(id, 0);
    assert_int_equal(moirai_task_id(&other), id);
    assert_int_equal(moirai_id_state(id), MOIRAI_TASK_QUEUED);
    assert_int_equal(moirai_cancel(&task), MOIRAI_OK);
    assert_int_equal(moirai_id_cancel(id), MOIRAI_OK);
    assert_int_equal(moirai_cancel(&task), MOIRAI_EALREADY);
    assert_int_equal(moirai_task_state(&task), MOIRAI_TASK_CANCELLED);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_ECANCELED);
    assert_int_equal(moirai_detach(&other), MOIRAI_OK);
    SET(&g.go, true);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    assert_int_equal(moirai_spawn(x, &task, stop_when_told, &p, sizeof p), MOIRAI_OK);
    AWAIT(GET(&began));
    assert_int_equal(moirai_cancel(&task), MOIRAI_EBUSY);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    end(x);
    assert_int_equal(hits, 0);
    assert_int_equal(n, 1);
    assert_int_equal(moirai_id_state(id), MOIRAI_ESTALE);
    assert_int_equal(moirai_id_cancel(id), MOIRAI_ESTALE);
}

static void tell_id(void *data)
{
    uint64_t id = moirai_task_self();
    assert_int_equal(moirai_id_state(id), MOIRAI_TASK_RUNNING);
    assert_int_equal(moirai_id_cancel(id), MOIRAI_EBUSY);
    assert_int_equal(moirai_task_is_cancelled(), 1);
    *(uint64_t *)data = id;
}

static void test_id_inside(void **unused)
{
    moirai_task_t task;
    uint64_t id = 0;
    assert_int_equal(moirai_spawn(NULL, &task, tell_id, &id, sizeof id), MOIRAI_OK);
    uint64_t outside = moirai_task_id(&task);
    assert_int_equal(moirai_join(&task, &id), MOIRAI_OK);
    assert_int_equal(id, outside);
    id = 0; /* nobody is going to join that one */
    assert_int_equal(moirai_spawn(NULL, NULL, tell_id, &id, sizeof id), MOIRAI_OK);
}

/* Tasks inside of each other, each of which waits for one that follows the next; so deep that no stranger may run on
   top. */
static void follow_nothing(void *data, const moirai_before_t *before)
{
}

static void nest(void *data)
{
    long n = *(long *)data, less = n - 1;
    moirai_task_t task[2], then;
    if (n == 0)
        return;
    assert_int_equal(moirai_spawn(NULL, &task[0], nest, &less, sizeof less), MOIRAI_OK);
    if (n % 3 == 0) {
        assert_int_equal(moirai_join_until(&task[0], NULL, MOIRAI_FOREVER - 1), MOIRAI_OK);
        return;
    }
    assert_int_equal(moirai_spawn(NULL, &task[1], nest, (long[]){0}, sizeof(long)), MOIRAI_OK);
    assert_int_equal(moirai_then_all(task, 2, &then, follow_nothing, NULL, 0), MOIRAI_OK);
    if (n % 3 == 1)
        assert_int_equal(moirai_join(&then, NULL), MOIRAI_OK);
    else
        assert_int_equal(moirai_join_any(&then, 1, NULL, NULL, MOIRAI_FOREVER), MOIRAI_OK);
}

static void test_deep_waits(void **unused)
{
    moirai_executor_t *x = made(1);
    moirai_task_t task;
    long n = 150;
    assert_int_equal(moirai_spawn(x, &task, nest, &n, sizeof n), MOIRAI_OK);
    AWAIT(moirai_task_state(&task) == MOIRAI_TASK_COMPLETED); /* by the worker alone */
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    end(x);
}

/* ---- Several handles. */
#define FEW 20

static void test_all_and_any(void **unused)
{
    moirai_executor_t *x = made(2);
    moirai_task_t task[FEW], gone;
    long in[FEW], out[FEW];
    size_t which = FEW, spawned = 0;
    for (long i = 0; i < FEW; i++)
        in[i] = i;
    assert_int_equal(moirai_spawn_many(x, NULL, task, twice, in, sizeof *in, FEW, &spawned), MOIRAI_OK);
    assert_int_equal(spawned, FEW);
    assert_int_equal(moirai_join_all(task, FEW, out), MOIRAI_OK);
    for (long i = 0; i < FEW; i++)
        assert_int_equal(out[i], 2 * i);
    struct gate g[2] = {{0}};
    occupy(x, &g[0], &task[0]);
    occupy(x, &g[1], &task[1]);
    assert_int_equal(moirai_join_any(task, 2, &which, NULL, in_ms(5)), MOIRAI_ETIMEDOUT);
    SET(&g[1].go, true);
    assert_int_equal(moirai_join_any(task, 2, &which, NULL, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(which, 1);
    assert_int_equal(moirai_join_any(task, 2, &which, NULL, MOIRAI_FOREVER), MOIRAI_ESTALE);
    SET(&g[0].go, true);
    assert_int_equal(moirai_join_any(task, 1, &which, NULL, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(moirai_spawn_many(x, NULL, NULL, twice, NULL, 8, 0, &spawned), MOIRAI_OK);
    gone = task[0];
    assert_int_equal(moirai_join_all(&gone, 1, NULL), MOIRAI_ESTALE);
    end(x);
}

struct total {
    long sum;
    int cancelled, failed;
};

static void add_outcomes(void *data, const moirai_before_t *before)
{
    struct total *t = data;
    moirai_outcome_t o;
    for (size_t i = 0; moirai_before_outcome(before, i, &o) == MOIRAI_OK; i++) {
        t->sum += o.status == MOIRAI_OK ? *(const long *)o.result : 0;
        t->cancelled += o.status == MOIRAI_ECANCELED;
        t->failed += o.status == MOIRAI_EFAILED && o.code == 5 && !strcmp(o.text, "went wrong");
        assert_true(o.text != NULL);
    }
    assert_int_equal(moirai_before_outcome(before, 1000000, &o), MOIRAI_EINVAL);
}

static void test_then(void **unused)
{
    moirai_executor_t *x = made(1);
    moirai_task_t task[100], next, last;
    struct total zero = {0}, t;
    struct gate g = {0};
    moirai_task_t busy;
    int five = 5;
    long n = 21;
    /* of one that is over, */
    assert_int_equal(moirai_spawn(x, &task[0], twice, &n, sizeof n), MOIRAI_OK);
    AWAIT(moirai_task_state(&task[0]) == MOIRAI_TASK_COMPLETED);
    assert_int_equal(moirai_then(&task[0], &next, add_outcomes, &zero, sizeof zero), MOIRAI_OK);
    assert_int_equal(moirai_join(&task[0], NULL), MOIRAI_ESTALE);
    assert_int_equal(moirai_join(&next, &t), MOIRAI_OK);
    assert_int_equal(t.sum, 42);
    /* of many, of which one is cancelled and one fails, */
    occupy(x, &g, &busy);
    for (long i = 0; i < 98; i++)
        assert_int_equal(moirai_spawn(x, &task[i], twice, &i, sizeof i), MOIRAI_OK);
    assert_int_equal(moirai_spawn(x, &task[98], fail_with, &five, sizeof five), MOIRAI_OK);
    assert_int_equal(moirai_spawn(x, &task[99], twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_cancel(&task[99]), MOIRAI_OK);
    assert_int_equal(moirai_then_all(task, 100, &next, add_outcomes, &zero, sizeof zero), MOIRAI_OK);
    assert_int_equal(moirai_task_state(&next), MOIRAI_TASK_QUEUED);
    /* and of one that follows itself. */
    assert_int_equal(moirai_then(&next, &last, add_outcomes, &zero, sizeof zero), MOIRAI_OK);
    SET(&g.go, true);
    assert_int_equal(moirai_join(&last, &t), MOIRAI_OK);
    assert_int_equal(t.sum, 2 * 97 * 98 / 2); /* the first word of the other's total */
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    /* A follower that is cancelled before its turn, and one that nobody waits for. */
    g.go = g.in = false;
    occupy(x, &g, &busy);
    assert_int_equal(moirai_spawn(x, &task[0], twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_then(&task[0], &next, add_outcomes, &zero, sizeof zero), MOIRAI_OK);
    assert_int_equal(moirai_cancel(&next), MOIRAI_OK);
    assert_int_equal(moirai_join(&next, &t), MOIRAI_ECANCELED);
    assert_int_equal(moirai_spawn(x, &task[0], twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_then(&task[0], NULL, add_outcomes, &zero, sizeof zero), MOIRAI_OK);
    SET(&g.go, true);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    end(x);
}

/* ---- Groups. */
static void spawn_more(void *data)
{
    moirai_group_t *g = *(moirai_group_t **)data;
    long *hits = ((long **)data)[1];
    for (int i = 0; i < 10; i++)
        assert_int_equal(moirai_group_spawn(g, NULL, count_up, &hits, sizeof hits), MOIRAI_OK);
}

static void test_group(void **unused)
{
    moirai_executor_t *x = made(2);
    moirai_group_t *g;
    long hits = 0;
    assert_int_equal(moirai_group_open(&g, x, 0), MOIRAI_OK);
    assert_int_equal(moirai_group_wait(g), MOIRAI_OK);
    void *data[2] = {g, &hits};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(moirai_group_spawn(g, NULL, spawn_more, data, sizeof data), MOIRAI_OK);
    assert_int_equal(moirai_group_wait(g), MOIRAI_OK);
    assert_int_equal(hits, 10000);
    long *p[100];
    for (int i = 0; i < 100; i++)
        p[i] = &hits;
    assert_int_equal(moirai_spawn_many(x, g, NULL, count_up, p, sizeof *p, 100, NULL), MOIRAI_OK);
    assert_int_equal(moirai_group_close(g), MOIRAI_OK);
    assert_int_equal(hits, 10100);
    end(x);
}

static void *waits_for_a_stranger(void *group)
{
    assert_int_equal(moirai_group_wait(group), MOIRAI_EPERM);
    assert_int_equal(moirai_group_close(group), MOIRAI_EPERM);
    return NULL;
}

static void open_and_wait(void *data)
{
    struct gate *gate = ((struct gate **)data)[0];
    long *hits = ((long **)data)[1];
    moirai_group_t *inner;
    assert_int_equal(moirai_group_open(&inner, NULL, 0), MOIRAI_OK);
    SET(&gate->in, true);
    AWAIT(GET(&gate->go));
    assert_int_equal(moirai_group_is_cancelled(inner), 1);
    assert_int_equal(moirai_group_spawn(inner, NULL, count_up, &hits, sizeof hits), MOIRAI_OK);
    assert_int_equal(moirai_group_close(inner), MOIRAI_ECANCELED);
}

static void test_group_errors(void **unused)
{
    moirai_executor_t *x = made(1);
    moirai_group_t *g;
    moirai_error_t error = {.code = 0};
    struct gate gate = {0};
    moirai_task_t busy, task;
    int five = 5;
    long hits = 0, *h = &hits;
    /* The first failure cancels the rest, unless the group is tenacious. */
    for (int flags = 0; flags <= MOIRAI_GROUP_TENACIOUS; flags += MOIRAI_GROUP_TENACIOUS) {
        gate = (struct gate){0};
        hits = 0;
        occupy(x, &gate, &busy);
        assert_int_equal(moirai_group_open(&g, x, flags), MOIRAI_OK);
        assert_int_equal(moirai_group_error(g, &error), MOIRAI_OK);
        assert_int_equal(moirai_group_spawn(g, NULL, fail_with, &five, sizeof five), MOIRAI_OK);
        assert_int_equal(moirai_group_wait_until(g, in_ms(2)), MOIRAI_ETIMEDOUT);
        SET(&gate.go, true);
        assert_int_equal(moirai_group_wait(g), MOIRAI_EFAILED);
        assert_int_equal(moirai_group_spawn(g, NULL, count_up, &h, sizeof h), MOIRAI_OK);
        assert_int_equal(moirai_group_wait(g), MOIRAI_EFAILED);
        assert_int_equal(moirai_group_error(g, &error), MOIRAI_EFAILED);
        assert_int_equal(error.code, 5);
        assert_string_equal(error.text, "went wrong");
        pthread_join(start(waits_for_a_stranger, g), NULL);
        assert_int_equal(moirai_group_close(g), MOIRAI_EFAILED);
        assert_int_equal(hits, flags ? 1 : 0);
        assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    }
    /* What cancels the outer cancels the inner. */
    void *data[2] = {&gate, &hits};
    hits = 0;
    gate = (struct gate){0};
    assert_int_equal(moirai_group_open(&g, x, 0), MOIRAI_OK);
    assert_int_equal(moirai_group_spawn(g, &task, open_and_wait, data, sizeof data), MOIRAI_OK);
    AWAIT(GET(&gate.in));
    assert_int_equal(moirai_group_cancel(g), MOIRAI_OK);
    SET(&gate.go, true);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    assert_int_equal(moirai_group_close(g), MOIRAI_ECANCELED);
    assert_int_equal(hits, 0);
    assert_int_equal(moirai_group_open(NULL, x, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_group_open(&g, x, 64), MOIRAI_EINVAL);
    assert_int_equal(moirai_group_wait(NULL), MOIRAI_EINVAL);
    end(x);
}

/* An isolated wait under a lock that other tasks take: whoever ran one of those while waiting would lock twice. */
static moirai_mutex_t lock = MOIRAI_MUTEX_INIT;

static void take_lock(void *data)
{
    assert_int_equal(moirai_mutex_lock_until(&lock, in_ms(50000)), MOIRAI_OK);
    ADD(*(long **)data, 1);
    moirai_mutex_unlock(&lock);
}

static void waits_under_lock(void *data)
{
    long *hits = *(long **)data;
    moirai_group_t *g;
    assert_int_equal(moirai_mutex_lock_until(&lock, in_ms(50000)), MOIRAI_OK);
    assert_int_equal(moirai_group_open(&g, NULL, MOIRAI_GROUP_ISOLATED), MOIRAI_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(moirai_spawn(NULL, NULL, take_lock, &hits, sizeof hits), MOIRAI_OK);
        assert_int_equal(moirai_group_spawn(g, NULL, count_up, &hits, sizeof hits), MOIRAI_OK);
    }
    assert_int_equal(moirai_group_close(g), MOIRAI_OK);
    moirai_mutex_unlock(&lock);
}

static void test_isolation(void **unused)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        moirai_executor_t *x = made(workers);
        long hits = 0, *h = &hits;
        for (int i = 0; i < 50; i++) {
            assert_int_equal(moirai_spawn(x, NULL, waits_under_lock, &h, sizeof h), MOIRAI_OK);
            assert_int_equal(moirai_spawn(x, NULL, take_lock, &h, sizeof h), MOIRAI_OK);
        }
        end(x);
        assert_int_equal(hits, 50 * 11);
    }
}

/* ---- Attributes. */
struct order {
    int next, place[4];
};

struct entrant {
    struct order *order;
    int who;
};

static void enter_in_order(void *data)
{
    struct entrant *e = data;
    e->order->place[e->who] = e->order->next++;
}

static void test_priority(void **unused)
{
    static const int levels[4] = {MOIRAI_PRIORITY_LOW, MOIRAI_PRIORITY_NORMAL, MOIRAI_PRIORITY_HIGH,
                                  MOIRAI_PRIORITY_URGENT};
    moirai_executor_t *x = made(1);
    struct order order = {0};
    struct gate g = {0};
    moirai_task_t busy;
    moirai_task_attr_t attr;
    occupy(x, &g, &busy);
    for (int i = 0; i < 4; i++) {
        struct entrant e = {&order, i};
        moirai_task_attr_init(&attr);
        assert_int_equal(moirai_task_attr_set_priority(&attr, levels[i]), MOIRAI_OK);
        assert_int_equal(moirai_task_attr_set_name(&attr, "entrant"), MOIRAI_OK);
        assert_int_equal(moirai_task_attr_set_cost_ns(&attr, 100), MOIRAI_OK);
        assert_int_equal(moirai_spawn_with(x, NULL, &attr, enter_in_order, &e, sizeof e), MOIRAI_OK);
    }
    SET(&g.go, true);
    end(x); /* a join would run tasks here as well */
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(order.place[i], 3 - i);
    assert_int_equal(moirai_task_attr_set_priority(&attr, 3), MOIRAI_EINVAL);
    memset(&attr, 0, sizeof attr);
    assert_int_equal(moirai_task_attr_set_cost_ns(&attr, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_task_attr_set_name(&attr, "x"), MOIRAI_EINVAL);
    assert_int_equal(moirai_task_attr_set_group(&attr, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_spawn_with(NULL, NULL, &attr, count_up, NULL, 0), MOIRAI_EINVAL);
}

static void test_executor_attributes(void **unused)
{
    moirai_executor_attr_t attr;
    moirai_executor_t *x;
    moirai_executor_attr_init(&attr);
    assert_int_equal(moirai_executor_attr_set_workers(&attr, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_workers(&attr, MOIRAI_WORKERS_MAX + 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_blocking_limit(&attr, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_steal(&attr, 4), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_steal(&attr, -1), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_name(&attr, "much longer than fifteen bytes"), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_name(&attr, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_name(&attr, "loom"), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_set_workers(&attr, 3), MOIRAI_OK);
    for (int strategy = MOIRAI_STEAL_ONE; strategy <= MOIRAI_STEAL_ADAPTIVE; strategy++) {
        struct fib f = {15, 0};
        assert_int_equal(moirai_executor_attr_set_steal(&attr, strategy), MOIRAI_OK);
        assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_OK);
        assert_string_equal(moirai_executor_name(x), "loom");
        assert_int_equal(moirai_executor_worker_count(x), 3);
        assert_int_equal(moirai_run(x, fib, &f, sizeof f), MOIRAI_OK);
        assert_int_equal(f.result, 610);
        end(x);
    }
    memset(&attr, 0, sizeof attr);
    assert_int_equal(moirai_executor_attr_set_workers(&attr, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_new(NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_default(NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_free(NULL), MOIRAI_EINVAL);
}

/* What others see the thread called. */
static void read_comm(void *data)
{
    FILE *f = fopen("/proc/thread-self/comm", "r");
    if (!f || !fgets(data, 17, f))
        moirai_task_fail(1, "no name");
    if (f)
        fclose(f);
}

static void test_thread_names(void **unused)
{
    char comm[24] = "", own[24] = "";
    moirai_executor_attr_t attr;
    moirai_executor_t *x;
    moirai_task_t task;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 1);
    moirai_executor_attr_set_name(&attr, "fifteen letters");
    assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_OK);
    moirai_task_attr_t there;
    moirai_task_attr_init(&there);
    assert_int_equal(moirai_task_attr_set_worker(&there, 0, MOIRAI_STRICT), MOIRAI_OK);
    assert_int_equal(moirai_spawn_with(x, &task, &there, read_comm, comm, sizeof comm), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, comm), MOIRAI_OK);
    assert_string_equal(comm, "fifteen letters\n");
    memset(comm, 0, sizeof comm);
    assert_int_equal(moirai_spawn_blocking(x, &task, read_comm, comm, sizeof comm), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, comm), MOIRAI_OK);
    assert_string_equal(comm, "fifteen letters\n");
    end(x);
    x = made(1); /* its threads are the pool's, too, and have no name of its */
    assert_int_equal(moirai_spawn_with(x, &task, &there, read_comm, comm, sizeof comm), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, comm), MOIRAI_OK);
    end(x);
    read_comm(own);
    assert_string_equal(comm, own);
}

/* ---- The end of executors. */
static void shut_own(void *data)
{
    *(int *)data = moirai_executor_shutdown(moirai_executor_current(), MOIRAI_SHUTDOWN_DRAIN, 0);
}

static void test_shutdown(void **unused)
{
    moirai_executor_t *x = made(2);
    int status = 0;
    long hits = 0, *h = &hits;
    assert_int_equal(moirai_run(x, shut_own, &status, sizeof status), MOIRAI_OK);
    assert_int_equal(status, MOIRAI_EDEADLOCK);
    assert_int_equal(moirai_executor_free(x), MOIRAI_EBUSY);
    assert_int_equal(moirai_executor_is_shutting_down(x), 0);
    assert_int_equal(moirai_executor_shutdown(x, 3, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_shutdown(NULL, 0, 0), MOIRAI_EINVAL);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(moirai_spawn(x, NULL, count_up, &h, sizeof h), MOIRAI_OK);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(hits, 20000);
    assert_int_equal(moirai_executor_is_shutting_down(x), 1);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_EALREADY);
    assert_int_equal(moirai_spawn(x, NULL, count_up, &h, sizeof h), MOIRAI_ESHUTDOWN);
    assert_int_equal(moirai_spawn_blocking(x, NULL, count_up, &h, sizeof h), MOIRAI_ESHUTDOWN);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
}

static void *shuts_down(void *x)
{
    return (void *)(intptr_t)moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_CANCEL, 0);
}

static void test_shutdown_modes(void **unused)
{
    moirai_executor_t *x = made(1);
    struct gate g = {0};
    moirai_task_t busy, task;
    void *status;
    long hits = 0, *h = &hits;
    occupy(x, &g, &busy);
    assert_int_equal(moirai_spawn(x, &task, count_up, &h, sizeof h), MOIRAI_OK);
    pthread_t t = start(shuts_down, x);
    AWAIT(moirai_executor_is_shutting_down(x));
    assert_int_equal(moirai_spawn(x, NULL, count_up, &h, sizeof h), MOIRAI_ESHUTDOWN);
    SET(&g.go, true);
    pthread_join(t, &status);
    assert_int_equal((intptr_t)status, MOIRAI_OK);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK); /* handles outlive their executor */
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_ECANCELED);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    assert_int_equal(hits, 0);

    x = made(1);
    bool began = false, *p = &began;
    assert_int_equal(moirai_spawn(x, &busy, stop_when_told, &p, sizeof p), MOIRAI_OK);
    AWAIT(GET(&began));
    assert_int_equal(moirai_spawn(x, &task, count_up, &h, sizeof h), MOIRAI_OK);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DEADLINE, in_ms(20)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_ECANCELED);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    x = made(1);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DEADLINE, in_ms(50000)), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    assert_int_equal(hits, 0);
}

/* ---- Blocking work. */
static void meet(void *data)
{
    long *here = *(long **)data;
    ADD(here, 1);
    AWAIT(GET(here) >= 5); /* so many threads at once */
    moirai_task_t task;
    long n = 3;
    assert_int_equal(moirai_spawn(NULL, &task, twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_OK);
    assert_int_equal(n, 6);
    assert_int_equal(moirai_worker_index(), -1);
    assert_non_null(moirai_executor_current());
}

static void test_blocking(void **unused)
{
    moirai_executor_attr_t attr;
    moirai_executor_t *x;
    moirai_executor_stats_t stats;
    moirai_task_t task[30];
    long here = 0, *h = &here;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 1);
    moirai_executor_attr_set_blocking_limit(&attr, 5);
    assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_OK);
    for (int i = 0; i < 30; i++)
        assert_int_equal(moirai_spawn_blocking(x, &task[i], meet, &h, sizeof h), MOIRAI_OK);
    assert_int_equal(moirai_join_all(task, 30, NULL), MOIRAI_OK);
    assert_int_equal(here, 30);
    assert_int_equal(moirai_executor_stats(x, &stats), MOIRAI_OK);
    assert_int_equal(stats.blocking_threads, 5);
    assert_int_equal(stats.blocking, 30);
    end(x);
}

/* ---- Figures. */
static void test_stats(void **unused)
{
    moirai_executor_t *x = made(2);
    moirai_executor_stats_t stats;
    struct fib f = {12, 0};
    assert_int_equal(moirai_run(x, fib, &f, sizeof f), MOIRAI_OK);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_stats(x, &stats), MOIRAI_OK);
    assert_int_equal(stats.created, stats.executed);
    assert_int_equal(stats.executed, 233); /* as many tasks has fib(12) */
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(moirai_executor_stats(NULL, &stats), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
}

/* ---- In a child of fork there is a new default executor, and the parent's take nothing. */
static void test_fork(void **unused)
{
#ifdef __SANITIZE_THREAD__
    skip(); /* it starts no threads in such a child */
#endif
    moirai_executor_t *x = made(1);
    struct fib f = {10, 0};
    assert_int_equal(moirai_run(NULL, fib, &f, sizeof f), MOIRAI_OK);
    pid_t child = fork();
    if (child == 0) {
        struct fib again = {10, 0};
        bool right = moirai_spawn(x, NULL, twice, &again, sizeof again) == MOIRAI_ESHUTDOWN &&
                     moirai_run(NULL, fib, &again, sizeof again) == MOIRAI_OK && again.result == 55;
        _exit(right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(moirai_run(x, fib, &f, sizeof f), MOIRAI_OK);
    end(x);
}

static void test_default_again(void **unused)
{
    moirai_executor_t *x, *again;
    struct fib f = {10, 0};
    assert_int_equal(moirai_executor_default(&x), MOIRAI_OK);
    assert_string_equal(moirai_executor_name(x), "default");
    end(x);
    assert_int_equal(moirai_run(NULL, fib, &f, sizeof f), MOIRAI_OK);
    assert_int_equal(moirai_executor_default(&again), MOIRAI_OK);
    end(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recursion),      cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_misuse),         cmocka_unit_test(test_self_join),
        cmocka_unit_test(test_timed_and_try),  cmocka_unit_test(test_failure),
        cmocka_unit_test(test_cancel),         cmocka_unit_test(test_id_inside),
        cmocka_unit_test(test_deep_waits),     cmocka_unit_test(test_all_and_any),
        cmocka_unit_test(test_then),           cmocka_unit_test(test_group),
        cmocka_unit_test(test_group_errors),   cmocka_unit_test(test_isolation),
        cmocka_unit_test(test_priority),       cmocka_unit_test(test_executor_attributes),
        cmocka_unit_test(test_thread_names),   cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_shutdown_modes), cmocka_unit_test(test_blocking),
        cmocka_unit_test(test_stats),          cmocka_unit_test(test_fork),
        cmocka_unit_test(test_default_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
