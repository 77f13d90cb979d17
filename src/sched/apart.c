/* Teams apart: nobody opened their region, so place 0 is empty until somebody closes it. Threads come from the pool as
   for any region. Who closes takes place 0 and meets them at the barrier that ends the region; the team is idle then,
   its threads are anybody's to reclaim, and it serves the next one that wants a team apart.

   Roots: to the code that such a thread runs it is outside all regions, in a team of one, as an adopted thread is. */
#include "sched/internal.h"

#include <errno.h>
#include <string.h>

static struct mo_team *take_team(void)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_mutex_lock(&s->lock);
    struct mo_team *team = s->apart;
    if (team) {
        s->apart = team->next_apart;
    } else {
        team = mo_team_new_locked();
        if (team && !mo_team_reserve_locked(team, 1))
            team = NULL; /* it stays in the list of all teams, idle */
        if (team)
            team->traced = false; /* its region is none to a tool */
    }
    mo_mutex_unlock(&s->lock);
    return team;
}

static void put_team(struct mo_team *team)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_mutex_lock(&s->lock);
    team->next_apart = s->apart;
    s->apart = team;
    mo_mutex_unlock(&s->lock);
}

static bool give_roots(struct mo_team *team)
{
    struct mo_sched *s = &MO_SHARED(sched);
    bool all = true;
    mo_mutex_lock(&s->lock);
    for (unsigned tid = 1; all && tid < team->size; tid++) {
        struct mo_worker *w = mo_team_member(team, tid)->worker;
        if (!w->root)
            w->root = mo_root_new_locked(w);
        mo_team_member(team, tid)->implicit.flags = 0;
        all = w->root != NULL;
    }
    mo_mutex_unlock(&s->lock);
    return all;
}

struct mo_team *mo_apart_open(unsigned want, void (*enter)(struct mo_member *), void *owner, int *err)
{
    uint32_t idle = MO_TEAM_IDLE;
    struct mo_team *team = take_team();
    *err = ENOMEM;
    if (!team)
        return NULL;
    while (!mo_cas_acquire(&team->busy, &idle, (uint32_t)MO_TEAM_TAKEN)) { /* its threads are being taken away */
        idle = MO_TEAM_IDLE;
        mo_plat_yield();
    }
    mo_team_member(team, 0)->worker = mo_self()->worker; /* the order of victims counts it */
    if (team->bound < want)
        mo_pool_bind(team, want);
    team->size = (team->bound < want ? team->bound : want) + 1;
    if (team->size == 1 || !give_roots(team)) {
        *err = team->size == 1 ? EAGAIN : ENOMEM;
        mo_store_release(&team->busy, (uint32_t)MO_TEAM_IDLE);
        put_team(team);
        return NULL;
    }
    /* What those before have counted; places that nobody has now are read, too. */
    for (unsigned tid = 1; tid < team->capacity && mo_team_member(team, tid); tid++)
        memset(mo_team_member(team, tid)->client, 0, MO_MEMBER_CLIENT_BYTES);
    team->apart = true;
    team->enter = enter;
    *(void **)team->client = owner;
    mo_store_relaxed(&team->done_outside, 0u);
    mo_exchange_seqcst(&team->has_tasks, true); /* from the beginning: pairs with mo_idle_asleep() */
    return team;
}

void mo_apart_close(struct mo_team *team, struct mo_worker *closer)
{
    struct mo_member *m = mo_team_member(team, 0);
    uint32_t running = MO_TEAM_RUNNING;
    m->worker = closer;
    mo_member_begin(m, team->size);
    m->joining = true;
    mo_team_join(m);
    while (!mo_cas_acq_rel(&team->busy, &running, (uint32_t)MO_TEAM_IDLE)) { /* its surplus is going */
        running = MO_TEAM_RUNNING;
        mo_plat_yield();
    }
    put_team(team);
}

/* ---- Roots. */
static void begin(struct mo_member *root)
{
    mo_member_begin(root, 0);
    root->implicit.env = 0;
    mo_store_relaxed(&root->team->done_outside, 0u);
    MO_SHARED(self) = root;
    root->worker->home = root;
    if (mo_unlikely(mo_obs_attached()))
        mo_observe_root(root);
}

static void end(struct mo_member *root)
{
    mo_depends_leave(root, &root->implicit);
    if (mo_unlikely(mo_obs_attached()))
        mo_observe_root_left(root);
}

void mo_root_enter(struct mo_worker *w)
{
    begin(w->root);
}

void mo_root_leave(struct mo_member *m)
{
    end(m->worker->root);
    MO_SHARED(self) = m;
    m->worker->home = NULL;
}

void mo_root_clean(struct mo_member *root)
{
    mo_depends_leave(root, &root->implicit);
    root->implicit.env = 0;
    root->task_id = 0;
}

/* The master of a root in use is where its thread goes back to, which a fork looks at as well (worker.c). */
bool mo_root_push(struct mo_worker *w)
{
    struct mo_member *root = w->roots;
    if (root) {
        w->roots = root->next_root;
    } else {
        mo_mutex_lock(&MO_SHARED(sched).lock);
        root = mo_root_new_locked(w);
        mo_mutex_unlock(&MO_SHARED(sched).lock);
        if (!root)
            return false;
    }
    root->team->master = MO_SHARED(self);
    root->next_root = w->home; /* until it is popped */
    begin(root);
    return true;
}

void mo_root_pop(struct mo_worker *w)
{
    struct mo_member *root = w->home;
    end(root);
    MO_SHARED(self) = root->team->master;
    root->team->master = NULL;
    w->home = root->next_root;
    root->next_root = w->roots;
    w->roots = root;
}
