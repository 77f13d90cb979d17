/* Mutexes: alone, in threads' way, and how long the unluckiest waits. */
#include "locks.h"

#include <threads.h>
#include <time.h>

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_mutex_t adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

/* ---- Nobody else wants it. */
#define PAIR(name, mutex)                                                                                              \
    static void name(long operations)                                                                                  \
    {                                                                                                                  \
        for (long i = 0; i < operations; i++) {                                                                        \
            pthread_mutex_lock(mutex);                                                                                 \
            pthread_mutex_unlock(mutex);                                                                               \
        }                                                                                                              \
    }
PAIR(lock_plain, &plain)
PAIR(lock_recursive, &recursive)
PAIR(lock_errorcheck, &errorcheck)
PAIR(lock_adaptive, &adaptive)

static void lock_again(long operations)
{
    pthread_mutex_lock(&recursive);
    lock_recursive(operations);
    pthread_mutex_unlock(&recursive);
}

static void try_lock(long operations)
{
    for (long i = 0; i < operations; i++) {
        pthread_mutex_trylock(&plain);
        pthread_mutex_unlock(&plain);
    }
}

static void try_held(long operations)
{
    pthread_mutex_lock(&plain);
    for (long i = 0; i < operations; i++)
        pthread_mutex_trylock(&plain);
    pthread_mutex_unlock(&plain);
}

static void lock_timed(long operations)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 1000;
    for (long i = 0; i < operations; i++) {
        pthread_mutex_timedlock(&plain, &at);
        pthread_mutex_unlock(&plain);
    }
}

static void lock_c11(long operations)
{
    static mtx_t mutex;
    mtx_init(&mutex, mtx_plain);
    for (long i = 0; i < operations; i++) {
        mtx_lock(&mutex);
        mtx_unlock(&mutex);
    }
}

/* ---- Others want it, too. */
static long inside;
static atomic_long entries;

static void forget_entries(void)
{
    inside = 0;
    atomic_store(&entries, 0);
}

static void compare_entries(void)
{
    bench_expect("the count of entries", inside, atomic_load(&entries));
}

static inline void contend(struct member *m, unsigned within, unsigned between)
{
    while (!locks_stopped()) {
        pthread_mutex_lock(&plain);
        inside++;
        locks_work(within);
        pthread_mutex_unlock(&plain);
        locks_work(between);
        m->units++;
    }
    atomic_fetch_add(&entries, m->units);
}

static void contend_bare(struct member *m)
{
    contend(m, 0, 0);
}

static void contend_short(struct member *m)
{
    contend(m, 20, 100);
}

static void contend_long(struct member *m)
{
    contend(m, 1000, 1000);
}

static void contend_seldom(struct member *m)
{
    contend(m, 200, 5000);
}

/* ---- The worst wait. */
#define FAIR_NS (500 * 1e6)

static void fair_member(struct member *m)
{
    while (!locks_stopped()) {
        double before = bench_now_ns();
        pthread_mutex_lock(&plain);
        double waited = bench_now_ns() - before;
        inside++;
        locks_work(50);
        pthread_mutex_unlock(&plain);
        m->units++;
        if (waited > m->longest_ns)
            m->longest_ns = waited;
    }
    atomic_fetch_add(&entries, m->units);
}

static void fair(struct result *out, double budget_ns)
{
    const struct row team = {.threads = 8, .member = fair_member, .begin = forget_entries, .check = compare_entries};
    struct member members[8];
    struct series *each = bench_series(out, "fair8_time", "ns/entry", false);
    struct series *worst = bench_series(out, "fair8_worst", "ms", false);
    double took = locks_team(&team, budget_ns > FAIR_NS ? budget_ns : FAIR_NS, members);
    double longest = 0;
    long units = 0;
    for (int i = 0; i < team.threads; i++) {
        units += members[i].units;
        longest = members[i].longest_ns > longest ? members[i].longest_ns : longest;
    }
    bench_sample(each, took / (double)units);
    bench_sample(worst, longest / 1e6);
}

#define CONTENDED(name_, threads_, member_)                                                                            \
    {                                                                                                                  \
        .name = name_, .unit = "ns/entry", .threads = threads_, .member = member_, .begin = forget_entries,            \
        .check = compare_entries                                                                                       \
    }

const struct row mutex_rows[] = {
    {.name = "alone", .unit = "ns/pair", .single = true, .once = lock_plain},
    {.name = "alone_recursive", .unit = "ns/pair", .single = true, .once = lock_recursive},
    {.name = "lock", .unit = "ns/pair", .once = lock_plain},
    {.name = "recursive", .unit = "ns/pair", .once = lock_recursive},
    {.name = "recursion", .unit = "ns/pair", .once = lock_again},
    {.name = "errorcheck", .unit = "ns/pair", .once = lock_errorcheck},
    {.name = "adaptive", .unit = "ns/pair", .once = lock_adaptive},
    {.name = "c11", .unit = "ns/pair", .once = lock_c11},
    {.name = "trylock", .unit = "ns/pair", .once = try_lock},
    {.name = "trylock_held", .unit = "ns/call", .once = try_held},
    {.name = "timedlock", .unit = "ns/pair", .once = lock_timed},
    CONTENDED("bare2", 2, contend_bare),
    CONTENDED("bare8", 8, contend_bare),
    CONTENDED("short2", 2, contend_short),
    CONTENDED("short8", 8, contend_short),
    CONTENDED("long2", 2, contend_long),
    CONTENDED("long8", 8, contend_long),
    CONTENDED("seldom2", 2, contend_seldom),
    CONTENDED("seldom8", 8, contend_seldom),
    {.name = "fair8", .run = fair},
    {.name = NULL},
};
