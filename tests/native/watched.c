/* Executors with plug-ins, with a registry, with figures, with another scheduler, and seen through the small
   interfaces. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>

static void twice(void *data)
{
    *(long *)data *= 2;
}

static void nothing(void *data)
{
}

static void goes_wrong(void *data)
{
    assert_int_equal(moirai_task_fail(7, "went wrong"), MOIRAI_OK);
}

struct gate {
    bool in, go;
};

static void wait_at(void *data)
{
    struct gate *g = *(struct gate **)data;
    SET(&g->in, true);
    AWAIT(GET(&g->go));
}

static void occupy(moirai_executor_t *x, struct gate *g, moirai_task_t *task)
{
    assert_int_equal(moirai_spawn(x, task, wait_at, &g, sizeof g), MOIRAI_OK);
    AWAIT(GET(&g->in));
}

/* ---- Plug-ins. Each writes what it learns into one list. */
enum {
    BEFORE_SPAWN,
    AFTER_SPAWN,
    BEFORE_EXECUTE,
    AFTER_EXECUTE,
    BEFORE_COMPLETE,
    AFTER_COMPLETE,
    BEFORE_END,
    AFTER_END
};
struct told {
    int what, plugin, phase, code;
    uint64_t id;
    bool in_task;
    char name[16];
};
#define TOLD_MAX 200
static struct told told[TOLD_MAX];
static unsigned told_count;
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;

static void note(void *user, int what, const moirai_task_info_t *t)
{
    pthread_mutex_lock(&told_lock);
    assert_true(told_count < TOLD_MAX);
    struct told *e = &told[told_count++];
    *e = (struct told){.what = what, .plugin = *(int *)user, .in_task = moirai_task_self() != 0};
    if (t) {
        e->phase = t->phase;
        e->code = t->code;
        e->id = t->id;
        assert_true(t->text != NULL && t->id != 0);
        assert_string_equal(t->text, t->code ? "went wrong" : "");
        snprintf(e->name, sizeof e->name, "%s", t->name ? t->name : "");
    }
    pthread_mutex_unlock(&told_lock);
}

#define NOTE(function, what)                                                                                           \
    static void function(void *user, const moirai_task_info_t *t)                                                      \
    {                                                                                                                  \
        note(user, what, t);                                                                                           \
    }
NOTE(before_spawn, BEFORE_SPAWN)
NOTE(after_spawn, AFTER_SPAWN)
NOTE(before_execute, BEFORE_EXECUTE)
NOTE(after_execute, AFTER_EXECUTE)
NOTE(before_complete, BEFORE_COMPLETE)
NOTE(after_complete, AFTER_COMPLETE)
static void before_end(void *user, moirai_executor_t *x)
{
    assert_int_equal(moirai_executor_is_shutting_down(x), 1);
    note(user, BEFORE_END, NULL);
}
static void after_end(void *user, moirai_executor_t *x)
{
    note(user, AFTER_END, NULL);
}

static int numbers[2] = {0, 1};
static const moirai_plugin_t noting[2] = {{&numbers[0], before_spawn, after_spawn, before_execute, after_execute,
                                           before_complete, after_complete, before_end, after_end},
                                          {&numbers[1], before_spawn, after_spawn, before_execute, after_execute,
                                           before_complete, after_complete, before_end, after_end}};

/* Where in the list the plug-in was told that of the task, the only time; -1: never. */
static int place(uint64_t id, int what, int plugin)
{
    int found = -1;
    for (unsigned i = 0; i < told_count; i++)
        if (told[i].id == id && told[i].what == what && told[i].plugin == plugin) {
            assert_int_equal(found, -1);
            found = (int)i;
        }
    return found;
}

/* All was told, in the order that the header promises. */
static void expect_life(uint64_t id, bool ran, int phase)
{
    for (int what = BEFORE_SPAWN; what <= AFTER_COMPLETE; what++) {
        bool expected = ran || (what != BEFORE_EXECUTE && what != AFTER_EXECUTE);
        int first = place(id, what, 0), second = place(id, what, 1);
        assert_int_equal(first >= 0, expected);
        assert_int_equal(second >= 0, expected);
        if (!expected)
            continue;
        assert_true(what % 2 == 0 ? first < second : second < first);
        assert_true(first >= place(id, BEFORE_SPAWN, 0));
        bool whose = what == BEFORE_EXECUTE || what == AFTER_EXECUTE;
        assert_int_equal(told[first].in_task, whose);
        assert_int_equal(told[first].code, phase == MOIRAI_TASK_FAILED && what >= AFTER_EXECUTE ? 7 : 0);
        if (what >= BEFORE_COMPLETE)
            assert_int_equal(told[first].phase, phase);
    }
    int order[] = {BEFORE_EXECUTE, AFTER_EXECUTE, BEFORE_COMPLETE, AFTER_COMPLETE};
    for (int i = ran ? 1 : 3; i < 4; i++)
        assert_true(place(id, order[i - 1], 1) < place(id, order[i], 1) &&
                    place(id, order[i - 1], 0) < place(id, order[i], 0));
}

static void test_plugins(void **unused)
{
    moirai_executor_attr_t attr = attr_of(1);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, &noting[0]), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, &noting[1]), MOIRAI_OK);
    moirai_executor_t *x = made_of(&attr);
    moirai_task_attr_t named;
    moirai_task_t task, then, dropped, blocking, many[3];
    struct gate g = {0};
    moirai_task_t busy;
    long n = 21;
    int none = 0;
    /* one with a name, */
    moirai_task_attr_init(&named);
    moirai_task_attr_set_name(&named, "clotho");
    assert_int_equal(moirai_spawn_with(x, &task, &named, twice, &n, sizeof n), MOIRAI_OK);
    uint64_t id = moirai_task_id(&task);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_OK);
    assert_int_equal(n, 42);
    /* one that fails while another follows it, one that is cancelled, a blocking one, several at once. */
    occupy(x, &g, &busy);
    assert_int_equal(moirai_spawn(x, &task, goes_wrong, &none, sizeof none), MOIRAI_OK);
    uint64_t failed = moirai_task_id(&task);
    assert_int_equal(moirai_spawn(x, &dropped, twice, &n, sizeof n), MOIRAI_OK);
    uint64_t cancelled = moirai_task_id(&dropped);
    assert_int_equal(moirai_cancel(&dropped), MOIRAI_OK);
    assert_int_equal(moirai_cancel(&dropped), MOIRAI_EALREADY);
    assert_int_equal(moirai_join(&dropped, NULL), MOIRAI_ECANCELED);
    assert_int_equal(moirai_spawn_blocking(x, &blocking, twice, &n, sizeof n), MOIRAI_OK);
    uint64_t blocked = moirai_task_id(&blocking);
    assert_int_equal(moirai_join(&blocking, &n), MOIRAI_OK);
    assert_int_equal(n, 84);
    uint64_t first = moirai_task_id(&busy);
    SET(&g.go, true);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_EFAILED);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    assert_int_equal(moirai_spawn_many(x, NULL, many, nothing, NULL, 0, 3, NULL), MOIRAI_OK);
    uint64_t last = moirai_task_id(&many[2]);
    assert_int_equal(moirai_join_all(many, 3, NULL), MOIRAI_OK);
    assert_int_equal(moirai_run(x, nothing, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_spawn(x, &then, twice, &n, sizeof n), MOIRAI_ESHUTDOWN);
    assert_int_equal(told[told_count - 1].what, BEFORE_SPAWN); /* the last that is heard of it */
    told_count -= 2;
    assert_int_equal(told[told_count - 1].what, AFTER_END);
    assert_int_equal(told[told_count - 1].plugin, 0);
    assert_int_equal(told[told_count - 2].what, AFTER_END);
    assert_int_equal(place(0, BEFORE_END, 0) < place(0, BEFORE_END, 1), 1);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    assert_string_equal(told[place(id, AFTER_EXECUTE, 0)].name, "clotho");
    expect_life(id, true, MOIRAI_TASK_COMPLETED);
    expect_life(first, true, MOIRAI_TASK_COMPLETED);
    expect_life(failed, true, MOIRAI_TASK_FAILED);
    expect_life(cancelled, false, MOIRAI_TASK_CANCELLED);
    expect_life(blocked, true, MOIRAI_TASK_COMPLETED);
    expect_life(last, true, MOIRAI_TASK_COMPLETED);
    moirai_plugin_t empty = {.user = NULL};
    moirai_executor_attr_init(&attr);
    for (int i = 0; i < MOIRAI_PLUGINS_MAX; i++)
        assert_int_equal(moirai_executor_attr_add_plugin(&attr, &empty), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, &empty), MOIRAI_EOVERFLOW);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, NULL), MOIRAI_EINVAL);
    x = made_of(&attr);
    assert_int_equal(moirai_run(x, twice, &n, sizeof n), MOIRAI_OK);
    end(x);
    memset(&attr, 0, sizeof attr);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, &empty), MOIRAI_EINVAL);
}

static void follow(void *data, const moirai_before_t *before)
{
}

/* A task that waits for others, in an executor with plug-ins: followers, groups, joins in place. */
static void use_all(void *data)
{
    moirai_group_t *g;
    moirai_task_t task, then;
    long n = 1, one = 1;
    assert_int_equal(moirai_group_open(&g, NULL, MOIRAI_GROUP_ISOLATED), MOIRAI_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(moirai_group_spawn(g, NULL, twice, &n, sizeof n), MOIRAI_OK);
    assert_int_equal(moirai_group_close(g), MOIRAI_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(moirai_spawn(NULL, &task, twice, &n, sizeof n), MOIRAI_OK);
        assert_int_equal(moirai_join(&task, &n), MOIRAI_OK);
    }
    assert_int_equal(moirai_spawn(NULL, &task, twice, &one, sizeof one), MOIRAI_OK);
    assert_int_equal(moirai_then(&task, &then, follow, &one, sizeof one), MOIRAI_OK);
    assert_int_equal(moirai_join(&then, NULL), MOIRAI_OK);
    moirai_task_yield();
    *(long *)data = n;
}

static long events[6];
#define COUNT(function, what)                                                                                          \
    static void function(void *user, const moirai_task_info_t *t)                                                      \
    {                                                                                                                  \
        ADD(&events[what], 1);                                                                                         \
    }
COUNT(count_0, 0)
COUNT(count_1, 1)
COUNT(count_2, 2)
COUNT(count_3, 3)
COUNT(count_4, 4)
COUNT(count_5, 5)
static const moirai_plugin_t counting = {NULL, count_0, count_1, count_2, count_3, count_4, count_5, NULL, NULL};

static void expect_events(long tasks)
{
    for (int i = 0; i < 6; i++)
        assert_int_equal(GET(&events[i]), tasks);
}

static void test_plugins_inside(void **unused)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        moirai_executor_attr_t attr = attr_of(workers);
        moirai_executor_stats_t stats;
        long n = 0;
        memset(events, 0, sizeof events);
        assert_int_equal(moirai_executor_attr_add_plugin(&attr, &counting), MOIRAI_OK);
        assert_int_equal(moirai_executor_attr_set_metrics(&attr, 1), MOIRAI_OK);
        moirai_executor_t *x = made_of(&attr);
        assert_int_equal(moirai_run(x, use_all, &n, sizeof n), MOIRAI_OK);
        assert_int_equal(n, 32);
        assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
        assert_int_equal(moirai_executor_stats(x, &stats), MOIRAI_OK);
        assert_true(stats.busy_ns >= stats.longest_ns && stats.longest_ns > 0);
        assert_int_equal(stats.executed, 28);
        assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
        expect_events(28);
    }
    moirai_executor_attr_t attr = attr_of(1);
    assert_int_equal(moirai_executor_attr_set_metrics(&attr, 2), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_priorities(&attr, -1), MOIRAI_EINVAL);
}

/* ---- The registry. */
static void test_registry(void **unused)
{
    moirai_executor_attr_t attr = attr_of(1);
    moirai_error_t error = {.code = 1};
    moirai_task_t task, busy;
    struct gate g = {0};
    long n = 3;
    int none = 0;
    assert_int_equal(moirai_executor_attr_set_retention(&attr, 0, 5, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_retention(&attr, 5, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_retention(&attr, 0, 0, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_set_retention(&attr, MOIRAI_FOREVER, 4, 0), MOIRAI_OK);
    moirai_executor_t *x = made_of(&attr);
    occupy(x, &g, &busy);
    /* Tasks whose handles are used up at once are found all the same: waiting, cancelled, and when they are over. */
    uint64_t id[6];
    for (int i = 0; i < 6; i++) {
        assert_int_equal(
            moirai_spawn(x, &task, i == 5 ? goes_wrong : twice, i == 5 ? (void *)&none : &n, i == 5 ? 4 : 8),
            MOIRAI_OK);
        id[i] = moirai_task_id(&task);
        assert_int_equal(moirai_detach(&task), MOIRAI_OK);
        assert_int_equal(moirai_id_state(id[i]), MOIRAI_TASK_QUEUED);
    }
    assert_int_equal(moirai_id_cancel(id[4]), MOIRAI_OK);
    assert_int_equal(moirai_id_cancel(id[4]), MOIRAI_EALREADY);
    assert_int_equal(moirai_id_state(id[4]), MOIRAI_TASK_CANCELLED);
    uint64_t first = moirai_task_id(&busy);
    assert_int_equal(moirai_id_state(first), MOIRAI_TASK_RUNNING);
    assert_int_equal(moirai_id_cancel(first), MOIRAI_EBUSY);
    SET(&g.go, true);
    AWAIT(moirai_id_state(id[5]) == MOIRAI_TASK_FAILED || moirai_id_state(id[3]) == MOIRAI_ESTALE);
    for (int i = 0; i < 6; i++)
        AWAIT(moirai_id_state(id[i]) != MOIRAI_TASK_QUEUED && moirai_id_state(id[i]) != MOIRAI_TASK_RUNNING);
    /* Four are kept, the last ones that were over: 1, 2, 3 and the failed one. The handle of the first keeps its
       number. */
    assert_int_equal(moirai_id_state(id[4]), MOIRAI_ESTALE);
    assert_int_equal(moirai_id_state(id[0]), MOIRAI_ESTALE);
    for (int i = 1; i < 4; i++)
        assert_int_equal(moirai_id_state(id[i]), MOIRAI_TASK_COMPLETED);
    assert_int_equal(moirai_id_state(first), MOIRAI_TASK_COMPLETED);
    assert_int_equal(moirai_id_error(id[1], &error), MOIRAI_OK);
    assert_int_equal(error.code, 1);
    assert_int_equal(moirai_id_error(id[5], &error), MOIRAI_EFAILED);
    assert_int_equal(error.code, 7);
    assert_string_equal(error.text, "went wrong");
    assert_int_equal(moirai_id_error(id[5], NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_id_error(id[0], &error), MOIRAI_ESTALE);
    assert_int_equal(moirai_id_cancel(id[5]), MOIRAI_EALREADY);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_id_state(id[5]), MOIRAI_TASK_FAILED); /* until it is freed */
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    assert_int_equal(moirai_id_state(id[5]), MOIRAI_ESTALE);
}

static void test_retention_time(void **unused)
{
    moirai_executor_attr_t attr = attr_of(1);
    moirai_task_t task;
    long n = 3;
    assert_int_equal(moirai_executor_attr_set_retention(&attr, 1, 1000, 1000 * MS), MOIRAI_OK); /* 1 ns */
    moirai_executor_t *x = made_of(&attr);
    assert_int_equal(moirai_spawn(x, &task, twice, &n, sizeof n), MOIRAI_OK);
    uint64_t id = moirai_task_id(&task);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_OK);
    assert_int_equal(moirai_id_state(id), MOIRAI_ESTALE); /* nobody has swept yet */
    for (int i = 0; i < 5000; i++)                        /* the table grows and shrinks */
        assert_int_equal(moirai_spawn(x, NULL, twice, &n, sizeof n), MOIRAI_OK);
    end(x);
}

/* By number and by handle at once, while it begins: one of them, or the worker, gets it. */
static void *cancels(void *id)
{
    int status = moirai_id_cancel(*(uint64_t *)id);
    assert_true(status == MOIRAI_OK || status == MOIRAI_EBUSY || status == MOIRAI_EALREADY);
    return (void *)(intptr_t)(status == MOIRAI_OK);
}

static void test_cancel_races(void **unused)
{
    moirai_executor_attr_t attr = attr_of(2);
    memset(events, 0, sizeof events);
    assert_int_equal(moirai_executor_attr_set_retention(&attr, MOIRAI_FOREVER, 10, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, &counting), MOIRAI_OK);
    moirai_executor_t *x = made_of(&attr);
    for (int i = 0; i < 300; i++) {
        moirai_task_t task;
        void *by_number;
        assert_int_equal(moirai_spawn(x, &task, nothing, NULL, 0), MOIRAI_OK);
        uint64_t id = moirai_task_id(&task);
        pthread_t t = start(cancels, &id);
        bool by_handle = moirai_cancel(&task) == MOIRAI_OK;
        assert_int_equal(moirai_detach(&task), MOIRAI_OK);
        pthread_join(t, &by_number);
        assert_false(by_handle && by_number);
        AWAIT(moirai_id_state(id) >= MOIRAI_TASK_COMPLETED);
        assert_int_equal(moirai_id_state(id) == MOIRAI_TASK_CANCELLED, by_handle || by_number);
    }
    end(x);
    assert_int_equal(events[0], 300);
    assert_int_equal(events[2], events[3]);
    assert_int_equal(events[5], 300);
}

/* ---- Priorities that do not count, and schedulers. */
struct order {
    int next, place[6];
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

static void run_six(moirai_executor_t *x, struct order *order, bool prefer_last)
{
    struct gate g = {0};
    moirai_task_t busy;
    moirai_task_attr_t attr;
    order->next = 0;
    occupy(x, &g, &busy);
    for (int i = 0; i < 6; i++) {
        struct entrant e = {order, i};
        moirai_task_attr_init(&attr);
        moirai_task_attr_set_priority(&attr, prefer_last && i == 5 ? MOIRAI_PRIORITY_URGENT : 0);
        moirai_task_attr_set_cost_ns(&attr, 10);
        moirai_task_attr_set_name(&attr, "entrant");
        assert_int_equal(moirai_spawn_with(x, NULL, &attr, enter_in_order, &e, sizeof e), MOIRAI_OK);
    }
    assert_true(moirai_executor_load(x) == 6);
    SET(&g.go, true);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
}

static void test_no_priorities(void **unused)
{
    moirai_executor_attr_t attr = attr_of(1);
    struct order order;
    run_six(made_of(&attr), &order, true);
    assert_int_equal(order.place[5], 0);
    assert_int_equal(moirai_executor_attr_set_priorities(&attr, 0), MOIRAI_OK);
    run_six(made_of(&attr), &order, true);
    assert_int_equal(order.place[5], 5);
}

static void test_fifo(void **unused)
{
    moirai_executor_attr_t attr = attr_of(1);
    moirai_fifo_t fifo;
    struct order order;
    moirai_fifo_init(&fifo);
    assert_int_equal(moirai_executor_attr_set_scheduler(&attr, moirai_fifo_scheduler(), &fifo), MOIRAI_OK);
    run_six(made_of(&attr), &order, true);
    for (int i = 0; i < 6; i++)
        assert_int_equal(order.place[i], i);
    for (unsigned workers = 1; workers <= 3; workers++) {
        long n = 0;
        assert_int_equal(moirai_executor_attr_set_workers(&attr, workers), MOIRAI_OK);
        moirai_executor_t *x = made_of(&attr);
        assert_int_equal(moirai_run(x, use_all, &n, sizeof n), MOIRAI_OK);
        assert_int_equal(n, 32);
        end(x);
    }
    moirai_scheduler_t half = *moirai_fifo_scheduler();
    half.try_steal = NULL;
    assert_int_equal(moirai_executor_attr_set_scheduler(&attr, &half, &fifo), MOIRAI_EINVAL);
    memset(&attr, 0, sizeof attr);
    assert_int_equal(moirai_executor_attr_set_scheduler(&attr, NULL, NULL), MOIRAI_EINVAL);
}

/* A program's own: a stack for each worker, the first worker's for outsiders, too; it says no when it is told to. */
#define OWN_WORKERS 3
struct own {
    pthread_mutex_t lock;
    moirai_entry_t *top[OWN_WORKERS];
    size_t size[OWN_WORKERS], kept, handed_out, stolen;
    bool refuses;
};

static int own_schedule(void *self, int worker, moirai_entry_t *entry)
{
    struct own *o = self;
    int at = worker < 0 ? 0 : worker;
    if (GET(&o->refuses))
        return MOIRAI_EBUSY;
    pthread_mutex_lock(&o->lock);
    *moirai_entry_link(entry) = o->top[at];
    o->top[at] = entry;
    o->size[at]++;
    o->kept++;
    assert_true(moirai_entry_priority(entry) == 0 && moirai_entry_cost_ns(entry) <= 10);
    assert_true(!moirai_entry_name(entry) || !strcmp(moirai_entry_name(entry), "entrant"));
    pthread_mutex_unlock(&o->lock);
    return MOIRAI_OK;
}

static moirai_entry_t *own_next(void *self, unsigned worker)
{
    struct own *o = self;
    pthread_mutex_lock(&o->lock);
    moirai_entry_t *entry = o->top[worker];
    if (entry) {
        o->top[worker] = *moirai_entry_link(entry);
        o->size[worker]--;
        o->handed_out++;
    }
    pthread_mutex_unlock(&o->lock);
    return entry;
}

static moirai_entry_t *own_try_steal(void *self, unsigned thief, unsigned victim)
{
    struct own *o = self;
    moirai_entry_t *entry = own_next(self, victim);
    assert_int_not_equal(thief, victim);
    if (entry)
        ADD(&o->stolen, 1);
    return entry;
}

static size_t own_load(void *self)
{
    struct own *o = self;
    pthread_mutex_lock(&o->lock);
    size_t sum = o->size[0] + o->size[1] + o->size[2];
    pthread_mutex_unlock(&o->lock);
    return sum;
}

static int own_can_be_stolen_from(void *self, unsigned victim)
{
    struct own *o = self;
    pthread_mutex_lock(&o->lock);
    int can = o->size[victim] > 0;
    pthread_mutex_unlock(&o->lock);
    return can;
}

static const moirai_scheduler_t own_scheduler = {own_schedule, own_next, own_try_steal, own_load,
                                                 own_can_be_stolen_from};

static void count_up(void *data)
{
    ADD(*(long **)data, 1);
}

static void test_own_scheduler(void **unused)
{
    moirai_executor_attr_t attr = attr_of(1);
    struct own o = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct order order;
    assert_int_equal(moirai_executor_attr_set_scheduler(&attr, &own_scheduler, &o), MOIRAI_OK);
    run_six(made_of(&attr), &order, false);
    for (int i = 0; i < 6; i++)
        assert_int_equal(order.place[i], 5 - i); /* a stack */
    assert_int_equal(moirai_executor_attr_set_workers(&attr, OWN_WORKERS), MOIRAI_OK);
    moirai_executor_t *x = made_of(&attr);
    long n = 0, hits = 0, *h = &hits;
    assert_int_equal(moirai_run(x, use_all, &n, sizeof n), MOIRAI_OK);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(moirai_spawn(x, NULL, count_up, &h, sizeof h), MOIRAI_OK);
    AWAIT(GET(&hits) == 2000);
    SET(&o.refuses, true);
    assert_int_equal(moirai_spawn(x, NULL, count_up, &h, sizeof h), MOIRAI_ENOMEM);
    SET(&o.refuses, false);
    end(x);
    assert_int_equal(hits, 2000);
    assert_int_equal(o.kept, o.handed_out);
    assert_int_equal(own_load(&o), 0);
}

/* ---- The small interfaces: the same code with the executor and with something else. */
static int two_by(const moirai_spawner_t *on, long *n)
{
    moirai_task_t task;
    int status = on->spawn(on->self, &task, NULL, twice, n, sizeof *n);
    return status == MOIRAI_OK && on->self ? moirai_join(&task, n) : status;
}

static int runs_at_once(void *self, moirai_task_t *task, const moirai_task_attr_t *attr, void (*fn)(void *data),
                        const void *data, size_t bytes)
{
    fn((void *)data);
    return MOIRAI_OK;
}

static void test_interfaces(void **unused)
{
    moirai_executor_attr_t attr = attr_of(2);
    moirai_executor_t *x = made_of(&attr);
    moirai_spawner_t spawner, fake = {.spawn = runs_at_once};
    moirai_manager_t manager;
    moirai_control_t control;
    moirai_executor_stats_t stats;
    moirai_error_t error;
    moirai_task_t task, busy;
    struct gate g = {0}, *p = &g;
    long n = 1;
    assert_int_equal(moirai_executor_spawner(x, &spawner), MOIRAI_OK);
    assert_int_equal(moirai_executor_manager(x, &manager), MOIRAI_OK);
    assert_int_equal(moirai_executor_control(x, &control), MOIRAI_OK);
    assert_int_equal(moirai_executor_control(x, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_manager(NULL, &manager), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_spawner(NULL, NULL), MOIRAI_EINVAL);
    assert_int_equal(two_by(&spawner, &n), MOIRAI_OK);
    assert_int_equal(two_by(&fake, &n), MOIRAI_OK);
    assert_int_equal(n, 4);
    assert_int_equal(spawner.spawn_many(spawner.self, NULL, &task, twice, &n, sizeof n, 1, NULL), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, &n), MOIRAI_OK);
    assert_int_equal(n, 8);
    assert_int_equal(spawner.spawn_blocking(spawner.self, &busy, wait_at, &p, sizeof p), MOIRAI_OK);
    AWAIT(GET(&g.in));
    uint64_t id = moirai_task_id(&busy);
    assert_int_equal(manager.state(manager.self, id), MOIRAI_TASK_RUNNING);
    assert_int_equal(manager.error(manager.self, id, &error), MOIRAI_OK);
    assert_int_equal(manager.cancel(manager.self, id), MOIRAI_EBUSY);
    SET(&g.go, true);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    assert_int_equal(control.worker_count(control.self), 2);
    assert_int_equal(control.is_shutting_down(control.self), 0);
    assert_true(control.load(control.self) >= 0);
    assert_int_equal(control.stats(control.self, &stats), MOIRAI_OK);
    assert_int_equal(control.shutdown(control.self, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(control.is_shutting_down(control.self), 1);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
}

/* ---- A table of the program's own that leaves the order to the usual one. */
struct counting {
    moirai_stealing_t *usual;
    long scheduled, from_outside, given;
};

static int counting_schedule(void *self, int worker, moirai_entry_t *entry)
{
    struct counting *c = self;
    int status = moirai_stealing_scheduler()->schedule(c->usual, worker, entry);
    if (status == MOIRAI_OK) {
        ADD(&c->scheduled, 1);
        ADD(&c->from_outside, worker < 0);
    }
    return status;
}

static moirai_entry_t *counting_next(void *self, unsigned worker)
{
    struct counting *c = self;
    moirai_entry_t *entry = moirai_stealing_scheduler()->next(c->usual, worker);
    ADD(&c->given, entry != NULL);
    return entry;
}

static moirai_entry_t *counting_try_steal(void *self, unsigned thief, unsigned victim)
{
    struct counting *c = self;
    moirai_entry_t *entry = moirai_stealing_scheduler()->try_steal(c->usual, thief, victim);
    ADD(&c->given, entry != NULL);
    return entry;
}

static size_t counting_load(void *self)
{
    return moirai_stealing_scheduler()->load(((struct counting *)self)->usual);
}

static int counting_can_be_stolen_from(void *self, unsigned victim)
{
    return moirai_stealing_scheduler()->can_be_stolen_from(((struct counting *)self)->usual, victim);
}

static const moirai_scheduler_t counting_scheduler = {.schedule = counting_schedule,
                                                      .next = counting_next,
                                                      .try_steal = counting_try_steal,
                                                      .load = counting_load,
                                                      .can_be_stolen_from = counting_can_be_stolen_from};

static moirai_executor_t *made_counting(struct counting *c, unsigned workers)
{
    moirai_executor_attr_t attr = attr_of(workers);
    assert_int_equal(moirai_stealing_new(&c->usual, workers), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_set_scheduler(&attr, &counting_scheduler, c), MOIRAI_OK);
    return made_of(&attr);
}

#define BRANCHES 300
#define LEAVES   200
static int ran[BRANCHES][LEAVES];

static void leaf(void *data)
{
    ADD(*(int **)data, 1);
}

/* More than a deque has room for at first, for thieves to find. */
static void branch(void *data)
{
    int *row = *(int **)data;
    for (int i = 0; i < LEAVES; i++) {
        int *place = &row[i];
        assert_int_equal(moirai_spawn(NULL, NULL, leaf, &place, sizeof place), MOIRAI_OK);
    }
}

static void test_delegated_scheduler(void **unused)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        struct counting c = {0};
        moirai_executor_t *x = made_counting(&c, workers);
        memset(ran, 0, sizeof ran);
        for (int i = 0; i < BRANCHES; i++) {
            int *row = ran[i];
            assert_int_equal(moirai_spawn(x, NULL, branch, &row, sizeof row), MOIRAI_OK);
        }
        end(x);
        for (int i = 0; i < BRANCHES * LEAVES; i++)
            assert_int_equal(ran[i / LEAVES][i % LEAVES], 1);
        assert_int_equal(c.from_outside, BRANCHES);
        assert_int_equal(c.scheduled, BRANCHES + BRANCHES * LEAVES);
        assert_int_equal(c.given, c.scheduled);
        assert_int_equal(moirai_stealing_free(c.usual), MOIRAI_OK);
    }
}

static int order[4], ordered;

static void write_down(void *data)
{
    order[ordered++] = *(int *)data; /* one worker */
}

static void test_delegated_order(void **unused)
{
    static const int priorities[] = {MOIRAI_PRIORITY_LOW, MOIRAI_PRIORITY_NORMAL, MOIRAI_PRIORITY_URGENT,
                                     MOIRAI_PRIORITY_HIGH};
    struct counting c = {0};
    struct gate g = {0};
    moirai_task_attr_t attr;
    moirai_task_t busy;
    moirai_executor_t *x = made_counting(&c, 1);
    occupy(x, &g, &busy);
    moirai_task_attr_init(&attr);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(moirai_task_attr_set_priority(&attr, priorities[i]), MOIRAI_OK);
        assert_int_equal(moirai_spawn_with(x, NULL, &attr, write_down, &priorities[i], sizeof(int)), MOIRAI_OK);
    }
    assert_int_equal(moirai_stealing_free(c.usual), MOIRAI_EBUSY);
    assert_int_equal(moirai_stealing_scheduler()->load(c.usual), 4);
    assert_false(moirai_stealing_scheduler()->can_be_stolen_from(c.usual, 0)); /* they came from outside */
    SET(&g.go, true);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    end(x);
    for (int i = 0; i < 4; i++)
        assert_int_equal(order[i], MOIRAI_PRIORITY_URGENT - i);
    assert_int_equal(moirai_stealing_free(c.usual), MOIRAI_OK);
    assert_int_equal(moirai_stealing_free(NULL), MOIRAI_OK);
    assert_int_equal(moirai_stealing_new(NULL, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_stealing_new(&c.usual, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_stealing_new(&c.usual, MOIRAI_WORKERS_MAX + 1), MOIRAI_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugins),
        cmocka_unit_test(test_plugins_inside),
        cmocka_unit_test(test_registry),
        cmocka_unit_test(test_retention_time),
        cmocka_unit_test(test_cancel_races),
        cmocka_unit_test(test_no_priorities),
        cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_own_scheduler),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_delegated_scheduler),
        cmocka_unit_test(test_delegated_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
