/* Events: what happened becomes a call of the tool's function, and the records say what the tool may ask about. */
#include "obs/internal.h"
#include "watch/trace.h"

#define CALLBACK(event, type) ((type)mo_load_relaxed(&MO_SHARED(obs).callback[event]))

/* Tell the tool if it wants to know. */
#define TELL_AS(event, type, ...)                                                                                      \
    do {                                                                                                               \
        type mo_f = CALLBACK(event, type);                                                                             \
        if (mo_f)                                                                                                      \
            mo_f(__VA_ARGS__);                                                                                         \
    } while (0)
#define TELL(event, ...) TELL_AS(event, event##_t, __VA_ARGS__)

#define RUNTIME_CFA (ompt_frame_runtime | ompt_frame_cfa)

static ompt_data_t *data_of(union mo_obs_data *data)
{
    return (ompt_data_t *)data;
}

static ompt_data_t *task_data(struct mo_obs_thread *t)
{
    return data_of(&t->task->data);
}

static ompt_data_t *parallel_data(struct mo_obs_thread *t)
{
    return data_of(&t->task->parallel->data);
}

/* ---- Frames: a task is in the runtime from `enter` on; the runtime called it from `exit`. */
static void enter_runtime(struct mo_obs_thread *t)
{
    t->task->frame.enter.ptr = t->cfa;
    t->task->frame.enter_flags = RUNTIME_CFA;
}

static void leave_runtime(struct mo_obs_thread *t)
{
    t->task->frame.enter = (union mo_obs_data){0};
}

static void set_exit(struct mo_obs_task *task, void *frame)
{
    task->frame.exit.ptr = frame;
    task->frame.exit_flags = RUNTIME_CFA;
}

/* ---- Threads. */
void mo_obs_thread_begin(struct mo_obs_thread *t, bool pooled)
{
    *t = (struct mo_obs_thread){.begun = true};
    if (pooled)
        mo_fetch_add_relaxed(&MO_SHARED(obs).pool_threads, 1u);
    TELL(ompt_callback_thread_begin, pooled ? ompt_thread_worker : ompt_thread_initial, data_of(&t->data));
}

void mo_obs_thread_end(struct mo_obs_thread *t)
{
    if (!t->begun)
        return;
    t->begun = false;
    TELL(ompt_callback_thread_end, data_of(&t->data));
}

void mo_obs_pool_thread_gone(void)
{
    mo_fetch_add_acq_rel(&MO_SHARED(obs).pool_threads, -1u);
}

void mo_obs_initial_begin(struct mo_obs_thread *t, struct mo_obs_parallel *p, struct mo_obs_task *task, unsigned size,
                          unsigned index)
{
    *task = (struct mo_obs_task){.outer = t->task, .parallel = p, .flags = MO_OBS_TASK_INITIAL};
    t->task = task;
    TELL(ompt_callback_implicit_task, ompt_scope_begin, data_of(&p->data), data_of(&task->data), size, index,
         ompt_task_initial);
}

void mo_obs_initial_end(struct mo_obs_thread *t, unsigned size, unsigned index)
{
    struct mo_obs_task *task = t->task;
    mo_obs_work_end(t);
    /* OpenMP wants no region here; tools rely on it, as LLVM's runtime passes one. */
    TELL(ompt_callback_implicit_task, ompt_scope_end, data_of(&task->parallel->data), data_of(&task->data), size, index,
         ompt_task_initial);
    t->task = task->outer;
}

/* ---- Regions. */
void mo_obs_parallel_begin(struct mo_obs_thread *t, struct mo_obs_parallel *p, unsigned wanted, int flags)
{
    *p = (struct mo_obs_parallel){.task = t->task, .codeptr = t->codeptr, .flags = flags};
    enter_runtime(t);
    mo_trace(MO_TRACE_REGION, p->codeptr, 0, wanted);
    TELL(ompt_callback_parallel_begin, task_data(t), (const ompt_frame_t *)&t->task->frame, data_of(&p->data), wanted,
         flags, p->codeptr);
}

void mo_obs_parallel_end(struct mo_obs_thread *t, struct mo_obs_parallel *p)
{
    t->task = p->task;
    t->codeptr = p->codeptr;
    leave_runtime(t);
    mo_trace(MO_TRACE_END(MO_TRACE_REGION), p->codeptr, 0, 0);
    TELL(ompt_callback_parallel_end, data_of(&p->data), task_data(t), p->flags, p->codeptr);
}

void mo_obs_implicit_begin(struct mo_obs_thread *t, struct mo_obs_parallel *p, struct mo_obs_task *task,
                           unsigned thread_num, void *frame)
{
    *task =
        (struct mo_obs_task){.outer = p->task, .parallel = p, .flags = MO_OBS_TASK_IMPLICIT, .thread_num = thread_num};
    set_exit(task, frame);
    t->codeptr = p->codeptr; /* constructs that are combined with the region */
    t->task = task;
    mo_trace(MO_TRACE_MEMBER, p->codeptr, p->size, thread_num);
    TELL(ompt_callback_implicit_task, ompt_scope_begin, data_of(&p->data), data_of(&task->data), p->size, thread_num,
         ompt_task_implicit);
}

void mo_obs_implicit_end(struct mo_obs_thread *t, unsigned size)
{
    struct mo_obs_task *task = t->task;
    mo_trace(MO_TRACE_END(MO_TRACE_MEMBER), NULL, 0, 0);
    TELL(ompt_callback_implicit_task, ompt_scope_end, NULL, data_of(&task->data), size, task->thread_num,
         ompt_task_implicit);
    t->task = NULL;
}

/* ---- Tasks. */
void mo_obs_task_init(struct mo_obs_thread *t, struct mo_obs_task *task, void *block, void *memory, size_t bytes)
{
    mo_obs_annotation *annotate = MO_SHARED(obs).happens_after;
    *task = (struct mo_obs_task){.parallel = t->task->parallel, .block = block, .memory = memory, .bytes = bytes};
    if (annotate && block)
        annotate(__FILE__, __LINE__, block);
}

void mo_obs_block_free(const void *block)
{
    mo_obs_annotation *annotate = MO_SHARED(obs).happens_before;
    if (annotate)
        annotate(__FILE__, __LINE__, block);
}

void mo_obs_task_created(struct mo_obs_thread *t, struct mo_obs_task *task, int flags, bool depends)
{
    task->flags = flags | t->clauses;
    t->clauses = 0;
    task->codeptr = t->codeptr;
    enter_runtime(t);
    mo_trace(MO_TRACE_CREATE, t->codeptr, (uintptr_t)task, (uint32_t)task->flags);
    TELL(ompt_callback_task_create, task_data(t), (const ompt_frame_t *)&t->task->frame, data_of(&task->data),
         task->flags, depends, t->codeptr);
    leave_runtime(t);
    mo_store_release(&task->told, true); /* pairs with mo_obs_task_fulfilled() */
}

void mo_obs_dependences(struct mo_obs_task *task, const struct mo_obs_dep *deps, unsigned count)
{
    TELL(ompt_callback_dependences, data_of(&task->data), (const ompt_dependence_t *)deps, (int)count);
}

void mo_obs_dependence_found(struct mo_obs_task *before, struct mo_obs_task *after)
{
    TELL(ompt_callback_task_dependence, data_of(&before->data), data_of(&after->data));
}

void mo_obs_task_begin(struct mo_obs_thread *t, struct mo_obs_task *task, unsigned thread_num, void *frame)
{
    ompt_task_status_t prior = t->yielding ? ompt_task_yield : ompt_task_switch;
    task->outer = t->task;
    task->thread_num = thread_num;
    task->interrupted_codeptr = t->codeptr;
    task->interrupted_clauses = t->clauses;
    t->clauses = 0;
    task->interrupted_cfa = t->cfa;
    task->interrupted_state = t->state;
    if (task->flags & MO_OBS_TASK_UNDEFERRED)
        enter_runtime(t);
    set_exit(task, frame);
    t->yielding = false;
    t->state = 0;
    t->task = task;
    mo_trace(MO_TRACE_TASK, task->codeptr, (uintptr_t)task, (uint32_t)task->flags);
    TELL(ompt_callback_task_schedule, data_of(&task->outer->data), prior, data_of(&task->data));
}

void mo_obs_task_end(struct mo_obs_thread *t, enum mo_obs_status status)
{
    struct mo_obs_task *task = t->task;
    mo_obs_annotation *annotate = MO_SHARED(obs).happens_before;
    mo_obs_work_end(t);
    if (annotate && task->block)
        annotate(__FILE__, __LINE__, task->block);
    t->task = task->outer;
    t->codeptr = task->interrupted_codeptr;
    t->clauses = task->interrupted_clauses;
    t->cfa = task->interrupted_cfa;
    t->state = task->interrupted_state;
    if (task->flags & MO_OBS_TASK_UNDEFERRED)
        leave_runtime(t);
    mo_trace(MO_TRACE_END(MO_TRACE_TASK), NULL, (uintptr_t)task, (uint32_t)status);
    TELL(ompt_callback_task_schedule, data_of(&task->data), (ompt_task_status_t)status, data_of(&task->outer->data));
}

/* There is no next task. Early ones nevertheless come with the current one where there is one: LLVM's Archer of version
   14 looks at it. */
void mo_obs_task_fulfilled(struct mo_obs_task *task, bool late)
{
    struct mo_obs_thread *t = late ? NULL : MO_SHARED(obs_host).self();
    if (!mo_load_acquire(&task->told))
        return;
    TELL(ompt_callback_task_schedule, data_of(&task->data), late ? ompt_task_late_fulfill : ompt_task_early_fulfill,
         t && t->task ? task_data(t) : NULL);
}

/* ---- Synchronisation. */
static ompt_state_t state_of(enum mo_obs_sync kind)
{
    switch (kind) {
    case MO_OBS_TASKWAIT:
        return ompt_state_wait_taskwait;
    case MO_OBS_TASKGROUP:
        return ompt_state_wait_taskgroup;
    case MO_OBS_BARRIER_WORKSHARE:
        return ompt_state_wait_barrier_implicit_workshare;
    case MO_OBS_BARRIER_PARALLEL:
        return ompt_state_wait_barrier_implicit_parallel;
    case MO_OBS_BARRIER_EXPLICIT:
        return ompt_state_wait_barrier_explicit;
    default:
        return ompt_state_wait_barrier_implementation;
    }
}

/* The region may be gone when the barrier at its end is over. */
static ompt_data_t *parallel_at_end(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    return kind == MO_OBS_BARRIER_PARALLEL ? NULL : parallel_data(t);
}

void mo_obs_sync_begin(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    TELL_AS(ompt_callback_sync_region, ompt_callback_sync_region_t, (ompt_sync_region_t)kind, ompt_scope_begin,
            parallel_data(t), task_data(t), t->codeptr);
}

void mo_obs_sync_end(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    TELL_AS(ompt_callback_sync_region, ompt_callback_sync_region_t, (ompt_sync_region_t)kind, ompt_scope_end,
            parallel_at_end(t, kind), task_data(t), t->codeptr);
}

void mo_obs_wait_begin(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    enter_runtime(t);
    t->state = state_of(kind);
    t->wait_id = 0;
    mo_trace(MO_TRACE_WAIT, t->codeptr, 0, kind);
    TELL_AS(ompt_callback_sync_region_wait, ompt_callback_sync_region_t, (ompt_sync_region_t)kind, ompt_scope_begin,
            parallel_data(t), task_data(t), t->codeptr);
}

void mo_obs_wait_end(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    mo_trace(MO_TRACE_END(MO_TRACE_WAIT), NULL, 0, kind);
    TELL_AS(ompt_callback_sync_region_wait, ompt_callback_sync_region_t, (ompt_sync_region_t)kind, ompt_scope_end,
            parallel_at_end(t, kind), task_data(t), t->codeptr);
    t->state = 0;
    leave_runtime(t);
}

void mo_obs_barrier_begin(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    if (kind != MO_OBS_TASKWAIT)
        mo_obs_work_end(t);
    if (kind == MO_OBS_BARRIER_PARALLEL)
        t->codeptr = t->task->parallel->codeptr;
    mo_obs_sync_begin(t, kind);
    mo_obs_wait_begin(t, kind);
}

void mo_obs_barrier_end(struct mo_obs_thread *t, enum mo_obs_sync kind)
{
    mo_obs_wait_end(t, kind);
    mo_obs_sync_end(t, kind);
}

void mo_obs_reduction(struct mo_obs_thread *t, bool begin)
{
    t->state = begin ? ompt_state_work_reduction : 0;
    TELL_AS(ompt_callback_reduction, ompt_callback_sync_region_t, ompt_sync_region_reduction,
            begin ? ompt_scope_begin : ompt_scope_end, parallel_data(t), task_data(t), t->codeptr);
}

/* ---- Mutual exclusion. */
static ompt_state_t mutex_state(enum mo_obs_mutex kind)
{
    switch (kind) {
    case MO_OBS_CRITICAL:
        return ompt_state_wait_critical;
    case MO_OBS_ATOMIC:
        return ompt_state_wait_atomic;
    case MO_OBS_ORDERED:
        return ompt_state_wait_ordered;
    default:
        return ompt_state_wait_lock;
    }
}

void mo_obs_lock_init(struct mo_obs_thread *t, enum mo_obs_mutex kind, unsigned hint, const void *lock)
{
    TELL_AS(ompt_callback_lock_init, ompt_callback_mutex_acquire_t, (ompt_mutex_t)kind, hint, MO_OBS_MUTEX_IMPL,
            (uintptr_t)lock, t->codeptr);
}

void mo_obs_lock_destroy(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock)
{
    TELL_AS(ompt_callback_lock_destroy, ompt_callback_mutex_t, (ompt_mutex_t)kind, (uintptr_t)lock, t->codeptr);
}

void mo_obs_mutex_acquire(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock)
{
    enter_runtime(t);
    t->state = mutex_state(kind);
    t->wait_id = (uintptr_t)lock;
    mo_trace(MO_TRACE_LOCK, t->codeptr, (uintptr_t)lock, kind);
    TELL_AS(ompt_callback_mutex_acquire, ompt_callback_mutex_acquire_t, (ompt_mutex_t)kind, 0, MO_OBS_MUTEX_IMPL,
            (uintptr_t)lock, t->codeptr);
}

void mo_obs_mutex_acquired(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock)
{
    mo_obs_mutex_tried(t, kind, lock, true);
}

void mo_obs_mutex_tried(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock, bool mine)
{
    t->state = 0;
    leave_runtime(t);
    mo_trace(MO_TRACE_END(MO_TRACE_LOCK), NULL, (uintptr_t)lock, mine);
    if (mine)
        TELL_AS(ompt_callback_mutex_acquired, ompt_callback_mutex_t, (ompt_mutex_t)kind, (uintptr_t)lock, t->codeptr);
}

void mo_obs_mutex_released(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock)
{
    TELL_AS(ompt_callback_mutex_released, ompt_callback_mutex_t, (ompt_mutex_t)kind, (uintptr_t)lock, t->codeptr);
}

void mo_obs_nest_lock(struct mo_obs_thread *t, bool begin, const void *lock)
{
    TELL(ompt_callback_nest_lock, begin ? ompt_scope_begin : ompt_scope_end, (uintptr_t)lock, t->codeptr);
}

/* ---- Work-sharing. */
static void tell_work(struct mo_obs_thread *t, ompt_scope_endpoint_t endpoint)
{
    struct mo_obs_task *task = t->task;
    TELL(ompt_callback_work, (ompt_work_t)task->work, endpoint, parallel_data(t), task_data(t), task->work_count,
         task->work_codeptr);
}

void mo_obs_work_begin(struct mo_obs_thread *t, enum mo_obs_work kind, uint64_t count)
{
    mo_obs_work_end(t);
    t->task->work = kind;
    t->task->work_count = count;
    t->task->work_codeptr = t->codeptr;
    mo_trace(MO_TRACE_WORK, t->codeptr, count, kind);
    tell_work(t, ompt_scope_begin);
}

void mo_obs_work_end(struct mo_obs_thread *t)
{
    if (!t->task->work)
        return;
    tell_work(t, ompt_scope_end);
    mo_trace(MO_TRACE_END(MO_TRACE_WORK), NULL, 0, (uint32_t)t->task->work);
    t->task->work = 0;
}

void mo_obs_dispatch_iteration(struct mo_obs_thread *t, uint64_t iteration)
{
    TELL(ompt_callback_dispatch, parallel_data(t), task_data(t), ompt_dispatch_iteration,
         (ompt_data_t){.value = iteration});
}

void mo_obs_dispatch_section(struct mo_obs_thread *t)
{
    TELL(ompt_callback_dispatch, parallel_data(t), task_data(t), ompt_dispatch_section,
         (ompt_data_t){.ptr = (void *)t->codeptr});
}

void mo_obs_masked(struct mo_obs_thread *t, bool begin)
{
    TELL(ompt_callback_masked, begin ? ompt_scope_begin : ompt_scope_end, parallel_data(t), task_data(t), t->codeptr);
}

/* ---- The rest. */
void mo_obs_flush(struct mo_obs_thread *t)
{
    TELL(ompt_callback_flush, data_of(&t->data), t->codeptr);
}

void mo_obs_cancel(struct mo_obs_thread *t, int flags)
{
    TELL(ompt_callback_cancel, task_data(t), flags, t->codeptr);
}

void mo_obs_task_discarded(struct mo_obs_thread *t, struct mo_obs_task *task)
{
    TELL(ompt_callback_cancel, data_of(&task->data), ompt_cancel_discarded_task, t->codeptr);
}

void mo_obs_error(struct mo_obs_thread *t, enum mo_obs_severity severity, const char *message, size_t bytes)
{
    TELL(ompt_callback_error, (ompt_severity_t)severity, message, bytes, t->codeptr);
}

int mo_obs_control(struct mo_obs_thread *t, uint64_t command, uint64_t modifier, void *arg)
{
    ompt_callback_control_tool_t ask = CALLBACK(ompt_callback_control_tool, ompt_callback_control_tool_t);
    return ask ? ask(command, modifier, arg, t->codeptr) : -1;
}
