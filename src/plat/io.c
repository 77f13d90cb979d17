#include "plat/io.h"
#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ABORTED_MAX       16
#define APART_STACK_BYTES (256u * 1024)

/* The call again while signals end it. What it returned, and errno as it was before. */
#define CALL(err, r, call)                                                                                             \
    do {                                                                                                               \
        int saved_ = errno;                                                                                            \
        do                                                                                                             \
            (r) = (call);                                                                                              \
        while ((r) < 0 && errno == EINTR);                                                                             \
        (err) = (r) < 0 ? errno : 0;                                                                                   \
        errno = saved_;                                                                                                \
    } while (0)

enum mo_fd_kind mo_plat_fd_kind(int fd)
{
    struct stat st;
    int err, r;
    CALL(err, r, fstat(fd, &st));
    return !err && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode)) ? MO_FD_FILE : MO_FD_STREAM;
}

static bool is_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int err, r;
    CALL(err, r, poll(&p, 1, 0));
    return err || r > 0; /* what is wrong with it the operation itself will say */
}

static int result(int err, int64_t r, int64_t *n)
{
    if (!err)
        *n = r;
    return err;
}

int mo_plat_read_now(int fd, enum mo_fd_kind *kind, void *buffer, size_t bytes, int64_t *n)
{
    int err = ENOTSOCK;
    ssize_t r = -1;
    if (*kind <= MO_FD_SOCKET) {
        CALL(err, r, recv(fd, buffer, bytes, MSG_DONTWAIT));
        if (err != ENOTSOCK) {
            *kind = MO_FD_SOCKET;
            return result(err, r, n);
        }
        *kind = mo_plat_fd_kind(fd);
    }
    if (*kind == MO_FD_FILE || !is_ready(fd, POLLIN))
        return EAGAIN;
    CALL(err, r, read(fd, buffer, bytes));
    return result(err, r, n);
}

/* Pipes know no MSG_NOSIGNAL: the signal, which is the calling thread's, is taken away before it is let through. */
static int write_quietly(int fd, const void *buffer, size_t bytes, int64_t offset, int64_t *n)
{
    sigset_t pipe_signal, before, pending;
    ssize_t r;
    int err;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    if (offset < 0)
        CALL(err, r, write(fd, buffer, bytes));
    else
        CALL(err, r, pwrite(fd, buffer, bytes, offset));
    if (err == EPIPE && !was_pending) {
        const struct timespec at_once = {0, 0};
        int saved = errno;
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR)
            ;
        errno = saved;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result(err, r, n);
}

int mo_plat_write_now(int fd, enum mo_fd_kind *kind, const void *buffer, size_t bytes, int64_t *n)
{
    int err, flags;
    if (*kind <= MO_FD_SOCKET) {
        ssize_t r;
        CALL(err, r, send(fd, buffer, bytes, MSG_DONTWAIT | MSG_NOSIGNAL));
        if (err != ENOTSOCK) {
            *kind = MO_FD_SOCKET;
            return result(err, r, n);
        }
        *kind = mo_plat_fd_kind(fd);
    }
    if (*kind == MO_FD_FILE || !is_ready(fd, POLLOUT))
        return EAGAIN;
    /* A pipe that can be written to has room for PIPE_BUF bytes; a blocking one would wait for room for more. */
    CALL(err, flags, fcntl(fd, F_GETFL));
    if (!err && !(flags & O_NONBLOCK) && bytes > PIPE_BUF)
        bytes = PIPE_BUF;
    return write_quietly(fd, buffer, bytes, -1, n);
}

static int unblock(int fd)
{
    int err, flags;
    CALL(err, flags, fcntl(fd, F_GETFL));
    if (!err && !(flags & O_NONBLOCK))
        CALL(err, flags, fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    return err;
}

/* A connection that has gone before it was accepted is nobody's error. */
static bool is_gone(int err)
{
    return err == ECONNABORTED || err == EPROTO || err == ENETDOWN || err == ENETUNREACH || err == EHOSTDOWN ||
           err == EHOSTUNREACH || err == ENONET || err == ENOPROTOOPT;
}

int mo_plat_accept_now(int fd, struct sockaddr *address, unsigned *bytes, int64_t *accepted)
{
    int r = -1, err = unblock(fd);
    for (unsigned i = 0; !err; i++) {
        CALL(err, r, accept4(fd, address, bytes, SOCK_CLOEXEC));
        if (!is_gone(err))
            break;
        err = i < ABORTED_MAX ? 0 : EAGAIN; /* the set is level-triggered: it says so if there are more */
    }
    return result(err, r, accepted);
}

int mo_plat_connect_now(int fd, const struct sockaddr *address, unsigned bytes)
{
    int saved = errno, flags = fcntl(fd, F_GETFL), err = 0;
    if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        err = errno;
    else if (connect(fd, address, bytes) < 0)
        err = errno == EINTR ? EINPROGRESS : errno; /* it goes on after a signal */
    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags);
    errno = saved;
    return err;
}

int mo_plat_connect_result(int fd)
{
    int err, r, pending = 0;
    socklen_t bytes = sizeof pending;
    if (!is_ready(fd, POLLOUT))
        return EAGAIN;
    CALL(err, r, getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &bytes));
    return err ? err : pending;
}

int mo_plat_read_at(int fd, void *buffer, size_t bytes, int64_t offset, int64_t *n)
{
    int err;
    ssize_t r;
    if (offset < 0)
        CALL(err, r, read(fd, buffer, bytes));
    else
        CALL(err, r, pread(fd, buffer, bytes, offset));
    return result(err, r, n);
}

int mo_plat_read_cached(int fd, void *buffer, size_t bytes, int64_t offset, int64_t *n)
{
    const struct iovec room = {.iov_base = buffer, .iov_len = bytes};
    int err;
    ssize_t r;
    CALL(err, r, preadv2(fd, &room, 1, offset, RWF_NOWAIT));
    if (err || (size_t)r < bytes)
        return EAGAIN;
    *n = r;
    return 0;
}

int mo_plat_write_at(int fd, const void *buffer, size_t bytes, int64_t offset, int64_t *n)
{
    return write_quietly(fd, buffer, bytes, offset, n);
}

int mo_plat_open(const char *path, int flags, unsigned mode, int64_t *fd)
{
    int err, r;
    CALL(err, r, open(path, flags | O_CLOEXEC, mode));
    return result(err, r, fd);
}

int mo_plat_sync(int fd)
{
    int err, r;
    CALL(err, r, fsync(fd));
    return err;
}

/* Not again after a signal: the number is free then, and may be somebody else's. */
int mo_plat_close(int fd)
{
    int saved = errno, err = close(fd) == 0 || errno == EINTR ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_epoll_open(int *set)
{
    int err, r;
    CALL(err, r, epoll_create1(EPOLL_CLOEXEC));
    if (!err) {
        *set = r;
        mo_plat_fd_mark(r);
    }
    return err;
}

/* Which of the two calls is the right one only the system knows: the number may have got another file. */
int mo_plat_epoll_arm(int set, int fd, bool in, bool out)
{
    struct epoll_event e = {.events = EPOLLONESHOT | (in ? EPOLLIN | EPOLLRDHUP : 0u) | (out ? EPOLLOUT : 0u),
                            .data.fd = fd};
    int err, r;
    CALL(err, r, epoll_ctl(set, EPOLL_CTL_MOD, fd, &e));
    if (err && !mo_plat_fd_is_marked(set))
        return ESTALE;
    if (err == ENOENT)
        CALL(err, r, epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
    return err;
}

int mo_plat_epoll_keep(int set, int fd)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    int err, r;
    CALL(err, r, epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
    return err;
}

int mo_plat_kick_open(int *fd)
{
    int err, r;
    CALL(err, r, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!err) {
        *fd = r;
        mo_plat_fd_mark(r);
    }
    return err;
}

/* Nobody reads it: the edge of each write is what counts, and there are more numbers than writes. */
void mo_plat_kick(int fd)
{
    const uint64_t one = 1;
    int err;
    ssize_t r;
    if (mo_plat_fd_is_marked(fd)) /* else it is the program's by now */
        CALL(err, r, write(fd, &one, sizeof one));
    (void)err;
}

unsigned mo_plat_epoll_wait(int set, struct mo_plat_ready *ready, int timeout_ms)
{
    struct epoll_event events[MO_PLAT_READY_MAX];
    int saved = errno, n = epoll_wait(set, events, MO_PLAT_READY_MAX, timeout_ms);
    errno = saved;
    for (int i = 0; i < n; i++) {
        bool over = events[i].events & (EPOLLHUP | EPOLLERR);
        ready[i] = (struct mo_plat_ready){.fd = events[i].data.fd,
                                          .in = over || events[i].events & (EPOLLIN | EPOLLRDHUP),
                                          .out = over || events[i].events & EPOLLOUT};
    }
    return n > 0 ? (unsigned)n : 0;
}

int mo_plat_thread_apart(void *(*body)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int err = pthread_attr_init(&attr);
    if (err)
        return err;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, APART_STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&thread, &attr, body, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}
