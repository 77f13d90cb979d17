/* Async jobs that wait: whom a cancellation is to reach though nobody wakes them. A set of addresses in several parts,
   each with a lock. A job gets in when it waits for the first time, and leaves before its end is told; those that never
   wait never come here. KEPT in its state, which only its poller writes, says that it is in there. Jobs are blocks of
   slabs, which lie side by side, so the set has a bit for each that might begin in a page, and pages by their address.

   P1  who finds a job in the set under the lock may touch it until he lets the lock go, and its groups, as its end
       takes the lock first. If he claims it, it stays until he has launched it.
   P2  none is missed. Who cancels writes the flag of a group, or the state of an executor, then goes through all parts
       under their locks. A job that waits for the first time gets in under its part's lock, and then looks at the flags
       itself: either the one who cancels comes to that part later and finds it, or it sees the flag.
   P3  groups without such jobs do not pay: `waits` is set in a group and all around it before P2's look, seq_cst, and
       who cancels looks at it after the flag, seq_cst. Of the two one sees what the other wrote.
   Without memory for the set a job is not kept: it learns of its cancellation when it is woken the next time.
   tests/models/parked.pml tries all three. */
#include "park/park.h"
#include "sched/async.h"
#include "sched/run.h"

#include <string.h>

#define PARTS      16
#define FIRST      64 /* places of a part; it grows when three quarters are taken */
#define PART_BITS  4
#define PAGE_BYTES ((uintptr_t)4096)
_Static_assert(PARTS == 1 << PART_BITS, "the hash's upper bits");
_Static_assert(PAGE_BYTES / MO_SLAB_MIN_BYTES == 64, "a bit for each block");

struct page {
    uintptr_t address; /* 0: the place is free */
    uint64_t blocks;
};

struct part {
    _Atomic uint32_t lock MO_ALIGNED(MO_LINE_PAIR);
    size_t count, places; /* a power of two, or 0 */
    struct page *place;
};

struct parked {
    struct part part[PARTS];
};

extern struct parked MO_SHARED(parked) MO_SHARED_ATTR;
struct parked MO_SHARED(parked);

static uintptr_t page_of(const struct mo_job *job)
{
    return (uintptr_t)job & ~(PAGE_BYTES - 1);
}

static uint64_t block_of(const struct mo_job *job)
{
    return (uint64_t)1 << (uintptr_t)job % PAGE_BYTES / MO_SLAB_MIN_BYTES;
}

static uint64_t hash_of(uintptr_t page)
{
    return page / PAGE_BYTES * 0x9e3779b97f4a7c15u;
}

static struct part *part_of(const struct mo_job *job)
{
    return &MO_SHARED(parked).part[hash_of(page_of(job)) >> (64 - PART_BITS)];
}

static size_t home_of(const struct part *p, uintptr_t page)
{
    return hash_of(page) >> 20 & (p->places - 1);
}

/* The page, or the free place where it belongs. */
static struct page *find_locked(const struct part *p, uintptr_t page)
{
    size_t i = home_of(p, page);
    while (p->place[i].address && p->place[i].address != page)
        i = (i + 1) & (p->places - 1);
    return &p->place[i];
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
        if (p->place[i].address)
            *find_locked(&larger, p->place[i].address) = p->place[i];
    if (p->places)
        mo_extent_free(p->place, p->places * sizeof *p->place);
    p->place = larger.place;
    p->places = larger.places;
    return true;
}

/* Those behind it that have come here only because their own places were taken move up. */
static void take_out_locked(struct part *p, const struct page *page)
{
    size_t mask = p->places - 1, hole = (size_t)(page - p->place);
    for (size_t i = (hole + 1) & mask; p->place[i].address; i = (i + 1) & mask) {
        size_t home = home_of(p, p->place[i].address);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        p->place[hole] = p->place[i];
        hole = i;
    }
    p->place[hole] = (struct page){0};
    p->count--;
}

static bool put_locked(struct part *p, const struct mo_job *job)
{
    if (!make_room_locked(p))
        return false;
    struct page *page = find_locked(p, page_of(job));
    if (!page->address) {
        *page = (struct page){page_of(job), 0};
        p->count++;
    }
    page->blocks |= block_of(job);
    return true;
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
    bool kept = put_locked(p, job);
    mo_mutex_unlock(&p->lock);
    if (kept)
        mo_fetch_or_acq_rel(&job->state, MO_JOB_KEPT);
    return is_cancelled(x, job);
}

void mo_parked_forget_slow(struct mo_job *job)
{
    struct part *p = part_of(job);
    mo_mutex_lock(&p->lock);
    struct page *page = find_locked(p, page_of(job));
    page->blocks &= ~block_of(job);
    if (!page->blocks)
        take_out_locked(p, page);
    mo_mutex_unlock(&p->lock);
}

/* Those of a page that are cancelled, claimed and put before the row. */
static struct mo_job *claim_cancelled_locked(const struct page *page, struct mo_job *row)
{
    for (uint64_t left = page->blocks; left; left &= left - 1) {
        struct mo_job *job =
            (struct mo_job *)(page->address + (unsigned)__builtin_ctzll(left) * (uintptr_t)MO_SLAB_MIN_BYTES);
        const struct mo_executor *x = mo_async_executor(job);
        if (!x || !is_cancelled(x, job) || !mo_async_claim(job))
            continue;
        mo_async_link(job, row);
        row = job;
    }
    return row;
}

void mo_parked_wake_cancelled(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        struct part *p = &MO_SHARED(parked).part[i];
        mo_mutex_lock(&p->lock);
        struct mo_job *all = NULL, *next;
        for (size_t k = 0; k < p->places; k++)
            all = claim_cancelled_locked(&p->place[k], all);
        mo_mutex_unlock(&p->lock);
        for (; all; all = next) {
            next = mo_async_next(all);
            mo_async_launch(all);
        }
    }
}

/* In a forked child: who held a lock may not be there, and none of its parent's jobs is polled any more. The memory is
   lost. */
void mo_parked_forget_all(void)
{
    memset(MO_SHARED(parked).part, 0, sizeof MO_SHARED(parked).part);
}
