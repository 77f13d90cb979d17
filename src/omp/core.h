/* The OpenMP core: what constructs mean, for every face. Faces translate their compiler's calls into these; nothing
   here knows a foreign layout. Loops of all types arrive as a trip count from 0 (see mo_loop_begin). */
#ifndef MO_OMP_CORE_H
#define MO_OMP_CORE_H

#include "base/allocators.h"
#include "base/config.h"
#include "omp/affinity.h"
#include "sched/sched.h"

/* ---- Internal control variables. Sets are immutable and interned: a task holds the number of its set, a child gets
   its parent's number, and writing one variable means holding another number. So tasks created before the write keep
   what they had. Number 0 is the set that the environment gives. */
struct mo_icvs {
    uintptr_t def_allocator;
    const uint32_t *nested; /* numbers of threads of the regions inside, outermost first, 0 at the end; NULL: as said
                               elsewhere. Of mo_icvs_nested(). */
    uint32_t num_threads;
    uint32_t thread_limit;
    uint32_t chunk; /* of run-sched; 0 = none given */
    uint8_t sched;  /* enum mo_sched_kind of run-sched */
    bool monotonic;
    uint8_t dynamic; /* of MO_DYNAMIC_* */
    uint8_t max_active_levels;
    uint8_t bind;          /* enum mo_bind */
    bool display_affinity; /* regions print where their threads are; the same in all sets, here to be at hand */
    int32_t default_device;
};

#define MO_OMP_LEVELS_MAX 255

/* dyn-var, and MOIRAI_BUDGET, which does the same whatever the program says. */
#define MO_DYNAMIC_ICV    1u
#define MO_DYNAMIC_BUDGET 2u

const struct mo_icvs *mo_icvs_at(uint32_t number);
/* The number of the set with these values; `current` when memory for another set is exhausted (one warning). */
uint32_t mo_icvs_intern(const struct mo_icvs *values, uint32_t current);

static inline const struct mo_icvs *mo_icvs_of(const struct mo_member *m)
{
    return mo_icvs_at(m->current->env);
}

static inline void mo_icvs_set(struct mo_member *m, const struct mo_icvs *values)
{
    m->current->env = mo_icvs_intern(values, m->current->env);
}

/* Held while sets or lists are added. */
_Atomic uint32_t *mo_icvs_lock(void);

/* A list of numbers of threads in the form that ICVs hold: the same address for the same numbers, for ever. NULL when
   memory is exhausted, or there are none. */
const uint32_t *mo_icvs_nested(const int32_t *threads, unsigned count);

/* What the environment made of the ICVs, given the set that it gives, to standard error (settings.c). `verbose`: and of
   settings that OpenMP does not print. */
void mo_omp_print_settings(const struct mo_icvs *initial, bool verbose);

/* ---- Work-sharing state. Each construct that threads share has a descriptor; the descriptors of a region form a chain
   that grows as far as the fastest thread has come. A thread holds the last one it met; whoever is last to leave one
   recycles it. */
struct mo_range_slot {
    _Atomic uint64_t range MO_ALIGNED(MO_CACHE_LINE); /* see loop.c */
};

/* Zeroed memory for one construct (piece.c), aligned to a cache line at least. */
struct mo_piece {
    size_t extent_bytes; /* 0: a block of a worker's slab */
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    void *data;
    uint16_t home; /* worker whose slab it is of */
    uint8_t cls;
} MO_ALIGNED(MO_CACHE_LINE);

/* NULL when memory is exhausted. */
struct mo_piece *mo_piece_new(struct mo_worker *w, size_t bytes, size_t align);
/* `w` is the caller's worker. */
void mo_piece_delete(struct mo_worker *w, struct mo_piece *p);

struct mo_share {
    _Atomic(struct mo_share *) next;
    void *no_parent; /* as in a piece */
    _Atomic uint32_t departed;
    _Atomic uint32_t lock;     /* of whoever attaches something */
    _Atomic uint64_t schedule; /* of a runtime schedule: what the first thread found, 0 = nobody was here yet */
    /* What some constructs need beside: made by the first thread that asks for it, gone with the construct. */
    _Atomic(struct mo_piece *) memory;
    _Atomic(struct mo_reductions *) reductions;
    _Atomic(struct mo_doacross *) doacross;
    _Atomic uint64_t counter MO_ALIGNED(MO_CACHE_LINE); /* next iteration, chunk or section */
    _Atomic uint64_t turn MO_ALIGNED(MO_CACHE_LINE);    /* ordered: the iteration whose turn it is */
    struct mo_event turn_event;
    uint16_t home; /* worker whose slab it is of */
    uint8_t cls;
    unsigned slots;
    struct mo_range_slot slot[]; /* one a member */
};

_Static_assert(offsetof(struct mo_share, no_parent) == offsetof(struct mo_task, parent), "a thief finds NULL");
_Static_assert(offsetof(struct mo_piece, no_parent) == offsetof(struct mo_task, parent), "a thief finds NULL");

/* A loop as one thread sees it: iterations 0..trips-1 stand for begin, begin + step, ... (modulo 2^64, which serves
   signed and unsigned, up and down). */
struct mo_loop {
    uint64_t begin, end, step, trips;
    uint64_t chunk;  /* at least 1 but for static without chunk: 0 */
    uint64_t chunks; /* ranges: number of chunks */
    uint64_t next;   /* static: next chunk of mine, or whether the block was given; counter: next fetched chunk */
    uint64_t stock_end, fetch, fetched_at; /* counter: end of the fetched chunks, how many at once, when (ticks) */
    uint64_t lo, hi;                       /* ordered: the chunk I have, hi == 0: none yet */
    uint8_t kind;                          /* enum mo_loop_kind */
    uint8_t order;                         /* enum mo_loop_order */
    bool my_turn;                          /* ordered: `turn` has come to lo */
};

enum mo_loop_kind { MO_LOOP_STATIC, MO_LOOP_COUNTER, MO_LOOP_GUIDED, MO_LOOP_RANGES, MO_LOOP_WHOLE };
enum mo_loop_order { MO_ORDER_NONE, MO_ORDER_TURNS, MO_ORDER_DOACROSS };

/* What a schedule clause says. kind 0 = runtime. */
struct mo_loop_spec {
    uint64_t begin, end, step, trips;
    uint64_t chunk;
    uint8_t sched; /* enum mo_sched_kind, 0 = as run-sched says */
    bool monotonic;
    uint8_t order;  /* enum mo_loop_order */
    bool described; /* needs its descriptor for more than the schedule */
};

/* What the clauses of the next region say, where they come before it in calls of their own. */
struct mo_next_region {
    unsigned num_threads;         /* 0 = no clause */
    unsigned teams, thread_limit; /* of a teams construct; 0 = no clause */
    uint8_t bind;                 /* enum mo_bind; MO_BIND_FALSE = no clause */
    uint8_t strict;               /* enum mo_strict: what it is not to have the number of threads */
    const char *message;          /* for that case; NULL: none */
    const uint32_t *nested;       /* numbers of threads of the regions inside; NULL: as before */
};

struct mo_omp_member {
    struct mo_share *share;
    struct mo_share *spare;         /* a zeroed descriptor for the next construct */
    _Atomic uint32_t group_threads; /* of a root: see region.c */
    unsigned claimed;               /* of the budget, for the region that it is about to open */
    unsigned team_num, num_teams;   /* of a root: see teams.c; 0 teams: outside all */
    uint32_t teams_env;             /* of a root: ICVs that each team begins with */
    uint64_t singles;               /* single constructs met in this region */
    struct mo_loop loop;
    uint64_t sections;
    struct mo_taskgroup *groups; /* closed ones, for reuse */
    uint64_t plan_seen;          /* where it went for the plan of that number */
    struct mo_spot spot;
    struct mo_taskgroup *region_group;   /* of the implicit task, in regions with task reductions */
    struct mo_doacross_thread *doacross; /* NULL in a team of one */
    struct mo_next_region next_region;
    bool reducing;       /* holds the lock of a reduction that compiled code ends */
    void *next_doacross; /* of a face whose compiler describes such a loop in calls of their own */
};
_Static_assert(sizeof(struct mo_omp_member) <= MO_MEMBER_CLIENT_BYTES, "fits the client area");

struct mo_omp_team {
    /* One line, written at fork. */
    void (*fn)(void *);
    void *data;
    struct mo_share *first; /* where each thread's chain begins */
    uint32_t env;           /* ICVs of the implicit tasks */
    uint8_t combined;
    bool alone;       /* as the region says */
    bool group;       /* a contention group */
    unsigned claimed; /* CPUs of the budget, given back at the region's end */
    unsigned level, active_level;
    struct mo_plan plan;  /* where the threads go (bind.c) */
    uint64_t plan_number; /* 0: they go where they like */

    /* gen + 1 of the team while a work-sharing construct is cancelled: the barrier at its end makes that stale. */
    _Atomic uint64_t share_cancelled;

    /* Rarely written. */
    struct mo_plan shown;          /* the last plan that was printed */
    bool show;                     /* the present one is to be */
    _Atomic uint32_t showing_turn; /* thread that prints next */

    _Atomic uint64_t single MO_ALIGNED(MO_CACHE_LINE); /* single constructs that have found their thread */
    void *copyprivate;

    struct mo_loop_spec
        loop MO_ALIGNED(MO_CACHE_LINE); /* combined constructs: the loop that every thread is in from the
                                                           start, or the number of sections */
    uint64_t sections;
    struct mo_reductions *reductions;
};
_Static_assert(sizeof(struct mo_omp_team) <= MO_TEAM_CLIENT_BYTES, "fits the client area");

/* Outside all regions of its contention group, where tasks run at once. */
static inline bool mo_omp_outside(const struct mo_member *m)
{
    return ((const struct mo_omp_team *)m->team->client)->level == 0;
}

enum { MO_COMBINED_NONE, MO_COMBINED_LOOP, MO_COMBINED_SECTIONS, MO_COMBINED_REDUCTIONS };

static inline struct mo_omp_member *mo_omp_member(struct mo_member *m)
{
    return (struct mo_omp_member *)m->client;
}

static inline struct mo_omp_team *mo_omp_team(struct mo_team *team)
{
    return (struct mo_omp_team *)team->client;
}

/* ---- Regions (region.c). */
enum mo_strict { MO_STRICT_NOT, MO_STRICT_WARN, MO_STRICT_FATAL };

struct mo_region {
    void (*fn)(void *);
    void *data;
    unsigned num_threads;   /* as the clause says; 0 = no clause */
    uint8_t bind;           /* enum mo_bind of the clause; MO_BIND_FALSE = no clause */
    uint8_t strict;         /* enum mo_strict: what to do if it gets fewer threads than num_threads */
    const char *message;    /* of the program for that case; NULL: none */
    const uint32_t *nested; /* what the clause says about the regions inside; NULL: nothing */
    uint8_t combined;
    bool alone; /* its if clause says no, and its compiler's runtime makes that a league of one (teams.c) */
    struct mo_loop_spec loop;
    uint64_t sections;
    const struct mo_reduction_spec *reductions;
    const struct mo_group *group; /* NULL: a parallel region */
};

/* Open a region; the caller, whose member `m` is, becomes its thread 0 and must call fn(data) itself, or let
   mo_region_run_on do it. */
void mo_region_begin_on(struct mo_member *m, const struct mo_region *r);
void mo_region_run_on(struct mo_member *m, const struct mo_region *r);
/* The same where no tool watches. */
void mo_region_run_plain(struct mo_member *m, const struct mo_region *r);
void mo_region_end(void);

static inline void mo_region_begin(const struct mo_region *r)
{
    mo_region_begin_on(mo_self(), r);
}

static inline void mo_region_run(const struct mo_region *r)
{
    mo_region_run_on(mo_self(), r);
}

/* The member that stands for the calling thread `up` regions outside the innermost one. */
struct mo_member *mo_region_ancestor(struct mo_member *m, unsigned up);

/* Watched regions (observe.c): `team`, that `outer` opens, is about to start; its member 0 has come to its end. */
void mo_observe_region(struct mo_member *outer, struct mo_team *team, const struct mo_region *r, bool runtime_calls);
void mo_observe_region_end(struct mo_team *team);
/* The member begins its implicit task; `frame` is of the function that calls the program, NULL: the program goes on. */
void mo_observe_member(struct mo_member *m, void *frame);
/* Waiting positions of a doacross loop, or a posted one. */
void mo_observe_doacross(struct mo_member *m, bool posted, const uint64_t *position);

/* ---- Contention groups, teams (teams.c). A thread outside all regions and what runs below it make up a contention
   group: levels and thread numbers begin at 0 in it, and a thread limit holds for it. Each team of a teams construct is
   one, and each target region. */
struct mo_group {
    unsigned number, teams; /* 0 teams: it is no team of a league */
};

/* Leave the regions that the caller is in for a group of its own whose ICVs are `env`, until the end. */
void mo_group_begin(uint32_t env, const struct mo_group *group);
void mo_group_end(void);
/* `env` with the limit of a thread_limit clause; 0: no clause. */
uint32_t mo_group_limited(uint32_t env, unsigned thread_limit);

/* Run fn(data) once for each team, one after the other. 0: no such clause. */
void mo_teams_run(void (*fn)(void *), void *data, unsigned num_teams, unsigned thread_limit);
/* The same for a caller that runs the teams itself: make its group the first team, the next one. False: no more. */
bool mo_teams_next(struct mo_member *m, unsigned num_teams, unsigned thread_limit, bool first);
unsigned mo_teams_count(struct mo_member *m);
unsigned mo_teams_number(struct mo_member *m);
/* The same for programs that ask. */
unsigned mo_teams_count_told(struct mo_member *m);
unsigned mo_teams_number_told(struct mo_member *m);

/* ICVs of the device, which all threads share. 0: not set. */
int mo_teams_max(void);
void mo_teams_set_max(int teams);
int mo_teams_thread_limit(void);
void mo_teams_set_thread_limit(int limit);

/* ---- Loops (loop.c), sections and single (share.c). */
/* Number of iterations of begin, begin + step, ... before end; step is not 0. */
uint64_t mo_loop_trips(int64_t begin, int64_t end, int64_t step);
uint64_t mo_loop_trips_unsigned(bool up, uint64_t begin, uint64_t end, uint64_t step);
/* Every thread of the team calls begin, then next until it says false. A chunk is [*from, *to) in the loop's own terms;
   the last one ends at the loop's end. */
void mo_loop_begin(struct mo_member *m, const struct mo_loop_spec *spec);
bool mo_loop_next(struct mo_member *m, uint64_t *from, uint64_t *to);
/* Ordered region within a chunk: wait for its turn. */
void mo_ordered_begin(struct mo_member *m);
/* The turn goes on when the chunk is over, not here. */
void mo_ordered_end(struct mo_member *m);
/* The thread is through with a loop, sections, single or scope, and does not wait for the others. A barrier says the
   same. */
static inline void mo_work_end(struct mo_member *m)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_work_end(&m->worker->obs);
}

/* The iterations lo..hi-1 of a thread under a static schedule without chunk; false: none. */
bool mo_loop_block(uint64_t trips, unsigned threads, unsigned tid, uint64_t *lo, uint64_t *hi);
/* What a guided schedule hands out next of `left` iterations, at least one. */
uint64_t mo_loop_guided_size(uint64_t left, unsigned threads, uint64_t chunk);

/* Go on to the next descriptor of the chain. */
struct mo_share *mo_share_enter(struct mo_member *m);
struct mo_share *mo_share_new(struct mo_worker *w, unsigned slots);
void mo_share_delete(struct mo_worker *w, struct mo_share *s);
/* The construct's own memory, zeroed at first; the same for all threads. */
void *mo_share_memory(struct mo_member *m, size_t bytes);
/* All threads of the region whose member 0 the caller is have come to its end. */
void mo_share_end_region(struct mo_member *m);

/* Sections are numbered from 1; 0 = no more. */
void mo_sections_begin(struct mo_member *m, uint64_t count);
uint64_t mo_sections_next(struct mo_member *m);
/* True for the one thread that runs the block. */
bool mo_single_begin(struct mo_member *m);
/* The same where no tool watches. */
bool mo_single_begin_plain(struct mo_member *m);
/* The winner hands out a pointer; the others wait for it. All threads have passed a barrier afterwards. */
void mo_copyprivate_give(struct mo_member *m, void *data);
void *mo_copyprivate_take(struct mo_member *m);

/* ---- Loops whose iterations wait for iterations of other threads (doacross.c). A position is a number below counts[d]
   for each dimension d. The threads share the iterations of dimension 0; one thread runs all below one of these.
   Positions are in the order in which a single thread would run them. */
struct mo_doacross_spec {
    unsigned dims;
    const uint64_t *counts;
};

/* Like mo_loop_begin, whose loop is dimension 0. Where the schedule is static the caller may run the chunks without
   mo_loop_next, in order, and then says that it is through with all of them. */
void mo_doacross_begin(struct mo_member *m, const struct mo_loop_spec *loop, const struct mo_doacross_spec *spec);
void mo_doacross_end(struct mo_member *m);
void mo_doacross_delete(struct mo_worker *w, struct mo_doacross *d);
/* The thread takes a chunk, or is through with it; loop.c says so. */
void mo_doacross_enter_chunk(struct mo_member *m, uint64_t lo, uint64_t hi);
void mo_doacross_leave_chunk(struct mo_member *m);
/* Number of dimensions; 0 where waits are void. */
unsigned mo_doacross_dims(struct mo_member *m);
/* The calling thread is done with what others wait for at this position. Release. */
void mo_doacross_post(struct mo_member *m, const uint64_t *position);
/* Wait until an earlier position has been posted; acquire. A position outside the loop is nothing to wait for. */
void mo_doacross_wait(struct mo_member *m, const uint64_t *position);

/* ---- Tasks (task.c). */
/* Iterations [from, to) of a loop that is cut into tasks, in the loop's own terms. */
struct mo_part {
    uint64_t from, to;
    bool last;
};

struct mo_task_spec {
    void (*fn)(void *);
    void (*copy)(void *to, void *from); /* NULL = memcpy */
    void *data;
    size_t bytes, align;
    int priority;
    bool deferrable; /* the if clause */
    bool final;
    bool untied, mergeable; /* only told to tools */
    bool last;              /* held back until nothing else is left (MO_PRIORITY_LAST) */
    struct mo_deps deps;
    bool always;                /* fn is called even when the task is cancelled: it asks mo_task_cancelled() itself */
    const struct mo_part *part; /* written into the payload when it has been copied; NULL: no part of a loop */
    /* Writes it; NULL: bounds become the payload's first two words. */
    void (*place)(void *payload, const struct mo_part *part, void *arg);
    void *place_arg;
    /* With a detach clause: hands the event to the program, before the payload is copied. */
    void (*detach)(void *arg, struct mo_task_event *event);
    void *detach_arg;
    /* The task's block, where it has been reserved; `data` is its payload then and is not copied. */
    struct mo_task *reserved;
    struct mo_task_event *event; /* of a reserved one that is detached */
};

/* What a priority clause comes to. */
int mo_omp_priority(int clause);
void mo_omp_task(struct mo_member *m, const struct mo_task_spec *t);
void mo_task_place(const struct mo_task_spec *t, void *payload, const struct mo_part *part);
/* A loop cut into tasks. `place` must be able to do without its argument unless the task has a copy function. */
struct mo_taskloop {
    struct mo_task_spec task;
    uint64_t begin, step, trips;
    uint64_t grainsize, num_tasks; /* as a clause says; 0 = no such clause */
    bool strict;                   /* the clause means exactly that */
    bool singly;                   /* tasks are made one by one by the thread that meets the construct */
    bool nogroup;                  /* nobody waits for the tasks at the end of the construct */
};

void mo_omp_taskloop(struct mo_member *m, const struct mo_taskloop *loop);

void mo_omp_taskgroup_begin(struct mo_member *m);
void mo_omp_taskgroup_end(struct mo_member *m);
bool mo_omp_in_final(const struct mo_member *m);
bool mo_omp_in_explicit_task(const struct mo_member *m);

/* ---- Devices (target.c, copy.c). The host is the only one. It is number 0, and -1 where a number is asked for. */
enum { MO_DEVICE_DEFAULT = -1, MO_DEVICE_HOST = -2 }; /* of constructs: no device clause; the host in any case */

/* Whether a routine may use this device. Ends the program if it may not and OMP_TARGET_OFFLOAD is mandatory. */
bool mo_device_exists(int number);

/* A variable that becomes private to a target region; align 0: it does not. */
struct mo_private {
    size_t bytes, align;
};

struct mo_target {
    int device;
    void (*fn)(void *); /* gets `args`, */
    void **args;        /* `count` words, */
    size_t count;
    struct mo_private (*private_at)(const void *list,
                                    size_t i); /* where word i may be the address of such a variable */
    const void *list;
    unsigned thread_limit; /* 0 = no clause */
    bool nowait;
    struct mo_deps deps;
};

void mo_omp_target(struct mo_member *m, const struct mo_target *t);
/* A construct that only moves data: nothing is to be done but what its clauses say about order. */
void mo_omp_target_data(struct mo_member *m, int device, bool nowait, const struct mo_deps *deps);

/* Boxes of elements in two arrays; arrays of `dims` numbers, outermost first. */
struct mo_box {
    void *dst;
    const void *src;
    size_t element_bytes;
    int dims;
    const size_t *volume, *dst_offset, *src_offset, *dst_size, *src_size;
};

/* No distance in it is too long for a size_t. */
bool mo_box_is_sane(const struct mo_box *box);
void mo_box_copy(const struct mo_box *box);
/* As a task with these dependences. */
void mo_box_copy_async(struct mo_member *m, const struct mo_box *box, const struct mo_deps *deps);

/* ---- Reductions in which tasks take part (reduction.c). */
struct mo_reductions; /* the private copies of one construct's list items, a part for each thread */

struct mo_reduction_item {
    uintptr_t original; /* address */
    uintptr_t alias;    /* another address by which tasks may name it; 0: none */
    size_t offset;      /* of the copy in a thread's part */
};

struct mo_reduction_spec {
    size_t count, bytes, align; /* items; a part's size and alignment */
    void *list;
    struct mo_reduction_item (*item)(void *list, size_t i); /* offsets rise */
    /* Where the compiled code leaves that to us: make a thread's zeroed copy of item i, when the thread first asks for
       it; combine a copy with the original when the construct ends, and destroy it. Both or neither. */
    void (*make)(const void *list, size_t i, void *copy);
    void (*merge)(const void *list, size_t i, void *copy);
    size_t list_bytes; /* of the list, which is kept for these two */
    /* Regions: tells the caller before any thread starts. */
    void (*made)(const struct mo_reduction_spec *spec, struct mo_reductions *r);
};

struct mo_reduction_copy {
    void *copy, *original;
};

struct mo_reductions *mo_reductions_new(struct mo_worker *w, unsigned threads, const struct mo_reduction_spec *spec);
void mo_reductions_delete(struct mo_worker *w, struct mo_reductions *r);
/* Where thread 0's copies are; zeroed at first. */
void *mo_reductions_parts(const struct mo_reductions *r);
/* Tasks of the group take part. */
void mo_reductions_attach(struct mo_taskgroup *group, struct mo_reductions *r);
/* The calling thread's copy of the list item that `address`, of the original or of any copy, belongs to, in the
   innermost construct that has it. Ends the process with a message when none has. */
struct mo_reduction_copy mo_reduction_find(const struct mo_member *m, const void *address);
/* The current taskgroup gets reductions that are merged at its end. */
void mo_taskgroup_reductions_begin(struct mo_member *m, const struct mo_reduction_spec *spec);
/* mo_omp_taskgroup_end() for any group. */
void mo_taskgroup_reductions_end(struct mo_member *m);
/* The construct whose descriptor the thread has entered gets reductions. Each thread calls both. Originals may differ
   from thread to thread where copies are merged: the last thread to call the end merges them into its own. */
struct mo_reductions *mo_workshare_reductions_begin(struct mo_member *m, const struct mo_reduction_spec *spec);
void mo_workshare_reductions_end(struct mo_member *m, bool barrier);
/* The descriptor lets go of them. */
void mo_reductions_release(struct mo_worker *w, struct mo_reductions *r);

/* ---- Reductions that compiled code ends under a lock (combine.c). True: the caller has the lock, and the parts of
   some others in its own; false: somebody has taken its parts. `combine` adds those of its second argument to those of
   its first. Every thread of the region calls it, as for any work-sharing construct. */
bool mo_combine(struct mo_member *m, void *parts, void (*combine)(void *, void *), _Atomic uint32_t *lock);

/* ---- What threads are for (library.c): enum mo_library, one of the first three. */
enum mo_library mo_library(void);
/* For the regions of the current task, and all waits. */
void mo_library_set(struct mo_member *m, enum mo_library library);

/* End idle threads. False: the caller is in a region. */
bool mo_omp_pause(struct mo_member *m);

/* ---- Cancellation (cancel.c). Nothing is ever cancelled unless OMP_CANCELLATION says so. */
enum mo_cancel_kind { MO_CANCEL_PARALLEL, MO_CANCEL_SHARE, MO_CANCEL_TASKGROUP };

/* Cancel the innermost construct of the kind; false when cancellation is off. */
bool mo_omp_cancel(struct mo_member *m, enum mo_cancel_kind kind);
/* Has it been cancelled? True for all kinds where the region has. */
bool mo_omp_cancelled(struct mo_member *m, enum mo_cancel_kind kind);

/* ---- Locks (lock.c), in the caller's own bytes, and the two that constructs without a name share. */
extern _Atomic uint32_t MO_SHARED(critical) MO_SHARED_ATTR;
extern _Atomic uint32_t MO_SHARED(atomic) MO_SHARED_ATTR;
/* `m` is the caller. */
void mo_omp_acquire(struct mo_member *m, _Atomic uint32_t *lock);
void mo_omp_release(struct mo_member *m, _Atomic uint32_t *lock);
bool mo_omp_try_acquire(struct mo_member *m, _Atomic uint32_t *lock);
/* The first two where no tool watches. While a thread holds a lock no new task runs at once on it. */
static inline void mo_omp_acquire_plain(struct mo_member *m, _Atomic uint32_t *lock)
{
    m->worker->held++;
    mo_mutex_lock(lock);
}

/* A lock may be given back by another thread than took it, against the rules. */
static inline void mo_omp_let_go(struct mo_member *m)
{
    struct mo_worker *w = m->worker;
    if (w->held)
        w->held--;
}

static inline void mo_omp_release_plain(struct mo_member *m, _Atomic uint32_t *lock)
{
    mo_omp_let_go(m);
    mo_mutex_unlock(lock);
}

static inline void mo_omp_lock(_Atomic uint32_t *lock)
{
    mo_omp_acquire(mo_self(), lock);
}

static inline void mo_omp_unlock(_Atomic uint32_t *lock)
{
    mo_omp_release(mo_self(), lock);
}

static inline bool mo_omp_try_lock(_Atomic uint32_t *lock)
{
    return mo_omp_try_acquire(mo_self(), lock);
}

/* Owner: identity of the task that holds it << 1 | somebody may sleep; 0 = free. */
struct mo_nest_lock {
    _Atomic uint32_t owner;
    uint32_t count; /* the owner's */
};

/* A lock that is all zero is as good as one that was initialised; tools want to know. */
void mo_omp_lock_init(struct mo_member *m, _Atomic uint32_t *lock, unsigned hint);
void mo_omp_lock_destroy(struct mo_member *m, _Atomic uint32_t *lock);
void mo_omp_nest_init(struct mo_member *m, struct mo_nest_lock *lock, unsigned hint);
void mo_omp_nest_destroy(struct mo_member *m, struct mo_nest_lock *lock);

void mo_omp_nest_lock(struct mo_nest_lock *lock);
void mo_omp_nest_unlock(struct mo_nest_lock *lock);
/* The new nesting count, 0 when another task has it. */
unsigned mo_omp_try_nest_lock(struct mo_nest_lock *lock);

/* ---- Allocators (allocator.c). A handle is the number of a predefined allocator or of one that was made. */
/* 0: there is no such memory space, a trait is none or has no such value, or memory is exhausted. */
uintptr_t mo_allocator_make(uintptr_t space, int64_t count, const struct mo_trait *traits);
/* The predefined allocator of a memory space; 0: there is no such space. */
uintptr_t mo_allocator_of_space(uintptr_t space);
/* The one that the setting OMP_ALLOCATOR names or describes. */
uintptr_t mo_allocator_of_setting(void);
/* Handles that name nothing that was made are left alone. */
void mo_allocator_destroy(uintptr_t handle);

/* Of the current task. The null allocator stands for the one that a program has without asking. */
void mo_omp_set_default_allocator(struct mo_member *m, uintptr_t allocator);

/* ---- Their memory (alloc.c), from any thread. `allocator` 0 is the task's default one, and of realloc the one that
   the block has. An alignment that is no power of two counts as the next one. NULL: 0 bytes, or there is no memory and
   the allocator's fallback says so. */
void *mo_omp_alloc(size_t align, size_t bytes, uintptr_t allocator);
void *mo_omp_calloc(size_t align, size_t count, size_t size, uintptr_t allocator);
/* On failure NULL, and the old block is as it was; 0 bytes free it. */
void *mo_omp_realloc(void *block, size_t bytes, uintptr_t allocator);
void mo_omp_free(void *block);
/* Memory that a construct cannot do without: ends the process with a message where there is none. */
void *mo_omp_demand(size_t align, size_t bytes, uintptr_t allocator);

/* ---- Blocks of which only their address tells that they are ours (known.c): compiled code that is about to free an
   address asks whose it is. */
void mo_known_add(void *block);
/* Was it added? Then it is forgotten: who asks is about to free or move it. */
bool mo_known_take(void *block);

#endif
