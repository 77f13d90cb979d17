/* A scheduler that is not the usual one decides where entries wait and who gets which. The executor keeps what makes it
   one: its threads, how they sleep and are woken, counting, closing, and what a wait may run. What a scheduler hands
   out that may not run in a wait goes to the team's queue, as what a thief takes by mistake does. */
#include "sched/executor.h"

#include <errno.h>

static int index_in(const struct mo_worker *w, const struct mo_executor *x)
{
    return w->seat && w->seat->executor == x ? (int)w->seat->member->tid - 1 : -1;
}

int mo_managed_put(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    return x->watch.scheduler->schedule(x->watch.scheduler_self, index_in(w, x), job) == 0 ? 0 : ENOMEM;
}

static struct mo_job *ask(struct mo_seat *seat)
{
    const struct mo_scheduler *s = seat->executor->watch.scheduler;
    void *self = seat->executor->watch.scheduler_self;
    unsigned workers = seat->executor->workers, own = seat->member->tid - 1;
    struct mo_job *job = s->next(self, own);
    for (unsigned i = 1; i < workers && !job; i++) {
        unsigned victim = (own + i) % workers;
        if (!s->can_be_stolen_from(self, victim))
            continue;
        job = s->try_steal(self, own, victim);
        if (job)
            mo_owner_add(&seat->stolen, 1);
    }
    return job;
}

struct mo_job *mo_managed_take(struct mo_seat *seat, const struct mo_kin *kin)
{
    struct mo_member *m = seat->member;
    struct mo_job *job;
    while ((job = ask(seat)) != NULL) {
        if (!kin || mo_task_is_kin((struct mo_task *)job, kin) ||
            !mo_priority_put(m, m->team, (struct mo_task *)job, 0))
            return job; /* without memory for the detour it runs here after all */
        mo_work_published(m->team);
    }
    return NULL;
}
