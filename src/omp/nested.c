/* Lists of numbers of threads that a clause gives for the regions inside. ICVs are compared as bytes and live for ever,
   so a list is kept once and has an address of its own. A program has few: they are looked for one by one, under the
   lock of the ICVs, which a fork respects. */
#include "omp/core.h"

#include <string.h>

#define STORE_BYTES ((size_t)64 << 10)

struct thread_list {
    struct thread_list *next;
    unsigned count;
    uint32_t threads[]; /* count of them, and 0 */
};

struct thread_lists {
    struct thread_list *first;
    char *store; /* where the next one goes */
    size_t left;
};

extern struct thread_lists MO_SHARED(nested) MO_SHARED_ATTR;
struct thread_lists MO_SHARED(nested);

static struct thread_list *find_locked(const int32_t *threads, unsigned count)
{
    struct thread_list *l = MO_SHARED(nested).first;
    while (l && (l->count != count || memcmp(l->threads, threads, count * sizeof *threads)))
        l = l->next;
    return l;
}

static void *take_locked(size_t bytes)
{
    struct thread_lists *all = &MO_SHARED(nested);
    if (bytes > all->left) {
        char *fresh = mo_extent_alloc(bytes > STORE_BYTES ? bytes : STORE_BYTES);
        if (!fresh)
            return NULL;
        all->store = fresh;
        all->left = bytes > STORE_BYTES ? bytes : STORE_BYTES;
    }
    all->left -= bytes;
    all->store += bytes;
    return all->store - bytes;
}

static struct thread_list *add_locked(const int32_t *threads, unsigned count)
{
    size_t bytes = sizeof(struct thread_list) + (count + 1) * sizeof(uint32_t);
    struct thread_list *l = take_locked((bytes + 7) & ~(size_t)7);
    if (!l)
        return NULL;
    l->count = count;
    memcpy(l->threads, threads, count * sizeof *threads); /* fresh pages are zero, and so is what ends it */
    l->next = MO_SHARED(nested).first;
    MO_SHARED(nested).first = l;
    return l;
}

/* A number that means nothing ends the list. */
static unsigned sane_count(const int32_t *threads, unsigned count)
{
    unsigned n = 0;
    while (n < count && threads[n] > 0)
        n++;
    return n;
}

const uint32_t *mo_icvs_nested(const int32_t *threads, unsigned count)
{
    count = sane_count(threads, count);
    if (!count)
        return NULL;
    _Atomic uint32_t *lock = mo_icvs_lock();
    mo_mutex_lock(lock);
    struct thread_list *l = find_locked(threads, count);
    if (!l)
        l = add_locked(threads, count);
    mo_mutex_unlock(lock);
    return l ? l->threads : NULL;
}
