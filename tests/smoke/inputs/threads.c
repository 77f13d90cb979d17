/* Threads that pass allocated items through a bounded queue, wait with and without deadlines, and take a lock in
   turns. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROOM    8
#define MAKERS  3
#define TAKERS  3
#define EACH    2000
#define PLAYERS 4

struct item {
    long value, *copy;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static struct item *queue[ROOM];
static int first, count, makers_left = MAKERS;

static void put(struct item *item)
{
    pthread_mutex_lock(&lock);
    while (count == ROOM)
        pthread_cond_wait(&emptied, &lock);
    queue[(first + count++) % ROOM] = item;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
}

/* NULL at the end; waits in pieces of 10 ms. */
static struct item *take(void)
{
    struct item *item = NULL;
    pthread_mutex_lock(&lock);
    while (count == 0 && makers_left) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_sec += at.tv_nsec >= 990000000;
        at.tv_nsec = (at.tv_nsec + 10000000) % 1000000000;
        pthread_cond_timedwait(&filled, &lock, &at);
    }
    if (count) {
        item = queue[first];
        first = (first + 1) % ROOM;
        count--;
        pthread_cond_signal(&emptied);
    }
    pthread_mutex_unlock(&lock);
    return item;
}

void *maker(void *number)
{
    for (long i = 0; i < EACH; i++) {
        struct item *item = malloc(sizeof *item);
        item->value = (long)number * EACH + i;
        item->copy = malloc(sizeof(long) * (1 + i % 50));
        *item->copy = item->value;
        put(item);
    }
    pthread_mutex_lock(&lock);
    makers_left--;
    pthread_cond_broadcast(&filled);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *taker(void *unused)
{
    long sum = 0;
    for (struct item *item; (item = take());) {
        sum += *item->copy;
        free(item->copy);
        free(item);
    }
    (void)unused;
    return (void *)sum;
}

static int turn;

static void *player(void *number)
{
    for (int round = 0; round < 100; round++) {
        pthread_mutex_lock(&lock);
        while (turn % PLAYERS != (long)number)
            pthread_cond_wait(&filled, &lock);
        turn++;
        pthread_cond_broadcast(&filled);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

void last_step(long sum, int turns)
{
    printf("%ld %d\n", sum, turns);
}

int main(void)
{
    pthread_t threads[MAKERS + TAKERS], players[PLAYERS];
    long sum = 0;
    for (long i = 0; i < MAKERS + TAKERS; i++)
        pthread_create(&threads[i], NULL, i < MAKERS ? maker : taker, (void *)i);
    for (int i = 0; i < MAKERS + TAKERS; i++) {
        void *part;
        pthread_join(threads[i], &part);
        sum += (long)part;
    }
    for (long i = 0; i < PLAYERS; i++)
        pthread_create(&players[i], NULL, player, (void *)i);
    for (int i = 0; i < PLAYERS; i++)
        pthread_join(players[i], NULL);
#pragma omp parallel for reduction(+ : sum) schedule(dynamic)
    for (int i = 0; i < 1000; i++) {
        long *copies = malloc(sizeof(long) * (1 + i));
        copies[i] = i;
        sum += copies[i];
        free(copies);
    }
    last_step(sum, turn);
    return 0;
}
