#include "park/parker.h"
#include "park/park.h"
#include "park/strand.h"
#include "plat/plat.h"

#include <pthread.h>
#include <string.h>

#define BUCKETS     512
#define CHUNK_BYTES 65536

/* The values of so many keys lie in a thread's record in glibc; for more it calls calloc. */
#define KEYS_IN_RECORD 32

/* Spinning, see mo_parker_spin(). */
#define SPIN_NS        12000 /* more than a wake-up takes */
#define STRIKES        2
#define PERIOD_US      8192
#define PROBE_US       128
#define BACKOFF_MAX    6
#define BOUT_THAT_PAYS 32

#define PASSED_OVER_US 1000 /* see quickest() */

__thread struct mo_parker *MO_SHARED(parker) MO_SHARED_TLS;
__thread struct mo_parker *MO_SHARED(deferring) MO_SHARED_TLS;

/* The table's own locks. They are held for a few instructions, by threads that Moirai need not know otherwise, so they
   go past the count of runnable threads that mo_mutex_lock() keeps. The word's protocol is the same (mutex.c). */
static void lock_slow(_Atomic uint32_t *lock)
{
    for (int i = 0; i < 100; i++) {
        mo_plat_pause();
        if (mo_load_relaxed(lock) == 0 && mo_mutex_try_lock(lock))
            return;
    }
    while (mo_exchange_acquire(lock, 2u) != 0)
        mo_plat_futex_wait(lock, 2, 0, MO_WAKE_ANY);
}

/* A child finds waiters in the table that are not there, and locks that nobody will give up. Fork handlers put it in
   order, but those of others may come first and use locks, and not all children are made by fork(). So every use looks
   at a word that the kernel sets to zero in a child. */
static void forked(void);
static inline void notice_fork(void);

static inline void lock_table(_Atomic uint32_t *lock)
{
    notice_fork();
    if (mo_unlikely(!mo_mutex_try_lock(lock)))
        lock_slow(lock);
}

/* For who must not wait: an unlock may come from a signal handler that has interrupted this very lock's holder. */
static bool try_lock_table(_Atomic uint32_t *lock)
{
    notice_fork();
    for (int i = 0; i < 100; i++) {
        if (mo_load_relaxed(lock) == 0 && mo_mutex_try_lock(lock))
            return true;
        mo_plat_pause();
    }
    return false;
}

static inline void unlock_table(_Atomic uint32_t *lock)
{
    if (mo_unlikely(mo_exchange_release(lock, 0u) == 2))
        mo_plat_futex_wake(lock, 1, MO_WAKE_ANY);
}

struct mo_bucket {
    _Atomic uint32_t lock MO_ALIGNED(MO_CACHE_LINE);
    _Atomic uint32_t parked;
    struct mo_parker *first; /* one for each key */
    uint64_t given;          /* whatever those note who take one at a time */
};

struct mo_parkers {
    _Atomic uint32_t lock; /* of what follows */
    struct mo_parker *spare;
    char *bump, *bump_end;
    pthread_once_t once;
    pthread_key_t key;
    bool has_key;
    _Atomic bool quiet;                /* initialised, and a thread's first parker takes no memory from malloc */
    unsigned cpus;                     /* that the process could use at first */
    _Atomic(_Atomic uint32_t *) alive; /* the word above; NULL: there is none */
    struct mo_bucket bucket[BUCKETS];
};

extern struct mo_parkers MO_SHARED(parkers) MO_SHARED_ATTR;
struct mo_parkers MO_SHARED(parkers);

static inline void notice_fork(void)
{
    _Atomic uint32_t *alive = mo_load_acquire(&MO_SHARED(parkers).alive);
    if (mo_unlikely(alive && mo_load_relaxed(alive) == 0)) /* this thread is the only one */
        forked();
}

static struct mo_bucket *bucket_of(const void *key)
{
    return &MO_SHARED(parkers).bucket[((uintptr_t)key >> 3) * 0x9e3779b97f4a7c15u >> (64 - 9)];
}
_Static_assert(BUCKETS == 1 << 9, "as many as the hash has values");

/* ---- The table. A bucket holds one chain of first ones, each with the queue of its own key behind it. */
static struct mo_parker **find_locked(struct mo_bucket *b, const void *key)
{
    struct mo_parker **at = &b->first;
    while (*at && (*at)->key != key)
        at = &(*at)->next_key;
    return at;
}

/* At the end of its key's queue. */
static void stand_locked(struct mo_bucket *b, struct mo_parker *p)
{
    struct mo_parker **at = find_locked(b, p->key), *first = *at;
    p->next = NULL;
    if (first) {
        p->prev = first->last;
        p->prev->next = p;
        first->last = p;
    } else {
        p->last = p;
        p->next_key = NULL;
        *at = p;
    }
    p->stands = true;
    mo_store_relaxed(&b->parked, mo_load_relaxed(&b->parked) + 1);
}

/* ---- A parker for each thread that has waited. */
static void thread_ends(void *parker)
{
    mo_parker_flush();
    MO_SHARED(parker) = NULL;
    mo_parker_return(parker);
}

/* Nobody of those who waited or held a lock of the table is left, but this thread itself, whose signal handler may have
   forked in the middle of a wait. The chunk may have been in the making: its rest is given up. */
static void forked(void)
{
    struct mo_parkers *all = &MO_SHARED(parkers);
    struct mo_parker *self = MO_SHARED(parker);
    memset(all->bucket, 0, sizeof all->bucket);
    mo_store_relaxed(&all->lock, 0u);
    all->bump = all->bump_end = NULL;
    MO_SHARED(deferring) = NULL;
    if (mo_load_relaxed(&all->alive))
        mo_store_relaxed(mo_load_relaxed(&all->alive), 1u);
    if (!self)
        return;
    self->deferred_count = 0;
    self->tid = mo_plat_tid();
    if (self->stands)
        stand_locked(bucket_of(self->key), self);
}

/* Unless that has been done: the handlers of others, which came first, may have started threads that wait. */
static void fork_handler(void)
{
    if (mo_load_relaxed(&MO_SHARED(parkers).alive))
        notice_fork();
    else
        forked();
}

static void init(void)
{
    struct mo_parkers *all = &MO_SHARED(parkers);
    _Atomic uint32_t *alive = mo_plat_map_wiped(sizeof *alive);
    if (alive) {
        mo_store_relaxed(alive, 1u);
        mo_store_release(&all->alive, alive);
    }
    all->has_key = pthread_key_create(&all->key, thread_ends) == 0;
    mo_store_release(&all->quiet, !all->has_key || all->key < KEYS_IN_RECORD);
    all->cpus = mo_plat_usable_cpus();
    pthread_atfork(NULL, NULL, fork_handler);
}

void mo_parker_init(void)
{
    pthread_once(&MO_SHARED(parkers).once, init);
}

static struct mo_parker *fresh_locked(struct mo_parkers *all)
{
    if (all->bump == all->bump_end) {
        char *chunk = mo_plat_map(CHUNK_BYTES);
        if (!chunk)
            return NULL;
        all->bump = chunk;
        all->bump_end = chunk + CHUNK_BYTES / sizeof(struct mo_parker) * sizeof(struct mo_parker);
    }
    struct mo_parker *p = (struct mo_parker *)all->bump;
    all->bump += sizeof *p;
    return p;
}

struct mo_parker *mo_parker_borrow(void)
{
    struct mo_parkers *all = &MO_SHARED(parkers);
    mo_parker_init();
    lock_table(&all->lock);
    struct mo_parker *p = all->spare;
    if (p)
        all->spare = p->spare;
    else
        p = fresh_locked(all);
    unlock_table(&all->lock);
    if (!p)
        return NULL;
    p->tid = mo_plat_tid();
    p->strikes = p->bout = p->backoff = 0;
    p->deferred_count = 0;
    return p;
}

void mo_parker_return(struct mo_parker *p)
{
    struct mo_parkers *all = &MO_SHARED(parkers);
    lock_table(&all->lock);
    p->spare = all->spare;
    all->spare = p;
    unlock_table(&all->lock);
}

struct mo_parker *mo_parker_new(void)
{
    struct mo_parkers *all = &MO_SHARED(parkers);
    struct mo_parker *p = mo_parker_borrow();
    if (!p)
        return NULL;
    if (all->has_key)
        pthread_setspecific(all->key, p);
    return MO_SHARED(parker) = p;
}

struct mo_parker *mo_parker_idle_quietly(void)
{
    if (!MO_SHARED(parker) && !mo_load_acquire(&MO_SHARED(parkers).quiet))
        return NULL;
    return mo_parker_idle();
}

/* ---- The table: entering, leaving, taking. */
static void prepare(struct mo_parker *p, const void *key, void *with)
{
    mo_store_relaxed(&p->busy, true);
    atomic_signal_fence(memory_order_seq_cst); /* P3: handlers see that before any of what follows */
    p->key = key;
    p->with = with;
    p->since = mo_plat_ticks();
    mo_store_relaxed(&p->word, (mo_load_relaxed(&p->word) & ~7u) + 8 + MO_PARKER_AWAKE); /* published by the lock */
}

void mo_parker_enter(struct mo_parker *p, const void *key, void *with, _Atomic uint32_t *count)
{
    struct mo_bucket *b = bucket_of(key);
    prepare(p, key, with);
    lock_table(&b->lock);
    stand_locked(b, p);
    mo_store_relaxed(count, mo_load_relaxed(count) + 1); /* the caller holds the mutex that orders it for others */
    unlock_table(&b->lock);
}

bool mo_parker_try_enter(struct mo_parker *p, const void *key, void *with)
{
    struct mo_bucket *b = bucket_of(key);
    prepare(p, key, with);
    if (!try_lock_table(&b->lock)) {
        mo_parker_done(p);
        return false;
    }
    stand_locked(b, p);
    unlock_table(&b->lock);
    return true;
}

/* Take `p` out of the queue whose first is *at. */
static void unlink_locked(struct mo_bucket *b, struct mo_parker **at, struct mo_parker *p)
{
    struct mo_parker *first = *at;
    if (p != first) {
        p->prev->next = p->next;
        *(p->next ? &p->next->prev : &first->last) = p->prev;
    } else if (p->next) {
        p->next->last = p->last;
        p->next->next_key = p->next_key;
        *at = p->next;
    } else {
        *at = p->next_key;
    }
    p->stands = false;
    mo_store_relaxed(&b->parked, mo_load_relaxed(&b->parked) - 1);
}

static void count_down(_Atomic uint32_t *count)
{
    if (count)
        mo_store_relaxed(count, mo_load_relaxed(count) - 1);
}

bool mo_parker_leave(struct mo_parker *p, _Atomic uint32_t *count)
{
    struct mo_bucket *b = bucket_of(p->key);
    lock_table(&b->lock);
    bool here = p->stands;
    if (here) {
        unlink_locked(b, find_locked(b, p->key), p);
        count_down(count); /* it is still waited for, and so still there */
    }
    unlock_table(&b->lock);
    return here;
}

static bool take_locked(struct mo_bucket *b, struct mo_parker **at, struct mo_parker *p, struct mo_parked *taken,
                        enum mo_parker_state (*give)(const struct mo_parker *), _Atomic uint32_t *count)
{
    enum mo_parker_state state = give ? give(p) : MO_PARKER_TAKEN;
    if (state < MO_PARKER_TAKEN)
        return false;
    unlink_locked(b, at, p);
    uint32_t word = (mo_load_relaxed(&p->word) & ~7u) | state;
    *taken = (struct mo_parked){.parker = p, .word = word, .with = p->with};
    count_down(count);
    /* From here on it may return, and what it waited for may go; release pairs with its looks at the word. */
    taken->was = MO_PARKER_STATE(mo_exchange_acq_rel(&p->word, word));
    return true;
}

static unsigned take_oldest_locked(struct mo_bucket *b, const void *key, struct mo_parked *taken, unsigned max,
                                   enum mo_parker_state (*give)(const struct mo_parker *), _Atomic uint32_t *count)
{
    unsigned n = 0;
    struct mo_parker **at = find_locked(b, key);
    for (struct mo_parker *p; n < max && (p = *at) && p->key == key; n++)
        if (!take_locked(b, at, p, &taken[n], give, count))
            break;
    return n;
}

unsigned mo_parker_take(const void *key, struct mo_parked *taken, unsigned max,
                        enum mo_parker_state (*give)(const struct mo_parker *), _Atomic uint32_t *count)
{
    struct mo_bucket *b = bucket_of(key);
    lock_table(&b->lock);
    unsigned n = take_oldest_locked(b, key, taken, max, give, count);
    unlock_table(&b->lock);
    return n;
}

/* Whoever came last may be awake still, and gets a signal in a tenth of the time that one who sleeps takes to wake. So
   it goes first while it has not waited longer than it would spin, and nobody has waited PASSED_OVER_US. */
static struct mo_parker *quickest(struct mo_parker *oldest)
{
    struct mo_parker *last = oldest->last;
    uint64_t now = mo_plat_ticks(), us = mo_plat_ticks_per_us();
    if (last == oldest || MO_PARKER_STATE(mo_load_relaxed(&oldest->word)) == MO_PARKER_AWAKE ||
        MO_PARKER_STATE(mo_load_relaxed(&last->word)) != MO_PARKER_AWAKE)
        return oldest;
    return now - last->since < SPIN_NS * us / 1000 && now - oldest->since < PASSED_OVER_US * us ? last : oldest;
}

bool mo_parker_take_one(const void *key, struct mo_parked *taken,
                        enum mo_parker_state (*give)(const struct mo_parker *), _Atomic uint32_t *count)
{
    struct mo_bucket *b = bucket_of(key);
    lock_table(&b->lock);
    struct mo_parker **at = find_locked(b, key);
    bool took = *at && take_locked(b, at, quickest(*at), taken, give, count);
    unlock_table(&b->lock);
    return took;
}

bool mo_parker_try_take(const void *key, struct mo_parked *taken,
                        bool (*may)(const struct mo_parker *, uint64_t *given))
{
    struct mo_bucket *b = bucket_of(key);
    if (!try_lock_table(&b->lock))
        return false;
    struct mo_parker **at = find_locked(b, key);
    bool took = *at && may(*at, &b->given) && take_locked(b, at, *at, taken, NULL, NULL);
    unlock_table(&b->lock);
    return took;
}

void mo_parker_done(struct mo_parker *p)
{
    p->rested = mo_plat_ticks();
    atomic_signal_fence(memory_order_seq_cst);
    mo_store_relaxed(&p->busy, false);
}

bool mo_parker_is_waited_for(const void *key)
{
    struct mo_bucket *b = bucket_of(key);
    lock_table(&b->lock);
    bool found = *find_locked(b, key) != NULL;
    unlock_table(&b->lock);
    return found;
}

uint32_t mo_parker_crowd(const void *key)
{
    return mo_load_relaxed(&bucket_of(key)->parked);
}

/* ---- Waiting.

   A hand-over to a thread that spins takes a tenth of what a sleep and a wake-up take, but spinning pays only if the
   thread that is waited for runs meanwhile, on another CPU, and if it spins in its turn: where one of two sleeps, the
   other waits too long. Nobody knows, so it is tried. In the first PROBE_US of each PERIOD_US, by a clock that all
   threads share, those that wait spin although that did not pay before; who succeeds goes on spinning in each wait,
   until it has failed STRIKES times in a row: once alone, as after an interruption of its partner, is made up for by
   the next wait, since SPIN_NS is enough for a wake-up. After a bout of few successes, or none, a thread leaves out the
   next probes, up to 2^BACKOFF_MAX - 1; those that it takes part in are those of everybody who leaves out fewer. So
   what spinning in vain can cost is bounded by PROBE_US / PERIOD_US of the time, and less if it is always in vain. */
static bool spin_until(struct mo_parker *p, uint64_t end)
{
    do {
        if (mo_parker_is_taken(p))
            return true;
        mo_plat_pause();
    } while ((int64_t)(mo_plat_ticks() - end) < 0);
    return false;
}

static bool may_probe(struct mo_parker *p, uint64_t now_us)
{
    uint64_t period = now_us / PERIOD_US;
    if (now_us % PERIOD_US >= PROBE_US || period % (1u << p->backoff) != 0)
        return false;
    p->strikes = STRIKES;
    return true;
}

static void spun_in_vain(struct mo_parker *p)
{
    if (--p->strikes > 0)
        return;
    if (p->bout >= BOUT_THAT_PAYS)
        p->backoff = 0;
    else if (p->backoff < BACKOFF_MAX)
        p->backoff++;
    p->bout = 0;
}

bool mo_parker_spin(struct mo_parker *p)
{
    uint64_t now = mo_plat_ticks(), us = mo_plat_ticks_per_us();
    if (MO_SHARED(parkers).cpus < 2 || (p->strikes == 0 && !may_probe(p, now / us)))
        return mo_parker_is_taken(p);
    if (!spin_until(p, now + SPIN_NS * us / 1000)) {
        spun_in_vain(p);
        return false;
    }
    p->strikes = STRIKES;
    p->bout++;
    return true;
}

bool mo_parker_deepen(struct mo_parker *p, enum mo_parker_state state)
{
    uint32_t word = mo_load_acquire(&p->word);
    return MO_PARKER_STATE(word) < MO_PARKER_TAKEN && mo_cas_acq_rel(&p->word, &word, (word & ~7u) | state);
}

/* ---- Waking. */
void mo_parker_wake(const struct mo_parked *taken)
{
    if (taken->was != MO_PARKER_AWAKE)
        mo_word_wake(&taken->parker->word, 1, MO_WAKE_ANY);
}

bool mo_parker_defer(const struct mo_parked *taken)
{
    struct mo_parker *self = mo_parker_self();
    if (!self || self->deferred_count == MO_DEFERRED_MAX)
        return false;
    self->deferred[self->deferred_count++] = taken->parker;
    MO_SHARED(deferring) = self;
    return true;
}

void mo_parker_flush_slow(void)
{
    struct mo_parker *self = MO_SHARED(deferring);
    MO_SHARED(deferring) = NULL;
    unsigned count = self->deferred_count;
    self->deferred_count = 0;
    for (unsigned i = 0; i < count; i++)
        mo_word_wake(&self->deferred[i]->word, 1, MO_WAKE_ANY);
}
