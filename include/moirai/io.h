/* I/O: reading, writing, accepting and connecting that waits without a thread, and files.

     int echo_once(int listener, uint64_t deadline_ns)
     {
         char text[512];
         int fd = moirai_io_accept(listener, NULL, NULL, deadline_ns);
         if (fd < 0)
             return fd;
         int64_t n = moirai_io_read(fd, text, sizeof text, deadline_ns);
         if (n > 0)
             n = moirai_io_write_all(fd, text, (size_t)n, deadline_ns);
         moirai_io_close(fd);
         return n < 0 ? (int)n : MOIRAI_OK;
     }

   Each operation exists as a future (moirai/future.h), moirai_io_..._init(), and as a call that waits for that future,
   until a deadline. Descriptors are the system's; nothing has to be registered.

       initialised --polled--> waiting --ready--> status, error and result are set

   How it waits. Sockets, pipes, terminals and the like are tried at once, and where that would wait the descriptor is
   given to epoll, which one thread of the process looks at while somebody waits. Reads of files at an offset are tried
   in memory at once. Other operations on files, and reads and writes of a descriptor that turns out to be one, go to
   io_uring where the system has and allows it, else they run on threads for blocking work (moirai_spawn_blocking()).

   Cancelling. A future that was polled and is not ready must be dropped before its memory or its buffer is used for
   anything else; moirai_async() and those that consist of others see to that. When dropping returns nobody touches the
   buffer any more. For an operation on a file that has begun, this waits until that is over, which io_uring can hasten;
   its effect stays, and a file that it has opened is closed again. For all others it does not wait, and nothing has
   been read or written.

   Short reads and writes are normal: `result` says how much it was. A read of 0 bytes of a socket or pipe is its end.
   The second form of some calls goes on until all is done.

   Closing. A descriptor must not be closed by close() while operations wait for it: they would go on waiting.
   moirai_io_close() has them end with MOIRAI_ECANCELED first.

   No call raises SIGPIPE, signals end none, and errno is neither read nor written.

   What it is not: for one operation in several threads at a time. Of a blocking pipe or terminal that several threads
   or processes read or write at once, a call may block its thread: set O_NONBLOCK on those. moirai_io_accept() sets it
   on the listening socket. */
#ifndef MOIRAI_IO_H
#define MOIRAI_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "moirai/future.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An operation: a future with its result. Plain bytes, which may be copied until it is polled the first time. */
typedef struct {
    moirai_future_t future;
    int64_t result; /* bytes, or a descriptor; with a status below 0 what was done before that */
    int status;     /* MOIRAI_OK, or what kept it from being done */
    int error;      /* the system's reason for that, an errno value; 0: it had none */
    uint64_t moirai_words[19];
} moirai_io_t;

/* What all operations may say, beside what stands at each:
   MOIRAI_ECLOSED where the other side has closed or reset the connection (EPIPE, ECONNRESET);
   MOIRAI_ENOFD where no descriptors are left (EMFILE, ENFILE), also for epoll's own; the connection that was to be
   accepted is there still, so who tries again should wait until a descriptor has been closed;
   MOIRAI_EACCES where the system does not allow it, a sandbox for one; MOIRAI_ECANCELED where moirai_io_close() came;
   MOIRAI_ENOMEM; MOIRAI_EAGAIN where there is no thread that could wait; MOIRAI_ESHUTDOWN for files where the executor
   takes no more;
   MOIRAI_EINVAL for what is no open descriptor, or not one for this (EBADF, ENOTSOCK, EINVAL, ...);
   MOIRAI_EIO for all other reasons, which `error` tells. */

/* ---- Futures. Initialising cannot fail; what is wrong the status will say. */
/* Read or write up to `bytes` bytes, where the file's position is if it is a file. */
void moirai_io_read_init(moirai_io_t *io, int fd, void *buffer, size_t bytes);
void moirai_io_write_init(moirai_io_t *io, int fd, const void *buffer, size_t bytes);
/* Write all of them; `result` says how many have been in any case. */
void moirai_io_write_all_init(moirai_io_t *io, int fd, const void *buffer, size_t bytes);

/* Accept a connection, close-on-exec; `address` NULL: no matter from where. Both must live as long as the operation. */
void moirai_io_accept_init(moirai_io_t *io, int fd, struct sockaddr *address, socklen_t *address_bytes);

/* Connect `fd`. It must not be used for anything else meanwhile, and after a failure or a drop only be closed.
   Errors: MOIRAI_EBUSY where a socket of the system's own (AF_UNIX) has a full queue; MOIRAI_EIO with ECONNREFUSED and
   the like. */
void moirai_io_connect_init(moirai_io_t *io, int fd, const struct sockaddr *address, socklen_t address_bytes);

/* Files: open, close-on-exec; read and write at an offset; have it written to the disk. */
void moirai_io_open_init(moirai_io_t *io, const char *path, int flags, unsigned mode);
void moirai_io_read_at_init(moirai_io_t *io, int fd, void *buffer, size_t bytes, uint64_t offset);
void moirai_io_write_at_init(moirai_io_t *io, int fd, const void *buffer, size_t bytes, uint64_t offset);
void moirai_io_sync_init(moirai_io_t *io, int fd);
/* moirai_io_close() as an operation on a file. Dropped before it has begun, it closes nothing. */
void moirai_io_close_init(moirai_io_t *io, int fd);

/* ---- Calls. They return what `result` would be, or a status below 0: those above, and MOIRAI_ETIMEDOUT at
   `deadline_ns` (moirai_now_ns(), MOIRAI_FOREVER). A call that was late has done nothing, unless it says otherwise;
   where an operation on a file had begun it is waited for, and its result counts.
   Blocks: yes. In a task others run meanwhile, as in moirai_join(). */
int64_t moirai_io_read(int fd, void *buffer, size_t bytes, uint64_t deadline_ns);
int64_t moirai_io_write(int fd, const void *buffer, size_t bytes, uint64_t deadline_ns);
/* Errors: how much was written before is not said. */
int64_t moirai_io_write_all(int fd, const void *buffer, size_t bytes, uint64_t deadline_ns);
int moirai_io_accept(int fd, struct sockaddr *address, socklen_t *address_bytes, uint64_t deadline_ns);
int moirai_io_connect(int fd, const struct sockaddr *address, socklen_t address_bytes, uint64_t deadline_ns);

int moirai_io_open(const char *path, int flags, unsigned mode);
int64_t moirai_io_read_at(int fd, void *buffer, size_t bytes, uint64_t offset);
int64_t moirai_io_write_at(int fd, const void *buffer, size_t bytes, uint64_t offset);
int moirai_io_sync(int fd);

/* Close it; operations that wait for it end with MOIRAI_ECANCELED.
   Context: any thread.   Blocks: as close() does. */
int moirai_io_close(int fd);

/* What carries out operations on files. */
enum {
    MOIRAI_IO_EPOLL, /* threads for blocking work, beside epoll for all else */
    MOIRAI_IO_URING  /* io_uring, and threads for what it does not take */
};
/* Which of them. The first call, or the first operation on a file, asks the system; MOIRAI_IO may rule. `why` (or NULL)
   gets the reason why it is not io_uring, which is constant, or NULL.
   Context: any thread.   Blocks: no. */
int moirai_io_engine(const char **why);

#ifdef __cplusplus
}
#endif

#endif
