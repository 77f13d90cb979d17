/* mutexinoutset: members run one at a time, in whatever order they become ready, and take part in several groups at
   once without ever blocking one another for good. */
#include "check.h"

#include <omp.h>
#include <pthread.h>
#include <unistd.h>

#define FORKS 6

static char x, y, place[FORKS];
static int inside[FORKS], eaten[FORKS];

/* The first member depends on a task whose event the second one fulfils: in the order of creation nobody could run. */
static void ready_ones_go_first(void)
{
    int first = 0, second = 0;
#pragma omp parallel
#pragma omp single
    {
        omp_event_handle_t event;
#pragma omp task detach(event) depend(out : x)
        ;
#pragma omp task depend(in : x) depend(mutexinoutset : y) shared(first, second)
        first = second;
#pragma omp task depend(mutexinoutset : y) shared(second) firstprivate(event)
        {
            second = 1;
            omp_fulfill_event(event);
        }
    }
    CHECK_EQ(first, 1);
    CHECK_EQ(second, 1);
}

static void eat(const int *forks, int n)
{
    for (int i = 0; i < n; i++) {
        CHECK_EQ(__atomic_exchange_n(&inside[forks[i]], 1, __ATOMIC_RELAXED), 0);
        eaten[forks[i]]++; /* plain: the turn orders it */
    }
    if (forks[0] == 0)
        usleep(1);
    for (int i = 0; i < n; i++)
        __atomic_store_n(&inside[forks[i]], 0, __ATOMIC_RELAXED);
}

/* Neighbours share an address, each names two or three in an order of its own, a reader ends a group now and then. */
static void philosophers(int rounds, int if_clause)
{
    int read = 0;
    memset(eaten, 0, sizeof eaten);
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < rounds; i++) {
        int a = i % FORKS, b = (i + 1) % FORKS, c = i * 7 % FORKS;
        if (i % 3 == 0) {
#pragma omp task depend(mutexinoutset : place[b], place[a]) if (if_clause || i % 50)
            eat((int[]){a, b}, 2);
        } else if (i % 3 == 1) {
#pragma omp task depend(mutexinoutset : place[a], place[b], place[a])
            eat((int[]){a, b}, 2);
        } else {
#pragma omp task depend(mutexinoutset : place[c])
            eat(&c, 1);
        }
        if (i % 31 == 0) {
#pragma omp task depend(in : place[a]) depend(mutexinoutset : place[(a + 2) % FORKS]) shared(read)
            {
                CHECK_EQ(__atomic_load_n(&inside[a], __ATOMIC_RELAXED), 0);
#pragma omp atomic
                read++;
            }
        }
    }
    int sum = 0, expected = 0;
    for (int i = 0; i < FORKS; i++)
        sum += eaten[i];
    for (int i = 0; i < rounds; i++)
        expected += i % 3 == 2 ? 1 : 2;
    CHECK_EQ(sum, expected);
    CHECK_EQ(read, (rounds + 30) / 31);
}

/* An address that a task names in two ways: it comes after all members before it and before all behind it. */
static void named_twice(void)
{
    int before = 0, after = 0, seen = -1;
#pragma omp parallel
#pragma omp single
    {
        for (int i = 0; i < 20; i++) {
#pragma omp task depend(mutexinoutset : x) shared(before)
            before++;
        }
#pragma omp task depend(in : x) depend(mutexinoutset : x) shared(before, after, seen)
        seen = before + 100 * after;
        for (int i = 0; i < 20; i++) {
#pragma omp task depend(mutexinoutset : x) shared(after)
            after++;
        }
    }
    CHECK_EQ(seen, 20);
    CHECK_EQ(after, 20);
}

static void *fulfill_later(void *event)
{
    usleep(2000);
    omp_fulfill_event((omp_event_handle_t)event);
    return NULL;
}

static int holder_has_ended;

/* A detached member has the turn until its event is fulfilled, by a stranger here, who passes it on. */
static void detached_member(void)
{
    int seen = 0;
    pthread_t thread;
#pragma omp parallel
#pragma omp single
    {
        omp_event_handle_t event;
#pragma omp task depend(mutexinoutset : x) detach(event)
        ;
        for (int i = 0; i < 10; i++) {
#pragma omp task depend(mutexinoutset : x) shared(seen)
            seen += __atomic_load_n(&holder_has_ended, __ATOMIC_RELAXED);
        }
        usleep(500);
        __atomic_store_n(&holder_has_ended, 1, __ATOMIC_RELAXED);
        CHECK_EQ(pthread_create(&thread, NULL, fulfill_later, (void *)event), 0);
#pragma omp taskwait
    }
    pthread_join(thread, NULL);
    (void)seen; /* how many came before the detached one is nobody's business */
    holder_has_ended = 0;
}

/* Turns are passed on in a cancelled taskgroup, too. */
static void dropped_members(void)
{
    int after = 0;
#pragma omp parallel
#pragma omp single
    {
#pragma omp taskgroup
        for (int i = 0; i < 100; i++) {
#pragma omp task depend(mutexinoutset : x, y)
            {
#pragma omp cancel taskgroup if (i == 10)
            }
        }
#pragma omp task depend(mutexinoutset : x) shared(after)
        after++;
#pragma omp task depend(inout : x, y) shared(after)
        after++;
    }
    CHECK_EQ(after, 2);
}

int main(void)
{
    if (!check_is_reference()) /* its members run in the order of their creation */
        ready_ones_go_first();
    philosophers(1 + SCALED(4000), 1);
    philosophers(1 + SCALED(4000), 0);
    for (int i = 0; i < 1 + SCALED(20); i++) {
        named_twice();
        detached_member();
        dropped_members();
    }
    return check_result();
}
