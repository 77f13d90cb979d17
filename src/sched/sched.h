/* Workers, teams and tasks.

   A worker is an OS thread known to Moirai: it owns memory and counters, and lives as long as the process (threads that
   end leave their worker to the next one). A team is a set of workers that run one parallel region and steal from each
   other; a worker takes part in a team through a member, which holds the deque of that team. A thread that opens a
   region is member 0 of the new team and goes back to its old member when the region ends, so the tasks of two teams
   never mix.

       thread --TLS--> member --> worker   (memory, identity, parking)
                              --> team     (release word, barrier, idle state)
                              --> deque, current task

   Members and teams are never freed: each member keeps the team of the region that it opened last ("hot team"), whose
   threads wait for the next one. */
#ifndef MO_SCHED_SCHED_H
#define MO_SCHED_SCHED_H

#include "base/check.h"
#include "base/config.h"
#include "base/shared.h"
#include "mem/mem.h"
#include "mem/stack.h"
#include "obs/obs.h"
#include "park/park.h"
#include "plat/plat.h"
#include "queue/deque.h"
#include "watch/watch.h"

struct mo_member;
struct mo_team;
struct mo_worker;

/* ---- Tasks.

   Counting children. A child that ends on the worker that created it is counted off by a plain decrement of the
   parent's `pending`: parent and child are then on one thread. A stolen child adds one to the parent's `remote_done`.
   The parent has waited for all when pending == remote_done.
   A parent that ends before its children becomes an orphanage: it adds -pending to remote_done and sets
   MO_TASK_ORPHANED (owner-read only); from then on every child adds one to remote_done, and who brings it to zero frees
   the parent. */
struct mo_task {
    void (*fn)(void *);
    _Atomic(struct mo_task *) parent; /* atomic: thieves walk it in blocks that may just be recycled */
    union {
        struct {
            uint32_t pending; /* owner: children created and not yet ended on this worker */
            _Atomic int32_t remote_done;
        };
        uint64_t counts; /* both, to clear them before anybody else knows the task */
    };
    union {
        struct {
            uint32_t env;  /* the data environment's ICVs, by index; meaning belongs to the layer above */
            uint16_t home; /* worker that created it, whose slab the block is of */
            uint8_t cls;   /* slab class */
            uint8_t flags;
        };
        uint64_t origin; /* all four, to write them at once (little endian) */
    };
};
_Static_assert(sizeof(struct mo_task) == 32, "a plain task's header is half a cache line");

enum {
    MO_TASK_EXTENDED = 1,  /* struct mo_task_ext follows the header, or the node */
    MO_TASK_FINAL = 2,     /* its children are run at once */
    MO_TASK_ORPHANED = 4,  /* ended, children are left */
    MO_TASK_COPIED = 8,    /* its payload was made by a function of the program: it runs even when cancelled */
    MO_TASK_ON_STACK = 16, /* undeferred: the head of a struct mo_stack_task */
    MO_TASK_NODE = 32,     /* struct mo_task_node follows the header; always EXTENDED too */
    MO_TASK_TRACED =
        64, /* a tool watches (obs): every task of the process, implicit ones too; explicit ones are EXTENDED */
    MO_TASK_DETACHED = 128, /* a pointer to its event follows the extension; always NODE too */
};

/* A task that runs before its creation returns lives on its creator's stack. Other threads never see that: when it gets
   a child it gets a header in a slab too, which then stands for it as a parent. */
struct mo_stack_task {
    struct mo_task task;
    struct mo_task *heap; /* NULL while it has had no child */
};

/* What only some tasks need. */
struct mo_task_ext {
    _Atomic(struct mo_taskgroup *) group; /* atomic: thieves compare it in blocks that may just be recycled */
    int32_t priority;
    uint32_t offset; /* of the payload from the header, as alignments above 16 move it */
};
_Static_assert(sizeof(struct mo_task_ext) == 16, "payload stays aligned to 16 bytes");

/* What a task has that others wait for or that waits for others: depend.c says how the words are used. */
#define MO_NODE_CELLS 2
enum mo_node_kind {
    MO_NODE_TASK,
    MO_NODE_EXCLUSIVE, /* a task that takes turns with others (turn.c) */
    MO_NODE_JOIN,      /* no task: ends when nothing precedes it any more */
    MO_NODE_WAITER     /* a thread that waits; lives on its stack */
};

struct mo_task_node {
    _Atomic uint32_t successors;           /* how many << 1 | it has ended */
    _Atomic uint32_t waits;                /* predecessors that have not ended, + MO_NODE_GUARD while more may come */
    _Atomic uint16_t refs;                 /* the block is freed by who drops the last */
    uint16_t kind;                         /* enum mo_node_kind; never changes */
    uint32_t marks;                        /* places in the map that name it: for the thread that runs its parent */
    _Atomic uintptr_t cell[MO_NODE_CELLS]; /* successors; the last one may lead to more of them */
};
_Static_assert(sizeof(struct mo_task_node) == 32, "payload stays aligned to 16 bytes");

/* The end of a detached task: its body has ended and the event is fulfilled. Whoever is second ends the task. */
struct mo_task_event {
    struct mo_task *task;
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    struct mo_task *parent;
    struct mo_team *team;
    _Atomic uint32_t state; /* bits below */
    uint16_t home;
};
enum {
    MO_EVENT_FULFILLED = 1,
    MO_EVENT_BODY_ENDED = 2,
    MO_EVENT_FULFILLING = 4, /* these two come first where a tool is to be told (observe.c) */
    MO_EVENT_BODY_ENDING = 8
};

/* A taskgroup counts its unfinished descendants: `local` by the worker that opened it, `remote` by the others. Either
   may be negative; the sum is the number of tasks (group_ended() in task.c). */
struct mo_taskgroup {
    struct mo_taskgroup *outer;
    struct mo_worker *owner;
    int64_t local;
    struct mo_reductions *reductions; /* of the layer above; its tasks take part */
    struct mo_taskgroup *reducing;    /* the innermost with reductions, from here outwards */
    _Atomic bool cancelled;
    bool implicit; /* of a work-sharing construct: a cancellation concerns the one around it */
    _Atomic int64_t remote MO_ALIGNED(MO_CACHE_LINE);
};

/* ---- Workers. */
/* Worker numbers are below this. */
#define MO_WORKERS_MAX 65536

/* What the layer above keeps for a thread. fn is called once, after it has left the list: by the thread at its end, or,
   of a thread that is not there any more after a fork (`lost`), by the next one that takes its place. */
struct mo_thread_end {
    struct mo_thread_end *next;
    void (*fn)(struct mo_thread_end *, bool lost);
};

struct mo_worker {
    uint16_t index;       /* in the table of workers */
    uint32_t held;        /* locks of user code that this thread holds: while it does, no task runs undeferred */
    _Atomic uint32_t cpu; /* where it was when it last joined a team, or its place; a hint */
    uint64_t moved_at;    /* ticks */
    uint64_t woken_at;    /* ticks: for a region; 0: it has slept since */
    bool was_brief;       /* that region */
    unsigned node;        /* where it was when it last joined a team; a hint */
    unsigned place;       /* number of the place that it is bound to, from 1; 0: not bound (bind.c) */
    char *stack_end;
    struct mo_slab slab;
    struct mo_epoch_reader epoch;
    struct mo_member *root;       /* the team of one that its thread is in outside any region; NULL: it has had none */
    struct mo_member *home;       /* the root that its jobs run in (apart.c) */
    struct mo_member *roots;      /* more of them, for jobs inside of jobs */
    struct mo_seat *seat;         /* where its thread serves an executor (job.h) */
    struct mo_executor *serves;   /* with or without a seat; NULL: none */
    struct mo_job *job;           /* the innermost that its thread is in */
    struct mo_outbox *outboxes;   /* of executors that its thread has fed */
    struct mo_job *stranded;      /* jobs that only this thread can run (follow.c) */
    bool runs_stranded;           /* it is about to */
    unsigned job_depth;           /* jobs that wait on its stack */
    uint32_t budget;              /* of the poll that it is in (async.c) */
    bool polled_ready;            /* what the last poll said */
    struct mo_stack_cache stacks; /* for strands */
    struct mo_ring *ring;         /* of fibers on its thread; NULL: it has had none */
    void *watch;                  /* the stack on which its thread would explain an overflow; NULL: not the runtime's */
    bool fiber;                   /* it has no thread of its own, but a fiber of a team */
    uint32_t last_job;            /* number of the job that it made last */
    struct mo_worker *next;       /* in a list of spare workers */
    bool pooled;                  /* a thread that the pool made; false: adopted */
    bool first;                   /* its thread is the first one of the process that came here */
    struct mo_thread_end *ends;   /* what ends with its thread, the latest first */
    struct mo_obs_thread obs;
    struct mo_counts counts;
    _Atomic uint32_t tid; /* of its thread; 0: it has none */

    /* Written by others. */
    struct mo_event
        event MO_ALIGNED(MO_LINE_PAIR); /* rings when a child or a group it waits for ends, or at an assignment */
    _Atomic(struct mo_member *)
        assigned;         /* where a pool thread is to serve; written by who took it off the free list */
    _Atomic bool in_pool; /* it has left its last team and reads `assigned` */
};

/* ---- Members. */
#define MO_MEMBER_CLIENT_BYTES 256

/* COUNTED: in team->idle as asleep, or turned into a searcher by a waker. UNCOUNTED: only a change of its own concern
   wakes it. It still takes one last look at the deques in that state, and is no searcher meanwhile. */
enum mo_sleep { MO_AWAKE, MO_ASLEEP_COUNTED, MO_ASLEEP_UNCOUNTED };

struct mo_member {
    struct mo_worker *worker;
    struct mo_team *team;
    struct mo_task *current;
    struct mo_taskgroup *group; /* innermost taskgroup of the current task */
    unsigned tid;
    unsigned size;                   /* of the team in its region; the team's own may change as soon as that is over */
    bool shared;                     /* the team has more members: thieves exist */
    bool alone;                      /* nobody else can come to the graph of its tasks (depend.c) */
    bool searching;                  /* counted in team->idle as one who looks for work */
    _Atomic uint32_t cpu;            /* where it was seen last; team-mates look (spread.c) */
    uint8_t sleeping;                /* enum mo_sleep */
    bool slept;                      /* since its last region began */
    uint8_t steal_modesty;           /* of the adaptive strategy: how much less than half (steal.c) */
    struct mo_wait_memory memory[2]; /* of waits inside a region, at its end */
    _Atomic bool dismissed;          /* its thread is to leave the team, though the team has a region */
    bool joining;                    /* its barrier is the end of the region */
    bool patient;                    /* and it need not stay awake for that (team.c) */
    union {                          /* copy of the team's */
        struct {
            bool cancellable, traced;
        };
        uint16_t special;
    };
    uint32_t task_id; /* identity of the current task for nestable locks, 0 = none given yet */
    /* Tasks that run before their creation is over. Low bits: how many the thread is in, one inside of the other. From
       MO_AT_ONCE_SHIFT on: those begun since the member last added them to its worker's record. One word, one store. */
    _Atomic uint64_t at_once;
    int64_t mark;        /* items of the deque at this index and above are descendants of the current task */
    int64_t spawn_limit; /* tasks in the deque below which a new one is stored; beyond, it may run at once (task.c) */
    int64_t store_until; /* while the deque's bottom is below this, there are fewer, and it has room; 0: find out */
    uint64_t go_seen;
    uint32_t gen_seen;    /* team->gen when it arrived at its last barrier */
    uint32_t fruitless;   /* looks for work in a row that found none, at a barrier */
    uint64_t stole_at;    /* ticks; 0: what it stole last has been judged */
    uint32_t stole_count; /* tasks it stole then */
    uint32_t steal_pause; /* searches to skip: back-off */
    uint32_t steal_backoff;
    unsigned last_victim;          /* index into the order of victims */
    struct mo_team *inner;         /* the hot team of regions opened by this member */
    struct mo_guest *guest;        /* what it needs to be a fiber; NULL: it never was one */
    _Atomic uint32_t guests;       /* fibers of its team that its thread has now; only that thread writes it */
    uint32_t far_random;           /* which of the victims of other nodes it asks next */
    struct mo_member *next_root;   /* in the list of a worker's roots */
    struct mo_depend_map *depends; /* of the tasks in progress here that have such children, innermost first */
    unsigned *victims;             /* others near to far, good for a team of victims_team; NULL: round from tid + 1 */
    unsigned victims_team;
    unsigned victims_near; /* so many of them, the first ones, are on its node */
    struct mo_task implicit;
    struct mo_obs_task obs;                                      /* of the implicit task */
    unsigned char client[MO_MEMBER_CLIENT_BYTES] MO_ALIGNED(16); /* the layer above */

    /* Only ever grow; read together by the quiescence check. */
    _Atomic uint64_t created MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint64_t done;
    uint64_t
        summed; /* the member's own: tasks that it and outsiders had ended when it compared the sums last (barrier.c) */
    struct mo_deque deque;
};

#define MO_AT_ONCE_SHIFT 16
#define MO_AT_ONCE_BEGUN (((uint64_t)1 << MO_AT_ONCE_SHIFT) + 1)
#define MO_AT_ONCE_ENDED ((uint64_t)-1)

/* Fewer tasks than `limit` are stored. */
static inline void mo_member_store(struct mo_member *m, int64_t limit)
{
    m->spawn_limit = limit;
    m->store_until = 0;
}

/* ---- Dependences between the children of one task (depend.c, depend_map.c). The caller's list stays in its own form;
   `at` reads item i of it
   where that is not the plain one. */
enum mo_dep_kind { MO_DEP_IN, MO_DEP_OUT, MO_DEP_MUTEXINOUTSET, MO_DEP_INOUTSET };

struct mo_dep {
    void *addr; /* NULL with MO_DEP_OUT: all of memory */
    enum mo_dep_kind kind;
};

struct mo_deps {
    unsigned count;
    unsigned mutexes; /* MO_DEP_MUTEXINOUTSET among them, at most */
    /* NULL: the list is addresses alone, `outs` of MO_DEP_OUT and then some of MO_DEP_IN. */
    struct mo_dep (*at)(const void *list, unsigned i);
    const void *list;
    unsigned outs;
};

static inline struct mo_dep mo_deps_at(const struct mo_deps *deps, unsigned i)
{
    if (deps->at)
        return deps->at(deps->list, i);
    return (struct mo_dep){((void *const *)deps->list)[i], i < deps->outs ? MO_DEP_OUT : MO_DEP_IN};
}

/* ---- Teams. */
#define MO_TEAM_CLIENT_BYTES 256
#define MO_TEAM_LEAF         8 /* members that share one arrival counter */

/* go: number of the region in the upper 48 bits, its member count in the lower 16; count 0 sends the pool threads away.
   One word, so that a thread that is not meant never has to read anything that changes. */
#define MO_GO_SIZE(go) ((unsigned)((go)&0xffff))

struct mo_arrivals {
    _Atomic uint32_t count MO_ALIGNED(MO_CACHE_LINE);
};

/* team->idle: counts in one word, so that a creator of work reads one. A waker turns one sleeper into a searcher and
   leaves a token; a thread that wakes and finds a token is that searcher, one that finds none leaves the sleepers
   itself. So a sleeper is woken by one creator only, however long it takes to run. */
#define MO_IDLE_SEARCHING         ((uint64_t)1)       /* awake without work */
#define MO_IDLE_SLEEPING          ((uint64_t)1 << 16) /* asleep, may take any task */
#define MO_IDLE_TOKEN             ((uint64_t)1 << 32)
#define MO_IDLE_COUNT(idle, what) ((unsigned)((idle) / (what)) & 0xffff)

/* Who sleeps on a team's event: MASTER, member 0; MEMBER, others in the region or before it; and those whom the present
   region has no use for. */
enum { MO_WAKE_MEMBER = 1, MO_WAKE_MASTER = 2, MO_WAKE_SURPLUS = 4 };
/* And worker `tid` of an executor, perhaps some others too. */
#define MO_WAKE_SEAT(tid) ((uint32_t)1 << (8 + (tid) % 24))

/* Who may change which threads a team has: nobody holds an IDLE one; whoever made it TAKEN, its master or one who takes
   threads away; in a RUNNING one nobody may touch the members of the region, but the surplus beyond them can go. */
enum mo_busy { MO_TEAM_IDLE, MO_TEAM_TAKEN, MO_TEAM_RUNNING };

struct mo_team {
    /* Written at fork, read by every member: one pair of lines, with the beginning of what the layer above adds. */
    _Atomic uint64_t go MO_ALIGNED(MO_LINE_PAIR);
    void (*enter)(struct mo_member *); /* what each member runs */
    unsigned size;
    unsigned char client[MO_TEAM_CLIENT_BYTES] MO_ALIGNED(MO_CACHE_LINE);

    /* Written at each barrier. */
    _Atomic uint32_t gen MO_ALIGNED(MO_LINE_PAIR);
    _Atomic uint32_t claim; /* gen + 1 from the moment a releaser is chosen */
    _Atomic uint32_t arrived;
    _Atomic uint32_t arrived_cancellable; /* at barriers that a cancellation cuts short */
    _Atomic bool cancelled;               /* the region */
    union {
        struct {
            bool cancellable; /* this region can be, or its work-sharing constructs */
            bool traced;      /* a tool watches: for the whole life of the team */
        };
        uint16_t special; /* both */
    };
    _Atomic uint64_t done_outside; /* tasks of this team that ended on threads that are in another */

    /* Written when members run out of work; read by every creator of a task. */
    _Atomic uint64_t idle MO_ALIGNED(MO_LINE_PAIR);
    /* Seldom written, and read at every creation of a task and every look for work: so not beside `idle`, which each
       thief writes. */
    _Atomic bool has_tasks MO_ALIGNED(MO_LINE_PAIR); /* since the last barrier */
    _Atomic uint32_t queued;                         /* tasks in the queue of prioritised ones */
    _Atomic uint32_t held_back; /* tasks of priority MO_PRIORITY_LAST in it, which do not count there */
    struct mo_event event;

    /* Rarely written. */
    _Atomic uint32_t spreading MO_ALIGNED(MO_LINE_PAIR); /* a member is moving to another CPU */
    _Atomic uint32_t busy;                               /* enum mo_busy */
    unsigned bound;                                      /* members 1..bound have a pool thread */
    _Atomic uint32_t carriers; /* members from this number on are fibers of those before; 0: none (guest.c) */
    unsigned dealt;            /* size of the last region whose members were fibers */
    unsigned staffings;        /* times that it got other threads */
    uint64_t woken_at;         /* ticks: when threads were woken for a region last */
    bool was_brief;            /* the last region for which that was long after another */
    _Atomic bool stays;        /* who is woken for this region runs where it is */
    unsigned capacity;         /* of member[] */
    _Atomic(struct mo_member **) members;        /* atomic: late lookers of the last region read it while it grows */
    struct mo_arrivals *leaf;                    /* one per MO_TEAM_LEAF members */
    struct mo_member *master;                    /* whose region this is: member 0 is the same thread; NULL: apart.c */
    enum mo_steal_strategy steal;                /* how much its thieves take */
    bool apart;                                  /* it is one without a master, whose members count jobs */
    uint64_t (*cost_of)(const struct mo_task *); /* about how long it runs, ns, 0: not known; NULL: of none */
    struct mo_team *next_apart;                  /* in the list of spare teams without a master */
    struct mo_team *next;                        /* in the list of all teams */
    struct mo_obs_parallel obs;
    _Atomic uint32_t priority_lock;
    struct mo_queued_task *priority_head;
    struct mo_task *priority_bare; /* tasks for which there was no memory to queue them */
    unsigned *table;               /* space for the members' orders of victims; NULL while nobody needs them */
    unsigned tables;               /* the capacity that it was made for */
};

static inline struct mo_member *mo_team_member(struct mo_team *team, unsigned tid)
{
    return mo_load_acquire(&team->members)[tid];
}

/* Members of the present region that have a thread each; they come first. The others are fibers on these (guest.c). */
static inline unsigned mo_team_threads(const struct mo_team *team)
{
    unsigned carriers = mo_load_relaxed(&team->carriers); /* settled before the region begins */
    return carriers && carriers < team->size ? carriers : team->size;
}

/* Number of the member that has the thread on which this one runs. */
unsigned mo_member_carrier(const struct mo_member *m);

/* ---- Who am I. */
extern __thread struct mo_member *MO_SHARED(self) MO_SHARED_TLS;

struct mo_member *mo_sched_adopt(void);
/* The same; NULL when memory is exhausted. */
struct mo_member *mo_sched_try_adopt(void);

/* The calling thread's member, NULL if Moirai has not met the thread. */
static inline struct mo_member *mo_self_peek(void)
{
    return MO_SHARED(self);
}

/* The same; meets the thread if need be. Ends the process with a message when there is no memory for that. */
static inline struct mo_member *mo_self(void)
{
    struct mo_member *m = MO_SHARED(self);
    return mo_likely(m != NULL) ? m : mo_sched_adopt();
}

/* The same where nothing is to be done beside the operation itself: Moirai has met the thread, and no tool watches it.
   NULL: the long way is for it. That is best a function of its own with the arguments of the one that asks, so that it
   is reached by a jump: the short way saves no registers then, and what the long one notes is the program's call. */
static inline struct mo_member *mo_self_plain(void)
{
    struct mo_member *m = MO_SHARED(self);
    return mo_likely(m && !mo_traced(m)) ? m : NULL;
}

/* There is, or was, a worker of that number; there is none of a higher one either if not. */
bool mo_worker_exists(unsigned index);

/* The calling thread's worker: `e` ends with the thread. */
static inline void mo_worker_at_end(struct mo_worker *w, struct mo_thread_end *e)
{
    e->next = w->ends;
    w->ends = e;
}

/* Give back a block of worker `home`'s slab; `w` is the caller's worker. */
void mo_worker_free(struct mo_worker *w, uint16_t home, void *block, unsigned cls);

/* ---- Regions (team.c, barrier.c, pool.c). */
/* Open a region of up to `want` members (at least 1) and make the caller member 0 of it. The team's client area and
   `enter` must be set between open and start. Returns the team; its size says how many members there are. */
struct mo_team *mo_team_open(struct mo_member *master, unsigned want, bool cancellable);
void mo_team_start(struct mo_team *team);
/* Wait for all members and tasks; the caller is back in its outer team. */
void mo_team_close(struct mo_team *team);
/* The same where no tool watches. */
void mo_team_close_plain(struct mo_team *team);
/* Wait until all members are here and all tasks of the team have ended; runs tasks meanwhile. In a cancellable team
   false when the region is cancelled: the member must go to the region's end then. */
bool mo_team_barrier(struct mo_member *m);
/* The same where no tool watches. */
bool mo_team_barrier_plain(struct mo_member *m);
/* Cancel the region of the team, which must be cancellable: barriers end at once, tasks that have not begun are
   dropped. */
void mo_team_cancel(struct mo_team *team);

/* End the pool's threads that have no region now; regions start new ones (pool.c). */
void mo_pool_release(void);

/* ---- Binding (bind.c). */
/* Bind the calling thread, whose worker this is, to the CPUs of place number `place` (from 1), unless it is. */
void mo_worker_bind(struct mo_worker *w, unsigned place, const unsigned long *mask, unsigned words);
/* In a region whose threads are all bound, order the victims of `m`, the caller, by where they are: cpu_of(arg, tid).
   False: the order stays what it was, as no topology is loaded (victims.c). */
typedef unsigned mo_cpu_of_member(const void *arg, unsigned tid);
bool mo_victims_arrange_bound(struct mo_member *m, mo_cpu_of_member *cpu_of, const void *arg);

/* The hook of mo_wait for members of a team that wait awake, or have just been woken (spread.c). */
void mo_spread(void *member);
/* The opposite, for a thread that was woken for a region and sleeps again soon, on a machine that strangers share.
   False: this is none. */
bool mo_gather(const struct mo_member *m);

/* ---- Full barriers of which one side pays for both: where asymmetric() says so, a light barrier on the frequent side
   is enough, for the other side makes every running thread pass one by the heavy barrier. If that is denied some day,
   it warns, and asymmetric() is false from then on; who has read it before must not rely on being woken alone. */
bool mo_sched_asymmetric(void);
void mo_sched_heavy_barrier(void);

/* ---- Tasks (task.c, taskwait.c, steal.c). */
/* What a task is to be like beyond its function. */
#define MO_PRIORITY_LAST (-1) /* it runs where no other task is left, in order of creation */
struct mo_task_form {
    size_t bytes, align; /* of the payload */
    int32_t priority;
    bool depends;     /* will be submitted with dependences, */
    unsigned mutexes; /* of which so many are mutexinoutset, or fewer */
    bool detached;
};

/* A block for a task, child of the current one. The caller fills fn and the payload and submits it. NULL when memory is
   exhausted: run the work undeferred instead. */
struct mo_task *mo_task_new(struct mo_member *m, const struct mo_task_form *form, void **payload);
/* The event that must be fulfilled before a task made with `detached` counts as ended. */
struct mo_task_event *mo_task_event(struct mo_task *task);
/* An event without a task, in the caller's frame until mo_task_wait_event() has returned; or in a block of its own,
   which becomes a task's by mo_task_attach(), before that is submitted and perhaps after it has been fulfilled, or is
   freed when it has been waited for. NULL: no memory. */
void mo_task_event_init(struct mo_member *m, struct mo_task_event *event);
struct mo_task_event *mo_task_event_new(struct mo_member *m);
void mo_task_event_free(struct mo_member *m, struct mo_task_event *event);
void mo_task_attach(struct mo_task *task, struct mo_task_event *event);
void mo_task_wait_event(struct mo_member *m, struct mo_task_event *event);
/* From any thread. Ends the process with a message when that was done before. */
void mo_task_fulfill(struct mo_task_event *event);
void mo_task_submit(struct mo_member *m, struct mo_task *task);
/* The same for a task made with `depends`: it runs when those of its siblings that it depends on have ended. */
void mo_task_submit_after(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps);
/* Wait until a task with these dependences might run. */
void mo_task_wait_for(struct mo_member *m, const struct mo_deps *deps);
/* So many children of the current task are stored or blocked that the next one should rather wait for its turn. Runs
   some of them first, where that helps. */
bool mo_task_too_many(struct mo_member *m);
/* The group that a cancellation by the current task concerns; NULL: none. */
static inline struct mo_taskgroup *mo_taskgroup_explicit(const struct mo_member *m)
{
    struct mo_taskgroup *g = m->group;
    return g && g->implicit ? g->outer : g;
}
/* Is there no point in starting tasks of the current region or of the current taskgroup? */
static inline bool mo_task_cancelled(const struct mo_member *m)
{
    if (mo_unlikely(m->cancellable) && mo_load_relaxed(&m->team->cancelled))
        return true;
    const struct mo_taskgroup *g = mo_taskgroup_explicit(m);
    return mo_unlikely(g != NULL) && mo_load_relaxed(&g->cancelled);
}
/* Slab class of a task of the kind below. In a group it has an extension, with which little fits the smallest block. */
static inline unsigned mo_task_small_class(const struct mo_member *m, size_t bytes)
{
    _Static_assert(MO_SLAB_BYTES(1) >= MO_SLAB_MIN_BYTES + sizeof(struct mo_task_ext), "the next one holds any");
    return m->group && bytes > MO_SLAB_MIN_BYTES - sizeof(struct mo_task) - sizeof(struct mo_task_ext);
}
/* No tool watches, and neither the region nor the group is cancelled. */
static inline bool mo_task_is_ordinary(const struct mo_member *m)
{
    return mo_likely(!m->special && !m->group) || (!m->traced && !mo_task_cancelled(m));
}
/* There are not too many tasks to store another one. The short answer may be no where the long one is yes. */
static inline bool mo_task_has_room(const struct mo_member *m)
{
    return mo_load_relaxed(&m->deque.bottom) < m->store_until;
}
bool mo_task_find_room(struct mo_member *m);
/* Children of the current task may be stored as it is. */
static inline bool mo_task_is_parent(const struct mo_member *m)
{
    return !(m->current->flags & (MO_TASK_FINAL | MO_TASK_ON_STACK));
}
/* Creating and submitting in one for the common case: a small payload at an alignment of at most 16, nothing special
   about it; for who has asked mo_task_is_ordinary() before. The question has no effect and calls nothing. */
static inline bool mo_task_is_small(struct mo_member *m, size_t bytes)
{
    return mo_task_has_room(m) && mo_task_is_parent(m) && bytes <= MO_SLAB_MIN_BYTES - sizeof(struct mo_task) &&
           bytes % sizeof(uint64_t) == 0 && m->worker->slab.free[mo_task_small_class(m, bytes)];
}
/* Requires that it has just been answered by yes. */
void mo_task_spawn_small(struct mo_member *m, void (*fn)(void *), const void *data, size_t bytes);
/* The same with dependences, for a payload of any size. False: it is another case, and nothing has been created. */
bool mo_task_spawn_after(struct mo_member *m, void (*fn)(void *), const void *data, size_t bytes,
                         const struct mo_deps *deps);
/* Run fn(data) as a child of the current task before returning. flags: MO_TASK_FINAL or 0. */
void mo_task_run_undeferred(struct mo_member *m, void (*fn)(void *), void *data, unsigned flags);

/* The same for a caller that runs the body itself, between the two. False: no memory. */
bool mo_task_enter_undeferred(struct mo_member *m, unsigned flags);
void mo_task_leave_undeferred(struct mo_member *m);

/* ---- Tasks whose block is there, with its payload, before anybody says how they are to run. A reserved block is no
   task yet: it has no parent and is not counted. It ends up in one of three ways, on the thread that reserved it:
   settled and submitted, run at once, or released. */
/* Bytes in front of the payload of a block reserved now. */
size_t mo_task_head(const struct mo_member *m, const struct mo_task_form *form);
/* As mo_task_new(). */
struct mo_task *mo_task_reserve(struct mo_member *m, const struct mo_task_form *form, void **payload);
/* The same for a plain task outside of groups whose block fits slab class `cls` and is at hand; else NULL. */
static inline struct mo_task *mo_task_reserve_plain(struct mo_member *m, unsigned cls)
{
    struct mo_slab *slab = &m->worker->slab;
    struct mo_slab_block *block = slab->free[cls];
    if (mo_unlikely(!block || mo_traced(m)))
        return NULL;
    slab->free[cls] = block->next;
    struct mo_task *task = (struct mo_task *)block;
    mo_store_relaxed(&task->parent, NULL);
    task->origin = (uint64_t)m->worker->index << 32 | (uint64_t)cls << 48;
    return task;
}

/* The same for one that is perhaps in a group or, with `node`, will be submitted with dependences. */
struct mo_task *mo_task_reserve_extended(struct mo_member *m, unsigned cls, bool node);
/* Bytes in front of its payload. */
static inline unsigned mo_task_extended_head(bool node)
{
    return (unsigned)(sizeof(struct mo_task) + sizeof(struct mo_task_ext) + (node ? sizeof(struct mo_task_node) : 0));
}

/* Make it a child of the current task, to be submitted as if by mo_task_new(); flags: MO_TASK_FINAL, MO_TASK_COPIED.
   False: that cannot be, run it at once. */
bool mo_task_settle(struct mo_member *m, struct mo_task *task, unsigned flags, int32_t priority);
/* Settle and submit for the common case, as in mo_task_spawn_small(). False: another case, nothing has happened. */
bool mo_task_submit_plain(struct mo_member *m, struct mo_task *task);
/* The same with dependences, for a block that was reserved for them. */
bool mo_task_submit_plain_after(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps);
/* Run fn(data) as this task, before returning; the block is gone then. */
void mo_task_run_reserved(struct mo_member *m, struct mo_task *task, void *data, unsigned flags);
/* The event of a block that was reserved with `detached`, to be attached to the task when that is settled; the first
   call makes it. NULL: no memory. */
struct mo_task_event *mo_task_reserved_event(struct mo_member *m, struct mo_task *task);
/* From any thread, with that thread's member. */
void mo_task_release(struct mo_member *m, struct mo_task *task);
/* May the task that is about to be created run at once instead of being stored? (task.c has the rules.) */
bool mo_task_may_run_now(struct mo_member *m);
/* Wait for the children of the current task. */
void mo_task_wait(struct mo_member *m);
/* Run one task that may run here, if there is one. */
bool mo_task_yield(struct mo_member *m);
/* `group` lives until it is closed, in the frame of the task that opened it or wherever the caller likes. */
void mo_taskgroup_open(struct mo_member *m, struct mo_taskgroup *group);
/* Wait for all tasks of the innermost group and leave it; returns it. */
struct mo_taskgroup *mo_taskgroup_close(struct mo_member *m);

/* Stacks of pool threads that are yet to start; never less than a thread can run on. */
size_t mo_pool_stack_bytes(void);
void mo_pool_set_stack_bytes(size_t bytes);

/* A number of the current task, and of the one that created it, unique among living tasks; 0: there is none. */
uint64_t mo_task_number(struct mo_member *m);
uint64_t mo_task_parent_number(struct mo_member *m);
/* Identity of the current task for owners of locks: never 0, below 2^31, unique among living tasks. */
uint32_t mo_task_identity(struct mo_member *m);

#endif
