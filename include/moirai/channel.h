/* Channels: messages from some threads to others, in order, each received once.

     static moirai_channel_t *jobs;

     static void *work(void *total)
     {
         long job;
         while (moirai_channel_recv(jobs, &job) == MOIRAI_OK)
             *(long *)total += job;
         return NULL;
     }

     long sum_by_another_thread(long n)
     {
         pthread_t worker;
         long total = 0;
         if (moirai_channel_new(&jobs, sizeof(long), 64, 0) != MOIRAI_OK || pthread_create(&worker, NULL, work, &total))
             return -1;
         for (long job = 1; job <= n; job++)
             moirai_channel_send(jobs, &job);
         moirai_channel_close(jobs);
         pthread_join(worker, NULL);
         moirai_channel_free(jobs);
         return total;
     }

   A message is so many bytes, copied in by the sender and out by the receiver. Both ends may be used by any number of
   threads, unless the channel is said to have one at an end, and any thread may use both.

       open --close--> closed, messages inside --last received--> closed

   What becomes of a message. Each that a call sent (it returned MOIRAI_OK, or counted it) is received exactly once, or
   is in the channel still. Each that a call did not send is the caller's as before: the call says MOIRAI_ETIMEDOUT,
   MOIRAI_EBUSY, MOIRAI_ECLOSED or MOIRAI_ENOMEM. A channel with messages inside is not freed. Only broadcasts replace
   messages, and count for each subscriber those that it missed.

   Order. A channel is a queue: what one thread sends is received in its order; where one send was over before another
   began, its message is received first. Of several receivers nothing is said about which gets what. What a thread did
   before it sent is seen by who receives the message. "Full", "empty" and "closed" are exact: at some moment of the
   call it was so.

   Backpressure. A bounded channel's senders wait while `capacity` messages are inside; one that waits is woken for each
   message that is received. The unbounded one's never wait: they get MOIRAI_ENOMEM when memory is exhausted. At a
   channel without buffer (capacity 0) a sender waits until a receiver has its message. Broadcasts never wait. A
   batching channel's senders wait as a bounded one's do.

   Waiting. Calls end at a deadline, a point of time on CLOCK_MONOTONIC in nanoseconds (moirai_now_ns(),
   MOIRAI_FOREVER); 0 means one try. The thread that calls sleeps, and so does a task's worker: nothing else runs on it
   meanwhile; futures wait without a thread ("Ends as futures"). Who waits is woken
   in the order of arrival, but somebody who does not wait may be quicker.

   Memory. A bounded channel takes 384 bytes, and 8 and the message's size (rounded up to 8) for each of its capacity;
   the unbounded one 384 bytes and two segments of up to 16 KiB beside those that hold messages. All comes in whole
   pages from the system. The one-shot is 32 bytes of the caller's own.

   What it is not: for signal handlers, other processes, or messages of no fixed size (send pointers). Calls are no
   cancellation points. In a child of fork() only a channel that no other thread was using may be used. */
#ifndef MOIRAI_CHANNEL_H
#define MOIRAI_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/future.h"
#include "moirai/status.h"
#include "moirai/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moirai_channel moirai_channel_t;

#define MOIRAI_UNBOUNDED            SIZE_MAX
#define MOIRAI_RENDEZVOUS           ((size_t)0)
#define MOIRAI_CHANNEL_BYTES_MAX    ((size_t)1 << 20)
#define MOIRAI_CHANNEL_CAPACITY_MAX UINT32_MAX
#define MOIRAI_CHANNEL_FIXED_BYTES  384

enum moirai_channel_flags {
    /* One thread at a time sends, and one receives, and one future at a time waits at each end: cheaper, and bounded
       only. */
    MOIRAI_CHANNEL_SPSC = 1
};

/* ---- Making and ending. */
/* A channel for messages of `bytes` bytes, 0 for mere signals. `capacity`: how many it holds, MOIRAI_UNBOUNDED, or
   MOIRAI_RENDEZVOUS. The first channel of a process may take tens of milliseconds where other threads run already: the
   system prepares the barrier that who waits makes all others pass (membarrier(2)).
   Errors: MOIRAI_ENOMEM; MOIRAI_EINVAL for more than the largest of either, or flags that are none or do not fit. */
int moirai_channel_new(moirai_channel_t **channel, size_t bytes, size_t capacity, int flags);

/* From now on nothing is sent; what is inside can be received. Who waits to send returns with MOIRAI_ECLOSED, and keeps
   its message; who waits to receive, as soon as nothing is inside. Either side may close: a receiver that does can get
   what had been sent by receiving until MOIRAI_ECLOSED.
   Context: any thread.   Blocks: never.
   Errors: MOIRAI_EALREADY. */
int moirai_channel_close(moirai_channel_t *channel);

/* 1 once it is closed, messages inside or not: no send begun after that succeeds.   Blocks: never, but for the few instructions of
   a close that goes on meanwhile. */
int moirai_channel_is_closed(const moirai_channel_t *channel);

/* How many messages are inside: true only for the moment, at most.   Blocks: never. */
size_t moirai_channel_count(const moirai_channel_t *channel);

/* Requires that nobody else uses it or is going to: every call on it has returned.
   Errors: MOIRAI_EBUSY where messages are inside, somebody waits, or a broadcast has subscribers: it is there still. */
int moirai_channel_free(moirai_channel_t *channel);

/* ---- One message. */
/* Send the one at `message`, when there is room for it.
   Blocks: yes; the last one never, but for a peer that is in the middle of a copy.   Order: release.
   Errors: MOIRAI_ECLOSED; MOIRAI_ENOMEM where it is unbounded; MOIRAI_EINVAL for a channel that sends by itself;
   MOIRAI_ETIMEDOUT; the last one MOIRAI_EBUSY where it would have to wait. Nothing has been sent then. */
int moirai_channel_send(moirai_channel_t *channel, const void *message);
int moirai_channel_send_until(moirai_channel_t *channel, const void *message, uint64_t deadline_ns);
int moirai_channel_try_send(moirai_channel_t *channel, const void *message);

/* Receive one to `message`, when there is one.
   Blocks: as above.   Order: acquire.
   Errors: MOIRAI_ECLOSED where it is closed and empty; MOIRAI_EINVAL for the sending end of a broadcast;
   MOIRAI_ETIMEDOUT; the last one MOIRAI_EBUSY. `message` is untouched then. */
int moirai_channel_recv(moirai_channel_t *channel, void *message);
int moirai_channel_recv_until(moirai_channel_t *channel, void *message, uint64_t deadline_ns);
int moirai_channel_try_recv(moirai_channel_t *channel, void *message);

/* ---- Many messages, one after the other in memory. */
/* Send `n`. How many of them have been, from the first on: fewer than `n` where the deadline came or the channel was
   closed. They stay in order, but those of others may come between them.
   Errors: as moirai_channel_send_until(), where none has been; MOIRAI_EINVAL for none or more than INT_MAX. */
int moirai_channel_send_many(moirai_channel_t *channel, const void *messages, size_t n, uint64_t deadline_ns);

/* Wait until there is one, and receive as many as there are, `n` at most. How many.
   Errors: as moirai_channel_recv_until(); MOIRAI_EINVAL as above. */
int moirai_channel_recv_many(moirai_channel_t *channel, void *messages, size_t n, uint64_t deadline_ns);

/* ---- Select: the one of several sends and receives that can go on first. */
#define MOIRAI_SELECT_MAX 32

enum moirai_case_kind { MOIRAI_RECV = 0, MOIRAI_SEND = 1 };

typedef struct {
    moirai_channel_t *channel;
    void *message; /* where it comes to; or the one to send, which is only read */
    int kind;
    int status; /* of the case that was chosen: MOIRAI_OK, MOIRAI_ECLOSED, MOIRAI_ENOMEM */
} moirai_case_t;

enum moirai_select_flags {
    MOIRAI_SELECT_BIASED = 1 /* of several that can go on, the first; else any, each as likely */
};

/* Carry out one of `cases` and return its number; its status says how it ended. A closed channel is a case that can go
   on. With a deadline of 0 one try: a default is what the caller does after MOIRAI_ETIMEDOUT. Nothing has happened to
   the others. A channel may stand in several cases.
   Blocks: yes.
   Errors: MOIRAI_ETIMEDOUT; MOIRAI_EINVAL for no case or more than MOIRAI_SELECT_MAX, one without channel or message,
   or one whose channel has no such end. */
int moirai_select(moirai_case_t *cases, unsigned n, int flags, uint64_t deadline_ns);

/* ---- The time as a sender. */
typedef struct {
    uint64_t due_ns; /* when it should have come */
    uint64_t missed; /* ticks after that one that had passed too when it was received; they are not made up for */
} moirai_tick_t;

/* A channel that gives one moirai_tick_t when `ns` nanoseconds are over, and then is closed; or one in each `ns`
   nanoseconds, until it is closed. No thread and no timer stands behind it.
   Errors: MOIRAI_ENOMEM; the second one MOIRAI_EINVAL for 0. */
int moirai_after(moirai_channel_t **channel, uint64_t ns);
int moirai_tick(moirai_channel_t **channel, uint64_t ns);

/* ---- Broadcast: each subscriber gets every message. */
/* The sending end. It keeps the last `capacity` messages for subscribers that are behind.
   Errors: as moirai_channel_new(). */
int moirai_broadcast_new(moirai_channel_t **channel, size_t bytes, size_t capacity);

/* A broadcast of the newest value alone: who subscribes gets the one that is there, and then each that is sent, but for
   those that were replaced before it looked. */
int moirai_watch_new(moirai_channel_t **channel, size_t bytes);

/* A receiving end for what is sent from now on. It is freed by itself, before `broadcast`; what it has not received
   goes with it. Closing it ends what it receives, closing `broadcast` does once all is received.
   Errors: MOIRAI_ENOMEM; MOIRAI_EINVAL where that is no broadcast. */
int moirai_channel_subscribe(moirai_channel_t *broadcast, moirai_channel_t **subscription);

/* How many messages this subscription has missed since the last call: they were replaced before it received them. It
   goes on with the oldest that is kept. Known once the next one has been received.   Blocks: never. */
uint64_t moirai_channel_missed(moirai_channel_t *subscription);

/* ---- Batching: receivers are given many messages at a time, for throughput, and none later than a set delay. */
typedef struct {
    uint32_t least, most; /* bounds of a batch's size; it follows the throughput in between */
    uint64_t delay_ns;    /* so long after its first message a batch that is not full can be received */
} moirai_batching_attr_t;

typedef struct {
    uint64_t messages; /* that were sent */
    uint64_t batches;  /* that became visible, for one of three reasons: */
    uint64_t full;     /* they had the size, or nothing more went into the channel */
    uint64_t late;     /* the delay was over */
    uint64_t rest;     /* the channel was closed */
    uint64_t smallest, largest;
    uint32_t size;     /* at which the next one is full */
    double per_second; /* messages, as a moving average */
} moirai_batching_stats_t;

/* A bounded channel whose messages become visible in batches: when a batch is full, or its first message has waited for
   `delay_ns`, or the channel is closed. The size at which one is full is half of what comes in `delay_ns` at the
   present throughput, between the bounds. To be received by moirai_channel_recv_many(); other calls work as well.
   Errors: MOIRAI_ENOMEM; MOIRAI_EINVAL unless 0 < least <= most <= capacity and 0 < delay_ns. */
int moirai_batching_new(moirai_channel_t **channel, size_t bytes, size_t capacity, const moirai_batching_attr_t *attr);

/* Errors: MOIRAI_EINVAL where that is no batching channel.   Blocks: never. */
int moirai_batching_stats(const moirai_channel_t *channel, moirai_batching_stats_t *stats);

/* ---- One-shot: one message from one thread to another. Zeroed memory is one. It is plain bytes of the caller's, which
   the receiver may free once it has received. One sender and one receiver at a time. */
#define MOIRAI_ONESHOT_BYTES_MAX 16

typedef struct {
    uint64_t moirai_words[4];
} moirai_oneshot_t;

/* clang-format off */
#define MOIRAI_ONESHOT_INIT {{0, 0, 0, 0}}
/* clang-format on */

/* Send `bytes` bytes; who receives has room for as many.
   Blocks: never.   Order: release.
   Errors: MOIRAI_EALREADY where one was sent; MOIRAI_ECLOSED; MOIRAI_EINVAL for more than MOIRAI_ONESHOT_BYTES_MAX. */
int moirai_oneshot_send(moirai_oneshot_t *oneshot, const void *message, size_t bytes);

/* Blocks: yes; the last one never.   Order: acquire.
   Errors: MOIRAI_ECLOSED where it was closed before one was sent, or the message has been received; MOIRAI_ETIMEDOUT;
   MOIRAI_EBUSY where another thread waits, the last one also where nothing has been sent. */
int moirai_oneshot_recv(moirai_oneshot_t *oneshot, void *message);
int moirai_oneshot_recv_until(moirai_oneshot_t *oneshot, void *message, uint64_t deadline_ns);
int moirai_oneshot_try_recv(moirai_oneshot_t *oneshot, void *message);

/* No message will be sent, or received.
   Errors: MOIRAI_EALREADY where it is closed, or a message was sent: then that can be received still. */
int moirai_oneshot_close(moirai_oneshot_t *oneshot);

/* ---- Ends as futures (moirai/future.h), at channels of all kinds and beside calls that wait: each is one message.

     int answer(moirai_channel_t *questions, moirai_channel_t *answers)
     {
         moirai_recv_t recv;
         moirai_send_t send;
         long n;
         moirai_recv_init(&recv, questions, &n);
         if (moirai_block_on(&recv.future, MOIRAI_FOREVER) != MOIRAI_OK || recv.status != MOIRAI_OK)
             return recv.status;
         n++;
         moirai_send_init(&send, answers, &n);
         return moirai_block_on(&send.future, MOIRAI_FOREVER) == MOIRAI_OK ? send.status : MOIRAI_ENOMEM;
     }

   From its first poll on one stays where it is, and its channel and message too, until it is ready or has been dropped
   (moirai_future_drop()); a channel is not to be freed before that. Each takes 176 bytes. One that is ready can be
   initialised again.

   status: MOIRAI_EBUSY until it is ready, then as the call that waits would have said. Dropped before it was ready,
   MOIRAI_ECANCELED: nothing was sent or received. A message that has been sent stays for other receivers, one that was
   not sent is its sender's as before. Only where a message had been received without a buffer from a sender that is
   being dropped it says MOIRAI_OK: so drop() of a future that sends, and who loses a race of several sends, has to look
   at it.

   Where there is no buffer a receiver that is a future takes its message when it is polled: it is no receiver that
   moirai_channel_try_send() meets. */
typedef struct {
    moirai_future_t future;
    moirai_channel_t *channel;
    void *message; /* where it comes to */
    int status;
    uint64_t moirai_words[18];
} moirai_recv_t;

typedef struct {
    moirai_future_t future;
    moirai_channel_t *channel;
    const void *message;
    int status;
    uint64_t moirai_words[18];
} moirai_send_t;

/* Errors: in `status`, as moirai_channel_recv() and moirai_channel_send(); MOIRAI_EINVAL without channel or message;
   MOIRAI_EAGAIN or MOIRAI_ENOMEM where a timer is needed and cannot be had. */
void moirai_recv_init(moirai_recv_t *recv, moirai_channel_t *channel, void *message);
void moirai_send_init(moirai_send_t *send, moirai_channel_t *channel, const void *message);

/* Sending to a one-shot never waits; this receives from one. */
typedef struct {
    moirai_future_t future;
    moirai_oneshot_t *oneshot;
    void *message;
    int status;
    uint64_t moirai_words[18];
} moirai_oneshot_recv_t;

/* Errors: in `status`, as moirai_oneshot_recv(); MOIRAI_EINVAL without one-shot. */
void moirai_oneshot_recv_init(moirai_oneshot_recv_t *recv, moirai_oneshot_t *oneshot, void *message);

#ifdef __cplusplus
}
#endif

#endif
