/* Schedulers (moirai/scheduler.h). */
#include "native/executor.h"

_Static_assert(sizeof(moirai_scheduler_t) == sizeof(struct mo_scheduler) &&
                   offsetof(moirai_scheduler_t, load) == offsetof(struct mo_scheduler, load),
               "the core's layout");

MO_API int moirai_executor_attr_set_scheduler(moirai_executor_attr_t *a, const moirai_scheduler_t *s, void *self)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || (s && !(s->schedule && s->next && s->try_steal && s->load && s->can_be_stolen_from)))
        return MOIRAI_EINVAL;
    attr->scheduler = (const struct mo_scheduler *)s;
    attr->scheduler_self = self;
    return MOIRAI_OK;
}

/* ---- Entries. */
static const struct mo_job_ext *ext_of(const moirai_entry_t *entry)
{
    struct mo_job *job = (struct mo_job *)entry;
    return job->flags & MO_JOB_EXTENDED ? mo_job_ext(job) : NULL;
}

MO_API void **moirai_entry_link(moirai_entry_t *entry)
{
    return &mo_job_watch((struct mo_job *)entry)->link;
}

MO_API int moirai_entry_priority(const moirai_entry_t *entry)
{
    const struct mo_job_ext *ext = ext_of(entry);
    return ext ? ext->priority : 0;
}

MO_API uint64_t moirai_entry_cost_ns(const moirai_entry_t *entry)
{
    const struct mo_job_ext *ext = ext_of(entry);
    return ext ? ext->cost_ns : 0;
}

MO_API const char *moirai_entry_name(const moirai_entry_t *entry)
{
    const struct mo_job_ext *ext = ext_of(entry);
    return ext ? ext->name : NULL;
}

/* ---- First in, first out: one list under a lock. The count is read without it, by who is about to sleep, too; a
   worker that sees 0 there has announced that before (steal.c). */
struct fifo {
    _Atomic uint32_t lock;
    _Atomic uint32_t count;
    moirai_entry_t *first, *last;
};
_Static_assert(sizeof(struct fifo) <= sizeof(moirai_fifo_t), "room for it");

MO_API void moirai_fifo_init(moirai_fifo_t *fifo)
{
    *(struct fifo *)fifo = (struct fifo){.first = NULL};
}

static int fifo_schedule(void *self, int worker, moirai_entry_t *entry)
{
    struct fifo *f = self;
    *moirai_entry_link(entry) = NULL;
    mo_mutex_lock(&f->lock);
    if (f->first)
        *moirai_entry_link(f->last) = entry;
    else
        f->first = entry;
    f->last = entry;
    mo_fetch_add_seqcst(&f->count, 1u);
    mo_mutex_unlock(&f->lock);
    return MOIRAI_OK;
}

static moirai_entry_t *fifo_next(void *self, unsigned worker)
{
    struct fifo *f = self;
    if (!mo_load_seqcst(&f->count))
        return NULL;
    mo_mutex_lock(&f->lock);
    moirai_entry_t *entry = f->first;
    if (entry) {
        f->first = *moirai_entry_link(entry);
        mo_fetch_sub_seqcst(&f->count, 1u);
    }
    mo_mutex_unlock(&f->lock);
    return entry;
}

static moirai_entry_t *fifo_try_steal(void *self, unsigned thief, unsigned victim)
{
    return NULL;
}

static size_t fifo_load(void *self)
{
    return mo_load_relaxed(&((struct fifo *)self)->count);
}

static int fifo_can_be_stolen_from(void *self, unsigned victim)
{
    return 0; /* nothing is any worker's own */
}

MO_API const moirai_scheduler_t *moirai_fifo_scheduler(void)
{
    static const moirai_scheduler_t fifo = {.schedule = fifo_schedule,
                                            .next = fifo_next,
                                            .try_steal = fifo_try_steal,
                                            .load = fifo_load,
                                            .can_be_stolen_from = fifo_can_be_stolen_from};
    return &fifo;
}
