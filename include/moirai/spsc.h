/* Channels with one thread at each end whose messages are words of 8 bytes, as pointers are: the same channels as in
   moirai/channel.h, with sending and receiving compiled into the caller. A call costs more than what it does then.

     static moirai_spsc_t *numbers;

     static void *count(void *sum)
     {
         uint64_t n;
         while (moirai_spsc_recv(numbers, &n) == MOIRAI_OK)
             *(uint64_t *)sum += n;
         return NULL;
     }

     uint64_t add(uint64_t up_to)
     {
         moirai_channel_t *c;
         pthread_t t;
         uint64_t sum = 0;
         moirai_channel_new(&c, sizeof(uint64_t), 64, MOIRAI_CHANNEL_SPSC);
         moirai_spsc_of(c, &numbers);
         pthread_create(&t, NULL, count, &sum);
         for (uint64_t n = 1; n <= up_to; n++)
             moirai_spsc_send(numbers, n);
         moirai_channel_close(c);
         pthread_join(t, NULL);
         moirai_channel_free(c);
         return sum;
     }

   All that moirai/channel.h says holds here too, and its calls may be used on the same channel, by either end: a
   select, say, or an end as a future.

   What is compiled in knows where a few words of the channel lie: that is part of the interface of libmoirai.so.1. It
   requires the builtins for atomics that GCC and clang have. */
#ifndef MOIRAI_SPSC_H
#define MOIRAI_SPSC_H

#include "moirai/channel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of a channel what the functions below use; messages come after it. */
typedef struct {
    uint64_t moirai_others_0[3], moirai_mask, moirai_others_1[4];
    uint32_t moirai_waiting[2];
    uint64_t moirai_others_2[7];
    uint64_t moirai_tail, moirai_others_3[7];
    uint64_t moirai_limit, moirai_others_4[7];
    uint64_t moirai_head, moirai_others_5[7];
    uint64_t moirai_tail_seen, moirai_others_6[7];
} __attribute__((may_alias)) moirai_spsc_t;

typedef uint64_t moirai_spsc_word_t __attribute__((may_alias));

/* The same channel, for the calls below. It goes with the channel, and is not freed.
   Errors: MOIRAI_EINVAL unless it was made with MOIRAI_CHANNEL_SPSC, for messages of 8 bytes. */
int moirai_spsc_of(moirai_channel_t *channel, moirai_spsc_t **spsc);

/* Send `word`, when there is room for it.
   Blocks: yes, until the deadline, a point of time as everywhere; one of 0 means one try.   Order: release.
   Errors: as moirai_channel_send_until(). Nothing has been sent then. */
int moirai_spsc_send_until(moirai_spsc_t *spsc, uint64_t word, uint64_t deadline_ns);

/* Receive one to `word`, when there is one.   Blocks: as above.   Order: acquire.
   Errors: as moirai_channel_recv_until(). `word` is untouched then. */
int moirai_spsc_recv_until(moirai_spsc_t *spsc, uint64_t *word, uint64_t deadline_ns);

/* For what stands below: one message has been sent, or received (enum moirai_case_kind), and that is not all.
   Errors: MOIRAI_ECLOSED where the message has been taken back; MOIRAI_EINVAL. */
int moirai_spsc_tell(moirai_spsc_t *spsc, int side);

/* Send `word`, as above without a deadline. */
static inline int moirai_spsc_send(moirai_spsc_t *spsc, uint64_t word)
{
    uint64_t tail;
    if (__builtin_expect(!spsc, 0))
        return MOIRAI_EINVAL;
    tail = __atomic_load_n(&spsc->moirai_tail, __ATOMIC_RELAXED);
    if (__builtin_expect(tail >= __atomic_load_n(&spsc->moirai_limit, __ATOMIC_RELAXED), 0))
        return moirai_spsc_send_until(spsc, word, MOIRAI_FOREVER);
    ((moirai_spsc_word_t *)(spsc + 1))[tail & spsc->moirai_mask] = word;
    __atomic_store_n(&spsc->moirai_tail, tail + 1, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the library has the other half of this barrier */
    if (__builtin_expect(__atomic_load_n(&spsc->moirai_waiting[0], __ATOMIC_RELAXED) != 0, 0))
        return moirai_spsc_tell(spsc, MOIRAI_SEND);
    return MOIRAI_OK;
}

/* Receive one to `word`, as above without a deadline. */
static inline int moirai_spsc_recv(moirai_spsc_t *spsc, uint64_t *word)
{
    uint64_t head, tail;
    if (__builtin_expect(!spsc || !word, 0))
        return MOIRAI_EINVAL;
    head = __atomic_load_n(&spsc->moirai_head, __ATOMIC_RELAXED);
    if (head == spsc->moirai_tail_seen) {
        tail = __atomic_load_n(&spsc->moirai_tail, __ATOMIC_ACQUIRE);
        if (__builtin_expect(tail <= head, 0))
            return moirai_spsc_recv_until(spsc, word, MOIRAI_FOREVER);
        spsc->moirai_tail_seen = tail;
    }
    *word = ((moirai_spsc_word_t *)(spsc + 1))[head & spsc->moirai_mask];
    __atomic_store_n(&spsc->moirai_head, head + 1, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&spsc->moirai_waiting[1], __ATOMIC_RELAXED) != 0, 0))
        return moirai_spsc_tell(spsc, MOIRAI_RECV);
    return MOIRAI_OK;
}

#ifdef __cplusplus
}
#endif

#endif
