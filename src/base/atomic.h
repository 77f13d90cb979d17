/* Atomics with the memory order in the name, so that every access says what it needs.
   seq_cst appears where two threads write one word each and read the other's (Dekker): the comment there says which. */
#ifndef MO_BASE_ATOMIC_H
#define MO_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MO_CACHE_LINE 64
/* Adjacent lines are fetched in pairs: words that different threads write stand two lines apart. */
#define MO_LINE_PAIR      128
#define MO_ALIGNED(bytes) __attribute__((aligned(bytes)))

/* A function whose reads race by design and count only after something else has proved them. ThreadSanitizer cannot
   know that, so it is told to look away; the comment at the function says what proves them. */
#define MO_RACES_BY_DESIGN __attribute__((noinline, no_sanitize("thread")))

#define mo_likely(x)   __builtin_expect(!!(x), 1)
#define mo_unlikely(x) __builtin_expect(!!(x), 0)

#define mo_load_relaxed(p)         atomic_load_explicit((p), memory_order_relaxed)
#define mo_load_acquire(p)         atomic_load_explicit((p), memory_order_acquire)
#define mo_load_seqcst(p)          atomic_load_explicit((p), memory_order_seq_cst)
#define mo_store_relaxed(p, v)     atomic_store_explicit((p), (v), memory_order_relaxed)
#define mo_store_release(p, v)     atomic_store_explicit((p), (v), memory_order_release)
#define mo_store_seqcst(p, v)      atomic_store_explicit((p), (v), memory_order_seq_cst)
#define mo_exchange_acquire(p, v)  atomic_exchange_explicit((p), (v), memory_order_acquire)
#define mo_exchange_release(p, v)  atomic_exchange_explicit((p), (v), memory_order_release)
#define mo_exchange_acq_rel(p, v)  atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define mo_exchange_seqcst(p, v)   atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define mo_fetch_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define mo_fetch_add_acq_rel(p, v) atomic_fetch_add_explicit((p), (v), memory_order_acq_rel)
#define mo_fetch_add_seqcst(p, v)  atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define mo_fetch_or_acq_rel(p, v)  atomic_fetch_or_explicit((p), (v), memory_order_acq_rel)
#define mo_fetch_or_seqcst(p, v)   atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
#define mo_fetch_and_acq_rel(p, v) atomic_fetch_and_explicit((p), (v), memory_order_acq_rel)
#define mo_fetch_and_release(p, v) atomic_fetch_and_explicit((p), (v), memory_order_release)
#define mo_fetch_sub_seqcst(p, v)  atomic_fetch_sub_explicit((p), (v), memory_order_seq_cst)
#define mo_cas_relaxed(p, old, v)                                                                                      \
    atomic_compare_exchange_strong_explicit((p), (old), (v), memory_order_relaxed, memory_order_relaxed)
#define mo_cas_acquire(p, old, v)                                                                                      \
    atomic_compare_exchange_strong_explicit((p), (old), (v), memory_order_acquire, memory_order_relaxed)
#define mo_cas_release(p, old, v)                                                                                      \
    atomic_compare_exchange_strong_explicit((p), (old), (v), memory_order_release, memory_order_relaxed)
#define mo_cas_acq_rel(p, old, v)                                                                                      \
    atomic_compare_exchange_strong_explicit((p), (old), (v), memory_order_acq_rel, memory_order_acquire)
#define mo_cas_seqcst(p, old, v)                                                                                       \
    atomic_compare_exchange_strong_explicit((p), (old), (v), memory_order_seq_cst, memory_order_relaxed)

/* Add to a counter that only its owner writes and others read: a plain add, not an RMW. */
#define mo_owner_add(p, v)         mo_store_relaxed((p), mo_load_relaxed(p) + (v))
#define mo_owner_add_release(p, v) mo_store_release((p), mo_load_relaxed(p) + (v))

#endif
