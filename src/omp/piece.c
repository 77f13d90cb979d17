/* Memory that lasts as long as one construct: a block of the worker's slab, since fresh pages cost more than clearing
   used ones, or an extent of its own where a block would keep very much from the rest of the process. */
#include "omp/core.h"
#include "plat/plat.h"

#include <string.h>

#define BLOCK_BYTES_MAX ((size_t)32 << 20)

static struct mo_piece *new_block(struct mo_worker *w, size_t bytes)
{
    unsigned cls = mo_slab_class(bytes);
    struct mo_piece *p = mo_slab_alloc_owner(&w->slab, cls);
    if (!p)
        return NULL;
    memset(p, 0, bytes);
    p->home = w->index;
    p->cls = (uint8_t)cls;
    return p;
}

static struct mo_piece *new_extent(size_t bytes)
{
    struct mo_piece *p = mo_extent_alloc(bytes);
    if (p)
        p->extent_bytes = bytes;
    return p;
}

struct mo_piece *mo_piece_new(struct mo_worker *w, size_t bytes, size_t align)
{
    if (align < MO_CACHE_LINE)
        align = MO_CACHE_LINE;
    size_t total;
    if (__builtin_add_overflow(bytes, sizeof(struct mo_piece) + align - MO_CACHE_LINE, &total))
        return NULL;
    struct mo_piece *p = total <= BLOCK_BYTES_MAX ? new_block(w, total) : new_extent(total);
    if (p)
        p->data = (void *)(((uintptr_t)(p + 1) + align - 1) & ~(uintptr_t)(align - 1));
    return p;
}

void mo_piece_delete(struct mo_worker *w, struct mo_piece *p)
{
    if (p->extent_bytes)
        mo_extent_free(p, p->extent_bytes);
    else
        mo_worker_free(w, p->home, p, p->cls);
}
