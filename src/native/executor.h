/* What the faces of tasks and executors share. */
#ifndef MO_NATIVE_EXECUTOR_H
#define MO_NATIVE_EXECUTOR_H

#include "native/native.h"
#include "sched/job.h"

#include "moirai/moirai.h"

static inline struct mo_executor *mo_native_executor(moirai_executor_t *executor)
{
    return (struct mo_executor *)executor;
}

/* In the program's attribute. */
struct mo_executor_attr {
    uint64_t made;
    uint32_t workers, blocking_limit;
    uint32_t steal, numa;
    char name[MO_EXECUTOR_NAME];
    bool flat, metrics;
    uint32_t plugins;
    const struct mo_plugin *plugin[MO_PLUGINS_MAX];
    struct mo_retention retention;
    const struct mo_scheduler *scheduler;
    void *scheduler_self;
};

/* NULL: it was not initialised. */
struct mo_executor_attr *mo_native_executor_attr(moirai_executor_attr_t *attr);

/* The caller's worker; NULL when there is no memory to meet its thread. */
static inline struct mo_worker *mo_native_worker(void)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!m) && !(m = mo_sched_try_adopt()))
        return NULL;
    return m->worker;
}

/* The executor that a call means; requires a worker. 0 or an errno value. */
static inline int mo_native_which(const struct mo_worker *w, moirai_executor_t *executor, struct mo_executor **x)
{
    *x = executor ? mo_native_executor(executor) : w->serves;
    return mo_likely(*x != NULL) ? 0 : mo_executor_default(x);
}

/* NULL: it is used up. A copy of such a handle leads to a block that is free or another job's: both tell by the
   number. */
static inline struct mo_job *mo_native_job(const moirai_task_t *task)
{
    const struct mo_job_handle *h = (const struct mo_job_handle *)task;
    return mo_likely(h->job && mo_load_relaxed(&h->job->id) == h->id && mo_job_has_handle(h->job)) ? h->job : NULL;
}

static inline void mo_native_copy_error(moirai_error_t *to, const struct mo_job_error *from)
{
    to->code = from->code;
    __builtin_memcpy(to->text, from->text, sizeof to->text);
}

#endif
