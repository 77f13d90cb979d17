/* Tasks and groups (moirai/task.h). */
#include "native/executor.h"

#include <errno.h>
#include <string.h>

_Static_assert(MOIRAI_TASK_BYTES_MAX == MO_JOB_BYTES_MAX, "the core's value");
_Static_assert(MOIRAI_ERROR_TEXT_BYTES == MO_ERROR_TEXT, "the core's value");
_Static_assert((int)MOIRAI_TASK_CANCELLED == (int)MO_JOB_CANCELLED && (int)MOIRAI_TASK_FAILED == (int)MO_JOB_FAILED,
               "the core's values");

/* ---- Handles. */
_Static_assert(sizeof(struct mo_job_handle) == sizeof(moirai_task_t), "room for it");

static inline void make_handle(moirai_task_t *task, struct mo_job *job, size_t bytes)
{
    *(struct mo_job_handle *)task = (struct mo_job_handle){job, mo_load_relaxed(&job->id), (uint32_t)bytes};
}

static inline void use_up(moirai_task_t *task)
{
    task->moirai_words[0] = task->moirai_words[1] = 0;
}

/* ---- Creating. */
static inline void copy(void *to, const void *from, size_t bytes)
{
    if (mo_likely(bytes <= 4 * sizeof(uint64_t) && bytes % sizeof(uint64_t) == 0)) {
        for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
            memcpy((char *)to + i * sizeof(uint64_t), (const char *)from + i * sizeof(uint64_t), sizeof(uint64_t));
    } else {
        memcpy(to, from, bytes);
    }
}

static inline int check(bool fn, const void *data, size_t bytes)
{
    return mo_likely(fn && bytes <= MO_JOB_BYTES_MAX && (data || !bytes)) ? 0 : EINVAL;
}

typedef int submit_fn(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);

static inline int create(struct mo_worker *w, struct mo_executor *x, moirai_task_t *task,
                         const struct mo_job_spec *spec, const void *data, submit_fn *submit)
{
    struct mo_job *job = mo_job_new(w, x, spec);
    if (mo_unlikely(!job))
        return ENOMEM;
    copy((char *)job + mo_job_head(job->flags), data, spec->bytes);
    moirai_task_t made;
    make_handle(&made, job, spec->bytes); /* before anybody can free it */
    int err = submit(w, x, job);
    if (task && mo_likely(!err))
        *task = made;
    return err;
}

static inline int spawn(moirai_executor_t *executor, moirai_task_t *task, const struct mo_job_spec *spec,
                        const void *data, submit_fn *submit)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    int err = check(spec->fn != NULL, data, spec->bytes);
    if (mo_unlikely(err))
        return err;
    if (mo_unlikely(!w))
        return ENOMEM;
    err = mo_native_which(w, executor, &x);
    return mo_likely(!err) ? create(w, x, task, spec, data, submit) : err;
}

/* From a thread that is no worker, or of something large, or where something has run out. */
static inline bool spawn_outside(struct mo_executor *x, struct mo_group *group, moirai_task_t *task,
                                 void (*fn)(void *data), const void *data, size_t bytes)
{
    struct mo_member *m = mo_self_peek();
    return m && x && fn && mo_job_is_small(bytes) && (data || !bytes) &&
           mo_job_spawn_small_outside(m->worker, x, fn, data, bytes, (struct mo_job_handle *)task, group);
}

static __attribute__((noinline)) int spawn_other(moirai_executor_t *executor, moirai_task_t *task,
                                                 void (*fn)(void *data), const void *data, size_t bytes)
{
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task};
    if (mo_likely(spawn_outside(mo_native_executor(executor), NULL, task, fn, data, bytes)))
        return MOIRAI_OK;
    return mo_native_status(spawn(executor, task, &spec, data, mo_job_submit));
}

/* From a worker to its own executor. NULL: another case. */
static inline struct mo_worker *may_be_short(const struct mo_executor *x, void (*fn)(void *data), const void *data,
                                             size_t bytes)
{
    struct mo_member *m = mo_self_peek();
    struct mo_worker *w = mo_likely(m != NULL) ? m->worker : NULL;
    if (mo_unlikely(!w || !w->seat || (x ? x : w->serves) != w->seat->quick || !fn || !mo_job_is_small(bytes) ||
                    (!data && bytes)))
        return NULL;
    return w;
}

MO_API int moirai_spawn(moirai_executor_t *executor, moirai_task_t *task, void (*fn)(void *data), const void *data,
                        size_t bytes)
{
    struct mo_worker *w = may_be_short(mo_native_executor(executor), fn, data, bytes);
    if (mo_likely(w && mo_job_spawn_small(w, fn, data, bytes, (struct mo_job_handle *)task)))
        return MOIRAI_OK;
    return spawn_other(executor, task, fn, data, bytes);
}

MO_API int moirai_spawn_blocking(moirai_executor_t *executor, moirai_task_t *task, void (*fn)(void *data),
                                 const void *data, size_t bytes)
{
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task};
    return mo_native_status(spawn(executor, task, &spec, data, mo_blocking_submit));
}

static int check_many(bool fn, const void *data, size_t bytes, size_t count)
{
    size_t all;
    return __builtin_mul_overflow(bytes, count, &all) ? EINVAL : check(fn, count ? data : "", bytes);
}

MO_API int moirai_spawn_many(moirai_executor_t *executor, moirai_group_t *group, moirai_task_t *tasks,
                             void (*fn)(void *data), const void *data, size_t bytes, size_t count, size_t *spawned)
{
    struct mo_group *g = (struct mo_group *)group;
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = tasks, .group = g};
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x = NULL;
    size_t n = 0;
    int err = check_many(fn != NULL, data, bytes, count);
    if (!err && !w)
        err = ENOMEM;
    if (!err)
        err = mo_native_which(w, g && !executor ? (moirai_executor_t *)g->executor : executor, &x);
    while (!err && n < count) {
        err = create(w, x, tasks ? &tasks[n] : NULL, &spec, (const char *)data + n * bytes, mo_job_submit_quietly);
        n += !err;
    }
    if (n)
        mo_executor_wake(x);
    if (spawned)
        *spawned = n;
    return mo_native_status(err);
}

/* ---- Attributes. */
struct attr {
    uint64_t made; /* ATTR_MADE */
    int32_t priority;
    int32_t place; /* MO_PLACE_*; with an address its STRICT alone */
    uint64_t cost_ns;
    const char *name;
    struct mo_group *group;
    const void *near_to;
};
_Static_assert(sizeof(struct attr) <= sizeof(moirai_task_attr_t), "room for it");
_Static_assert(MOIRAI_WORKERS_MAX <= MO_PLACE_IS_NODE && MO_PLAT_NODES_MAX <= MO_PLACE_IS_NODE, "numbers fit");

#define ATTR_MADE    0x6d6f697261696474u
#define COST_OF_WAKE 5000

static struct attr *attr_of(const moirai_task_attr_t *a)
{
    struct attr *attr = (struct attr *)a;
    return attr && attr->made == ATTR_MADE ? attr : NULL;
}

MO_API void moirai_task_attr_init(moirai_task_attr_t *a)
{
    memset(a, 0, sizeof *a);
    *(struct attr *)a = (struct attr){.made = ATTR_MADE, .place = MO_PLACE_ANY};
}

MO_API int moirai_task_attr_set_priority(moirai_task_attr_t *a, int priority)
{
    struct attr *attr = attr_of(a);
    if (!attr || priority < MOIRAI_PRIORITY_LOW || priority > MOIRAI_PRIORITY_URGENT)
        return MOIRAI_EINVAL;
    attr->priority = priority;
    return MOIRAI_OK;
}

MO_API int moirai_task_attr_set_cost_ns(moirai_task_attr_t *a, uint64_t cost_ns)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->cost_ns = cost_ns;
    return MOIRAI_OK;
}

static int set_place(moirai_task_attr_t *a, bool valid, int32_t place, const void *near_to, int how)
{
    struct attr *attr = attr_of(a);
    if (!attr || !valid || (how != MOIRAI_PREFERRED && how != MOIRAI_STRICT))
        return MOIRAI_EINVAL;
    attr->place = place | (how == MOIRAI_STRICT ? MO_PLACE_STRICT : 0);
    attr->near_to = near_to;
    return MOIRAI_OK;
}

MO_API int moirai_task_attr_set_worker(moirai_task_attr_t *a, unsigned worker, int how)
{
    return set_place(a, worker < MOIRAI_WORKERS_MAX, MO_PLACE_WORKER(worker), NULL, how);
}

MO_API int moirai_task_attr_set_node(moirai_task_attr_t *a, unsigned node, int how)
{
    return set_place(a, node < MO_PLAT_NODES_MAX, MO_PLACE_NODE(node), NULL, how);
}

MO_API int moirai_task_attr_set_near(moirai_task_attr_t *a, const void *address, int how)
{
    return set_place(a, address != NULL, 0, address, how);
}

/* Where the address is, is asked when the task is made: pages move. */
static int32_t place_of(const struct attr *attr)
{
    if (!attr->near_to)
        return attr->place;
    int node = mo_plat_node_of(attr->near_to);
    return node < 0 ? MO_PLACE_ANY : MO_PLACE_NODE(node) | (attr->place & MO_PLACE_STRICT);
}

MO_API int moirai_task_attr_set_name(moirai_task_attr_t *a, const char *name)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->name = name;
    return MOIRAI_OK;
}

MO_API int moirai_task_attr_set_group(moirai_task_attr_t *a, moirai_group_t *group)
{
    struct attr *attr = attr_of(a);
    if (!attr)
        return MOIRAI_EINVAL;
    attr->group = (struct mo_group *)group;
    return MOIRAI_OK;
}

/* A worker that creates something short does not call for help, and what has a place does that itself. */
static int submit_quietly(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    bool placed = mo_job_ext(job)->place != MO_PLACE_ANY;
    return placed || (w->seat && w->seat->executor == x) ? mo_job_submit_quietly(w, x, job) : mo_job_submit(w, x, job);
}

static int check_place(moirai_executor_t *executor, int32_t *place)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    int err = w ? mo_native_which(w, executor, &x) : ENOMEM;
    return err ? err : mo_executor_check_place(x, place);
}

MO_API int moirai_spawn_with(moirai_executor_t *executor, moirai_task_t *task, const moirai_task_attr_t *a,
                             void (*fn)(void *data), const void *data, size_t bytes)
{
    const struct attr *attr = attr_of(a);
    if (!a)
        return moirai_spawn(executor, task, fn, data, bytes);
    if (!attr)
        return MOIRAI_EINVAL;
    struct mo_job_ext ext = {
        .name = attr->name, .cost_ns = attr->cost_ns, .priority = attr->priority, .place = place_of(attr)};
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task, .group = attr->group, .ext = &ext};
    if (attr->group && !executor)
        executor = (moirai_executor_t *)attr->group->executor;
    int err = ext.place != MO_PLACE_ANY ? check_place(executor, &ext.place) : 0;
    if (err)
        return mo_native_status(err);
    bool is_short = attr->cost_ns && attr->cost_ns < COST_OF_WAKE && !attr->priority;
    bool quiet = is_short || ext.place != MO_PLACE_ANY;
    return mo_native_status(spawn(executor, task, &spec, data, quiet ? submit_quietly : mo_job_submit));
}

/* ---- Joining. */
/* Of a job that is over. */
static inline int read_outcome(struct mo_job *job, size_t bytes, void *result, moirai_error_t *error)
{
    enum mo_job_phase phase = MO_JOB_PHASE(mo_load_acquire(&job->state));
    if (mo_unlikely(phase == MO_JOB_CANCELLED))
        return MOIRAI_ECANCELED;
    if (result)
        copy(result, (char *)job + mo_job_head(job->flags), bytes);
    if (mo_likely(phase == MO_JOB_COMPLETED))
        return MOIRAI_OK;
    if (error)
        mo_native_copy_error(error, job->error);
    return MOIRAI_EFAILED;
}

static int collect(struct mo_worker *w, moirai_task_t *task, struct mo_job *job, void *result, moirai_error_t *error)
{
    int status = read_outcome(job, ((struct mo_job_handle *)task)->bytes, result, error);
    mo_job_release(w, job);
    use_up(task);
    return status;
}

static __attribute__((noinline)) int join_slow(struct mo_worker *w, moirai_task_t *task, void *result,
                                               moirai_error_t *error, uint64_t deadline_ns)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    if (!job)
        return task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    if (w->job == job)
        return MOIRAI_EDEADLOCK;
    if (!mo_job_wait(w, job, deadline_ns))
        return MOIRAI_ETIMEDOUT;
    return collect(w, task, job, result, error);
}

static __attribute__((noinline)) int join_other(moirai_task_t *task, void *result)
{
    return join_slow(mo_native_worker(), task, result, NULL, MOIRAI_FOREVER);
}

static inline int status_of(enum mo_job_phase phase)
{
    return mo_likely(phase == MO_JOB_COMPLETED) ? MOIRAI_OK
           : phase == MO_JOB_FAILED             ? MOIRAI_EFAILED
                                                : MOIRAI_ECANCELED;
}

MO_API int moirai_join(moirai_task_t *task, void *result)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!task || !m))
        return join_other(task, result);
    enum mo_job_phase phase = mo_job_join_newest(m->worker, (struct mo_job_handle *)task, result);
    if (mo_unlikely(phase == MO_JOB_QUEUED))
        return join_other(task, result);
    use_up(task);
    return status_of(phase);
}

MO_API int moirai_join_until(moirai_task_t *task, void *result, uint64_t deadline_ns)
{
    return join_slow(mo_native_worker(), task, result, NULL, deadline_ns);
}

MO_API int moirai_join_error(moirai_task_t *task, void *result, moirai_error_t *error)
{
    return join_slow(mo_native_worker(), task, result, error, MOIRAI_FOREVER);
}

MO_API int moirai_try_join(moirai_task_t *task, void *result)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    struct mo_worker *w = mo_native_worker();
    if (!job)
        return task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    if (!MO_JOB_OVER(mo_load_acquire(&job->state)))
        return MOIRAI_EBUSY;
    return collect(w, task, job, result, NULL);
}

/* From the last to the first: the newest lie ready in the caller's deque. */
MO_API int moirai_join_all(moirai_task_t *tasks, size_t count, void *results)
{
    char *end = results;
    int status = MOIRAI_OK;
    if (count && !tasks)
        return MOIRAI_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (end)
            end += ((struct mo_job_handle *)&tasks[i])->bytes;
    for (size_t i = count; i-- > 0;) {
        if (end)
            end -= ((struct mo_job_handle *)&tasks[i])->bytes;
        int one = moirai_join(&tasks[i], end);
        if (one != MOIRAI_OK)
            status = one;
    }
    return status;
}

#define FEW 64

static int join_any(struct mo_worker *w, moirai_task_t *tasks, struct mo_job **jobs, size_t count, size_t *index,
                    void *result, uint64_t deadline_ns)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i] = mo_native_job(&tasks[i]);
        if (!jobs[i])
            return MOIRAI_ESTALE;
        if (jobs[i] == w->job)
            return MOIRAI_EDEADLOCK;
    }
    size_t over = mo_job_wait_any(w, jobs, count, deadline_ns);
    if (over == count)
        return MOIRAI_ETIMEDOUT;
    if (index)
        *index = over;
    return collect(w, &tasks[over], jobs[over], result, NULL);
}

MO_API int moirai_join_any(moirai_task_t *tasks, size_t count, size_t *index, void *result, uint64_t deadline_ns)
{
    struct mo_job *few[FEW], **jobs = few;
    struct mo_worker *w = mo_native_worker();
    if (!tasks || !count)
        return MOIRAI_EINVAL;
    if (!w || (count > FEW && !(jobs = mo_extent_alloc(count * sizeof *jobs))))
        return MOIRAI_ENOMEM;
    int status = join_any(w, tasks, jobs, count, index, result, deadline_ns);
    if (jobs != few)
        mo_extent_free(jobs, count * sizeof *jobs);
    return status;
}

MO_API int moirai_detach(moirai_task_t *task)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    struct mo_worker *w = mo_native_worker();
    if (!job)
        return task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    mo_job_release(w, job);
    use_up(task);
    return MOIRAI_OK;
}

static void nothing(void *data)
{
}

MO_API int moirai_run(moirai_executor_t *executor, void (*fn)(void *data), void *data, size_t bytes)
{
    struct mo_worker *w = mo_native_worker();
    moirai_task_t task;
    if (check(fn != NULL, data, bytes))
        return MOIRAI_EINVAL;
    if (w && w->serves && (!executor || mo_native_executor(executor) == w->serves)) {
        fn(data);
        return MOIRAI_OK;
    }
    int status = moirai_spawn(executor, &task, fn, data, bytes);
    return status == MOIRAI_OK ? moirai_join(&task, data) : status;
}

/* ---- What comes after. */
static void run_after(struct mo_job_after *after, void *data)
{
    void (*fn)(void *data, const moirai_before_t *before) = (void (*)(void *, const moirai_before_t *))after->user;
    fn(data, (const moirai_before_t *)after);
}

static int follow(struct mo_worker *w, moirai_task_t *tasks, size_t count, struct mo_job_before *before,
                  moirai_task_t *next, struct mo_job_follow *f, size_t bytes)
{
    const struct mo_job_spec spec = {.fn = nothing, .bytes = bytes, .handle = next};
    struct mo_job *job;
    for (size_t i = 0; i < count; i++) {
        before[i] = (struct mo_job_before){mo_native_job(&tasks[i]), ((struct mo_job_handle *)&tasks[i])->bytes};
        if (!before[i].job)
            return ESTALE;
        if (before[i].job == w->job)
            return EDEADLK;
    }
    f->before = before;
    f->count = (uint32_t)count;
    int err = mo_job_follow(w, &spec, f, &job);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++)
        use_up(&tasks[i]);
    if (next) /* which holds the block */
        make_handle(next, job, bytes);
    return 0;
}

MO_API int moirai_then_all(moirai_task_t *tasks, size_t count, moirai_task_t *next,
                           void (*fn)(void *data, const moirai_before_t *before), const void *data, size_t bytes)
{
    struct mo_job_before few[FEW], *before = few;
    struct mo_worker *w = mo_native_worker();
    if (!tasks || !count || count > UINT32_MAX - 1 || check(fn != NULL, data, bytes))
        return MOIRAI_EINVAL;
    if (!w || (count > FEW && !(before = mo_extent_alloc(count * sizeof *before))))
        return MOIRAI_ENOMEM;
    struct mo_job_follow f = {.fn = run_after, .user = (void (*)(void))fn, .data = data};
    int err = mo_native_which(w, NULL, &f.executor);
    if (!err)
        err = follow(w, tasks, count, before, next, &f, bytes);
    if (before != few)
        mo_extent_free(before, count * sizeof *before);
    return mo_native_status(err);
}

MO_API int moirai_then(moirai_task_t *task, moirai_task_t *next, void (*fn)(void *data, const moirai_before_t *before),
                       const void *data, size_t bytes)
{
    return moirai_then_all(task, 1, next, fn, data, bytes);
}

MO_API int moirai_before_outcome(const moirai_before_t *before, size_t index, moirai_outcome_t *outcome)
{
    const struct mo_job_after *after = (const struct mo_job_after *)before;
    if (!after || !outcome || index >= after->count)
        return MOIRAI_EINVAL;
    struct mo_job *job = after->before[index].job;
    int status = read_outcome(job, 0, NULL, NULL);
    bool ran = status != MOIRAI_ECANCELED, failed = status == MOIRAI_EFAILED;
    *outcome = (moirai_outcome_t){.status = status,
                                  .result = ran ? mo_job_data(job) : NULL,
                                  .bytes = ran ? after->before[index].bytes : 0,
                                  .code = failed ? job->error->code : 0,
                                  .text = failed ? job->error->text : ""};
    return MOIRAI_OK;
}

/* ---- Groups. */
static struct mo_group *core_of(const moirai_group_t *group)
{
    return (struct mo_group *)group;
}

MO_API int moirai_group_open(moirai_group_t **group, moirai_executor_t *executor, int flags)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    if (!group || flags & ~(MOIRAI_GROUP_ISOLATED | MOIRAI_GROUP_TENACIOUS))
        return MOIRAI_EINVAL;
    int err = w ? mo_native_which(w, executor, &x) : ENOMEM;
    struct mo_group *g = err ? NULL : mo_group_new(w, x);
    if (!g)
        return mo_native_status(err ? err : ENOMEM);
    g->isolated = flags & MOIRAI_GROUP_ISOLATED;
    g->tenacious = flags & MOIRAI_GROUP_TENACIOUS;
    *group = (moirai_group_t *)g;
    return MOIRAI_OK;
}

static __attribute__((noinline)) int group_spawn_other(struct mo_group *g, moirai_task_t *task, void (*fn)(void *data),
                                                       const void *data, size_t bytes)
{
    if (mo_unlikely(!g || check(fn != NULL, data, bytes)))
        return MOIRAI_EINVAL;
    if (mo_likely(spawn_outside(g->executor, g, task, fn, data, bytes)))
        return MOIRAI_OK;
    struct mo_worker *w = mo_native_worker();
    if (mo_unlikely(!w))
        return MOIRAI_ENOMEM;
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task, .group = g};
    return mo_native_status(create(w, g->executor, task, &spec, data, mo_job_submit));
}

MO_API int moirai_group_spawn(moirai_group_t *group, moirai_task_t *task, void (*fn)(void *data), const void *data,
                              size_t bytes)
{
    struct mo_group *g = core_of(group);
    struct mo_worker *w = mo_likely(g != NULL) ? may_be_short(g->executor, fn, data, bytes) : NULL;
    if (mo_likely(w && mo_job_spawn_small_in(w, fn, data, bytes, (struct mo_job_handle *)task, g)))
        return MOIRAI_OK;
    return group_spawn_other(g, task, fn, data, bytes);
}

static int group_status(const struct mo_group *g)
{
    if (mo_load_acquire(&g->error))
        return MOIRAI_EFAILED;
    return mo_group_is_cancelled(&g->head) ? MOIRAI_ECANCELED : MOIRAI_OK;
}

static bool owns(const struct mo_group *g)
{
    struct mo_member *m = mo_self_peek();
    return m && m->worker == g->owner;
}

MO_API int moirai_group_wait_until(moirai_group_t *group, uint64_t deadline_ns)
{
    struct mo_group *g = core_of(group);
    if (!g)
        return MOIRAI_EINVAL;
    if (!owns(g))
        return MOIRAI_EPERM;
    return mo_group_wait(g, deadline_ns) ? group_status(g) : MOIRAI_ETIMEDOUT;
}

MO_API int moirai_group_wait(moirai_group_t *group)
{
    return moirai_group_wait_until(group, MOIRAI_FOREVER);
}

MO_API int moirai_group_error(const moirai_group_t *group, moirai_error_t *error)
{
    const struct mo_job_error *e = group ? mo_load_acquire(&core_of(group)->error) : NULL;
    if (!group || !error)
        return MOIRAI_EINVAL;
    if (!e)
        return MOIRAI_OK;
    mo_native_copy_error(error, e);
    return MOIRAI_EFAILED;
}

MO_API int moirai_group_cancel(moirai_group_t *group)
{
    if (!group)
        return MOIRAI_EINVAL;
    mo_group_cancel(core_of(group));
    return MOIRAI_OK;
}

MO_API int moirai_group_is_cancelled(const moirai_group_t *group)
{
    return group && mo_group_is_cancelled(&core_of(group)->head);
}

MO_API int moirai_group_close(moirai_group_t *group)
{
    int status = moirai_group_wait(group);
    if (group && status != MOIRAI_EPERM)
        mo_group_free(core_of(group));
    return status;
}
