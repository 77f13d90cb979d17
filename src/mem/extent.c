/* Extents come from jemalloc where the process has it (weak symbols: nothing is loaded for it), one arena per NUMA node
   so that blocks of one node stay together, and from mmap otherwise. Both hand out zeroed memory. */
#include "mem/mem.h"
#include "base/shared.h"
#include "plat/plat.h"

#include <jemalloc/jemalloc.h>

#pragma weak mallctl
#pragma weak mallocx
#pragma weak sdallocx

#define NODES_MAX 64

/* Arena index + 1 of each node; 0 = not made yet, UINT32_MAX = jemalloc refused. */
extern _Atomic uint32_t MO_SHARED(arenas)[NODES_MAX] MO_SHARED_ATTR;
_Atomic uint32_t MO_SHARED(arenas)[NODES_MAX];

static bool have_jemalloc(void)
{
    return mallctl && mallocx && sdallocx;
}

static uint32_t make_arena(_Atomic uint32_t *slot)
{
    unsigned index = 0;
    size_t size = sizeof index;
    uint32_t made = mallctl("arenas.create", &index, &size, NULL, 0) == 0 ? index + 1 : UINT32_MAX;
    uint32_t none = 0;
    /* acq_rel: whoever loses uses the winner's arena; the loser's stays empty. */
    return mo_cas_acq_rel(slot, &none, made) ? made : none;
}

/* mallocx flags for the caller's node, 0 when there is no arena to use. */
static int arena_flags(void)
{
    if (!have_jemalloc())
        return 0;
    _Atomic uint32_t *slot = &MO_SHARED(arenas)[mo_plat_node() % NODES_MAX];
    uint32_t arena = mo_load_acquire(slot);
    if (!arena)
        arena = make_arena(slot);
    if (arena == UINT32_MAX)
        return 0;
    return (int)(MALLOCX_ARENA(arena - 1) | MALLOCX_TCACHE_NONE | MALLOCX_ALIGN(MO_LINE_PAIR) | MALLOCX_ZERO);
}

bool mo_extent_uses_jemalloc(void)
{
    return have_jemalloc();
}

/* An extent starts with a line pair that says where it came from. */
struct extent_head {
    size_t mapped_bytes; /* 0: from jemalloc */
};

void *mo_extent_alloc(size_t bytes)
{
    size_t total = bytes + MO_LINE_PAIR;
    if (total < bytes)
        return NULL;
    int flags = arena_flags();
    struct extent_head *head = flags ? mallocx(total, flags) : NULL;
    if (!head) {
        head = mo_plat_map(total);
        if (!head)
            return NULL;
        head->mapped_bytes = total;
    }
    return (char *)head + MO_LINE_PAIR;
}

void mo_extent_free(void *p, size_t bytes)
{
    struct extent_head *head = (struct extent_head *)((char *)p - MO_LINE_PAIR);
    if (head->mapped_bytes)
        mo_plat_unmap(head, head->mapped_bytes);
    else
        sdallocx(head, bytes + MO_LINE_PAIR, MALLOCX_TCACHE_NONE | MALLOCX_ALIGN(MO_LINE_PAIR));
}
