/* moirai_once() for C. A function that ends its thread, by cancellation or by itself, runs the clean-up; compiled
   without exceptions (src/CMakeLists.txt has the reason). In C++ the header has another form. */
#define MOIRAI_NO_INLINE
#include "native/native.h"
#include "park/strand.h"

#include "moirai/sync.h"
#include "sync/sync.h"

#include <pthread.h>

_Static_assert(sizeof(moirai_once_t) == sizeof(struct mo_sync_once), "room for the core's");

static struct mo_sync_once *once_of(moirai_once_t *once)
{
    return (struct mo_sync_once *)once;
}

MO_API int moirai_once_begin(moirai_once_t *once)
{
    return mo_sync_once_begin(once_of(once));
}

MO_API void moirai_once_end(moirai_once_t *once, int done)
{
    mo_sync_once_end(once_of(once), done);
}

static void left(void *once)
{
    mo_sync_once_end(once, false);
}

static __attribute__((noinline)) void run_it(moirai_once_t *once, void (*run)(void *arg), void *arg)
{
    pthread_cleanup_push(left, once_of(once));
    run(arg);
    pthread_cleanup_pop(0);
    mo_sync_once_end(once_of(once), true);
}

MO_API void moirai_once(moirai_once_t *once, void (*run)(void *arg), void *arg)
{
    if (mo_likely(mo_load_acquire(&once_of(once)->state) == MO_ONCE_DONE))
        return;
    if (!mo_sync_once_begin(once_of(once)))
        return;
    if (mo_likely(!mo_strand_here())) {
        run_it(once, run, arg);
        return;
    }
    run(arg); /* a clean-up is its thread's, which a fiber may leave */
    mo_sync_once_end(once_of(once), true);
}
