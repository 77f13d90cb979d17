/* Blocks of tasks: where data and shared addresses lie for every size, up to megabytes; that they stay what was written
   until the task runs, deferred, undeferred, with dependences, on any thread; how little one takes. */
#include "check.h"
#include "task_calls.h"

#include <omp.h>

enum { HEAD = sizeof(struct task), SIZES = 400 };

static int ran;

static unsigned char *data_of(struct task *t)
{
    return (unsigned char *)(t + 1);
}

/* The first bytes of the data say how many there are, and of shared addresses. */
struct sizes {
    uint32_t bytes, shareds;
};

static void write_block(struct task *t, uint32_t bytes, uint32_t shareds)
{
    struct sizes s = {bytes, shareds};
    memcpy(data_of(t), &s, sizeof s);
    for (uint32_t i = sizeof s; i < bytes; i++)
        data_of(t)[i] = (unsigned char)(i * 7 + bytes);
    memset(t->shareds, 0xa5, shareds);
}

static int32_t check_block(int32_t id, struct task *t)
{
    struct sizes s;
    int wrong = 0;
    memcpy(&s, data_of(t), sizeof s);
    for (uint32_t i = sizeof s; i < s.bytes; i++)
        wrong += data_of(t)[i] != (unsigned char)(i * 7 + s.bytes);
    for (uint32_t i = 0; i < s.shareds; i++)
        wrong += ((unsigned char *)t->shareds)[i] != 0xa5;
    CHECK_EQ(wrong, 0);
    CHECK_EQ(id, gtid());
    CHECK_EQ(t->part_id, 0);
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
    return 0;
}

static struct task *make(int flags, uint32_t bytes, uint32_t shareds)
{
    struct task *t = alloc(flags, HEAD + bytes, shareds, check_block);
    CHECK_EQ((uintptr_t)t % 16, 0);
    if ((HEAD + bytes) % 64 == 0) /* then the data may need that */
        CHECK_EQ((uintptr_t)t % 64, 0);
    if ((HEAD + bytes) % 256 == 0 && !check_is_reference())
        CHECK_EQ((uintptr_t)t % 256, 0);
    CHECK(t->routine == check_block);
    CHECK((t->shareds != NULL) == (shareds != 0));
    if (shareds) {
        CHECK_EQ((uintptr_t)t->shareds % 8, 0);
        CHECK((char *)t->shareds >= (char *)t + HEAD + bytes);
    }
    write_block(t, bytes, shareds);
    return t;
}

static int of_size(uint32_t bytes, uint32_t shareds, int i)
{
    struct dep dep = {&ran, 4, i % 2 ? IN : INOUT};
    submit(make(TIED | (i % 3 ? 0 : PRIORITY), bytes, shareds));
    submit(make(i % 2 ? 0 : TIED | FINAL, bytes, shareds));
    __kmpc_omp_task_with_deps(NULL, gtid(), make(TIED, bytes, shareds), 1, &dep, 0, NULL);
    struct task *now = make(TIED | MERGED_IF0, bytes, shareds);
    __kmpc_omp_task_begin_if0(NULL, gtid(), now);
    check_block(gtid(), now);
    __kmpc_omp_task_complete_if0(NULL, gtid(), now);
    return 4;
}

static void all_sizes(void)
{
    int expected = 0;
    ran = 0;
    for (uint32_t i = 0; i < SIZES; i++)
        expected += of_size(8 + i, i % 5 * 8, (int)i);
    for (uint32_t bytes = 1000; bytes < 4000000; bytes *= 3)
        expected += of_size(bytes, bytes / 3, (int)bytes);
    __kmpc_omp_taskwait(NULL, gtid());
    CHECK_EQ(ran, expected);
}

static int32_t nothing(int32_t id, struct task *t)
{
    return 0;
}

/* Most tasks take two cache lines. */
static void small(void)
{
    enum { MANY = 300, PLAIN = 128 };
    struct task *t[MANY];
    uintptr_t low = UINTPTR_MAX, high = 0;
    int near = 0;
    for (int i = 0; i < MANY; i++) {
        t[i] = alloc(TIED, HEAD + 16, 8, nothing);
        low = (uintptr_t)t[i] < low ? (uintptr_t)t[i] : low;
        high = (uintptr_t)t[i] > high ? (uintptr_t)t[i] : high;
    }
    for (int i = 1; i < MANY; i++)
        near += (uintptr_t)t[i] - (uintptr_t)t[i - 1] == PLAIN || (uintptr_t)t[i - 1] - (uintptr_t)t[i] == PLAIN;
    if (!getenv("TEST_REFERENCE"))
        CHECK(near > MANY / 2);
    for (int i = 0; i < MANY; i++)
        submit(t[i]);
    __kmpc_omp_taskwait(NULL, gtid());
}

int main(void)
{
    all_sizes();
#pragma omp parallel
#pragma omp single
    {
        small();
        all_sizes();
        __kmpc_taskgroup(NULL, gtid());
        all_sizes();
        __kmpc_end_taskgroup(NULL, gtid());
    }
#pragma omp parallel
    {
        struct task *t = make(TIED, 64, 16);
        submit(t);
    }
    return check_result();
}
