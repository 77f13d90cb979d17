/* Binding threads to places. A worker knows the place that its thread is bound to, so that a thread whose place stays
   the same makes no system call. Only the thread itself changes its mask. */
#include "sched/internal.h"

#include <string.h>

void mo_worker_bind(struct mo_worker *w, unsigned place, const unsigned long *mask, unsigned words)
{
    if (w->place == place)
        return;
    w->place = place; /* also when it fails, or it would fail at each region */
    int err = mo_plat_set_affinity(mask, words);
    if (err)
        mo_warn_once("cannot bind a thread to its place (%s): it runs anywhere", strerror(err));
    mo_store_relaxed(&w->cpu, mo_plat_cpu());
    w->node = mo_plat_node();
}
