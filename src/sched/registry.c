/* The registry of an executor: a record for each of its jobs, by number, and for some time after its end.

   One lock and a table of chains that grows; who has a registry can afford that. Records of jobs that are over form a
   queue, the oldest first. One leaves when there are more of them than `count`, or when it is found to be older than
   `time_ns`: a question never gets an answer that is too old, and each `interval_ns` the first who comes by lets all go
   that are. */
#include "sched/executor.h"

#include <string.h>

#define FIRST_CHAINS 64

struct record {
    struct record *next; /* in its chain */
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    uint64_t number;
    struct mo_job *job;   /* NULL: it is over */
    struct record *later; /* over after this one */
    uint64_t ended_ns;
    int32_t code;
    uint16_t home; /* worker whose slab this is of */
    uint8_t phase;
    char text[MO_ERROR_TEXT];
};
#define RECORD_CLASS 3
_Static_assert(sizeof(struct record) <= MO_SLAB_BYTES(RECORD_CLASS), "fits its class");

struct mo_registry {
    _Atomic uint32_t lock;
    struct mo_retention keeps;
    struct record **chain;
    size_t chains, records, over;
    struct record *first, *last; /* of those over */
    uint64_t swept_ns;
};

void mo_registry_lock(struct mo_registry *r)
{
    mo_mutex_lock(&r->lock);
}

void mo_registry_unlock(struct mo_registry *r)
{
    mo_mutex_unlock(&r->lock);
}

struct mo_registry *mo_registry_new(const struct mo_retention *retention)
{
    struct mo_registry *r = mo_extent_alloc(sizeof *r);
    struct record **chain = r ? mo_extent_alloc(FIRST_CHAINS * sizeof *chain) : NULL;
    if (r && !chain)
        mo_extent_free(r, sizeof *r);
    if (!chain)
        return NULL;
    memset(chain, 0, FIRST_CHAINS * sizeof *chain);
    *r = (struct mo_registry){.keeps = *retention, .chain = chain, .chains = FIRST_CHAINS};
    return r;
}

static void free_record(struct mo_worker *w, struct record *rec)
{
    mo_worker_free(w, rec->home, rec, RECORD_CLASS);
}

void mo_registry_free(struct mo_worker *w, struct mo_registry *r)
{
    for (size_t i = 0; i < r->chains; i++)
        for (struct record *rec = r->chain[i], *next; rec; rec = next) {
            next = rec->next;
            free_record(w, rec);
        }
    mo_extent_free(r->chain, r->chains * sizeof *r->chain);
    mo_extent_free(r, sizeof *r);
}

static struct record **place_of(struct mo_registry *r, uint64_t number)
{
    struct record **at = &r->chain[(number * 0x9e3779b97f4a7c15u >> 20) & (r->chains - 1)];
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

/* Without memory for it chains get longer. */
static void grow(struct mo_registry *r)
{
    struct mo_registry old = *r;
    struct record **chain = mo_extent_alloc(2 * old.chains * sizeof *chain);
    if (!chain)
        return;
    memset(chain, 0, 2 * old.chains * sizeof *chain);
    r->chain = chain;
    r->chains = 2 * old.chains;
    for (size_t i = 0; i < old.chains; i++)
        for (struct record *rec = old.chain[i], *next; rec; rec = next) {
            next = rec->next;
            struct record **at = place_of(r, rec->number);
            rec->next = NULL;
            *at = rec;
        }
    mo_extent_free(old.chain, old.chains * sizeof *old.chain);
}

static void unlink_record(struct mo_worker *w, struct mo_registry *r, struct record **at)
{
    struct record *rec = *at;
    *at = rec->next;
    r->records--;
    free_record(w, rec);
}

static void drop_oldest(struct mo_worker *w, struct mo_registry *r)
{
    struct record *rec = r->first;
    r->first = rec->later;
    if (!r->first)
        r->last = NULL;
    r->over--;
    unlink_record(w, r, place_of(r, rec->number));
}

static bool is_old(const struct mo_registry *r, const struct record *rec, uint64_t now)
{
    return now - rec->ended_ns >= r->keeps.time_ns;
}

static void sweep(struct mo_worker *w, struct mo_registry *r, uint64_t now)
{
    if (now - r->swept_ns < r->keeps.interval_ns)
        return;
    r->swept_ns = now;
    while (r->first && is_old(r, r->first, now))
        drop_oldest(w, r);
}

/* Numbers come again after 2 million jobs in one block: an old record of that number goes, wherever in the queue it
   is. */
static void forget_namesake(struct mo_worker *w, struct mo_registry *r, uint64_t number)
{
    while (*place_of(r, number))
        drop_oldest(w, r);
}

bool mo_registry_add(struct mo_worker *w, struct mo_registry *r, struct mo_job *job, uint64_t number)
{
    struct record *rec = mo_slab_alloc_owner(&w->slab, RECORD_CLASS);
    if (!rec)
        return false;
    *rec = (struct record){.number = number, .job = job, .home = w->index};
    mo_mutex_lock(&r->lock);
    forget_namesake(w, r, number);
    if (r->records >= 2 * r->chains)
        grow(r);
    *place_of(r, number) = rec;
    r->records++;
    mo_mutex_unlock(&r->lock);
    return true;
}

void mo_registry_remove(struct mo_worker *w, struct mo_registry *r, uint64_t number)
{
    mo_mutex_lock(&r->lock);
    unlink_record(w, r, place_of(r, number));
    mo_mutex_unlock(&r->lock);
}

void mo_registry_end(struct mo_worker *w, struct mo_registry *r, const struct mo_job_info *info)
{
    uint64_t now = mo_plat_now_ns();
    mo_mutex_lock(&r->lock);
    struct record *rec = *place_of(r, info->number);
    rec->job = NULL;
    rec->phase = (uint8_t)info->phase;
    rec->ended_ns = now;
    rec->code = info->code;
    strncpy(rec->text, info->text, sizeof rec->text - 1);
    rec->later = NULL;
    if (r->last)
        r->last->later = rec;
    else
        r->first = rec;
    r->last = rec;
    if (++r->over > r->keeps.count)
        drop_oldest(w, r);
    sweep(w, r, now);
    mo_mutex_unlock(&r->lock);
}

bool mo_registry_find_locked(struct mo_worker *w, struct mo_registry *r, uint64_t number, struct mo_found *found)
{
    uint64_t now = mo_plat_now_ns();
    sweep(w, r, now);
    const struct record *rec = *place_of(r, number);
    if (!rec || (!rec->job && is_old(r, rec, now)))
        return false;
    *found = (struct mo_found){
        .job = rec->job, .phase = (enum mo_job_phase)rec->phase, .code = rec->code, .text = rec->text};
    return true;
}
