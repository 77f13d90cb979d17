/* Where the system denies membarrier: asymmetric mutexes are plain ones, or, if it is denied only after the first was
   made, waits look again by themselves; channels likewise. usage: denied first|later */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <moirai/moirai.h>

#define THREADS 3
#define ROUNDS  20000

static int deny(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static moirai_mutex_t m = MOIRAI_MUTEX_INIT_ASYMMETRIC;
static long counter, copy;

static void *counts(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        moirai_mutex_lock(&m);
        if (counter != copy)
            return (void *)1;
        counter++;
        if (i % 1000 == 0)
            usleep(100); /* the others fall asleep */
        copy++;
        moirai_mutex_unlock(&m);
    }
    return NULL;
}

/* Channels: each message and each place wakes whoever waits for it, and an end is seen. */
static moirai_channel_t *channels[3];
static moirai_spsc_t *words; /* the second one */

static void *passes_on(void *arg)
{
    long got;
    while (moirai_channel_recv(channels[0], &got) == MOIRAI_OK)
        got % 2 ? moirai_channel_send(channels[1], &got) : moirai_spsc_send(words, (uint64_t)got);
    moirai_channel_close(channels[1]);
    while (moirai_channel_recv(channels[2], &got) == MOIRAI_OK) {
    }
    return arg;
}

static int make_channels(void)
{
    return moirai_channel_new(&channels[0], sizeof(long), 1, 0) ||
           moirai_channel_new(&channels[1], sizeof(long), 1, MOIRAI_CHANNEL_SPSC) ||
           moirai_spsc_of(channels[1], &words) || moirai_channel_new(&channels[2], sizeof(long), MOIRAI_UNBOUNDED, 0);
}

static int use_channels(void)
{
    pthread_t t;
    long got = -1;
    pthread_create(&t, NULL, passes_on, NULL);
    for (long i = 0; i < 300; i++) {
        usleep(i % 50 ? 0 : 2000); /* the other falls asleep */
        uint64_t word = 0;
        if (moirai_channel_send(channels[0], &i) != MOIRAI_OK ||
            (i % 3 ? moirai_channel_recv(channels[1], &got) : moirai_spsc_recv(words, &word)) != MOIRAI_OK ||
            (i % 3 ? got : (long)word) != i)
            return 1;
    }
    moirai_channel_close(channels[0]);
    if (moirai_channel_recv(channels[1], &got) != MOIRAI_ECLOSED)
        return 1;
    usleep(2000);
    moirai_channel_close(channels[2]);
    pthread_join(t, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t t[THREADS];
    void *wrong;
    if (argc == 2 && strcmp(argv[1], "later") == 0) {
        moirai_mutex_lock(&m);
        moirai_mutex_unlock(&m);
        if (make_channels())
            return 3;
    }
    if (deny() != 0) {
        puts("denied: no filter can be set here");
        return 77;
    }
    alarm(50);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, counts, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], &wrong);
        if (wrong)
            return 1;
    }
    moirai_mutex_lock(&m);
    if (moirai_mutex_lock_until(&m, moirai_now_ns() + 3000000) != MOIRAI_ETIMEDOUT)
        return 2;
    if ((!channels[0] && make_channels()) || use_channels())
        return 3;
    printf("denied: word %x, counter %ld\n", m.moirai_word, counter);
    return counter != THREADS * ROUNDS;
}
