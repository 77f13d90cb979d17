/* A process of objects of two compilers: regions in turns and nested, tasks and work-sharing of one inside the other's
   teams, one set of settings and locks, one pool of threads, one object under all names. Compiled by clang, with
   mixed_gcc.c beside it; the program asks for libomp.so.5 and libgomp.so.1. */
#include <dlfcn.h>
#define HALF clang
#include "../faults/process.h"
#include "check.h"
#include "mixed_half.h"

#define MANY 300

typedef void (*region_of)(int, void (*)(void *), void *);
static const region_of regions[2] = {region_gcc, region_clang};

static void count(void *data)
{
    __atomic_fetch_add((int *)data, 1, __ATOMIC_RELAXED);
}

static void regions_in_turns(int size)
{
    for (int i = 0; i < MANY; i++) {
        int members = 0;
        regions[i % 2](size, count, &members);
        CHECK_EQ(members, size);
    }
}

struct nest {
    int depth, leaves;
};

static void descend(void *data)
{
    struct nest *n = data;
    struct nest inner = {.depth = n->depth - 1};
    CHECK_EQ(omp_get_level(), 4 - n->depth);
    if (n->depth == 1)
        inner.leaves = 1;
    else
        regions[n->depth % 2](2, descend, &inner);
    __atomic_fetch_add(&n->leaves, inner.leaves, __ATOMIC_RELAXED);
}

static void regions_nested(void)
{
    omp_set_max_active_levels(3);
    for (int first = 0; first < 2; first++) {
        struct nest n = {.depth = 3};
        regions[first](2, descend, &n);
        CHECK_EQ(n.leaves, 8);
    }
    omp_set_max_active_levels(1);
}

struct shared {
    int size, numbers[MANY], ran, counted, chosen, place, wrong;
    long sum;
    omp_lock_t lock;
    int locked;
};

static void both_spawn(void *data)
{
    struct shared *s = data;
    spawn_gcc(MANY, count, &s->ran);
    spawn_clang(MANY, count, &s->ran);
}

/* Every thread of the team does this, whoever made the team. */
static void member(void *data)
{
    struct shared *s = data;
    long sum = loop_gcc(s->numbers, MANY) + loop_clang(s->numbers, MANY);
    __atomic_fetch_add(&s->sum, sum, __ATOMIC_RELAXED);
    for (int i = 0; i < 20; i++) {
        critical_gcc(&s->counted);
        barrier_gcc();
        CHECK_EQ(__atomic_load_n(&s->counted, __ATOMIC_RELAXED), (2 * i + 1) * s->size);
        barrier_clang();
        critical_clang(&s->counted);
        barrier_clang();
        CHECK_EQ(__atomic_load_n(&s->counted, __ATOMIC_RELAXED), (2 * i + 2) * s->size);
        barrier_gcc();
    }
    __atomic_fetch_add(&s->chosen, single_gcc() + single_clang(), __ATOMIC_RELAXED);
    for (int i = 0; i < MANY; i++) {
        lock_gcc(&s->lock);
        s->locked++;
        unlock_clang(&s->lock);
    }
    both_spawn(s);
    wait_for_tasks_clang();
    both_spawn(s);
    wait_for_tasks_gcc();
    group_gcc(both_spawn, s);
    group_clang(both_spawn, s);
    barrier_clang();
    CHECK_EQ(__atomic_load_n(&s->ran, __ATOMIC_RELAXED), 8 * MANY * s->size);
    barrier_gcc();
    if (single_clang())
        for (int i = 0; i < MANY; i += 2) {
            link_gcc(&s->place, i, &s->wrong);
            link_clang(&s->place, i + 1, &s->wrong);
        }
}

static void one_team(int size)
{
    for (int by = 0; by < 2; by++) {
        struct shared s = {.size = size};
        for (int i = 0; i < MANY; i++)
            s.numbers[i] = i;
        omp_init_lock(&s.lock);
        regions[by](size, member, &s);
        omp_destroy_lock(&s.lock);
        CHECK_EQ(s.sum, 2 * (MANY * (MANY - 1) / 2));
        CHECK_EQ(s.chosen, 2);
        CHECK_EQ(s.locked, MANY * size);
        CHECK_EQ(s.place, MANY);
        CHECK_EQ(s.wrong, 0);
    }
}

static int same(const struct settings *a, const struct settings *b)
{
    return a->threads == b->threads && a->levels == b->levels && a->dynamic == b->dynamic && a->kind == b->kind &&
           a->chunk == b->chunk;
}

static void one_set_of_settings(void)
{
    struct settings before, seen;
    settings_clang(&before);
    for (int i = 1; i < 5; i++) {
        const struct settings given = {i + 1, i, 0, 3 * i, omp_sched_dynamic};
        (i % 2 ? set_gcc : set_clang)(&given);
        settings_clang(&seen);
        CHECK(same(&seen, &given));
        settings_gcc(&seen);
        CHECK(same(&seen, &given));
    }
    set_gcc(&before);
}

static void one_object(void)
{
    const char *names[] = {"libgomp.so.1", "libomp.so.5", "libiomp5.so"};
    void *entries[3], *handles[3];
    for (int i = 0; i < 3; i++) {
        handles[i] = dlopen(names[i], RTLD_NOW);
        CHECK(handles[i]);
        entries[i] = handles[i] ? dlsym(handles[i], "GOMP_parallel") : NULL;
        CHECK(entries[i] && entries[i] == entries[0]);
        CHECK(handles[i] == handles[0]);
        CHECK(handles[i] && dlsym(handles[i], "__kmpc_fork_call"));
    }
}

int main(void)
{
    const char *mode = getenv("TEST_MODE");
    int size = omp_get_max_threads(), before = threads_alive();
    regions_in_turns(size);
    CHECK_EQ(threads_alive(), before + size - 1);
    one_team(size);
    CHECK_EQ(threads_alive(), before + size - 1);
    one_set_of_settings();
    regions_nested();
    regions_in_turns(2);
    if (mode && !strcmp(mode, "library"))
        one_object();
    return check_result();
}
