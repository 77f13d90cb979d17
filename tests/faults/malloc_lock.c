/* A malloc with locks, used before any constructor has run: a lock operation that has to find glibc's own function must
   not allocate, as the caller may be malloc, which holds a lock. Exits with 3 where it does. */
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t of_malloc, of_others;
static char room[1 << 22];
static size_t used;

static void *take(size_t size)
{
    void *block = room + used;
    used += (size + 31) & ~(size_t)15;
    return used <= sizeof room ? block : NULL;
}

static void lock(void)
{
    if (pthread_mutex_lock(&of_malloc) != 0) /* it tells errors: the caller has it */
        _exit(3);
}

void *malloc(size_t size)
{
    lock();
    void *block = take(size);
    pthread_mutex_unlock(&of_malloc);
    return block;
}

void *calloc(size_t n, size_t size)
{
    return malloc(n * size); /* never used before: zero */
}

void *realloc(void *old, size_t size)
{
    void *block = malloc(size);
    size_t behind = block ? (size_t)((char *)block - (char *)old) : 0;
    return old && block ? memcpy(block, old, size < behind ? size : behind) : block;
}

void free(void *block)
{
    (void)block;
}

static void first(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&of_malloc, &attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_NORMAL);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&of_others, &attr);
    lock();
    if (pthread_mutex_lock(&of_others) != 0 || pthread_mutex_unlock(&of_others) != 0) /* glibc's kind */
        _exit(4);
    pthread_mutex_unlock(&of_malloc);
}
/* Before the constructors of all libraries. */
__attribute__((section(".preinit_array"), used)) static void (*const early)(void) = first;

int main(void)
{
    return malloc(10) == NULL;
}
