/* Blocks of a worker. The owner allocates and frees from plain lists; other workers push what they free on `remote`,
   and the owner takes that whole stack when a list runs dry.

   S1  next links of free[] are the owner's alone.
   S2  remote: pushed by CAS (release), emptied by one exchange (acquire). Nobody pops a single block, so a block that
       leaves and comes back between a pusher's read and its CAS does no harm: the pusher only links to it. */
#include "mem/mem.h"
#include "base/check.h"

#define CHUNK_BYTES (64u * 1024 - MO_EXTENT_HEAD_BYTES)
#define LARGE_BYTES (16u * 1024) /* larger ones come by themselves */

static void drain_remote(struct mo_slab *s)
{
    struct mo_slab_block *b = mo_exchange_acquire(&s->remote, NULL); /* pairs with the push */
    while (b) {
        struct mo_slab_block *next = b->next;
        MO_ASSERT(b->cls < MO_SLAB_CLASSES);
        mo_slab_free_owner(s, b, b->cls);
        b = next;
    }
}

static bool new_chunk(struct mo_slab *s)
{
    char *chunk = mo_extent_alloc_on(CHUNK_BYTES, (int)s->node - 1);
    if (!chunk)
        return false;
    s->bump = chunk;
    s->bump_end = chunk + CHUNK_BYTES - MO_SLAB_TAIL;
    s->mapped_bytes += CHUNK_BYTES;
    return true;
}

bool mo_slab_prepare(struct mo_slab *s)
{
    return s->bump || new_chunk(s);
}

static void *alloc_big(struct mo_slab *s, size_t bytes)
{
    void *p = mo_extent_alloc_on(bytes, (int)s->node - 1);
    if (p)
        s->mapped_bytes += bytes;
    return p;
}

/* Of the smallest a few ahead, so that the next ones are allocated the short way, from low to high. The chunk has one
   more. */
#define AHEAD 7
static size_t carve(struct mo_slab *s, size_t bytes)
{
    size_t more = (size_t)(s->bump_end - s->bump) / bytes - 1;
    if (more > AHEAD)
        more = AHEAD;
    for (size_t i = more; i > 0; i--)
        mo_slab_free_owner(s, s->bump + i * bytes, 0);
    return more * bytes;
}

void *mo_slab_alloc_slow(struct mo_slab *s, unsigned cls)
{
    if (mo_load_relaxed(&s->remote)) { /* a hint; the exchange inside acquires */
        drain_remote(s);
        if (s->free[cls])
            return mo_slab_alloc_owner(s, cls);
    }
    size_t bytes = mo_slab_bytes(cls);
    if (bytes > LARGE_BYTES)
        return alloc_big(s, bytes);
    size_t taken = cls == MO_SLAB_HALF_CLASS ? 2 * bytes : bytes; /* what comes next is aligned to a line */
    if ((size_t)(s->bump_end - s->bump) < taken && !new_chunk(s))
        return NULL;
    size_t ahead = cls == 0 ? carve(s, bytes) : 0;
    char *block = s->bump;
    s->bump += taken + ahead;
    if (taken > bytes)
        mo_slab_free_owner(s, block + bytes, cls);
    return block;
}

void mo_slab_free_remote(struct mo_slab *s, void *block, unsigned cls)
{
    struct mo_slab_block *b = block;
    b->cls = cls;
    struct mo_slab_block *head = mo_load_relaxed(&s->remote);
    do
        b->next = head;
    while (!mo_cas_release(&s->remote, &head, b)); /* pairs with drain_remote() */
}
