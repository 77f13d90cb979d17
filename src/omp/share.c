/* Descriptors of shared constructs, sections, single, copyprivate.

   C1  next is written once, by the CAS of the first thread that goes on; fresh descriptors are all zero.
   C2  a thread touches a descriptor from entering it until it enters the next; `departed` counts those who went on.
       The last of them recycles: nobody can come back to it.
   C3  zero is the state in which every use of a descriptor begins, so that nobody has to be first. */
#include "omp/core.h"

#include <string.h>

struct mo_share *mo_share_new(struct mo_worker *w, unsigned slots)
{
    unsigned cls = mo_slab_class(sizeof(struct mo_share) + slots * sizeof(struct mo_range_slot));
    struct mo_share *s = cls < MO_SLAB_CLASSES ? mo_slab_alloc_owner(&w->slab, cls) : NULL;
    if (!s)
        mo_fatal("out of memory for a work-sharing construct");
    memset(s, 0, sizeof *s + slots * sizeof(struct mo_range_slot));
    s->home = w->index;
    s->cls = (uint8_t)cls;
    s->slots = slots;
    return s;
}

void mo_share_delete(struct mo_worker *w, struct mo_share *s)
{
    mo_worker_free(w, s->home, s, s->cls);
}

/* ---- What only some constructs need hangs on the descriptor. The first thread that asks for it makes it. */
void *mo_share_memory(struct mo_member *m, size_t bytes)
{
    struct mo_share *s = mo_omp_member(m)->share;
    struct mo_piece *p = mo_load_acquire(&s->memory);
    if (!p) {
        mo_mutex_lock(&s->lock);
        p = mo_load_relaxed(&s->memory); /* the lock ordered it */
        if (!p && !(p = mo_piece_new(m->worker, bytes, MO_CACHE_LINE)))
            mo_fatal("out of memory for a work-sharing construct (%zu bytes)", bytes);
        mo_store_release(&s->memory, p);
        mo_mutex_unlock(&s->lock);
    }
    return p->data;
}

/* Everybody has left. */
static void detach(struct mo_worker *w, struct mo_share *s)
{
    struct mo_piece *memory = mo_load_relaxed(&s->memory); /* all others have left */
    struct mo_reductions *reductions = mo_load_relaxed(&s->reductions);
    struct mo_doacross *doacross = mo_load_relaxed(&s->doacross);
    if (mo_likely(!memory && !reductions && !doacross))
        return;
    if (memory)
        mo_piece_delete(w, memory);
    if (reductions)
        mo_reductions_release(w, reductions);
    if (doacross)
        mo_doacross_delete(w, doacross);
    mo_store_relaxed(&s->memory, NULL);
    mo_store_relaxed(&s->reductions, NULL);
    mo_store_relaxed(&s->doacross, NULL);
}

/* Back to all zero but for what says whose memory it is. */
static void wipe(struct mo_share *s)
{
    mo_store_relaxed(&s->next, NULL);
    mo_store_relaxed(&s->departed, 0u);
    mo_store_relaxed(&s->schedule, 0u);
    mo_store_relaxed(&s->counter, 0u);
    mo_store_relaxed(&s->turn, 0u);
    for (unsigned i = 0; i < s->slots; i++)
        if (mo_load_relaxed(&s->slot[i].range))
            mo_store_relaxed(&s->slot[i].range, 0u);
}

static void recycle(struct mo_member *m, struct mo_share *s)
{
    struct mo_omp_member *om = mo_omp_member(m);
    detach(m->worker, s);
    if (om->spare) {
        mo_share_delete(m->worker, s);
        return;
    }
    wipe(s);
    om->spare = s;
}

static struct mo_share *fresh(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    struct mo_share *s = om->spare;
    om->spare = NULL;
    if (mo_likely(s && s->slots >= m->size))
        return s;
    if (s)
        mo_share_delete(m->worker, s);
    return mo_share_new(m->worker, m->size);
}

static struct mo_share *append(struct mo_member *m, struct mo_share *last)
{
    struct mo_share *mine = fresh(m), *next = NULL;
    if (mo_cas_acq_rel(&last->next, &next, mine)) /* C1 */
        return mine;
    recycle(m, mine);
    return next;
}

struct mo_share *mo_share_enter(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    struct mo_share *left = om->share;
    if (!m->shared) {
        if (mo_unlikely(!left)) /* a construct outside all regions */
            return om->share = mo_share_new(m->worker, 1);
        detach(m->worker, left);
        wipe(left);
        return left;
    }
    struct mo_share *next = mo_load_acquire(&left->next);
    if (!next)
        next = append(m, left);
    om->share = next;
    if (mo_fetch_add_acq_rel(&left->departed, 1u) + 1 == m->size) /* C2 */
        recycle(m, left);
    return next;
}

/* ---- The end of a region. */
static bool leads_to(struct mo_share *from, const struct mo_share *to)
{
    while (from && from != to)
        from = mo_load_relaxed(&from->next);
    return from != NULL;
}

/* The descriptor of the thread that came least far; all behind it are still there, those before have been recycled. */
static struct mo_share *slowest(struct mo_team *team)
{
    struct mo_share *found = mo_omp_member(mo_team_member(team, 0))->share;
    for (unsigned tid = 1; tid < team->size; tid++) {
        struct mo_share *other = mo_omp_member(mo_team_member(team, tid))->share;
        if (leads_to(other, found))
            found = other;
    }
    return found;
}

static void abandon(struct mo_team *team, struct mo_worker *w)
{
    for (struct mo_share *s = slowest(team), *next; s; s = next) {
        next = mo_load_relaxed(&s->next);
        detach(w, s);
        mo_share_delete(w, s);
    }
    mo_omp_team(team)->first = NULL;
}

void mo_share_end_region(struct mo_member *m)
{
    struct mo_share *last = mo_omp_member(m)->share;
    if (mo_unlikely(m->cancellable && mo_load_relaxed(&m->team->cancelled))) {
        abandon(m->team, m->worker);
        return;
    }
    mo_omp_team(m->team)->first = last; /* all have left what came before */
    detach(m->worker, last);
}

void mo_sections_begin(struct mo_member *m, uint64_t count)
{
    mo_omp_member(m)->sections = count;
    mo_share_enter(m);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_begin(&m->worker->obs, MO_OBS_SECTIONS, count);
}

uint64_t mo_sections_next(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    if (mo_load_relaxed(&om->share->counter) >= om->sections)
        return 0;
    uint64_t n = mo_fetch_add_relaxed(&om->share->counter, 1u) + 1; /* hands out numbers, orders nothing */
    if (mo_unlikely(mo_traced(m)) && n <= om->sections)
        mo_obs_dispatch_section(&m->worker->obs);
    return n <= om->sections ? n : 0;
}

/* Every thread counts the single constructs it meets; the first at number s moves the team's counter on from s. */
bool mo_single_begin_plain(struct mo_member *m)
{
    uint64_t mine = mo_omp_member(m)->singles++;
    if (!m->shared)
        return true;
    _Atomic uint64_t *found = &mo_omp_team(m->team)->single;
    return mo_load_relaxed(found) == mine && mo_cas_relaxed(found, &mine, mine + 1);
}

bool mo_single_begin(struct mo_member *m)
{
    bool mine = mo_single_begin_plain(m);
    if (mo_likely(!mo_traced(m)))
        return mine;
    mo_obs_work_begin(&m->worker->obs, mine ? MO_OBS_SINGLE_EXECUTOR : MO_OBS_SINGLE_OTHER, 1);
    if (!mine)
        mo_obs_work_end(&m->worker->obs);
    return mine;
}

void mo_copyprivate_give(struct mo_member *m, void *data)
{
    if (!mo_omp_cancelled(m, MO_CANCEL_PARALLEL))
        mo_omp_team(m->team)->copyprivate = data;
    mo_team_barrier(m);
}

/* Not from a giver who may be gone: once the region is cancelled nobody keeps him at the construct. */
void *mo_copyprivate_take(struct mo_member *m)
{
    return mo_team_barrier(m) ? mo_omp_team(m->team)->copyprivate : NULL;
}
