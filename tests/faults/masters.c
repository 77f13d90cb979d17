/* Regions from many threads of the program: all at once, in turns, and from threads that end. The number of threads
   never exceeds the largest simultaneous demand by more than one. */
#include <omp.h>
#include <pthread.h>
#include "../omp/check.h"
#include "process.h"

enum { MASTERS = 8, SIZE = 3 };

static int most_threads, others;
static pthread_barrier_t together;

static void look(void)
{
    int now = threads_alive() - others;
    if (now > most_threads)
        most_threads = now;
}

static void region(int size)
{
    int members = 0, sum = 0;
#pragma omp parallel num_threads(size) reduction(+ : members, sum)
    {
        members += 1;
#pragma omp for schedule(dynamic, 2)
        for (int i = 0; i < 40; i++)
            sum += i;
    }
    CHECK_EQ(members, size);
    CHECK_EQ(sum, 780);
}

static void *at_once(void *rounds)
{
    pthread_barrier_wait(&together);
    for (int k = 0; k < *(int *)rounds; k++)
        region(1 + k % SIZE);
    pthread_barrier_wait(&together);
    return NULL;
}

static void *in_turn(void *size)
{
    region(*(int *)size);
    look();
    pthread_exit(NULL);
}

static void run_one(int size)
{
    pthread_t thread;
    pthread_create(&thread, NULL, in_turn, &size);
    pthread_join(thread, NULL);
}

static void run_all(int rounds)
{
    pthread_t threads[MASTERS];
    for (int i = 0; i < MASTERS; i++)
        pthread_create(&threads[i], NULL, at_once, &rounds);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    look();
    for (int i = 0; i < MASTERS; i++)
        pthread_join(threads[i], NULL);
}

/* Masters that stay alive and take turns share the threads: one team's worth is enough for all. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void *takes_turns(void *rounds)
{
    for (int k = 0; k < *(int *)rounds; k++) {
        pthread_mutex_lock(&turn);
        region(4);
        look();
        pthread_mutex_unlock(&turn);
    }
    pthread_barrier_wait(&together);
    return NULL;
}

static void run_turns(int rounds)
{
    pthread_t threads[MASTERS];
    for (int i = 0; i < MASTERS; i++)
        pthread_create(&threads[i], NULL, takes_turns, &rounds);
    pthread_barrier_wait(&together);
    for (int i = 0; i < MASTERS; i++)
        pthread_join(threads[i], NULL);
}

/* Three levels of four: 64 threads at once, the same ones each time, and enough for all that comes after. */
static int leaves;

static void descend(int level)
{
#pragma omp parallel num_threads(4)
    if (level < 3) {
        descend(level + 1);
    } else {
#pragma omp atomic
        leaves += 1;
    }
}

static void run_levels(int rounds)
{
    omp_set_max_active_levels(3);
    for (int k = 0; k < rounds; k++) {
        descend(1);
        look();
    }
    CHECK_EQ(leaves, rounds * 64);
    omp_set_max_active_levels(1);
}

int main(void)
{
    others = threads_alive() - 1;
    pthread_barrier_init(&together, NULL, MASTERS + 1);
    for (int k = 0; k < SCALED(60) + 4; k++)
        run_one(4);
    CHECK(most_threads <= 1 + 4 + 1);
    most_threads = 0;
    run_turns(20);
    CHECK(most_threads <= 1 + MASTERS + 3 + 1);
    most_threads = 0;
    run_all(SCALED(100) + 2);
    CHECK(most_threads <= 1 + MASTERS * SIZE + 1);
    for (int k = 0; k < 10; k++)
        run_one(2);
    CHECK(threads_alive() - others <= 1 + MASTERS * SIZE + 1);
    most_threads = 0;
    run_levels(SCALED(20) + 2);
    CHECK(most_threads <= 64 + 1);
    run_turns(10);
    CHECK(most_threads <= 64 + MASTERS + 1);
    return check_result();
}
