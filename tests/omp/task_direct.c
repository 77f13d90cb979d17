/* GOMP_task called as compiled code calls it: size, alignment, copy function, flags. */
#include <omp.h>
#include <stddef.h>
#include <stdint.h>
#include "check.h"
#include "gomp_abi.h"

enum { UNTIED = 1, FINAL = 2, MERGEABLE = 4, DEPEND = 8, PRIORITY = 16 };

struct argument {
    long value, copies;
    char tail[40];
};

static long sum, calls;

static void body(void *data)
{
    struct argument *argument = data;
    __atomic_fetch_add(&sum, argument->value, __ATOMIC_RELAXED);
    __atomic_fetch_add(&calls, argument->copies + 1, __ATOMIC_RELAXED);
    CHECK_EQ(argument->tail[39], (char)argument->value);
}

static void copy(void *to, void *from)
{
    memcpy(to, from, sizeof(struct argument));
    ((struct argument *)to)->copies = 100;
}

static void verify(long expected_sum, long expected_calls)
{
    CHECK_EQ(sum, expected_sum);
    CHECK_EQ(calls, expected_calls);
    sum = calls = 0;
}

static void create(void *data)
{
    const unsigned flags[] = {0, UNTIED, MERGEABLE, PRIORITY, UNTIED | FINAL, FINAL};
    (void)data;
    if (omp_get_thread_num() != 0)
        return;
    for (int k = 0; k < 600; k++) {
        struct argument argument = {.value = k, .tail[39] = (char)k};
        GOMP_task(body, &argument, k % 5 ? NULL : copy, sizeof argument, 8, k % 7 != 0, flags[k % 6], NULL, k % 3,
                  NULL);
        memset(&argument, 0xee, sizeof argument);
    }
    GOMP_taskwait();
    verify(600 * 599 / 2, 600 + 120 * 100);
}

static void aligned_body(void *data)
{
    CHECK_EQ((uintptr_t)data % 64, 0);
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
}

static void create_aligned(void *data)
{
    _Alignas(64) char block[128] = {0};
    (void)data;
    for (int k = 0; k < 200; k++)
        GOMP_task(aligned_body, block, NULL, 1 + k % 128, 64, true, 0, NULL, 0, NULL);
}

/* Payloads of all sizes at an alignment of 64 behind all that a task may have in front of them: one that were to reach
   beyond its block would find its end in a neighbour's hands. */
struct wide {
    _Alignas(64) short size;
    unsigned char filling[320];
};

static void wide_body(void *data)
{
    struct wide *wide = data;
    CHECK_EQ((uintptr_t)data % 64, 0);
    for (int i = 0; i < wide->size; i++)
        CHECK_EQ(wide->filling[i], (unsigned char)wide->size);
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
}

static void create_wide(void *data)
{
    static char item[300];
    (void)data;
    if (omp_get_thread_num() != 0)
        return;
    for (int size = 0; size < 300; size++) {
        struct wide wide = {.size = (short)size};
        long bytes = (long)offsetof(struct wide, filling) + size;
        void *depend[] = {(void *)1, (void *)1, &item[size % 7]};
        memset(wide.filling, size, (size_t)size);
        GOMP_task(wide_body, &wide, NULL, bytes, 64, true, 0, NULL, 0, NULL);
        GOMP_task(wide_body, &wide, NULL, bytes, 64, true, DEPEND, depend, 0, NULL);
        GOMP_taskgroup_start();
        GOMP_task(wide_body, &wide, NULL, bytes, 64, true, 0, NULL, 0, NULL);
        GOMP_taskgroup_end();
    }
}

static void empty_body(void *data)
{
    (void)data;
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
}

static void create_empty(void *data)
{
    for (int k = 0; k < 200; k++)
        GOMP_task(empty_body, data, NULL, 0, 1, true, 0, NULL, 0, NULL);
}

int main(void)
{
    int threads = omp_get_max_threads();
    GOMP_parallel(create, NULL, 0, 0);
    GOMP_parallel(create_aligned, NULL, 0, 0);
    verify(0, 200L * threads);
    GOMP_parallel(create_wide, NULL, 0, 0);
    verify(0, 900);
    GOMP_parallel(create_empty, NULL, 0, 0);
    verify(0, 200L * threads);
    create(NULL);
    return check_result();
}
