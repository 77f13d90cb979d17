/* A program that does a known number of things: what the statistics say of it is compared with that. Its first argument
   says how it ends. What it writes to standard output is the same whatever watches it. */
#include <dirent.h>
#include <fcntl.h>
#include <omp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REGIONS     10
#define THREADS     3
#define LOCKS       100
#define TASKS       50
#define INNER_WAITS 5

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long sum;
static void *pass_gate(void *waits);
static bool opened;

static void __attribute__((noinline)) add_locked(long n)
{
    pthread_mutex_lock(&mutex);
    sum += n;
    pthread_mutex_unlock(&mutex);
}

static void regions(int count)
{
    for (int r = 0; r < count; r++) {
#pragma omp parallel num_threads(THREADS)
        {
            for (int i = 0; i < LOCKS; i++)
                add_locked(1);
#pragma omp barrier
#pragma omp single
            for (int i = 0; i < TASKS; i++)
#pragma omp task
                __atomic_fetch_add(&sum, 1, __ATOMIC_RELAXED);
        }
    }
}

/* THREADS * LOCKS times each. */
static void criticals(void)
{
    omp_lock_t lock;
    omp_init_lock(&lock);
#pragma omp parallel num_threads(THREADS)
    for (int i = 0; i < LOCKS; i++) {
#pragma omp critical(tally)
        sum++;
        omp_set_lock(&lock);
        sum++;
        omp_unset_lock(&lock);
    }
    omp_destroy_lock(&lock);
}

/* Whoever takes the mutex holds it for long, so that all others come to wait for it. */
static _Atomic int came;

static void *hold_long(void *unused)
{
    came++;
    pthread_mutex_lock(&mutex);
    usleep(30000);
    pthread_mutex_unlock(&mutex);
    return unused;
}

/* Threads of the process that sleep now. */
static int sleepers(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        char path[300], line[300] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
        FILE *file = fopen(path, "r");
        if (file && fgets(line, sizeof line, file))
            count += strstr(line, ") S") != NULL;
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return count;
}

static void contend(void)
{
    pthread_t thread[THREADS];
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, hold_long, NULL);
    while (came < THREADS || sleepers() < THREADS)
        usleep(1000);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

/* Woken while the gate is still shut. */
static void wake_in_vain(void)
{
    pthread_t thread;
    long waits = 0;
    pthread_create(&thread, NULL, pass_gate, &waits);
    for (bool again = true; again;) {
        usleep(1000);
        pthread_mutex_lock(&mutex);
        pthread_cond_signal(&changed);
        again = waits < 3;
        opened = !again;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
    pthread_join(thread, NULL);
    printf("waits %ld\n", waits);
}

/* One wait, or none where the gate is open already; the number goes to standard output. */
static void *pass_gate(void *waits)
{
    pthread_mutex_lock(&mutex);
    while (!opened) {
        ++*(long *)waits;
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* A signal handler that comes into the middle of a wait, and waits in its turn for what nobody signals: each of its
   waits comes back for no reason, as a thread stands in the table of waiters once. */
static pthread_mutex_t inner_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t handled;

static void wait_in_handler(int unused)
{
    (void)unused;
    pthread_mutex_lock(&inner_mutex);
    for (int i = 0; i < INNER_WAITS; i++)
        pthread_cond_wait(&never, &inner_mutex);
    pthread_mutex_unlock(&inner_mutex);
    sem_post(&handled);
}

static void wait_interrupted(void)
{
    pthread_t thread;
    long waits = 0;
    sem_init(&handled, 0, 0);
    signal(SIGUSR1, wait_in_handler);
    pthread_create(&thread, NULL, pass_gate, &waits);
    pthread_mutex_lock(&mutex);
    while (waits == 0) {
        pthread_mutex_unlock(&mutex);
        usleep(1000);
        pthread_mutex_lock(&mutex);
    }
    pthread_mutex_unlock(&mutex); /* it has given the mutex up, and so waits until it is signalled */
    pthread_kill(thread, SIGUSR1);
    while (sem_wait(&handled) != 0)
        continue;
    pthread_mutex_lock(&mutex);
    opened = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    printf("waits %ld\n", waits);
}

static long wait_at_gate(void)
{
    pthread_t thread;
    long waits = 0;
    pthread_create(&thread, NULL, pass_gate, &waits);
    usleep(20000);
    pthread_mutex_lock(&mutex);
    opened = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    return waits;
}

static void *lock_once(void *unused)
{
    add_locked(1);
    return unused;
}

static void many_threads(int count)
{
    pthread_t *thread = calloc((size_t)count, sizeof *thread);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    for (int i = 0; i < count; i++)
        if (pthread_create(&thread[i], &attr, lock_once, NULL) != 0)
            exit(77);
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
    free(thread);
}

/* The child does less than its parent. */
static int child_of_fork(bool raw)
{
    int status = 1;
    pid_t pid = raw ? _Fork() : fork();
    if (pid == 0) {
        sum = 0;
        if (!raw)
            regions(2);
        add_locked(1);
        fprintf(stdout, "child %d %ld\n", (int)getpid(), sum);
        exit(5);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "exit";
    if (strcmp(how, "nothing") == 0)
        return 4;
    if (strcmp(how, "threads") == 0) {
        many_threads(argc > 2 ? atoi(argv[2]) : 10);
    } else if (strcmp(how, "critical") == 0) {
        criticals();
    } else if (strcmp(how, "contend") == 0 || strcmp(how, "contend-stay") == 0) {
        contend();
    } else if (strcmp(how, "vain") == 0) {
        wake_in_vain();
        return 3;
    } else if (strcmp(how, "interrupted") == 0) {
        wait_interrupted();
        return 3;
    } else if (strcmp(how, "gate") == 0) {
        printf("waits %ld\n", wait_at_gate());
        return 3;
    } else {
        regions(REGIONS);
    }
    printf("%ld\n", sum);
    if (strcmp(how, "fork") == 0 || strcmp(how, "raw-fork") == 0) {
        fflush(stdout);
        printf("child's status %d\n", child_of_fork(strcmp(how, "raw-fork") == 0));
    } else if (strcmp(how, "kill") == 0) {
        fflush(stdout);
        raise(SIGKILL);
    } else if (strcmp(how, "_exit") == 0) {
        fflush(stdout);
        _exit(6);
    } else if (strcmp(how, "abort") == 0) {
        fflush(stdout);
        abort();
    } else if (strcmp(how, "daemon") == 0) {
        fflush(stdout);
        if (daemon(1, 0) != 0)
            return 1;
        regions(1);
    } else if (strcmp(how, "reopen") == 0) { /* descriptor 2 is a file of its own */
        close(2);
        if (argc < 3 || open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600) != 2)
            return 1;
    } else if (strcmp(how, "stay") == 0 || strcmp(how, "contend-stay") == 0) {
        fflush(stdout);
        fgetc(stdin);
    }
    return 3;
}
