/* What LLVM's and Intel's omp.h have beyond OpenMP: locks and memory by the compilers' calls, masks, stacks, blocktime,
   kinds of use, handles as data. */
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"
#include <omp.h>

int32_t __kmpc_global_thread_num(void *);
void __kmpc_init_lock(void *, int32_t, void **);
void __kmpc_init_lock_with_hint(void *, int32_t, void **, uintptr_t);
void __kmpc_destroy_lock(void *, int32_t, void **);
void __kmpc_set_lock(void *, int32_t, void **);
void __kmpc_unset_lock(void *, int32_t, void **);
int __kmpc_test_lock(void *, int32_t, void **);
void __kmpc_init_nest_lock(void *, int32_t, void **);
void __kmpc_init_nest_lock_with_hint(void *, int32_t, void **, uintptr_t);
void __kmpc_destroy_nest_lock(void *, int32_t, void **);
void __kmpc_set_nest_lock(void *, int32_t, void **);
void __kmpc_unset_nest_lock(void *, int32_t, void **);
int __kmpc_test_nest_lock(void *, int32_t, void **);

static int gtid(void)
{
    return __kmpc_global_thread_num(NULL);
}

static void locks(void)
{
    void *lock[2], *nest[2];
    long count = 0, nested = 0;
    int threads = 0;
    __kmpc_init_lock(NULL, gtid(), &lock[0]);
    __kmpc_init_lock_with_hint(NULL, gtid(), &lock[1], omp_sync_hint_contended);
    __kmpc_init_nest_lock(NULL, gtid(), &nest[0]);
    __kmpc_init_nest_lock_with_hint(NULL, gtid(), &nest[1], omp_sync_hint_uncontended);
#pragma omp parallel
    {
        if (omp_get_thread_num() == 0)
            threads = omp_get_num_threads();
        for (int i = 0; i < 1000; i++) {
            __kmpc_set_lock(NULL, gtid(), &lock[i & 1]);
            __kmpc_unset_lock(NULL, gtid(), &lock[i & 1]);
            __kmpc_set_lock(NULL, gtid(), &lock[0]);
            count++;
            __kmpc_unset_lock(NULL, gtid(), &lock[0]);
            __kmpc_set_nest_lock(NULL, gtid(), &nest[0]);
            CHECK_EQ(__kmpc_test_nest_lock(NULL, gtid(), &nest[0]), 2);
            nested++;
            __kmpc_unset_nest_lock(NULL, gtid(), &nest[0]);
            __kmpc_unset_nest_lock(NULL, gtid(), &nest[0]);
        }
    }
    CHECK_EQ(count, 1000 * threads);
    CHECK_EQ(nested, 1000 * threads);
    CHECK_EQ(__kmpc_test_lock(NULL, gtid(), &lock[1]), 1);
    CHECK_EQ(__kmpc_test_lock(NULL, gtid(), &lock[1]), 0);
    __kmpc_unset_lock(NULL, gtid(), &lock[1]);
    __kmpc_destroy_lock(NULL, gtid(), &lock[0]);
    __kmpc_destroy_lock(NULL, gtid(), &lock[1]);
    __kmpc_destroy_nest_lock(NULL, gtid(), &nest[0]);
    __kmpc_destroy_nest_lock(NULL, gtid(), &nest[1]);
}

/* ---- Memory. */
uintptr_t __kmpc_init_allocator(int, uintptr_t, int, omp_alloctrait_t *);
void __kmpc_destroy_allocator(int, uintptr_t);
void __kmpc_set_default_allocator(int, uintptr_t);
uintptr_t __kmpc_get_default_allocator(int);
void *__kmpc_alloc(int, size_t, uintptr_t);
void *__kmpc_aligned_alloc(int, size_t, size_t, uintptr_t);
void *__kmpc_calloc(int, size_t, size_t, uintptr_t);
void *__kmpc_realloc(int, void *, size_t, uintptr_t, uintptr_t);
void __kmpc_free(int, void *, uintptr_t);

static int all_are(const char *p, size_t bytes, char value)
{
    for (size_t i = 0; i < bytes; i++)
        if (p[i] != value)
            return 0;
    return 1;
}

static void allocators(void)
{
    omp_alloctrait_t traits[] = {
        {omp_atk_alignment, 256}, {omp_atk_fallback, omp_atv_null_fb}, {omp_atk_pool_size, 4096}};
    uintptr_t a = __kmpc_init_allocator(gtid(), omp_default_mem_space, 3, traits);
    char *p = __kmpc_alloc(gtid(), 100, a);
    CHECK(p && (uintptr_t)p % 256 == 0);
    memset(p, 3, 100);
    CHECK(!__kmpc_alloc(gtid(), 8000, a));
    __kmpc_free(gtid(), p, a);
    p = __kmpc_calloc(gtid(), 10, 10, a);
    CHECK(all_are(p, 100, 0));
    memset(p, 4, 100);
    p = __kmpc_realloc(gtid(), p, 1000, a, a);
    CHECK(p && all_are(p, 100, 4));
    omp_free(p, (omp_allocator_handle_t)a);
    p = __kmpc_aligned_alloc(gtid(), 64, 10, omp_null_allocator);
    CHECK((uintptr_t)p % 64 == 0);
    __kmpc_free(gtid(), p, omp_null_allocator);
    __kmpc_set_default_allocator(gtid(), a);
    CHECK_EQ(__kmpc_get_default_allocator(gtid()), a);
    CHECK_EQ(omp_get_default_allocator(), a);
    __kmpc_set_default_allocator(gtid(), omp_default_mem_alloc);
    __kmpc_destroy_allocator(gtid(), a);
    if (check_is_reference()) /* which has no such memory without a device */
        return;
    p = __kmpc_alloc(gtid(), 10, llvm_omp_target_host_mem_alloc);
    CHECK(p);
    __kmpc_free(gtid(), p, llvm_omp_target_host_mem_alloc);
}

static void memory(void)
{
    char *p = kmp_malloc(100), *q = kmp_calloc(10, 20), *r = kmp_aligned_malloc(100, 512);
    CHECK(p && q && all_are(q, 200, 0) && (uintptr_t)r % 512 == 0);
    memset(p, 9, 100);
    p = kmp_realloc(p, 100000);
    CHECK(p && all_are(p, 100, 9));
    kmp_free(p);
    kmp_free(q);
    kmp_free(r);
}

/* The header makes enumerators of these names, so the data is asked for by other ones. */
#define DATA(name, value)                                                                                              \
    {                                                                                                                  \
        extern const uintptr_t data_##name __asm__(#name);                                                             \
        CHECK_EQ(data_##name, value);                                                                                  \
    }

static void handles(void)
{
    DATA(omp_null_allocator, 0)
    DATA(omp_default_mem_alloc, 1)
    DATA(omp_large_cap_mem_alloc, 2)
    DATA(omp_const_mem_alloc, 3)
    DATA(omp_high_bw_mem_alloc, 4)
    DATA(omp_low_lat_mem_alloc, 5)
    DATA(omp_cgroup_mem_alloc, 6)
    DATA(omp_pteam_mem_alloc, 7)
    DATA(omp_thread_mem_alloc, 8)
    DATA(omp_default_mem_space, 0)
    DATA(omp_large_cap_mem_space, 1)
    DATA(omp_const_mem_space, 2)
    DATA(omp_high_bw_mem_space, 3)
    DATA(omp_low_lat_mem_space, 4)
    DATA(kmp_max_mem_alloc, 1024)
}

/* ---- Masks. */
static void masks(void)
{
    kmp_affinity_mask_t mask, now;
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    int max = kmp_get_affinity_max_proc(), first = 0;
    while (!CPU_ISSET(first, &set))
        first++;
    CHECK(max > first && max <= sysconf(_SC_NPROCESSORS_CONF));
    kmp_create_affinity_mask(&mask);
    kmp_create_affinity_mask(&now);
    CHECK_EQ(kmp_get_affinity_mask_proc(first, &mask), 0);
    CHECK_EQ(kmp_set_affinity_mask_proc(first, &mask), 0);
    CHECK_EQ(kmp_get_affinity_mask_proc(first, &mask), 1);
    CHECK_EQ(kmp_set_affinity_mask_proc(-1, &mask), -1);
    CHECK_EQ(kmp_set_affinity_mask_proc(max, &mask), -1);
    CHECK_EQ(kmp_set_affinity(&mask), 0);
    sched_getaffinity(0, sizeof set, &set);
    CHECK(CPU_COUNT(&set) == 1 && CPU_ISSET(first, &set));
    CHECK_EQ(kmp_get_affinity(&now), 0);
    for (int cpu = 0; cpu < max; cpu++)
        CHECK_EQ(kmp_get_affinity_mask_proc(cpu, &now), cpu == first);
    CHECK_EQ(kmp_unset_affinity_mask_proc(first, &mask), 0);
    CHECK_EQ(kmp_get_affinity_mask_proc(first, &mask), 0);
    kmp_destroy_affinity_mask(&mask);
    kmp_destroy_affinity_mask(&now);
    int kmp_set_thread_affinity_mask_initial(void);
    CHECK_EQ(kmp_set_thread_affinity_mask_initial(), 0);
}

/* Not inlined: the initial thread has no such stack. */
static __attribute__((noinline)) int deep(void)
{
    volatile char big[20 << 20];
    for (size_t i = 0; i < sizeof big; i += 4096)
        big[i] = 1;
    return big[4096];
}

/* Before the first region. */
static void stacks(void)
{
    kmp_set_stacksize_s(32 << 20);
    CHECK_EQ(kmp_get_stacksize_s(), 32 << 20);
    CHECK_EQ(kmp_get_stacksize(), 32 << 20);
#pragma omp parallel num_threads(4)
    if (omp_get_thread_num() != 0)
        CHECK_EQ(deep(), 1);
}

static void waiting(void)
{
    kmp_set_blocktime(50);
    CHECK_EQ(kmp_get_blocktime(), 50);
    kmp_set_blocktime(0);
    CHECK_EQ(kmp_get_blocktime(), 0);
    for (int i = 0; i < 100; i++) {
#pragma omp parallel
        {
#pragma omp barrier
        }
    }
    kmp_set_blocktime(INT32_MAX);
    CHECK_EQ(kmp_get_blocktime(), INT32_MAX);
    kmp_set_blocktime(1);
    kmp_set_warnings_off();
    kmp_set_warnings_on();
    kmp_set_library_turnaround();
    CHECK_EQ(kmp_get_library(), 2);
    kmp_set_library_throughput();
    CHECK_EQ(kmp_get_library(), 3);
}

static void serial(void)
{
    int size = 0, library;
    kmp_set_library_serial();
    library = kmp_get_library();
#pragma omp parallel
    __atomic_fetch_add(&size, 1, __ATOMIC_RELAXED);
    CHECK_EQ(size, 1);
    CHECK_EQ(library, 1);
    kmp_set_library_throughput();
    size = 0;
#pragma omp parallel num_threads(3)
    __atomic_fetch_add(&size, 1, __ATOMIC_RELAXED);
    CHECK_EQ(size, 3);
}

int kmp_get_num_known_threads(void);
int __kmpc_get_target_offload(void);
int __kmpc_pause_resource(int);

static void others(void)
{
    CHECK(kmp_get_num_known_threads() >= 1);
    CHECK(__kmpc_get_target_offload() >= 0 && __kmpc_get_target_offload() <= 2);
    CHECK_EQ(__kmpc_pause_resource(omp_pause_soft), 0);
#pragma omp parallel num_threads(2)
    if (!check_is_reference()) /* where this is not an error but undefined */
        CHECK(__kmpc_pause_resource(omp_pause_soft) != 0);
}

int main(void)
{
    stacks();
    locks();
    allocators();
    memory();
    handles();
    waiting();
    if (!check_is_reference()) /* which takes the setting from the initial thread only before its first region */
        serial();
    others();
    masks();
    return check_result();
}
