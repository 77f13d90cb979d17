/* Sheets: found by a thread-local pointer, made at the first thing that a thread has to count.

   Nothing here waits: a signal handler may be in the middle of it on the same thread.
   A sheet is taken over by a CAS on its tid, from a number that no thread has any more. Should that number be a new
   thread's, that one has a sheet of its own, or will look for one: the old sheet stays with the number, and is found
   again later. */
#include "watch/watch.h"

#include "plat/plat.h"

#include <string.h>

#define CHUNK_BYTES  (64u * 1024)
#define CHUNK_SHEETS (CHUNK_BYTES / (uint32_t)sizeof(struct mo_sheet))
#define USED_MASK    (uintptr_t)4095 /* below a page's address */
#define LOOKS        4               /* at others' sheets, for each new one */

struct mo_watch MO_SHARED(watch);
__thread struct mo_sheet *MO_SHARED(sheet) MO_SHARED_TLS;

/* What the last thread was in the middle of when it ended. */
static struct mo_sheet *clear(struct mo_sheet *s)
{
    mo_store_relaxed(&s->asleep_since, 0u);
    mo_store_relaxed(&s->woken, NULL);
    mo_store_relaxed(&s->held_count, 0u);
    mo_store_relaxed(&s->waits, 0u);
    return s;
}

static struct mo_sheet *take_over(struct mo_watch *w, uint32_t tid)
{
    struct mo_sheet *s = mo_load_acquire(&w->cursor);
    for (int i = 0; i < LOOKS; i++) {
        if (!s && !(s = mo_load_acquire(&w->sheets)))
            return NULL;
        struct mo_sheet *next = mo_load_acquire(&s->next);
        uint32_t was = mo_load_relaxed(&s->tid);
        mo_store_release(&w->cursor, next);
        if (was == tid)
            return clear(s); /* of an earlier thread of this number */
        /* acq_rel: what its last thread counted there comes before what the next one counts. */
        if (was && !mo_plat_thread_exists(was) && mo_cas_acq_rel(&s->tid, &was, tid))
            return clear(s);
        s = next;
    }
    return NULL;
}

static char *new_chunk(void)
{
    char *chunk = mo_plat_map_wiped(CHUNK_BYTES);
    return chunk ? chunk : mo_plat_map(CHUNK_BYTES);
}

/* Chunks are never unmapped once they have been seen, so one word says both which one and how much of it. */
static struct mo_sheet *deal(struct mo_watch *w)
{
    uintptr_t word = mo_load_acquire(&w->chunk);
    for (;;) {
        uintptr_t used = word & USED_MASK;
        if (word && used < CHUNK_SHEETS) {
            if (mo_cas_acq_rel(&w->chunk, &word, word + 1))
                return (struct mo_sheet *)(word & ~USED_MASK) + used;
            continue;
        }
        char *chunk = new_chunk();
        if (!chunk)
            return NULL;
        if (mo_cas_acq_rel(&w->chunk, &word, (uintptr_t)chunk + 1))
            return (struct mo_sheet *)chunk;
        mo_plat_unmap(chunk, CHUNK_BYTES);
    }
}

static struct mo_sheet *enlist(struct mo_watch *w, uint32_t tid)
{
    struct mo_sheet *s = deal(w);
    if (!s)
        return NULL;
    mo_store_relaxed(&s->tid, tid);
    struct mo_sheet *first = mo_load_relaxed(&w->sheets);
    do
        mo_store_relaxed(&s->next, first);
    while (!mo_cas_acq_rel(&w->sheets, &first, s));
    return s;
}

struct mo_sheet *mo_sheet_new(void)
{
    struct mo_watch *w = &MO_SHARED(watch);
    uint32_t tid = mo_plat_tid();
    struct mo_sheet *s = take_over(w, tid);
    if (!s)
        s = enlist(w, tid);
    MO_SHARED(sheet) = s;
    return s;
}

void mo_watch_waited(const void *lock, const void *site, uint64_t ticks)
{
    struct mo_sheet *s = mo_sheet_self();
    if (!s)
        return;
    struct mo_hot *h = &s->hot[0];
    for (unsigned i = 0; i < MO_HOT_MAX && mo_load_relaxed(&h->lock) != (uintptr_t)lock; i++)
        if (mo_load_relaxed(&s->hot[i].lock) == (uintptr_t)lock ||
            mo_load_relaxed(&s->hot[i].waits) < mo_load_relaxed(&h->waits))
            h = &s->hot[i];
    if (mo_load_relaxed(&h->lock) != (uintptr_t)lock) {
        mo_store_relaxed(&h->lock, (uintptr_t)lock);
        mo_store_relaxed(&h->ticks, 0u);
    }
    mo_store_relaxed(&h->site, (uintptr_t)site);
    mo_store_relaxed(&h->waits, mo_load_relaxed(&h->waits) + 1);
    mo_store_relaxed(&h->ticks, mo_load_relaxed(&h->ticks) + ticks);
}

/* Where the system has cleared the pages the list is one sheet long. */
void mo_watch_reset_after_fork(void)
{
    struct mo_watch *w = &MO_SHARED(watch);
    for (struct mo_sheet *s = mo_load_relaxed(&w->sheets), *next; s; s = next) {
        next = mo_load_relaxed(&s->next);
        memset(s, 0, sizeof *s);
    }
    memset(w, 0, sizeof *w);
    MO_SHARED(sheet) = NULL;
}
