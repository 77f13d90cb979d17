/* usage: past PLUGIN: code that passes the preload by works on the same mutexes: an object opened with RTLD_DEEPBIND
   and functions found through a handle of the C library. Both sides exclude each other and both make progress. The
   condition variables of before glibc 2.3.2, which have another layout, are the C library's in any case. */
#include <dlfcn.h>
#include <errno.h>
#include <gnu/lib-names.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int on_mutex(pthread_mutex_t *);

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static long count;
static atomic_int inside;
static int wrong;

static void check(const char *what, int good)
{
    printf("past: %s: %s\n", what, good ? "yes" : "NO");
    wrong |= !good;
}

struct side {
    on_mutex *lock, *unlock;
    int rounds, hold_us;
    long clashes;
};

static void hold(long us)
{
    struct timespec t = {0, us * 1000};
    if (us)
        nanosleep(&t, NULL);
}

static void *takes_turns(void *arg)
{
    struct side *s = arg;
    for (int i = 0; i < s->rounds; i++) {
        s->lock(&m);
        s->clashes += atomic_fetch_add(&inside, 1) != 0;
        count++;
        hold(s->hold_us);
        atomic_fetch_sub(&inside, 1);
        s->unlock(&m);
    }
    return NULL;
}

static void together(const char *what, struct side *a, struct side *b, int rounds, int hold_us)
{
    struct side side[4] = {*a, *b, *a, *b};
    pthread_t t[4];
    count = 0;
    long clashes = 0;
    for (int i = 0; i < 4; i++) {
        side[i].rounds = rounds;
        side[i].hold_us = hold_us;
        pthread_create(&t[i], NULL, takes_turns, &side[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        clashes += side[i].clashes;
    }
    check(what, count == 4L * rounds && clashes == 0);
}

/* A waiter that has lost the race again and again gets in although every unlock passes its table by. */
static atomic_int entered;
static void *waits_long(void *arg)
{
    struct side *s = arg;
    s->lock(&m);
    atomic_store(&entered, 1);
    s->unlock(&m);
    return NULL;
}

static void progress(const char *what, struct side *waiter, struct side *holder)
{
    pthread_t t;
    atomic_store(&entered, 0);
    holder->lock(&m);
    pthread_create(&t, NULL, waits_long, waiter);
    for (int i = 0; i < 5000 && !atomic_load(&entered); i++) {
        hold(3000);
        holder->unlock(&m);
        if (i % 8 == 7)
            hold(20000); /* nobody else holds it: the waiter has only to look */
        holder->lock(&m);
    }
    check(what, atomic_load(&entered));
    holder->unlock(&m);
    pthread_join(t, NULL);
}

/* ---- Old condition variables. */
static int (*old_wait)(void *, pthread_mutex_t *), (*old_signal)(void *);
static void *old_cond[8]; /* one word in that layout */
static int told, waits;

static void *waits_old(void *arg)
{
    pthread_mutex_lock(&m);
    waits = 1;
    while (!told)
        old_wait(old_cond, &m);
    pthread_mutex_unlock(&m);
    return arg;
}

static void old_conds(void *libc)
{
#if defined(__x86_64__)
    Dl_info where;
    pthread_t t;
    (void)libc;
    old_wait = (int (*)(void *, pthread_mutex_t *))dlvsym(RTLD_DEFAULT, "pthread_cond_wait", "GLIBC_2.2.5");
    old_signal = (int (*)(void *))dlvsym(RTLD_DEFAULT, "pthread_cond_signal", "GLIBC_2.2.5");
    check("old condition variables are the C library's",
          old_wait && old_signal && dladdr((void *)old_wait, &where) && strstr(where.dli_fname, "libc.so"));
    pthread_create(&t, NULL, waits_old, NULL);
    for (int i = 0; i == 0;) {
        pthread_mutex_lock(&m);
        i = waits;
        pthread_mutex_unlock(&m);
    }
    pthread_mutex_lock(&m);
    told = 1;
    old_signal(old_cond);
    pthread_mutex_unlock(&m);
    pthread_join(t, NULL);
    check("old condition variables wake", 1);
#else
    (void)libc;
#endif
}

int main(int argc, char **argv)
{
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND) : NULL;
    void *libc = dlopen(LIBC_SO, RTLD_NOW);
    if (!plugin || !libc) {
        fprintf(stderr, "past: %s\n", dlerror());
        return 2;
    }
    alarm(100);
    struct side face = {pthread_mutex_lock, pthread_mutex_unlock, 0, 0, 0};
    struct side deep = {(on_mutex *)dlsym(plugin, "deep_lock"), (on_mutex *)dlsym(plugin, "deep_unlock"), 0, 0, 0};
    struct side handle = {(on_mutex *)dlsym(libc, "pthread_mutex_lock"),
                          (on_mutex *)dlsym(libc, "pthread_mutex_unlock"), 0, 0, 0};
    Dl_info where;
    check("the handle leads past", dladdr((void *)handle.lock, &where) && strstr(where.dli_fname, "libc.so"));
    together("face and deep binding exclude", &face, &deep, 20000, 0);
    together("face and handle exclude", &face, &handle, 20000, 0);
    together("face and deep binding exclude, held for long", &face, &deep, 100, 300);
    progress("who waits by the face gets in", &face, &handle);
    progress("who waits past the face gets in", &handle, &face);
    old_conds(libc);
    return wrong;
}
