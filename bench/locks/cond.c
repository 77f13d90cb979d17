/* Condition variables: threads that hand over to each other, and calls that wake nobody. */
#include "locks.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* ---- Nobody waits. */
static pthread_cond_t unwanted = PTHREAD_COND_INITIALIZER;

static void signal_none(long operations)
{
    for (long i = 0; i < operations; i++)
        pthread_cond_signal(&unwanted);
}

static void broadcast_none(long operations)
{
    for (long i = 0; i < operations; i++)
        pthread_cond_broadcast(&unwanted);
}

/* The usual frame of a signal. */
static void signal_none_locked(long operations)
{
    for (long i = 0; i < operations; i++) {
        pthread_mutex_lock(&mutex);
        pthread_cond_signal(&unwanted);
        pthread_mutex_unlock(&mutex);
    }
}

/* ---- In turns. */
static pthread_cond_t turned[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static int turn;
static bool over;

static void begin_turns(void)
{
    turn = 0;
    over = false;
}

static void end_turns(void)
{
    pthread_mutex_lock(&mutex);
    over = true;
    pthread_cond_broadcast(&turned[0]);
    pthread_cond_broadcast(&turned[1]);
    pthread_mutex_unlock(&mutex);
}

static inline void take_turns(struct member *m, bool timed)
{
    struct timespec at;
    pthread_mutex_lock(&mutex);
    while (!over) {
        while (turn != m->id && !over) {
            if (!timed) {
                pthread_cond_wait(&turned[m->id], &mutex);
                continue;
            }
            clock_gettime(CLOCK_REALTIME, &at);
            at.tv_sec += 10;
            pthread_cond_timedwait(&turned[m->id], &mutex, &at);
        }
        turn = !m->id;
        m->units++;
        pthread_cond_signal(&turned[turn]);
    }
    pthread_mutex_unlock(&mutex);
}

static void ping_pong(struct member *m)
{
    take_turns(m, false);
}

static void ping_pong_timed(struct member *m)
{
    take_turns(m, true);
}

/* Each hand-over in a critical section of its own, signalled after it. */
static void ping_pong_after(struct member *m)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (turn != m->id && !over)
            pthread_cond_wait(&turned[m->id], &mutex);
        bool enough = over;
        turn = !m->id;
        pthread_mutex_unlock(&mutex);
        pthread_cond_signal(&turned[!m->id]);
        if (enough)
            return;
        m->units++;
    }
}

/* ---- A bounded queue. */
#define ROOM_MAX 128

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    long slot[ROOM_MAX];
    int room, first, count;
    bool closed;
};
static struct queue queue = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .not_empty = PTHREAD_COND_INITIALIZER, .not_full = PTHREAD_COND_INITIALIZER};
static atomic_long pushed, popped;

static void open_queue(int room)
{
    queue.room = room;
    queue.first = queue.count = 0;
    queue.closed = false;
    atomic_store(&pushed, 0);
    atomic_store(&popped, 0);
}

static void open_wide(void)
{
    open_queue(ROOM_MAX);
}

static void open_narrow(void)
{
    open_queue(1);
}

static void close_queue(void)
{
    pthread_mutex_lock(&queue.mutex);
    queue.closed = true;
    pthread_cond_broadcast(&queue.not_empty);
    pthread_cond_broadcast(&queue.not_full);
    pthread_mutex_unlock(&queue.mutex);
}

static void compare_sums(void)
{
    bench_expect("the sum of what was taken out", atomic_load(&popped), atomic_load(&pushed));
}

static inline void leave(pthread_cond_t *who, bool after)
{
    if (!after)
        pthread_cond_signal(who);
    pthread_mutex_unlock(&queue.mutex);
    if (after)
        pthread_cond_signal(who);
}

static inline bool push(long value, bool after)
{
    pthread_mutex_lock(&queue.mutex);
    while (queue.count == queue.room && !queue.closed)
        pthread_cond_wait(&queue.not_full, &queue.mutex);
    bool done = !queue.closed;
    if (done)
        queue.slot[(queue.first + queue.count++) % queue.room] = value;
    leave(&queue.not_empty, after);
    return done;
}

static inline bool pop(long *value, bool after)
{
    pthread_mutex_lock(&queue.mutex);
    while (queue.count == 0 && !queue.closed)
        pthread_cond_wait(&queue.not_empty, &queue.mutex);
    bool done = queue.count > 0;
    if (done) {
        *value = queue.slot[queue.first];
        queue.first = (queue.first + 1) % queue.room;
        queue.count--;
    }
    leave(&queue.not_full, after);
    return done;
}

/* Even members fill the queue, odd ones empty it. */
static inline void use_queue(struct member *m, bool after)
{
    long sum = 0, value = m->id + 1;
    if (m->id % 2 == 0) {
        for (; push(value, after); value += 8)
            sum += value;
        atomic_fetch_add(&pushed, sum);
        return;
    }
    for (; pop(&value, after); m->units++)
        sum += value;
    atomic_fetch_add(&popped, sum);
}

static void use_queue_inside(struct member *m)
{
    use_queue(m, false);
}

static void use_queue_after(struct member *m)
{
    use_queue(m, true);
}

/* ---- A broadcast by the owner of the mutex: how long it keeps the caller, and until everybody is through. */
#define HERD 64

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t called;
    int waiting, through;
    long call;
    bool over;
} herd = {.mutex = PTHREAD_MUTEX_INITIALIZER, .called = PTHREAD_COND_INITIALIZER};

static void *follow(void *unused)
{
    pthread_mutex_lock(&herd.mutex);
    while (!herd.over) {
        long call = herd.call;
        herd.waiting++;
        while (herd.call == call)
            pthread_cond_wait(&herd.called, &herd.mutex);
        herd.waiting--;
        herd.through++;
    }
    pthread_mutex_unlock(&herd.mutex);
    return unused;
}

static void until(const int *count)
{
    for (;;) {
        pthread_mutex_lock(&herd.mutex);
        bool all = *count == HERD;
        pthread_mutex_unlock(&herd.mutex);
        if (all)
            return;
        usleep(20);
    }
}

static void call_herd(struct series *own, struct series *all, bool last)
{
    until(&herd.waiting);
    usleep(300); /* all asleep */
    pthread_mutex_lock(&herd.mutex);
    herd.through = 0;
    herd.over = last;
    double before = bench_now_ns();
    herd.call++;
    pthread_cond_broadcast(&herd.called);
    bench_sample(own, (bench_now_ns() - before) / 1000);
    pthread_mutex_unlock(&herd.mutex);
    until(&herd.through);
    bench_sample(all, (bench_now_ns() - before) / 1000);
}

static void broadcast(struct result *out, double budget_ns)
{
    pthread_t threads[HERD];
    struct series *own = bench_series(out, "broadcast64", "us", false);
    struct series *all = bench_series(out, "broadcast64_all", "us", false);
    for (int i = 0; i < HERD; i++)
        if (pthread_create(&threads[i], NULL, follow, NULL))
            exit(1);
    double start = bench_now_ns();
    while (bench_now_ns() - start < budget_ns)
        call_herd(own, all, false);
    call_herd(own, all, true);
    for (int i = 0; i < HERD; i++)
        pthread_join(threads[i], NULL);
}

#define TURNS(name_, member_)                                                                                          \
    {                                                                                                                  \
        .name = name_, .unit = "ns/turn", .threads = 2, .member = member_, .begin = begin_turns, .end = end_turns      \
    }
#define QUEUE(name_, threads_, begin_, member_)                                                                        \
    {                                                                                                                  \
        .name = name_, .unit = "ns/item", .threads = threads_, .member = member_, .begin = begin_, .end = close_queue, \
        .check = compare_sums                                                                                          \
    }

const struct row cond_rows[] = {
    {.name = "signal_none", .unit = "ns/call", .once = signal_none},
    {.name = "broadcast_none", .unit = "ns/call", .once = broadcast_none},
    {.name = "signal_none_locked", .unit = "ns/call", .once = signal_none_locked},
    TURNS("pingpong", ping_pong),
    TURNS("pingpong_timed", ping_pong_timed),
    TURNS("pingpong_after", ping_pong_after),
    QUEUE("queue11", 2, open_wide, use_queue_inside),
    QUEUE("queue44", 8, open_wide, use_queue_inside),
    QUEUE("queue44_after", 8, open_wide, use_queue_after),
    QUEUE("queue1_11", 2, open_narrow, use_queue_inside),
    QUEUE("queue1_44", 8, open_narrow, use_queue_inside),
    QUEUE("queue1_44_after", 8, open_narrow, use_queue_after),
    {.name = "broadcast64", .run = broadcast},
    {.name = NULL},
};
