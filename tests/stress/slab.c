/* Blocks wander: each thread allocates from its own slab, leaves the block in a random letter box, and frees what it
   finds there, mostly blocks of others. A block says in its first word whether it is out, so one that is handed out
   twice is noticed, and its payload is checked by whoever frees it. */
#include "mem/mem.h"
#include "stress.h"

#define THREADS 3
#define ROUNDS  (20000 * STRESS_FACTOR)
#define BOXES   16
#define CLASSES 4
#define OUT     UINT64_C(0x6f75742e)

struct block {
    uint64_t state; /* OUT or not: words 0 and 1 survive being freed */
    uint64_t home;
    uint64_t cls;
    uint64_t sum;
    uint64_t payload[4];
};

static struct mo_slab slab[THREADS];
static _Atomic(struct block *) box[BOXES];

static struct block *make(unsigned self, uint32_t *random)
{
    unsigned cls = stress_random(random) % CLASSES;
    struct block *b = mo_slab_alloc_owner(&slab[self], cls);
    EXPECT(b && b->state != OUT);
    b->state = OUT;
    b->home = self;
    b->cls = cls;
    b->sum = 0;
    for (int i = 0; i < 4; i++)
        b->sum += b->payload[i] = stress_random(random);
    return b;
}

static void release(unsigned self, struct block *b)
{
    EXPECT(b->state == OUT && b->home < THREADS && b->cls < CLASSES);
    EXPECT(b->sum == b->payload[0] + b->payload[1] + b->payload[2] + b->payload[3]);
    unsigned home = (unsigned)b->home, cls = (unsigned)b->cls;
    b->state = 0;
    if (home == self)
        mo_slab_free_owner(&slab[self], b, cls);
    else
        mo_slab_free_remote(&slab[home], b, cls);
}

static void *body(void *index)
{
    unsigned self = (unsigned)(uintptr_t)index;
    uint32_t random = self + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct block *mine = make(self, &random);
        struct block *found = mo_exchange_seqcst(&box[stress_random(&random) % BOXES], mine);
        if (found)
            release(self, found);
    }
    return NULL;
}

/* At most BOXES + THREADS blocks are out at a time, but a thread that does not run leaves its freed ones unclaimed; so
   the bound is loose, and far below what ROUNDS blocks without reuse would take. */
static void check_reuse(void)
{
    uint64_t mapped = 0, without_reuse = 0;
    for (unsigned i = 0; i < THREADS; i++)
        mapped += slab[i].mapped_bytes;
    for (unsigned cls = 0; cls < CLASSES; cls++)
        without_reuse += (uint64_t)THREADS * ROUNDS / CLASSES * mo_slab_bytes(cls);
    printf("%llu KiB mapped, %llu without reuse\n", (unsigned long long)mapped / 1024,
           (unsigned long long)without_reuse / 1024);
    EXPECT(mapped < without_reuse);
}

int main(void)
{
    stress_run(body, THREADS);
    for (unsigned i = 0; i < BOXES; i++)
        if (mo_load_acquire(&box[i]))
            release(0, mo_load_acquire(&box[i]));
    check_reuse();
    return 0;
}
