/* Memory of NUMA nodes, on a machine of four that is made up. Built twice: as it is, and with MO_TEST_JEMALLOC and
   jemalloc in the process. usage: nodes [denied]: by a sandbox, the choice of a node is. */
#include "native.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifdef MO_TEST_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#define WORKERS 8
#define NODES   4
#define BYTES   ((size_t)300000)

static bool denied;

static int deny(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Whether a kernel that can be asked says that these pages are wanted from node 0. */
static bool is_of_node_0(const void *p)
{
    unsigned long mask[16] = {0};
    int mode = -1;
    if (syscall(SYS_get_mempolicy, &mode, mask, 1024ul, p, MPOL_F_ADDR) != 0)
        skip();
    return mode != MPOL_DEFAULT && mask[0] == 1;
}

static bool can_be_asked(void)
{
    void *p;
    assert_int_equal(moirai_pages_new(&p, 4096, 0), MOIRAI_OK);
    bool yes = is_of_node_0(p);
    moirai_pages_free(p, 4096);
    return yes;
}

/* Zeroed, aligned, and its bytes are what was written. */
static void check_bytes(unsigned char *p, size_t bytes)
{
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 128, 0);
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(p[i], 0);
        p[i] = (unsigned char)i;
    }
    assert_int_equal(p[bytes - 1], (unsigned char)(bytes - 1));
}

static void test_each_node_gives(void **state)
{
    unsigned char *p[NODES][3];
    static const size_t sizes[3] = {1, 5000, BYTES};
    for (int round = 0; round < 3; round++) {
        for (int n = 0; n < NODES; n++)
            for (int i = 0; i < 3; i++)
                check_bytes(p[n][i] = moirai_node_get(sizes[i], n), sizes[i]);
        for (int n = 0; n < NODES; n++)
            for (int i = 0; i < 3; i++) {
                assert_int_equal(p[n][i][sizes[i] - 1], (unsigned char)(sizes[i] - 1));
                moirai_node_put(p[n][i], sizes[i]);
            }
    }
}

static void test_the_kernel_is_asked(void **state)
{
    bool asked = can_be_asked();
    if (denied)
        assert_false(asked);
    else if (!asked)
        skip(); /* somebody else denies it */
    char *p = moirai_node_get(BYTES, 0);
    assert_non_null(p);
    memset(p, 1, BYTES);
    assert_int_equal(is_of_node_0(p + BYTES / 2), asked);
    moirai_node_put(p, BYTES);
    moirai_arena_t *arena;
    assert_int_equal(moirai_arena_new_on(&arena, 0), MOIRAI_OK);
    p = moirai_arena_get(arena, BYTES, 0);
    assert_non_null(p);
    memset(p, 1, BYTES);
    assert_int_equal(is_of_node_0(p + BYTES / 2), asked);
    moirai_arena_free(arena);
}

/* ---- By workers, from their own nodes. */
#ifdef MO_TEST_JEMALLOC
static unsigned arena_of_node[NODES];

static void note_arena(const void *p, int node)
{
    const void *block = (const char *)p - 128; /* a head comes in front of what is handed out */
    unsigned arena = 0;
    size_t size = sizeof arena;
    if (mallctl("arenas.lookup", &arena, &size, &block, sizeof block) != 0)
        moirai_task_fail(1, "not of jemalloc");
    else if (GET(&arena_of_node[node]) == 0)
        SET(&arena_of_node[node], arena);
    else if (GET(&arena_of_node[node]) != arena)
        moirai_task_fail(2, "of another arena");
}
#endif

static void take_memory(void *data)
{
    int node = moirai_worker_node();
    unsigned char *p = moirai_node_get(BYTES, -1);
    moirai_pool_t *pool;
    if (node != *(int *)data || !p || p[0] || moirai_pool_new(&pool, 48, 16, 0)) {
        moirai_task_fail(3, "node, memory or pool");
        return;
    }
    memset(p, node + 1, BYTES);
#ifdef MO_TEST_JEMALLOC
    note_arena(p, node);
#endif
    moirai_node_put(p, BYTES);
    for (int i = 0; i < 100; i++)
        if (!(p = moirai_pool_get(pool)))
            moirai_task_fail(4, "an object");
    moirai_pool_free(pool);
    moirai_arena_mark_t mark = moirai_arena_mark(moirai_arena_local());
    if (!(p = moirai_arena_get(moirai_arena_local(), BYTES, 0)))
        moirai_task_fail(5, "a piece");
    else
        memset(p, 7, BYTES);
    moirai_arena_reset(moirai_arena_local(), mark);
}

static void test_workers_take_from_their_nodes(void **state)
{
    moirai_executor_t *executor;
    moirai_executor_attr_t attr;
    moirai_task_attr_t at;
    moirai_task_t task[WORKERS];
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, WORKERS);
    moirai_executor_attr_set_numa(&attr, MOIRAI_NUMA_ON);
    assert_int_equal(moirai_executor_new(&executor, &attr), MOIRAI_OK);
    moirai_task_attr_init(&at);
    for (unsigned i = 0; i < WORKERS; i++) {
        int node = (int)(i * NODES / WORKERS);
        moirai_task_attr_set_worker(&at, i, MOIRAI_STRICT);
        assert_int_equal(moirai_spawn_with(executor, &task[i], &at, take_memory, &node, sizeof node), MOIRAI_OK);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        moirai_error_t error = {0, ""};
        int status = moirai_join_error(&task[i], NULL, &error);
        if (status != MOIRAI_OK)
            fail_msg("worker %u: %d, %s", i, error.code, error.text);
    }
#ifdef MO_TEST_JEMALLOC
    for (int n = 0; n < NODES; n++)
        for (int k = 0; k < n; k++)
            assert_int_not_equal(arena_of_node[n], arena_of_node[k]);
#endif
    assert_int_equal(moirai_executor_shutdown(executor, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(executor), MOIRAI_OK);
}

static void test_misuse(void **state)
{
    moirai_arena_t *arena;
    assert_null(moirai_node_get(0, 0));
    assert_null(moirai_node_get(8, -2));
    assert_null(moirai_node_get(8, 1024));
    assert_null(moirai_node_get(SIZE_MAX, 0));
    assert_null(moirai_node_get(SIZE_MAX / 2, 0));
    moirai_node_put(NULL, 8);
    assert_int_equal(moirai_arena_new_on(&arena, 1024), MOIRAI_EINVAL);
    assert_int_equal(moirai_arena_new_on(&arena, -2), MOIRAI_EINVAL);
    assert_int_equal(moirai_arena_new_on(NULL, 0), MOIRAI_EINVAL);
    unsigned char *p = moirai_node_get(100, 1023); /* there is no such node: from anywhere */
    check_bytes(p, 100);
    moirai_node_put(p, 100);
}

/* Whether one line of what was said is Moirai's. */
static bool one_warning(FILE *said)
{
    char text[1024];
    int lines = 0;
    rewind(said);
    while (fgets(text, sizeof text, said)) {
        lines += strncmp(text, "moirai: ", 8) == 0;
        fputs(text, stderr);
    }
    return lines == 1;
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_node_gives),
        cmocka_unit_test(test_the_kernel_is_asked),
        cmocka_unit_test(test_workers_take_from_their_nodes),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    denied = argc > 1;
    setenv("HWLOC_SYNTHETIC", "node:4 l3:2 core:4 pu:2", 1);
    if (!denied)
        return run_all();
    FILE *said = tmpfile();
    int kept = dup(2);
    if (!said || deny() != 0) {
        puts("nodes: no filter can be set here");
        return 77;
    }
    dup2(fileno(said), 2);
    int failed = run_all();
    dup2(kept, 2);
    return one_warning(said) ? failed : 1;
}
