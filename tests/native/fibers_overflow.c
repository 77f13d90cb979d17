/* A fiber that runs over the end of its stack ends the process with a message. */
#include <stdio.h>

#include <moirai/moirai.h>

static __attribute__((noinline)) long descend(long depth)
{
    volatile char room[256];
    room[0] = (char)depth;
    return depth ? descend(depth - 1) + room[0] : 0;
}

static void overflow(void *arg)
{
    descend(1000000);
}

int main(void)
{
    moirai_task_t task;
    if (moirai_fiber_spawn(NULL, &task, NULL, overflow, NULL) == MOIRAI_OK)
        moirai_join(&task, NULL);
    puts("nothing happened");
    return 0;
}
