/* Seeing inside: OMPT, the interface of OpenMP 5.1 for tools that watch a program (profilers, race detectors).

   A tool attaches at the first use of the runtime or never, so whether a process is watched is settled before it has a
   team. Teams, and members in their regions, carry that in `traced`; hooks look like

       if (mo_unlikely(mo_traced(m)))
           mo_obs_barrier_begin(&m->worker->obs, kind);

   which is one predicted branch without a tool. Everything behind it is out of line. In a watched process each thread,
   region and task has a record, embedded in what it describes (worker, team, member, task), so a tool's words live as
   long as that. Records form a chain: each task's leads to the task that it runs inside of.

   Faces note with MO_OBSERVE() where the program called the runtime; the next event of the thread has it.
   Context: the thread that the record is of, unless said otherwise. Numbers are those of OpenMP's header, so that the
   core compiles without it; tool.c holds them against each other. */
#ifndef MO_OBS_OBS_H
#define MO_OBS_OBS_H

#include "base/atomic.h"
#include "base/shared.h"

#ifdef MO_OMPT
#define mo_traced(m) ((m)->traced)
#else
#define mo_traced(m) false
#endif

/* ---- Words. */
union mo_obs_data {
    uint64_t value;
    void *ptr;
};

struct mo_obs_frame {
    union mo_obs_data exit, enter;
    int exit_flags, enter_flags;
};

enum mo_obs_sync {
    MO_OBS_BARRIER_EXPLICIT = 3,
    MO_OBS_BARRIER_INTERNAL = 4,
    MO_OBS_TASKWAIT = 5,
    MO_OBS_TASKGROUP = 6,
    MO_OBS_REDUCTION = 7,
    MO_OBS_BARRIER_WORKSHARE = 8,
    MO_OBS_BARRIER_PARALLEL = 9
};

enum mo_obs_mutex {
    MO_OBS_LOCK = 1,
    MO_OBS_TEST_LOCK = 2,
    MO_OBS_NEST_LOCK = 3,
    MO_OBS_TEST_NEST_LOCK = 4,
    MO_OBS_CRITICAL = 5,
    MO_OBS_ATOMIC = 6,
    MO_OBS_ORDERED = 7
};

enum mo_obs_work {
    MO_OBS_LOOP = 1,
    MO_OBS_SECTIONS = 2,
    MO_OBS_SINGLE_EXECUTOR = 3,
    MO_OBS_SINGLE_OTHER = 4,
    MO_OBS_DISTRIBUTE = 6,
    MO_OBS_TASKLOOP = 7,
    MO_OBS_SCOPE = 8
};

enum mo_obs_status {
    MO_OBS_COMPLETE = 1,
    MO_OBS_YIELD = 2,
    MO_OBS_CANCEL = 3,
    MO_OBS_DETACH = 4,
    MO_OBS_EARLY_FULFILL = 5,
    MO_OBS_LATE_FULFILL = 6,
    MO_OBS_SWITCH = 7
};

/* Flags of tasks, regions and cancellations. */
enum {
    MO_OBS_TASK_INITIAL = 1 << 0,
    MO_OBS_TASK_IMPLICIT = 1 << 1,
    MO_OBS_TASK_EXPLICIT = 1 << 2,
    MO_OBS_TASK_UNDEFERRED = 1 << 27,
    MO_OBS_TASK_UNTIED = 1 << 28,
    MO_OBS_TASK_FINAL = 1 << 29,
    MO_OBS_TASK_MERGEABLE = 1 << 30
};
enum {
    MO_OBS_INVOKER_PROGRAM = 1 << 0, /* the program calls the primary thread's part itself */
    MO_OBS_INVOKER_RUNTIME = 1 << 1,
    MO_OBS_LEAGUE = 1 << 30,
    MO_OBS_TEAM = (int)(1u << 31)
};
enum {
    MO_OBS_CANCEL_PARALLEL = 1,
    MO_OBS_CANCEL_SECTIONS = 2,
    MO_OBS_CANCEL_LOOP = 4,
    MO_OBS_CANCEL_TASKGROUP = 8,
    MO_OBS_CANCEL_ACTIVATED = 16,
    MO_OBS_CANCEL_DETECTED = 32,
    MO_OBS_CANCEL_DISCARDED = 64
};
enum mo_obs_severity { MO_OBS_WARNING = 1, MO_OBS_FATAL = 2 };

/* ---- Records. */
struct mo_obs_parallel {
    union mo_obs_data data;
    struct mo_obs_task *task; /* that met the construct */
    const void *codeptr;
    unsigned size;
    int flags;
};

struct mo_obs_task {
    union mo_obs_data data;
    struct mo_obs_frame frame;
    struct mo_obs_task *outer; /* the task that it runs inside of; of an implicit one, that which met the region */
    struct mo_obs_parallel *parallel;
    void *block;  /* memory that is used again and again; NULL: it is on the stack */
    void *memory; /* its payload */
    size_t bytes;
    const void *codeptr; /* where it was created */
    const void *work_codeptr;
    uint64_t work_count;
    _Atomic bool told; /* the tool knows it */
    int work;          /* enum mo_obs_work: it is in such a construct; 0: in none */
    int flags;
    unsigned thread_num;

    /* What the thread was about when this task began. */
    const void *interrupted_codeptr;
    int interrupted_clauses;
    void *interrupted_cfa;
    uint32_t interrupted_state;
} MO_ALIGNED(32); /* what follows it in a task's block keeps its alignment */

struct mo_obs_thread {
    union mo_obs_data data;
    struct mo_obs_task *task; /* current */
    const void *codeptr;      /* where the program entered the runtime last */
    void *cfa;                /* of that frame */
    int what;    /* what the entry is known to be, of the enumeration that the event asks for; 0: the usual */
    int clauses; /* flags that the face knows about the next task */
    bool yielding;
    bool begun;
    uint32_t state; /* of waiting, as ompt_state_t has it; 0: at work */
    uint64_t wait_id;
};

/* ---- Where the program called: in each entry point that leads to events, with a member at hand. The canonical frame
   address costs no frame pointer. */
static inline void mo_obs_enter(struct mo_obs_thread *t, const void *codeptr, void *cfa, int what)
{
    t->codeptr = codeptr;
    t->cfa = cfa;
    t->what = what;
}

/* What the face knew, or the usual. */
static inline int mo_obs_what(struct mo_obs_thread *t, int usual)
{
    int what = t->what ? t->what : usual;
    t->what = 0;
    return what;
}

#define MO_OBSERVE(m, what_)                                                                                           \
    do {                                                                                                               \
        if (mo_unlikely(mo_traced(m)))                                                                                 \
            mo_obs_enter(&(m)->worker->obs, __builtin_return_address(0), __builtin_dwarf_cfa(), (what_));              \
    } while (0)

/* ---- What the tool asks about and only higher layers know. One constant object for a process; absent from objects
   without OpenMP, which then have no tools. */
struct mo_obs_host {
    struct mo_obs_thread *(*self)(void); /* NULL: unknown to the runtime */
    int (*num_procs)(void);
    int (*num_places)(void);
    int (*place_procs)(int place, int room, int *ids); /* how many there are */
    int (*place)(void);                                /* -1: none */
    int (*partition)(int room, int *places);           /* how many there are */
    void (*end_idle_threads)(void);
};
extern const struct mo_obs_host MO_SHARED(obs_host) MO_SHARED_ATTR __attribute__((weak));

/* ---- The tool (tool.c). */
#ifdef MO_OMPT
/* Find a tool and let it initialise, once in a process. Any thread, outside all locks. */
void mo_obs_start(void);
/* Is there one? Settled once mo_obs_start() has returned. */
bool mo_obs_attached(void);
/* In a forked child, where one thread is left: the tool hears nothing any more. */
void mo_obs_reset_after_fork(void);
#else
static inline void mo_obs_start(void)
{
}
#define mo_obs_attached() false
static inline void mo_obs_reset_after_fork(void)
{
}
#endif

/* ---- Events (events.c). */
void mo_obs_thread_begin(struct mo_obs_thread *t, bool pooled);
void mo_obs_thread_end(struct mo_obs_thread *t);
/* A thread of the pool has told everything that there is to tell of it. */
void mo_obs_pool_thread_gone(void);
/* An initial task: of a thread of the program, a team of a league, a target region. The caller has filled in `p`. */
void mo_obs_initial_begin(struct mo_obs_thread *t, struct mo_obs_parallel *p, struct mo_obs_task *task, unsigned size,
                          unsigned index);
void mo_obs_initial_end(struct mo_obs_thread *t, unsigned size, unsigned index);

/* The current task opens a region that asks for `wanted` threads; `flags` as above. */
void mo_obs_parallel_begin(struct mo_obs_thread *t, struct mo_obs_parallel *p, unsigned wanted, int flags);
void mo_obs_parallel_end(struct mo_obs_thread *t, struct mo_obs_parallel *p);
/* `frame`: of the function that is about to call the program. */
void mo_obs_implicit_begin(struct mo_obs_thread *t, struct mo_obs_parallel *p, struct mo_obs_task *task,
                           unsigned thread_num, void *frame);
/* The region's record may be gone by now; `size` is what it had. Only parallel_end() finds back to the outer task. */
void mo_obs_implicit_end(struct mo_obs_thread *t, unsigned size);

/* A task of the current one. The record is zeroed and filled; `created` then tells the tool, before anybody can run
   it. */
void mo_obs_task_init(struct mo_obs_thread *t, struct mo_obs_task *task, void *block, void *memory, size_t bytes);
/* A block that had a record is given back without having been a task. */
void mo_obs_block_free(const void *block);
void mo_obs_task_created(struct mo_obs_thread *t, struct mo_obs_task *task, int flags, bool depends);
/* One item of a depend clause, as ompt_dependence_t has it. */
struct mo_obs_dep {
    union mo_obs_data variable;
    int type;
};
enum mo_obs_dep_type {
    MO_OBS_DEP_IN = 1,
    MO_OBS_DEP_OUT = 2,
    MO_OBS_DEP_INOUT = 3,
    MO_OBS_DEP_MUTEX = 4,
    MO_OBS_DEP_SOURCE = 5,
    MO_OBS_DEP_SINK = 6,
    MO_OBS_DEP_INOUTSET = 7
};
void mo_obs_dependences(struct mo_obs_task *task, const struct mo_obs_dep *deps, unsigned count);
void mo_obs_dependence_found(struct mo_obs_task *before, struct mo_obs_task *after);
void mo_obs_task_begin(struct mo_obs_thread *t, struct mo_obs_task *task, unsigned thread_num, void *frame);
/* The current task gives way to the one it runs inside of. */
void mo_obs_task_end(struct mo_obs_thread *t, enum mo_obs_status status);
/* The event of a task is fulfilled, by any thread; `late`: its body has ended. */
void mo_obs_task_fulfilled(struct mo_obs_task *task, bool late);

/* A region of synchronisation and the waiting in it. `wait_begin` also notes what the thread waits for. */
void mo_obs_sync_begin(struct mo_obs_thread *t, enum mo_obs_sync kind);
void mo_obs_sync_end(struct mo_obs_thread *t, enum mo_obs_sync kind);
void mo_obs_wait_begin(struct mo_obs_thread *t, enum mo_obs_sync kind);
void mo_obs_wait_end(struct mo_obs_thread *t, enum mo_obs_sync kind);
/* Both, for constructs that are nothing but waiting. */
void mo_obs_barrier_begin(struct mo_obs_thread *t, enum mo_obs_sync kind);
void mo_obs_barrier_end(struct mo_obs_thread *t, enum mo_obs_sync kind);
void mo_obs_reduction(struct mo_obs_thread *t, bool begin);

void mo_obs_lock_init(struct mo_obs_thread *t, enum mo_obs_mutex kind, unsigned hint, const void *lock);
void mo_obs_lock_destroy(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock);
void mo_obs_mutex_acquire(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock);
void mo_obs_mutex_acquired(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock);
/* The same if the attempt has succeeded. */
void mo_obs_mutex_tried(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock, bool mine);
void mo_obs_mutex_released(struct mo_obs_thread *t, enum mo_obs_mutex kind, const void *lock);
void mo_obs_nest_lock(struct mo_obs_thread *t, bool begin, const void *lock);

/* A construct that threads share. One whose end GCC does not tell ends when the task meets the next one. */
void mo_obs_work_begin(struct mo_obs_thread *t, enum mo_obs_work kind, uint64_t count);
void mo_obs_work_end(struct mo_obs_thread *t);
void mo_obs_dispatch_iteration(struct mo_obs_thread *t, uint64_t iteration);
void mo_obs_dispatch_section(struct mo_obs_thread *t);
void mo_obs_masked(struct mo_obs_thread *t, bool begin);
void mo_obs_flush(struct mo_obs_thread *t);
void mo_obs_cancel(struct mo_obs_thread *t, int flags);
/* Of a task that is dropped. */
void mo_obs_task_discarded(struct mo_obs_thread *t, struct mo_obs_task *task);
void mo_obs_error(struct mo_obs_thread *t, enum mo_obs_severity severity, const char *message, size_t bytes);
/* What the tool answers; -1 when it does not listen. */
int mo_obs_control(struct mo_obs_thread *t, uint64_t command, uint64_t modifier, void *arg);

#endif
