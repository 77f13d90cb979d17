/* The runtime's atomics, on the modelled machine: each access first takes its time there (machine.h). */
#ifndef SIM_SEAM_ATOMIC_H
#define SIM_SEAM_ATOMIC_H

#include "../../../../src/base/atomic.h"

enum sim_access { SIM_READ, SIM_STORE, SIM_RMW };
void sim_access(const volatile void *address, enum sim_access kind);

#define SIM_AT(p, kind, operation)                                                                                     \
    ({                                                                                                                 \
        __auto_type sim_p = (p);                                                                                       \
        sim_access(sim_p, kind);                                                                                       \
        operation;                                                                                                     \
    })
#define SIM_LOAD(p, order)        SIM_AT(p, SIM_READ, atomic_load_explicit(sim_p, order))
#define SIM_STORE_AS(p, v, order) SIM_AT(p, SIM_STORE, atomic_store_explicit(sim_p, (v), order))
#define SIM_SWAP(p, v, order)     SIM_AT(p, SIM_RMW, atomic_exchange_explicit(sim_p, (v), order))
#define SIM_ADD(p, v, order)      SIM_AT(p, SIM_RMW, atomic_fetch_add_explicit(sim_p, (v), order))
#define SIM_CAS(p, old, v, order, fail)                                                                                \
    SIM_AT(p, SIM_RMW, atomic_compare_exchange_strong_explicit(sim_p, (old), (v), order, fail))

#undef mo_load_relaxed
#undef mo_load_acquire
#undef mo_load_seqcst
#undef mo_store_relaxed
#undef mo_store_release
#undef mo_store_seqcst
#undef mo_exchange_acquire
#undef mo_exchange_release
#undef mo_exchange_acq_rel
#undef mo_exchange_seqcst
#undef mo_fetch_add_relaxed
#undef mo_fetch_add_acq_rel
#undef mo_fetch_add_seqcst
#undef mo_fetch_or_acq_rel
#undef mo_fetch_or_seqcst
#undef mo_fetch_and_acq_rel
#undef mo_fetch_and_release
#undef mo_fetch_sub_seqcst
#undef mo_cas_relaxed
#undef mo_cas_acquire
#undef mo_cas_release
#undef mo_cas_acq_rel
#undef mo_cas_seqcst

#define mo_load_relaxed(p)         SIM_LOAD(p, memory_order_relaxed)
#define mo_load_acquire(p)         SIM_LOAD(p, memory_order_acquire)
#define mo_load_seqcst(p)          SIM_LOAD(p, memory_order_seq_cst)
#define mo_store_relaxed(p, v)     SIM_STORE_AS(p, v, memory_order_relaxed)
#define mo_store_release(p, v)     SIM_STORE_AS(p, v, memory_order_release)
#define mo_store_seqcst(p, v)      SIM_AT(p, SIM_RMW, atomic_store_explicit(sim_p, (v), memory_order_seq_cst))
#define mo_exchange_acquire(p, v)  SIM_SWAP(p, v, memory_order_acquire)
#define mo_exchange_release(p, v)  SIM_SWAP(p, v, memory_order_release)
#define mo_exchange_acq_rel(p, v)  SIM_SWAP(p, v, memory_order_acq_rel)
#define mo_exchange_seqcst(p, v)   SIM_SWAP(p, v, memory_order_seq_cst)
#define mo_fetch_add_relaxed(p, v) SIM_ADD(p, v, memory_order_relaxed)
#define mo_fetch_add_acq_rel(p, v) SIM_ADD(p, v, memory_order_acq_rel)
#define mo_fetch_add_seqcst(p, v)  SIM_ADD(p, v, memory_order_seq_cst)
#define mo_fetch_or_acq_rel(p, v)  SIM_AT(p, SIM_RMW, atomic_fetch_or_explicit(sim_p, (v), memory_order_acq_rel))
#define mo_fetch_or_seqcst(p, v)   SIM_AT(p, SIM_RMW, atomic_fetch_or_explicit(sim_p, (v), memory_order_seq_cst))
#define mo_fetch_and_acq_rel(p, v) SIM_AT(p, SIM_RMW, atomic_fetch_and_explicit(sim_p, (v), memory_order_acq_rel))
#define mo_fetch_and_release(p, v) SIM_AT(p, SIM_RMW, atomic_fetch_and_explicit(sim_p, (v), memory_order_release))
#define mo_fetch_sub_seqcst(p, v)  SIM_AT(p, SIM_RMW, atomic_fetch_sub_explicit(sim_p, (v), memory_order_seq_cst))
#define mo_cas_relaxed(p, old, v)  SIM_CAS(p, old, v, memory_order_relaxed, memory_order_relaxed)
#define mo_cas_acquire(p, old, v)  SIM_CAS(p, old, v, memory_order_acquire, memory_order_relaxed)
#define mo_cas_release(p, old, v)  SIM_CAS(p, old, v, memory_order_release, memory_order_relaxed)
#define mo_cas_acq_rel(p, old, v)  SIM_CAS(p, old, v, memory_order_acq_rel, memory_order_acquire)
#define mo_cas_seqcst(p, old, v)   SIM_CAS(p, old, v, memory_order_seq_cst, memory_order_relaxed)

#endif
