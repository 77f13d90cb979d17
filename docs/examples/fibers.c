/* Fibers: a thousand of them pass a number round, each adding one, and one sleeps; two workers run them all.
   cc fibers.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

#define COUNT 1000

struct place {
    moirai_channel_t *from, *to;
};

static void pass_on(void *arg)
{
    const struct place *p = arg;
    long n;
    while (moirai_channel_recv(p->from, &n) == MOIRAI_OK) {
        n++;
        if (moirai_channel_send(p->to, &n) != MOIRAI_OK)
            break;
    }
    moirai_channel_close(p->to);
}

static void wait_awhile(void *arg)
{
    moirai_fiber_sleep_until(moirai_now_ns() + 1000000);
    *(int *)arg = 1;
}

int main(void)
{
    static moirai_channel_t *links[COUNT + 1];
    static struct place places[COUNT];
    moirai_task_t sleeper;
    int slept = 0;
    long n = 0;
    for (int i = 0; i <= COUNT; i++)
        if (moirai_channel_new(&links[i], sizeof n, MOIRAI_RENDEZVOUS, 0) != MOIRAI_OK)
            return 1;
    for (int i = 0; i < COUNT; i++) {
        places[i] = (struct place){links[i], links[i + 1]};
        if (moirai_go(pass_on, &places[i]) != MOIRAI_OK)
            return 1;
    }
    if (moirai_fiber_spawn(NULL, &sleeper, NULL, wait_awhile, &slept) != MOIRAI_OK)
        return 1;
    for (int round = 0; round < 3; round++) {
        moirai_channel_send(links[0], &n);
        moirai_channel_recv(links[COUNT], &n);
        printf("round %d: %ld\n", round, n);
    }
    moirai_channel_close(links[0]);
    while (moirai_channel_recv(links[COUNT], &n) == MOIRAI_OK)
        continue;
    moirai_join(&sleeper, NULL);
    printf("slept: %d\n", slept);
    return n == 3 * COUNT && slept ? 0 : 1;
}
