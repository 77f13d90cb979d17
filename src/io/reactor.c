/* Who waits for a descriptor stands in a queue of the descriptor's record, in by side, and the record's number is armed
   in one epoll set. One thread of the process looks at that set.

   Why a thread of its own: a worker that slept in epoll_wait() would have to be woken by a write to a descriptor
   instead of a futex by whoever publishes a task, and while all workers are busy nobody would look; here what is ready
   is in the executor's list at once, and threads outside of all executors wait the same way. The price would be a
   switch of threads for each batch of events: so while workers are awake the thread leaves the set to them (R6). The
   thread begins with the first wait and ends when nobody has waited for a second; while somebody waits it sleeps
   without a time limit.

   R1  A record's queues, its waits' states and links are changed under its lock. Wakers are woken under it: so an
       operation that has taken itself out under the lock is touched by nobody, and may be freed.
   R2  A wait is queued, and then its record armed, under the lock. The set tells of an armed descriptor that is ready
       already, so what came between the try that found nothing and the arming is not lost. It tells once, and all of
       that side are woken. They try again, and those that find nothing queue up again.
   R3  Each arming asks the system, which knows whether the number still is the file that it was: so a descriptor that
       was closed behind our back and its number used again is entered anew. A late event of the old one wakes somebody
       for nothing.
   R4  `waiting` rises before the look at `thread`, and the thread says that it goes before it looks at `waiting`, all
       seq_cst: it stays, or who waits sees that there is none and starts one.

   R5  An operation in the ring of io_uring (uring.c) counts as one that waits. The ring's descriptors stay in the set,
       so that one thread looks after both.

   R6  When the thread has woken a job it sleeps on `left_to_workers`, which it has set before. Workers that find
       nothing else to do look at the set while that is set, without waiting. Who is the last of its executor to fall
       asleep clears it and wakes the thread; so does who has the thread look after the ring of io_uring, which rises
       `attended` first, and the thread looks at that having set the word. Where workers find nothing for LEFT_NS, as
       they are busy, or look no more, the thread looks itself. So what is ready is found by then at the latest, and at
       once where nobody works.

   R7  the program may close the set's descriptor, as daemons do with all that they find, and get its number for a file
       of its own. What goes wrong with a set that has lost its mark makes a new one: its waits are woken and arm
       themselves anew, and whoever is first has a new thread started, as the old one sleeps in the old set. That ends
       when it is woken, if ever.

   tests/models/reactor.pml has R4 and R6.

   Records are never freed. A forked child has the waits of nobody: its parent's set, which it would share, is closed
   there. */
#include "io/internal.h"

#include "plat/io.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define CHUNK_FDS 1024
#define CHUNKS    1024
#define LINGER_MS 1000
#define NO_SET    (-1)

#define LOOK_AGAIN_US 2      /* a worker looks no sooner after the last look of one */
#define LEFT_NS       500000 /* without anything found by them, until the thread looks itself */

struct record {
    _Atomic uint32_t lock;
    struct mo_io_wait *first[MO_IO_SIDES];
};

enum thread_state { GONE, THERE };

static struct {
    _Atomic uint32_t lock; /* of making the set, chunks and the thread */
    _Atomic int set;       /* its descriptor plus 1; 0: none */
    _Atomic uint32_t turn; /* of the set and the thread: one of an earlier turn ends (R7) */
    _Atomic uint32_t thread;
    _Atomic uint64_t waiting;
    _Atomic uint32_t attended; /* of these, those of R5 */
    _Atomic uint32_t found;    /* by workers: how often they found something */
    _Atomic uint64_t looked;   /* by a worker the last time, ticks */
    _Atomic(struct record *) chunk[CHUNKS];
} io;

/* ---- Records. */
static struct record *known(int fd)
{
    unsigned n = (unsigned)fd / CHUNK_FDS;
    struct record *chunk = fd < 0 || n >= CHUNKS ? NULL : mo_load_acquire(&io.chunk[n]);
    return chunk ? &chunk[(unsigned)fd % CHUNK_FDS] : NULL;
}

static int record_of(int fd, struct record **r)
{
    unsigned n = (unsigned)fd / CHUNK_FDS;
    if (fd < 0 || n >= CHUNKS)
        return fd < 0 ? EBADF : EMFILE;
    if (!(*r = known(fd))) {
        mo_mutex_lock(&io.lock);
        if (!mo_load_relaxed(&io.chunk[n]))
            mo_store_release(&io.chunk[n], (struct record *)mo_plat_map(CHUNK_FDS * sizeof(struct record)));
        mo_mutex_unlock(&io.lock);
        *r = known(fd);
    }
    return *r ? 0 : ENOMEM;
}

static void push_locked(struct record *r, struct mo_io_wait *w)
{
    w->prev = NULL;
    w->next = r->first[w->side];
    if (w->next)
        w->next->prev = w;
    r->first[w->side] = w;
    mo_store_relaxed(&w->state, (uint8_t)MO_IO_QUEUED);
    mo_fetch_add_seqcst(&io.waiting, 1u); /* R4 */
}

static void unlink_locked(struct record *r, struct mo_io_wait *w, enum mo_io_wait_state state)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        r->first[w->side] = w->next;
    if (w->next)
        w->next->prev = w->prev;
    mo_store_relaxed(&w->state, (uint8_t)state);
    mo_fetch_sub_seqcst(&io.waiting, 1u);
}

/* True: a job was among them. */
static bool wake_side_locked(struct record *r, enum mo_io_side side, enum mo_io_wait_state state)
{
    struct mo_io_wait *w;
    bool job = false;
    while ((w = r->first[side]) != NULL) {
        unlink_locked(r, w, state);
        job |= !(w->waker.word & MO_WAKER_THREAD);
        mo_waker_wake(&w->waker);
    }
    return job;
}

/* ---- The thread. */
/* True: a job was woken. */
static bool tell(int set, const struct mo_plat_ready *ready)
{
    struct record *r = known(ready->fd);
    bool job = false;
    if (!r)
        return false;
    mo_mutex_lock(&r->lock);
    if (ready->in)
        job |= wake_side_locked(r, MO_IO_IN, MO_IO_IDLE);
    if (ready->out)
        job |= wake_side_locked(r, MO_IO_OUT, MO_IO_IDLE);
    bool in = r->first[MO_IO_IN], out = r->first[MO_IO_OUT];
    if ((in || out) && mo_plat_epoll_arm(set, ready->fd, in, out) != 0) { /* they find out why */
        wake_side_locked(r, MO_IO_IN, MO_IO_IDLE);
        wake_side_locked(r, MO_IO_OUT, MO_IO_IDLE);
    }
    mo_mutex_unlock(&r->lock);
    return job;
}

static bool tell_all(int set, const struct mo_plat_ready *ready, unsigned n)
{
    bool job = false;
    for (unsigned i = 0; i < n; i++)
        job |= tell(set, &ready[i]);
    return job;
}

/* R6 */
static bool look_as_worker(void)
{
    struct mo_plat_ready ready[MO_PLAT_READY_MAX];
    uint64_t now = mo_plat_ticks(), last = mo_load_relaxed(&io.looked);
    int set = mo_load_acquire(&io.set) - 1;
    if (now - last < mo_plat_ticks_per_us() * LOOK_AGAIN_US || mo_load_seqcst(&io.attended) ||
        !mo_cas_relaxed(&io.looked, &last, now))
        return false;
    unsigned n = mo_plat_epoll_wait(set, ready, 0);
    for (unsigned i = 0; i < n; i++)
        if (mo_unlikely(mo_uring_has(ready[i].fd)))
            mo_uring_kick(); /* the thread's: it is told of it once more */
    if (n)
        mo_fetch_add_relaxed(&io.found, 1u);
    tell_all(set, ready, n);
    return n > 0;
}

static void take_over(void)
{
    struct mo_reactor *shared = &MO_SHARED(reactor);
    if (mo_exchange_seqcst(&shared->left_to_workers, 0u))
        mo_plat_futex_wake(&shared->left_to_workers, 1, MO_WAKE_ANY);
}

/* Workers have something to do, and will look themselves. Where nobody found anything for a while they are busy, or
   elsewhere. */
static void leave_to_workers(void)
{
    _Atomic uint32_t *left = &MO_SHARED(reactor).left_to_workers;
    uint32_t before;
    do {
        before = mo_load_relaxed(&io.found);
        if (mo_load_seqcst(&io.attended))
            break;
        mo_plat_futex_wait(left, 1, LEFT_NS, MO_WAKE_ANY);
    } while (mo_load_acquire(left) && mo_load_relaxed(&io.found) != before);
    mo_store_seqcst(left, 0u);
}

/* R4 */
static bool goes(void)
{
    mo_mutex_lock(&io.lock);
    mo_store_seqcst(&io.thread, (uint32_t)GONE);
    bool stays = mo_load_seqcst(&io.waiting) != 0;
    if (stays)
        mo_store_seqcst(&io.thread, (uint32_t)THERE);
    mo_mutex_unlock(&io.lock);
    return !stays;
}

static void wake_everybody(void)
{
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct record *chunk = mo_load_acquire(&io.chunk[i]);
        for (unsigned k = 0; chunk && k < CHUNK_FDS; k++) {
            mo_mutex_lock(&chunk[k].lock);
            wake_side_locked(&chunk[k], MO_IO_IN, MO_IO_IDLE);
            wake_side_locked(&chunk[k], MO_IO_OUT, MO_IO_IDLE);
            mo_mutex_unlock(&chunk[k].lock);
        }
    }
}

static int open_set_locked(void)
{
    int set = NO_SET, err = mo_plat_epoll_open(&set);
    mo_store_release(&io.set, set + 1);
    return err;
}

/* R7 */
static void renew_set(void)
{
    mo_mutex_lock(&io.lock);
    int set = mo_load_relaxed(&io.set) - 1;
    bool lost = set != NO_SET && !mo_plat_fd_is_marked(set);
    if (lost) {
        mo_warn_once("the descriptor of the epoll set was closed by somebody else; another one takes its place");
        mo_fetch_add_acq_rel(&io.turn, 1u);
        mo_store_seqcst(&io.thread, (uint32_t)GONE);
        if (open_set_locked() == 0)
            mo_uring_moved(mo_load_relaxed(&io.set) - 1);
    }
    mo_mutex_unlock(&io.lock);
    if (lost)
        wake_everybody();
}

static void *look(void *unused)
{
    struct mo_plat_ready ready[MO_PLAT_READY_MAX];
    const uint32_t turn = mo_load_acquire(&io.turn);
    int set = mo_load_acquire(&io.set) - 1;
    pthread_setname_np(pthread_self(), "moirai-io");
    while (mo_load_acquire(&io.turn) == turn) {
        if (mo_unlikely(!mo_plat_fd_is_marked(set))) {
            renew_set();
            break;
        }
        bool idle = mo_load_seqcst(&io.waiting) == 0, own = false;
        unsigned n = mo_plat_epoll_wait(set, ready, idle ? LINGER_MS : -1);
        for (unsigned i = 0; i < n; i++)
            if (mo_unlikely(mo_uring_has(ready[i].fd))) {
                mo_uring_turn();
                own = true;
            }
        if (n && !own)
            mo_store_seqcst(&MO_SHARED(reactor).left_to_workers,
                            1u); /* R6: before they are woken, who may be through at once */
        if (tell_all(set, ready, n) && !own)
            leave_to_workers();
        else if (n && !own)
            mo_store_seqcst(&MO_SHARED(reactor).left_to_workers, 0u);
        if (n == 0 && idle && goes())
            break;
    }
    return NULL;
}

/* ---- Fork. */
static void forked(void)
{
    if (mo_load_relaxed(&io.set) && mo_plat_fd_is_marked(mo_load_relaxed(&io.set) - 1))
        mo_plat_close(mo_load_relaxed(&io.set) - 1);
    for (unsigned i = 0; i < CHUNKS; i++) {
        struct record *chunk = mo_load_relaxed(&io.chunk[i]);
        if (chunk)
            memset((void *)chunk, 0, CHUNK_FDS * sizeof *chunk);
    }
    mo_store_relaxed(&io.lock, 0u);
    mo_store_relaxed(&io.set, 0);
    mo_store_relaxed(&io.thread, (uint32_t)GONE);
    mo_store_relaxed(&io.waiting, 0u);
    mo_store_relaxed(&io.attended, 0u);
    mo_store_relaxed(&MO_SHARED(reactor).left_to_workers, 0u);
    mo_uring_forked();
}

static pthread_once_t handles_fork = PTHREAD_ONCE_INIT;

static void handle_fork(void)
{
    pthread_atfork(NULL, NULL, forked);
}

static int make_set(void)
{
    int err = 0;
    if (mo_likely(mo_load_acquire(&io.set)))
        return 0;
    pthread_once(&handles_fork, handle_fork);
    mo_mutex_lock(&io.lock);
    MO_SHARED(reactor).look = look_as_worker; /* called when the thread has left something to workers */
    MO_SHARED(reactor).take_over = take_over;
    if (!mo_load_relaxed(&io.set))
        err = open_set_locked();
    mo_mutex_unlock(&io.lock);
    return err;
}

int mo_io_set(int *set)
{
    int err = make_set();
    *set = mo_load_relaxed(&io.set) - 1;
    return err;
}

static int make_thread(void)
{
    int err = 0;
    if (mo_likely(mo_load_seqcst(&io.thread) == THERE))
        return 0;
    mo_mutex_lock(&io.lock);
    if (mo_load_relaxed(&io.thread) == GONE && !(err = mo_plat_thread_apart(look, NULL)))
        mo_store_seqcst(&io.thread, (uint32_t)THERE);
    mo_mutex_unlock(&io.lock);
    return err;
}

void mo_io_leave(void)
{
    mo_fetch_sub_seqcst(&io.attended, 1u);
    mo_fetch_sub_seqcst(&io.waiting, 1u);
}

int mo_io_attend(void)
{
    mo_fetch_add_seqcst(&io.waiting, 1u); /* R4 */
    mo_fetch_add_seqcst(&io.attended, 1u);
    mo_reactor_take_over(); /* R6 */
    int err = make_thread();
    if (err)
        mo_io_leave();
    return err;
}

/* ---- Waiting. */
void mo_io_set_waker(struct mo_worker *w, struct mo_waker *mine, const struct mo_waker *waker)
{
    if (mine->word == waker->word)
        return;
    if (mine->word)
        mo_waker_drop(w, mine);
    mo_waker_keep(waker);
    *mine = *waker;
}

static int await_once(struct mo_worker *w, struct mo_io_wait *wait, int fd, enum mo_io_side side,
                      const struct mo_waker *waker)
{
    struct record *r;
    int err = record_of(fd, &r);
    if (!err)
        err = make_set();
    if (err)
        return err;
    mo_mutex_lock(&r->lock);
    mo_io_set_waker(w, &wait->waker, waker);
    if (mo_load_relaxed(&wait->state) != MO_IO_IDLE) { /* it waits, or was closed since the caller's look */
        if (mo_load_relaxed(&wait->state) == MO_IO_CLOSED)
            err = ECANCELED;
        mo_mutex_unlock(&r->lock);
        return err;
    }
    wait->fd = fd;
    wait->side = (uint8_t)side;
    push_locked(r, wait);
    err = make_thread();
    if (!err)
        err = mo_plat_epoll_arm(mo_load_relaxed(&io.set) - 1, fd, r->first[MO_IO_IN], r->first[MO_IO_OUT]); /* R2 */
    if (err)
        unlink_locked(r, wait, MO_IO_IDLE);
    mo_mutex_unlock(&r->lock);
    return err;
}

int mo_io_await(struct mo_worker *w, struct mo_io_wait *wait, int fd, enum mo_io_side side,
                const struct mo_waker *waker)
{
    int err = await_once(w, wait, fd, side, waker);
    if (mo_likely(err != ESTALE))
        return err;
    renew_set();
    return await_once(w, wait, fd, side, waker);
}

/* A descriptor that stays armed for nobody tells of itself once, and nobody is woken. */
void mo_io_unawait(struct mo_worker *w, struct mo_io_wait *wait)
{
    if (!wait->waker.word)
        return; /* it has never waited */
    struct record *r = known(wait->fd);
    if (r) {
        mo_mutex_lock(&r->lock);
        if (mo_load_relaxed(&wait->state) == MO_IO_QUEUED)
            unlink_locked(r, wait, MO_IO_IDLE);
        mo_mutex_unlock(&r->lock);
    }
    mo_waker_drop(w, &wait->waker);
    wait->waker.word = 0;
}

void mo_io_close_waits(int fd)
{
    struct record *r = known(fd);
    if (!r)
        return;
    mo_mutex_lock(&r->lock);
    wake_side_locked(r, MO_IO_IN, MO_IO_CLOSED);
    wake_side_locked(r, MO_IO_OUT, MO_IO_CLOSED);
    mo_mutex_unlock(&r->lock);
}
