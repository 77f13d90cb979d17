/* Timers of the process, in several wheels, and the thread that looks at the clock.

   Each wheel serves a group of workers, by their numbers, and has a lock; so threads that set timers at the same time
   seldom meet. A thread of its own, made with the first timer, sleeps in the kernel's timer, one for all wheels, and
   then wakes those whose time has come. Not the workers in their sleep: one that is busy would be late, and a program
   without an executor has none. Nor by a futex's timeout: that may be late by the thread's timer slack of 50 us, and to
   put it forward the thread would have to be woken; the kernel's timer is put forward by whoever sets an earlier one,
   in one system call, while the thread sleeps on. While nothing is due nobody wakes.

   T1  `armed` is the earliest tick that the thread is going to wake for, 0: none. Only who holds `arming` writes it.
       Who has put a timer in looks at it when he has let go of the wheel's lock, and puts it forward where it is later.
   T2  the thread makes it 0 before it looks into the wheels, one by one under their locks, and then arms for the
       earliest tick that it has found. A timer that it did not find was put in after it held that lock, so its owner
       sees the 0 or what came after that, and arms himself. So at any time somebody is going to look for each timer by
       its tick.
   T3  a timer leaves its wheel under the lock, at its time or by mo_timer_cancel(); who takes it out has its waker. So
       it is woken once, and after mo_timer_cancel() nobody touches the timer. Wakers are woken when the lock is free.

   By hand: the clock is a number that the program moves, and who moves it does what the thread does otherwise; nothing
   is armed. Who has put a timer in looks at the clock once more: either he sees that it was moved, or who moves it
   finds the timer, as both hold the wheel's lock after that. The time may go back when that ends, which an empty wheel
   does not mind: that is why no timer may run then. What goes by the system's clock meanwhile has a wheel of its own,
   which the thread looks after as ever. */
#include "sched/timer.h"

#include "base/log.h"
#include "park/clock.h"
#include "park/park.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#define GROUPS      8
#define SYSTEM      GROUPS /* of timers that go by the system's clock while the other is moved by hand */
#define AT_ONCE     32     /* wakers that are woken between two holds of the lock */
#define STACK_BYTES (256u * 1024)

struct timers {
    struct {
        _Atomic uint32_t lock MO_ALIGNED(MO_LINE_PAIR);
        struct mo_wheel wheel;
    } group[GROUPS + 1];
    _Atomic uint64_t armed MO_ALIGNED(MO_LINE_PAIR); /* T1 */
    _Atomic uint32_t arming;                         /* a lock; guards the descriptor, too */
    _Atomic uint32_t running;                        /* there is the thread */
    _Atomic uint32_t pokes;                          /* what it sleeps on where it has no descriptor */
    _Atomic uint32_t turn;                           /* of the thread: one of an earlier turn ends */
    int fd;
    _Atomic uint32_t life; /* grows with each fork */
};

extern struct timers MO_SHARED(timers) MO_SHARED_ATTR;
struct timers MO_SHARED(timers);
struct mo_clock MO_SHARED(clock);

/* What is moved by hand to a deadline has come there, though that is in the middle of a tick: who is woken too early by
   that is polled, and sets his timer again. */
static uint64_t tick_now(unsigned group)
{
    if (mo_unlikely(mo_clock_is_by_hand()) && group != SYSTEM)
        return mo_wheel_tick(mo_clock_now());
    return mo_plat_now_ns() >> MO_WHEEL_SHIFT;
}

static bool is_armed_for(unsigned group)
{
    return group == SYSTEM || !mo_clock_is_by_hand();
}

/* ---- The thread's sleep. */
static int start_thread(struct timers *t);

/* Our descriptor has been closed, and its number may be the program's. A thread that sleeps in a read of what it led to
   may do so for ever: so another one takes over, and that one ends when it wakes. */
static void look_for_loss_locked(struct timers *t)
{
    if (mo_likely(t->fd < 0 || mo_plat_fd_is_marked(t->fd)))
        return;
    mo_warn_once("the descriptor of the timers was closed by somebody else; they go on with another one");
    t->fd = mo_plat_timer_new();
    mo_fetch_add_acq_rel(&t->turn, 1u);
    if (start_thread(t) != 0) { /* the next timer starts one */
        mo_plat_timer_free(t->fd);
        t->fd = -1;
        mo_store_release(&t->running, 0u);
    }
}

static void arm(struct timers *t, uint64_t tick)
{
    mo_mutex_lock(&t->arming);
    uint64_t armed = mo_load_relaxed(&t->armed);
    if (!armed || tick < armed) {
        mo_store_release(&t->armed, tick ? tick : 1);
        look_for_loss_locked(t);
        if (t->fd < 0 || mo_plat_timer_set(t->fd, (tick ? tick : 1) << MO_WHEEL_SHIFT) != 0) {
            mo_fetch_add_acq_rel(&t->pokes, 1u);
            mo_plat_futex_wake(&t->pokes, 1, MO_WAKE_ANY);
        }
    }
    mo_mutex_unlock(&t->arming);
}

/* Without a descriptor: until what was armed last, or a poke. */
static void sleep_without(struct timers *t)
{
    uint32_t seen = mo_load_acquire(&t->pokes);
    uint64_t tick = mo_load_acquire(&t->armed), ns = tick << MO_WHEEL_SHIFT;
    struct timespec at = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    if (!tick || mo_plat_now_ns() < ns)
        mo_plat_futex_wait_until(&t->pokes, seen, false, tick ? &at : NULL);
}

static bool is_over(struct timers *t, uint32_t turn)
{
    return mo_load_acquire(&t->turn) != turn;
}

static void sleep_until_due(struct timers *t, uint32_t turn)
{
    mo_mutex_lock(&t->arming);
    look_for_loss_locked(t);
    int fd = t->fd;
    mo_mutex_unlock(&t->arming);
    if (is_over(t, turn))
        return;
    if (fd < 0)
        sleep_without(t);
    else
        mo_plat_timer_wait(fd); /* an error is a loss, which is found when the thread comes back */
}

static void *serve(void *arg)
{
    struct timers *t = &MO_SHARED(timers);
    const uint32_t turn = (uint32_t)(uintptr_t)arg;
    prctl(PR_SET_NAME, "moirai-timers");
    struct mo_worker *w = mo_sched_adopt()->worker;
    mo_park_threads_add(-1); /* to the wait policy it does not count: it hardly ever runs */
    for (;;) {
        mo_timers_advance(w); /* first: after a loss nothing is armed */
        if (is_over(t, turn))
            break;
        sleep_until_due(t, turn);
    }
    mo_park_threads_add(1); /* its end takes it off */
    return NULL;
}

static int start_thread(struct timers *t)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&thread, &attr, serve, (void *)(uintptr_t)mo_load_relaxed(&t->turn));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

static __attribute__((noinline)) int start(struct timers *t)
{
    int err = 0;
    mo_mutex_lock(&t->arming);
    if (!mo_load_relaxed(&t->running)) {
        t->fd = mo_plat_timer_new();
        if (t->fd < 0)
            mo_warn_once("no descriptor for timers is to be had; they may be later by 50 us");
        err = start_thread(t);
        if (!err)
            mo_store_release(&t->running, 1u);
        else if (t->fd >= 0)
            mo_plat_timer_free(t->fd);
    }
    mo_mutex_unlock(&t->arming);
    return err;
}

/* ---- Timers. */
/* It has been put in, and would be seen only when the clock is moved again. */
static __attribute__((noinline)) void look_after_hand(struct mo_worker *w, uint64_t deadline_ns)
{
    if (deadline_ns <= mo_clock_now())
        mo_timers_advance(w);
}

static int set(struct mo_worker *w, struct mo_timer *timer, unsigned group, uint64_t deadline_ns,
               const struct mo_waker *waker, uint64_t now_ns)
{
    struct timers *t = &MO_SHARED(timers);
    struct mo_waker old = {0};
    uint32_t life = mo_load_relaxed(&t->life);
    if (mo_unlikely(!mo_load_acquire(&t->running)) && is_armed_for(group)) {
        int err = start(t);
        if (err)
            return err;
    }
    if (timer->life != life || !timer->waker) { /* it is in no wheel */
        timer->group = group;
        timer->life = life;
        timer->at = NULL;
    }
    uint64_t tick = mo_wheel_tick(deadline_ns);
    mo_waker_keep(waker);
    mo_mutex_lock(&t->group[timer->group].lock);
    if (timer->at) {
        old.word = timer->waker;
    } else {
        timer->tick = tick;
        mo_wheel_put(&t->group[timer->group].wheel, timer, now_ns >> MO_WHEEL_SHIFT);
    }
    timer->waker = waker->word;
    mo_mutex_unlock(&t->group[timer->group].lock);
    if (old.word)
        mo_waker_drop(w, &old);
    else if (!is_armed_for(group))
        look_after_hand(w, deadline_ns);
    else {
        uint64_t armed = mo_load_acquire(&t->armed);
        if (!armed || tick < armed) /* T1 */
            arm(t, tick);
    }
    return 0;
}

int mo_timer_set(struct mo_worker *w, struct mo_timer *timer, uint64_t deadline_ns, const struct mo_waker *waker,
                 uint64_t now_ns)
{
    return set(w, timer, w->index % GROUPS, deadline_ns, waker, now_ns);
}

int mo_timer_set_by_system(struct mo_worker *w, struct mo_timer *timer, uint64_t deadline_ns,
                           const struct mo_waker *waker, uint64_t now_ns)
{
    unsigned group = mo_clock_is_by_hand() ? SYSTEM : w->index % GROUPS;
    return set(w, timer, group, deadline_ns, waker, now_ns);
}

void mo_timer_cancel(struct mo_worker *w, struct mo_timer *timer)
{
    struct timers *t = &MO_SHARED(timers);
    struct mo_waker old = {0};
    if (!timer->waker || timer->life != mo_load_relaxed(&t->life))
        return;
    mo_mutex_lock(&t->group[timer->group].lock);
    if (timer->at) { /* T3 */
        mo_wheel_take_out(&t->group[timer->group].wheel, timer);
        old.word = timer->waker;
    }
    mo_mutex_unlock(&t->group[timer->group].lock);
    timer->waker = 0;
    if (old.word)
        mo_waker_drop(w, &old);
}

/* Returns when to look at the group again. */
static uint64_t wake_due(struct timers *t, struct mo_worker *w, unsigned group)
{
    uintptr_t word[AT_ONCE];
    uint64_t next;
    unsigned n;
    do {
        struct mo_timer *timer;
        mo_mutex_lock(&t->group[group].lock);
        uint64_t now = tick_now(group);
        for (n = 0; n < AT_ONCE && (timer = mo_wheel_take_due(&t->group[group].wheel, now)) != NULL; n++)
            word[n] = timer->waker;
        next = mo_wheel_next(&t->group[group].wheel);
        mo_mutex_unlock(&t->group[group].lock);
        for (unsigned i = 0; i < n; i++)
            mo_waker_wake_last(w, word[i]);
    } while (n == AT_ONCE);
    return next;
}

void mo_timers_advance(struct mo_worker *w)
{
    struct timers *t = &MO_SHARED(timers);
    uint64_t next = MO_WHEEL_NEVER;
    mo_mutex_lock(&t->arming);
    mo_store_relaxed(&t->armed, 0u); /* T2: published by the locks that follow */
    mo_mutex_unlock(&t->arming);
    for (unsigned i = 0; i <= SYSTEM; i++) {
        uint64_t of_group = wake_due(t, w, i);
        if (is_armed_for(i))
            next = of_group < next ? of_group : next;
    }
    if (next != MO_WHEEL_NEVER)
        arm(t, next);
}

/* ---- The clock by hand. */
static int set_hand(uint64_t hand)
{
    struct timers *t = &MO_SHARED(timers);
    uint64_t count = 0;
    for (unsigned i = 0; i < GROUPS; i++)
        mo_mutex_lock(&t->group[i].lock);
    for (unsigned i = 0; i < GROUPS; i++)
        count += t->group[i].wheel.count;
    if (!count)
        mo_store_release(&MO_SHARED(clock).hand, hand);
    for (unsigned i = 0; i < GROUPS; i++)
        mo_mutex_unlock(&t->group[i].lock);
    return count ? EBUSY : 0;
}

int mo_timers_hold(void)
{
    return mo_clock_is_by_hand() ? EALREADY : set_hand(mo_plat_now_ns());
}

int mo_timers_let_go(void)
{
    return mo_clock_is_by_hand() ? set_hand(0) : EALREADY;
}

int mo_timers_move(struct mo_worker *w, uint64_t ns)
{
    if (!mo_clock_is_by_hand())
        return EPERM;
    mo_fetch_add_acq_rel(&MO_SHARED(clock).hand, ns);
    mo_timers_advance(w);
    return 0;
}

void mo_timers_forget(void)
{
    struct timers *t = &MO_SHARED(timers);
    for (unsigned i = 0; i <= SYSTEM; i++) {
        mo_store_relaxed(&t->group[i].lock, 0u);
        t->group[i].wheel = (struct mo_wheel){.now = 0};
    }
    mo_store_relaxed(&t->armed, 0u);
    mo_store_relaxed(&t->arming, 0u);
    if (mo_load_relaxed(&t->running) && t->fd >= 0 && mo_plat_fd_is_marked(t->fd))
        mo_plat_timer_free(t->fd); /* the parent's: its time is the parent's, too */
    mo_store_relaxed(&t->running, 0u);
    mo_store_relaxed(&t->life, mo_load_relaxed(&t->life) + 1);
}
