/* What the face of the locks does in this process, decided once. Locks are used before any constructor runs and inside
   the dynamic loader, so until our own constructor has run every call looks at the settings for itself, and nothing is
   asked of the loader but where a condition variable or a lock of glibc's needs it. */
#include "interpose/pthread/pthread.h"

#include "base/config.h"
#include "base/log.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mo_pthread_face mo_pthread = {.quick_kind = MO_KIND_NONE};

/* ---- Who else watches the locks of this program. */
extern void __tsan_init(void) __attribute__((weak));
extern void __asan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));

/* AddressSanitizer refuses to start behind a preload unless told that it is meant. */
MO_EXPORT const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "verify_asan_link_order=0";
}

static const char *sanitizer(void)
{
    return __tsan_init ? "ThreadSanitizer" : __asan_init ? "AddressSanitizer" : __msan_init ? "MemorySanitizer" : NULL;
}

/* Valgrind puts the part of a tool that lives in the program in front of LD_PRELOAD. */
static const char *valgrind_tool(void)
{
    const char *preload = getenv("LD_PRELOAD");
    if (!preload)
        return NULL;
    return strstr(preload, "vgpreload_helgrind") ? "Helgrind" : strstr(preload, "vgpreload_drd") ? "DRD" : NULL;
}

/* None of valgrind's tools understands a sleep on two words. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload_");
}

static enum mo_pthread_mode wanted(void)
{
    const char *watcher = sanitizer();
    if (!watcher)
        watcher = valgrind_tool();
    if (watcher) {
        mo_warn_once("%s checks the locks of this program: they are left to the C library", watcher);
        return MO_PTHREAD_OFF;
    }
    return MO_PTHREAD_OFF + (enum mo_pthread_mode)mo_knob_early(MO_KNOB_PTHREAD);
}

/* ---- glibc's functions. Every name must exist under the node it is asked for: of one that does not the loader makes a
   message, in memory from malloc, which may be the caller that holds a lock here. */
#if defined(__x86_64__)
#define COND_NODE "GLIBC_2.3.2" /* the present layout */
#else
#define COND_NODE NULL
#endif

static bool same_object(const void *a, const void *b)
{
    Dl_info of_a, of_b;
    return dladdr(a, &of_a) && dladdr(b, &of_b) && of_a.dli_fbase == of_b.dli_fbase;
}

/* Who stands between us and the C library (ThreadSanitizer does) has no versions and must not be left out. */
static void *find(const char *name)
{
    bool versioned = COND_NODE && strncmp(name, "pthread_cond_", strlen("pthread_cond_")) == 0 &&
                     strcmp(name, "pthread_cond_clockwait") != 0; /* has had one layout only */
    void *next = dlsym(RTLD_NEXT, name), *f = versioned ? dlvsym(RTLD_NEXT, name, COND_NODE) : NULL;
    if (f == next) /* as it usually is; dladdr() takes longer than all else at start */
        return f;
    return f && (!next || same_object(f, next)) ? f : next;
}

static _Atomic bool have_real;

const struct mo_real *mo_pthread_real(void)
{
    struct mo_real *real = &mo_pthread.real;
    if (mo_likely(mo_load_acquire(&have_real)))
        return real;
        /* Several threads may do this at once: they write the same. */
#define FIND(type, name, args) real->name = (type(*) args)find("pthread_" #name);
    MO_REAL_FUNCTIONS(FIND)
#undef FIND
    if (!real->mutex_lock || !real->cond_wait)
        mo_fatal("the C library's pthread_mutex_lock cannot be found");
    mo_store_release(&have_real, true);
    return real;
}

/* ---- Where glibc notes that a condition variable is shared: the byte that changes when one is initialised so. */
static bool init_cond(unsigned char bytes[sizeof(pthread_cond_t)], int shared)
{
    pthread_cond_t cond;
    pthread_condattr_t attr;
    memset(&cond, 0, sizeof cond);
    if (pthread_condattr_init(&attr) || pthread_condattr_setpshared(&attr, shared))
        return false;
    bool done = mo_pthread_real()->cond_init(&cond, &attr) == 0;
    memcpy(bytes, &cond, sizeof cond);
    return done;
}

static bool learn_shared_flag(void)
{
    unsigned char private_[sizeof(pthread_cond_t)], shared[sizeof(pthread_cond_t)];
    if (!init_cond(private_, PTHREAD_PROCESS_PRIVATE) || !init_cond(shared, PTHREAD_PROCESS_SHARED))
        return false;
    for (size_t i = sizeof(struct mo_sync_cond); i < sizeof private_; i++) {
        if (private_[i] == shared[i])
            continue;
        mo_pthread.shared_offset = (uint8_t)i;
        mo_pthread.shared_mask = private_[i] ^ shared[i];
        return true;
    }
    return false;
}

enum mo_pthread_mode mo_pthread_peek(void)
{
    enum mo_pthread_mode mode = mo_load_relaxed(&mo_pthread.mode);
    return mode ? mode : wanted();
}

enum mo_pthread_mode mo_pthread_decide(void)
{
    enum mo_pthread_mode mode = wanted();
    if (!environ) /* the C library itself is not ready: nothing is settled yet */
        return mode;
    if (mode == MO_PTHREAD_FULL && !learn_shared_flag()) {
        mo_warn_once("condition variables of this C library are not known: they are left to it");
        mode = MO_PTHREAD_MUTEX;
    }
    mo_pthread.watched = mo_pthread_is_watched();
    mo_store_release(&mo_pthread.mode, (uint8_t)mode);
    if (mode >= MO_PTHREAD_MUTEX && mo_plat_knows_tid() && !mo_pthread_is_watched())
        mo_store_release(&mo_pthread.quick_kind, PTHREAD_MUTEX_TIMED_NP);
    return mode;
}

bool mo_pthread_is_watched(void)
{
    return mo_watch_wishes() & (MO_WATCH_STATS | MO_WATCH_LOCKS | MO_WATCH_TRACE);
}

bool mo_pthread_yields(void)
{
    static _Atomic uint8_t known; /* answer + 1 */
    uint8_t answer = mo_load_relaxed(&known);
    if (!answer)
        mo_store_relaxed(&known, answer = (uint8_t)(1 + mo_knob_early(MO_KNOB_PTHREAD_SPIN)));
    return answer - 1;
}

__attribute__((constructor)) static void settle(void)
{
    mo_plat_learn_tid();
    mo_pthread_real();
    mo_watch_start();
    if (under_valgrind())
        mo_sync_mutex_wait_simply();
    if (mo_pthread_decide() != MO_PTHREAD_OFF)
        mo_parker_init();
}
