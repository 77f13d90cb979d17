/* The table of strands that wait for words; strand.h has the protocol. */
#include "park/strand.h"

#include "park/clock.h"
#include "park/park.h"
#include "plat/plat.h"

#include <errno.h>
#include <string.h>

#define BUCKETS       256
#define TRIES         200 /* of a waker, before it leaves a mark */
#define THREADS_FIRST 8   /* one wake in so many looks for a thread before it looks for a strand */
#define NS_PER_SECOND 1000000000u

__thread struct mo_strand *MO_SHARED(strand) MO_SHARED_TLS;

struct mo_strand_bucket {
    _Atomic uint32_t lock MO_ALIGNED(MO_CACHE_LINE);
    _Atomic uint32_t standing;
    _Atomic uint32_t missed; /* S4 */
    _Atomic uint32_t wakes;  /* a hint; written under the lock */
    struct mo_strand *first, *last;
};

struct mo_strand_table {
    struct mo_strand_bucket bucket[BUCKETS];
};

extern struct mo_strand_table MO_SHARED(strands) MO_SHARED_ATTR;
struct mo_strand_table MO_SHARED(strands);

static struct mo_strand_bucket *bucket_of(const void *address)
{
    return &MO_SHARED(strands).bucket[((uintptr_t)address >> 2) * 0x9e3779b97f4a7c15u >> (64 - 8)];
}
_Static_assert(BUCKETS == 1 << 8, "as many as the hash has values");

__attribute__((noinline)) struct mo_strand *mo_strand_slow(void)
{
    struct mo_strand *s = MO_SHARED(strand);
    return s && s->ops->may_suspend(s) ? s : NULL;
}

/* ---- The bucket's lock. */
static bool try_lock(struct mo_strand_bucket *b)
{
    uint32_t unlocked = 0;
    return mo_load_relaxed(&b->lock) == 0 && mo_cas_seqcst(&b->lock, &unlocked, 1u);
}

static void lock(struct mo_strand_bucket *b)
{
    for (unsigned i = 1; !try_lock(b); i++) {
        mo_plat_pause();
        if (i % 64 == 0)
            mo_plat_yield();
    }
}

static void unlink_locked(struct mo_strand_bucket *b, struct mo_strand *s)
{
    *(s->prev ? &s->prev->next : &b->first) = s->next;
    *(s->next ? &s->next->prev : &b->last) = s->prev;
    s->address = NULL;
    mo_fetch_add_seqcst(&b->standing, -1u);
}

/* S2. NULL: whatever address. */
static struct mo_strand *take_locked(struct mo_strand_bucket *b, const void *address, int count, int *taken)
{
    struct mo_strand *all = NULL, **end = &all, *next;
    for (struct mo_strand *s = b->first; s && *taken < count; s = next) {
        next = s->next;
        if (address && s->address != address)
            continue;
        unlink_locked(b, s);
        ++*taken;
        if (!s->ops->claim(s))
            continue;
        s->launched = NULL;
        *end = s;
        end = &s->launched;
    }
    return all;
}

static void launch_all(struct mo_strand *s)
{
    for (struct mo_strand *next; s; s = next) {
        next = s->launched;
        s->ops->launch(s);
    }
}

/* S4. The exchange comes before the look at the mark, and whoever left it has failed to get the lock after that. */
static void unlock(struct mo_strand_bucket *b)
{
    mo_exchange_seqcst(&b->lock, 0u);
    while (mo_unlikely(mo_load_seqcst(&b->missed) != 0) && try_lock(b)) {
        int taken = 0;
        mo_exchange_seqcst(&b->missed, 0u);
        struct mo_strand *all = take_locked(b, NULL, MO_WAKE_ALL, &taken);
        mo_exchange_seqcst(&b->lock, 0u);
        launch_all(all);
    }
}

static bool lock_as_waker(struct mo_strand_bucket *b)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (try_lock(b))
            return true;
        mo_plat_pause();
    }
    mo_exchange_seqcst(&b->missed, 1u);
    return try_lock(b);
}

/* ---- Waiting. True: it has been taken out, or there was no reason to stand there. */
static bool leave(struct mo_strand *s, struct mo_strand_bucket *b)
{
    lock(b);
    bool here = s->address != NULL;
    if (here)
        unlink_locked(b, s);
    unlock(b);
    return !here;
}

static bool stand(struct mo_strand *s, struct mo_strand_bucket *b, _Atomic uint32_t *word, uint32_t seen)
{
    lock(b);
    mo_fetch_add_seqcst(&b->standing, 1u); /* S1 */
    bool same = mo_load_seqcst(word) == seen;
    s->address = word;
    s->next = NULL;
    s->prev = b->last;
    *(s->prev ? &s->prev->next : &b->first) = s;
    b->last = s;
    if (!same)
        unlink_locked(b, s);
    unlock(b);
    return same;
}

static uint64_t monotonic_ns(bool realtime, const struct timespec *until)
{
    uint64_t at = until->tv_sec < 0 ? 0 : (uint64_t)until->tv_sec * NS_PER_SECOND + (uint64_t)until->tv_nsec;
    if (!realtime)
        return at;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t wall = (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
    return mo_clock_now() + (at > wall ? at - wall : 0);
}

/* Once: 0 also for no reason (S3). */
static int wait_as_strand(struct mo_strand *s, _Atomic uint32_t *word, uint32_t seen, uint64_t until_ns)
{
    struct mo_strand_bucket *b = bucket_of(word);
    if (until_ns <= mo_clock_now())
        return ETIMEDOUT;
    if (!stand(s, b, word, seen))
        return EAGAIN;
    if (until_ns == UINT64_MAX)
        s->ops->suspend(s);
    else
        s->ops->suspend_by_clock(s, until_ns);
    if (leave(s, b))
        return 0;
    return until_ns != UINT64_MAX && until_ns <= mo_clock_now() ? ETIMEDOUT : EINTR;
}

int mo_word_wait(_Atomic uint32_t *word, uint32_t seen, bool realtime, const struct timespec *until)
{
    struct mo_strand *s = mo_strand_here();
    if (mo_likely(!s))
        return mo_plat_futex_wait_until(word, seen, realtime, until);
    return wait_as_strand(s, word, seen, until ? monotonic_ns(realtime, until) : UINT64_MAX);
}

void mo_strand_sleep(struct mo_strand *s, _Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns)
{
    wait_as_strand(s, word, seen, timeout_ns ? mo_clock_now() + timeout_ns : UINT64_MAX);
}

/* ---- Waking. */
static int wake_strands(struct mo_strand_bucket *b, const void *address, int count)
{
    int taken = 0;
    if (!lock_as_waker(b))
        return 0; /* S4: all of them will be */
    mo_store_relaxed(&b->wakes, mo_load_relaxed(&b->wakes) + 1);
    struct mo_strand *all = take_locked(b, address, count, &taken);
    unlock(b);
    launch_all(all);
    return taken;
}

/* Strands first, as they cost less, but threads have their turn, too. */
static __attribute__((noinline)) int wake_both(struct mo_strand_bucket *b, _Atomic uint32_t *word, int count,
                                               uint32_t bits)
{
    int threads = 0;
    if (mo_load_relaxed(&b->wakes) % THREADS_FIRST == THREADS_FIRST - 1)
        threads = mo_plat_futex_wake(word, count, bits);
    int taken = threads < count ? wake_strands(b, word, count - threads) : 0;
    if (threads + taken < count)
        threads += mo_plat_futex_wake(word, count - threads - taken, bits);
    return threads;
}

int mo_word_wake(_Atomic uint32_t *word, int count, uint32_t bits)
{
    struct mo_strand_bucket *b = bucket_of(word);
    if (mo_likely(mo_fetch_add_seqcst(&b->standing, 0u) == 0)) /* S1 */
        return mo_plat_futex_wake(word, count, bits);
    return wake_both(b, word, count, bits);
}

void mo_strands_reset_after_fork(void)
{
    memset(&MO_SHARED(strands), 0, sizeof MO_SHARED(strands));
}
