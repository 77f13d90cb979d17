/* What the files about jobs share among themselves. */
#ifndef MO_SCHED_EXECUTOR_H
#define MO_SCHED_EXECUTOR_H

#include "sched/internal.h"
#include "sched/job.h"
#include "topo/topo.h"

/* ---- Outboxes: where a thread that has no seat puts what it hands to an executor. The owner pushes, workers steal.
   They are never freed; the deque goes to the next owner together with the outbox. */
struct mo_outbox {
    struct mo_deque deque;
    struct mo_outbox *next; /* of the executor's; workers come by here all the time */
    struct mo_executor *executor;
    _Atomic(struct mo_worker *) owner;
    struct mo_outbox *next_of_worker; /* of its owner's */
    struct mo_thread_end end;
    /* The owner's line, which it writes for each entry. */
    _Atomic uint64_t created MO_ALIGNED(MO_CACHE_LINE); /* entries; only grows, but for one that is refused */
    _Atomic uint64_t done;                              /* those that its owner has dealt with itself */
    struct mo_job_counts ran;                           /* of these, those that went the short way */
};

enum mo_executor_state {
    MO_EXECUTOR_OPEN,
    MO_EXECUTOR_DRAINING,
    MO_EXECUTOR_CANCELLING, /* what has not begun is dropped */
    MO_EXECUTOR_CLOSED,     /* all is over: its threads leave */
    MO_EXECUTOR_LEFT,       /* they have left */
    MO_EXECUTOR_GONE        /* it stayed behind in the parent of a fork */
};

struct mo_placement;

struct mo_blocking_link {
    struct mo_blocking_link *next;
    struct mo_job *job;
    uint16_t home; /* worker whose slab this is of */
};
_Static_assert(sizeof(struct mo_blocking_link) <= MO_SLAB_MIN_BYTES, "fits the smallest block");

/* A thread for blocking work. */
struct mo_crew {
    struct mo_team *team;
    struct mo_member *member;
    struct mo_crew *next;
};

/* What makes an executor more than the usual one (watched.c, registry.c, manage.c). */
struct mo_executor_watch {
    unsigned plugins;
    const struct mo_plugin *plugin[MO_PLUGINS_MAX];
    struct mo_registry *registry; /* NULL: none */
    const struct mo_scheduler *scheduler;
    void *scheduler_self;
    bool metrics;
    _Atomic uint64_t busy_ns, longest_ns, waited_ns;
    _Atomic uint32_t inside; /* threads that are about to end a job, and might be the last to look here */
};

struct mo_executor {
    struct mo_team *team;
    unsigned workers;
    unsigned slot;      /* MO_SLOT_UNKNOWN: too many others */
    uint64_t job_state; /* what the state of all its jobs begins with */
    unsigned job_flags; /* MO_JOB_WATCHED or 0 */
    bool labels;        /* its threads bear its name while they serve it */
    bool flat;          /* priorities count for nothing */
    bool watching;      /* `watch` is in use */
    char name[MO_EXECUTOR_NAME];
    _Atomic uint32_t state;
    _Atomic bool sealed;                      /* closing, and every outsider that goes on sees it */
    _Atomic(struct mo_placement *) placement; /* NULL: nobody has asked where its workers are (placed.c) */
    _Atomic(struct mo_outbox *) outboxes;
    _Atomic(struct mo_job *) woken; /* async jobs that nobody has taken yet (async.c) */
    _Atomic uint32_t watcher;       /* one of those that sleep looks again soon (next.c) */
    struct mo_event closed;
    uint64_t created_before, done_before; /* by outboxes, for those whose memory this was */
    _Atomic uint64_t done_elsewhere;      /* entries that could not be put anywhere (follow.c) */
    struct mo_job_counts elsewhere;       /* on threads without a seat here */
    struct mo_executor *next;             /* in the list of all, in use or not */
    bool in_use;                          /* guarded by the scheduler's lock */

    /* Blocking work; guarded by the lock but for what is read racily. */
    _Atomic uint32_t blocking_lock MO_ALIGNED(MO_LINE_PAIR);
    struct mo_event blocking_event;
    struct mo_blocking_link *blocking_first, *blocking_last;
    _Atomic uint32_t blocking_waiting; /* in the queue */
    _Atomic uint32_t blocking_threads;
    _Atomic uint64_t blocking_done;
    struct mo_executor_stats past; /* of workers that have left */
    unsigned blocking_idle, blocking_limit;
    _Atomic(struct mo_crew *) crews;
    struct mo_crew *spare_crews;

    struct mo_executor_watch watch MO_ALIGNED(MO_LINE_PAIR);
};

/* An entry that was taken: run the job, or let it go, and count it. */
void mo_job_deal(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done, struct mo_job *job);
/* The living executor with that number; NULL: it is not known. */
struct mo_executor *mo_executor_in(unsigned slot);
/* Count an entry that will be put somewhere; 0, or ENOMEM, ESHUTDOWN and the job is gone. */
int mo_job_count(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* It could not be put anywhere: it is gone, too. */
void mo_job_uncount(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* Put an entry where the workers find it; it has been counted. */
int mo_executor_put(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* The outbox of a thread without a seat there; NULL when memory is exhausted. */
struct mo_outbox *mo_outbox_slow(struct mo_worker *w, struct mo_executor *x);
static inline struct mo_outbox *mo_outbox(struct mo_worker *w, struct mo_executor *x)
{
    struct mo_outbox *o = w->outboxes;
    return mo_likely(o && o->executor == x) ? o : mo_outbox_slow(w, x);
}

/* The oldest of an outbox, of each outsider's in turn; NULL: they are empty, or what was there waits now for somebody
   whose kin it is. */
struct mo_job *mo_outbox_take(struct mo_seat *seat, const struct mo_kin *kin);

/* What a member has done so far. */
void mo_executor_add_member(struct mo_executor_stats *st, const struct mo_member *m);

/* Something for a worker to do, with `kin` only one of those; NULL: nothing was found. */
struct mo_job *mo_executor_take(struct mo_seat *seat, const struct mo_kin *kin);
/* The calling thread begins to serve, and has done so: meanwhile others see it under the executor's name. */
static inline void mo_executor_label(const struct mo_executor *x, char before[MO_PLAT_NAME_BYTES])
{
    before[0] = 0;
    if (!x->labels)
        return;
    mo_plat_thread_name(before);
    mo_plat_name_thread(x->name);
}

static inline void mo_executor_unlabel(const char before[MO_PLAT_NAME_BYTES])
{
    if (before[0])
        mo_plat_name_thread(before);
}

/* The newest entry that the thread has put into its outbox and nobody has taken, with `kin` the oldest if it is one of
   those; NULL: there is none, or no memory. */
struct mo_job *mo_outbox_take_back(struct mo_worker *w, struct mo_executor *x, const struct mo_kin *kin,
                                   struct mo_outbox **outbox);
/* ---- watched.c. */
/* A new job, whose header is filled in. False: no memory; it is none then. */
bool mo_watched_created(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* It was handed over, or will be when its turn comes; `info` was taken before. */
void mo_watched_info(struct mo_worker *w, struct mo_job *job, struct mo_job_info *info);
void mo_watched_spawned(struct mo_executor *x, const struct mo_job_info *info);
void mo_watched_discarded(struct mo_worker *w, struct mo_job *job);
/* Run it. */
void mo_watched_invoke(struct mo_worker *w, struct mo_job *job, void (*fn)(void *));
/* As mo_job_cancel(). */
int mo_watched_cancel(struct mo_worker *w, struct mo_job *job);
/* Whoever claims, cancels or ends a job on whatever thread is inside meanwhile. */
void mo_watched_enter(struct mo_executor *x);
void mo_watched_leave(struct mo_executor *x);
void mo_watched_shutdown_begins(struct mo_executor *x);
void mo_watched_shutdown_over(struct mo_executor *x);
/* 0 or ENOMEM. */
int mo_watched_open(struct mo_executor *x, const struct mo_executor_form *form);
void mo_watched_close(struct mo_executor *x);

/* ---- manage.c: the scheduler is somebody else's. */
int mo_managed_put(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
struct mo_job *mo_managed_take(struct mo_seat *seat, const struct mo_kin *kin);

/* ---- registry.c: jobs by number, those that are over, too. A job is in one from its making on. Whoever ends it says
   so before the phase is set, or holds the lock while he sets it, so a job that is found under the lock has a block. */
struct mo_registry *mo_registry_new(const struct mo_retention *retention);
void mo_registry_free(struct mo_worker *w, struct mo_registry *r);
bool mo_registry_add(struct mo_worker *w, struct mo_registry *r, struct mo_job *job, uint64_t number);
/* It never came to be. */
void mo_registry_remove(struct mo_worker *w, struct mo_registry *r, uint64_t number);
void mo_registry_end(struct mo_worker *w, struct mo_registry *r, const struct mo_job_info *info);
void mo_registry_lock(struct mo_registry *r);
void mo_registry_unlock(struct mo_registry *r);
struct mo_found {
    struct mo_job *job; /* NULL: it is over */
    enum mo_job_phase phase;
    int32_t code;
    const char *text;
};
bool mo_registry_find_locked(struct mo_worker *w, struct mo_registry *r, uint64_t number, struct mo_found *found);
/* Make it the executor's; NULL: none is. */
void mo_registry_set(struct mo_executor *x, struct mo_registry *r);
/* fn() was true for an executor that has one: under the scheduler's lock, until it is. */
bool mo_registries_visit(bool (*fn)(struct mo_executor *x, void *arg), void *arg);

/* ---- Places (placed.c). */
/* One of a worker, or of a node: jobs that are to run there. Guarded by the lock but for what is read racily. */
enum { MO_BOX_STRICT, MO_BOX_LOOSE, MO_BOX_KINDS };
#define MO_BOX_LEVELS 4 /* of priority, the highest first */

struct mo_box_link {
    struct mo_box_link *next;
    struct mo_job *job;
    uint64_t cost_ns;
    uint16_t home; /* worker whose slab this is of */
};
_Static_assert(sizeof(struct mo_box_link) <= MO_SLAB_MIN_BYTES, "fits the smallest block");

struct mo_box {
    _Atomic uint32_t lock MO_ALIGNED(MO_CACHE_LINE);
    _Atomic uint32_t waiting[MO_BOX_KINDS];
    _Atomic uint64_t cost_ns; /* of all that wait */
    struct {
        struct mo_box_link *first, *last;
    } queue[MO_BOX_KINDS][MO_BOX_LEVELS];
};

struct mo_worker_place {
    unsigned cpu;
    int node;          /* -1: not known */
    unsigned node_box; /* its node's box; meaningless where that is not known */
    _Atomic bool idle; /* it found nothing when it looked last, and looks again before it sleeps and when it is woken */
};

struct mo_placement {
    unsigned workers, nodes;
    bool planned; /* threads were told where to go: by `cpu` */
    size_t bytes;
    _Atomic uint32_t waiting[MO_BOX_KINDS]; /* in all boxes */
    struct mo_worker_place *at;             /* of each worker */
    int *node;                              /* of each box behind those of the workers */
    struct mo_box box[];                    /* of each worker, then of each node */
};

/* The executor's; made if there is none. NULL: memory is exhausted. */
struct mo_placement *mo_placement(struct mo_executor *x);
/* The same for workers that are yet to start, which `numa` wants to know about the machine. False: memory is
   exhausted. */
bool mo_placement_plan(struct mo_executor *x, enum mo_numa numa);
void mo_placement_free(struct mo_executor *x);
/* The calling worker takes its seat: it goes where the plan says. It leaves. */
struct mo_placement_before {
    bool bound;
    unsigned place, words;
    unsigned long mask[MO_MASK_WORDS];
};
void mo_placement_enter(struct mo_seat *seat, struct mo_placement_before *before);
void mo_placement_leave(struct mo_seat *seat, const struct mo_placement_before *before);
/* Which box a job goes to; -1: none, it may as well run anywhere. */
int mo_placement_choose(const struct mo_placement *p, int32_t place);
/* Put an entry, which has been counted, where those it is for find it, and wake them. ENOMEM; EAGAIN: it may run
   anywhere. */
int mo_placed_put(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* Something for this worker, or for its node; `last`: when nothing else is left. */
struct mo_job *mo_placed_take_slow(struct mo_seat *seat, const struct mo_kin *kin, bool last);
/* Something strict for this worker or its node, whatever else it may not do. */
struct mo_job *mo_placed_take_strict(struct mo_seat *seat);
void mo_placed_say_idle(struct mo_seat *seat, bool idle);

/* seq_cst: a worker that has announced its sleep looks here last; pairs with mo_placed_put(). */
static inline struct mo_job *mo_placed_take(struct mo_seat *seat, const struct mo_kin *kin, bool last)
{
    struct mo_placement *p = mo_load_seqcst(&seat->executor->placement);
    if (mo_likely(!p) || !(mo_load_seqcst(&p->waiting[MO_BOX_STRICT]) + mo_load_seqcst(&p->waiting[MO_BOX_LOOSE])))
        return NULL;
    return mo_placed_take_slow(seat, kin, last);
}

/* An executor that drains may be through. Whoever calls has dealt with entries, and then done an RMW on team->idle. */
void mo_executor_try_close(struct mo_executor *x);
/* blocking.c: its threads leave, or have left. */
void mo_blocking_close(struct mo_executor *x, struct mo_worker *closer);
/* When the workers have left as well, who may walk the list of those threads until then. */
void mo_blocking_forget(struct mo_executor *x);

static inline bool mo_executor_drops(const struct mo_executor *x)
{
    return mo_unlikely(mo_load_relaxed(&x->state) == MO_EXECUTOR_CANCELLING);
}

/* A count before a look at the state: pairs with seal() in executor.c. */
static inline void mo_counted(_Atomic uint64_t *count)
{
    if (mo_likely(mo_load_relaxed(&MO_SHARED(sched).asymmetric)))
        mo_plat_light_barrier();
    else
        mo_plat_full_barrier(count);
}

/* ---- Who waits for descriptors (io/reactor.c), as workers see it: while it has left that to them, they look
   themselves when they have nothing to do, and the last of an executor says so before it sleeps. */
struct mo_reactor {
    _Atomic uint32_t left_to_workers;
    bool (*look)(void);      /* true: something is ready, and whom that concerns has been woken */
    void (*take_over)(void); /* it is to look itself from now on */
};

extern struct mo_reactor MO_SHARED(reactor) MO_SHARED_ATTR;

static inline bool mo_reactor_has_found(void)
{
    return mo_unlikely(mo_load_acquire(&MO_SHARED(reactor).left_to_workers) != 0) && MO_SHARED(reactor).look();
}

static inline void mo_reactor_take_over(void)
{
    if (mo_unlikely(mo_load_acquire(&MO_SHARED(reactor).left_to_workers) != 0))
        MO_SHARED(reactor).take_over();
}

#endif
