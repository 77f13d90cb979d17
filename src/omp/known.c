/* Addresses of blocks that compiled code will ask about: an open-addressing table, linear probing, removal by moving up
   what follows. A program without such blocks pays one load for a question. */
#include "omp/core.h"

#include <pthread.h>

#define FIRST_SLOTS 1024u

struct known_table {
    _Atomic uint32_t lock;
    pthread_once_t once;
    bool handles_fork;
    _Atomic size_t count; /* written under the lock */
    size_t slots;         /* a power of two, more than twice `count`; 0 = no table yet */
    void **slot;
};

extern struct known_table MO_SHARED(known) MO_SHARED_ATTR;
struct known_table MO_SHARED(known);

static void before_fork(void)
{
    mo_mutex_lock(&MO_SHARED(known).lock);
}

static void after_fork(void)
{
    mo_mutex_unlock(&MO_SHARED(known).lock);
}

/* Before anybody holds the lock, so that no fork can find it held. */
static void handle_fork(void)
{
    struct known_table *t = &MO_SHARED(known);
    if (!t->handles_fork) {
        t->handles_fork = true;
        if (pthread_atfork(before_fork, after_fork, after_fork) != 0)
            mo_warn("cannot register fork handlers: a forked child must not free variables that have allocators");
    }
}

static size_t home_of(const struct known_table *t, const void *p)
{
    return ((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 20 & (t->slots - 1);
}

/* Where `p` is, or the free slot where it would be. */
static size_t place_of(const struct known_table *t, const void *p)
{
    size_t at = home_of(t, p);
    while (t->slot[at] && t->slot[at] != p)
        at = (at + 1) & (t->slots - 1);
    return at;
}

static bool grow_locked(struct known_table *t)
{
    struct known_table old = {.slots = t->slots, .slot = t->slot};
    size_t slots = old.slots ? 2 * old.slots : FIRST_SLOTS;
    void **fresh = mo_extent_alloc(slots * sizeof *fresh);
    if (!fresh)
        return false;
    t->slots = slots;
    t->slot = fresh;
    for (size_t i = 0; i < old.slots; i++)
        if (old.slot[i])
            fresh[place_of(t, old.slot[i])] = old.slot[i];
    if (old.slot)
        mo_extent_free(old.slot, old.slots * sizeof *fresh);
    return true;
}

void mo_known_add(void *block)
{
    struct known_table *t = &MO_SHARED(known);
    if (!block)
        return;
    pthread_once(&t->once, handle_fork);
    mo_mutex_lock(&t->lock);
    size_t count = mo_load_relaxed(&t->count);
    bool room = 2 * (count + 1) < t->slots || grow_locked(t);
    if (room) {
        size_t at = place_of(t, block);
        count += t->slot[at] == NULL;
        t->slot[at] = block;
        mo_store_relaxed(&t->count, count);
    }
    mo_mutex_unlock(&t->lock);
    if (!room)
        mo_fatal("out of memory: cannot remember a variable that has an allocator");
}

/* Close the gap: whoever stands behind it and has its home at or before it moves there, and leaves the next gap. */
static void remove_locked(struct known_table *t, size_t gap)
{
    size_t mask = t->slots - 1;
    for (size_t at = (gap + 1) & mask; t->slot[at]; at = (at + 1) & mask) {
        if (((at - home_of(t, t->slot[at])) & mask) < ((at - gap) & mask))
            continue;
        t->slot[gap] = t->slot[at];
        gap = at;
    }
    t->slot[gap] = NULL;
    mo_store_relaxed(&t->count, mo_load_relaxed(&t->count) - 1);
}

/* Relaxed: whoever asks about a block that was added knows its address from a thread that has added it before. */
bool mo_known_take(void *block)
{
    struct known_table *t = &MO_SHARED(known);
    if (!block || mo_load_relaxed(&t->count) == 0)
        return false;
    mo_mutex_lock(&t->lock);
    size_t at = place_of(t, block);
    bool known = t->slot[at] != NULL;
    if (known)
        remove_locked(t, at);
    mo_mutex_unlock(&t->lock);
    return known;
}
