/* Descriptors: one try of an operation that does not wait, and epoll. All return 0 or an errno value; EAGAIN: it would
   have to wait. errno itself is left alone, no call raises SIGPIPE, and none is ended by a signal. */
#ifndef MO_PLAT_IO_H
#define MO_PLAT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mo_fd_kind {
    MO_FD_UNKNOWN,
    MO_FD_SOCKET,
    MO_FD_STREAM /* pipes, terminals, ... */,
    MO_FD_FILE /* never ready or not */
};

enum mo_fd_kind mo_plat_fd_kind(int fd); /* MO_FD_STREAM for sockets, too */
/* `kind` is found out by the first call. A file's: EAGAIN, and nothing was tried. */
int mo_plat_read_now(int fd, enum mo_fd_kind *kind, void *buffer, size_t bytes, int64_t *n);
int mo_plat_write_now(int fd, enum mo_fd_kind *kind, const void *buffer, size_t bytes, int64_t *n);
/* The listening socket is made a non-blocking one: of several that try, those that come late must not wait in the
   system. */
struct sockaddr;
int mo_plat_accept_now(int fd, struct sockaddr *address, unsigned *bytes, int64_t *accepted);
/* EINPROGRESS: wait until it can be written to, then ask how it went. */
int mo_plat_connect_now(int fd, const struct sockaddr *address, unsigned bytes);
int mo_plat_connect_result(int fd);

/* These wait as long as it takes. A negative offset: where the file's position is. */
int mo_plat_read_at(int fd, void *buffer, size_t bytes, int64_t offset, int64_t *n);
/* The same of memory alone. EAGAIN: not all of it is there, or the file ends before that, or has no such call; nothing
   counts then. */
int mo_plat_read_cached(int fd, void *buffer, size_t bytes, int64_t offset, int64_t *n);
int mo_plat_write_at(int fd, const void *buffer, size_t bytes, int64_t offset, int64_t *n);
int mo_plat_open(const char *path, int flags, unsigned mode, int64_t *fd);
int mo_plat_sync(int fd);
int mo_plat_close(int fd);

/* A set of descriptors, each of which is told of once and then has to be armed again. */
struct mo_plat_ready {
    int fd;
    bool in, out;
};
int mo_plat_epoll_open(int *set);
/* EPERM: a file, which is always ready. ESTALE: `set` is none of ours any more. */
int mo_plat_epoll_arm(int set, int fd, bool in, bool out);
/* One that stays armed, and is told of each time that something comes. */
int mo_plat_epoll_keep(int set, int fd);
/* A descriptor for that, of which is told after each kick. */
int mo_plat_kick_open(int *fd);
void mo_plat_kick(int fd);
/* How many are ready; 0 after the time, which is negative for ever. */
#define MO_PLAT_READY_MAX 64
unsigned mo_plat_epoll_wait(int set, struct mo_plat_ready *ready, int timeout_ms);

/* A thread that is nobody's: detached, with all signals blocked. */
int mo_plat_thread_apart(void *(*body)(void *), void *arg);

#endif
