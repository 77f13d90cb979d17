/* Operations on files are handed to the thread of reactor.c, which alone puts them into the process's ring and takes
   their ends out.

   Why that thread and not the caller: the kernel finishes an operation in the name of the thread that has sent it. It
   cancels what a thread that ends has under way, and interrupts system calls of one that does something else, as a
   signal does. That thread stays as long as anything is under way, and its only call goes on after such an
   interruption. What has come up meanwhile it sends together.

   U1  Lists, states and wakers are changed under the lock. The kernel has an operation's memory in SENT, GIVEN_UP and
       CANCELLING, the thread until it has set OVER under the lock; so who sees QUEUED (and takes it out), OVER or IDLE
       under the lock may free it.
   U2  Whoever puts something into a list kicks, unless somebody has since the thread began its last look at the lists.
       It clears `kicked` under the lock under which it empties them: what comes later finds it clear.
   U3  The thread takes ends until there are none after the last time that it has sent something. Of later ones the
       ring's descriptor tells. At most DEPTH operations are under way and each is cancelled once; the ring has room for
       the ends of all that.
   U4  A cancel names an operation by its address, while that is under way and its end not taken: it never meets another
       one there.
   U5  What the kernel does not take ends with EAGAIN, as do those behind it, and the ring takes no more: callers go on
       with threads. It is memory that has run out, or a sandbox that has been entered. */
#include "io/internal.h"

#include "base/config.h"
#include "base/log.h"
#include "plat/io.h"
#include "plat/plat.h"

#include <errno.h>
#include <stddef.h>

#define ENDS_AT_ONCE 64

enum state { IDLE, QUEUED, SENT, GIVEN_UP /* to be cancelled */, CANCELLING, OVER };
enum choice { UNKNOWN, RING, THREADS };

struct list {
    struct mo_uring_op *first, *last;
};

static struct {
    _Atomic uint32_t choosing; /* lock of what follows */
    _Atomic uint32_t choice;
    int fd, kick;
    _Atomic(const char *) why;
    _Atomic uint32_t lock; /* of the rest */
    bool kicked, broken;
    unsigned under_way;
    struct list queued, given_up;
} u;

/* ---- Lists. */
static void append_locked(struct list *l, struct mo_uring_op *op, enum state state)
{
    op->next = NULL;
    op->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = op;
    l->last = op;
    op->state = (uint8_t)state;
}

static void remove_locked(struct list *l, struct mo_uring_op *op, enum state state)
{
    *(op->prev ? &op->prev->next : &l->first) = op->next;
    *(op->next ? &op->next->prev : &l->last) = op->prev;
    op->state = (uint8_t)state;
}

/* ---- Choosing. */
static const char *open_ring(void)
{
    int set;
    if (mo_io_set(&set) != 0)
        return "there is no epoll set";
    const char *why = mo_plat_uring_open(&u.fd);
    if (why)
        return why;
    if (mo_plat_kick_open(&u.kick) == 0) {
        if (mo_plat_epoll_keep(set, u.fd) == 0 && mo_plat_epoll_keep(set, u.kick) == 0)
            return NULL;
        mo_plat_close(u.kick);
    }
    mo_plat_uring_close();
    return "no descriptor for io_uring";
}

static void choose_locked(void)
{
    const uint64_t wanted = mo_knob(MO_KNOB_IO);
    const char *why = wanted == MO_IO_CHOICE_EPOLL ? "MOIRAI_IO=epoll" : open_ring();
    if (why && wanted == MO_IO_CHOICE_URING)
        mo_warn("MOIRAI_IO=uring: %s; operations on files are left to threads", why);
    mo_store_relaxed(&u.why, why);
    mo_store_release(&u.choice, (uint32_t)(why ? THREADS : RING));
}

bool mo_uring_is_used(const char **why)
{
    if (mo_unlikely(mo_load_acquire(&u.choice) == UNKNOWN)) {
        mo_mutex_lock(&u.choosing);
        if (mo_load_relaxed(&u.choice) == UNKNOWN)
            choose_locked();
        mo_mutex_unlock(&u.choosing);
    }
    const char *reason = mo_load_relaxed(&u.why);
    if (why)
        *why = reason;
    return !reason;
}

/* ---- The thread. */
bool mo_uring_has(int fd)
{
    return mo_load_acquire(&u.choice) == RING && (fd == u.fd || fd == u.kick);
}

static void end_locked(struct mo_uring_op *op, int32_t result)
{
    if (op->state == GIVEN_UP)
        remove_locked(&u.given_up, op, SENT);
    op->result = result;
    op->state = OVER;
    if (op->waker.word)
        mo_waker_wake(&op->waker);
    mo_io_leave();
}

/* Cancels first, and without a bound: what fills the ring may be what they are to end. */
static bool put_locked(void)
{
    struct mo_uring_op *op;
    bool any = false;
    if (u.broken)
        return false;
    while ((op = u.given_up.first) != NULL && mo_plat_uring_put_cancel(op)) {
        remove_locked(&u.given_up, op, CANCELLING);
        any = true;
    }
    while ((op = u.queued.first) != NULL && u.under_way < MO_PLAT_URING_DEPTH && mo_plat_uring_put(&op->call, op)) {
        remove_locked(&u.queued, op, SENT);
        u.under_way++;
        any = true;
    }
    return any;
}

/* U5. A cancel that was not sent has no owner here; its operation ends by itself. */
static void break_locked(void **unsent, unsigned count)
{
    struct mo_uring_op *op;
    u.broken = true;
    u.under_way -= count;
    mo_store_relaxed(&u.why, "the system has taken an operation no more");
    for (unsigned i = 0; i < count; i++)
        end_locked(unsent[i], -EAGAIN);
    while ((op = u.queued.first) != NULL) {
        remove_locked(&u.queued, op, SENT);
        end_locked(op, -EAGAIN);
    }
}

static void send_put(void)
{
    void *unsent[MO_PLAT_URING_DEPTH];
    unsigned count = mo_plat_uring_send(unsent);
    if (mo_likely(count == 0))
        return;
    mo_mutex_lock(&u.lock);
    break_locked(unsent, count);
    mo_mutex_unlock(&u.lock);
}

/* U3 */
void mo_uring_turn(void)
{
    struct mo_plat_uring_end end[ENDS_AT_ONCE];
    unsigned ended;
    bool put;
    do {
        ended = mo_plat_uring_take(end, ENDS_AT_ONCE);
        mo_mutex_lock(&u.lock);
        u.kicked = false; /* U2 */
        for (unsigned i = 0; i < ended; i++)
            if (end[i].owner) {
                u.under_way--;
                end_locked(end[i].owner, end[i].result);
            }
        put = put_locked();
        mo_mutex_unlock(&u.lock);
        if (put)
            send_put();
    } while (ended || put);
}

void mo_uring_kick(void)
{
    mo_plat_kick(u.kick);
}

/* ---- Operations. */
static void kick(bool needed)
{
    if (needed)
        mo_plat_kick(u.kick);
}

/* U2 */
static bool must_kick_locked(void)
{
    bool must = !u.kicked;
    u.kicked = true;
    return must;
}

bool mo_uring_begin(struct mo_uring_op *op)
{
    if (!mo_uring_is_used(NULL) || mo_io_attend() != 0)
        return false;
    mo_mutex_lock(&u.lock);
    bool taken = !u.broken, must_kick = false;
    if (taken) {
        append_locked(&u.queued, op, QUEUED);
        must_kick = must_kick_locked();
    }
    mo_mutex_unlock(&u.lock);
    if (!taken)
        mo_io_leave();
    kick(must_kick);
    return taken;
}

bool mo_uring_await(struct mo_worker *w, struct mo_uring_op *op, const struct mo_waker *waker)
{
    mo_mutex_lock(&u.lock);
    bool over = op->state == OVER;
    if (!over)
        mo_io_set_waker(w, &op->waker, waker);
    mo_mutex_unlock(&u.lock);
    return over;
}

bool mo_uring_give_up(struct mo_uring_op *op)
{
    bool must_kick = false;
    mo_mutex_lock(&u.lock);
    if (op->state == QUEUED) {
        remove_locked(&u.queued, op, IDLE);
        mo_io_leave();
    } else if (op->state == SENT) {
        append_locked(&u.given_up, op, GIVEN_UP);
        must_kick = must_kick_locked();
    }
    bool free = op->state == IDLE || op->state == OVER;
    mo_mutex_unlock(&u.lock);
    kick(must_kick);
    return free;
}

bool mo_uring_is_over(const struct mo_uring_op *op)
{
    return op->state == OVER;
}

void mo_uring_release(struct mo_worker *w, struct mo_uring_op *op)
{
    if (op->waker.word)
        mo_waker_drop(w, &op->waker);
    op->waker.word = 0;
    op->state = IDLE;
}

/* What it has under way where its own descriptors are gone as well nobody learns of any more. */
void mo_uring_moved(int set)
{
    if (mo_load_relaxed(&u.choice) != RING)
        return;
    if (mo_plat_fd_is_marked(u.kick) && mo_plat_epoll_keep(set, u.fd) == 0 && mo_plat_epoll_keep(set, u.kick) == 0)
        return;
    mo_warn_once("the descriptors of io_uring were closed by somebody else; files are left to threads from now on");
    mo_mutex_lock(&u.lock);
    break_locked(NULL, 0);
    mo_mutex_unlock(&u.lock);
}

/* The child asks for a ring of its own when it needs one. */
void mo_uring_forked(void)
{
    if (mo_load_relaxed(&u.choice) == RING) {
        mo_plat_uring_close();
        if (mo_plat_fd_is_marked(u.kick))
            mo_plat_close(u.kick);
    }
    mo_store_relaxed(&u.choosing, 0u);
    mo_store_relaxed(&u.choice, (uint32_t)UNKNOWN);
    mo_store_relaxed(&u.why, NULL);
    mo_store_relaxed(&u.lock, 0u);
    u.kicked = u.broken = false;
    u.under_way = 0;
    u.queued = u.given_up = (struct list){NULL, NULL};
}
