/* An operation of moirai/io.h. Faces include what they need of it, so its short names stay among them. */
#ifndef MO_NATIVE_IO_H
#define MO_NATIVE_IO_H

#include "native/executor.h"

#include "io/io.h"
#include "plat/io.h"

enum op_code { READ, WRITE, WRITE_ALL, ACCEPT, CONNECT, OPEN, READ_AT, WRITE_AT, SYNC, CLOSE };
enum op_stage { NEW, CONNECTING, SENT /* to the ring */, POOLED, OVER };

/* moirai_io_t. Zeroed but for what it is about when it is initialised. */
struct mo_op {
    moirai_future_t future;
    int64_t result;
    int status, error;
    int fd;
    uint8_t code, stage;
    uint8_t kind;  /* enum mo_fd_kind */
    bool given_up; /* by a call whose time is over: what has not been done will not be */
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
    union {
        struct mo_uring_op ring; /* SENT */
        struct {                 /* POOLED: the task on a thread for blocking work */
            int64_t pool_bytes;
            int pool_error;
            moirai_task_t task;
            moirai_await_t await;
        };
    };
};
_Static_assert(sizeof(struct mo_op) <= sizeof(moirai_io_t) &&
                   offsetof(struct mo_op, fd) == offsetof(moirai_io_t, moirai_words),
               "room for it");

/* The status of an errno value. */
int mo_op_status(int err);
/* It is over: MOIRAI_READY. */
int mo_op_finish(struct mo_worker *w, struct mo_op *op, int status, int err);

/* Somebody else carries it out: the ring, or a thread for blocking work. */
static inline bool mo_op_is_begun(const struct mo_op *op)
{
    return op->stage == SENT || op->stage == POOLED;
}

int mo_op_poll_file(struct mo_worker *w, struct mo_op *op, const moirai_waker_t *waker);
/* Both require that it is begun. The buffer is the caller's again when this returns. */
void mo_op_drop_file(struct mo_worker *w, struct mo_op *op);
/* False: it will be over some time, with MOIRAI_ECANCELED where nothing has been done. */
bool mo_op_give_up_file(struct mo_op *op);

#endif
