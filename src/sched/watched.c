/* Executors that are more than the usual one: with plug-ins, a registry, figures, or a scheduler of somebody else's.
   All of their jobs have a struct mo_job_watch and are EXPOSED, so the short ways, and what is inlined for jobs that
   only one thread knows, never see them, and an executor without any of this pays nothing for it.

   W1  A watched job is ended by one thread alone: by who brought its phase to RUNNING. Who cancels one does that, too,
       and then ends it as cancelled. So what is told before the end is told by the one who is going to end it.
   W2  An executor whose jobs are being claimed, cancelled or ended elsewhere than on its own threads is not let go:
       such a thread counts itself `inside` before it touches the phase (seq_cst), and a shutdown waits for that count
       when all entries have been dealt with, which comes after that phase was set. */
#include "sched/async.h"
#include "sched/run.h"

#include <errno.h>

#define LOOK_AGAIN_NS 200000

/* ---- Telling plug-ins: before something in their order, after it in the opposite one. */
static void call_before(const struct mo_executor_watch *watch, enum mo_plugin_point at, const struct mo_job_info *info)
{
    for (unsigned i = 0; i < watch->plugins; i++)
        if (watch->plugin[i]->at[at])
            watch->plugin[i]->at[at](watch->plugin[i]->user, info);
}

static void call_after(const struct mo_executor_watch *watch, enum mo_plugin_point at, const struct mo_job_info *info)
{
    for (unsigned i = watch->plugins; i-- > 0;)
        if (watch->plugin[i]->at[at])
            watch->plugin[i]->at[at](watch->plugin[i]->user, info);
}

void mo_watched_info(struct mo_worker *w, struct mo_job *job, struct mo_job_info *info)
{
    const struct mo_executor *x = mo_job_watch(job)->executor;
    const struct mo_job_ext *ext = job->flags & MO_JOB_EXTENDED ? mo_job_ext(job) : NULL;
    const struct mo_seat *seat = w->seat;
    enum mo_job_phase phase = MO_JOB_PHASE(mo_load_relaxed(&job->state));
    *info = (struct mo_job_info){.number = mo_job_number(job),
                                 .name = ext ? ext->name : NULL,
                                 .cost_ns = ext ? ext->cost_ns : 0,
                                 .priority = ext ? ext->priority : 0,
                                 .phase = phase == MO_JOB_BLOCKED ? MO_JOB_QUEUED : phase,
                                 .worker = seat && seat->executor == x ? (int)seat->member->tid - 1 : -1,
                                 .text = ""};
}

/* ---- Creating. */
bool mo_watched_created(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_executor_watch *watch = &x->watch;
    struct mo_job_info info;
    job->flags |= MO_JOB_WATCHED;
    *mo_job_watch(job) = (struct mo_job_watch){.executor = x, .created_ns = watch->metrics ? mo_plat_now_ns() : 0};
    if (watch->registry && !mo_registry_add(w, watch->registry, job, mo_job_number(job)))
        return false;
    mo_watched_info(w, job, &info);
    call_before(watch, MO_BEFORE_SPAWN, &info);
    return true;
}

void mo_watched_spawned(struct mo_executor *x, const struct mo_job_info *info)
{
    call_after(&x->watch, MO_AFTER_SPAWN, info);
}

void mo_watched_discarded(struct mo_worker *w, struct mo_job *job)
{
    struct mo_executor *x = mo_job_watch(job)->executor;
    if (x->watch.registry)
        mo_registry_remove(w, x->watch.registry, mo_job_number(job));
}

/* ---- Running. */
static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
    uint64_t was = mo_load_relaxed(most);
    while (was < value && !mo_cas_relaxed(most, &was, value))
        ;
}

static void measure(struct mo_executor_watch *watch, uint64_t created, uint64_t began)
{
    uint64_t took = mo_plat_now_ns() - began;
    mo_fetch_add_relaxed(&watch->busy_ns, took);
    mo_fetch_add_relaxed(&watch->waited_ns, began - created);
    raise_to(&watch->longest_ns, took);
}

void mo_watched_invoke(struct mo_worker *w, struct mo_job *job, void (*fn)(void *))
{
    struct mo_executor_watch *watch = &mo_job_watch(job)->executor->watch;
    uint64_t began = watch->metrics ? mo_plat_now_ns() : 0;
    struct mo_job_info info;
    if (watch->plugins) {
        mo_watched_info(w, job, &info);
        call_before(watch, MO_BEFORE_EXECUTE, &info);
    }
    mo_job_invoke_body(w, job, fn);
    if (watch->metrics)
        measure(watch, job->flags & MO_JOB_ASYNC ? began : mo_job_watch(job)->created_ns, began);
    if (watch->plugins) {
        const struct mo_job_error *why = mo_job_failure(job);
        info.code = why ? why->code : 0;
        info.text = why ? why->text : "";
        call_after(watch, MO_AFTER_EXECUTE, &info);
    }
}

/* ---- Ending. */
void mo_watched_enter(struct mo_executor *x)
{
    mo_fetch_add_seqcst(&x->watch.inside, 1u); /* W2 */
}

void mo_watched_leave(struct mo_executor *x)
{
    mo_fetch_sub_seqcst(&x->watch.inside, 1u);
}

/* The text is copied: the error goes with the job. */
void mo_watched_conclude(struct mo_worker *w, struct mo_job *job, uint64_t state, enum mo_job_phase phase)
{
    struct mo_executor *x = mo_job_watch(job)->executor;
    struct mo_job_error failure = {.code = 0};
    struct mo_job_info info;
    mo_watched_enter(x);
    mo_watched_info(w, job, &info);
    if (phase == MO_JOB_FAILED)
        failure = *mo_job_failure(job);
    info.code = failure.code;
    info.text = failure.text;
    info.phase = phase;
    call_before(&x->watch, MO_BEFORE_COMPLETE, &info);
    if (x->watch.registry)
        mo_registry_end(w, x->watch.registry, &info);
    mo_job_conclude_plain(w, job, state, phase);
    call_after(&x->watch, MO_AFTER_COMPLETE, &info);
    mo_watched_leave(x);
}

/* Requires that the job is there: its handle, or the registry's lock. 0: nobody else will run it, or end it. */
static int seize(struct mo_job *job)
{
    uint64_t state = mo_load_acquire(&job->state);
    for (;;) {
        bool begun = MO_JOB_PHASE(state) == MO_JOB_RUNNING;
        if (MO_JOB_OVER(state))
            return EALREADY;
        uint64_t next = begun ? state | MO_JOB_CANCEL : (state & ~(uint64_t)7) | MO_JOB_RUNNING;
        if (!mo_cas_seqcst(&job->state, &state, next))
            continue;
        if (begun && job->flags & MO_JOB_ASYNC)
            mo_async_wake(job);
        return begun ? EBUSY : 0;
    }
}

int mo_watched_cancel(struct mo_worker *w, struct mo_job *job)
{
    struct mo_executor *x = mo_job_watch(job)->executor;
    mo_watched_enter(x);
    int err = seize(job);
    if (!err)
        mo_watched_conclude(w, job, mo_load_relaxed(&job->state), MO_JOB_CANCELLED);
    mo_watched_leave(x);
    return err;
}

/* ---- By number. */
struct asked {
    struct mo_worker *w;
    uint64_t number;
    struct mo_executor *x; /* entered */
    struct mo_job *job;    /* seized */
    int err;
    enum mo_job_phase phase;
    struct mo_job_error *error;
};

static bool seize_found(struct mo_executor *x, void *arg)
{
    struct asked *a = arg;
    struct mo_found found;
    mo_registry_lock(x->watch.registry);
    bool known = mo_registry_find_locked(a->w, x->watch.registry, a->number, &found);
    if (known) {
        mo_watched_enter(x);
        a->x = x;
        a->job = found.job;
        a->err = found.job ? seize(found.job) : EALREADY;
    }
    mo_registry_unlock(x->watch.registry);
    return known;
}

int mo_number_cancel(struct mo_worker *w, uint64_t number)
{
    struct asked a = {.w = w, .number = number};
    if (!mo_registries_visit(seize_found, &a)) {
        struct mo_job *job = mo_job_find(number);
        return job ? mo_job_cancel(w, job) : ESRCH;
    }
    if (!a.err) /* W1: it is ours to end, and stays until then */
        mo_watched_conclude(w, a.job, mo_load_relaxed(&a.job->state), MO_JOB_CANCELLED);
    mo_watched_leave(a.x);
    return a.err;
}

static bool look_up(struct mo_executor *x, void *arg)
{
    struct asked *a = arg;
    struct mo_found found;
    mo_registry_lock(x->watch.registry);
    bool known = mo_registry_find_locked(a->w, x->watch.registry, a->number, &found);
    if (known) {
        a->phase = found.job ? MO_JOB_PHASE(mo_load_acquire(&found.job->state)) : found.phase;
        if (a->error && found.text) {
            a->error->code = found.code;
            __builtin_memcpy(a->error->text, found.text, sizeof a->error->text);
        }
    }
    mo_registry_unlock(x->watch.registry);
    return known;
}

bool mo_number_phase(struct mo_worker *w, uint64_t number, enum mo_job_phase *phase, struct mo_job_error *error)
{
    struct asked a = {.w = w, .number = number, .error = error};
    if (!mo_registries_visit(look_up, &a)) {
        struct mo_job *job = mo_job_find(number);
        if (!job)
            return false;
        a.phase = MO_JOB_PHASE(mo_load_acquire(&job->state));
        if (a.phase == MO_JOB_FAILED && error)
            *error = *mo_job_failure(job);
    }
    *phase = a.phase;
    return true;
}

/* ---- Executors. */
int mo_watched_open(struct mo_executor *x, const struct mo_executor_form *form)
{
    struct mo_executor_watch *watch = &x->watch;
    watch->plugins = form->plugins;
    for (unsigned i = 0; i < form->plugins; i++)
        watch->plugin[i] = form->plugin[i];
    watch->scheduler = form->scheduler;
    watch->scheduler_self = form->scheduler_self;
    watch->metrics = form->metrics;
    mo_store_relaxed(&watch->busy_ns, 0u);
    mo_store_relaxed(&watch->longest_ns, 0u);
    mo_store_relaxed(&watch->waited_ns, 0u);
    struct mo_registry *r = form->retention.count ? mo_registry_new(&form->retention) : NULL;
    x->watching = form->plugins || form->metrics || form->scheduler || r;
    mo_registry_set(x, r);
    return form->retention.count && !r ? ENOMEM : 0;
}

void mo_watched_close(struct mo_executor *x)
{
    struct mo_registry *r = x->watch.registry;
    mo_registry_set(x, NULL);
    x->watch.plugins = 0;
    x->watch.scheduler = NULL;
    if (r)
        mo_registry_free(mo_self()->worker, r);
}

void mo_watched_shutdown_begins(struct mo_executor *x)
{
    for (unsigned i = 0; i < x->watch.plugins; i++)
        if (x->watch.plugin[i]->before_shutdown)
            x->watch.plugin[i]->before_shutdown(x->watch.plugin[i]->user, x);
}

static bool nobody_is_inside(void *arg)
{
    struct mo_executor *x = arg;
    return mo_load_seqcst(&x->watch.inside) == 0;
}

void mo_watched_shutdown_over(struct mo_executor *x)
{
    const struct mo_wait wait = {
        .ready = nobody_is_inside, .arg = x, .event = &x->closed, .bits = MO_WAKE_ANY, .relook_ns = LOOK_AGAIN_NS};
    if (x->watching && !nobody_is_inside(x))
        mo_wait((struct mo_wait *)&wait);
    for (unsigned i = x->watch.plugins; i-- > 0;)
        if (x->watch.plugin[i]->after_shutdown)
            x->watch.plugin[i]->after_shutdown(x->watch.plugin[i]->user, x);
}
