/* Async jobs that wait: whom a cancellation is to reach though nobody wakes them. A set of addresses in several parts, each with
   a lock. A job gets in when it waits for the first time, and leaves before its end is told; those that never wait never come here.
   KEPT in its `refs`, which only its poller writes, says that it is in there.

   P1  who finds a job in the set under the lock may touch it until he lets the lock go, and its groups, as its end takes the lock
       first. If he claims it, it stays until he has launched it.
   P2  none is missed. Who cancels writes the flag of a group, or the state of an executor, then goes through all parts under
       their locks. A job that waits for the first time gets in under its part's lock, and then looks at the flags itself: either the
       one who cancels comes to that part later and finds it, or it sees the flag.
   P3  groups without such jobs do not pay: `waits` is set in a group and all around it before P2's look, seq_cst, and who
       cancels looks at it after the flag, seq_cst. Of the two one sees what the other wrote.
   Without memory for the set a job is not kept: it learns of its cancellation when it is woken the next time. */
#include "park/park.h"
#include "sched/async.h"
#include "sched/run.h"

#include <string.h>

#define PARTS     16
#define FIRST     512 /* places of a part; it grows when three quarters are taken */
#define PART_BITS 4
_Static_assert(PARTS == 1 << PART_BITS, "the hash's upper bits");

struct part {
    _Atomic uint32_t lock MO_ALIGNED(MO_LINE_PAIR);
    size_t count, places; /* a power of two, or 0 */
    struct mo_job **place;
};

struct parked {
    struct part part[PARTS];
};

extern struct parked MO_SHARED(parked) MO_SHARED_ATTR;
struct parked MO_SHARED(parked);

static uint64_t hash_of(const struct mo_job *job)
{
    return (uintptr_t)job / MO_SLAB_MIN_BYTES * 0x9e3779b97f4a7c15u;
}

static struct part *part_of(const struct mo_job *job)
{
    return &MO_SHARED(parked).part[hash_of(job) >> (64 - PART_BITS)];
}

static size_t home_of(const struct part *p, const struct mo_job *job)
{
    return hash_of(job) >> 20 & (p->places - 1);
}

static void put_locked(struct part *p, struct mo_job *job)
{
    size_t i = home_of(p, job);
    while (p->place[i])
        i = (i + 1) & (p->places - 1);
    p->place[i] = job;
}

static bool make_room_locked(struct part *p)
{
    if (p->count < p->places / 4 * 3)
        return true;
    struct part larger = {.places = p->places ? p->places * 2 : FIRST};
    larger.place = mo_extent_alloc(larger.places * sizeof *larger.place);
    if (!larger.place)
        return false;
    memset(larger.place, 0, larger.places * sizeof *larger.place);
    for (size_t i = 0; i < p->places; i++)
        if (p->place[i])
            put_locked(&larger, p->place[i]);
    if (p->places)
        mo_extent_free(p->place, p->places * sizeof *p->place);
    p->place = larger.place;
    p->places = larger.places;
    return true;
}

/* Those behind it that have come here only because their own places were taken move up. */
static void take_out_locked(struct part *p, const struct mo_job *job)
{
    size_t mask = p->places - 1, hole = home_of(p, job);
    while (p->place[hole] != job)
        hole = (hole + 1) & mask;
    for (size_t i = (hole + 1) & mask; p->place[i]; i = (i + 1) & mask) {
        size_t home = home_of(p, p->place[i]);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        p->place[hole] = p->place[i];
        hole = i;
    }
    p->place[hole] = NULL;
    p->count--;
}

/* P3 */
static void announce(struct mo_task *group)
{
    for (; group; group = mo_load_relaxed(&group->parent))
        if (!mo_load_relaxed(&((struct mo_group *)group)->waits))
            mo_exchange_seqcst(&((struct mo_group *)group)->waits, true);
}

static bool is_cancelled(const struct mo_executor *x, struct mo_job *job)
{
    for (struct mo_task *g = mo_load_relaxed(&job->group); g; g = mo_load_relaxed(&g->parent))
        if (mo_load_seqcst(&((struct mo_group *)g)->cancelled))
            return true;
    return mo_load_seqcst(&x->state) == MO_EXECUTOR_CANCELLING;
}

bool mo_parked_keep(struct mo_executor *x, struct mo_job *job)
{
    struct part *p = part_of(job);
    announce(mo_load_relaxed(&job->group));
    mo_mutex_lock(&p->lock);
    bool kept = make_room_locked(p);
    if (kept) {
        put_locked(p, job);
        p->count++;
    }
    mo_mutex_unlock(&p->lock);
    if (kept)
        mo_fetch_add_relaxed(&mo_job_async(job)->refs, MO_ASYNC_KEPT); /* only its poller looks at that */
    return is_cancelled(x, job);
}

void mo_parked_forget_slow(struct mo_job *job)
{
    struct part *p = part_of(job);
    mo_mutex_lock(&p->lock);
    take_out_locked(p, job);
    mo_mutex_unlock(&p->lock);
    mo_fetch_add_relaxed(&mo_job_async(job)->refs, -MO_ASYNC_KEPT);
}

/* Claimed, in a row by their links, which nobody uses meanwhile. */
static struct mo_job *claim_cancelled_locked(const struct part *p)
{
    struct mo_job *all = NULL;
    for (size_t i = 0; i < p->places; i++) {
        struct mo_job *job = p->place[i];
        const struct mo_executor *x = job ? mo_async_executor(job) : NULL;
        if (!x || !is_cancelled(x, job) || !mo_async_claim(job))
            continue;
        mo_store_relaxed(&mo_job_async(job)->next, all);
        all = job;
    }
    return all;
}

void mo_parked_wake_cancelled(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        struct part *p = &MO_SHARED(parked).part[i];
        mo_mutex_lock(&p->lock);
        struct mo_job *all = p->count ? claim_cancelled_locked(p) : NULL, *next;
        mo_mutex_unlock(&p->lock);
        for (; all; all = next) {
            next = mo_load_relaxed(&mo_job_async(all)->next);
            mo_async_launch(all);
        }
    }
}

/* In a forked child: who held a lock may not be there, and none of its parent's jobs is polled any more. The memory is lost. */
void mo_parked_forget_all(void)
{
    memset(MO_SHARED(parked).part, 0, sizeof MO_SHARED(parked).part);
}
