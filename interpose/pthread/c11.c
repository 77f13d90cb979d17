/* C11's mutexes and condition variables, which are glibc's of POSIX under other names and with other answers. Inside
   glibc they never leave it, so they have to be caught here. */
#include "interpose/pthread/pthread.h"

#include <errno.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "glibc's layout");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's layout");

static int answer(int err)
{
    switch (err) {
    case 0:
        return thrd_success;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    case EBUSY:
        return thrd_busy;
    default:
        return thrd_error;
    }
}

#define C11_CALL(name, posix, type)                                                                                    \
    MO_EXPORT int name(type *object)                                                                                   \
    {                                                                                                                  \
        return answer(posix((void *)object));                                                                          \
    }

C11_CALL(mtx_lock, pthread_mutex_lock, mtx_t)
C11_CALL(mtx_trylock, pthread_mutex_trylock, mtx_t)
C11_CALL(mtx_unlock, pthread_mutex_unlock, mtx_t)
C11_CALL(cnd_signal, pthread_cond_signal, cnd_t)
C11_CALL(cnd_broadcast, pthread_cond_broadcast, cnd_t)

MO_EXPORT int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict at)
{
    return answer(pthread_mutex_timedlock((pthread_mutex_t *)mutex, at));
}

MO_EXPORT int cnd_init(cnd_t *cond)
{
    return answer(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

MO_EXPORT void cnd_destroy(cnd_t *cond)
{
    pthread_cond_destroy((pthread_cond_t *)cond);
}

MO_EXPORT int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return answer(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex));
}

MO_EXPORT int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict at)
{
    return answer(pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, at));
}
