/* Parallel regions: how many threads, what each of them starts with. */
#include "omp/core.h"

#include "base/log.h"

/* A thread limit holds for a contention group: the regions below one thread that is in none. The group's count of
   threads beyond that one is kept in its root, and only under a limit. */
static _Atomic uint32_t *group_threads(struct mo_member *m)
{
    struct mo_member *root = mo_region_ancestor(m, mo_omp_team(m->team)->level);
    return &mo_omp_member(root)->group_threads;
}

static unsigned limit_threads(struct mo_member *m, const struct mo_icvs *icvs, unsigned want)
{
    _Atomic uint32_t *count = group_threads(m);
    uint32_t used = mo_load_relaxed(count), granted;
    do {
        uint32_t left = icvs->thread_limit > used + 1 ? icvs->thread_limit - used - 1 : 0;
        granted = want - 1 < left ? want - 1 : left;
    } while (!mo_cas_relaxed(count, &used, used + granted));
    return granted + 1;
}

static void return_threads(struct mo_member *m, unsigned threads)
{
    if (threads && mo_unlikely(mo_icvs_of(m)->thread_limit != UINT32_MAX))
        mo_fetch_add_relaxed(group_threads(m), -threads);
}

/* Has a region that it is in claimed a CPU for the calling thread? */
static bool is_counted(struct mo_member *m)
{
    for (; m != m->worker->root; m = m->team->master)
        if (m->tid || mo_omp_team(m->team)->claimed)
            return true;
    return false;
}

/* Under a budget teams share the CPUs. */
static __attribute__((noinline)) unsigned claim_threads(struct mo_member *m, unsigned want)
{
    unsigned own = !is_counted(m), claimed = mo_park_claim(own, want - 1);
    mo_omp_member(m)->claimed = claimed;
    return claimed - own + 1;
}

/* The team may have become smaller for other reasons. */
static __attribute__((noinline)) void settle_claim(struct mo_member *m, struct mo_team *team)
{
    unsigned *claimed = &mo_omp_member(m)->claimed, needed = !is_counted(m) + team->size - 1;
    if (*claimed > needed)
        mo_park_unclaim(*claimed - needed);
    mo_omp_team(team)->claimed = *claimed < needed ? *claimed : needed;
    *claimed = 0;
}

static __attribute__((noinline)) void return_claim(struct mo_omp_team *ot)
{
    mo_park_unclaim(ot->claimed);
    ot->claimed = 0;
}

static inline unsigned team_size(struct mo_member *m, const struct mo_icvs *icvs, unsigned clause)
{
    unsigned active = mo_omp_team(m->team)->active_level;
    if (clause == 1 || active >= icvs->max_active_levels)
        return 1;
    unsigned want = clause ? clause : icvs->num_threads;
    if (mo_unlikely(icvs->dynamic))
        want = claim_threads(m, want);
    if (want > UINT16_MAX)
        want = UINT16_MAX;
    if (mo_unlikely(icvs->thread_limit != UINT32_MAX))
        want = limit_threads(m, icvs, want);
    return want;
}

/* A clause counts only where binding is on. */
static enum mo_bind policy_of(const struct mo_icvs *icvs, const struct mo_region *r)
{
    return mo_unlikely(icvs->bind != MO_BIND_FALSE && r->bind != MO_BIND_FALSE) ? (enum mo_bind)r->bind
                                                                                : (enum mo_bind)icvs->bind;
}

/* OMP_NUM_THREADS and OMP_PROC_BIND may give a value for each level, and a clause of a region may for the levels below.
   Beyond the end of OMP_PROC_BIND, the policy of a clause goes for the regions inside as well, as GCC's runtime has
   it. */
static inline uint32_t inner_env(struct mo_member *m, const struct mo_icvs *icvs, unsigned level, enum mo_bind policy,
                                 const uint32_t *nested)
{
    const struct mo_knob_list *threads = mo_knob_list(MO_KNOB_OMP_NUM_THREADS);
    uint32_t env = m->current->env;
    if (!nested)
        nested = icvs->nested;
    if (mo_likely(level >= threads->count && policy == MO_BIND_FALSE && !nested))
        return env;
    const struct mo_knob_list *policies = mo_knob_list(MO_KNOB_OMP_PROC_BIND);
    struct mo_icvs values = *icvs;
    if (nested) {
        values.num_threads = nested[0];
        values.nested = nested[1] ? nested + 1 : NULL;
    } else if (level < threads->count) {
        values.num_threads = threads->item[level];
    }
    if (policy != MO_BIND_FALSE)
        values.bind = (uint8_t)(level < policies->count ? policies->item[level] : policy);
    return mo_icvs_intern(&values, env);
}

/* Nobody waits for this group: the region's end waits for all tasks, and until then it stays what it is. */
static void begin_reductions(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    if (!om->region_group && !(om->region_group = mo_extent_alloc(sizeof *om->region_group)))
        mo_fatal("out of memory for a region with task reductions");
    mo_taskgroup_open(m, om->region_group);
    mo_reductions_attach(m->group, mo_omp_team(m->team)->reductions);
}

static inline void begin_member(struct mo_member *m, void *frame, bool watched)
{
    struct mo_omp_team *ot = mo_omp_team(m->team);
    struct mo_omp_member *om = mo_omp_member(m);
    m->implicit.env = ot->env;
    om->share = ot->first;
    om->singles = 0;
    if (mo_unlikely(om->plan_seen != ot->plan_number))
        mo_affinity_follow(m);
    if (mo_unlikely(watched))
        mo_observe_member(m, frame);
    if (ot->combined == MO_COMBINED_LOOP)
        mo_loop_begin(m, &ot->loop);
    else if (ot->combined == MO_COMBINED_SECTIONS)
        mo_sections_begin(m, ot->sections);
    else if (ot->combined == MO_COMBINED_REDUCTIONS)
        begin_reductions(m);
}

static void enter(struct mo_member *m)
{
    struct mo_omp_team *ot = mo_omp_team(m->team);
    begin_member(m, __builtin_dwarf_cfa(), mo_traced(m));
    ot->fn(ot->data);
}

/* The first descriptor is only where chains begin; the last of the region before does that job again. */
static void prepare_chain(struct mo_team *team)
{
    struct mo_omp_team *ot = mo_omp_team(team);
    struct mo_worker *w = team->master->worker;
    if (mo_likely(ot->first && ot->first->slots >= team->size))
        return;
    if (ot->first)
        mo_share_delete(w, ot->first);
    ot->first = mo_share_new(w, team->size);
}

static struct mo_reductions *region_reductions(struct mo_team *team, const struct mo_reduction_spec *spec)
{
    struct mo_reductions *r = mo_reductions_new(team->master->worker, team->size, spec);
    spec->made(spec, r);
    return r;
}

static void miss_threads(const struct mo_region *r, unsigned size)
{
    const char *message = r->message ? r->message : "", *colon = r->message ? ": " : "";
    if (r->strict == MO_STRICT_FATAL)
        mo_fatal_exit("a region that must have %u threads can have %u%s%s", r->num_threads, size, colon, message);
    mo_warn("a region that is to have %u threads has %u%s%s", r->num_threads, size, colon, message);
}

/* `frame`: of the function that will call the program's for member 0; NULL: the program does that. */
static inline __attribute__((always_inline)) void begin(struct mo_member *m, const struct mo_region *r, void *frame,
                                                        bool watched)
{
    const struct mo_icvs *icvs = mo_icvs_of(m);
    const struct mo_omp_team *outer = mo_omp_team(m->team);
    enum mo_bind policy = policy_of(icvs, r);
    unsigned want = team_size(m, icvs, r->num_threads);
    struct mo_team *team = mo_team_open(m, want, mo_knob(MO_KNOB_OMP_CANCELLATION));
    struct mo_omp_team *ot = mo_omp_team(team);
    return_threads(m, want - team->size); /* those that could not be had */
    if (mo_unlikely(icvs->dynamic))
        settle_claim(m, team);
    ot->fn = r->fn;
    ot->data = r->data;
    ot->level = outer->level + 1;
    ot->active_level = outer->active_level + (team->size > 1);
    ot->env = inner_env(m, icvs, ot->level, policy, r->nested);
    if (mo_unlikely(r->strict && team->size < r->num_threads))
        miss_threads(r, team->size);
    if (mo_unlikely(policy != MO_BIND_FALSE || icvs->display_affinity))
        mo_affinity_plan(m, team, policy, icvs->display_affinity);
    ot->combined = r->combined;
    ot->alone = r->alone;
    if (mo_unlikely(r->combined)) {
        ot->loop = r->loop;
        ot->sections = r->sections;
        ot->reductions = r->reductions ? region_reductions(team, r->reductions) : NULL;
    }
    mo_store_relaxed(&ot->single, 0u);
    prepare_chain(team);
    team->enter = enter;
    if (watched)
        mo_observe_region(m, team, r, frame);
    mo_team_start(team);
    begin_member(mo_team_member(team, 0), frame, watched);
}

static __attribute__((noinline)) void begin_any(struct mo_member *m, const struct mo_region *r, void *frame)
{
    begin(m, r, frame, mo_traced(m));
}

void mo_region_begin_on(struct mo_member *m, const struct mo_region *r)
{
    begin_any(m, r, NULL);
}

static inline __attribute__((always_inline)) void end(struct mo_member *m, bool watched)
{
    struct mo_team *team = m->team;
    MO_ASSERT(m->tid == 0 && team->master);
    if (watched) {
        mo_team_close(team);
        mo_observe_region_end(team);
    } else {
        mo_team_close_plain(team);
    }
    mo_share_end_region(m);
    if (mo_unlikely(mo_omp_team(team)->claimed))
        return_claim(mo_omp_team(team));
    return_threads(team->master, team->size - 1);
}

void mo_region_end(void)
{
    struct mo_member *m = mo_self();
    if (mo_unlikely(mo_traced(m)))
        end(m, true);
    else
        end(m, false);
}

void mo_region_run_plain(struct mo_member *m, const struct mo_region *r)
{
    begin(m, r, NULL, false);
    r->fn(r->data);
    end(mo_self(), false);
}

static __attribute__((noinline)) void run_observed(struct mo_member *m, const struct mo_region *r)
{
    begin_any(m, r, __builtin_dwarf_cfa());
    r->fn(r->data);
    mo_region_end();
}

void mo_region_run_on(struct mo_member *m, const struct mo_region *r)
{
    if (mo_unlikely(mo_traced(m)))
        run_observed(m, r);
    else
        mo_region_run_plain(m, r);
}

struct mo_member *mo_region_ancestor(struct mo_member *m, unsigned up)
{
    while (up--)
        m = m->team->master;
    return m;
}
