/* The face of glibc's locks. It stands in front of glibc's own functions, which it calls for every kind of lock that is
   not Moirai's, and for all of them where it steps aside. */
#ifndef MO_INTERPOSE_PTHREAD_H
#define MO_INTERPOSE_PTHREAD_H

#include "interpose/face.h"
#include "sync/sync.h"
#include "watch/locks.h"
#include "watch/trace.h"
#include "watch/watch.h"

#include <pthread.h>

/* glibc's functions, by name without "pthread_". */
#define MO_REAL_FUNCTIONS(F)                                                                                           \
    F(int, mutex_lock, (pthread_mutex_t *))                                                                            \
    F(int, mutex_trylock, (pthread_mutex_t *))                                                                         \
    F(int, mutex_timedlock, (pthread_mutex_t *, const struct timespec *))                                              \
    F(int, mutex_clocklock, (pthread_mutex_t *, clockid_t, const struct timespec *))                                   \
    F(int, mutex_unlock, (pthread_mutex_t *))                                                                          \
    F(int, spin_lock, (pthread_spinlock_t *))                                                                          \
    F(int, cond_init, (pthread_cond_t *, const pthread_condattr_t *))                                                  \
    F(int, cond_destroy, (pthread_cond_t *))                                                                           \
    F(int, cond_wait, (pthread_cond_t *, pthread_mutex_t *))                                                           \
    F(int, cond_timedwait, (pthread_cond_t *, pthread_mutex_t *, const struct timespec *))                             \
    F(int, cond_clockwait, (pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))                  \
    F(int, cond_signal, (pthread_cond_t *))                                                                            \
    F(int, cond_broadcast, (pthread_cond_t *))

struct mo_real {
#define MO_REAL_MEMBER(type, name, args) type(*name) args;
    MO_REAL_FUNCTIONS(MO_REAL_MEMBER)
#undef MO_REAL_MEMBER
};

/* What the face does. UNKNOWN until the first call or the constructor has decided. */
enum mo_pthread_mode { MO_PTHREAD_UNKNOWN, MO_PTHREAD_OFF, MO_PTHREAD_MUTEX, MO_PTHREAD_FULL };

struct mo_pthread_face {
    /* The kind that lock and unlock need not look at any closer: that of a default mutex once the mode is settled and
       says that mutexes are ours, and where a thread's id is known to be; a kind that no mutex has before. */
    _Atomic int32_t quick_kind;
    _Atomic uint8_t mode;
    /* Where glibc's condition variables say that they are shared between processes. */
    uint8_t shared_offset, shared_mask;
    bool watched; /* locks taken are to be counted: all calls go the way of the unusual (mo_pthread_is_watched()) */
    struct mo_real real;
};
extern struct mo_pthread_face mo_pthread __attribute__((visibility("hidden")));

/* Decides; returns the mode, which is not UNKNOWN. */
enum mo_pthread_mode mo_pthread_decide(void);
/* The mode as far as it can be known without asking the loader for anything. */
enum mo_pthread_mode mo_pthread_peek(void);
/* glibc's functions; ends the process with a message where there are none. */
const struct mo_real *mo_pthread_real(void);

static inline bool mo_pthread_has_mutexes(void)
{
    enum mo_pthread_mode mode = mo_load_relaxed(&mo_pthread.mode); /* what it stands for never changes afterwards */
    return mo_likely(mode >= MO_PTHREAD_MUTEX) || (mode == MO_PTHREAD_UNKNOWN && mo_pthread_peek() >= MO_PTHREAD_MUTEX);
}

static inline bool mo_pthread_has_conds(void)
{
    enum mo_pthread_mode mode = mo_load_acquire(&mo_pthread.mode);
    return mo_likely(mode == MO_PTHREAD_FULL) || (mode == MO_PTHREAD_UNKNOWN && mo_pthread_decide() == MO_PTHREAD_FULL);
}

/* Is something asked for that has to see every lock taken? Then nothing ever is settled in the sense of below, so that
   the usual way bears no question about it. */
bool mo_pthread_is_watched(void);

/* Lock at the end of a wait that the program began at `site`. */
int mo_pthread_mutex_relock(pthread_mutex_t *mutex, const void *site);

/* Spin locks let others run. */
bool mo_pthread_yields(void);

/* glibc's note on a mutex whose attributes ask for PTHREAD_MUTEX_NORMAL, as those of all plain mtx_t do: that its
   elision is out of the question, as it always is with us. */
#define MO_KIND_NORMAL 512

#define MO_KIND_NONE 0x40000000 /* no mutex has this bit */

/* Kinds of mutex that are Moirai's; others have bits that these have not (robust, priority, shared, elision). */
static inline bool mo_pthread_is_ours(const struct mo_sync_mutex *m)
{
    return (uint32_t)m->kind <= PTHREAD_MUTEX_ADAPTIVE_NP || m->kind == MO_KIND_NORMAL;
}

/* Everything is settled (mutexes are ours, and a thread's id is where mo_plat_tid_quick() looks), and it is the default
   kind under either of its names. */
static inline bool mo_pthread_is_quick(const struct mo_sync_mutex *m)
{
    return ((m->kind ^ mo_load_acquire(&mo_pthread.quick_kind)) & ~MO_KIND_NORMAL) == 0;
}

/* The same for the kinds whose owner counts, and the adaptive one: those that the default one's number, 0, leaves as
   they are. */
static inline bool mo_pthread_is_near_quick(const struct mo_sync_mutex *m)
{
    return (uint32_t)(m->kind ^ mo_load_acquire(&mo_pthread.quick_kind)) <= PTHREAD_MUTEX_ADAPTIVE_NP;
}

static inline struct mo_sync_mutex *mo_pthread_mutex(pthread_mutex_t *mutex)
{
    return (struct mo_sync_mutex *)mutex;
}

#endif
