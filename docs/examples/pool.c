/* Trees of nodes out of a pool: most allocations take no lock and none goes to malloc().
   cc pool.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

struct node {
    struct node *left, *right;
};

static moirai_pool_t *pool;

static struct node *grow(int depth)
{
    struct node *n = moirai_pool_get(pool);
    if (n)
        *n = (struct node){depth ? grow(depth - 1) : NULL, depth ? grow(depth - 1) : NULL};
    return n;
}

static long cut(struct node *n)
{
    if (!n)
        return 0;
    long nodes = 1 + cut(n->left) + cut(n->right);
    moirai_pool_put(pool, n);
    return nodes;
}

static void grow_and_cut(void *context, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        __atomic_add_fetch((long *)context, cut(grow(8)), __ATOMIC_RELAXED);
}

int main(void)
{
    moirai_pool_stats_t stats;
    long nodes = 0;
    if (moirai_pool_new(&pool, sizeof(struct node), _Alignof(struct node), 0) != MOIRAI_OK ||
        moirai_for(NULL, 0, 200, 1, grow_and_cut, &nodes) != MOIRAI_OK || moirai_pool_stats(pool, &stats) != MOIRAI_OK)
        return 1;
    moirai_pool_free(pool);
    printf("%ld nodes, in use %ld, more than 80 %% without a lock: %s\n", nodes, (long)(stats.gets - stats.puts),
           stats.cached * 5 > stats.gets * 4 ? "yes" : "no");
    return nodes != 200 * 511 || stats.gets != stats.puts;
}
