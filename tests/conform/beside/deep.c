/* Opened with RTLD_DEEPBIND: its calls go to the C library past any preload. */
#include <pthread.h>

int deep_lock(pthread_mutex_t *m)
{
    return pthread_mutex_lock(m);
}

int deep_unlock(pthread_mutex_t *m)
{
    return pthread_mutex_unlock(m);
}
