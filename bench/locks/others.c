/* Spin locks, read-write locks, barriers, semaphores, once. */
#include "locks.h"

#include <semaphore.h>

/* ---- Spin locks. */
static pthread_spinlock_t spin;
static long inside;
static atomic_long entries;

static void begin_spin(void)
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    inside = 0;
    atomic_store(&entries, 0);
}

static void compare_entries(void)
{
    bench_expect("the count of entries", inside, atomic_load(&entries));
}

static void spin_alone(long operations)
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    for (long i = 0; i < operations; i++) {
        pthread_spin_lock(&spin);
        pthread_spin_unlock(&spin);
    }
}

static inline void spin_about(struct member *m, unsigned work)
{
    for (; !locks_stopped(); m->units++) {
        pthread_spin_lock(&spin);
        inside++;
        locks_work(work);
        pthread_spin_unlock(&spin);
        locks_work(work);
    }
    atomic_fetch_add(&entries, m->units);
}

static void spin_bare(struct member *m)
{
    spin_about(m, 0);
}

static void spin_member(struct member *m)
{
    spin_about(m, 50);
}

/* ---- Read-write locks. */
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long written[2];

static void read_alone(long operations)
{
    for (long i = 0; i < operations; i++) {
        pthread_rwlock_rdlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
    }
}

static void write_alone(long operations)
{
    for (long i = 0; i < operations; i++) {
        pthread_rwlock_wrlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
    }
}

static inline void read_write(struct member *m, long writes_every)
{
    for (; !locks_stopped(); m->units++) {
        bool writes = writes_every && m->units % writes_every == 0;
        if (writes) {
            pthread_rwlock_wrlock(&rwlock);
            written[0]++;
            written[1]++;
        } else {
            pthread_rwlock_rdlock(&rwlock);
            if (written[0] != written[1])
                bench_expect("what a reader sees", written[0], written[1]);
        }
        pthread_rwlock_unlock(&rwlock);
        locks_work(20);
    }
}

static void read_only(struct member *m)
{
    read_write(m, 0);
}

static void read_mostly(struct member *m)
{
    read_write(m, 100);
}

static void read_half(struct member *m)
{
    read_write(m, 2);
}

/* ---- Barriers. The first member decides before each meeting, in one of two places in turns, whether it is the
   last. */
static pthread_barrier_t meeting;
static bool last[2];

static void barrier_member(struct member *m)
{
    for (unsigned round = 0;; round++) {
        if (m->id == 0)
            last[round % 2] = locks_stopped();
        pthread_barrier_wait(&meeting);
        if (last[round % 2])
            return;
        m->units += m->id == 0;
    }
}

static void begin_meeting2(void)
{
    pthread_barrier_init(&meeting, NULL, 2);
}

static void begin_meeting8(void)
{
    pthread_barrier_init(&meeting, NULL, 8);
}

static void end_meeting(void)
{
    pthread_barrier_destroy(&meeting);
}

/* ---- Semaphores. */
static sem_t sems[2];

static void sem_alone(long operations)
{
    sem_init(&sems[0], 0, 1);
    for (long i = 0; i < operations; i++) {
        sem_wait(&sems[0]);
        sem_post(&sems[0]);
    }
}

static void begin_sems(void)
{
    sem_init(&sems[0], 0, 1);
    sem_init(&sems[1], 0, 0);
}

static void end_sems(void)
{
    sem_post(&sems[0]);
    sem_post(&sems[1]);
}

static void sem_member(struct member *m)
{
    for (; !locks_stopped(); m->units++) {
        sem_wait(&sems[m->id]);
        sem_post(&sems[!m->id]);
    }
}

/* ---- Once. */
static void nothing(void)
{
}

static void call_once_again(long operations)
{
    static pthread_once_t done = PTHREAD_ONCE_INIT;
    for (long i = 0; i < operations; i++)
        pthread_once(&done, nothing);
}

#define SPIN(name_, threads_, member_)                                                                                 \
    {                                                                                                                  \
        .name = name_, .unit = "ns/entry", .threads = threads_, .member = member_, .begin = begin_spin,                \
        .check = compare_entries                                                                                       \
    }

const struct row other_rows[] = {
    {.name = "spin", .unit = "ns/pair", .once = spin_alone},
    SPIN("spin2", 2, spin_member),
    SPIN("spin8", 8, spin_member),
    SPIN("spin8_bare", 8, spin_bare),
    {.name = "rwlock_read", .unit = "ns/pair", .once = read_alone},
    {.name = "rwlock_write", .unit = "ns/pair", .once = write_alone},
    {.name = "rwlock_readers2", .unit = "ns/entry", .threads = 2, .member = read_only},
    {.name = "rwlock_mostly2", .unit = "ns/entry", .threads = 2, .member = read_mostly},
    {.name = "rwlock_half2", .unit = "ns/entry", .threads = 2, .member = read_half},
    {.name = "rwlock_readers8", .unit = "ns/entry", .threads = 8, .member = read_only},
    {.name = "rwlock_mostly8", .unit = "ns/entry", .threads = 8, .member = read_mostly},
    {.name = "rwlock_half8", .unit = "ns/entry", .threads = 8, .member = read_half},
    {.name = "barrier2",
     .unit = "ns/barrier",
     .threads = 2,
     .member = barrier_member,
     .begin = begin_meeting2,
     .check = end_meeting},
    {.name = "barrier8",
     .unit = "ns/barrier",
     .threads = 8,
     .member = barrier_member,
     .begin = begin_meeting8,
     .check = end_meeting},
    {.name = "sem", .unit = "ns/pair", .once = sem_alone},
    {.name = "sem_pingpong",
     .unit = "ns/turn",
     .threads = 2,
     .member = sem_member,
     .begin = begin_sems,
     .end = end_sems},
    {.name = "once", .unit = "ns/call", .once = call_once_again},
    {.name = NULL},
};
