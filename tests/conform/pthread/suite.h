/* A suite of small cases. Each runs in a process of its own and prints one line with every value that it looked at, so
   that the outcome under the C library and under Moirai can be compared line by line; a value that is not the expected
   one is marked and fails the case in both. */
#ifndef CONFORM_SUITE_H
#define CONFORM_SUITE_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct conform_case {
    const char *name;
    void (*run)(void);
};

/* The table is a section: a case enters itself. */
#define CASE(name_)                                                                                                    \
    static void name_(void);                                                                                           \
    static const struct conform_case case_##name_ = {#name_, name_};                                                   \
    static const struct conform_case *const entry_##name_ __attribute__((used, section("cases"))) = &case_##name_;     \
    static void name_(void)

/* A number, or an error by its name, against what is expected. */
void note(const char *what, long got, long wanted);
void note_error(const char *what, int got, int wanted);
#define IS(expr, wanted)  note(#expr, (long)(expr), (long)(wanted))
#define ERR(expr, wanted) note_error(#expr, (expr), (wanted))
/* Where the system decides: only compared between the runs. */
void note_any(const char *what, int got);
#define ANY(expr) note_any(#expr, (expr))

#define LONG_MS 60000 /* an end of time that no case reaches */

struct timespec in_ms(clockid_t clock, long ms);
long long now_us(clockid_t clock);
void nap(long ms);

pthread_t start(void *(*run)(void *), void *arg);
void *end(pthread_t thread);

/* What another thread gets. */
int others_trylock(pthread_mutex_t *m);
int others_unlock(pthread_mutex_t *m);
int others_timedlock(pthread_mutex_t *m, clockid_t clock, long ms);

/* Until *count is at least that; by looking, since what is waited for is what is tested. */
void await(atomic_int *count, int least);

/* Exit status of a forked child that runs this; 256 + the signal's number if one ended it. */
int in_child(int (*run)(void *), void *arg);
/* Zeroed memory that forked children share. */
void *shared(size_t bytes);

/* Attributes that say nothing of a type: glibc tells that from one that says NORMAL or DEFAULT. */
#define NO_TYPE -1

static inline pthread_mutex_t *new_mutex(int type, int robust, int protocol, int pshared)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t *m = pshared ? shared(sizeof *m) : calloc(1, sizeof *m);
    pthread_mutexattr_init(&attr);
    if (type != NO_TYPE)
        pthread_mutexattr_settype(&attr, type);
    pthread_mutexattr_setrobust(&attr, robust);
    pthread_mutexattr_setprotocol(&attr, protocol);
    pthread_mutexattr_setpshared(&attr, pshared);
    pthread_mutex_init(m, &attr);
    return m;
}

static inline pthread_mutex_t *of_type(int type)
{
    return new_mutex(type, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
}

static inline pthread_cond_t *new_cond(clockid_t clock, int pshared)
{
    pthread_condattr_t attr;
    pthread_cond_t *c = pshared ? shared(sizeof *c) : calloc(1, sizeof *c);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, clock);
    pthread_condattr_setpshared(&attr, pshared);
    pthread_cond_init(c, &attr);
    return c;
}

#endif
