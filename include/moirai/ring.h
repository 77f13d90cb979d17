/* Rings: messages between processes through memory that they share. The sender writes a message where the receiver
   reads it: nothing is copied.

     struct sample { double at, value; };

     int send_sample(moirai_ring_t *ring, const struct sample *s)
     {
         void *room;
         int status = moirai_ring_loan(ring, &room);
         if (status == MOIRAI_OK) {
             *(struct sample *)room = *s;
             status = moirai_ring_publish(ring, sizeof *s);
         }
         return status;
     }

     int receive_sample(moirai_ring_t *ring, struct sample *s)
     {
         const void *message;
         size_t bytes;
         int status = moirai_ring_receive(ring, &message, &bytes);
         if (status == MOIRAI_OK) {
             *s = *(const struct sample *)message;
             status = moirai_ring_release(ring);
         }
         return status;
     }

   A ring has a fixed number of slots, each with room for one message of up to so many bytes, one receiver, and one
   sender or several. A handle is one side of it, used by one thread at a time; several senders in one process have a
   handle each.

       slot:   free --loan--> being written --publish--> message --receive, release--> free
                                    |---drop, or its sender dies---> passed over

   Once and in order. Each message is received in the order of publishing, with several senders in that of their loans,
   and released once. A message whose receiver dies between receive and release is received again by the next receiver.
   What a sender has loaned and not published when it dies is never seen. Messages in the ring outlive their sender, and
   their receiver.

   Two ways to meet. moirai_ring_new() makes memory without a name, whose size is sealed: give the other process its
   descriptor (moirai_ring_fd(), over a Unix socket or across exec), and that process calls moirai_ring_attach().
   moirai_ring_open() makes memory with a name that processes of the same user find, or joins it.

   Death. A side that is killed is noticed by the kernel, within a tenth of a second of waiting for it: calls say
   MOIRAI_EPEER until another process has taken its place. Taking the place of one that is alive is refused,
   MOIRAI_EBUSY. A side that was closed says MOIRAI_ECLOSED instead. A side that has never been taken is waited for.

   Distrust. All that the other side can write is checked: descriptions and sizes when the ring is attached, each word
   that says which slots are whose when it is read. What does not hold makes the call, and all later ones, say
   MOIRAI_EBROKEN; nothing outside of the ring is read or written, whatever the other side does. But the bytes of a
   message stay in memory which its sender can still write: who does not trust it copies them before checking them. And
   the size of memory with a name cannot be sealed: a process of the same user that makes such a file shorter ends those
   that touch it with SIGBUS.

   What it is not: a channel (it is for processes; in one process channels do more), nor a way to wait beside other
   things. A call that waits keeps its thread, and a worker runs no tasks meanwhile. In a child of fork() the handles of
   its parent say MOIRAI_ESTALE, except that they can be closed; their messages must not be touched. */
#ifndef MOIRAI_RING_H
#define MOIRAI_RING_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moirai_ring moirai_ring_t;

enum moirai_ring_kind {
    MOIRAI_RING_SPSC = 0, /* one sender */
    MOIRAI_RING_MPSC = 1  /* up to MOIRAI_RING_SENDERS_MAX at a time */
};

enum moirai_ring_side { MOIRAI_RING_RECEIVER = 0, MOIRAI_RING_SENDER = 1 };

#define MOIRAI_RING_SENDERS_MAX    64
#define MOIRAI_RING_SLOTS_MAX      (1u << 20)
#define MOIRAI_RING_SLOT_BYTES_MAX (1u << 30)

typedef struct {
    int kind;            /* of enum moirai_ring_kind */
    uint32_t slots;      /* a power of two */
    uint32_t slot_bytes; /* the longest message, at least 1. Messages begin at multiples of 16 bytes. */
} moirai_ring_shape_t;

/* A new ring without a name, and the handle of one side of it. It takes 1024 bytes and, for each slot, slot_bytes + 16,
   rounded up to 64, all of which is there from the beginning.
   Errors: MOIRAI_EINVAL for a shape that is none, MOIRAI_ENOMEM, MOIRAI_ENOFD where no descriptor is left. */
int moirai_ring_new(moirai_ring_t **ring, const moirai_ring_shape_t *shape, int side);

/* A descriptor of the ring's memory, for another process; the caller closes it. It keeps the memory, and nobody alive.
   Errors: MOIRAI_EINVAL for a ring with a name, MOIRAI_ENOFD, MOIRAI_EACCES where there is no /proc, MOIRAI_ESTALE. */
int moirai_ring_fd(moirai_ring_t *ring, int *fd);

/* The handle of one side of the ring that `fd` leads to; `fd` stays the caller's. `shape` is what it has to be, or
   NULL: any.
   Errors: MOIRAI_EBUSY while others have that side, MOIRAI_EINVAL where that is no ring, its size is not sealed, or it
   has another shape or comes from another version; MOIRAI_EBROKEN, MOIRAI_EACCES, MOIRAI_ENOMEM, MOIRAI_ENOFD. */
int moirai_ring_attach(moirai_ring_t **ring, int fd, const moirai_ring_shape_t *shape, int side);

/* One side of the ring with this name, which is made if there is none. Its file, /dev/shm/moirai.NAME, may be opened by
   its user alone (0600), appears complete, and goes with the last handle that is closed if no message is left. If the
   last process is killed it stays, with its messages, for those that come next.
   `name`: 1 to 200 bytes, without '/'.
   Errors: as both above; MOIRAI_EACCES also where the file belongs to another user, or others may open it. */
int moirai_ring_open(moirai_ring_t **ring, const char *name, const moirai_ring_shape_t *shape, int side);

/* Take the name away. Who has the ring keeps it; the next that opens the name makes another one.
   Errors: MOIRAI_EINVAL, MOIRAI_ESTALE where there is no such name, MOIRAI_EACCES. */
int moirai_ring_unlink(const char *name);

/* Give the side up; NULL is allowed. A loan is dropped; a message that has not been released stays. */
void moirai_ring_close(moirai_ring_t *ring);

/* ---- Sending. */
/* Room for one message, `slot_bytes` bytes, undefined; when there is some.
   Blocks: yes; not a cancellation point.
   Errors: MOIRAI_EALREADY while the handle has a loan; MOIRAI_ECLOSED, and where the ring is full MOIRAI_EPEER;
   MOIRAI_EBROKEN, MOIRAI_ESTALE; MOIRAI_EPERM for a receiver; the second one MOIRAI_ETIMEDOUT. */
int moirai_ring_loan(moirai_ring_t *ring, void **room);
int moirai_ring_loan_until(moirai_ring_t *ring, void **room, uint64_t deadline_ns);
/* Blocks: never.
   Errors: MOIRAI_EBUSY where the ring is full; else as above. */
int moirai_ring_try_loan(moirai_ring_t *ring, void **room);

/* The loan becomes a message of `bytes` bytes; the receiver is woken if it sleeps.
   Blocks: never.   Order: release; the receive acquires.
   Errors: MOIRAI_EINVAL for more than slot_bytes, and the loan stays; MOIRAI_EPERM without a loan; MOIRAI_EBROKEN,
   MOIRAI_ESTALE. */
int moirai_ring_publish(moirai_ring_t *ring, size_t bytes);

/* Give the loan back unused.
   Errors: MOIRAI_EPERM without a loan; MOIRAI_EBROKEN, MOIRAI_ESTALE. */
int moirai_ring_drop(moirai_ring_t *ring);

/* ---- Receiving. */
/* The oldest message, when there is one; its bytes stay in place until it is released.
   Blocks: yes; not a cancellation point.   Order: acquire.
   Errors: MOIRAI_EALREADY while the handle has a message; where there is none MOIRAI_ECLOSED, MOIRAI_EPEER;
   MOIRAI_EBROKEN, MOIRAI_ESTALE; MOIRAI_EPERM for a sender; the second one MOIRAI_ETIMEDOUT. */
int moirai_ring_receive(moirai_ring_t *ring, const void **message, size_t *bytes);
int moirai_ring_receive_until(moirai_ring_t *ring, const void **message, size_t *bytes, uint64_t deadline_ns);
/* Blocks: never.
   Errors: MOIRAI_EBUSY where there is none; else as above. */
int moirai_ring_try_receive(moirai_ring_t *ring, const void **message, size_t *bytes);

/* The message has been used: its slot is free.
   Blocks: never.   Order: release; the loan of that slot acquires.
   Errors: MOIRAI_EPERM without a message; MOIRAI_EBROKEN, MOIRAI_ESTALE. */
int moirai_ring_release(moirai_ring_t *ring);

/* ---- Asking. */
/* How the other side is now: MOIRAI_OK where somebody has it, MOIRAI_EBUSY where nobody has had it yet, MOIRAI_ECLOSED,
   MOIRAI_EPEER, MOIRAI_EBROKEN, MOIRAI_ESTALE. Of several senders: MOIRAI_OK where one is alive, else MOIRAI_EPEER
   where one of them was killed. */
int moirai_ring_peer(moirai_ring_t *ring);
/* Wait until the other side has somebody, who is alive: one who comes first, or next. One who has come and gone
   meanwhile is not met, but what it has sent is there.
   Blocks: yes; not a cancellation point.
   Errors: MOIRAI_ETIMEDOUT, MOIRAI_EBROKEN, MOIRAI_ESTALE. */
int moirai_ring_meet_until(moirai_ring_t *ring, uint64_t deadline_ns);

void moirai_ring_shape(const moirai_ring_t *ring, moirai_ring_shape_t *shape);

#ifdef __cplusplus
}
#endif

#endif
