/* What bench/cache runs under valgrind's model of caches. usage: cache pool|malloc|near|random

   pool, malloc: trees of small nodes grow and are cut, by two workers; the nodes come from a pool, or from malloc().
   near, random: eight workers on a made-up machine of four nodes. Each has an array of its own and makes tasks that go
   over pieces of it; thieves ask their neighbours first, or in an order that is drawn anew for each task. Prints how
   many of the tasks that were stolen, in percent, went to another node than their array is of. */
#include "moirai/moirai.h"
#include "sched/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect(bool it, const char *what)
{
    if (it)
        return;
    fprintf(stderr, "cache: no %s\n", what);
    exit(1);
}

static moirai_executor_t *make_executor(unsigned workers, int numa)
{
    moirai_executor_t *executor = NULL;
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, workers);
    moirai_executor_attr_set_numa(&attr, numa);
    expect(moirai_executor_new(&executor, &attr) == MOIRAI_OK, "executor");
    return executor;
}

/* ---- Objects. */
#define TREES 300
#define DEPTH 9

struct node {
    struct node *child[2];
    long value;
};

static moirai_pool_t *pool; /* NULL: malloc() */

static struct node *grow(int depth)
{
    struct node *n = pool ? moirai_pool_get(pool) : malloc(sizeof *n);
    expect(n != NULL, "memory");
    *n = (struct node){.value = depth};
    for (int i = 0; i < 2 && depth; i++)
        n->child[i] = grow(depth - 1);
    return n;
}

static long cut(struct node *n)
{
    long sum = n->value;
    for (int i = 0; i < 2; i++)
        if (n->child[i])
            sum += cut(n->child[i]);
    if (pool)
        moirai_pool_put(pool, n);
    else
        free(n);
    return sum;
}

/* Trees of different ages: a new one grows before the last one is cut. */
static void grow_and_cut(void *context, size_t from, size_t to)
{
    struct node *old = grow(DEPTH);
    for (size_t i = from; i < to; i++) {
        struct node *next = grow(DEPTH - (int)(i % 3));
        *(volatile long *)context += cut(old);
        old = next;
    }
    cut(old);
}

static void objects(bool from_pool)
{
    moirai_executor_t *executor = make_executor(2, MOIRAI_NUMA_OFF);
    long sum = 0;
    if (from_pool)
        expect(moirai_pool_new(&pool, sizeof(struct node), _Alignof(struct node), 0) == MOIRAI_OK, "pool");
    expect(moirai_for(executor, 0, TREES, TREES / 4, grow_and_cut, &sum) == MOIRAI_OK, "loop");
}

/* ---- Thefts. */
#define WORKERS   8
#define PIECES    64
#define PIECE     512 /* longs */
#define ROUNDS    20
#define PRODUCERS (WORKERS / 2)

static bool at_random;
static _Atomic unsigned begun, ready, elsewhere, stolen;
static long array[WORKERS][PIECES * PIECE];

struct piece {
    long *at;
    int node; /* that has it */
};

/* The order is the worker's own: nobody else reads it. */
static void shuffle(void)
{
    static __thread uint32_t seed;
    struct mo_member *m = mo_self()->worker->seat->member;
    expect(m->victims && m->victims_team == WORKERS + 1, "order of victims");
    if (!seed)
        seed = m->tid;
    for (unsigned i = WORKERS - 1; i > 0; i--) {
        seed = seed * 1664525u + 1013904223u;
        unsigned k = (seed >> 16) % (i + 1), other = m->victims[i];
        m->victims[i] = m->victims[k];
        m->victims[k] = other;
    }
}

static void await_all(_Atomic unsigned *count, unsigned n)
{
    while (mo_load_acquire(count) < n)
        usleep(1000);
}

static void go_over(void *data)
{
    struct piece *p = data;
    await_all(&ready, PRODUCERS); /* all thieves have the choice */
    if (moirai_worker_node() != p->node)
        mo_fetch_add_relaxed(&elsewhere, 1u);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < PIECE; i++)
            p->at[i] += i;
    if (at_random)
        shuffle();
    mo_fetch_add_acq_rel(&stolen, 1u);
}

/* By one of the two workers of each node, which runs none of them itself; the others have nothing but what they
   steal. */
static void make_tasks(void *data)
{
    int w = *(int *)data;
    moirai_group_t *group;
    mo_fetch_add_acq_rel(&begun, 1u);
    await_all(&begun, PRODUCERS); /* none of them is a thief any more */
    expect(moirai_group_open(&group, NULL, 0) == MOIRAI_OK, "group");
    for (int i = 0; i < ROUNDS * PIECES; i++) {
        struct piece p = {&array[w][i % PIECES * PIECE], moirai_worker_node()};
        expect(moirai_group_spawn(group, NULL, go_over, &p, sizeof p) == MOIRAI_OK, "task");
    }
    mo_fetch_add_acq_rel(&ready, 1u);
    await_all(&stolen, PRODUCERS * ROUNDS * PIECES);
    expect(moirai_group_close(group) == MOIRAI_OK, "end");
}

static void thefts(bool random)
{
    moirai_task_t task[PRODUCERS];
    moirai_task_attr_t attr;
    at_random = random;
    setenv("HWLOC_SYNTHETIC", "node:4 l3:1 core:2 pu:1", 1);
    moirai_executor_t *executor = make_executor(WORKERS, MOIRAI_NUMA_ON);
    moirai_task_attr_init(&attr);
    for (int w = 0; w < PRODUCERS; w++) {
        int worker = 2 * w;
        moirai_task_attr_set_worker(&attr, (unsigned)worker, MOIRAI_STRICT);
        expect(moirai_spawn_with(executor, &task[w], &attr, make_tasks, &worker, sizeof worker) == MOIRAI_OK, "task");
    }
    expect(moirai_join_all(task, PRODUCERS, NULL) == MOIRAI_OK, "end");
    printf("%.1f\n", 100.0 * elsewhere / stolen);
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (!strcmp(what, "pool") || !strcmp(what, "malloc"))
        objects(!strcmp(what, "pool"));
    else if (!strcmp(what, "near") || !strcmp(what, "random"))
        thefts(!strcmp(what, "random"));
    else
        return fputs("usage: cache pool|malloc|near|random\n", stderr), 2;
    return 0;
}
