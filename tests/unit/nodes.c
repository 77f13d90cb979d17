/* NUMA nodes as /sys describes them, built in a folder of its own. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "topo/topo.h"

static char root[] = "/tmp/moirai-nodes-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/sys/devices/system/node/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void put_bandwidth(unsigned node, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "node%u/access0/initiators/read_bandwidth", node);
    put(name, text);
}

static int make_root(void **state)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    char command[PATH_MAX];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* The nodes of a mask as text. */
static const char *listed(const struct mo_node_mask *nodes)
{
    static char text[256];
    text[0] = '\0';
    for (unsigned n = mo_topo_next_node(nodes, 0); n < MO_PLAT_NODES_MAX; n = mo_topo_next_node(nodes, n + 1))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%u ", n);
    return text;
}

static void no_files_is_one_node(void **state)
{
    struct mo_node_mask nodes;
    assert_int_equal(mo_topo_memory_nodes_at(root, &nodes), 1);
    assert_string_equal(listed(&nodes), "0 ");
    assert_int_equal(mo_topo_fast_nodes_at(root, &nodes), 0);
    put("has_memory", "\n");
    assert_int_equal(mo_topo_memory_nodes_at(root, &nodes), 1);
}

static void lists(void **state)
{
    struct mo_node_mask nodes;
    put("has_memory", "0-2,8,62-65\n");
    assert_int_equal(mo_topo_memory_nodes_at(root, &nodes), 8);
    assert_string_equal(listed(&nodes), "0 1 2 8 62 63 64 65 ");
    put("has_memory", "1,1022-4000\n");
    assert_int_equal(mo_topo_memory_nodes_at(root, &nodes), 3);
    assert_string_equal(listed(&nodes), "1 1022 1023 ");
}

static void fast_ones(void **state)
{
    struct mo_node_mask nodes;
    put("has_memory", "0-3\n");
    for (unsigned n = 0; n < 4; n++)
        put_bandwidth(n, n < 2 ? "100000\n" : "199999\n");
    assert_int_equal(mo_topo_fast_nodes_at(root, &nodes), 0);
    put_bandwidth(2, "450000\n");
    put_bandwidth(3, "200000\n");
    assert_int_equal(mo_topo_fast_nodes_at(root, &nodes), 2);
    assert_string_equal(listed(&nodes), "2 3 ");
}

static void all_must_be_known(void **state)
{
    struct mo_node_mask nodes;
    put("has_memory", "0-1\n");
    put_bandwidth(1, "900000\n");
    assert_int_equal(mo_topo_fast_nodes_at(root, &nodes), 0);
    put_bandwidth(0, "0\n");
    assert_int_equal(mo_topo_fast_nodes_at(root, &nodes), 0);
    put_bandwidth(0, "1\n");
    assert_int_equal(mo_topo_fast_nodes_at(root, &nodes), 1);
    assert_string_equal(listed(&nodes), "1 ");
}

static void this_machine(void **state)
{
    struct mo_node_mask nodes;
    unsigned count = mo_topo_memory_nodes(&nodes), found = 0;
    for (unsigned n = mo_topo_next_node(&nodes, 0); n < MO_PLAT_NODES_MAX; n = mo_topo_next_node(&nodes, n + 1))
        found++;
    assert_true(count >= 1 && found == count);
    assert_true(mo_topo_fast_nodes(&nodes) <= count);
    assert_true(mo_topo_nodes_online() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_files_is_one_node, make_root, remove_root),
        cmocka_unit_test_setup_teardown(lists, make_root, remove_root),
        cmocka_unit_test_setup_teardown(fast_ones, make_root, remove_root),
        cmocka_unit_test_setup_teardown(all_must_be_known, make_root, remove_root),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
