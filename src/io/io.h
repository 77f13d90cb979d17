/* Waiting for descriptors, on epoll. reactor.c has the protocol. */
#ifndef MO_IO_IO_H
#define MO_IO_IO_H

#include "sched/async.h"

enum mo_io_side { MO_IO_IN, MO_IO_OUT, MO_IO_SIDES };
enum mo_io_wait_state { MO_IO_IDLE, MO_IO_QUEUED, MO_IO_CLOSED /* somebody closed the descriptor meanwhile */ };

/* One that waits for a descriptor; lies in the operation. Zeroed memory is one that does not. */
struct mo_io_wait {
    struct mo_io_wait *next, *prev;
    struct mo_waker waker; /* kept by the operation; word 0: none */
    int fd;
    _Atomic uint8_t state; /* changed under the lock of the descriptor's record */
    uint8_t side;
};

/* Have `waker` woken when the descriptor may be ready, at once if it is; one that waits already gets this waker instead.
   Errors: EPERM for files; EBADF, ENOMEM, EMFILE, EAGAIN for no thread, what epoll_create1() says. It does not wait then. */
int mo_io_await(struct mo_worker *w, struct mo_io_wait *wait, int fd, enum mo_io_side side,
                const struct mo_waker *waker);
/* It waits no more, and has no waker; afterwards nobody touches it. */
void mo_io_unawait(struct mo_worker *w, struct mo_io_wait *wait);
/* All that wait for it are woken, and find MO_IO_CLOSED. */
void mo_io_close_waits(int fd);

#endif
