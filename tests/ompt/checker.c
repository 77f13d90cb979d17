/* A tool that listens to everything and holds what it hears against what OMPT promises: pairs, orders, identities. Any
   OpenMP program can run under it; whatever is wrong is printed, and the process ends with status 70. OMPT_CHECK_REPORT
   names a file that gets the number of each event, so that a test sees that the tool was there at all.

   All data hangs on the words that the runtime keeps for the tool; a word that is zero where it should not be, or the
   other way round, is an error in itself. Records are never freed: a late event finds what it was. */
#include <omp-tools.h>

#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEST_MAX    64
#define THREADS_MAX 1024

struct region {
    struct task *encountering;
    unsigned requested, size;
    int flags;
    const void *codeptr;
    atomic_uint begun, ended;
    atomic_bool over;
    atomic_bool member[THREADS_MAX];
};

enum status { CREATED, STARTED, ENDED };

struct task {
    int flags;
    atomic_int status;
    struct task *below; /* that it interrupted */
    struct region *region;
    bool depends, told_dependences, detached, early;
    ompt_sync_region_t sync[NEST_MAX];
    unsigned syncs;
    bool waits;
    ompt_work_t work;
    bool masked;
};

struct thread {
    bool ended;
    struct task *task;
    ompt_wait_id_t held[NEST_MAX], wanted;
    ompt_mutex_t wanted_kind;
    unsigned helds;
};

static __thread struct thread *self;
static atomic_uint errors;
static atomic_ulong events[64], tasks_created, tasks_untied, tasks_ended, workers_begun, workers_ended, implicit_begun,
    implicit_ended;
static uintptr_t text_begin, text_end;
static ompt_get_task_info_t get_task_info;
static ompt_get_parallel_info_t get_parallel_info;
static ompt_get_thread_data_t get_thread_data;
static ompt_get_state_t get_state;
static ompt_get_unique_id_t get_unique_id;

#define CHECK(cond, ...)                                                                                               \
    do {                                                                                                               \
        if (!(cond) && atomic_fetch_add(&errors, 1) < 20) {                                                            \
            fprintf(stderr, "ompt checker: %s: (%s) does not hold: ", __func__, #cond);                                \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fprintf(stderr, "\n");                                                                                     \
        }                                                                                                              \
    } while (0)

#define HEARD(event) atomic_fetch_add(&events[ompt_callback_##event], 1)

static void *fresh(size_t bytes)
{
    void *p = calloc(1, bytes);
    if (!p)
        abort();
    return p;
}

static struct task *task_of(ompt_data_t *data)
{
    return data ? data->ptr : NULL;
}

static void check_codeptr(const void *codeptr, const char *what)
{
    CHECK((uintptr_t)codeptr >= text_begin && (uintptr_t)codeptr < text_end, "%s at %p", what, codeptr);
}

/* What the runtime says about the task that the thread is in. */
static void check_current(struct task *task, bool running)
{
    int flags = 0, thread_num = -1;
    ompt_data_t *data = NULL, *parallel = NULL, *inner = NULL;
    ompt_frame_t *frame = NULL;
    int size = 0;
    CHECK(get_task_info(0, &flags, &data, &frame, &parallel, &thread_num) == 2, "no task");
    CHECK(data && data->ptr == task, "another task");
    CHECK(flags == task->flags, "flags %x, not %x", (unsigned)flags, (unsigned)task->flags);
    CHECK(!running || task->flags & ompt_task_initial || (frame && frame->exit_frame.ptr), "no exit frame");
    CHECK(get_parallel_info(0, &inner, &size) == 2 && inner == parallel, "two regions");
    CHECK(thread_num >= 0 && thread_num < size, "thread %d of %d", thread_num, size);
    CHECK(parallel && parallel->ptr == task->region, "another region");
}

static void check_entered(const ompt_frame_t *frame)
{
    CHECK(frame && frame->enter_frame.ptr, "no enter frame");
    CHECK(frame && (char *)frame->enter_frame.ptr > (char *)__builtin_frame_address(0), "it is not further out");
    CHECK(frame && frame->enter_frame_flags & 0x30, "no kind of frame");
}

/* ---- Threads. */
static void thread_begin(ompt_thread_t type, ompt_data_t *data)
{
    HEARD(thread_begin);
    CHECK(!self || self->ended, "it has begun before");
    CHECK(!data->ptr, "the word is used");
    self = data->ptr = fresh(sizeof *self);
    if (type == ompt_thread_worker)
        atomic_fetch_add(&workers_begun, 1);
}

static void thread_end(ompt_data_t *data)
{
    HEARD(thread_end);
    CHECK(self && data->ptr == self, "of another thread");
    CHECK(self && !self->ended, "twice");
    CHECK(self && !self->task, "in a task");
    CHECK(self && !self->helds, "with %u locks", self->helds);
    if (self)
        self->ended = true;
    atomic_fetch_add(&workers_ended, 1);
}

/* ---- Regions. */
static void parallel_begin(ompt_data_t *encountering, const ompt_frame_t *frame, ompt_data_t *data, unsigned requested,
                           int flags, const void *codeptr)
{
    HEARD(parallel_begin);
    struct region *r = fresh(sizeof *r);
    CHECK(self && task_of(encountering) == self->task, "by another task");
    CHECK(!data->ptr, "the word is used");
    CHECK(requested > 0, "0 threads");
    CHECK(flags & (ompt_parallel_team | ompt_parallel_league), "neither team nor league");
    check_entered(frame);
    check_codeptr(codeptr, "region");
    r->encountering = task_of(encountering);
    r->requested = requested;
    r->flags = flags;
    r->codeptr = codeptr;
    data->ptr = r;
}

static void parallel_end(ompt_data_t *data, ompt_data_t *encountering, int flags, const void *codeptr)
{
    HEARD(parallel_end);
    struct region *r = data->ptr;
    CHECK(r && !atomic_load(&r->over), "it is over or was none");
    CHECK(r && r->encountering == task_of(encountering) && self->task == r->encountering, "by another task");
    CHECK(r && r->flags == flags, "other flags");
    CHECK(r && r->codeptr == codeptr, "at another place");
    CHECK(r && atomic_load(&r->begun) == r->size, "%u implicit tasks of %u", r->begun, r->size);
    CHECK(r && r->size <= r->requested, "%u threads of %u", r->size, r->requested);
    CHECK(r && (atomic_load(&r->ended) > 0 || flags & ompt_parallel_league), "the primary thread is in it");
    if (r)
        atomic_store(&r->over, true);
}

static void begin_implicit(struct region *r, ompt_data_t *task_data, unsigned size, unsigned index, int flags)
{
    struct task *task = fresh(sizeof *task);
    bool league = flags & ompt_task_initial;
    CHECK(self, "an unknown thread");
    CHECK(!task_data->ptr, "the word is used");
    CHECK(r && !atomic_load(&r->over), "in no region");
    CHECK(index < size || (size == 1 && league), "number %u of %u", index, size);
    CHECK(r && !atomic_exchange(&r->member[index % THREADS_MAX], true), "number %u twice", index);
    CHECK(r && (!atomic_load(&r->begun) || r->size == size), "sizes %u and %u", r->size, size);
    task->flags = flags;
    task->region = r;
    task->below = self->task;
    atomic_store(&task->status, STARTED);
    task_data->ptr = self->task = task;
    if (r) {
        r->size = size;
        atomic_fetch_add(&r->begun, 1);
    }
    check_current(task, true);
}

static void end_implicit(struct task *task, int flags)
{
    CHECK(task && self->task == task, "it is not the current one");
    CHECK(task && task->flags == flags, "other flags");
    CHECK(task && !task->syncs, "in a synchronisation");
    CHECK(task && !task->work, "in a work-sharing construct");
    CHECK(task && atomic_exchange(&task->status, ENDED) == STARTED, "it has not begun");
    if (!task)
        return;
    self->task = task->below;
    if (task->region)
        atomic_fetch_add(&task->region->ended, 1);
}

static void implicit_task(ompt_scope_endpoint_t endpoint, ompt_data_t *parallel, ompt_data_t *task, unsigned size,
                          unsigned index, int flags)
{
    HEARD(implicit_task);
    if (endpoint == ompt_scope_begin) {
        /* The region that a thread outside all regions is in has no beginning. */
        if (flags & ompt_task_initial && !parallel->ptr)
            parallel->ptr = fresh(sizeof(struct region));
        begin_implicit(parallel->ptr, task, size, index, flags);
        atomic_fetch_add(&implicit_begun, 1);
    } else {
        CHECK(!parallel || flags & ompt_task_initial, "the region may be over");
        end_implicit(task_of(task), flags);
        atomic_fetch_add(&implicit_ended, 1);
    }
}

/* ---- Tasks. */
static void task_create(ompt_data_t *encountering, const ompt_frame_t *frame, ompt_data_t *data, int flags, int depends,
                        const void *codeptr)
{
    HEARD(task_create);
    struct task *task = fresh(sizeof *task);
    CHECK(self && task_of(encountering) == self->task, "by another task");
    CHECK(!data->ptr, "the word is used");
    CHECK(flags & (ompt_task_explicit | ompt_task_taskwait), "flags %x", (unsigned)flags);
    check_entered(frame);
    check_codeptr(codeptr, "task");
    task->flags = flags;
    task->depends = depends;
    task->region = self && self->task ? self->task->region : NULL;
    data->ptr = task;
    atomic_fetch_add(&tasks_created, 1);
    if (flags & ompt_task_untied)
        atomic_fetch_add(&tasks_untied, 1);
}

static void dependences(ompt_data_t *data, const ompt_dependence_t *deps, int count)
{
    HEARD(dependences);
    struct task *task = task_of(data);
    CHECK(count > 0, "%d", count);
    CHECK(task, "of no task");
    for (int i = 0; i < count; i++)
        CHECK(deps[i].dependence_type >= ompt_dependence_type_in && deps[i].dependence_type <= 7, "its type");
    bool doacross = count > 0 && (deps[0].dependence_type == ompt_dependence_type_source ||
                                  deps[0].dependence_type == ompt_dependence_type_sink);
    if (!task || doacross)
        return;
    CHECK(task->depends && !task->told_dependences, "told before, or there are none");
    CHECK(atomic_load(&task->status) == CREATED, "it runs already");
    task->told_dependences = true;
}

static void task_dependence(ompt_data_t *before, ompt_data_t *after)
{
    HEARD(task_dependence);
    CHECK(task_of(before) && task_of(after) && before != after, "of no task");
}

static void end_task(struct task *task, bool whole)
{
    CHECK(!task->syncs && !task->work, "in a construct");
    if (!whole)
        return;
    CHECK(atomic_exchange(&task->status, ENDED) == STARTED, "it did not run, or ended before");
    atomic_fetch_add(&tasks_ended, 1);
}

static void switch_to(struct task *task)
{
    CHECK(task && atomic_exchange(&task->status, STARTED) == CREATED, "it has begun before");
    CHECK(task && task->depends == task->told_dependences, "its dependences were not told");
    CHECK(task && self->task && task->region == self->task->region, "a task of another region");
    if (!task)
        return;
    task->below = self->task;
    self->task = task;
    check_current(task, true);
}

static void task_schedule(ompt_data_t *prior, ompt_task_status_t status, ompt_data_t *next)
{
    HEARD(task_schedule);
    struct task *task = task_of(prior);
    CHECK(task, "an unknown task");
    switch (status) {
    case ompt_task_switch:
    case ompt_task_yield:
        CHECK(task == self->task, "the prior task is not the current one");
        switch_to(task_of(next));
        return;
    case ompt_task_complete:
    case ompt_task_cancel:
    case ompt_task_detach:
        CHECK(task == self->task, "the prior task is not the current one");
        CHECK(task && task->below == task_of(next), "not back where it came from");
        CHECK(status != ompt_task_detach || !task->early, "its event was fulfilled before");
        self->task = task_of(next);
        task->detached = status == ompt_task_detach;
        end_task(task, status != ompt_task_detach);
        return;
    case ompt_task_early_fulfill:
        CHECK(!task->early && !task->detached, "twice, or it has ended");
        task->early = true;
        return;
    case ompt_task_late_fulfill:
        end_task(task, true);
        return;
    case ompt_taskwait_complete:
        CHECK(task->flags & ompt_task_taskwait && !next, "no taskwait");
        CHECK(task->told_dependences && atomic_exchange(&task->status, ENDED) == CREATED, "twice");
        atomic_fetch_add(&tasks_ended, 1);
        return;
    default:
        CHECK(false, "status %d", (int)status);
    }
}

/* ---- Synchronisation. */
static bool ends_region(ompt_sync_region_t kind)
{
    return kind == ompt_sync_region_barrier_implicit_parallel;
}

static void check_here(ompt_sync_region_t kind, ompt_scope_endpoint_t endpoint, ompt_data_t *parallel,
                       ompt_data_t *task)
{
    CHECK(self && task_of(task) && task_of(task) == self->task, "another task");
    if (endpoint == ompt_scope_end && ends_region(kind))
        CHECK(!parallel, "the region may be over");
    else
        CHECK(parallel && self->task && parallel->ptr == self->task->region, "another region");
}

static void sync_region(ompt_sync_region_t kind, ompt_scope_endpoint_t endpoint, ompt_data_t *parallel,
                        ompt_data_t *data, const void *codeptr)
{
    HEARD(sync_region);
    struct task *task = task_of(data);
    check_here(kind, endpoint, parallel, data);
    check_codeptr(codeptr, "synchronisation");
    if (endpoint == ompt_scope_begin) {
        CHECK(task->syncs < NEST_MAX, "too deep");
        task->sync[task->syncs++ % NEST_MAX] = kind;
    } else {
        CHECK(task->syncs && task->sync[(task->syncs - 1) % NEST_MAX] == kind, "%d ends inside of another", (int)kind);
        CHECK(!task->waits, "it waits still");
        task->syncs--;
    }
}

static void sync_region_wait(ompt_sync_region_t kind, ompt_scope_endpoint_t endpoint, ompt_data_t *parallel,
                             ompt_data_t *data, const void *codeptr)
{
    HEARD(sync_region_wait);
    struct task *task = task_of(data);
    ompt_wait_id_t id;
    check_here(kind, endpoint, parallel, data);
    CHECK(task->syncs && task->sync[(task->syncs - 1) % NEST_MAX] == kind, "outside its construct");
    CHECK(task->waits == (endpoint == ompt_scope_end), "nested");
    CHECK(get_state(&id) >= ompt_state_wait_barrier_implicit_parallel, "state %x", (unsigned)get_state(&id));
    task->waits = endpoint == ompt_scope_begin;
}

static void reduction(ompt_sync_region_t kind, ompt_scope_endpoint_t endpoint, ompt_data_t *parallel, ompt_data_t *data,
                      const void *codeptr)
{
    HEARD(reduction);
    CHECK(kind == ompt_sync_region_reduction, "kind %d", (int)kind);
    CHECK(task_of(data) == self->task, "another task");
}

static void mutex_acquire(ompt_mutex_t kind, unsigned hint, unsigned impl, ompt_wait_id_t id, const void *codeptr)
{
    HEARD(mutex_acquire);
    check_codeptr(codeptr, "lock");
    CHECK(id, "it has no name");
    CHECK(get_state(NULL) >= ompt_state_wait_mutex, "state %x", (unsigned)get_state(NULL));
    self->wanted = id;
    self->wanted_kind = kind;
}

static void mutex_acquired(ompt_mutex_t kind, ompt_wait_id_t id, const void *codeptr)
{
    HEARD(mutex_acquired);
    CHECK(self->wanted == id && self->wanted_kind == kind, "another than it waited for");
    CHECK(self->helds < NEST_MAX, "too many");
    for (unsigned i = 0; i < self->helds; i++)
        CHECK(self->held[i] != id, "it has that one");
    self->held[self->helds++ % NEST_MAX] = id;
}

static void mutex_released(ompt_mutex_t kind, ompt_wait_id_t id, const void *codeptr)
{
    HEARD(mutex_released);
    check_codeptr(codeptr, "lock");
    for (unsigned i = 0; i < self->helds; i++)
        if (self->held[i] == id) {
            self->held[i] = self->held[--self->helds];
            return;
        }
    CHECK(false, "it does not have the lock %lx of kind %d", (unsigned long)id, (int)kind);
}

static void nest_lock(ompt_scope_endpoint_t endpoint, ompt_wait_id_t id, const void *codeptr)
{
    HEARD(nest_lock);
    bool has = false;
    for (unsigned i = 0; i < self->helds; i++)
        has |= self->held[i] == id;
    CHECK(has, "it does not have the lock");
}

static void lock_init(ompt_mutex_t kind, unsigned hint, unsigned impl, ompt_wait_id_t id, const void *codeptr)
{
    HEARD(lock_init);
    check_codeptr(codeptr, "lock");
}

static void lock_destroy(ompt_mutex_t kind, ompt_wait_id_t id, const void *codeptr)
{
    HEARD(lock_destroy);
    check_codeptr(codeptr, "lock");
}

/* ---- Work. */
static void work(ompt_work_t kind, ompt_scope_endpoint_t endpoint, ompt_data_t *parallel, ompt_data_t *data,
                 uint64_t count, const void *codeptr)
{
    HEARD(work);
    struct task *task = task_of(data);
    CHECK(task == self->task, "another task");
    CHECK(parallel->ptr == task->region, "another region");
    check_codeptr(codeptr, "work");
    if (endpoint == ompt_scope_begin) {
        CHECK(!task->work, "%d inside of %d", (int)kind, (int)task->work);
        task->work = kind;
    } else {
        CHECK(task->work == kind, "%d ends, not %d", (int)kind, (int)task->work);
        task->work = 0;
    }
}

static void dispatch(ompt_data_t *parallel, ompt_data_t *data, ompt_dispatch_t kind, ompt_data_t instance)
{
    HEARD(dispatch);
    CHECK(task_of(data) == self->task, "another task");
    CHECK(kind == ompt_dispatch_iteration || kind == ompt_dispatch_section, "kind %d", (int)kind);
}

static void masked(ompt_scope_endpoint_t endpoint, ompt_data_t *parallel, ompt_data_t *data, const void *codeptr)
{
    HEARD(masked);
    struct task *task = task_of(data);
    CHECK(task == self->task, "another task");
    CHECK(task->masked == (endpoint == ompt_scope_end), "nested");
    task->masked = endpoint == ompt_scope_begin;
    check_codeptr(codeptr, "masked");
}

static void flush(ompt_data_t *data, const void *codeptr)
{
    HEARD(flush);
    CHECK(data->ptr == self, "another thread");
    check_codeptr(codeptr, "flush");
}

static void cancel(ompt_data_t *data, int flags, const void *codeptr)
{
    HEARD(cancel);
    CHECK(task_of(data), "of no task");
    CHECK(flags & (ompt_cancel_activated | ompt_cancel_detected | ompt_cancel_discarded_task), "flags %x",
          (unsigned)flags);
}

static void error(ompt_severity_t severity, const char *message, size_t length, const void *codeptr)
{
    HEARD(error);
    check_codeptr(codeptr, "error");
}

static int control_tool(uint64_t command, uint64_t modifier, void *arg, const void *codeptr)
{
    HEARD(control_tool);
    check_codeptr(codeptr, "control");
    return (int)(command + modifier);
}

/* ---- The tool. */
static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && p->p_flags & PF_X) {
            text_begin = info->dlpi_addr + p->p_vaddr;
            text_end = text_begin + p->p_memsz;
        }
    }
    return 1; /* the program is the first */
}

static ompt_set_callback_t set_callback;
static ompt_get_callback_t get_callback;

static void listen(int event, ompt_callback_t f)
{
    ompt_callback_t found;
    CHECK(set_callback((ompt_callbacks_t)event, f) >= ompt_set_sometimes, "event %d never comes", event);
    CHECK(get_callback((ompt_callbacks_t)event, &found) == 1 && found == f, "event %d has another", event);
}

static void check_names(ompt_function_lookup_t lookup)
{
    ompt_enumerate_states_t next_state = (ompt_enumerate_states_t)lookup("ompt_enumerate_states");
    ompt_enumerate_mutex_impls_t next_impl = (ompt_enumerate_mutex_impls_t)lookup("ompt_enumerate_mutex_impls");
    ompt_get_place_proc_ids_t ids = (ompt_get_place_proc_ids_t)lookup("ompt_get_place_proc_ids");
    ompt_get_num_places_t places = (ompt_get_num_places_t)lookup("ompt_get_num_places");
    static const char *others[] = {"ompt_get_num_procs",   "ompt_get_place_num",   "ompt_get_partition_place_nums",
                                   "ompt_get_proc_id",     "ompt_get_task_memory", "ompt_get_num_devices",
                                   "ompt_get_target_info", "ompt_finalize_tool"};
    int state = ompt_state_undefined, states = 0, impl = 0, impls = 0;
    const char *name;
    while (next_state(state, &state, &name) && name)
        states++;
    while (next_impl(impl, &impl, &name) && name)
        impls++;
    CHECK(states > 5 && impls > 0, "%d states, %d kinds of locks", states, impls);
    for (int p = 0; p < places(); p++)
        CHECK(ids(p, 0, NULL) > 0, "place %d is empty", p);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(lookup(others[i]), "no %s", others[i]);
    CHECK(!lookup("ompt_no_such_thing"), "it has everything");
    CHECK(set_callback(ompt_callback_target, (ompt_callback_t)abort) == ompt_set_never, "targets");
    CHECK(set_callback((ompt_callbacks_t)1000, (ompt_callback_t)abort) == ompt_set_error, "1000");
    CHECK(get_unique_id() != get_unique_id(), "ids come again");
}

#define LISTEN(event) listen(ompt_callback_##event, (ompt_callback_t)event)

static int initialize(ompt_function_lookup_t lookup, int device, ompt_data_t *data)
{
    set_callback = (ompt_set_callback_t)lookup("ompt_set_callback");
    get_callback = (ompt_get_callback_t)lookup("ompt_get_callback");
    get_task_info = (ompt_get_task_info_t)lookup("ompt_get_task_info");
    get_parallel_info = (ompt_get_parallel_info_t)lookup("ompt_get_parallel_info");
    get_thread_data = (ompt_get_thread_data_t)lookup("ompt_get_thread_data");
    get_state = (ompt_get_state_t)lookup("ompt_get_state");
    get_unique_id = (ompt_get_unique_id_t)lookup("ompt_get_unique_id");
    dl_iterate_phdr(find_text, NULL);
    check_names(lookup);
    LISTEN(thread_begin);
    LISTEN(thread_end);
    LISTEN(parallel_begin);
    LISTEN(parallel_end);
    LISTEN(implicit_task);
    LISTEN(task_create);
    LISTEN(task_schedule);
    LISTEN(dependences);
    LISTEN(task_dependence);
    LISTEN(sync_region);
    LISTEN(sync_region_wait);
    LISTEN(reduction);
    LISTEN(mutex_acquire);
    LISTEN(mutex_acquired);
    LISTEN(mutex_released);
    LISTEN(nest_lock);
    LISTEN(lock_init);
    LISTEN(lock_destroy);
    LISTEN(work);
    LISTEN(dispatch);
    LISTEN(masked);
    LISTEN(flush);
    LISTEN(cancel);
    LISTEN(error);
    LISTEN(control_tool);
    data->value = 4711;
    return 1;
}

static void report(void)
{
    const char *path = getenv("OMPT_CHECK_REPORT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (int i = 0; i < 64; i++)
        if (events[i])
            fprintf(file, "%d %lu\n", i, events[i]);
    fprintf(file, "untied %lu\n", tasks_untied);
    fclose(file);
}

static void finalize(ompt_data_t *data)
{
    CHECK(data->value == 4711, "another word");
    CHECK(tasks_created == tasks_ended, "%lu tasks were created, %lu ended", tasks_created, tasks_ended);
    CHECK(events[ompt_callback_thread_begin] == events[ompt_callback_thread_end], "%lu threads began, %lu ended",
          events[ompt_callback_thread_begin], events[ompt_callback_thread_end]);
    CHECK(implicit_begun == implicit_ended, "%lu implicit tasks began, %lu ended", implicit_begun, implicit_ended);
    CHECK(events[ompt_callback_parallel_begin] == events[ompt_callback_parallel_end], "regions are open");
    report();
    if (errors)
        _exit(70);
}

ompt_start_tool_result_t *ompt_start_tool(unsigned version, const char *runtime)
{
    static ompt_start_tool_result_t result = {initialize, finalize, {0}};
    CHECK(version >= 201811 && strstr(runtime, "Moirai"), "version %u of %s", version, runtime);
    return &result;
}
