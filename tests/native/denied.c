/* Where the system denies membarrier: asymmetric mutexes are plain ones, or, if it is denied only after the first was made,
   waits look again by themselves. usage: denied first|later */
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

int main(int argc, char **argv)
{
    pthread_t t[THREADS];
    void *wrong;
    if (argc == 2 && strcmp(argv[1], "later") == 0) {
        moirai_mutex_lock(&m);
        moirai_mutex_unlock(&m);
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
    printf("denied: word %x, counter %ld\n", m.moirai_word, counter);
    return counter != THREADS * ROUNDS;
}
