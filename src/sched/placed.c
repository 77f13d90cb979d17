/* Where jobs run that say so. Each worker, and each NUMA node that workers count to, has a box: a queue under a lock,
   as such jobs are few. What must run there is STRICT; what only should is LOOSE, and others take it as soon as who it
   is for has something else to do.

   Who looks: a worker looks into its own box and its node's before its deque, and into those of others when it has
   found nothing at all, near ones first. Nobody looks while the counts of the placement are zero.
   P1  Nothing is missed: who puts something in raises the count (seq_cst) and then wakes those it is for; a worker
       announces its sleep (seq_cst, mo_event_prepare) and then reads the count once more. One of the two sees the
       other.
   P2  `idle` says that a worker has found nothing and is bound to look again when it is woken: a thief leaves it what
       it should have. The worker that takes something clears the word, and if it was relied on as a searcher wakes
       another one (mo_idle_found_work), which finds what is left. So nothing loose waits for a worker that is busy
       while others sleep.
   P3  Something that is for a node wakes one worker of it that is idle; whoever takes it and leaves others behind wakes
       the next one.

   What a job costs, as far as it was told, decides how much is left for a busy worker: beyond BACKLOG_NS a loose job
   goes to the workers of its node, and beyond as much for each of these, to whoever comes first.

   Threads whose executor knows the machine are bound to the CPUs of the node that the plan gives them, and take the
   others into account as near as their CPUs are in the plan. On a machine that is not this one nobody is bound. */
#include "sched/executor.h"

#include <errno.h>
#include <limits.h>

#define BACKLOG_NS   100000
#define COST_UNKNOWN 1000 /* ns */

/* ---- Making. */
static unsigned find_node(const struct mo_placement *p, int node)
{
    unsigned i = 0;
    while (i < p->nodes && p->node[i] != node)
        i++;
    return i;
}

static void number_nodes(struct mo_placement *p)
{
    for (unsigned i = 0; i < p->workers; i++) {
        if (p->at[i].node < 0)
            continue;
        unsigned found = find_node(p, p->at[i].node);
        if (found == p->nodes)
            p->node[p->nodes++] = p->at[i].node;
        p->at[i].node_box = p->workers + found;
    }
}

/* Boxes for as many nodes as there are workers, at most: pages that nobody touches cost nothing. */
static struct mo_placement *new_placement(unsigned workers, const struct mo_topo_seat *seat, int node)
{
    size_t boxes = 2 * (size_t)workers * sizeof(struct mo_box);
    size_t bytes = sizeof(struct mo_placement) + boxes + workers * (sizeof(struct mo_worker_place) + sizeof(int));
    struct mo_placement *p = mo_extent_alloc(bytes);
    if (!p)
        return NULL;
    p->bytes = bytes;
    p->workers = workers;
    p->planned = seat != NULL;
    p->at = (struct mo_worker_place *)((char *)(p + 1) + boxes);
    p->node = (int *)(p->at + workers);
    for (unsigned i = 0; i < workers; i++) {
        p->at[i].cpu = seat ? seat[i].cpu : 0;
        p->at[i].node = seat ? seat[i].node : node;
    }
    number_nodes(p);
    return p;
}

struct mo_placement *mo_placement(struct mo_executor *x)
{
    struct mo_placement *p = mo_load_acquire(&x->placement), *none = NULL;
    if (p)
        return p;
    p = new_placement(x->workers, NULL, MO_SHARED(sched).nodes == 1 ? (int)mo_plat_node() : MO_TOPO_NO_NODE);
    if (!p || mo_cas_seqcst(&x->placement, &none, p))
        return p;
    mo_extent_free(p, p->bytes);
    return none;
}

bool mo_placement_plan(struct mo_executor *x, enum mo_numa numa)
{
    struct mo_topo_seat seat[MO_PLAT_CPUS_MAX];
    struct mo_placement *p;
    bool wanted = numa == MO_NUMA_ON || (numa == MO_NUMA_SOME && MO_SHARED(sched).nodes > 1);
    if (!wanted || x->workers > MO_PLAT_CPUS_MAX || !mo_topo_load() || !mo_topo_seats(x->workers, seat))
        return true;
    p = new_placement(x->workers, seat, MO_TOPO_NO_NODE);
    mo_store_release(&x->placement, p);
    return p && mo_victims_prepare(x->team);
}

void mo_placement_free(struct mo_executor *x)
{
    struct mo_placement *p = mo_load_relaxed(&x->placement);
    mo_store_relaxed(&x->placement, NULL);
    if (p)
        mo_extent_free(p, p->bytes);
}

int mo_executor_node(struct mo_executor *x, unsigned worker)
{
    const struct mo_placement *p = worker < x->workers ? mo_placement(x) : NULL;
    return p ? p->at[worker].node : MO_TOPO_NO_NODE;
}

/* ---- Threads. */
/* Place 0 is nobody's: it may be anywhere. */
static unsigned cpu_of_member(const void *placement, unsigned tid)
{
    return ((const struct mo_placement *)placement)->at[tid ? tid - 1 : 0].cpu;
}

static bool bind_to_node(struct mo_worker *w, int node, struct mo_placement_before *before)
{
    unsigned long mask[MO_MASK_WORDS];
    unsigned words = mo_topo_node_mask(node, mask);
    before->words = mo_topo_affinity_mask(before->mask);
    if (!words || !before->words || mo_plat_set_affinity(mask, words) != 0)
        return false;
    before->place = w->place;
    w->place = UINT_MAX; /* no place's, and so it is left where it is (spread.c) */
    return true;
}

void mo_placement_enter(struct mo_seat *seat, struct mo_placement_before *before)
{
    const struct mo_placement *p = mo_load_acquire(&seat->executor->placement);
    struct mo_worker *w = seat->member->worker;
    before->bound = false;
    if (!p || !p->planned)
        return;
    const struct mo_worker_place *at = &p->at[seat->member->tid - 1];
    before->bound = bind_to_node(w, at->node, before);
    mo_store_relaxed(&w->cpu, at->cpu);
    w->node = at->node < 0 ? 0 : (unsigned)at->node;
    w->slab.node = (unsigned)(at->node + 1); /* its blocks come from there, on whatever CPU it is now */
    mo_victims_arrange_bound(seat->member, cpu_of_member, p);
}

void mo_placement_leave(struct mo_seat *seat, const struct mo_placement_before *before)
{
    struct mo_worker *w = seat->member->worker;
    w->slab.node = 0;
    if (!before->bound)
        return;
    mo_plat_set_affinity(before->mask, before->words);
    w->place = before->place;
}

void mo_placed_say_idle(struct mo_seat *seat, bool idle)
{
    struct mo_placement *p = mo_load_relaxed(&seat->executor->placement);
    if (mo_likely(!p))
        return;
    _Atomic bool *word = &p->at[seat->member->tid - 1].idle;
    if (mo_load_relaxed(word) != idle)
        mo_store_seqcst(word, idle); /* P2 */
}

/* ---- Choosing. */
static bool is_node_idle(const struct mo_placement *p, unsigned box)
{
    for (unsigned i = 0; i < p->workers; i++)
        if (p->at[i].node_box == box && mo_load_seqcst(&p->at[i].idle))
            return true;
    return false;
}

static unsigned workers_of(const struct mo_placement *p, unsigned box)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->workers; i++)
        n += p->at[i].node_box == box;
    return n;
}

static bool is_full(const struct mo_placement *p, unsigned box, unsigned workers)
{
    return mo_load_relaxed(&p->box[box].cost_ns) > (uint64_t)BACKLOG_NS * workers;
}

static int box_of_node(const struct mo_placement *p, unsigned box, bool strict)
{
    return !strict && is_full(p, box, workers_of(p, box)) ? -1 : (int)box;
}

int mo_placement_choose(const struct mo_placement *p, int32_t place)
{
    bool strict = place & MO_PLACE_STRICT;
    unsigned number = MO_PLACE_NUMBER(place);
    if (place & MO_PLACE_IS_NODE)
        return box_of_node(p, p->workers + find_node(p, (int)number), strict);
    if (strict || !is_full(p, number, 1))
        return (int)number;
    return p->at[number].node < 0 ? -1 : box_of_node(p, p->at[number].node_box, false);
}

int mo_executor_check_place(struct mo_executor *x, int32_t *place)
{
    const struct mo_placement *p;
    if (*place == MO_PLACE_ANY)
        return 0;
    p = mo_placement(x);
    if (!p)
        return ENOMEM;
    unsigned number = MO_PLACE_NUMBER(*place);
    if (*place & MO_PLACE_IS_NODE ? find_node(p, (int)number) < p->nodes : number < p->workers)
        return 0;
    if (*place & MO_PLACE_STRICT)
        return EINVAL;
    *place = MO_PLACE_ANY;
    return 0;
}

/* ---- Putting in. */
static void wake_worker(struct mo_executor *x, unsigned worker)
{
    struct mo_member *m = mo_team_member(x->team, worker + 1);
    mo_event_notify_bits(&x->team->event, MO_WAKE_ALL, MO_WAKE_SEAT(m->tid));
    mo_event_notify(&m->worker->event); /* where it waits in a job */
}

/* P3; where nobody says that he is idle one may be about to. */
static void wake_node(struct mo_executor *x, const struct mo_placement *p, unsigned box)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < p->workers; i++) {
        if (p->at[i].node_box != box)
            continue;
        if (mo_load_seqcst(&p->at[i].idle)) {
            wake_worker(x, i);
            return;
        }
        bits |= MO_WAKE_SEAT(i + 1);
    }
    mo_event_notify_bits(&x->team->event, MO_WAKE_ALL, bits);
}

static void wake(struct mo_executor *x, const struct mo_placement *p, unsigned box, bool strict)
{
    bool busy;
    if (box < p->workers) {
        busy = !mo_load_seqcst(&p->at[box].idle);
        wake_worker(x, box);
    } else {
        busy = !is_node_idle(p, box);
        wake_node(x, p, box);
    }
    if (busy && !strict)
        mo_work_published(x->team);
}

static void link_in(struct mo_placement *p, struct mo_box *box, struct mo_box_link *link, unsigned kind, unsigned level)
{
    mo_mutex_lock(&box->lock);
    if (box->queue[kind][level].first)
        box->queue[kind][level].last->next = link;
    else
        box->queue[kind][level].first = link;
    box->queue[kind][level].last = link;
    mo_owner_add(&box->waiting[kind], 1u);
    mo_owner_add(&box->cost_ns, link->cost_ns);
    mo_fetch_add_seqcst(&p->waiting[kind], 1u); /* P1 */
    mo_mutex_unlock(&box->lock);
}

int mo_placed_put(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    const struct mo_job_ext *ext = mo_job_ext(job);
    struct mo_placement *p = mo_placement(x);
    bool strict = ext->place & MO_PLACE_STRICT;
    int box = p ? mo_placement_choose(p, ext->place) : -1;
    if (p && box < 0)
        return EAGAIN;
    struct mo_box_link *link = p ? mo_slab_alloc_owner(&w->slab, 0) : NULL;
    if (!link)
        return ENOMEM;
    *link = (struct mo_box_link){.job = job, .cost_ns = ext->cost_ns ? ext->cost_ns : COST_UNKNOWN, .home = w->index};
    if (strict && !(job->flags & MO_JOB_ASYNC))                                      /* nobody claims these */
        mo_store_relaxed(&job->state, mo_load_relaxed(&job->state) | MO_JOB_PINNED); /* published with the link */
    link_in(p, &p->box[box], link, strict ? MO_BOX_STRICT : MO_BOX_LOOSE, (unsigned)(2 - ext->priority));
    wake(x, p, (unsigned)box, strict);
    return 0;
}

/* ---- Taking out. */
static struct mo_box_link *unlink_first(struct mo_box *box, unsigned kind, unsigned level, const struct mo_kin *kin)
{
    struct mo_box_link *before = NULL, *link = box->queue[kind][level].first;
    while (link && kin && !mo_task_is_kin((struct mo_task *)link->job, kin)) {
        before = link;
        link = link->next;
    }
    if (!link)
        return NULL;
    if (before)
        before->next = link->next;
    else
        box->queue[kind][level].first = link->next;
    if (box->queue[kind][level].last == link)
        box->queue[kind][level].last = before;
    mo_owner_add(&box->waiting[kind], -1u);
    mo_owner_add(&box->cost_ns, -link->cost_ns);
    return link;
}

/* Of levels [from, to). */
static struct mo_job *take_from(struct mo_seat *seat, struct mo_placement *p, unsigned at, unsigned kind, unsigned from,
                                unsigned to, const struct mo_kin *kin)
{
    struct mo_box *box = &p->box[at];
    struct mo_box_link *link = NULL;
    if (!mo_load_seqcst(&box->waiting[kind]))
        return NULL;
    mo_mutex_lock(&box->lock);
    for (unsigned level = from; level < to && !link; level++)
        link = unlink_first(box, kind, level, kin);
    if (link)
        mo_fetch_sub_seqcst(&p->waiting[kind], 1u);
    bool more = link && at >= p->workers && mo_load_relaxed(&box->waiting[kind]);
    mo_mutex_unlock(&box->lock);
    if (!link)
        return NULL;
    if (more)
        wake_node(seat->executor, p, at); /* P3 */
    struct mo_job *job = link->job;
    mo_worker_free(seat->member->worker, link->home, link, 0);
    return job;
}

static struct mo_job *take_own(struct mo_seat *seat, struct mo_placement *p, unsigned from, unsigned to,
                               const struct mo_kin *kin)
{
    unsigned worker = seat->member->tid - 1;
    const struct mo_worker_place *at = &p->at[worker];
    struct mo_job *job = NULL;
    for (unsigned kind = 0; kind < MO_BOX_KINDS && !job; kind++) {
        job = take_from(seat, p, worker, kind, from, to, kin);
        if (!job && at->node >= 0)
            job = take_from(seat, p, at->node_box, kind, from, to, kin);
    }
    return job;
}

/* P2. */
static struct mo_job *take_others(struct mo_seat *seat, struct mo_placement *p, const struct mo_kin *kin)
{
    const struct mo_member *m = seat->member;
    struct mo_job *job = NULL;
    for (unsigned i = 0; i < m->size - 1 && !job; i++) {
        bool ordered = m->victims && m->victims_team == m->size;
        unsigned tid = ordered ? m->victims[i] : (m->tid + i) % (m->size - 1) + 1;
        if (tid && tid != m->tid && !mo_load_seqcst(&p->at[tid - 1].idle))
            job = take_from(seat, p, tid - 1, MO_BOX_LOOSE, 0, MO_BOX_LEVELS, kin);
    }
    for (unsigned box = p->workers; box < p->workers + p->nodes && !job; box++)
        if (mo_load_seqcst(&p->box[box].waiting[MO_BOX_LOOSE]) && !is_node_idle(p, box))
            job = take_from(seat, p, box, MO_BOX_LOOSE, 0, MO_BOX_LEVELS, kin);
    return job;
}

struct mo_job *mo_placed_take_slow(struct mo_seat *seat, const struct mo_kin *kin, bool last)
{
    struct mo_placement *p = mo_load_relaxed(&seat->executor->placement);
    if (!last)
        return take_own(seat, p, 0, MO_BOX_LEVELS - 1, kin);
    struct mo_job *job = take_own(seat, p, MO_BOX_LEVELS - 1, MO_BOX_LEVELS, kin);
    return job || !mo_load_seqcst(&p->waiting[MO_BOX_LOOSE]) ? job : take_others(seat, p, kin);
}

struct mo_job *mo_placed_take_strict(struct mo_seat *seat)
{
    struct mo_placement *p = mo_load_acquire(&seat->executor->placement);
    unsigned worker = seat->member->tid - 1;
    if (!p || !mo_load_seqcst(&p->waiting[MO_BOX_STRICT]))
        return NULL;
    struct mo_job *job = take_from(seat, p, worker, MO_BOX_STRICT, 0, MO_BOX_LEVELS, NULL);
    if (!job && p->at[worker].node >= 0)
        job = take_from(seat, p, p->at[worker].node_box, MO_BOX_STRICT, 0, MO_BOX_LEVELS, NULL);
    return job;
}
