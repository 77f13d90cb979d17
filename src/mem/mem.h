/* Memory of the runtime: extents (pages), slabs (blocks of a worker) and epochs (when may an old buffer go).
   Nothing here calls malloc, so that it works under any allocator and inside one. */
#ifndef MO_MEM_MEM_H
#define MO_MEM_MEM_H

#include "base/atomic.h"

/* ---- Extents: zeroed memory straight from the system, or from a jemalloc arena of the caller's node where the process
   has jemalloc. Aligned to a line pair. NULL when exhausted. */
void *mo_extent_alloc(size_t bytes);
#define MO_EXTENT_HEAD_BYTES MO_LINE_PAIR /* what lies before it: with that much less it fills its pages */
/* The same on NUMA node `node`, by the kernel's number, as long as that has memory and the system lets us choose;
   otherwise, and with -1, from where they are touched first, or from the arena of the caller's node. */
void *mo_extent_alloc_on(size_t bytes, int node);
/* Have pages that nobody has touched come from that node. One warning where a sandbox denies that. */
void mo_extent_bind(void *pages, size_t bytes, int node);
void mo_extent_free(void *p, size_t bytes);
/* True where the process has jemalloc, so that extents come from its arenas. */
bool mo_extent_uses_jemalloc(void);

/* ---- Slabs. A slab pool belongs to one worker; blocks come in classes of 64, 96, 128, 192, 256, ... bytes, aligned to
   64, those of 96 bytes to 32. They stay of their class for ever (a block's memory is never unmapped or cut
   differently), so a stale pointer to a block's start always points to the start of some block.
   alloc and free_owner: the owning worker. free_remote: any thread. */
#define MO_SLAB_CLASSES    52
#define MO_SLAB_MIN_BYTES  64u
#define MO_SLAB_TAIL       64u /* mapped bytes behind the last block, at least */
#define MO_SLAB_HALF_CLASS 1u  /* the one whose blocks are aligned to half a cache line only */
#define MO_SLAB_BYTES(cls) ((size_t)((cls)&1 ? 96 : 64) << ((cls) >> 1))

/* How a free block is laid out. Its first two words keep what the block held last: a reader that lost a race for the
   block may still look at them. */
struct mo_slab_block {
    void *kept[2];
    struct mo_slab_block *next;
    uint32_t cls; /* on the remote list only */
};

struct mo_slab {
    struct mo_slab_block *free[MO_SLAB_CLASSES];
    char *bump, *bump_end;
    uint64_t mapped_bytes;
    unsigned node; /* where new memory is to come from, + 1; 0: from where the owner is */
    /* Blocks that other workers gave back: a Treiber stack that only ever loses everything at once, so no ABA. */
    _Atomic(struct mo_slab_block *) remote MO_ALIGNED(MO_LINE_PAIR);
};

/* Have memory at hand, so that a worker which exists can work although the rest of the process uses up what there is.
   False when memory is exhausted. */
bool mo_slab_prepare(struct mo_slab *s);
void *mo_slab_alloc_slow(struct mo_slab *s, unsigned cls);
void mo_slab_free_remote(struct mo_slab *s, void *block, unsigned cls);

static inline size_t mo_slab_bytes(unsigned cls)
{
    return MO_SLAB_BYTES(cls);
}

/* The class whose blocks hold `bytes`, at an alignment of 32; MO_SLAB_CLASSES when none does. */
static inline unsigned mo_slab_class_half(size_t bytes)
{
    if (mo_likely(bytes <= MO_SLAB_BYTES(1)))
        return bytes > MO_SLAB_BYTES(0);
    unsigned log = 63 - (unsigned)__builtin_clzl(bytes - 1); /* more than 1 << log bytes, at most twice as many */
    unsigned cls = 2 * (log - 5) - (bytes <= (size_t)3 << (log - 1));
    return cls < MO_SLAB_CLASSES ? cls : MO_SLAB_CLASSES;
}

/* The same at an alignment of 64. */
static inline unsigned mo_slab_class(size_t bytes)
{
    unsigned cls = mo_slab_class_half(bytes);
    return cls + (cls == MO_SLAB_HALF_CLASS);
}

/* Requires a block on the list of this class. */
static inline void *mo_slab_take_owner(struct mo_slab *s, unsigned cls)
{
    struct mo_slab_block *b = s->free[cls];
    s->free[cls] = b->next;
    return b;
}

/* NULL when memory is exhausted. Contents are undefined. */
static inline void *mo_slab_alloc_owner(struct mo_slab *s, unsigned cls)
{
    return mo_likely(s->free[cls] != NULL) ? mo_slab_take_owner(s, cls) : mo_slab_alloc_slow(s, cls);
}

static inline void mo_slab_free_owner(struct mo_slab *s, void *block, unsigned cls)
{
    struct mo_slab_block *b = block;
    b->next = s->free[cls];
    s->free[cls] = b;
}

/* ---- Epochs: memory that readers may still look at without holding anything is retired, and freed when every reader
   that was inside an epoch at that time has left it. */
struct mo_epoch_reader {
    _Atomic uint64_t inside; /* 0 outside, else the global epoch at entry */
    struct mo_epoch_reader *next;
};

/* A reader lives for ever (it is part of a worker, and workers are recycled). Call once per reader. */
void mo_epoch_register(struct mo_epoch_reader *r);
void mo_epoch_enter(struct mo_epoch_reader *r);
void mo_epoch_leave(struct mo_epoch_reader *r);
/* Give back an extent once no reader can see it. Any thread; takes a lock; rare by nature (growth). */
void mo_epoch_retire(void *extent, size_t bytes);
/* Free what may go; returns how many extents still wait. */
unsigned mo_epoch_collect(void);
/* In a forked child: no reader but the caller's is left. */
void mo_epoch_reset_after_fork(void);

#endif
