/* Futures (moirai/future.h). */
#include "native/executor.h"
#include "sched/async.h"
#include "sched/strand.h"

#include <errno.h>

_Static_assert(sizeof(moirai_waker_t) == sizeof(struct mo_waker), "the core's layout");
_Static_assert(sizeof(moirai_future_ops_t) == sizeof(struct mo_async_ops) &&
                   offsetof(moirai_future_ops_t, drop) == offsetof(struct mo_async_ops, drop) &&
                   offsetof(moirai_future_ops_t, begin) == offsetof(struct mo_async_ops, begin),
               "the core's layout");

static const struct mo_waker *waker_of(const moirai_waker_t *waker)
{
    return (const struct mo_waker *)waker;
}

/* ---- Running. */
static int spawn(struct mo_executor *x, struct mo_group *group, moirai_task_t *task, const moirai_future_t *future,
                 size_t bytes)
{
    struct mo_worker *w = mo_native_worker();
    const struct mo_job_spec spec = {.bytes = bytes, .handle = task, .group = group};
    int err = w ? 0 : ENOMEM;
    if (!future || !future->ops || !future->ops->poll || bytes < sizeof *future || bytes > MO_JOB_BYTES_MAX)
        return MOIRAI_EINVAL;
    if (!err)
        err = mo_native_which(w, (moirai_executor_t *)x, &x);
    if (!err)
        err = mo_async_spawn(w, x, &spec, future, (struct mo_job_handle *)task);
    return mo_native_status(err);
}

MO_API int moirai_async(moirai_executor_t *executor, moirai_task_t *task, const moirai_future_t *future, size_t bytes)
{
    return spawn(mo_native_executor(executor), NULL, task, future, bytes);
}

MO_API int moirai_group_async(moirai_group_t *group, moirai_task_t *task, const moirai_future_t *future, size_t bytes)
{
    struct mo_group *g = (struct mo_group *)group;
    return g ? spawn(g->executor, g, task, future, bytes) : MOIRAI_EINVAL;
}

MO_API int moirai_block_on(moirai_future_t *future, uint64_t deadline_ns)
{
    struct mo_worker *w = mo_native_worker();
    int err = ENOMEM;
    if (!future || !future->ops || !future->ops->poll)
        return MOIRAI_EINVAL;
    struct mo_native_strand *n = mo_strand_native();
    if (n)
        return mo_strand_block_on(n, future, deadline_ns) ? MOIRAI_OK : MOIRAI_ETIMEDOUT;
    if (w && mo_async_block_on(w, future, deadline_ns, &err))
        return MOIRAI_OK;
    return err ? mo_native_status(err) : MOIRAI_ETIMEDOUT;
}

/* ---- Wakers. */
MO_API moirai_waker_t moirai_waker_clone(const moirai_waker_t *waker)
{
    mo_waker_keep(waker_of(waker));
    return *waker;
}

MO_API void moirai_waker_wake(const moirai_waker_t *waker)
{
    mo_waker_wake(waker_of(waker));
}

/* A thread that there is no memory to meet leaves the block to nobody; it stays until the process ends. */
MO_API void moirai_waker_drop(moirai_waker_t *waker)
{
    struct mo_worker *w = mo_native_worker();
    if (w)
        mo_waker_drop(w, waker_of(waker));
    waker->moirai_word = 0;
}

MO_API int moirai_waker_may_go_on(const moirai_waker_t *waker)
{
    struct mo_worker *w = mo_native_worker();
    return !w || mo_async_spend(w, waker_of(waker));
}

/* ---- Waiting for a task. */
static struct mo_job *awaited(const moirai_await_t *await)
{
    return await->task ? mo_native_job(await->task) : NULL;
}

static int poll_await(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_await_t *await = (moirai_await_t *)self;
    struct mo_job *job = awaited(await);
    struct mo_worker *w = mo_native_worker();
    if (job && w && w->job == job) {
        await->status = MOIRAI_EDEADLOCK;
        return MOIRAI_READY;
    }
    if (job && w && !mo_async_await(w, job, waker_of(waker)))
        return MOIRAI_PENDING;
    await->status = job && !w     ? MOIRAI_ENOMEM
                    : await->task ? moirai_try_join(await->task, await->result)
                                  : MOIRAI_EINVAL;
    return MOIRAI_READY;
}

static void drop_await(moirai_future_t *self)
{
    struct mo_job *job = awaited((moirai_await_t *)self);
    struct mo_worker *w = mo_native_worker();
    if (job && w)
        mo_async_unawait(w, job);
}

MO_API void moirai_await_init(moirai_await_t *await, moirai_task_t *task, void *result)
{
    static const moirai_future_ops_t ops = {.poll = poll_await, .drop = drop_await};
    *await = (moirai_await_t){{&ops}, task, result, MOIRAI_OK};
}

/* ---- All of them, one of them. */
static int poll_all(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_all_t *all = (moirai_all_t *)self;
    for (size_t i = 0; i < all->count; i++)
        if (all->of[i] && moirai_future_poll(all->of[i], waker) == MOIRAI_READY) {
            all->of[i] = NULL;
            all->left--;
        }
    return all->left == 0;
}

static void drop_others(moirai_future_t **of, size_t count, size_t but)
{
    for (size_t i = 0; i < count; i++)
        if (i != but && of[i])
            moirai_future_drop(of[i]);
}

static void drop_all(moirai_future_t *self)
{
    moirai_all_t *all = (moirai_all_t *)self;
    drop_others(all->of, all->count, all->count);
}

MO_API void moirai_all_init(moirai_all_t *all, moirai_future_t **of, size_t count)
{
    static const moirai_future_ops_t ops = {.poll = poll_all, .drop = drop_all};
    *all = (moirai_all_t){{&ops}, of, count, count};
}

static int poll_any(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_any_t *any = (moirai_any_t *)self;
    size_t turn = any->turn++;
    for (size_t n = 0; n < any->count; n++) {
        size_t i = (turn + n) % any->count;
        if (moirai_future_poll(any->of[i], waker) != MOIRAI_READY)
            continue;
        any->first = i;
        if (!any->keep)
            drop_others(any->of, any->count, i);
        return MOIRAI_READY;
    }
    return MOIRAI_PENDING;
}

static void drop_any(moirai_future_t *self)
{
    moirai_any_t *any = (moirai_any_t *)self;
    drop_others(any->of, any->count, any->count);
}

MO_API void moirai_any_init(moirai_any_t *any, moirai_future_t **of, size_t count, int keep)
{
    static const moirai_future_ops_t ops = {.poll = poll_any, .drop = drop_any};
    *any = (moirai_any_t){{&ops}, of, count, count, 0, keep};
}

/* ---- One after the other. */
static int poll_map(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_map_t *map = (moirai_map_t *)self;
    if (moirai_future_poll(map->first, waker) != MOIRAI_READY)
        return MOIRAI_PENDING;
    map->fn(map->first, map->arg);
    return MOIRAI_READY;
}

static void drop_map(moirai_future_t *self)
{
    moirai_future_drop(((moirai_map_t *)self)->first);
}

MO_API void moirai_map_init(moirai_map_t *map, moirai_future_t *first, void (*fn)(moirai_future_t *first, void *arg),
                            void *arg)
{
    static const moirai_future_ops_t ops = {.poll = poll_map, .drop = drop_map};
    *map = (moirai_map_t){{&ops}, first, fn, arg};
}

static int poll_chain(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_chain_t *chain = (moirai_chain_t *)self;
    while (chain->now && moirai_future_poll(chain->now, waker) == MOIRAI_READY)
        chain->now = chain->fn(chain->now, chain->arg);
    return chain->now == NULL;
}

static void drop_chain(moirai_future_t *self)
{
    moirai_chain_t *chain = (moirai_chain_t *)self;
    if (chain->now)
        moirai_future_drop(chain->now);
}

MO_API void moirai_chain_init(moirai_chain_t *chain, moirai_future_t *first,
                              moirai_future_t *(*fn)(moirai_future_t *over, void *arg), void *arg)
{
    static const moirai_future_ops_t ops = {.poll = poll_chain, .drop = drop_chain};
    *chain = (moirai_chain_t){{&ops}, first, fn, arg};
}
