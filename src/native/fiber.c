/* Fibers (moirai/fiber.h). */
#include "native/executor.h"
#include "park/clock.h"
#include "sched/strand.h"

#include "plat/plat.h"

#include <errno.h>
#include <string.h>
#include <time.h>

_Static_assert(MOIRAI_FIBER_STACK_MIN == MO_STRAND_STACK_MIN, "the core's value");
_Static_assert(MOIRAI_FIBER_STACK_MAX == MO_STRAND_STACK_MAX, "the core's value");

struct attr {
    uint64_t made; /* ATTR_MADE */
    size_t stack_bytes;
    const char *name;
    struct mo_group *group;
    uint32_t worker;
    bool pinned;
};
_Static_assert(sizeof(struct attr) <= sizeof(moirai_fiber_attr_t), "room for it");

#define ATTR_MADE     0x6d6f69726169666bu
#define NS_PER_SECOND 1000000000u

static struct attr *attr_of(const moirai_fiber_attr_t *a)
{
    struct attr *attr = (struct attr *)a;
    return attr && attr->made == ATTR_MADE ? attr : NULL;
}

MO_API void moirai_fiber_attr_init(moirai_fiber_attr_t *a)
{
    memset(a, 0, sizeof *a);
    ((struct attr *)a)->made = ATTR_MADE;
}

MO_API int moirai_fiber_attr_set_stack_bytes(moirai_fiber_attr_t *a, size_t bytes)
{
    struct attr *attr = attr_of(a);
    if (!attr || bytes > MOIRAI_FIBER_STACK_MAX)
        return MOIRAI_EINVAL;
    attr->stack_bytes = bytes;
    return MOIRAI_OK;
}

MO_API int moirai_fiber_attr_set_name(moirai_fiber_attr_t *a, const char *name)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->name = name;
    return MOIRAI_OK;
}

MO_API int moirai_fiber_attr_set_group(moirai_fiber_attr_t *a, moirai_group_t *group)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->group = (struct mo_group *)group;
    return MOIRAI_OK;
}

MO_API int moirai_fiber_attr_set_worker(moirai_fiber_attr_t *a, unsigned worker)
{
    struct attr *attr = attr_of(a);
    if (!attr || worker >= MOIRAI_WORKERS_MAX)
        return MOIRAI_EINVAL;
    attr->worker = worker;
    attr->pinned = true;
    return MOIRAI_OK;
}

static int spawn(moirai_executor_t *executor, moirai_task_t *task, const struct mo_strand_form *form)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    if (!form->fn)
        return MOIRAI_EINVAL;
    int err = w ? mo_native_which(w, executor, &x) : ENOMEM;
    if (!err)
        err = mo_strand_spawn(w, x, form, (struct mo_job_handle *)task);
    return mo_native_status(err);
}

MO_API int moirai_go(void (*fn)(void *arg), void *arg)
{
    const struct mo_strand_form form = {.fn = fn, .arg = arg};
    return spawn(NULL, NULL, &form);
}

MO_API int moirai_fiber_spawn(moirai_executor_t *executor, moirai_task_t *task, const moirai_fiber_attr_t *a,
                              void (*fn)(void *arg), void *arg)
{
    const struct attr *attr = attr_of(a);
    struct mo_strand_form form = {.fn = fn, .arg = arg};
    if (a && !attr)
        return MOIRAI_EINVAL;
    if (attr) {
        form.stack_bytes = attr->stack_bytes;
        form.name = attr->name;
        form.group = attr->group;
        form.pinned = attr->pinned;
        form.worker = attr->worker;
        if (form.group && !executor)
            executor = (moirai_executor_t *)form.group->executor;
    }
    return spawn(executor, task, &form);
}

/* ---- Inside. */
MO_API int moirai_fiber_is_here(void)
{
    return mo_strand_here() != NULL;
}

MO_API void moirai_fiber_yield(void)
{
    if (!mo_strand_yield())
        moirai_task_yield();
}

MO_API void moirai_fiber_sleep_until(uint64_t deadline_ns)
{
    struct mo_native_strand *n = mo_strand_native();
    struct timespec at = {.tv_sec = (time_t)(deadline_ns / NS_PER_SECOND),
                          .tv_nsec = (long)(deadline_ns % NS_PER_SECOND)};
    if (n)
        mo_strand_sleep_until(n, deadline_ns);
    else if (mo_clock_is_by_hand())
        moirai_sleep_until(deadline_ns);
    else
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
            ;
}

struct blocking {
    void (*fn)(void *arg);
    void *arg;
};

static void run_blocking(void *data)
{
    const struct blocking *b = data;
    b->fn(b->arg);
}

MO_API int moirai_block(void (*fn)(void *arg), void *arg)
{
    const struct blocking b = {fn, arg};
    moirai_task_t task;
    if (!fn)
        return MOIRAI_EINVAL;
    int status = moirai_spawn_blocking(NULL, &task, run_blocking, &b, sizeof b);
    return status == MOIRAI_OK ? moirai_join(&task, NULL) : status;
}

/* ---- Storage. */
MO_API int moirai_fiber_key_new(moirai_fiber_key_t *key, void (*destroy)(void *value))
{
    return key ? mo_native_status(mo_strand_key_new(&key->moirai_word, destroy)) : MOIRAI_EINVAL;
}

MO_API int moirai_fiber_key_free(moirai_fiber_key_t key)
{
    return mo_native_status(mo_strand_key_delete(key.moirai_word));
}

MO_API int moirai_fiber_set(moirai_fiber_key_t key, void *value)
{
    struct mo_native_strand *n = mo_strand_native();
    return n ? mo_native_status(mo_strand_set(n, key.moirai_word, value)) : MOIRAI_EPERM;
}

MO_API void *moirai_fiber_get(moirai_fiber_key_t key)
{
    struct mo_native_strand *n = mo_strand_native();
    return n ? mo_strand_get(n, key.moirai_word) : NULL;
}
