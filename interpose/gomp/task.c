/* Explicit tasks. */
#include "interpose/gomp/gomp.h"

#define FREE_FLAGS ((unsigned)(TASK_UNTIED | TASK_MERGEABLE)) /* to be told to tools, no more */

struct detach {
    struct mo_task_event **handle;
    void *data;
};

/* GCC passes the address of the program's handle; the block of data begins with a copy of it. */
static void give_event(void *arg, struct mo_task_event *event)
{
    const struct detach *d = arg;
    *d->handle = event;
    if (d->data)
        *(struct mo_task_event **)d->data = event;
}

/* A task that is nothing but a function and its data, and is not stored at first sight. */
static __attribute__((noinline)) void store_plain(struct mo_member *m, void (*fn)(void *), void *data, size_t bytes)
{
    const struct mo_task_spec t = {.fn = fn, .data = data, .bytes = bytes, .align = 16, .deferrable = true};
    mo_omp_task(m, &t);
}

static __attribute__((noinline)) void create_plain(struct mo_member *m, void (*fn)(void *), void *data, size_t bytes)
{
    if (mo_likely(mo_task_may_run_now(m)))
        mo_task_run_undeferred(m, fn, data, 0);
    else if (mo_likely(mo_task_find_room(m) && mo_task_is_small(m, bytes)))
        mo_task_spawn_small(m, fn, data, bytes);
    else
        store_plain(m, fn, data, bytes);
}

/* The same with dependences. */
static __attribute__((noinline)) void store_depending(struct mo_member *m, void (*fn)(void *), void *data, size_t bytes,
                                                      const struct mo_deps *deps)
{
    const struct mo_task_spec t = {
        .fn = fn, .data = data, .bytes = bytes, .align = 16, .deferrable = true, .deps = *deps};
    mo_omp_task(m, &t);
}

static __attribute__((noinline)) void create_depending(struct mo_member *m, void (*fn)(void *), void *data,
                                                       size_t bytes, void **depend)
{
    const struct mo_deps deps = gomp_deps(depend);
    if (mo_unlikely(!deps.count || !mo_task_spawn_after(m, fn, data, bytes, &deps)))
        store_depending(m, fn, data, bytes, &deps);
}

/* Same arguments as GOMP_task, which has called nothing before: so calling this is a jump. */
static __attribute__((noinline)) void create_task(void (*fn)(void *), void *data, void (*cpyfn)(void *, void *),
                                                  long arg_size, long arg_align, bool if_clause, unsigned flags,
                                                  void **depend, int priority, void *detach)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0); /* after the jump this is GOMP_task's caller */
    struct detach d = {detach, data};
    const struct mo_deps deps = flags & TASK_DEPEND ? gomp_deps(depend) : (struct mo_deps){0};
    struct mo_task_spec t = {.fn = fn,
                             .copy = cpyfn,
                             .data = data,
                             .bytes = (size_t)arg_size,
                             .align = (size_t)arg_align,
                             .priority = flags & TASK_PRIORITY ? priority : 0,
                             .deferrable = if_clause,
                             .final = flags & TASK_FINAL,
                             .untied = flags & TASK_UNTIED,
                             .mergeable = flags & TASK_MERGEABLE,
                             .deps = deps};
    if (flags & TASK_DETACH) {
        t.detach = give_event;
        t.detach_arg = &d;
    }
    mo_omp_task(m, &t);
}

MO_EXPORT void GOMP_task(void (*fn)(void *), void *data, void (*cpyfn)(void *, void *), long arg_size, long arg_align,
                         bool if_clause, unsigned flags, void **depend, int priority, void *detach)
{
    struct mo_member *m = mo_self_peek();
    bool ordinary = m && mo_task_is_ordinary(m), simple = ordinary && if_clause && !cpyfn && arg_align <= 16;
    if (mo_likely(simple && !(flags & ~FREE_FLAGS))) {
        if (mo_likely(mo_task_is_small(m, (size_t)arg_size)))
            mo_task_spawn_small(m, fn, data, (size_t)arg_size);
        else
            create_plain(m, fn, data, (size_t)arg_size);
    } else if (simple && (flags & ~FREE_FLAGS) == TASK_DEPEND) {
        create_depending(m, fn, data, (size_t)arg_size, depend);
    } else if (mo_likely(ordinary || !m || !mo_task_cancelled(m))) { /* mo_omp_task() would find that later */
        create_task(fn, data, cpyfn, arg_size, arg_align, if_clause, flags, depend, priority, detach);
    }
}

MO_EXPORT void GOMP_taskwait(void)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!m))
        return;
    MO_OBSERVE(m, 0);
    mo_task_wait(m);
}

MO_EXPORT void GOMP_taskwait_depend(void **depend)
{
    const struct mo_deps deps = gomp_deps(depend);
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_task_wait_for(m, &deps);
}

static void nothing(void *data)
{
}

/* Later siblings wait for the addresses, the caller does not. */
MO_EXPORT void GOMP_taskwait_depend_nowait(void **depend)
{
    const struct mo_task_spec t = {.fn = nothing, .deferrable = true, .deps = gomp_deps(depend)};
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_task(m, &t);
}

MO_EXPORT void GOMP_taskyield(void)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!m))
        return;
    MO_OBSERVE(m, 0);
    mo_task_yield(m);
}

MO_EXPORT void GOMP_taskgroup_start(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_taskgroup_begin(m);
}

MO_EXPORT void GOMP_taskgroup_end(void)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    mo_omp_taskgroup_end(m);
}
