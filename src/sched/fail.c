/* Failures of jobs: what they said, for themselves and for their group. */
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
    e->unused = e->no_parent = NULL;
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

void mo_job_fail(struct mo_worker *w, int32_t code, const char *text)
{
    struct mo_job *job = w->job;
    if (job && !job->error)
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
