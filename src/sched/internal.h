/* What the files of sched share among themselves. */
#ifndef MO_SCHED_INTERNAL_H
#define MO_SCHED_INTERNAL_H

#include "base/config.h"
#include "mem/stack.h"
#include "sched/sched.h"

#include <pthread.h>

/* The process's scheduler state; everything that is not atomic is guarded by `lock`. */
struct mo_sched {
    _Atomic uint32_t lock;
    pthread_once_t once;
    bool handles_fork;
    _Atomic bool asymmetric;                        /* membarrier is armed: creators of tasks need no fence (steal.c) */
    unsigned workers;                               /* entries used in `worker` */
    struct mo_worker *spare_adopted, *spare_pooled; /* workers without a thread */
    struct mo_worker *free;                         /* pool threads without a team */
    struct mo_team *teams;
    struct mo_team *apart; /* spare ones without a master (apart.c) */
    char *bump, *bump_end; /* permanent memory */
    unsigned cutoff;       /* MOIRAI_TASK_CUTOFF */
    enum mo_steal_strategy steal;
    bool fibers; /* MOIRAI_TEAM=ult: guest.c */
    bool has_stacks;
    struct mo_stacks stacks; /* of fibers */
    struct mo_stack_cache spare_stacks;
    unsigned nodes;                 /* NUMA nodes online */
    _Atomic uint64_t stack_bytes;   /* of pool threads, 0 = the system's default */
    _Atomic uint64_t quota_seen;    /* ticks: when the CPU quota was looked at last */
    unsigned exit_key;              /* pthread key: a thread that was adopted ends */
    _Atomic uint32_t last_identity; /* given to a task that owns a nestable lock */
    _Atomic(struct mo_worker *) worker[MO_WORKERS_MAX];
};

extern struct mo_sched MO_SHARED(sched) MO_SHARED_ATTR;

/* All zero is its initial state. */
_Static_assert(PTHREAD_ONCE_INIT == 0, "shared state begins as zeroes");

static inline struct mo_worker *mo_worker_at(uint16_t index)
{
    return mo_load_relaxed(&MO_SHARED(sched).worker[index]); /* whoever has an index got it after the entry was made */
}

/* worker.c; the caller holds the lock. */
void *mo_sched_permanent_locked(size_t bytes);
struct mo_worker *mo_worker_new_locked(bool pooled);
/* The same, but never one that has served a thread before. */
struct mo_worker *mo_worker_new_fresh_locked(bool pooled);

/* A team of one for the worker's thread; NULL when memory is exhausted. */
struct mo_member *mo_root_new_locked(struct mo_worker *w);

/* Call what ends with the worker's thread. */
void mo_worker_end_all(struct mo_worker *w, bool lost);

/* pool.c */
/* Give `team`, which the caller made busy, pool threads as members 1..want; fewer when threads cannot be had. */
void mo_pool_bind(struct mo_team *team, unsigned want);
/* Start the thread of a worker. 0 or an errno value. */
int mo_pool_start_thread(struct mo_worker *w);

/* team.c */
struct mo_team *mo_team_new_locked(void);
bool mo_team_reserve_locked(struct mo_team *team, unsigned members);
/* Make `m` ready to run its implicit task in a region of `size`; 0: outside all regions, where tasks run at once. */
void mo_member_begin(struct mo_member *m, unsigned size);
/* In a forked child: the team has no pool threads; `reset` when its region and tasks are gone too. */
void mo_team_forget_threads(struct mo_team *team, bool reset);
/* The region of a master that is patient has ended. */
void mo_team_patience_ends(struct mo_member *m);
/* What a pool thread does in a team, until it is sent away. */
void mo_team_serve(struct mo_member *m);
/* guest.c: members that are fibers. */
/* Make a team of `want` for a region of `master`, if it has more members than there are CPUs and can have fibers. */
bool mo_guests_open(struct mo_member *master, struct mo_team *team, unsigned want);
/* The member's thread, in a team with fibers, begins the region that the team's `go` said. */
void mo_guests_enter(struct mo_member *m, uint64_t go);
/* Let the fibers of the member's thread go, whose region is over. */
void mo_guests_leave(struct mo_member *m);
/* Code that may run over the end of a fiber's stack is about to run on its thread. */
void mo_worker_watch(struct mo_worker *w);
/* A thread ends, and its worker waits for the next one. */
void mo_guests_thread_ends(struct mo_worker *w);
/* apart.c: teams without a master, and roots. */
/* A team whose members 1 to at most `want` are pool threads with roots, that runs `enter` when it is started by
   mo_team_start(); `owner` is at the beginning of its client area. NULL, and why, when it would have none. */
struct mo_team *mo_apart_open(unsigned want, void (*enter)(struct mo_member *), void *owner, int *err);
/* Wait until all have returned from `enter`; the team and its threads are free for others. */
void mo_apart_close(struct mo_team *team, struct mo_worker *closer);
static inline void *mo_apart_owner(const struct mo_team *team)
{
    return *(void *const *)team->client;
}
/* The calling pool thread, of a team apart, begins to be outside all regions; it goes back into the team as `m`. */
void mo_root_enter(struct mo_worker *w);
void mo_root_leave(struct mo_member *m);
/* The thread is inside of what a job has begun, and outside of it while another job runs. False: no memory. */
bool mo_root_push(struct mo_worker *w);
void mo_root_pop(struct mo_worker *w);
/* Nothing is left in the root of what ran there before. */
static inline bool mo_root_is_empty(const struct mo_member *root)
{
    return root->current == &root->implicit && !root->group && !root->depends && !(root->implicit.env | root->task_id);
}
/* And nobody watches what its thread does. */
static inline bool mo_root_is_clean(const struct mo_member *root)
{
    return root->current == &root->implicit && !root->group && !root->depends &&
           !(root->implicit.env | root->task_id | root->special);
}
void mo_root_clean(struct mo_member *root);

/* barrier.c */
/* The barrier at the end of a region, for member 0. */
void mo_team_join(struct mo_member *m);
/* The same for any member of a watched team. */
void mo_team_join_observed(struct mo_member *m);
/* Arrive, and end the barrier if nothing is left to wait for. */
void mo_team_arrive(struct mo_member *m);
/* Wait for `ready` as a member that has arrived: run tasks of the barrier meanwhile, sleep on the team's event. */
void mo_team_await(struct mo_member *m, bool (*ready)(void *member), uint32_t bits);

/* victims.c */
void mo_victims_arrange_locked(struct mo_team *team);
/* Room for orders, before mo_victims_arrange_bound(). False: memory is exhausted. */
bool mo_victims_prepare(struct mo_team *team);

/* The payload of most tasks is a few pointers: as much as the smallest block holds beside a header, in whole words. */
static inline void mo_copy_words(uint64_t *to, const uint64_t *from, size_t bytes)
{
    _Static_assert(MO_SLAB_MIN_BYTES - sizeof(struct mo_task) == 4 * sizeof(uint64_t), "at most four words");
    switch (bytes / sizeof *to) {
    case 4:
        to[3] = from[3];
        __attribute__((fallthrough));
    case 3:
        to[2] = from[2];
        __attribute__((fallthrough));
    case 2:
        to[1] = from[1];
        __attribute__((fallthrough));
    case 1:
        to[0] = from[0];
    }
}

/* task.c */
void mo_task_execute(struct mo_member *m, struct mo_task *task);
/* Give it to whoever may run it: through the member's own deque, or through the queue of team `elsewhere` where the
   caller is not between two tasks of that team. */
void mo_task_enqueue(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere);

/* Body and event of a detached task are over. */
void mo_task_end_detached(struct mo_member *m, struct mo_task_event *event, struct mo_team *elsewhere);

/* The node comes first, so that it is in one cache line, also in a block of 96 bytes. In a block that may just be
   recycled the answer may lie behind it, though not behind what is mapped. */
static inline struct mo_task_ext *mo_task_ext_of(struct mo_task *task, unsigned flags)
{
    _Static_assert(sizeof(struct mo_task_node) == MO_TASK_NODE, "the bit says how many bytes it takes");
    _Static_assert(MO_SLAB_TAIL >= sizeof(struct mo_task) + sizeof(struct mo_task_node), "behind any block");
    return (struct mo_task_ext *)((char *)(task + 1) + (flags & MO_TASK_NODE));
}

static inline struct mo_task_ext *mo_task_ext(struct mo_task *task)
{
    return mo_task_ext_of(task, task->flags);
}

static inline struct mo_task_node *mo_task_node(const struct mo_task *task)
{
    return (struct mo_task_node *)(task + 1);
}

/* Requires a task that was made detached. */
static inline struct mo_task_event **mo_task_event_place(struct mo_task *task)
{
    return (struct mo_task_event **)(mo_task_ext(task) + 1);
}

/* What comes before the payload, but for a record for a tool and turns. */
static inline size_t mo_task_head_bytes(unsigned flags)
{
    return sizeof(struct mo_task) + (flags & MO_TASK_EXTENDED ? sizeof(struct mo_task_ext) : 0) +
           (flags & MO_TASK_NODE ? sizeof(struct mo_task_node) : 0) +
           (flags & MO_TASK_DETACHED ? 2 * sizeof(struct mo_task_event *) : 0); /* padded */
}

/* A watched task is extended, and its record comes after that and its event. */
static inline struct mo_obs_task *mo_task_obs(const struct mo_task *task)
{
    return (struct mo_obs_task *)((char *)task + mo_task_head_bytes(task->flags));
}

/* observe.c: a watched thread has made a task, whose dependences are `deps` unless there are none. */
void mo_observe_created(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps);
/* The thread waits for predecessors: to a tool, an undeferred task without a body. */
void mo_observe_taskwait(struct mo_member *m, struct mo_obs_task *taskwait, const struct mo_deps *deps);
void mo_observe_taskwait_over(struct mo_member *m, struct mo_obs_task *taskwait);
void mo_observe_edge(const struct mo_task *first, const struct mo_task *then);
/* A task that the thread makes is about to begin at once. */
void mo_observe_undeferred(struct mo_member *m, struct mo_obs_task *record, unsigned flags);
/* The body of the current task has ended, which perhaps has an event. */
void mo_observe_ended(struct mo_member *m, struct mo_task_event *event, bool dropped);
void mo_observe_fulfill(struct mo_task_event *event);
void mo_observe_adopted(struct mo_member *root);
void mo_observe_left(struct mo_worker *w);
/* A watched pool thread begins to run code outside of regions, in the team of `root`; it ends that. */
void mo_observe_root(struct mo_member *root);
void mo_observe_root_left(struct mo_member *root);

#define MO_JOIN_BYTES                                                                                                  \
    (sizeof(struct mo_task) + sizeof(struct mo_task_ext) + sizeof(struct mo_task_node) + sizeof(struct mo_turn))

/* turn.c: of a group of mutexinoutset tasks one at a time has the turn. The group's join holds it. */
struct mo_turn {
    _Atomic uintptr_t last; /* 0 free, MO_TURN_TAKEN, or taken and the task that queued up last */
    struct mo_task *line;   /* of who has the turn: those that queued up and come next */
};
#define MO_TURN_TAKEN ((uintptr_t)1)

/* In a task, behind what mo_task_head_bytes() counts and its record for a tool: the groups it is in, by address, and
   how many turns it has. */
struct mo_turns {
    struct mo_task *next; /* in the queue that it is in */
    uint32_t count, held;
    struct mo_task *group[];
};

static inline struct mo_turns *mo_task_turns(const struct mo_task *task)
{
    size_t record = task->flags & MO_TASK_TRACED ? sizeof(struct mo_obs_task) : 0;
    return (struct mo_turns *)((char *)task + mo_task_head_bytes(task->flags) + record);
}

static inline struct mo_turn *mo_join_turn(struct mo_task *join)
{
    return (struct mo_turn *)(mo_task_ext(join) + 1);
}

static inline size_t mo_turns_bytes(unsigned groups)
{
    if (mo_likely(!groups))
        return 0;
    return (sizeof(struct mo_turns) + groups * sizeof(struct mo_task *) + 15) & ~(size_t)15;
}

/* Make a new node an exclusive one. */
void mo_turns_init(struct mo_task *task);
/* Before it is submitted: let it take turns with the members of a group. False when it does already. */
bool mo_turns_add(struct mo_task *task, struct mo_task *join);
/* It will run where nobody else can: it needs none. */
void mo_turns_drop(struct mo_task *task);
/* For a task that nothing precedes any more. False: somebody else has a turn it needs, and will start it. */
bool mo_turns_take(struct mo_task *task);
/* The task has ended. */
void mo_turns_pass(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere);

/* depend.c */
#define MO_NODE_ENDED 1u
#define MO_NODE_GUARD (1u << 30) /* more than there can be edges */
enum mo_edge { MO_EDGE_MADE, MO_EDGE_NONE /* `first` has ended */, MO_EDGE_NO_MEMORY };

/* Add to a word of a node that other threads may change too, unless the caller is alone. Returns what it was. seq_cst
   for a waiter, which sleeps on an event that is rung after the change of `waits`. */
static inline uint32_t mo_graph_add(const struct mo_member *m, _Atomic uint32_t *word, uint32_t change)
{
    if (!m->alone)
        return mo_fetch_add_seqcst(word, change);
    uint32_t was = mo_load_relaxed(word);
    mo_store_relaxed(word, was + change);
    return was;
}

static inline void mo_node_init(struct mo_task *task, enum mo_node_kind kind, unsigned refs)
{
    struct mo_task_node *node = mo_task_node(task);
    mo_store_relaxed(&node->successors, 0u); /* the task is published by what starts it, and by cells */
    mo_store_relaxed(&node->waits, MO_NODE_GUARD);
    mo_store_relaxed(&node->refs, (uint16_t)refs);
    node->kind = (uint16_t)kind;
    node->marks = 0;
    mo_store_relaxed(&node->cell[MO_NODE_CELLS - 1], (uintptr_t)0);
}

void mo_node_free(struct mo_member *m, struct mo_task *task);
static inline bool mo_node_drop(const struct mo_member *m, struct mo_task_node *node)
{
    if (!m->alone)
        return mo_fetch_add_acq_rel(&node->refs, (uint16_t)-1) == 1;
    mo_store_relaxed(&node->refs, (uint16_t)(mo_load_relaxed(&node->refs) - 1));
    return false; /* there were more */
}
static inline void mo_node_unref(struct mo_member *m, struct mo_task *task)
{
    struct mo_task_node *node = mo_task_node(task);
    /* The last holder is alone: nobody can make a second reference out of none. */
    if (mo_load_acquire(&node->refs) == 1 || mo_node_drop(m, node))
        mo_node_free(m, task);
}
/* Before others know it: the map names it in so many places, for which it counts one reference. */
static inline void mo_node_mark(struct mo_task *task, uint32_t places)
{
    struct mo_task_node *node = mo_task_node(task);
    node->marks = places;
    if (places)
        mo_store_relaxed(&node->refs, (uint16_t)(mo_load_relaxed(&node->refs) + 1));
}

/* A node without a task, with one reference that its end drops; NULL when memory is exhausted. */
struct mo_task *mo_node_new_join(struct mo_member *m);
/* Nothing precedes it any more. */
void mo_node_start(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere);
/* `seen` is what `successors` was, and did not have ENDED; the cell has been written. */
static inline enum mo_edge mo_node_publish(const struct mo_member *m, struct mo_task_node *node, uint32_t seen)
{
    if (!m->alone)
        return mo_cas_acq_rel(&node->successors, &seen, seen + 2) ? MO_EDGE_MADE : MO_EDGE_NONE;
    mo_store_relaxed(&node->successors, seen + 2);
    return MO_EDGE_MADE;
}

/* Let `then` wait for `first`: for the thread that runs their parent. The caller counts the edge in then's `waits`. */
enum mo_edge mo_node_precede_slow(struct mo_member *m, struct mo_task *first, struct mo_task *then, uint32_t seen);
static inline enum mo_edge mo_node_precede(struct mo_member *m, struct mo_task *first, struct mo_task *then)
{
    struct mo_task_node *node = mo_task_node(first);
    uint32_t seen = mo_load_acquire(&node->successors);
    if (seen & MO_NODE_ENDED)
        return MO_EDGE_NONE;
    if (mo_unlikely(seen >> 1 >= MO_NODE_CELLS || mo_traced(m)))
        return mo_node_precede_slow(m, first, then, seen);
    mo_store_relaxed(&node->cell[seen >> 1], (uintptr_t)then); /* published with the number */
    return mo_node_publish(m, node, seen);
}
/* Take `waits` off; start the task if nothing precedes it any more. */
void mo_node_release(struct mo_member *m, struct mo_task *task, uint32_t waits, struct mo_team *elsewhere);
/* The task has ended: release its successors. */
void mo_node_end(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere);

/* depend_map.c */
/* Make the edges to a new child of the current task. False when memory is exhausted: some are missing then, and the
   caller must see to the order by other means. */
bool mo_depends_link(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps, uint32_t *edges);
/* The task that the innermost map belongs to ends. */
void mo_depends_end(struct mo_member *m);
/* The current task has no children any more. */
void mo_depends_all_ended(struct mo_member *m);

struct mo_depend_map {
    struct mo_depend_map *outer; /* of a task in progress further out on the same thread */
    void *no_parent;             /* NULL where a task has its parent (steal.c) */
    struct mo_task *owner;
    struct mo_task *everything; /* the last access to all of memory; what is not in the map depends on it */
    struct mo_depend_entry *entry;
    uint32_t count, capacity; /* of entries */
    uint16_t home;            /* worker whose slab both blocks are of */
    uint8_t cls;              /* of the table */
    bool keeps;               /* its size, as of the last time that it was full */
};

/* `task` ends on this thread. */
static inline void mo_depends_leave(struct mo_member *m, const struct mo_task *task)
{
    if (mo_unlikely(m->depends && m->depends->owner == task))
        mo_depends_end(m);
}

/* steal.c */
/* What a thread that waits inside a task may run: descendants of that task. A task of the group that it waits for is
   one even where an ended task between the two has cut the link (task.c). */
struct mo_kin {
    struct mo_task *ancestor;
    struct mo_taskgroup *group; /* NULL: waits for children */
};

/* A task of another member, or, where there is none, one that is held back; with `kin` only one of those. NULL when
   none was found. */
struct mo_task *mo_steal(struct mo_member *m, const struct mo_kin *kin);
/* A task of the team's queue of prioritised tasks, likewise. */
struct mo_task *mo_priority_take_slow(struct mo_member *m, const struct mo_kin *kin, int lowest);
static inline struct mo_task *mo_priority_take(struct mo_member *m, const struct mo_kin *kin)
{
    return mo_likely(!mo_load_relaxed(&m->team->queued)) ? NULL : mo_priority_take_slow(m, kin, 0);
}
/* The same where no other task is left. */
static inline struct mo_task *mo_held_back_take(struct mo_member *m, const struct mo_kin *kin)
{
    return mo_likely(!mo_load_relaxed(&m->team->held_back)) ? NULL : mo_priority_take_slow(m, kin, MO_PRIORITY_LAST);
}
/* False when memory is exhausted. `m` is the caller, of whatever team. */
bool mo_priority_put(struct mo_member *m, struct mo_team *team, struct mo_task *task, int priority);
/* The same without a need for memory, and without regard to priority. */
void mo_priority_put_bare(struct mo_team *team, struct mo_task *task);
bool mo_task_is_kin(struct mo_task *task, const struct mo_kin *kin);
/* A searcher is one that creators of tasks rely on: they wake nobody while there is one. It may stop being one only by
   finding work (then it wakes another), by going to sleep (then it looks once more), or when no task is left. */
void mo_idle_begin_search(struct mo_member *m);
void mo_idle_end_search(struct mo_member *m);
/* The same where a region or its barrier is over, which may have been a while ago. */
void mo_idle_leave_search(struct mo_member *m);
void mo_idle_found_work(struct mo_member *m);
/* The hooks of mo_wait for a thread that sleeps as one who may take any task. */
void mo_idle_asleep(void *member);
/* The same for one who is woken by his own event alone. */
void mo_idle_asleep_uncounted(struct mo_member *m);
void mo_idle_awake(void *member);
/* A region is brief that takes no longer than a move to another CPU, with all that goes with it. */
#define MO_BRIEF_US 300
/* The hook of mo_wait for one who may be between two regions: notes whether it was woken for a brief one, and looks at
   the CPU quota again, if that was long ago. */
void mo_idle_between_regions(void *member);
/* Out-of-line half of mo_work_published(). */
void mo_idle_wake_one(struct mo_team *team);

/* A task has become visible to thieves: wake one sleeper if nobody is awake and looking.
   The creator wrote `bottom` and reads `idle`; a sleeper writes `idle` and then looks at `bottom` once more. The full
   barrier between the creator's two accesses is supplied by the sleeper through membarrier where that is armed. */
static inline void mo_work_published(struct mo_team *team)
{
    if (mo_likely(mo_load_relaxed(&MO_SHARED(sched).asymmetric)))
        mo_plat_light_barrier();
    else
        mo_plat_full_barrier(&team->idle);
    uint64_t idle = mo_load_relaxed(&team->idle);
    if (mo_unlikely(MO_IDLE_COUNT(idle, MO_IDLE_SLEEPING) && !MO_IDLE_COUNT(idle, MO_IDLE_SEARCHING)))
        mo_idle_wake_one(team);
}

#endif
