/* Control groups as they occur, built in a folder of their own. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "topo/topo.h"

static char root[] = "/tmp/moirai-quota-XXXXXX";

static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", root, name);
    make_parents(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
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

#define MOUNT_V2     "29 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT_V1     "33 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
#define MOUNT_CPUSET "34 30 0:31 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset\n"
#define MOUNT_OTHER  "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"

static void no_files_is_no_limit(void **state)
{
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
    put("/proc/self/cgroup", "0::/a\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
    put("/proc/self/mountinfo", MOUNT_OTHER MOUNT_V2);
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
}

static void v2_rounds_up(void **state)
{
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {{"50000 100000\n", 1},      {"100000 100000\n", 1}, {"100001 100000\n", 2},
                 {"250000 100000\n", 3},     {"400000 50000\n", 8},  {"1000 100000\n", 1},
                 {"max 100000\n", UINT_MAX}, {"max\n", UINT_MAX},    {"nonsense\n", UINT_MAX},
                 {"100000 0\n", UINT_MAX},   {"", UINT_MAX}};
    put("/proc/self/cgroup", "0::/user/job\n");
    put("/proc/self/mountinfo", MOUNT_OTHER MOUNT_V2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put("/sys/fs/cgroup/user/job/cpu.max", cases[i].text);
        assert_int_equal(mo_topo_quota_cpus_at(root), cases[i].cpus);
    }
}

static void v2_ancestors_count(void **state)
{
    put("/proc/self/cgroup", "0::/a/b/c\n");
    put("/proc/self/mountinfo", MOUNT_V2);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "700000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 7);
    put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 3);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 2);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "100000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 1);
}

/* Nothing above the mount point is part of the hierarchy. */
static void files_above_the_mount_are_not_asked(void **state)
{
    put("/proc/self/cgroup", "0::/a\n");
    put("/proc/self/mountinfo", MOUNT_V2);
    put("/sys/fs/cpu.max", "100000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
}

static void v1_quota_and_period(void **state)
{
    put("/proc/self/cgroup", "5:cpuset:/other\n4:cpu,cpuacct:/job/x\n1:name=systemd:/cpu\n");
    put("/proc/self/mountinfo", MOUNT_OTHER MOUNT_CPUSET MOUNT_V1);
    put("/sys/fs/cgroup/cpu,cpuacct/job/x/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/x/cpu.cfs_period_us", "100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX); /* no period file: no statement */
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 1);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "350000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 4);
}

/* A container sees its own group as the root of the mount. */
static void mount_of_a_subtree(void **state)
{
    put("/proc/self/cgroup", "4:cpu:/docker/abc/inner\n");
    put("/proc/self/mountinfo", "33 30 0:30 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 2);
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 1);
}

static void mount_of_a_strange_subtree_is_not_ours(void **state)
{
    put("/proc/self/cgroup", "4:cpu:/docker/abcd\n");
    put("/proc/self/mountinfo", "33 30 0:30 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpud/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpud/cpu.cfs_period_us", "100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
}

static void mount_from_outside_the_namespace(void **state)
{
    put("/proc/self/cgroup", "0::/\n");
    put("/proc/self/mountinfo", "29 22 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 3);
}

static void hybrid_takes_the_tightest(void **state)
{
    put("/proc/self/cgroup", "4:cpu,cpuacct:/one\n0::/two\n");
    put("/proc/self/mountinfo", MOUNT_V1 "40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us", "600000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_period_us", "100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 6);
    put("/sys/fs/cgroup/unified/two/cpu.max", "150000 100000\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), 2);
}

static void blanks_in_names(void **state)
{
    put("/proc/self/cgroup", "0::/a job\n");
    put("/proc/self/mountinfo", "29 22 0:26 / /sys/my\\040groups rw - cgroup2 cgroup2 rw\n");
    put("/sys/my groups/a job/cpu.max", "200000 100000");
    assert_int_equal(mo_topo_quota_cpus_at(root), 2);
}

/* The rest of a line that is too long is not a line, whatever it looks like. */
static void endless_lines(void **state)
{
    for (size_t length = 2030; length < 2060; length++) {
        char mounts[8192];
        memset(mounts, 'x', length);
        strcpy(mounts + length, "30 22 0:27 / /wrong rw - cgroup2 cgroup2 rw\n" MOUNT_V2);
        put("/proc/self/cgroup", "0::/a\n");
        put("/proc/self/mountinfo", mounts);
        put("/wrong/a/cpu.max", "100000 100000");
        put("/sys/fs/cgroup/a/cpu.max", "200000 100000");
        assert_int_equal(mo_topo_quota_cpus_at(root), 2);
    }
}

static void garbage_is_no_limit(void **state)
{
    put("/proc/self/cgroup", "\n:\n::\n0::\nx\n");
    put("/proc/self/mountinfo", "\n - \n1 2 3\n1 2 3 4 5\n1 2 3 / /x - cgroup2\n1 2 3 / /x rw - cgroup2 x\n");
    assert_int_equal(mo_topo_quota_cpus_at(root), UINT_MAX);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOT(no_files_is_no_limit),
        IN_ROOT(v2_rounds_up),
        IN_ROOT(v2_ancestors_count),
        IN_ROOT(files_above_the_mount_are_not_asked),
        IN_ROOT(v1_quota_and_period),
        IN_ROOT(mount_of_a_subtree),
        IN_ROOT(mount_of_a_strange_subtree_is_not_ours),
        IN_ROOT(mount_from_outside_the_namespace),
        IN_ROOT(hybrid_takes_the_tightest),
        IN_ROOT(blanks_in_names),
        IN_ROOT(endless_lines),
        IN_ROOT(garbage_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
