#include "park/park.h"
#include "plat/plat.h"

void mo_event_wait(struct mo_event *e, uint32_t key, uint64_t timeout_ns, uint32_t bits)
{
    mo_plat_futex_wait(&e->seq, key, timeout_ns, bits);
}

void mo_event_notify_slow(struct mo_event *e, int count, uint32_t bits)
{
    /* seq_cst: a waiter that prepared before this reads either the old seq, and its futex wait fails, or sleeps and is
       woken. */
    mo_fetch_add_seqcst(&e->seq, 1u);
    mo_plat_futex_wake(&e->seq, count, bits);
}
