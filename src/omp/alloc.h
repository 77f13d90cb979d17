/* Allocators and blocks as the files about them see them; the rest of the world uses core.h. */
#ifndef MO_OMP_ALLOC_H
#define MO_OMP_ALLOC_H

#include "omp/core.h"

/* What an allocator was made with; never changes while its handle is valid. */
struct mo_alloc_traits {
    size_t align;      /* at least 1 */
    size_t pool;       /* bytes that its blocks may have together, SIZE_MAX = no bound */
    uintptr_t fb_data; /* handle to go on with, for MO_FB_ALLOCATOR */
    uint8_t space;     /* enum mo_mem_space */
    uint8_t fallback;  /* enum mo_trait_value */
    uint8_t partition; /* enum mo_trait_value */
    bool pinned;
};

struct mo_allocator {
    struct mo_alloc_traits traits;
    uint32_t handle;
    _Atomic uint32_t generation; /* odd: in use; rises by one when it is made and when it is destroyed */
    _Atomic uint32_t next;       /* in the list of unused ones, index + 1 */
    _Atomic size_t used MO_ALIGNED(MO_LINE_PAIR); /* of the pool, at most all of it */
};

/* NULL: the handle names nothing that exists. Valid until the allocator is destroyed; the memory is for ever. */
struct mo_allocator *mo_allocator_find(uintptr_t handle);

/* ---- Blocks (block.c). In front of each stands a head; what comes before that is the business of block.c. */
struct mo_block {
    void *base;     /* what malloc gave, or the first page */
    size_t bytes;   /* that the user asked for */
    size_t mapped;  /* bytes of pages of its own, 0 = from malloc */
    uint32_t owner; /* handle of its allocator, and which of those that had this handle */
    uint32_t generation;
};

static inline struct mo_block *mo_block_of(void *p)
{
    return (struct mo_block *)p - 1;
}

/* What blocks are aligned to whatever was asked for. */
#define MO_BLOCK_ALIGN 16
_Static_assert(sizeof(struct mo_block) % MO_BLOCK_ALIGN == 0, "what follows the head is aligned as the head is");

/* `align` is a power of two. NULL: no memory, or it cannot be pinned. owner and generation are the caller's to set. */
void *mo_block_new(const struct mo_alloc_traits *traits, size_t align, size_t bytes, bool zeroed);
void mo_block_delete(void *p);
/* The same block with another size, perhaps elsewhere. NULL: it is as it was, and only a copy will do. */
void *mo_block_resize(const struct mo_alloc_traits *traits, void *p, size_t bytes);

/* ---- NUMA nodes (place.c). */
/* Whether a block of this many bytes should lie on nodes of the allocator's choice; then it needs pages of its own. */
bool mo_place_matters(const struct mo_alloc_traits *traits, size_t bytes);
/* Choose for untouched pages. Where the system refuses, it has its own choice: one warning. */
void mo_place_pages(const struct mo_alloc_traits *traits, void *p, size_t bytes);
bool mo_place_has_fast_nodes(void);

#endif
