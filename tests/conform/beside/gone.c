/* Once a mutex has been given away it may be gone: the next owner may unmap it. The unlock runs instruction by
   instruction (trap flag); as soon as the mutex belongs to nobody or to another thread its page is made inaccessible.
   Any touch after that is a crash. Says "gone: ..." for each way of unlocking. x86-64 only. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)

#include "../../trap.h"

static struct page {
    pthread_mutex_t m;
    pthread_cond_t c;
} * page;
static long page_bytes;
static volatile bool taken_away;
static volatile bool handed_over;
static atomic_int others_got, asleep;
static int me;

static void nap(long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

static void take_away(void)
{
    taken_away = true;
    mprotect(page, page_bytes, PROT_NONE);
}

static void step(int signal)
{
    (void)signal;
    if (taken_away)
        return;
    /* Handed over: the owner is written before the heir may know, so give it time to. */
    if (page->m.__data.__owner != 0 && page->m.__data.__owner != me) {
        handed_over = true;
        for (int i = 0; i < 10 && !atomic_load(&others_got); i++)
            nap(1000);
    }
    if (page->m.__data.__lock == 0 || atomic_load(&others_got))
        take_away();
}

/* The waiter is the next owner, and finds its page in order after a while. */
static void touched(int signal)
{
    (void)signal;
    if (taken_away && gettid() != me) {
        nap(1000);
        return;
    }
    static const char text[] = "gone: touched a mutex that had been given away\n";
    _exit(write(1, text, sizeof text - 1) < 0 ? 2 : 1);
}

static void fresh(int kind)
{
    page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page->m.__data.__kind = kind;
    taken_away = false;
    atomic_store(&others_got, 0);
    atomic_store(&asleep, 0);
}

/* False: nobody had the mutex in time to tell, as an heir may run late. */
static bool unlock_by_steps(const char *how)
{
    set_trap();
    int err = pthread_mutex_unlock(&page->m);
    clear_trap();
    printf("gone: %s: %s, %s\n", how, strerror(err), taken_away ? "not touched" : "not noticed");
    if (err)
        exit(1);
    return taken_away;
}

static void uncontended(int kind, const char *how)
{
    fresh(kind);
    pthread_mutex_lock(&page->m);
    if (!unlock_by_steps(how))
        exit(1);
}

typedef int lock_call(pthread_mutex_t *);

static void *wants(void *arg)
{
    lock_call *lock = (lock_call *)arg;
    atomic_store(&asleep, 1);
    lock(&page->m);
    atomic_store(&others_got, 1);
    return NULL;
}

/* Who waits in the C library's own way can only be woken. */
static lock_call *lock_past(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    lock_call *lock = libc ? (lock_call *)dlsym(libc, "pthread_mutex_lock") : NULL;
    if (!lock || lock == pthread_mutex_lock) {
        printf("gone: no way past the preload\n");
        exit(1);
    }
    return lock;
}

/* A waiter of Moirai's that has been asleep for some milliseconds is made the owner. One that is woken cannot run
   before the wake, which is the last that the unlock does. False: not noticed, or not as it was meant. */
static bool contended(lock_call *lock, const char *how, bool by_hand)
{
    pthread_t t;
    fresh(0);
    handed_over = false;
    pthread_mutex_lock(&page->m);
    pthread_create(&t, NULL, wants, (void *)lock);
    while (!atomic_load(&asleep) || page->m.__data.__lock != 2)
        nap(100);
    nap(5000);
    bool noticed = unlock_by_steps(how);
    mprotect(page, page_bytes, PROT_READ | PROT_WRITE);
    pthread_join(t, NULL);
    return noticed && handed_over == by_hand;
}

static void contended_in_some_try(lock_call *lock, const char *how, bool by_hand)
{
    for (int i = 0; i < 100; i++)
        if (contended(lock, how, by_hand))
            return;
    printf("gone: %s: not in 100 tries\n", how);
    exit(1);
}

/* Without sleeps on two words (Linux before 5.16) nobody is made an owner. */
static bool hands_over(void)
{
    syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0);
    return errno != ENOSYS;
}

/* A waiter that has been taken may free the condition while the signal is still on its way. */
static void *unmaps(void *arg)
{
    struct page *p = arg;
    pthread_mutex_lock(&p->m);
    atomic_store(&asleep, 1);
    pthread_cond_wait(&p->c, &p->m);
    pthread_mutex_unlock(&p->m);
    munmap(p, page_bytes);
    return NULL;
}

static void unmapped_by_waiter(bool broadcast)
{
    for (int i = 0; i < 2000; i++) {
        pthread_t t;
        fresh(0);
        struct page *p = page;
        pthread_create(&t, NULL, unmaps, p);
        while (!atomic_load(&asleep))
            nap(i % 3 * 10);
        if (i % 8 == 0)
            nap(2000);
        pthread_mutex_lock(&p->m);
        if (broadcast || i % 2)
            pthread_cond_broadcast(&p->c);
        else
            pthread_cond_signal(&p->c);
        pthread_mutex_unlock(&p->m);
        pthread_join(t, NULL);
    }
    printf("gone: unmapped by who waited: not touched\n");
}

int main(void)
{
    struct sigaction trap = {.sa_handler = step}, segv = {.sa_handler = touched};
    me = gettid();
    setvbuf(stdout, NULL, _IONBF, 0);
    page_bytes = sysconf(_SC_PAGESIZE);
    sigaction(SIGTRAP, &trap, NULL);
    sigaction(SIGSEGV, &segv, NULL);
    uncontended(PTHREAD_MUTEX_DEFAULT, "one thread");
    contended_in_some_try(lock_past(), "contended", false);
    uncontended(PTHREAD_MUTEX_DEFAULT, "default");
    uncontended(PTHREAD_MUTEX_RECURSIVE_NP, "recursive");
    uncontended(PTHREAD_MUTEX_ERRORCHECK_NP, "errorcheck");
    uncontended(PTHREAD_MUTEX_ADAPTIVE_NP, "adaptive");
    if (hands_over())
        contended_in_some_try(pthread_mutex_lock, "starving", true);
    unmapped_by_waiter(false);
    unmapped_by_waiter(true);
    return 0;
}

#else
int main(void)
{
    return 77;
}
#endif
