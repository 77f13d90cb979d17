/* The tool: how it is found, started and let go. It is looked for in the process, then in the libraries that
   OMP_TOOL_LIBRARIES names. ThreadSanitizer without a tool that explains the runtime to it reports races that are none;
   so a process that has it gets LLVM's libarcher.so where that can be loaded, as with LLVM's own runtime. */
#include "obs/internal.h"

#include "base/config.h"
#include "base/log.h"
#include "plat/plat.h"
#include "watch/watch.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mo_obs MO_SHARED(obs);

#define OMP_VERSION    202011 /* 5.1 */
#define RUNTIME_NAME   "Moirai " MO_VERSION
#define ARCHER         "libarcher.so"
#define FAREWELL_NS    1000000000u /* for threads that end as the process does */
#define PATH_BYTES_MAX 4096

_Static_assert(sizeof(struct mo_obs_frame) == sizeof(ompt_frame_t), "handed to the tool");
_Static_assert(offsetof(struct mo_obs_frame, enter) == offsetof(ompt_frame_t, enter_frame), "handed to the tool");
_Static_assert(offsetof(struct mo_obs_frame, exit_flags) == offsetof(ompt_frame_t, exit_frame_flags), "likewise");
_Static_assert(sizeof(struct mo_obs_dep) == sizeof(ompt_dependence_t), "handed to the tool");
_Static_assert(offsetof(struct mo_obs_dep, type) == offsetof(ompt_dependence_t, dependence_type), "likewise");
#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
SAME(MO_OBS_BARRIER_EXPLICIT, ompt_sync_region_barrier_explicit);
SAME(MO_OBS_BARRIER_INTERNAL, ompt_sync_region_barrier_implementation);
SAME(MO_OBS_TASKWAIT, ompt_sync_region_taskwait);
SAME(MO_OBS_TASKGROUP, ompt_sync_region_taskgroup);
SAME(MO_OBS_REDUCTION, ompt_sync_region_reduction);
SAME(MO_OBS_BARRIER_WORKSHARE, ompt_sync_region_barrier_implicit_workshare);
SAME(MO_OBS_BARRIER_PARALLEL, ompt_sync_region_barrier_implicit_parallel);
SAME(MO_OBS_LOCK, ompt_mutex_lock);
SAME(MO_OBS_TEST_LOCK, ompt_mutex_test_lock);
SAME(MO_OBS_NEST_LOCK, ompt_mutex_nest_lock);
SAME(MO_OBS_TEST_NEST_LOCK, ompt_mutex_test_nest_lock);
SAME(MO_OBS_CRITICAL, ompt_mutex_critical);
SAME(MO_OBS_ATOMIC, ompt_mutex_atomic);
SAME(MO_OBS_ORDERED, ompt_mutex_ordered);
SAME(MO_OBS_LOOP, ompt_work_loop);
SAME(MO_OBS_SECTIONS, ompt_work_sections);
SAME(MO_OBS_SINGLE_EXECUTOR, ompt_work_single_executor);
SAME(MO_OBS_SINGLE_OTHER, ompt_work_single_other);
SAME(MO_OBS_DISTRIBUTE, ompt_work_distribute);
SAME(MO_OBS_TASKLOOP, ompt_work_taskloop);
SAME(MO_OBS_SCOPE, ompt_work_scope);
SAME(MO_OBS_COMPLETE, ompt_task_complete);
SAME(MO_OBS_YIELD, ompt_task_yield);
SAME(MO_OBS_CANCEL, ompt_task_cancel);
SAME(MO_OBS_DETACH, ompt_task_detach);
SAME(MO_OBS_EARLY_FULFILL, ompt_task_early_fulfill);
SAME(MO_OBS_LATE_FULFILL, ompt_task_late_fulfill);
SAME(MO_OBS_SWITCH, ompt_task_switch);
SAME(MO_OBS_TASK_INITIAL, ompt_task_initial);
SAME(MO_OBS_TASK_IMPLICIT, ompt_task_implicit);
SAME(MO_OBS_TASK_EXPLICIT, ompt_task_explicit);
SAME(MO_OBS_TASK_UNDEFERRED, ompt_task_undeferred);
SAME(MO_OBS_TASK_UNTIED, ompt_task_untied);
SAME(MO_OBS_TASK_FINAL, ompt_task_final);
SAME(MO_OBS_TASK_MERGEABLE, ompt_task_mergeable);
SAME(MO_OBS_INVOKER_PROGRAM, ompt_parallel_invoker_program);
SAME(MO_OBS_INVOKER_RUNTIME, ompt_parallel_invoker_runtime);
SAME(MO_OBS_LEAGUE, ompt_parallel_league);
SAME(MO_OBS_TEAM, ompt_parallel_team);
SAME(MO_OBS_CANCEL_PARALLEL, ompt_cancel_parallel);
SAME(MO_OBS_CANCEL_SECTIONS, ompt_cancel_sections);
SAME(MO_OBS_CANCEL_LOOP, ompt_cancel_loop);
SAME(MO_OBS_CANCEL_TASKGROUP, ompt_cancel_taskgroup);
SAME(MO_OBS_CANCEL_ACTIVATED, ompt_cancel_activated);
SAME(MO_OBS_CANCEL_DETECTED, ompt_cancel_detected);
SAME(MO_OBS_CANCEL_DISCARDED, ompt_cancel_discarded_task);
SAME(MO_OBS_WARNING, ompt_warning);
SAME(MO_OBS_FATAL, ompt_fatal);
SAME(MO_OBS_DEP_IN, ompt_dependence_type_in);
SAME(MO_OBS_DEP_OUT, ompt_dependence_type_out);
SAME(MO_OBS_DEP_INOUT, ompt_dependence_type_inout);
SAME(MO_OBS_DEP_MUTEX, ompt_dependence_type_mutexinoutset);
SAME(MO_OBS_DEP_SOURCE, ompt_dependence_type_source);
SAME(MO_OBS_DEP_SINK, ompt_dependence_type_sink);
SAME(MO_OBS_DEP_INOUTSET, ompt_dependence_type_inoutset);

/* ---- How the search goes, for OMP_TOOL_VERBOSE_INIT. */
static FILE *open_log(void)
{
    const char *where = mo_knob_text(MO_KNOB_OMP_TOOL_VERBOSE_INIT);
    if (!where || !*where || !strcasecmp(where, "disabled"))
        return NULL;
    if (!strcasecmp(where, "stdout"))
        return stdout;
    if (!strcasecmp(where, "stderr"))
        return stderr;
    FILE *file = fopen(where, "we");
    if (!file)
        mo_warn("OMP_TOOL_VERBOSE_INIT: cannot write %s", where);
    return file;
}

static void close_log(FILE *log)
{
    if (log == stdout || log == stderr)
        fflush(log);
    else if (log)
        fclose(log);
}

#define LOG(log, ...) (void)((log) && fprintf((log), "moirai: OMPT: " __VA_ARGS__))

/* ---- Finding. */
typedef ompt_start_tool_result_t *start_tool(unsigned version, const char *runtime);

static ompt_start_tool_result_t *ask(start_tool *start, const char *where, FILE *log)
{
    ompt_start_tool_result_t *tool = start ? start(OMP_VERSION, RUNTIME_NAME) : NULL;
    LOG(log, "%s: %s\n", where, tool ? "a tool starts" : start ? "the tool declines" : "no ompt_start_tool");
    return tool;
}

static ompt_start_tool_result_t *ask_library(const char *path, FILE *log)
{
    void *library = dlopen(path, RTLD_LAZY);
    if (!library) {
        LOG(log, "%s: cannot be opened (%s)\n", path, dlerror());
        return NULL;
    }
    ompt_start_tool_result_t *tool = ask((start_tool *)dlsym(library, "ompt_start_tool"), path, log);
    if (!tool)
        dlclose(library);
    return tool;
}

static ompt_start_tool_result_t *ask_libraries(const char *list, FILE *log)
{
    ompt_start_tool_result_t *tool = NULL;
    while (list && *list && !tool) {
        char path[PATH_BYTES_MAX];
        size_t bytes = strcspn(list, ":");
        if (bytes && bytes < sizeof path) {
            memcpy(path, list, bytes);
            path[bytes] = '\0';
            tool = ask_library(path, log);
        }
        list += bytes + (list[bytes] == ':');
    }
    return tool;
}

static ompt_start_tool_result_t *find(FILE *log)
{
    /* The answer of this may be the runtime's own function, which looks behind itself. */
    ompt_start_tool_result_t *tool = ask((start_tool *)dlsym(RTLD_DEFAULT, "ompt_start_tool"), "the process", log);
    if (!tool)
        tool = ask_libraries(mo_knob_text(MO_KNOB_OMP_TOOL_LIBRARIES), log);
    if (!tool && dlsym(RTLD_DEFAULT, "__tsan_init"))
        tool = ask_library(ARCHER, log);
    return tool;
}

/* ---- Starting. */
/* A block that one task had may become another's, and nothing that ThreadSanitizer sees lies between the two. */
static void find_annotations(struct mo_obs *o)
{
    if (!dlsym(RTLD_DEFAULT, "__tsan_init"))
        return;
    o->happens_before = (mo_obs_annotation *)dlsym(RTLD_DEFAULT, "AnnotateHappensBefore");
    o->happens_after = (mo_obs_annotation *)dlsym(RTLD_DEFAULT, "AnnotateHappensAfter");
}

static bool start_tool_found(struct mo_obs *o)
{
    FILE *log = open_log();
    o->tool = find(log);
    find_annotations(o);
    bool works = o->tool && o->tool->initialize && o->tool->initialize(mo_obs_lookup, 0, &o->tool->tool_data);
    if (o->tool)
        LOG(log, "the tool %s\n", works ? "is attached" : "does not want to go on");
    close_log(log);
    if (works && atexit(mo_obs_finalize) != 0)
        mo_warn("cannot register an exit handler: the tool will not be told of the end");
    return works;
}

/* Our own recording takes part in what tools are told of. */
static void start(void)
{
    struct mo_obs *o = &MO_SHARED(obs);
    bool works = &MO_SHARED(obs_host) && mo_knob(MO_KNOB_OMP_TOOL) && start_tool_found(o);
    mo_store_release(&o->attached, works || (mo_watch_wishes() & MO_WATCH_EVENTS));
}

void mo_obs_start(void)
{
    pthread_once(&MO_SHARED(obs).once, start);
}

bool mo_obs_attached(void)
{
    return mo_load_acquire(&MO_SHARED(obs).attached);
}

/* ---- The end. */
static void forget_callbacks(struct mo_obs *o)
{
    for (unsigned i = 0; i < MO_OBS_EVENTS; i++)
        mo_store_relaxed(&o->callback[i], NULL);
}

/* Threads of the pool end on their own stacks, so they tell of it themselves; those in the middle of something do
   not. */
static void await_pool_threads(struct mo_obs *o)
{
    uint64_t until = mo_plat_now_ns() + FAREWELL_NS;
    MO_SHARED(obs_host).end_idle_threads();
    while (mo_load_acquire(&o->pool_threads) && mo_plat_now_ns() < until)
        mo_plat_yield();
}

static void end_this_thread(struct mo_obs *o)
{
    struct mo_obs_thread *t = MO_SHARED(obs_host).self();
    if (!t || !t->begun || !t->task || !(t->task->flags & MO_OBS_TASK_INITIAL) || t->task->outer)
        return;
    await_pool_threads(o);
    mo_obs_initial_end(t, 1, 1);
    mo_obs_thread_end(t);
}

void mo_obs_finalize(void)
{
    struct mo_obs *o = &MO_SHARED(obs);
    bool no = false;
    if (!atomic_compare_exchange_strong(&o->finalized, &no, true))
        return;
    end_this_thread(o);
    if (o->tool->finalize)
        o->tool->finalize(&o->tool->tool_data);
    forget_callbacks(o);
}

void mo_obs_reset_after_fork(void)
{
    struct mo_obs *o = &MO_SHARED(obs);
    if (!mo_load_relaxed(&o->attached)) /* one thread is left */
        return;
    mo_store_relaxed(&o->finalized, true);
    mo_store_relaxed(&o->pool_threads, 0u);
    forget_callbacks(o);
}
