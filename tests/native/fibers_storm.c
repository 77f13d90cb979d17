/* Storms of fibers. usage: PROGRAM parked [FIBERS] | messages | signals | fork
   parked: all wait, and each is woken once. messages: many pairs and a crowd at channels of each kind, on three
   workers. fork: what a child finds. signals: handlers wake on the thread of the only worker, whatever that is about to
   do. */
#include "native.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static void expect(const char *what, long got, long wanted)
{
    if (got == wanted)
        return;
    fprintf(stderr, "%s: %ld, should be %ld\n", what, got, wanted);
    exit(1);
}

/* ---- Parked. */
static moirai_sem_t gate;
static long arrived, woken;

static void pass(void *arg)
{
    ADD(&arrived, 1);
    moirai_sem_wait(&gate);
    ADD(&woken, 1);
}

static long resident_kib(void)
{
    long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void parked(long count)
{
    moirai_executor_t *x = made(2);
    moirai_sem_init(&gate, 0);
    long before = resident_kib();
    for (long i = 0; i < count; i++)
        expect("a fiber", moirai_fiber_spawn(x, NULL, NULL, pass, NULL), MOIRAI_OK);
    AWAIT(GET(&arrived) == count);
    printf("%ld parked fibers: %.1f KiB each\n", count, (double)(resident_kib() - before) / (double)count);
    for (long i = 0; i < count; i++)
        expect("a permit", moirai_sem_post(&gate), MOIRAI_OK);
    end(x);
    expect("woken", woken, count);
    expect("permits left", moirai_sem_value(&gate), 0);
}

/* ---- Messages. */
#define SENDERS 400
#define EACH    50

static moirai_channel_t *crowd;
static long sum, received;

static void send_some(void *arg)
{
    for (long i = 1; i <= EACH; i++)
        expect("a send", moirai_channel_send(crowd, &i), MOIRAI_OK);
}

static void receive_all(void *arg)
{
    long m;
    while (moirai_channel_recv(crowd, &m) == MOIRAI_OK) {
        ADD(&sum, m);
        ADD(&received, 1);
    }
}

static void messages_through(size_t capacity)
{
    moirai_task_t senders[SENDERS], receivers[SENDERS];
    moirai_executor_t *x = made(3);
    sum = received = 0;
    expect("a channel", moirai_channel_new(&crowd, sizeof(long), capacity, 0), MOIRAI_OK);
    for (int i = 0; i < SENDERS; i++) {
        moirai_fiber_spawn(x, &receivers[i], NULL, receive_all, NULL);
        moirai_fiber_spawn(x, &senders[i], NULL, send_some, NULL);
    }
    for (int i = 0; i < SENDERS; i++)
        expect("a sender", moirai_join(&senders[i], NULL), MOIRAI_OK);
    moirai_channel_close(crowd);
    for (int i = 0; i < SENDERS; i++)
        expect("a receiver", moirai_join(&receivers[i], NULL), MOIRAI_OK);
    end(x);
    expect("messages", received, (long)SENDERS * EACH);
    expect("their sum", sum, (long)SENDERS * EACH * (EACH + 1) / 2);
    expect("the channel", moirai_channel_free(crowd), MOIRAI_OK);
}

/* ---- Fork: the parent's fibers stay with the parent; a child has fibers of its own. */
static void count_up(void *arg)
{
    ADD((long *)arg, 1);
}

static int forks(void)
{
#ifdef __SANITIZE_THREAD__
    return 77; /* it ends a child that makes threads */
#endif
    moirai_executor_t *x = made(2);
    int status;
    moirai_sem_init(&gate, 0);
    for (int i = 0; i < 50; i++)
        moirai_fiber_spawn(x, NULL, NULL, pass, NULL);
    AWAIT(GET(&arrived) == 50);
    pid_t child = fork();
    if (child == 0) {
        long count = 0;
        moirai_executor_t *own = made(2);
        expect("the parent's executor takes nothing", moirai_fiber_spawn(x, NULL, NULL, count_up, &count),
               MOIRAI_ESHUTDOWN);
        for (int i = 0; i < 100; i++)
            moirai_fiber_spawn(own, NULL, NULL, count_up, &count);
        end(own);
        _exit(count == 100 ? 0 : 1);
    }
    expect("the child", waitpid(child, &status, 0), child);
    expect("its status", status, 0);
    for (int i = 0; i < 50; i++)
        moirai_sem_post(&gate);
    end(x);
    expect("woken", woken, 50);
    return 0;
}

/* ---- Signals, while two fibers wake each other in turns. */
#define SIGNALS 2000

struct player {
    moirai_channel_t *in, *out;
};

static pthread_t worker;
static moirai_waker_t signalled;
static long asked, seen;
static int listens, over;

static int see(moirai_future_t *self, const moirai_waker_t *waker)
{
    (void)self;
    __atomic_store_n(&seen, GET(&asked), __ATOMIC_RELEASE);
    if (!GET(&listens)) {
        signalled = moirai_waker_clone(waker);
        ADD(&listens, 1);
    }
    if (!GET(&over))
        return MOIRAI_PENDING;
    moirai_waker_drop(&signalled);
    return MOIRAI_READY;
}

static void on_signal(int number)
{
    (void)number;
    ADD(&asked, 1);
    moirai_waker_wake(&signalled);
}

static void play(void *arg)
{
    const struct player *p = arg;
    long message = 0;
    worker = pthread_self();
    while (moirai_channel_recv(p->in, &message) == MOIRAI_OK && moirai_channel_send(p->out, &message) == MOIRAI_OK)
        ;
}

static void signals(void)
{
    static const moirai_future_ops_t ops = {.poll = see};
    const struct sigaction action = {.sa_handler = on_signal};
    moirai_future_t future = {&ops};
    moirai_executor_t *x = made(1);
    struct player player[2];
    moirai_channel_t *channel[2];
    long first = 1;
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 2; i++)
        expect("a channel", moirai_channel_new(&channel[i], sizeof(long), MOIRAI_RENDEZVOUS, 0), MOIRAI_OK);
    for (int i = 0; i < 2; i++) {
        player[i] = (struct player){channel[i], channel[1 - i]};
        expect("a fiber", moirai_fiber_spawn(x, NULL, NULL, play, &player[i]), MOIRAI_OK);
    }
    expect("a future", moirai_async(x, NULL, &future, sizeof future), MOIRAI_OK);
    expect("the first message", moirai_channel_send(channel[0], &first), MOIRAI_OK);
    AWAIT(GET(&listens));
    for (long i = 1; i <= SIGNALS; i++) {
        pthread_kill(worker, SIGUSR1);
        AWAIT(GET(&seen) == i);
    }
    ADD(&over, 1);
    pthread_kill(worker, SIGUSR1);
    for (int i = 0; i < 2; i++)
        expect("closing", moirai_channel_close(channel[i]), MOIRAI_OK);
    end(x);
    for (int i = 0; i < 2; i++)
        expect("freeing", moirai_channel_free(channel[i]), MOIRAI_OK);
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    if (!strcmp(which, "parked"))
        parked(argc > 2 ? atol(argv[2]) : 100000);
    else if (!strcmp(which, "messages"))
        for (int i = 0; i < 3; i++)
            messages_through((const size_t[]){MOIRAI_RENDEZVOUS, 4, MOIRAI_UNBOUNDED}[i]);
    else if (!strcmp(which, "signals"))
        signals();
    else if (!strcmp(which, "fork"))
        return forks();
    else
        return 2;
    return 0;
}
