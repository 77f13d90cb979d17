/* Most tests see a synthetic machine: 4 nodes of 2 L3 caches of 4 cores of 2 CPUs, 64 CPUs, numbered in this order. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "plat/plat.h"
#include "topo/topo.h"

static void flat_until_asked(void **state)
{
    struct mo_topo_summary summary;
    unsigned cpu_of[5] = {0, 1, 2, 3, 4}, order[4];
    mo_topo_summarize(&summary);
    assert_false(summary.loaded);
    assert_int_equal(mo_topo_distance(0, 0), MO_DISTANCE_NODE);
    assert_int_equal(mo_topo_distance(0, 63), MO_DISTANCE_NODE);
    mo_topo_victim_order(cpu_of, 5, 3, order);
    assert_memory_equal(order, ((unsigned[]){4, 0, 1, 2}), sizeof order);
}

static void affinity_follows_the_mask(void **state)
{
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(mo_topo_affinity_cpus(), CPU_COUNT(&before));
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(mo_topo_affinity_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

/* In a child, as the number is kept. */
static unsigned planned_cpus_with(const char *setting)
{
    pid_t child = fork();
    if (child == 0) {
        setenv("MOIRAI_CPUS", setting, 1);
        mo_config_reload_for_test();
        _exit((int)mo_topo_cpus());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
}

static void setting_overrides_what_is_found(void **state)
{
    unsigned mask = mo_topo_affinity_cpus(), quota = mo_topo_quota_cpus();
    assert_int_equal(planned_cpus_with("77"), 77);
    assert_int_equal(planned_cpus_with("0"), mask < quota ? mask : quota);
    assert_true(mo_topo_nodes_online() >= 1);
}

/* Four nodes of one CPU each, as hwloc writes a machine down. */
static void write_machine(FILE *file, const char *distances)
{
    static const char sets[] = "%s=\"0x%x\" complete_%s=\"0x%x\" ";
    fputs("<?xml version=\"1.0\"?>\n<topology version=\"2.0\">\n<object type=\"Machine\" os_index=\"0\" ", file);
    fprintf(file, sets, "cpuset", 15, "cpuset", 15);
    fprintf(file, sets, "nodeset", 15, "nodeset", 15);
    fputs("allowed_cpuset=\"0xf\" allowed_nodeset=\"0xf\" gp_index=\"1\">\n", file);
    for (int i = 0; i < 4; i++) {
        static const char *const types[] = {"Core", "NUMANode", "PU"};
        for (int type = 0; type < 3; type++) {
            fprintf(file, "<object type=\"%s\" os_index=\"%d\" gp_index=\"%d\" ", types[type], i, 2 + 3 * i + type);
            fprintf(file, sets, "cpuset", 1 << i, "cpuset", 1 << i);
            fprintf(file, sets, "nodeset", 1 << i, "nodeset", 1 << i);
            fputs(type == 0 ? ">\n" : "/>\n", file);
        }
        fputs("</object>\n", file);
    }
    fputs("</object>\n<distances2 type=\"NUMANode\" nbobjs=\"4\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">\n",
          file);
    fprintf(file, "<indexes length=\"8\">0 1 2 3 </indexes>\n<u64values length=\"%zu\">%s</u64values>\n",
            strlen(distances), distances);
    fputs("</distances2>\n</topology>\n", file);
}

/* In a child, as a machine is read only once. Its exit status is the number of pairs that are wrong. */
static void farther_nodes_have_a_greater_distance(void **state)
{
    static const unsigned expected[4][4] = {{0, 3, 4, 5}, {3, 0, 5, 4}, {4, 5, 0, 3}, {5, 4, 3, 0}};
    char path[] = "/tmp/moirai-machine-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    write_machine(file, "10 16 22 32 16 10 32 22 22 32 10 16 32 22 16 10 ");
    fclose(file);
    pid_t child = fork();
    if (child == 0) {
        unsetenv("HWLOC_SYNTHETIC");
        setenv("HWLOC_XMLFILE", path, 1);
        int wrong = mo_topo_load() ? 0 : 100;
        for (unsigned i = 0; i < 16; i++)
            wrong += mo_topo_distance(i / 4, i % 4) != expected[i / 4][i % 4];
        _exit(wrong);
    }
    int status = -1;
    waitpid(child, &status, 0);
    unlink(path);
    assert_int_equal(status, 0);
}

static void synthetic_machine_loads(void **state)
{
    struct mo_topo_summary summary;
    assert_true(mo_topo_load());
    assert_true(mo_topo_load());
    mo_topo_summarize(&summary);
    assert_true(summary.loaded);
    assert_int_equal(summary.nodes, 4);
    assert_int_equal(summary.l3_caches, 8);
    assert_int_equal(summary.cores, 32);
    assert_int_equal(summary.pus, 64);
}

static void distance_grows_with_each_border(void **state)
{
    assert_int_equal(mo_topo_distance(0, 0), MO_DISTANCE_CORE);
    assert_int_equal(mo_topo_distance(0, 1), MO_DISTANCE_CORE);
    assert_int_equal(mo_topo_distance(0, 2), MO_DISTANCE_CACHE);
    assert_int_equal(mo_topo_distance(0, 7), MO_DISTANCE_CACHE);
    assert_int_equal(mo_topo_distance(0, 8), MO_DISTANCE_NODE);
    assert_int_equal(mo_topo_distance(15, 0), MO_DISTANCE_NODE);
    assert_true(mo_topo_distance(0, 16) >= MO_DISTANCE_REMOTE);
    assert_true(mo_topo_distance(63, 0) >= MO_DISTANCE_REMOTE);
    assert_int_equal(mo_topo_distance(0, 64), MO_DISTANCE_NODE);
    assert_int_equal(mo_topo_distance(1000000, 0), MO_DISTANCE_NODE);
}

static void nearest_victims_come_first(void **state)
{
    unsigned cpu_of[64], order[63];
    for (unsigned i = 0; i < 64; i++)
        cpu_of[i] = i;
    mo_topo_victim_order(cpu_of, 64, 5, order);
    assert_int_equal(order[0], 4);
    assert_memory_equal(order + 1, ((unsigned[]){6, 7, 0, 1, 2, 3}), 6 * sizeof order[0]);
    assert_int_equal(order[7], 8);
    assert_int_equal(order[14], 15);
    assert_int_equal(order[15], 16);
    assert_int_equal(order[62], 63);
}

/* Each other worker once, never nearer than the one before, for every thief and for CPUs in any order. */
static void order_is_complete_and_sorted(void **state)
{
    unsigned cpu_of[40], order[39];
    for (unsigned i = 0; i < 40; i++)
        cpu_of[i] = i * 27 % 64;
    for (unsigned self = 0; self < 40; self++) {
        uint64_t seen = 1ull << self;
        unsigned last = 0;
        mo_topo_victim_order(cpu_of, 40, self, order);
        for (unsigned i = 0; i < 39; i++) {
            unsigned distance = mo_topo_distance(cpu_of[self], cpu_of[order[i]]);
            assert_true(order[i] < 40 && (seen & 1ull << order[i]) == 0);
            assert_true(distance >= last);
            seen |= 1ull << order[i];
            last = distance;
        }
    }
}

static void equally_near_thieves_start_at_different_victims(void **state)
{
    unsigned cpu_of[4] = {0, 2, 4, 6}, order[3];
    for (unsigned self = 0; self < 4; self++) {
        mo_topo_victim_order(cpu_of, 4, self, order);
        assert_int_equal(order[0], (self + 1) % 4);
    }
}

static void a_team_of_one_has_no_victims(void **state)
{
    unsigned cpu_of[1] = {3}, order[1] = {99};
    mo_topo_victim_order(cpu_of, 1, 0, order);
    assert_int_equal(order[0], 99);
}

/* Evenly, in the order in which CPUs share things, and round again where there are more threads than CPUs. */
static void seats_are_spread_over_the_machine(void **state)
{
    struct mo_topo_seat seat[128];
    unsigned long mask[MO_MASK_WORDS];
    assert_true(mo_topo_seats(1, seat));
    assert_int_equal(seat[0].cpu, 0);
    assert_true(mo_topo_seats(8, seat));
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(seat[i].cpu, 8 * i);
        assert_int_equal(seat[i].node, i / 2);
    }
    assert_true(mo_topo_seats(128, seat));
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(seat[i].cpu, i / 2);
    assert_int_equal(mo_topo_node_mask(0, mask), 0); /* nobody can be bound to a machine that is made up */
}

static cpu_set_t own_mask(void)
{
    cpu_set_t mask;
    assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
    return mask;
}

/* The kernel may move it on as soon as its mask is whole again, so nothing is said about where it is. */
static void a_thread_that_moves_keeps_its_mask(void **state)
{
    cpu_set_t before = own_mask(), after;
    for (unsigned cpu = 0; cpu < MO_PLAT_CPUS_MAX; cpu++) {
        mo_plat_move_to(cpu);
        after = own_mask();
        assert_true(CPU_EQUAL(&before, &after));
    }
}

int main(void)
{
    setenv("HWLOC_SYNTHETIC", "node:4 l3:2 core:4 pu:2", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_until_asked),
        cmocka_unit_test(affinity_follows_the_mask),
        cmocka_unit_test(setting_overrides_what_is_found),
        cmocka_unit_test(farther_nodes_have_a_greater_distance),
        cmocka_unit_test(synthetic_machine_loads),
        cmocka_unit_test(distance_grows_with_each_border),
        cmocka_unit_test(nearest_victims_come_first),
        cmocka_unit_test(order_is_complete_and_sorted),
        cmocka_unit_test(equally_near_thieves_start_at_different_victims),
        cmocka_unit_test(a_team_of_one_has_no_victims),
        cmocka_unit_test(seats_are_spread_over_the_machine),
        cmocka_unit_test(a_thread_that_moves_keeps_its_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
