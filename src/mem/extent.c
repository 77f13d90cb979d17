/* Extents come from jemalloc where the process has it (weak symbols: nothing is loaded for it), one arena per NUMA node
   whose pages are asked of that node (mbind), and from mmap otherwise, asked in the same way where somebody names a
   node. Where mbind is denied, or the node is none of this machine's, pages come from where they are touched first. All
   hand out zeroed memory. */
#include "mem/mem.h"
#include "base/log.h"
#include "base/shared.h"
#include "plat/plat.h"

#include <errno.h>
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

/* ---- Which node. */
void mo_extent_bind(void *pages, size_t bytes, int node)
{
    static _Atomic bool denied; /* relaxed: at worst it is tried once more */
    struct mo_node_mask one = {{0}};
    size_t word = 8 * sizeof one.bits[0];
    if (node < 0 || node >= MO_PLAT_NODES_MAX || mo_load_relaxed(&denied))
        return;
    one.bits[(unsigned)node / word] = 1ul << (unsigned)node % word;
    int err = mo_plat_prefer_nodes(pages, bytes, &one);
    if (err != EPERM && err != ENOSYS) /* a node that does not exist is no reason to say something */
        return;
    mo_store_relaxed(&denied, true);
    mo_warn_once("mbind() is denied: memory comes from the nodes of the threads that touch it first");
}

/* ---- What an arena does for its pages. Hooks are told themselves, and each node has its own: where they are says
   which. They live as long as this object, which is never unloaded. */
static extent_hooks_t node_hooks[NODES_MAX];

static void *map_aligned(size_t bytes, size_t align)
{
    char *p = mo_plat_map(bytes);
    if (!p || (uintptr_t)p % align == 0)
        return p;
    mo_plat_unmap(p, bytes);
    size_t more = bytes + align - mo_plat_page_bytes();
    if (more < bytes || !(p = mo_plat_map(more)))
        return NULL;
    char *at = (char *)(((uintptr_t)p + align - 1) & ~(uintptr_t)(align - 1));
    if (at > p)
        mo_plat_unmap(p, (size_t)(at - p));
    if (p + more > at + bytes)
        mo_plat_unmap(at + bytes, (size_t)(p + more - at - bytes));
    return at;
}

static void *hook_alloc(extent_hooks_t *hooks, void *wanted, size_t bytes, size_t align, bool *zero, bool *commit,
                        unsigned arena)
{
    void *p = wanted ? NULL : map_aligned(bytes, align); /* nobody can have what is beside a certain address */
    if (!p)
        return NULL;
    mo_extent_bind(p, bytes, (int)(hooks - node_hooks));
    *zero = *commit = true;
    return p;
}

static bool hook_dalloc(extent_hooks_t *hooks, void *p, size_t bytes, bool committed, unsigned arena)
{
    mo_plat_unmap(p, bytes);
    return false;
}

static void hook_destroy(extent_hooks_t *hooks, void *p, size_t bytes, bool committed, unsigned arena)
{
    mo_plat_unmap(p, bytes);
}

/* The choice of the node stays with the addresses. */
static bool hook_purge(extent_hooks_t *hooks, void *p, size_t bytes, size_t offset, size_t length, unsigned arena)
{
    return mo_plat_empty((char *)p + offset, length) != 0;
}

static bool hook_split(extent_hooks_t *hooks, void *p, size_t bytes, size_t first, size_t second, bool committed,
                       unsigned arena)
{
    return false;
}

static bool hook_merge(extent_hooks_t *hooks, void *first, size_t first_bytes, void *second, size_t second_bytes,
                       bool committed, unsigned arena)
{
    return false;
}

static extent_hooks_t node_hooks[NODES_MAX] = {[0 ... NODES_MAX - 1] = {.alloc = hook_alloc,
                                                                        .dalloc = hook_dalloc,
                                                                        .destroy = hook_destroy,
                                                                        .purge_forced = hook_purge,
                                                                        .split = hook_split,
                                                                        .merge = hook_merge}};

static uint32_t make_arena(_Atomic uint32_t *slot, int node)
{
    extent_hooks_t *hooks = &node_hooks[node];
    unsigned index = 0;
    size_t size = sizeof index;
    uint32_t made = mallctl("arenas.create", &index, &size, &hooks, sizeof hooks) == 0 ? index + 1 : UINT32_MAX;
    uint32_t none = 0;
    /* acq_rel: whoever loses uses the winner's arena; the loser's stays empty. */
    return mo_cas_acq_rel(slot, &none, made) ? made : none;
}

/* mallocx flags for a node, 0 when there is no arena to use. */
static int arena_flags(int node)
{
    if (!have_jemalloc() || node >= NODES_MAX)
        return 0;
    _Atomic uint32_t *slot = &MO_SHARED(arenas)[node];
    uint32_t arena = mo_load_acquire(slot);
    if (!arena)
        arena = make_arena(slot, node);
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
    return mo_extent_alloc_on(bytes, -1);
}

void *mo_extent_alloc_on(size_t bytes, int node)
{
    size_t total = bytes + MO_EXTENT_HEAD_BYTES;
    if (total < bytes)
        return NULL;
    int flags = arena_flags(node < 0 ? (int)mo_plat_node() : node);
    struct extent_head *head = flags ? mallocx(total, flags) : NULL;
    if (!head) {
        head = mo_plat_map(total);
        if (!head)
            return NULL;
        mo_extent_bind(head, total, node);
        head->mapped_bytes = total;
    }
    return (char *)head + MO_EXTENT_HEAD_BYTES;
}

void mo_extent_free(void *p, size_t bytes)
{
    struct extent_head *head = (struct extent_head *)((char *)p - MO_EXTENT_HEAD_BYTES);
    if (head->mapped_bytes)
        mo_plat_unmap(head, head->mapped_bytes);
    else
        sdallocx(head, bytes + MO_EXTENT_HEAD_BYTES, MALLOCX_TCACHE_NONE | MALLOCX_ALIGN(MO_LINE_PAIR));
}
