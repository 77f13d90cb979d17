/* Many tasks: none is lost, none runs twice.
   usage: tasks_storm foreign|shutdown|outstanding|handles|mixed|watched|idle */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <moirai/moirai.h>

#include "storm.h"

#define SLOW SLOWER(8) /* so many times fewer where each event costs more */

static moirai_executor_t *x;

/* With all that an executor can have beyond the usual. */
static bool watched;
static long told[2];
static moirai_fifo_t fifo;

static void spawned(void *user, const moirai_task_info_t *task)
{
    __atomic_add_fetch(&told[0], task->id != 0, __ATOMIC_RELAXED);
}

static void completed(void *user, const moirai_task_info_t *task)
{
    __atomic_add_fetch(&told[1], task->phase >= MOIRAI_TASK_COMPLETED, __ATOMIC_RELAXED);
}

static const moirai_plugin_t plugin = {.after_spawn = spawned, .before_complete = completed};

static void make(unsigned workers)
{
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    if (watched) {
        told[0] = told[1] = 0;
        moirai_fifo_init(&fifo);
        EXPECT(moirai_executor_attr_add_plugin(&attr, &plugin) == MOIRAI_OK);
        EXPECT(moirai_executor_attr_set_retention(&attr, 1000000, 1000, 100000) == MOIRAI_OK);
        EXPECT(moirai_executor_attr_set_metrics(&attr, 1) == MOIRAI_OK);
        if (workers % 2)
            EXPECT(moirai_executor_attr_set_scheduler(&attr, moirai_fifo_scheduler(), &fifo) == MOIRAI_OK);
    }
    EXPECT(moirai_executor_attr_set_workers(&attr, workers) == MOIRAI_OK);
    EXPECT(moirai_executor_new(&x, &attr) == MOIRAI_OK);
}

static void finish(void)
{
    EXPECT(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0) == MOIRAI_OK);
    EXPECT(moirai_executor_free(x) == MOIRAI_OK);
    EXPECT(told[0] == told[1]);
}

static void hit(void *data)
{
    __atomic_add_fetch(*(unsigned char **)data, 1, __ATOMIC_RELAXED);
}

static void expect_one_each(const unsigned char *hits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        EXPECT(hits[i] == 1);
}

static void run_threads(void *(*body)(void *), uintptr_t n)
{
    pthread_t t[16];
    for (uintptr_t i = 0; i < n; i++)
        EXPECT(pthread_create(&t[i], NULL, body, (void *)i) == 0);
    for (uintptr_t i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

/* ---- Four threads that are no workers, 80,000 tasks; pauses let the workers fall asleep. */
#define FOREIGN    4
#define EACH       (20000 / SLOW)
#define FOREIGNERS (FOREIGN * EACH)

static unsigned char hits[FOREIGNERS];

static void *spawns(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg + 1;
    for (size_t i = (uintptr_t)arg * EACH; i < ((uintptr_t)arg + 1) * EACH; i++) {
        unsigned char *p = &hits[i];
        EXPECT(moirai_spawn(x, NULL, hit, &p, sizeof p) == MOIRAI_OK);
        if (next(&seed) % 2048 == 0)
            usleep(300);
    }
    return NULL;
}

static void foreign(void)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        make(workers);
        memset(hits, 0, sizeof hits);
        run_threads(spawns, FOREIGN);
        finish();
        expect_one_each(hits, FOREIGNERS);
    }
}

/* ---- Shutdowns in the middle of it: what was taken runs, what was not has a status. */
static unsigned char taken[FOREIGNERS];

static void *spawns_until_refused(void *arg)
{
    for (size_t i = (uintptr_t)arg * EACH; i < ((uintptr_t)arg + 1) * EACH; i++) {
        unsigned char *p = &hits[i];
        int status = moirai_spawn(x, NULL, hit, &p, sizeof p);
        EXPECT(status == MOIRAI_OK || status == MOIRAI_ESHUTDOWN);
        taken[i] = status == MOIRAI_OK;
        if (!taken[i])
            break;
    }
    return NULL;
}

static void *shuts_down(void *arg)
{
    usleep((useconds_t)(uintptr_t)arg);
    EXPECT(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0) == MOIRAI_OK);
    return NULL;
}

static void shutdown_races(void)
{
    for (uintptr_t round = 0; round < 40 / SLOW + 2; round++) {
        pthread_t t;
        make(1 + round % 3);
        memset(hits, 0, sizeof hits);
        memset(taken, 0, sizeof taken);
        EXPECT(pthread_create(&t, NULL, shuts_down, (void *)(round * 37 % 2000)) == 0);
        run_threads(spawns_until_refused, FOREIGN);
        pthread_join(t, NULL);
        EXPECT(moirai_executor_free(x) == MOIRAI_OK);
        EXPECT(memcmp(hits, taken, sizeof hits) == 0);
    }
}

/* ---- A million tasks that wait. */
#define MANY (1000000 / SLOW)

static size_t resident_bytes(void)
{
    unsigned long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");
    EXPECT(f && fscanf(f, "%lu %lu", &all, &pages) == 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static long ran;

static void count(void *data)
{
    __atomic_add_fetch(&ran, *(long *)data, __ATOMIC_RELAXED);
}

static void spawn_many_here(void *data)
{
    moirai_group_t *g;
    long one = 1;
    size_t before = resident_bytes();
    EXPECT(moirai_group_open(&g, NULL, 0) == MOIRAI_OK);
    for (long i = 0; i < MANY; i++)
        EXPECT(moirai_group_spawn(g, NULL, count, &one, sizeof one) == MOIRAI_OK);
    *(size_t *)data = resident_bytes() - before;
    EXPECT(moirai_group_close(g) == MOIRAI_OK);
}

static void outstanding(void)
{
    size_t bytes = 0;
    make(1);
    moirai_task_t task;
    EXPECT(moirai_spawn(x, &task, spawn_many_here, &bytes, sizeof bytes) == MOIRAI_OK);
    while (moirai_task_state(&task) <
           MOIRAI_TASK_COMPLETED) /* a join might run it here, and the worker what it creates */
        usleep(200);
    EXPECT(moirai_join(&task, &bytes) == MOIRAI_OK);
    EXPECT(ran == MANY);
    printf("%d tasks outstanding: %.1f bytes each\n", MANY, (double)bytes / MANY);
#if SLOW == 1
    EXPECT(bytes / MANY <= 96);
#endif
    finish();
}

/* ---- So many handles at once. */
#define HANDLES (65536 / SLOW)

static void square(void *data)
{
    *(uint64_t *)data *= *(uint64_t *)data;
}

static void handles(void)
{
    moirai_task_t *task = malloc(HANDLES * sizeof *task);
    make(2);
    for (uint64_t i = 0; i < HANDLES; i++)
        EXPECT(moirai_spawn(x, &task[i], square, &i, sizeof i) == MOIRAI_OK);
    for (uint64_t i = 0, result; i < HANDLES; i++)
        EXPECT(moirai_join(&task[i * 40503 % HANDLES], &result) == MOIRAI_OK &&
               result == i * 40503 % HANDLES * (i * 40503 % HANDLES));
    finish();
    free(task);
}

/* ---- Everything at once: a tree whose nodes wait for their children in all ways, cancel some and leave others. Each
   node counts itself when it begins and is counted by its parent by how it ended. */
#define DEPTH 7
static long begun, ended, never, left_alone;

struct node {
    uint32_t seed, depth;
    long sum; /* nodes below that are known to have run, and itself */
};

static void node(void *data);

static void add(long *to, long n)
{
    __atomic_add_fetch(to, n, __ATOMIC_RELAXED);
}

static void collect(struct node *n, int status, const struct node *child)
{
    EXPECT(status == MOIRAI_OK || status == MOIRAI_ECANCELED);
    if (status == MOIRAI_OK)
        n->sum += child->sum;
    add(status == MOIRAI_OK ? &ended : &never, 1);
}

static void follow(void *data, const moirai_before_t *before)
{
    struct node *n = data;
    moirai_outcome_t o;
    for (size_t i = 0; moirai_before_outcome(before, i, &o) == MOIRAI_OK; i++)
        collect(n, o.status, o.result);
}

static void wait_for(struct node *n, moirai_task_t *task)
{
    struct node child;
    int status;
    uint32_t how = next(&n->seed) % 5;
    if (how == 0 &&
        watched) /* one queue for all: its stack would be full of strangers, and there no task runs in a yield */
        how = 4;
    switch (how) {
    case 0:
        while ((status = moirai_try_join(task, &child)) == MOIRAI_EBUSY)
            moirai_task_yield();
        break;
    case 1:
        while ((status = moirai_join_until(task, &child, moirai_now_ns() + next(&n->seed) % 50000)) == MOIRAI_ETIMEDOUT)
            ;
        break;
    case 2:
        status = moirai_join_any(task, 1, NULL, &child, MOIRAI_FOREVER);
        break;
    default:
        status = moirai_join(task, &child);
    }
    collect(n, status, &child);
}

static void use_handles(struct node *n, const struct node *child, unsigned children)
{
    moirai_task_t task[8];
    uint32_t how = next(&n->seed) % 8;
    for (unsigned i = 0; i < children; i++)
        EXPECT(moirai_spawn(NULL, &task[i], node, &child[i], sizeof *child) == MOIRAI_OK);
    if (how == 0) {
        moirai_task_t then;
        struct node sum = {0};
        EXPECT(moirai_then_all(task, children, &then, follow, &sum, sizeof sum) == MOIRAI_OK);
        EXPECT(moirai_join(&then, &sum) == MOIRAI_OK);
        n->sum += sum.sum;
        return;
    }
    for (unsigned i = 0; i < children; i++) {
        if (how == 1 && next(&n->seed) % 2) {
            int status = moirai_cancel(&task[i]);
            EXPECT(status == MOIRAI_OK || status == MOIRAI_EBUSY || status == MOIRAI_EALREADY);
        } else if (how == 2) {
            add(&left_alone, 1);
            EXPECT(moirai_detach(&task[i]) == MOIRAI_OK);
            continue;
        }
        struct node result;
        if (how == 1)
            collect(n, moirai_join(&task[i], &result), &result);
        else
            wait_for(n, &task[i]);
    }
}

static void use_group(struct node *n, const struct node *child, unsigned children)
{
    moirai_group_t *g;
    bool cancels = next(&n->seed) % 8 == 0;
    EXPECT(moirai_group_open(&g, NULL, next(&n->seed) % 2 ? MOIRAI_GROUP_ISOLATED : 0) == MOIRAI_OK);
    moirai_task_t task[8];
    for (unsigned i = 0; i < children; i++)
        EXPECT(moirai_group_spawn(g, &task[i], node, &child[i], sizeof *child) == MOIRAI_OK);
    if (cancels)
        EXPECT(moirai_group_cancel(g) == MOIRAI_OK);
    int status = moirai_group_close(g);
    EXPECT(status == MOIRAI_OK || status == MOIRAI_ECANCELED);
    for (unsigned i = 0; i < children; i++) {
        struct node result;
        collect(n, moirai_try_join(&task[i], &result), &result);
    }
}

static void node(void *data)
{
    struct node *n = data, child[8];
    unsigned children = n->depth ? 1 + next(&n->seed) % 4 : 0;
    n->sum = 1;
    add(&begun, 1);
    for (unsigned i = 0; i < children; i++)
        child[i] = (struct node){.seed = next(&n->seed) | 1, .depth = n->depth - 1};
    if (!children)
        return;
    if (next(&n->seed) % 3)
        use_handles(n, child, children);
    else
        use_group(n, child, children);
}

static void *grows(void *arg)
{
    for (uint32_t i = 0; i < 24 / SLOW + 1; i++) {
        struct node root = {.seed = (uint32_t)(uintptr_t)arg * 7919 + i * 31 + 1, .depth = DEPTH};
        moirai_task_t task;
        EXPECT(moirai_spawn(x, &task, node, &root, sizeof root) == MOIRAI_OK);
        EXPECT(moirai_join(&task, &root) == MOIRAI_OK);
        add(&ended, 1);
    }
    return NULL;
}

static void mixed(void)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        begun = ended = never = left_alone = 0;
        make(workers);
        run_threads(grows, 3);
        finish();
        printf("%u workers: %ld tasks, %ld cancelled, %ld detached\n", workers, begun, never, left_alone);
        EXPECT(begun == ended + left_alone);
    }
}

/* ---- What an idle executor takes, beyond the stacks of its threads. */
static moirai_executor_stats_t idle_with(unsigned workers)
{
    moirai_executor_stats_t s;
    make(workers);
    EXPECT(moirai_executor_stats(x, &s) == MOIRAI_OK);
    EXPECT(s.workers == workers);
    finish();
    return s;
}

static void idle(void)
{
    moirai_executor_stats_t few = idle_with(2), many = idle_with(10);
    double deque = (double)(many.deque_bytes - few.deque_bytes) / 8;
    double rest = (double)(many.memory_bytes - few.memory_bytes) / 8 - deque;
    printf("an idle executor of 2 workers: %llu bytes; each more: %.0f and a deque of %.0f\n",
           (unsigned long long)few.memory_bytes, rest, deque);
    EXPECT(rest <= 1024);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "foreign"))
        foreign();
    else if (!strcmp(what, "shutdown"))
        shutdown_races();
    else if (!strcmp(what, "outstanding"))
        outstanding();
    else if (!strcmp(what, "handles"))
        handles();
    else if (!strcmp(what, "mixed") || (watched = !strcmp(what, "watched")))
        mixed();
    else if (!strcmp(what, "idle"))
        idle();
    else
        return 2;
    return 0;
}
