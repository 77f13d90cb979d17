/* A writer replaces an extent over and over and retires the old one; readers inside an epoch must find whatever they
   reach untouched. An extent that is freed too early is unmapped, and reading it ends the test. */
#include "mem/mem.h"
#include "plat/plat.h"
#include "stress.h"

#define READERS  3
#define REPLACED 600
#define WORDS    512

static struct mo_epoch_reader reader[READERS];
static _Atomic(uint64_t *) current;
static _Atomic bool finished;

static uint64_t *new_extent(uint64_t stamp)
{
    uint64_t *extent = mo_extent_alloc(WORDS * sizeof *extent);
    EXPECT(extent);
    for (unsigned i = 0; i < WORDS; i++)
        extent[i] = stamp;
    return extent;
}

static void read_over_and_over(unsigned self)
{
    uint64_t last = 0;
    while (!mo_load_acquire(&finished)) {
        mo_epoch_enter(&reader[self]);
        const uint64_t *extent = mo_load_seqcst(&current);
        uint64_t first = extent[0];
        EXPECT(first >= last);
        for (unsigned i = 1; i < WORDS; i += 16)
            EXPECT(extent[i] == first);
        last = first;
        mo_epoch_leave(&reader[self]);
    }
}

static void replace(void)
{
    for (uint64_t stamp = 1; stamp <= REPLACED; stamp++) {
        uint64_t *old = mo_load_relaxed(&current);
        mo_store_seqcst(&current, new_extent(stamp));
        mo_epoch_retire(old, WORDS * sizeof *old);
        if (stamp % 8 == 0)
            mo_epoch_collect();
        if (stamp % 64 == 0)
            mo_plat_yield();
    }
    mo_store_release(&finished, true);
}

static void *body(void *index)
{
    if ((uintptr_t)index < READERS)
        read_over_and_over((unsigned)(uintptr_t)index);
    else
        replace();
    return NULL;
}

int main(void)
{
    mo_store_relaxed(&current, new_extent(0));
    for (unsigned i = 0; i < READERS; i++)
        mo_epoch_register(&reader[i]);
    stress_run(body, READERS + 1);
    EXPECT(mo_epoch_collect() == 0);
    return 0;
}
