/* Operations on files: through the ring of io_uring where there is one (io/uring.c), else on threads for blocking work.

   What the ring hands back undone (the kernel had no memory, or what a file opened with O_NONBLOCK needs was not in the
   cache) such a thread does then. */
#include "native/io.h"

#include <errno.h>
#include <sched.h>

/* More is not copied where others could run meanwhile. */
#define AT_ONCE_BYTES (64u * 1024)

/* A write of all that was not one goes there again, unless nothing goes any more. */
static bool is_short(const struct mo_op *op, int64_t last)
{
    return op->code == WRITE_ALL && last > 0 && (size_t)op->result < op->bytes;
}

/* ---- On a thread for blocking work. */
static void work_on(void *data)
{
    struct mo_op *op = *(struct mo_op **)data;
    int64_t n = 0;
    switch (op->code) {
    case READ:
    case READ_AT:
        op->pool_error = mo_plat_read_at(op->fd, op->to, op->bytes, op->offset, &n);
        break;
    case OPEN:
        op->pool_error = mo_plat_open(op->path, op->flags, op->mode, &n);
        break;
    case SYNC:
        op->pool_error = mo_plat_sync(op->fd);
        break;
    case CLOSE:
        mo_io_close_waits(op->fd);
        op->pool_error = mo_plat_close(op->fd);
        break;
    default:
        op->pool_error = mo_plat_write_at(op->fd, (const char *)op->from + op->result, op->bytes - (size_t)op->result,
                                          op->offset, &n);
    }
    op->pool_bytes = n;
    op->result += n;
}

static int poll_pool(struct mo_worker *w, struct mo_op *op, const moirai_waker_t *waker)
{
    for (;;) {
        if (op->stage != POOLED) {
            int status = moirai_spawn_blocking(NULL, &op->task, work_on, &op, sizeof op);
            if (status != MOIRAI_OK)
                return mo_op_finish(w, op, status, 0);
            moirai_await_init(&op->await, &op->task, NULL);
            op->stage = POOLED;
        }
        if (moirai_future_poll(&op->await.future, waker) != MOIRAI_READY)
            return MOIRAI_PENDING;
        if (op->await.status != MOIRAI_OK)
            return mo_op_finish(w, op, op->await.status, 0);
        op->stage = NEW;
        if (op->pool_error || !is_short(op, op->pool_bytes))
            return mo_op_finish(w, op, mo_op_status(op->pool_error), op->pool_error);
    }
}

/* It is cancelled before it begins, or waited for: the buffer is the caller's again. */
static void drop_pooled(struct mo_op *op)
{
    moirai_future_drop(&op->await.future);
    moirai_cancel(&op->task);
    bool ran = moirai_join(&op->task, NULL) == MOIRAI_OK;
    if (ran && op->code == OPEN && !op->pool_error)
        mo_plat_close((int)op->result);
}

/* ---- In the ring. */
static void describe(const struct mo_op *op, struct mo_plat_uring_call *call)
{
    size_t bytes = op->bytes - (size_t)op->result;
    *call = (struct mo_plat_uring_call){.memory = (const char *)op->from + op->result,
                                        .bytes = bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX,
                                        .offset = op->offset,
                                        .fd = op->fd};
    switch (op->code) {
    case READ:
    case READ_AT:
        call->code = MO_URING_READ;
        break;
    case OPEN:
        *call =
            (struct mo_plat_uring_call){.memory = op->path, .fd = op->flags, .bytes = op->mode, .code = MO_URING_OPEN};
        break;
    case SYNC:
        call->code = MO_URING_SYNC;
        break;
    case CLOSE:
        call->code = MO_URING_CLOSE;
        break;
    default:
        call->code = MO_URING_WRITE;
    }
}

/* The ring would take an offset in a pipe for none, and wait there. */
static bool is_for_ring(const struct mo_op *op)
{
    bool at_offset = op->code == READ_AT || op->code == WRITE_AT;
    return mo_uring_is_used(NULL) && (!at_offset || mo_plat_fd_kind(op->fd) == MO_FD_FILE);
}

static bool begin_in_ring(struct mo_op *op)
{
    if (!is_for_ring(op))
        return false;
    if (op->code == CLOSE)
        mo_io_close_waits(op->fd);
    op->ring = (struct mo_uring_op){.next = NULL};
    describe(op, &op->ring.call);
    if (!mo_uring_begin(&op->ring))
        return false;
    op->stage = SENT;
    return true;
}

/* A close that a signal has ended is one: the number is free. */
static bool is_undone(const struct mo_op *op)
{
    int32_t r = op->ring.result;
    return r == -ECANCELED || r == -EAGAIN || (r == -EINTR && op->code != CLOSE);
}

/* True: it is over. */
static bool end_in_ring(struct mo_worker *w, struct mo_op *op)
{
    int32_t r = op->ring.result;
    if (r < 0) {
        int err = r == -EINTR ? 0 : -r;
        mo_op_finish(w, op, mo_op_status(err), err);
        return true;
    }
    op->result += r;
    if (is_short(op, r))
        return false;
    mo_op_finish(w, op, MOIRAI_OK, 0);
    return true;
}

/* MOIRAI_PENDING, MOIRAI_READY, or with *left a thread has to go on. */
static int poll_ring(struct mo_worker *w, struct mo_op *op, const moirai_waker_t *waker, bool *left)
{
    for (;;) {
        if (!mo_uring_await(w, &op->ring, (const struct mo_waker *)waker))
            return MOIRAI_PENDING;
        mo_uring_release(w, &op->ring);
        op->stage = NEW;
        if (is_undone(op)) {
            if (op->given_up)
                return mo_op_finish(w, op, MOIRAI_ECANCELED, 0);
            break;
        }
        if (end_in_ring(w, op))
            return MOIRAI_READY;
        if (!begin_in_ring(op))
            break;
    }
    *left = true;
    return MOIRAI_PENDING;
}

/* A future that is ready when the ring's part is over. */
struct ring_end {
    moirai_future_t future;
    struct mo_uring_op *ring;
};

static int poll_ring_end(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_uring_op *ring = ((struct ring_end *)self)->ring;
    return w && mo_uring_await(w, ring, (const struct mo_waker *)waker) ? MOIRAI_READY : MOIRAI_PENDING;
}

/* Without memory to wait with it looks again and again. */
static void drop_sent(struct mo_worker *w, struct mo_op *op)
{
    static const moirai_future_ops_t ops = {.poll = poll_ring_end};
    struct ring_end end = {.future.ops = &ops, .ring = &op->ring};
    if (!mo_uring_give_up(&op->ring) && moirai_block_on(&end.future, MOIRAI_FOREVER) != MOIRAI_OK)
        while (!mo_uring_give_up(&op->ring))
            sched_yield();
    if (op->code == OPEN && mo_uring_is_over(&op->ring) && op->ring.result >= 0)
        mo_plat_close(op->ring.result);
    mo_uring_release(w, &op->ring);
}

/* ---- All ways. */
/* What is in memory is read at once. At an offset alone: elsewhere a part that was read would have moved the file's
   position. */
static bool read_at_once(struct mo_op *op)
{
    return op->code == READ_AT && op->bytes <= AT_ONCE_BYTES &&
           mo_plat_read_cached(op->fd, op->to, op->bytes, op->offset, &op->result) == 0;
}

int mo_op_poll_file(struct mo_worker *w, struct mo_op *op, const moirai_waker_t *waker)
{
    bool left = false;
    if (op->stage == NEW && read_at_once(op))
        return mo_op_finish(w, op, MOIRAI_OK, 0);
    if (op->stage == SENT || (op->stage == NEW && begin_in_ring(op))) {
        int ready = poll_ring(w, op, waker, &left);
        if (!left)
            return ready;
    }
    return poll_pool(w, op, waker);
}

void mo_op_drop_file(struct mo_worker *w, struct mo_op *op)
{
    if (op->stage == SENT)
        drop_sent(w, op);
    else
        drop_pooled(op);
}

bool mo_op_give_up_file(struct mo_op *op)
{
    op->given_up = true;
    if (op->stage == SENT)
        return mo_uring_give_up(&op->ring) && !mo_uring_is_over(&op->ring);
    return moirai_cancel(&op->task) == MOIRAI_OK;
}
