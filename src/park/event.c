#include "park/park.h"
#include "plat/plat.h"

void mo_event_notify_slow(struct mo_event *e, int count, uint32_t bits)
{
    /* seq_cst: a waiter that prepared before this reads either the old seq, and its futex wait fails, or sleeps and is
       woken. */
    mo_fetch_add_seqcst(&e->seq, 1u);
    int waiters = (int)mo_load_relaxed(&e->waiters);
    mo_park_wake(&e->seq, count, bits, count < waiters ? count : waiters);
}
