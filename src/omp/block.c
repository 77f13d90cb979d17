/* Blocks of memory for the program. They come from its own malloc, so that whatever watches or replaces that sees them,
   with a head in front. Blocks that are pinned or lie on chosen NUMA nodes have pages of their own instead: both are
   properties of whole pages, and to unmap them takes nothing away from a neighbour. */
#include "omp/alloc.h"
#include "plat/plat.h"

#include <stdlib.h>

static uintptr_t round_up(uintptr_t at, size_t align)
{
    return (at + align - 1) & ~(uintptr_t)(align - 1);
}

/* Bytes with room for the head and for moving up by `slack`; 0 when there are no such sizes. */
static size_t total_bytes(size_t bytes, size_t slack)
{
    size_t total;
    if (__builtin_add_overflow(bytes, slack, &total) ||
        __builtin_add_overflow(total, sizeof(struct mo_block), &total) || total > PTRDIFF_MAX)
        return 0;
    return total;
}

static void *set_head(uintptr_t at, void *base, size_t bytes, size_t mapped)
{
    struct mo_block *b = mo_block_of((void *)at);
    b->base = base;
    b->bytes = bytes;
    b->mapped = mapped;
    return (void *)at;
}

/* ---- From malloc. */
static void *heap_new(size_t align, size_t bytes, bool zeroed)
{
    size_t total = total_bytes(bytes, align > MO_BLOCK_ALIGN ? align - MO_BLOCK_ALIGN : 0);
    if (!total)
        return NULL;
    void *base = zeroed ? calloc(1, total) : malloc(total);
    if (!base)
        return NULL;
    return set_head(round_up((uintptr_t)base + sizeof(struct mo_block), align), base, bytes, 0);
}

/* ---- Pages. */
static void unmap_between(uintptr_t from, uintptr_t to)
{
    if (from < to)
        mo_plat_unmap((void *)from, to - from);
}

/* Exactly the pages that the head and the block lie on. */
static void *map_pages(size_t align, size_t bytes)
{
    size_t page = mo_plat_page_bytes(), total = total_bytes(bytes, align - 1);
    if (!total || total > PTRDIFF_MAX - page)
        return NULL;
    total = round_up(total, page);
    uintptr_t base = (uintptr_t)mo_plat_map(total);
    if (!base)
        return NULL;
    uintptr_t at = round_up(base + sizeof(struct mo_block), align);
    uintptr_t first = (at - sizeof(struct mo_block)) & ~(uintptr_t)(page - 1), end = round_up(at + bytes, page);
    unmap_between(base, first);
    unmap_between(end, base + total);
    return set_head(at, (void *)first, bytes, end - first);
}

/* The head has touched the first page already: it lies where the caller runs, which is as good as any. */
static void *pages_new(const struct mo_alloc_traits *traits, size_t align, size_t bytes)
{
    void *p = map_pages(align, bytes);
    if (!p)
        return NULL;
    struct mo_block *b = mo_block_of(p);
    if (mo_place_matters(traits, bytes))
        mo_place_pages(traits, b->base, b->mapped);
    if (!traits->pinned || mo_plat_pin(b->base, b->mapped) == 0)
        return p;
    mo_plat_unmap(b->base, b->mapped);
    return NULL;
}

/* ---- Both. */
void *mo_block_new(const struct mo_alloc_traits *traits, size_t align, size_t bytes, bool zeroed)
{
    if (mo_unlikely(traits->pinned || mo_place_matters(traits, bytes)))
        return pages_new(traits, align, bytes);
    return heap_new(align, bytes, zeroed);
}

void mo_block_delete(void *p)
{
    struct mo_block *b = mo_block_of(p);
    if (b->mapped)
        mo_plat_unmap(b->base, b->mapped);
    else
        free(b->base);
}

/* realloc keeps the distance between the base and the block, so it serves only blocks that were not moved up and need
   not be. */
void *mo_block_resize(const struct mo_alloc_traits *traits, void *p, size_t bytes)
{
    struct mo_block *b = mo_block_of(p);
    size_t total = total_bytes(bytes, 0);
    if (b->mapped || b->base != b || !total || traits->align > MO_BLOCK_ALIGN || mo_place_matters(traits, bytes))
        return NULL;
    b = realloc(b, total);
    return b ? set_head((uintptr_t)(b + 1), b, bytes, 0) : NULL;
}
