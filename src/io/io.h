/* Waiting for descriptors, on epoll, and operations on files through io_uring. reactor.c and uring.c have the
   protocols. */
#ifndef MO_IO_IO_H
#define MO_IO_IO_H

#include "plat/uring.h"
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

/* Have `waker` woken when the descriptor may be ready, at once if it is; one that waits already gets this waker
   instead.
   Errors: EPERM for files; EBADF, ENOMEM, EMFILE, EAGAIN for no thread, what epoll_create1() says. It does not wait
   then. */
int mo_io_await(struct mo_worker *w, struct mo_io_wait *wait, int fd, enum mo_io_side side,
                const struct mo_waker *waker);
/* It waits no more, and has no waker; afterwards nobody touches it. */
void mo_io_unawait(struct mo_worker *w, struct mo_io_wait *wait);
/* All that wait for it are woken, and find MO_IO_CLOSED. */
void mo_io_close_waits(int fd);

/* An operation that the kernel is to carry out; lies in the operation of the caller, who fills in `call`. Zeroed memory
   is one that has not begun. */
struct mo_uring_op {
    struct mo_uring_op *next, *prev;
    struct mo_waker waker; /* kept by the operation; word 0: none */
    struct mo_plat_uring_call call;
    int32_t result; /* as in struct mo_plat_uring_end */
    uint8_t state;
};

/* Whether there is a ring; asks the system the first time. `why` (or NULL): NULL, or why there is none, a constant. */
bool mo_uring_is_used(const char **why);
/* False: there is no ring, or nobody to look after it; it has not begun. Requires one that has not begun or is over. */
bool mo_uring_begin(struct mo_uring_op *op);
/* True: it is over, and nobody touches it any more. Else `waker` will be woken, and no other. */
bool mo_uring_await(struct mo_worker *w, struct mo_uring_op *op, const struct mo_waker *waker);
/* True: the kernel has not seen it, or it is over. False: it has been asked to give up, and will be over. */
bool mo_uring_give_up(struct mo_uring_op *op);
/* Whether `result` counts. Requires that it is over, or was given up before the kernel saw it. */
bool mo_uring_is_over(const struct mo_uring_op *op);
/* It has no waker. Requires that it is over, has not begun or was given up. */
void mo_uring_release(struct mo_worker *w, struct mo_uring_op *op);

#endif
