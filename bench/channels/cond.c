/* What programs without a library write: an array, a mutex and two condition variables. */
#include "ends.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t room, message;
    long first, count, messages[CAPACITY];
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = PTHREAD_COND_INITIALIZER, .message = PTHREAD_COND_INITIALIZER};

static void begin(int workers)
{
    (void)workers;
}

static void put(long m)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.count == CAPACITY)
        pthread_cond_wait(&queue.room, &queue.lock);
    queue.messages[(queue.first + queue.count++) % CAPACITY] = m;
    pthread_mutex_unlock(&queue.lock);
    pthread_cond_signal(&queue.message);
}

static long take(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.count == 0)
        pthread_cond_wait(&queue.message, &queue.lock);
    long m = queue.messages[queue.first];
    queue.first = (queue.first + 1) % CAPACITY;
    queue.count--;
    pthread_mutex_unlock(&queue.lock);
    pthread_cond_signal(&queue.room);
    return m;
}

#define LIBRARY "cond"
#include "bounded.h"
