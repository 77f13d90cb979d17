/* The preload meets programs that are linked to GCC's own runtime, which is loaded with them and does one thing
   although nobody calls it: where the settings ask for binding, it binds the initial thread while it is loaded. Moirai,
   which binds that thread itself when the time comes, would take its mask for all that the process may use. So that one
   call does nothing; all others go to the C library. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/atomic.h"
#include "interpose/face.h"

typedef int set_affinity(pthread_t, size_t, const cpu_set_t *);

static bool is_gcc_runtime(const void *code)
{
    Dl_info where;
    if (dladdr(code, &where) == 0 || where.dli_fname == NULL)
        return false;
    const char *slash = strrchr(where.dli_fname, '/');
    const char *file = slash != NULL ? slash + 1 : where.dli_fname;
    return strncmp(file, "libgomp", strlen("libgomp")) == 0;
}

MO_EXPORT int pthread_setaffinity_np(pthread_t thread, size_t bytes, const cpu_set_t *mask)
{
    static _Atomic(set_affinity *) next;
    if (is_gcc_runtime(__builtin_return_address(0)))
        return 0;
    set_affinity *real = mo_load_relaxed(&next);
    if (real == NULL) {
        real = (set_affinity *)dlsym(RTLD_NEXT, "pthread_setaffinity_np");
        mo_store_relaxed(&next, real);
    }
    return real != NULL ? real(thread, bytes, mask) : ENOSYS;
}
