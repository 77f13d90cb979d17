/* One message from one sender to one receiver, in 32 bytes. See oneshot.c. */
#ifndef MO_CHAN_ONESHOT_H
#define MO_CHAN_ONESHOT_H

#include "chan/chan.h"

#define MO_ONESHOT_BYTES 16

struct mo_oneshot {
    _Atomic uint64_t state; /* a waiter's address, or one of enum mo_oneshot_state */
    uint64_t bytes;
    char message[MO_ONESHOT_BYTES];
};

/* 0; EINVAL for more than MO_ONESHOT_BYTES; EPIPE closed; EALREADY another message was sent. */
int mo_oneshot_send(struct mo_oneshot *o, const void *message, size_t bytes);
/* 0; EPIPE closed or received; ETIMEDOUT; EBUSY another one waits. */
int mo_oneshot_recv(struct mo_oneshot *o, void *message, uint64_t deadline_ns);
/* EAGAIN: nothing there. */
int mo_oneshot_try_recv(struct mo_oneshot *o, void *message);
/* EALREADY. A message that is there can be received still. */
int mo_oneshot_close(struct mo_oneshot *o);

/* A waiter that is no thread. 0: it stands there; EAGAIN: try again; EBUSY another one waits. */
int mo_oneshot_stand(struct mo_oneshot *o, struct mo_chan_waiter *w);
/* It stands there no more, and is OVER where somebody had found it. */
void mo_oneshot_step_back(struct mo_oneshot *o, struct mo_chan_waiter *w);

#endif
