/* What the text of OMP_ALLOCATOR says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/allocators.h"

static struct mo_allocator_setting setting;

static uintptr_t value_of(enum mo_trait_key key)
{
    for (unsigned i = 0; i < MO_TRAIT_KEYS; i++)
        if (setting.trait[i].key == (int32_t)key)
            return setting.trait[i].value;
    fail();
    return 0;
}

static void predefined(void **state)
{
    static const char *const names[] = {"default", "large_cap", "const", "high_bw",
                                        "low_lat", "cgroup",    "pteam", "thread"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "omp_%s_mem_alloc", names[i]);
        assert_true(mo_allocators_read(text, &setting));
        assert_int_equal(setting.allocator, i + 1);
        snprintf(text, sizeof text, "omp_%s_mem_space", names[i]);
        assert_int_equal(mo_allocators_read(text, &setting), i < 5);
        if (i < 5) {
            assert_int_equal(setting.allocator, MO_ALLOC_NULL);
            assert_int_equal(setting.space, i);
        }
    }
}

static void each_trait(void **state)
{
    static const struct {
        const char *text;
        enum mo_trait_key key;
        uintptr_t value;
    } examples[] = {
        {"sync_hint=contended", MO_TRAIT_SYNC_HINT, MO_SYNC_CONTENDED},
        {"sync_hint=private", MO_TRAIT_SYNC_HINT, MO_SYNC_PRIVATE},
        {"alignment=1", MO_TRAIT_ALIGNMENT, 1},
        {"alignment=4096", MO_TRAIT_ALIGNMENT, 4096},
        {"access=all", MO_TRAIT_ACCESS, MO_ACCESS_ALL},
        {"access=cgroup", MO_TRAIT_ACCESS, MO_ACCESS_CGROUP},
        {"pool_size=0", MO_TRAIT_POOL_SIZE, 0},
        {"pool_size=123456789012", MO_TRAIT_POOL_SIZE, 123456789012},
        {"fallback=default_mem_fb", MO_TRAIT_FALLBACK, MO_FB_DEFAULT_MEM},
        {"fallback=null_fb", MO_TRAIT_FALLBACK, MO_FB_NULL},
        {"fallback=abort_fb", MO_TRAIT_FALLBACK, MO_FB_ABORT},
        {"fallback=allocator_fb", MO_TRAIT_FALLBACK, MO_FB_ALLOCATOR},
        {"fb_data=omp_thread_mem_alloc", MO_TRAIT_FB_DATA, MO_ALLOC_THREAD},
        {"pinned=true", MO_TRAIT_PINNED, MO_TRUE},
        {"pinned=false", MO_TRAIT_PINNED, MO_FALSE},
        {"partition=environment", MO_TRAIT_PARTITION, MO_PART_ENVIRONMENT},
        {"partition=interleaved", MO_TRAIT_PARTITION, MO_PART_INTERLEAVED},
        {"partition=default", MO_TRAIT_PARTITION, MO_TRAIT_DEFAULT},
        {"alignment=default", MO_TRAIT_ALIGNMENT, MO_TRAIT_DEFAULT},
    };
    for (unsigned i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char text[96];
        snprintf(text, sizeof text, "omp_const_mem_space:%s", examples[i].text);
        assert_true(mo_allocators_read(text, &setting));
        for (int key = MO_TRAIT_SYNC_HINT; key <= MO_TRAIT_PARTITION; key++)
            assert_int_equal(value_of((enum mo_trait_key)key),
                             key == (int)examples[i].key ? examples[i].value : MO_TRAIT_DEFAULT);
    }
}

static void several(void **state)
{
    assert_true(mo_allocators_read("omp_high_bw_mem_space:pinned=true,partition=nearest,pinned=false", &setting));
    assert_int_equal(setting.space, MO_SPACE_HIGH_BW);
    assert_int_equal(value_of(MO_TRAIT_PINNED), MO_FALSE);
    assert_int_equal(value_of(MO_TRAIT_PARTITION), MO_PART_NEAREST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(predefined), cmocka_unit_test(each_trait),
                                       cmocka_unit_test(several)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
