/* Blocks of one worker: classes, reuse, what other threads give back. stress/slab.c has the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem/mem.h"

#define CHUNK_BLOCKS 2000 /* of the smallest class: more than one chunk of memory holds */

static struct mo_slab slab;

static int fresh(void **state)
{
    memset(&slab, 0, sizeof slab);
    return 0;
}

static void *alloc(unsigned cls)
{
    void *block = mo_slab_alloc_owner(&slab, cls);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % (cls == MO_SLAB_HALF_CLASS ? 32 : 64), 0);
    return block;
}

static void class_is_the_smallest_that_fits(void **state)
{
    assert_int_equal(mo_slab_class(0), 0);
    assert_int_equal(mo_slab_class(1), 0);
    for (unsigned cls = 0; cls < MO_SLAB_CLASSES; cls++) {
        size_t bytes = mo_slab_bytes(cls);
        assert_int_equal(mo_slab_class_half(bytes), cls);
        assert_int_equal(mo_slab_class_half(bytes - 1), cls);
        assert_int_equal(mo_slab_class_half(bytes + 1), cls + 1);
        assert_int_equal(mo_slab_class(bytes), cls == MO_SLAB_HALF_CLASS ? cls + 1 : cls);
    }
    assert_int_equal(mo_slab_class_half(SIZE_MAX), MO_SLAB_CLASSES);
    assert_int_equal(mo_slab_class(SIZE_MAX), MO_SLAB_CLASSES);
}

/* Each block is written in full: were two to overlap, one would change the other. */
static void blocks_do_not_overlap(void **state)
{
    unsigned char *block[40];
    for (unsigned i = 0; i < 40; i++) {
        block[i] = alloc(i % 8);
        memset(block[i], (int)i, mo_slab_bytes(i % 8));
    }
    for (unsigned i = 0; i < 40; i++)
        for (size_t at = 0; at < mo_slab_bytes(i % 8); at += 32)
            assert_int_equal(block[i][at], i);
}

static void freed_block_comes_back_first(void **state)
{
    void *a = alloc(1), *b = alloc(1);
    mo_slab_free_owner(&slab, a, 1);
    mo_slab_free_owner(&slab, b, 1);
    assert_ptr_equal(alloc(1), b);
    assert_ptr_equal(alloc(1), a);
    assert_ptr_not_equal(alloc(1), a);
}

static void free_block_keeps_its_first_words(void **state)
{
    struct mo_slab_block *b = alloc(0);
    b->kept[0] = &slab;
    b->kept[1] = b;
    mo_slab_free_owner(&slab, b, 0);
    assert_ptr_equal(b->kept[0], &slab);
    b = alloc(0);
    mo_slab_free_remote(&slab, b, 0);
    assert_ptr_equal(b->kept[0], &slab);
    assert_ptr_equal(b->kept[1], b);
}

/* Blocks that are given back from elsewhere serve again, each in its own class, before new memory is asked for. (Of the
   smallest there are some in store.) */
static void remote_blocks_come_back_in_their_class(void **state)
{
    void *small[3], *large[3];
    for (int i = 0; i < 3; i++) {
        small[i] = alloc(2);
        large[i] = alloc(3);
    }
    uint64_t mapped = slab.mapped_bytes;
    for (int i = 0; i < 3; i++) {
        mo_slab_free_remote(&slab, small[i], 2);
        mo_slab_free_remote(&slab, large[i], 3);
    }
    for (int i = 0; i < 3; i++) {
        void *block = alloc(2);
        assert_true(block == small[0] || block == small[1] || block == small[2]);
        block = alloc(3);
        assert_true(block == large[0] || block == large[1] || block == large[2]);
    }
    assert_null(mo_load_relaxed(&slab.remote));
    assert_int_equal(slab.mapped_bytes, mapped);
}

/* Of the smallest some are in store, which serve first: at most so many. */
#define AHEAD 7
static void smallest_come_back_behind_those_in_store(void **state)
{
    void *given = alloc(0);
    mo_slab_free_remote(&slab, given, 0);
    int before = 0;
    while (alloc(0) != given)
        assert_true(++before <= AHEAD);
}

static void memory_is_asked_for_once(void **state)
{
    static void *block[CHUNK_BLOCKS];
    uint64_t mapped = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CHUNK_BLOCKS; i++)
            block[i] = alloc(0);
        if (round == 0)
            mapped = slab.mapped_bytes;
        for (int i = 0; i < CHUNK_BLOCKS; i++)
            mo_slab_free_owner(&slab, block[i], 0);
    }
    assert_true(mapped >= CHUNK_BLOCKS * mo_slab_bytes(0));
    assert_int_equal(slab.mapped_bytes, mapped);
}

static void big_blocks_are_whole(void **state)
{
    unsigned cls = mo_slab_class(3u << 20);
    char *block = alloc(cls);
    block[0] = block[mo_slab_bytes(cls) - 1] = 1;
    mo_slab_free_owner(&slab, block, cls);
    assert_ptr_equal(alloc(cls), block);
    assert_true(slab.mapped_bytes >= mo_slab_bytes(cls));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(class_is_the_smallest_that_fits),
        cmocka_unit_test_setup(blocks_do_not_overlap, fresh),
        cmocka_unit_test_setup(freed_block_comes_back_first, fresh),
        cmocka_unit_test_setup(free_block_keeps_its_first_words, fresh),
        cmocka_unit_test_setup(remote_blocks_come_back_in_their_class, fresh),
        cmocka_unit_test_setup(smallest_come_back_behind_those_in_store, fresh),
        cmocka_unit_test_setup(memory_is_asked_for_once, fresh),
        cmocka_unit_test_setup(big_blocks_are_whole, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
