/* Once a mutex has been given up it may be gone. The unlock runs instruction by instruction (trap flag); as soon as the
   word says that the mutex is free, or another thread has it, its page is made inaccessible. Any touch after that is a
   crash. For both kinds, inlined and called, with and without a sleeper, and handed over. x86-64 only. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <moirai/moirai.h>

#if defined(__x86_64__)

#include "../trap.h"

#define GET(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define SET(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

static moirai_mutex_t *mutex;
static long page_bytes;
static volatile bool taken_away;
static int waits, got;
static pid_t me;

static void nap(long us)
{
    struct timespec t = {0, us * 1000};
    nanosleep(&t, NULL);
}

static void step(int signal)
{
    if (taken_away)
        return;
    if ((mutex->moirai_word & 0x7fffffffu) == 0 || GET(&got)) {
        taken_away = true;
        mprotect(mutex, (size_t)page_bytes, PROT_NONE);
    }
}

/* The one that waits comes later, and finds its page in order after a while. */
static void touched(int signal)
{
    if (taken_away && gettid() != me) {
        nap(1000);
        return;
    }
    static const char text[] = "gone: touched a mutex that had been given up\n";
    _exit(write(1, text, sizeof text - 1) < 0 ? 2 : 1);
}

static void fresh(int kind)
{
    mutex = mmap(NULL, (size_t)page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    moirai_mutex_init(mutex, kind);
    taken_away = false;
    SET(&waits, 0);
    SET(&got, 0);
    moirai_mutex_lock(mutex);
}

/* False: nobody had the mutex in time to tell, as an heir may run late. */
static bool unlock_by_steps(int kind, bool called, const char *how)
{
    int status;
    set_trap();
    if (called)
        status = (moirai_mutex_unlock)(mutex);
    else
        status = moirai_mutex_unlock(mutex);
    clear_trap();
    printf("gone: %s, %s, %s: %s\n", kind == MOIRAI_MUTEX_PLAIN ? "plain" : "asymmetric", called ? "called" : "inlined",
           how, taken_away ? "not touched" : "not noticed");
    if (status != MOIRAI_OK)
        exit(1);
    return taken_away;
}

static void *wants(void *arg)
{
    SET(&waits, 1);
    moirai_mutex_lock(mutex);
    SET(&got, 1);
    return arg;
}

static void end(pthread_t t)
{
    mprotect(mutex, (size_t)page_bytes, PROT_READ | PROT_WRITE);
    pthread_join(t, NULL);
}

/* Asleep for `us`: the longer time makes it one that the mutex is handed to, if it loses the race in between. */
static bool contended(int kind, bool called, long us)
{
    pthread_t t;
    fresh(kind);
    pthread_create(&t, NULL, wants, NULL);
    while (!GET(&waits))
        nap(100);
    nap(us);
    bool held = true;
    if (us > 4000) {
        moirai_mutex_unlock(mutex);
        held = moirai_mutex_try_lock(mutex) == MOIRAI_OK;
        nap(us);
    }
    bool done = held && unlock_by_steps(kind, called, us > 4000 ? "to one that starves" : "with a sleeper");
    end(t);
    return done;
}

int main(void)
{
    struct sigaction trap = {.sa_handler = step}, segv = {.sa_handler = touched};
    me = gettid();
    page_bytes = sysconf(_SC_PAGESIZE);
    setvbuf(stdout, NULL, _IONBF, 0);
    sigaction(SIGTRAP, &trap, NULL);
    sigaction(SIGSEGV, &segv, NULL);
    for (int i = 0; i < 4; i++) {
        int kind = i % 2 ? MOIRAI_MUTEX_ASYMMETRIC : MOIRAI_MUTEX_PLAIN;
        bool called = i / 2;
        fresh(kind);
        if (!unlock_by_steps(kind, called, "free"))
            return 1;
        int tries = 100;
        while (!contended(kind, called, 100) || !contended(kind, called, 6000))
            if (--tries == 0) {
                printf("gone: nobody was handed the mutex in time in 100 tries\n");
                return 1;
            }
    }
    return 0;
}

#else
int main(void)
{
    return 77;
}
#endif
