/* Condition variables of one process. Waiters stand in the table of parkers under the condition's address, in the order
   in which they came; the condition itself holds only their number.

   No wake-up is lost: a waiter enters the table, and raises `waiters`, while it holds the mutex. Who signals after
   having held that mutex later sees the number, takes the oldest under the bucket's lock, and from then on that one
   returns. Each signal takes one waiter that stood there when it was given, never one that came later: the oldest, or
   one that is still awake (parker.c, quickest()).
   C1  a waiter that gives up (timeout, cancellation) leaves under the lock, and only if it stands there still. If it
       has been taken meanwhile the signal was its own: a timeout returns 0 then; who was cancelled, or turns out not to
       own the mutex, passes the signal on.
   C2  taken waiters do not touch the condition, takers neither once the last one can know that it is taken: it may be
       destroyed.
   C3  who signals and owns the mutex that the waiter wants next (it is HELD) need not wake it before giving that up:
       the wake is put off to the next unlock of any mutex by this thread, wait or thread's end. Only for waiters in
       their first, bounded sleep (FIRST_SLEEP_NS): should the unlock pass us by, they find out by themselves. A timer
       costs half as much as the wake that is put off saves, so only those sleep so who wait for a condition that was
       last signalled by an owner; and less if the timer's end lies beyond the next tick of the system's own.
   C4  a broadcast by the owner of the mutex wakes nobody: sleepers are moved, asleep, to the mutex's word, which is set
       to 2; each unlock there wakes the next. They take the mutex by writing 2, so that none is forgotten. Who is awake
       or woken finds itself taken all the same. A move compares the parker's word, so it cannot hit a later wait. */
#include "sync/sync.h"

#include "park/park.h"
#include "park/strand.h"

#include <errno.h>
#include <pthread.h>

#define FIRST_SLEEP_NS  10000000
#define BATCH           64
#define DESTROY_LOOK_NS 1000000

static void wake_one(struct mo_sync_cond *c)
{
    struct mo_parked taken;
    if (mo_parker_take(c, &taken, 1, NULL, &c->waiters))
        mo_parker_wake(&taken);
}

/* ---- Waiting. */
static int sleep_until(struct mo_parker *p, uint32_t seen, const struct mo_deadline *until)
{
    return mo_plat_futex_wait_until(&p->word, seen, until->realtime, until->at);
}

static bool before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static struct timespec end_of_first(clockid_t clock)
{
    struct timespec end;
    clock_gettime(clock, &end);
    end.tv_nsec += FIRST_SLEEP_NS;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return end;
}

/* Until the deadline, if that comes first, or the end of the first sleep, on a clock that nobody sets. It compares the
   word in its own state: a waiter that has been taken since must not sleep at all. */
static int first_sleep(struct mo_parker *p, const struct mo_deadline *until)
{
    uint32_t seen = (mo_load_relaxed(&p->word) & ~7u) | MO_PARKER_FIRST;
    struct timespec end = end_of_first(until->realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
    if (until->at && before(until->at, &end))
        return sleep_until(p, seen, until);
    if (until->realtime)
        end = end_of_first(CLOCK_MONOTONIC);
    int err = sleep_until(p, seen, &(struct mo_deadline){.at = &end, .realtime = false});
    return err == ETIMEDOUT ? 0 : err;
}

/* Until taken (0) or the deadline (ETIMEDOUT). */
static int park(struct mo_parker *p, const struct mo_deadline *until, bool bounded)
{
    if (bounded && mo_parker_deepen(p, MO_PARKER_FIRST) && first_sleep(p, until) == ETIMEDOUT)
        return ETIMEDOUT;
    if (!mo_parker_deepen(p, MO_PARKER_LONG))
        return 0;
    for (;;) {
        uint32_t word = mo_load_acquire(&p->word);
        if (MO_PARKER_STATE(word) >= MO_PARKER_TAKEN)
            return 0;
        if (sleep_until(p, word, until) == ETIMEDOUT)
            return ETIMEDOUT;
    }
}

static int lock_again(const struct mo_cond_wait *w)
{
    bool passed = MO_PARKER_STATE(mo_load_relaxed(&w->parker->word)) == MO_PARKER_PASSED;
    mo_parker_done(w->parker);
    return w->ops->lock(w->mutex, passed);
}

/* C1; by the table alone, should the condition be gone. */
static void leave_unserved(const struct mo_cond_wait *w)
{
    if (!mo_parker_leave(w->parker, &w->cond->waiters) &&
        MO_PARKER_STATE(mo_load_relaxed(&w->parker->word)) != MO_PARKER_PASSED)
        wake_one(w->cond);
}

/* Cancelled while asleep. Whoever cleans up in the program holds the mutex. */
static void cancelled(void *arg)
{
    struct mo_cond_wait *w = arg;
    leave_unserved(w);
    lock_again(w);
}

static int park_cancellable(struct mo_cond_wait *w)
{
    int err;
    pthread_cleanup_push(cancelled, w);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    err = park(w->parker, &w->until, w->bounded);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    pthread_cleanup_pop(0);
    return err;
}

/* Without a parker (no memory, or inside a signal handler): to be woken for no reason is allowed. */
static int wait_without_parker(struct mo_cond_wait *w)
{
    int err = w->ops->unlock(w->mutex);
    if (err)
        return err;
    w->spurious = true;
    mo_plat_yield();
    return w->ops->lock(w->mutex, false);
}

static int wait_deferred(struct mo_cond_wait *w)
{
    struct mo_parker *p = w->parker = mo_parker_idle();
    if (mo_unlikely(!p))
        return wait_without_parker(w);
    mo_parker_enter(p, w->cond, w->plain, &w->cond->waiters);
    w->bounded = mo_load_relaxed(&w->cond->by_owner);
    int err = w->ops->unlock(w->mutex);
    if (mo_unlikely(err)) {
        leave_unserved(w);
        mo_parker_done(p);
        return err;
    }
    mo_parker_flush();
    if (!mo_parker_spin(p))
        err = park_cancellable(w);
    if (err == ETIMEDOUT && !mo_parker_leave(p, &w->cond->waiters))
        err = 0; /* C1 */
    int again = lock_again(w);
    return again ? again : err;
}

/* Who may give its thread back has a parker for this wait alone, and is no thread that could be cancelled. A mutex with
   an owner is its thread's. */
static __attribute__((noinline)) int wait_as_strand(struct mo_cond_wait *w)
{
    struct mo_parker *p = w->parker = mo_parker_borrow();
    if (!p)
        return wait_without_parker(w);
    mo_parker_enter(p, w->cond, NULL, &w->cond->waiters);
    mo_parker_deepen(p, MO_PARKER_LONG);
    int err = w->ops->unlock(w->mutex);
    if (mo_unlikely(err)) {
        leave_unserved(w);
        mo_parker_done(p);
        mo_parker_return(p);
        return err;
    }
    for (uint32_t word; err == 0 && MO_PARKER_STATE(word = mo_load_acquire(&p->word)) < MO_PARKER_TAKEN;)
        if (mo_word_wait(&p->word, word, w->until.realtime, w->until.at) == ETIMEDOUT)
            err = mo_parker_leave(p, &w->cond->waiters) ? ETIMEDOUT : 0; /* C1 */
    mo_parker_done(p);
    mo_parker_return(p);
    int again = w->ops->lock(w->mutex, false);
    return again ? again : err;
}

/* A thread that may be cancelled anywhere may still not be so while it holds a lock of the table. */
int mo_sync_cond_wait(struct mo_cond_wait *w)
{
    int type;
    if (!w->plain && mo_unlikely(mo_strand_here() != NULL))
        return wait_as_strand(w);
    pthread_testcancel();
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    int err = wait_deferred(w);
    pthread_setcanceltype(type, NULL);
    return err;
}

/* ---- Signalling. */
static bool owns(const struct mo_sync_mutex *m)
{
    return m && mo_load_relaxed(&m->owner) == mo_plat_tid();
}

/* C3. Looked at while the waiter, and so the condition and the mutex, are still there. */
static enum mo_parker_state hand(const struct mo_parker *p)
{
    struct mo_sync_cond *c = (struct mo_sync_cond *)p->key;
    bool owner = owns(p->with);
    if (mo_load_relaxed(&c->by_owner) != owner)
        mo_store_relaxed(&c->by_owner, owner);
    return owner ? MO_PARKER_HELD : MO_PARKER_TAKEN;
}

void mo_sync_cond_signal(struct mo_sync_cond *c)
{
    struct mo_parked taken;
    if (!mo_parker_take_one(c, &taken, hand, &c->waiters))
        return;
    bool may_wait = taken.was == MO_PARKER_FIRST && MO_PARKER_STATE(taken.word) == MO_PARKER_HELD; /* C3 */
    if (!may_wait || !mo_parker_defer(&taken))
        mo_parker_wake(&taken);
}

/* C4. Its mutex is the caller's until after the moves. */
static enum mo_parker_state pass(const struct mo_parker *p)
{
    struct mo_sync_mutex *m = p->with;
    if (!owns(m))
        return MO_PARKER_TAKEN;
    mo_store_relaxed(&m->word, 2u);
    return MO_PARKER_PASSED;
}

static void move(const struct mo_parked *taken)
{
    struct mo_sync_mutex *m = taken->with;
    if (taken->was != MO_PARKER_AWAKE && mo_plat_futex_move(&taken->parker->word, taken->word, &m->word) != 0)
        mo_parker_wake(taken); /* it is not asleep there, or moving is denied */
}

void mo_sync_cond_broadcast(struct mo_sync_cond *c)
{
    struct mo_parked taken[BATCH];
    uint32_t left = mo_load_acquire(&c->waiters);
    while (left) {
        unsigned n = mo_parker_take(c, taken, left < BATCH ? left : BATCH, pass, &c->waiters);
        for (unsigned i = 0; i < n; i++) {
            if (MO_PARKER_STATE(taken[i].word) == MO_PARKER_PASSED)
                move(&taken[i]);
            else
                mo_parker_wake(&taken[i]);
        }
        if (n == 0)
            return;
        left -= n;
    }
}

/* A waiter that gives up after a time writes the number of waiters; so the condition has to stay until then. As that is
   misuse, more or less, looking now and then is good enough. The table knows better than the number, which a forked
   child has from its parent. */
void mo_sync_cond_destroy(struct mo_sync_cond *c)
{
    uint32_t left;
    while ((left = mo_load_acquire(&c->waiters)) != 0 && mo_parker_is_waited_for(c))
        mo_plat_futex_wait(&c->waiters, left, DESTROY_LOOK_NS, MO_WAKE_ANY);
}
