/* usage: conform [NAME ...]: all cases, or those whose names begin so. TEST_FACE: part of the path of the object that
   must define pthread_mutex_lock, so that a wrong environment never passes for a good result. */
#include "suite.h"

#include <dlfcn.h>
#include <stdio.h>

extern const struct conform_case *const __start_cases[], *const __stop_cases[];

#define CASE_SECONDS 150 /* for what hangs, on a machine as busy as may be */

static bool failed;

static void mark(bool wrong)
{
    if (wrong)
        printf("(!)");
    failed |= wrong;
}

void note(const char *what, long got, long wanted)
{
    printf(" %s=%ld", what, got);
    mark(got != wanted);
}

static const char *name_of(int err)
{
    const char *name = strerrorname_np(err);
    return name ? name : "?";
}

void note_error(const char *what, int got, int wanted)
{
    printf(" %s=%s", what, name_of(got));
    mark(got != wanted);
}

void note_any(const char *what, int got)
{
    printf(" %s=%s", what, name_of(got));
}

struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec at;
    clock_gettime(clock, &at);
    long long ns = at.tv_nsec + ms * 1000000LL;
    at.tv_sec += ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    if (at.tv_nsec < 0) {
        at.tv_nsec += 1000000000;
        at.tv_sec--;
    }
    return at;
}

long long now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void nap(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&t, &t) != 0)
        continue;
}

pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, arg) != 0) {
        perror("pthread_create");
        _exit(3);
    }
    return thread;
}

void *end(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return result;
}

static void *trylock_thread(void *m)
{
    int err = pthread_mutex_trylock(m);
    if (err == 0 || err == EOWNERDEAD)
        pthread_mutex_unlock(m);
    return (void *)(intptr_t)err;
}

int others_trylock(pthread_mutex_t *m)
{
    return (int)(intptr_t)end(start(trylock_thread, m));
}

static void *unlock_thread(void *m)
{
    return (void *)(intptr_t)pthread_mutex_unlock(m);
}

int others_unlock(pthread_mutex_t *m)
{
    return (int)(intptr_t)end(start(unlock_thread, m));
}

struct timed {
    pthread_mutex_t *m;
    clockid_t clock;
    long ms;
};

static void *timedlock_thread(void *arg)
{
    struct timed *t = arg;
    struct timespec at = in_ms(t->clock, t->ms);
    int err = pthread_mutex_clocklock(t->m, t->clock, &at);
    if (err == 0)
        pthread_mutex_unlock(t->m);
    return (void *)(intptr_t)err;
}

int others_timedlock(pthread_mutex_t *m, clockid_t clock, long ms)
{
    struct timed t = {m, clock, ms};
    return (int)(intptr_t)end(start(timedlock_thread, &t));
}

void await(atomic_int *count, int least)
{
    while (atomic_load(count) < least)
        nap(1);
}

static int status_of(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

int in_child(int (*run)(void *), void *arg)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(CASE_SECONDS / 2);
        _exit(run(arg));
    }
    return status_of(pid);
}

void *shared(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static bool run_case(const struct conform_case *c)
{
    printf("%s:", c->name);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(CASE_SECONDS);
        c->run();
        fflush(stdout);
        _exit(failed);
    }
    int status = status_of(pid);
    if (status > 1)
        printf(" ended with %d (!)", status);
    printf("\n");
    return status == 0;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return true;
    return argc == 1;
}

static bool has_right_face(void)
{
    Dl_info where;
    const char *face = getenv("TEST_FACE");
    return !face || (dladdr(dlsym(RTLD_DEFAULT, "pthread_mutex_lock"), &where) && strstr(where.dli_fname, face));
}

int main(int argc, char **argv)
{
    int count = 0, wrong = 0;
    if (!has_right_face()) {
        fprintf(stderr, "conform: the wrong object answers\n");
        return 2;
    }
    for (const struct conform_case *const *c = __start_cases; c != __stop_cases; c++) {
        if (!is_wanted((*c)->name, argc, argv))
            continue;
        count++;
        wrong += !run_case(*c);
    }
    printf("%d cases, %d wrong\n", count, wrong);
    return wrong != 0;
}
