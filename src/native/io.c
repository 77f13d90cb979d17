/* I/O (moirai/io.h): operations as futures. Those that wait for descriptors are here, on the reactor of io/; files are
   in io_file.c. */
#include "native/io.h"

#include <errno.h>

static struct mo_op *op_of(void *io)
{
    return io;
}

/* ---- Statuses. */
int mo_op_status(int err)
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

int mo_op_finish(struct mo_worker *w, struct mo_op *op, int status, int err)
{
    mo_io_unawait(w, &op->wait);
    op->status = status;
    op->error = err;
    op->stage = OVER;
    return MOIRAI_READY;
}

/* ---- Where waiting is epoll's. */
static int try_write(struct mo_op *op, enum mo_fd_kind *kind)
{
    int err;
    do {
        int64_t n = 0;
        err = mo_plat_write_now(op->fd, kind, (const char *)op->from + op->result, op->bytes - (size_t)op->result, &n);
        op->result += n;
    } while (!err && op->code == WRITE_ALL && (size_t)op->result < op->bytes);
    return err;
}

static int try_connect(struct mo_op *op)
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

static int try_once(struct mo_op *op)
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

static int poll_ready(struct mo_worker *w, struct mo_op *op, const moirai_waker_t *waker)
{
    if (mo_load_relaxed(&op->wait.state) == MO_IO_CLOSED)
        return mo_op_finish(w, op, MOIRAI_ECANCELED, 0);
    int err = try_once(op);
    if (err == EAGAIN && op->kind == MO_FD_FILE)
        return mo_op_poll_file(w, op, waker);
    if (err == EAGAIN) {
        enum mo_io_side side = op->code == READ || op->code == ACCEPT ? MO_IO_IN : MO_IO_OUT;
        err = mo_io_await(w, &op->wait, op->fd, side, (const struct mo_waker *)waker);
        if (!err)
            return MOIRAI_PENDING;
    }
    return mo_op_finish(w, op, err == EBUSY ? MOIRAI_EBUSY : mo_op_status(err), err == ECANCELED ? 0 : err);
}

static int poll_op(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct mo_op *op = op_of(self);
    struct mo_worker *w = mo_native_worker();
    if (!w) {
        op->status = MOIRAI_ENOMEM;
        return MOIRAI_READY;
    }
    bool begun = mo_op_is_begun(op);
    if (!begun && !moirai_waker_may_go_on(waker))
        return MOIRAI_PENDING;
    return begun || op->code >= OPEN ? mo_op_poll_file(w, op, waker) : poll_ready(w, op, waker);
}

static void drop_op(moirai_future_t *self)
{
    struct mo_op *op = op_of(self);
    struct mo_worker *w = mo_native_worker();
    if (mo_op_is_begun(op))
        mo_op_drop_file(w, op);
    if (w)
        mo_io_unawait(w, &op->wait);
    op->stage = OVER;
}

/* ---- Futures. */
static struct mo_op *init(moirai_io_t *io, enum op_code code, int fd)
{
    static const moirai_future_ops_t ops = {.poll = poll_op, .drop = drop_op};
    struct mo_op *op = op_of(io);
    __builtin_memset(io, 0, sizeof *io);
    op->future.ops = &ops;
    op->code = (uint8_t)code;
    op->fd = fd;
    op->offset = -1;
    return op;
}

static void init_buffer(moirai_io_t *io, enum op_code code, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    struct mo_op *op = init(io, code, fd);
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
    struct mo_op *op = init(io, ACCEPT, fd);
    op->address = address;
    op->address_bytes = address_bytes;
}

MO_API void moirai_io_connect_init(moirai_io_t *io, int fd, const struct sockaddr *address, socklen_t address_bytes)
{
    struct mo_op *op = init(io, CONNECT, fd);
    op->peer = address;
    op->bytes = address_bytes;
}

MO_API void moirai_io_open_init(moirai_io_t *io, const char *path, int flags, unsigned mode)
{
    struct mo_op *op = init(io, OPEN, -1);
    op->path = path;
    op->flags = flags;
    op->mode = mode;
}

/* An offset that is none must not become "where the position is": without a descriptor the status says that something
   is wrong. */
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
    struct mo_op *op = op_of(io);
    if (status != MOIRAI_OK) {
        bool begun = mo_op_is_begun(op) && !mo_op_give_up_file(op);
        if (!begun || moirai_block_on(&io->future, MOIRAI_FOREVER) != MOIRAI_OK) {
            moirai_future_drop(&io->future);
            return status;
        }
        if (io->status == MOIRAI_ECANCELED)
            return status;
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
    return mo_op_status(mo_plat_close(fd));
}

MO_API int moirai_io_engine(const char **why)
{
    return mo_uring_is_used(why) ? MOIRAI_IO_URING : MOIRAI_IO_EPOLL;
}
