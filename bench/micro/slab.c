#include "mem/mem.h"
#include "micro.h"

static struct mo_slab slab;
static void *block[MICRO_ROUNDS];

static void alloc_free(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++) {
        void *b = mo_slab_alloc_owner(&slab, 0);
        micro_use(b);
        mo_slab_free_owner(&slab, b, 0);
    }
}

static void alloc_all(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++)
        micro_use(block[i] = mo_slab_alloc_owner(&slab, 0));
}

static void free_all_remote(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++)
        mo_slab_free_remote(&slab, block[i], 0);
}

static void alloc_then_free(void)
{
    alloc_all();
    for (int i = 0; i < MICRO_ROUNDS; i++)
        mo_slab_free_owner(&slab, block[i], 0);
}

/* The whole way round: the owner takes back what others freed. */
static void alloc_then_free_remote(void)
{
    alloc_all();
    free_all_remote();
}

int main(void)
{
    micro_header();
    micro_run("alloc + free, same block", NULL, alloc_free);
    micro_run("alloc + free, many blocks", NULL, alloc_then_free);
    micro_run("alloc + remote free", NULL, alloc_then_free_remote);
    return 0;
}
