/* Failures of jobs: what they said, for themselves and for their group. */
#include "sched/async.h"
#include "sched/run.h"

#include <errno.h>
#include <string.h>

static struct mo_job_error out_of_memory = {.code = ENOMEM, .text = "no memory to say why"};

#define ERROR_CLASS 2
_Static_assert(sizeof(struct mo_job_error) == MO_SLAB_BYTES(ERROR_CLASS), "fills its class");

struct mo_job_error *mo_error_new(struct mo_worker *w, int32_t code, const char *text)
{
    struct mo_job_error *e = mo_slab_alloc_owner(&w->slab, ERROR_CLASS);
    if (!e)
        return &out_of_memory;
    e->link = NULL;
    e->no_parent = NULL;
    e->code = code;
    e->home = w->index;
    strncpy(e->text, text, sizeof e->text - 1);
    e->text[sizeof e->text - 1] = 0;
    return e;
}

void mo_error_free(struct mo_worker *w, struct mo_job_error *e)
{
    if (e && e != &out_of_memory)
        mo_worker_free(w, e->home, e, ERROR_CLASS);
}

struct mo_job_error *mo_async_failure(struct mo_job *job)
{
    uint64_t word = mo_load_acquire(&job->wake);
    if (word & MO_ASYNC_SAYS_WHY)
        return MO_ASYNC_ADDRESS(word);
    return word & MO_ASYNC_FAILED ? &out_of_memory : NULL;
}

/* The one that polls it: the address is his until the poll is over (A6 in async.c). */
static void fail_async(struct mo_worker *w, struct mo_job *job, int32_t code, const char *text)
{
    uint64_t word = mo_load_relaxed(&job->wake);
    struct mo_job_error *e = mo_error_new(w, code, text);
    uint64_t more = MO_ASYNC_FAILED;
    if (e != &out_of_memory)
        more += MO_ASYNC_WITH(e) - MO_ASYNC_WITH(MO_ASYNC_ADDRESS(word)) + MO_ASYNC_SAYS_WHY;
    mo_fetch_add_acq_rel(&job->wake, more);
}

void mo_job_fail(struct mo_worker *w, int32_t code, const char *text)
{
    struct mo_job *job = w->job;
    if (!job || mo_job_failure(job))
        return;
    if (job->flags & MO_JOB_ASYNC)
        fail_async(w, job, code, text);
    else
        job->error = mo_error_new(w, code, text);
}

void mo_group_fail(struct mo_worker *w, struct mo_group *g, const struct mo_job_error *e)
{
    struct mo_job_error *copy = mo_error_new(w, e->code, e->text), *none = NULL;
    if (!mo_cas_acq_rel(&g->error, &none, copy)) /* pairs with the owner's look when it has waited */
        mo_error_free(w, copy);
    if (!g->tenacious)
        mo_group_cancel(g);
}
