/* The entry points of target and teams as compilers before GCC 12 called them, and arguments that it seldom makes. */
#include <omp.h>
#include <stdint.h>
#include "check.h"
#include "gomp_abi.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

enum { FIRSTPRIVATE = 12, FIRSTPRIVATE_INT = 13, TOFROM = 3, LONG_ALIGNED = 3 << 8, NOWAIT = 1 };

static long value;

static void add_one(void *data)
{
    void **args = data;
    ++*(long *)args[0];
}

static void without_kinds(void)
{
    void *address[1] = {&value};
    size_t size[1] = {sizeof value};
    unsigned char kind[1] = {TOFROM | 3 << 3};
    value = 1;
    GOMP_target_data(-1, NULL, 1, address, size, kind);
    GOMP_target(-1, add_one, NULL, 1, address, size, kind);
    GOMP_target_update(-1, NULL, 1, address, size, kind);
    GOMP_target_end_data();
    CHECK_EQ(value, 2);
}

static void check_args(void *data)
{
    void **args = data;
    value = *(long *)args[0] == 5 && args[0] != &value && (intptr_t)args[1] == 42 && args[2] == &value &&
            (uintptr_t)args[3] % 4096 == 0 && args[4] == NULL;
    memset(args[0], 0, sizeof(long));
}

static void with_kinds(int device, unsigned flags)
{
    static char page_aligned[100];
    long number = 5;
    void *address[5] = {&number, (void *)42, &value, page_aligned, NULL};
    size_t size[5] = {sizeof number, 0, sizeof value, sizeof page_aligned, 0};
    unsigned short kind[5] = {FIRSTPRIVATE | LONG_ALIGNED, FIRSTPRIVATE_INT | LONG_ALIGNED, TOFROM | LONG_ALIGNED,
                              FIRSTPRIVATE | 12 << 8, TOFROM};
    value = 0;
    GOMP_target_ext(device, check_args, 5, address, size, kind, flags, NULL, NULL);
    GOMP_taskwait();
    CHECK_EQ(value, 1);
    CHECK_EQ(number, 5);
}

static int seen_limit, seen_teams;

static void see(void *data)
{
    seen_limit = omp_get_thread_limit();
    seen_teams = omp_get_num_teams();
}

static int limit_with(intptr_t first, intptr_t second, intptr_t third)
{
    void *args[4] = {(void *)first, (void *)second, (void *)third, NULL};
    GOMP_target_ext(-1, see, 0, NULL, NULL, NULL, 0, NULL, args);
    CHECK_EQ(seen_teams, 1);
    return seen_limit;
}

/* Words: what and for which devices in the low half, the value above it or in the next word. */
static void limits(void)
{
    int unlimited = omp_get_thread_limit();
    CHECK_EQ(limit_with(0x100 | 3 << 16, 0x200 | 9 << 16, 0), 9);
    CHECK_EQ(limit_with(0x200 | 70000L << 16, 0, 0), 70000);
    CHECK_EQ(limit_with(0x280, 12, 0), 12);
    CHECK_EQ(limit_with(0x280, 1L << 33, 0), unlimited);
    CHECK_EQ(limit_with(0x200 | -2L * 65536, 0, 0), unlimited);
    CHECK_EQ(limit_with(0x205 | 7 << 16, 0, 0), unlimited); /* another device's */
    CHECK_EQ(limit_with(0x180, 4, 0x200 | 6 << 16), 6);
}

static void old_teams(void *data)
{
    GOMP_teams(3, 4);
    see(data);
    CHECK_EQ(omp_get_team_num(), 0);
}

static int rounds;

static void new_teams(void *data)
{
    rounds = 0;
    for (bool first = true; GOMP_teams4(2, 5, 6, first); first = false) {
        CHECK_EQ(omp_get_team_num(), rounds);
        CHECK(omp_get_num_teams() >= 2 && omp_get_num_teams() <= 5);
        CHECK_EQ(omp_get_thread_limit(), 6);
        rounds++;
    }
    CHECK(rounds >= 2 && rounds <= 5);
    CHECK(check_is_reference() || omp_get_thread_limit() > 1000);
    rounds = 0;
    for (bool first = true; GOMP_teams4(0, 0, 0, first); first = false)
        rounds++;
    CHECK_EQ(rounds, 1);
    CHECK_EQ(omp_get_num_teams(), 1);
}

static void count(void *data)
{
    CHECK_EQ(omp_get_team_num(), *(int *)data);
    ++*(int *)data;
}

static void teams(void)
{
    int counted = 0;
    GOMP_target(-1, old_teams, NULL, 0, NULL, NULL, NULL);
    CHECK_EQ(seen_limit, 4);
    CHECK_EQ(seen_teams, 1);
    GOMP_target_ext(-1, new_teams, 0, NULL, NULL, NULL, 0, NULL, NULL);
    GOMP_teams_reg(count, &counted, 1000, 0, 0);
    CHECK_EQ(counted, 1000);
    CHECK_EQ(omp_get_num_teams(), 1);
}

static void device_code(void)
{
    static const int table[4];
    GOMP_offload_register(table, 5, table);
    GOMP_offload_unregister(table, 5, table);
    GOMP_offload_register_ver(0x10000, table, 5, table);
    GOMP_offload_unregister_ver(0x10000, table, 5, table);
}

int main(void)
{
    without_kinds();
    with_kinds(-1, 0);
    with_kinds(-2, 0);
    with_kinds(-1, NOWAIT);
    limits();
    teams();
    if (!check_is_reference()) /* it would look for the device's library */
        device_code();
    return check_result();
}
