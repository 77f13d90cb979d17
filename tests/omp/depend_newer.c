/* Dependences that GCC emits from version 13 on: members of an inoutset, all of memory, taskwait that does not wait.
   Also the address NULL, which a program may name, and omp_in_explicit_task. Called directly, as GCC 12 does not
   compile them. */
#include "check.h"
#include "gomp_abi.h"

#include <dlfcn.h>
#include <omp.h>
#include <unistd.h>

enum { DEPEND = 8 };
enum { IN = 1, OUT, INOUT, MUTEXINOUTSET, INOUTSET };

struct object {
    void *addr;
    uintptr_t kind;
};

static int log_of[8], logged;

static void note(void *data)
{
    int who = *(int *)data;
    usleep(who % 2 ? 2000 : 0);
    log_of[__atomic_fetch_add(&logged, 1, __ATOMIC_SEQ_CST)] = who;
}

static void spawn(int who, struct object *object)
{
    void *depend[] = {NULL, (void *)1, NULL, NULL, NULL, object};
    GOMP_task(note, &who, NULL, sizeof who, sizeof who, true, DEPEND, depend, 0, NULL);
}

static int position(int who)
{
    for (int i = 0; i < logged; i++)
        if (log_of[i] == who)
            return i;
    return -1;
}

static void expect_order(int first, int then)
{
    CHECK(position(first) >= 0 && position(first) < position(then));
}

/* 0 writes; 1 and 2 form a set; 3 reads; 4 and 5 form another; 6 writes. */
static void sets(void)
{
    static int x;
    struct object out = {&x, OUT}, set = {&x, INOUTSET}, in = {&x, IN};
    struct object *order[] = {&out, &set, &set, &in, &set, &set, &out};
    logged = 0;
    for (int i = 0; i < 7; i++)
        spawn(i, order[i]);
    GOMP_taskwait();
    CHECK_EQ(logged, 7);
    for (int i = 1; i <= 2; i++) {
        expect_order(0, i);
        expect_order(i, 3);
    }
    for (int i = 4; i <= 5; i++) {
        expect_order(3, i);
        expect_order(i, 6);
    }
}

/* Groups of two and three of different kinds follow each other, with nothing written between: each member waits for all
   of the group before, of which one is slow. */
static void groups(void)
{
    static int x;
    struct object set = {&x, INOUTSET}, in = {&x, IN};
    static const int group_of[8] = {0, 0, 1, 1, 1, 2, 2, 3};
    logged = 0;
    for (int i = 0; i < 8; i++)
        spawn(i, group_of[i] % 2 ? &in : &set);
    GOMP_taskwait();
    CHECK_EQ(logged, 8);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            if (group_of[i] + 1 == group_of[j])
                expect_order(i, j);
}

/* 2 is about everything: after 0, 1 and 6, before 3 and 4, and 4 about an address that was never seen. */
static void everything(void)
{
    static int x, y, z;
    struct object a = {&x, OUT}, b = {&y, IN}, all = {NULL, INOUT}, c = {&z, IN};
    logged = 0;
    spawn(0, &a);
    spawn(6, &b);
    spawn(1, &b);
    spawn(2, &all);
    spawn(3, &a);
    spawn(4, &c);
    GOMP_taskwait();
    CHECK_EQ(logged, 6);
    expect_order(0, 2);
    expect_order(1, 2);
    expect_order(6, 2);
    expect_order(2, 3);
    expect_order(2, 4);
}

static void null_address(void)
{
    void *reads[] = {(void *)1, (void *)0, NULL}, *writes[] = {(void *)1, (void *)1, NULL};
    int who;
    logged = 0;
    for (who = 0; who < 7; who++)
        GOMP_task(note, &who, NULL, sizeof who, sizeof who, true, DEPEND, who == 3 ? writes : reads, 0, NULL);
    GOMP_taskwait();
    CHECK_EQ(logged, 7);
    for (int i = 0; i < 3; i++)
        expect_order(i, 3);
    for (int i = 4; i < 7; i++)
        expect_order(3, i);
}

/* The creator goes on while the first task is held back; later ones wait for both. */
static void no_wait(void (*taskwait)(void **))
{
    static int x;
    struct object out = {&x, OUT};
    void *depend[] = {(void *)1, (void *)1, &x};
    logged = 0;
    for (int i = 0; i < 5; i++) {
        logged = 0;
        spawn(1, &out);
        taskwait(depend);
        spawn(2, &out);
        GOMP_taskwait();
        CHECK_EQ(logged, 2);
        expect_order(1, 2);
    }
}

int main(void)
{
    void (*taskwait)(void **) = (void (*)(void **))dlsym(RTLD_DEFAULT, "GOMP_taskwait_depend_nowait");
    if (check_is_reference())
        return 0; /* too old for all of this */
    int (*in_explicit_task)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_in_explicit_task");
    CHECK(taskwait != NULL && in_explicit_task != NULL);
    CHECK(!in_explicit_task());
#pragma omp parallel
    {
        CHECK(!in_explicit_task());
#pragma omp task
        CHECK(in_explicit_task());
#pragma omp task if (0)
        CHECK(in_explicit_task());
    }
#pragma omp parallel
#pragma omp single
    for (int round = 0; round < SCALED(10) + 1; round++) {
        sets();
        groups();
        everything();
        null_address();
        no_wait(taskwait);
    }
    return check_result();
}
