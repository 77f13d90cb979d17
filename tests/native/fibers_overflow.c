/* A fiber that runs over the end of its stack ends the process with a message: at once where there are guard pages;
   where the system has none (usage: PROGRAM word), after one warning, when it waits the next time. This program's own
   madvise() and mprotect() stand before the C library's, also for libmoirai, and say no then. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <moirai/moirai.h>

#define SEEN __attribute__((visibility("default")))

static int without_pages;

SEEN int madvise(void *at, size_t bytes, int advice)
{
    if (!without_pages)
        return (int)syscall(SYS_madvise, at, bytes, advice);
    errno = EINVAL;
    return -1;
}

SEEN int mprotect(void *at, size_t bytes, int protection)
{
    if (!without_pages)
        return (int)syscall(SYS_mprotect, at, bytes, protection);
    errno = ENOMEM;
    return -1;
}

static __attribute__((noinline)) long descend(long depth)
{
    volatile char room[256];
    for (int i = 0; i < 256; i++)
        room[i] = 1;
    return depth ? descend(depth - 1) + room[0] : 0;
}

/* Over the word, but not over what lies where the page would be. */
static __attribute__((noinline)) void fill(void)
{
    volatile char room[16 * 1024 + 512];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = 1;
}

static void overflow(void *arg)
{
    if (without_pages)
        fill();
    else
        descend(1000000);
    moirai_fiber_yield();
}

int main(int argc, char **argv)
{
    moirai_task_t task;
    without_pages = argc > 1;
    if (moirai_fiber_spawn(NULL, &task, NULL, overflow, NULL) == MOIRAI_OK)
        moirai_join(&task, NULL);
    puts("nothing happened");
    return 0;
}
