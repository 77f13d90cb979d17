/* I/O (moirai/io.h): operations as futures, on the reactor of io/ or on threads for blocking work. */
#include "native/executor.h"

#include "io/io.h"
#include "plat/io.h"

#include <errno.h>

enum op_code { READ, WRITE, WRITE_ALL, ACCEPT, CONNECT, OPEN, READ_AT, WRITE_AT, SYNC, CLOSE };
enum op_stage { NEW, CONNECTING, POOLED, OVER };

/* moirai_io_t. */
struct op {
    moirai_future_t future;
    int64_t result;
    int status, error;
    int fd;
    uint8_t code, stage;
    uint8_t kind; /* enum mo_fd_kind */
    uint8_t unused;
    union {
        void *to;
        const void *from;
        const char *path;
        struct sockaddr *address;
        const struct sockaddr *peer;
    };
    union {
        size_t bytes; /* of a buffer, or of a peer's address */
        socklen_t *address_bytes;
        struct {
            int flags;
            unsigned mode;
        };
    };
    int64_t offset; /* in a file; negative: its position */
    struct mo_io_wait wait;
    /* Of the task on a thread for blocking work. */
    int64_t pool_bytes;
    int pool_error;
    moirai_task_t task;
    moirai_await_t await;
};
_Static_assert(sizeof(struct op) <= sizeof(moirai_io_t) &&
                   offsetof(struct op, fd) == offsetof(moirai_io_t, moirai_words),
               "room for it");

static struct op *op_of(void *io)
{
    return io;
}

/* ---- Statuses. */
static int status_of(int err)
{
    switch (err) {
    case 0:
        return MOIRAI_OK;
    case EPIPE:
    case ECONNRESET:
        return MOIRAI_ECLOSED;
    case EPERM:
    case EACCES:
    case EROFS:
        return MOIRAI_EACCES;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT:
    case EISDIR:
    case EISCONN:
    case EAFNOSUPPORT:
    case EDESTADDRREQ:
    case ENOTCONN:
        return MOIRAI_EINVAL;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case ECANCELED:
        return mo_native_status(err);
    case ENOBUFS:
        return MOIRAI_ENOMEM;
    default:
        return MOIRAI_EIO;
    }
}

static int finish(struct mo_worker *w, struct op *op, int status, int err)
{
    mo_io_unawait(w, &op->wait);
    op->status = status;
    op->error = err;
    op->stage = OVER;
    return MOIRAI_READY;
}

/* ---- On a thread for blocking work. */
static void work_on(void *data)
{
    struct op *op = *(struct op **)data;
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

/* A write of all that was not one goes there again, unless nothing goes any more. */
static bool is_short(const struct op *op)
{
    return op->code == WRITE_ALL && !op->pool_error && op->pool_bytes > 0 && (size_t)op->result < op->bytes;
}

static int poll_pool(struct mo_worker *w, struct op *op, const moirai_waker_t *waker)
{
    for (;;) {
        if (op->stage != POOLED) {
            int status = moirai_spawn_blocking(NULL, &op->task, work_on, &op, sizeof op);
            if (status != MOIRAI_OK)
                return finish(w, op, status, 0);
            moirai_await_init(&op->await, &op->task, NULL);
            op->stage = POOLED;
        }
        if (moirai_future_poll(&op->await.future, waker) != MOIRAI_READY)
            return MOIRAI_PENDING;
        if (op->await.status != MOIRAI_OK)
            return finish(w, op, op->await.status, 0);
        op->stage = NEW;
        if (!is_short(op))
            return finish(w, op, status_of(op->pool_error), op->pool_error);
    }
}

/* It is cancelled before it begins, or waited for: the buffer is the caller's again. */
static void drop_pooled(struct op *op)
{
    moirai_future_drop(&op->await.future);
    moirai_cancel(&op->task);
    bool ran = moirai_join(&op->task, NULL) == MOIRAI_OK;
    if (ran && op->code == OPEN && !op->pool_error)
        mo_plat_close((int)op->result);
}

/* ---- Where waiting is epoll's. */
static int try_write(struct op *op, enum mo_fd_kind *kind)
{
    int err;
    do {
        int64_t n = 0;
        err = mo_plat_write_now(op->fd, kind, (const char *)op->from + op->result, op->bytes - (size_t)op->result, &n);
        op->result += n;
    } while (!err && op->code == WRITE_ALL && (size_t)op->result < op->bytes);
    return err;
}

static int try_connect(struct op *op)
{
    int err = op->stage == CONNECTING ? mo_plat_connect_result(op->fd)
                                      : mo_plat_connect_now(op->fd, op->peer, (unsigned)op->bytes);
    if (op->stage == NEW && err == EAGAIN)
        return EBUSY;
    if (err != EINPROGRESS)
        return err;
    op->stage = CONNECTING;
    return EAGAIN;
}

static int try_once(struct op *op)
{
    enum mo_fd_kind kind = (enum mo_fd_kind)op->kind;
    int err;
    switch (op->code) {
    case READ:
        err = mo_plat_read_now(op->fd, &kind, op->to, op->bytes, &op->result);
        break;
    case ACCEPT:
        err = mo_plat_accept_now(op->fd, op->address, op->address_bytes, &op->result);
        break;
    case CONNECT:
        err = try_connect(op);
        break;
    default:
        err = try_write(op, &kind);
    }
    op->kind = (uint8_t)kind;
    return err;
}

static int poll_ready(struct mo_worker *w, struct op *op, const moirai_waker_t *waker)
{
    if (mo_load_relaxed(&op->wait.state) == MO_IO_CLOSED)
        return finish(w, op, MOIRAI_ECANCELED, 0);
    int err = try_once(op);
    if (err == EAGAIN && op->kind == MO_FD_FILE)
        return poll_pool(w, op, waker);
    if (err == EAGAIN) {
        enum mo_io_side side = op->code == READ || op->code == ACCEPT ? MO_IO_IN : MO_IO_OUT;
        err = mo_io_await(w, &op->wait, op->fd, side, (const struct mo_waker *)waker);
        if (!err)
            return MOIRAI_PENDING;
    }
    return finish(w, op, err == EBUSY ? MOIRAI_EBUSY : status_of(err), err == ECANCELED ? 0 : err);
}

static int poll_op(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct op *op = op_of(self);
    struct mo_worker *w = mo_native_worker();
    if (!w) {
        op->status = MOIRAI_ENOMEM;
        return MOIRAI_READY;
    }
    if (op->stage != POOLED && !moirai_waker_may_go_on(waker))
        return MOIRAI_PENDING;
    return op->stage == POOLED || op->code >= OPEN ? poll_pool(w, op, waker) : poll_ready(w, op, waker);
}

static void drop_op(moirai_future_t *self)
{
    struct op *op = op_of(self);
    struct mo_worker *w = mo_native_worker();
    if (op->stage == POOLED)
        drop_pooled(op);
    if (w)
        mo_io_unawait(w, &op->wait);
    op->stage = OVER;
}

/* ---- Futures. */
static struct op *init(moirai_io_t *io, enum op_code code, int fd)
{
    static const moirai_future_ops_t ops = {.poll = poll_op, .drop = drop_op};
    struct op *op = op_of(io);
    __builtin_memset(io, 0, sizeof *io);
    op->future.ops = &ops;
    op->code = (uint8_t)code;
    op->fd = fd;
    op->offset = -1;
    return op;
}

static void init_buffer(moirai_io_t *io, enum op_code code, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    struct op *op = init(io, code, fd);
    op->from = buffer;
    op->bytes = bytes;
    op->offset = offset;
}

MO_API void moirai_io_read_init(moirai_io_t *io, int fd, void *buffer, size_t bytes)
{
    init_buffer(io, READ, fd, buffer, bytes, -1);
}

MO_API void moirai_io_write_init(moirai_io_t *io, int fd, const void *buffer, size_t bytes)
{
    init_buffer(io, WRITE, fd, buffer, bytes, -1);
}

MO_API void moirai_io_write_all_init(moirai_io_t *io, int fd, const void *buffer, size_t bytes)
{
    init_buffer(io, WRITE_ALL, fd, buffer, bytes, -1);
}

MO_API void moirai_io_accept_init(moirai_io_t *io, int fd, struct sockaddr *address, socklen_t *address_bytes)
{
    struct op *op = init(io, ACCEPT, fd);
    op->address = address;
    op->address_bytes = address_bytes;
}

MO_API void moirai_io_connect_init(moirai_io_t *io, int fd, const struct sockaddr *address, socklen_t address_bytes)
{
    struct op *op = init(io, CONNECT, fd);
    op->peer = address;
    op->bytes = address_bytes;
}

MO_API void moirai_io_open_init(moirai_io_t *io, const char *path, int flags, unsigned mode)
{
    struct op *op = init(io, OPEN, -1);
    op->path = path;
    op->flags = flags;
    op->mode = mode;
}

/* An offset that is none must not become "where the position is": without a descriptor the status says that something is wrong. */
static void init_at(moirai_io_t *io, enum op_code code, int fd, const void *buffer, size_t bytes, uint64_t offset)
{
    bool fits = offset <= INT64_MAX;
    init_buffer(io, code, fits ? fd : -1, buffer, bytes, fits ? (int64_t)offset : 0);
}

MO_API void moirai_io_read_at_init(moirai_io_t *io, int fd, void *buffer, size_t bytes, uint64_t offset)
{
    init_at(io, READ_AT, fd, buffer, bytes, offset);
}

MO_API void moirai_io_write_at_init(moirai_io_t *io, int fd, const void *buffer, size_t bytes, uint64_t offset)
{
    init_at(io, WRITE_AT, fd, buffer, bytes, offset);
}

MO_API void moirai_io_sync_init(moirai_io_t *io, int fd)
{
    init(io, SYNC, fd);
}

MO_API void moirai_io_close_init(moirai_io_t *io, int fd)
{
    init(io, CLOSE, fd);
}

/* ---- Calls. */
static int64_t wait_for(moirai_io_t *io, uint64_t deadline_ns)
{
    int status = moirai_block_on(&io->future, deadline_ns);
    struct op *op = op_of(io);
    if (status != MOIRAI_OK) {
        bool begun = op->stage == POOLED && moirai_cancel(&op->task) != MOIRAI_OK;
        if (!begun || moirai_block_on(&io->future, MOIRAI_FOREVER) != MOIRAI_OK) {
            moirai_future_drop(&io->future);
            return status;
        }
    }
    return io->status == MOIRAI_OK ? io->result : io->status;
}

MO_API int64_t moirai_io_read(int fd, void *buffer, size_t bytes, uint64_t deadline_ns)
{
    moirai_io_t io;
    moirai_io_read_init(&io, fd, buffer, bytes);
    return wait_for(&io, deadline_ns);
}

MO_API int64_t moirai_io_write(int fd, const void *buffer, size_t bytes, uint64_t deadline_ns)
{
    moirai_io_t io;
    moirai_io_write_init(&io, fd, buffer, bytes);
    return wait_for(&io, deadline_ns);
}

MO_API int64_t moirai_io_write_all(int fd, const void *buffer, size_t bytes, uint64_t deadline_ns)
{
    moirai_io_t io;
    moirai_io_write_all_init(&io, fd, buffer, bytes);
    return wait_for(&io, deadline_ns);
}

MO_API int moirai_io_accept(int fd, struct sockaddr *address, socklen_t *address_bytes, uint64_t deadline_ns)
{
    moirai_io_t io;
    moirai_io_accept_init(&io, fd, address, address_bytes);
    return (int)wait_for(&io, deadline_ns);
}

MO_API int moirai_io_connect(int fd, const struct sockaddr *address, socklen_t address_bytes, uint64_t deadline_ns)
{
    moirai_io_t io;
    moirai_io_connect_init(&io, fd, address, address_bytes);
    return (int)wait_for(&io, deadline_ns);
}

MO_API int moirai_io_open(const char *path, int flags, unsigned mode)
{
    moirai_io_t io;
    moirai_io_open_init(&io, path, flags, mode);
    return (int)wait_for(&io, MOIRAI_FOREVER);
}

MO_API int64_t moirai_io_read_at(int fd, void *buffer, size_t bytes, uint64_t offset)
{
    moirai_io_t io;
    moirai_io_read_at_init(&io, fd, buffer, bytes, offset);
    return wait_for(&io, MOIRAI_FOREVER);
}

MO_API int64_t moirai_io_write_at(int fd, const void *buffer, size_t bytes, uint64_t offset)
{
    moirai_io_t io;
    moirai_io_write_at_init(&io, fd, buffer, bytes, offset);
    return wait_for(&io, MOIRAI_FOREVER);
}

MO_API int moirai_io_sync(int fd)
{
    moirai_io_t io;
    moirai_io_sync_init(&io, fd);
    return (int)wait_for(&io, MOIRAI_FOREVER);
}

MO_API int moirai_io_close(int fd)
{
    mo_io_close_waits(fd);
    return status_of(mo_plat_close(fd));
}
