/* KMP_*: the program starts itself again with settings and looks at what they did. */
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "check.h"
#include <omp.h>

static const char *self;

/* Which CPU each of three threads is bound to, as a number: thread 0 in the last digit; 9 = to several. */
static int bound(void)
{
    int cpus[3] = {0, 0, 0};
#pragma omp parallel num_threads(3)
    {
        cpu_set_t set;
        sched_getaffinity(0, sizeof set, &set);
        int cpu = 0;
        while (!CPU_ISSET(cpu, &set))
            cpu++;
        cpus[omp_get_thread_num()] = CPU_COUNT(&set) == 1 && cpu < 9 ? cpu : 9;
    }
    return cpus[0] + 10 * cpus[1] + 100 * cpus[2];
}

static void report(void)
{
    int size = 0, places = bound();
#pragma omp parallel
    __atomic_fetch_add(&size, 1, __ATOMIC_RELAXED);
    printf("size %d max %d block %d library %d stack %d bound %d teams %d\n", size, omp_get_max_threads(),
           kmp_get_blocktime(), kmp_get_library(), kmp_get_stacksize(), places, omp_get_teams_thread_limit());
}

static void expect(const char *settings, const char *field, int value)
{
    char command[1000], line[300] = "";
    int found = -12345;
    snprintf(command, sizeof command, "env -u OMP_WAIT_POLICY -u OMP_NUM_THREADS %s '%s' report", settings, self);
    FILE *pipe = popen(command, "r");
    if (!fgets(line, sizeof line, pipe))
        line[0] = 0;
    CHECK_EQ(pclose(pipe), 0);
    const char *at = strstr(line, field);
    if (at)
        sscanf(at + strlen(field), "%d", &found);
    if (found != value && check_first_lines())
        fprintf(stderr, "%s: %s is %d, expected %d (%s)\n", settings, field, found, value, line);
}

/* What is written to standard error, and the status of a search in it. */
static void expect_said(const char *settings, const char *search, int found)
{
    char command[1000];
    snprintf(command, sizeof command, "env %s '%s' report 2>&1 >/dev/null | grep -q '%s'", settings, self, search);
    if ((system(command) == 0) != found && check_first_lines())
        fprintf(stderr, "%s: \"%s\" %s\n", settings, search, found ? "is not said" : "is said");
}

static void set_by_program(void)
{
    kmp_set_defaults("KMP_BLOCKTIME=77|KMP_STACKSIZE=12m");
    report();
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "report"))
        return report(), check_result();
    if (argc > 1)
        return set_by_program(), 0;
    expect("KMP_BLOCKTIME=33", "block", 33);
    expect("KMP_BLOCKTIME=infinite", "block", INT32_MAX);
    expect("KMP_BLOCKTIME=33 OMP_WAIT_POLICY=passive", "block", 33);
    expect("OMP_WAIT_POLICY=passive", "block", 0);
    expect("OMP_WAIT_POLICY=active", "library", 2);
    expect("KMP_LIBRARY=turnaround", "library", 2);
    expect("KMP_LIBRARY=throughput", "library", 3);
    expect("KMP_LIBRARY=serial OMP_NUM_THREADS=4", "size", 1);
    expect("KMP_STACKSIZE=12m", "stack", 12 << 20);
    expect("KMP_STACKSIZE=12582912", "stack", 12 << 20);
    expect("KMP_TEAMS_THREAD_LIMIT=1", "teams", check_is_reference() ? 0 : 1);
    if (sysconf(_SC_NPROCESSORS_ONLN) >= 2 && sysconf(_SC_NPROCESSORS_ONLN) < 9) {
        expect("KMP_AFFINITY=explicit,proclist=[1,0,1],granularity=fine", "bound", 101);
        expect("KMP_AFFINITY=disabled", "bound", 999);
        expect("KMP_AFFINITY=none", "bound", 999);
    }
    expect("KMP_HW_SUBSET=1s,1c,1t", "max", 1);
    if (check_is_reference())
        return check_result();
    /* Where the reference, or this version of it, decides otherwise: here OpenMP's own settings rule. */
    expect("KMP_BLOCKTIME=33ms", "block", 33);
    expect("KMP_BLOCKTIME=2s", "block", 2000);
    expect("KMP_STACKSIZE=12m OMP_STACKSIZE=24m", "stack", 24 << 20);
    expect("KMP_AFFINITY=explicit,proclist=[1,0],granularity=fine OMP_PROC_BIND=false", "bound", 999);
    expect("KMP_DEVICE_THREAD_LIMIT=2 OMP_NUM_THREADS=8", "size", 2);
    expect("KMP_ALL_THREADS=2 OMP_NUM_THREADS=8", "size", 2);
    expect("KMP_DEVICE_THREAD_LIMIT=4 OMP_THREAD_LIMIT=2 OMP_NUM_THREADS=8", "size", 2);
    expect_said("KMP_VERSION=1", "^moirai [0-9]", 1);
    expect_said("KMP_SETTINGS=1", "KMP_BLOCKTIME", 1);
    expect_said("KMP_AFFINITY=verbose,scatter", "thread", 1);
    expect_said("KMP_BLOCKTIME=often", "^moirai: KMP_BLOCKTIME", 1);
    expect_said("KMP_BLOCKTIME=often KMP_WARNINGS=off", "KMP_BLOCKTIME", 0);
    expect_said("KMP_AFFINITY=nowhere", "^moirai: KMP_AFFINITY", 1);
    expect_said("KMP_AFFINITY=scatter OMP_PLACES=cores", "KMP_AFFINITY is ignored", 1);
    char command[1000], line[300] = "";
    snprintf(command, sizeof command, "'%s' set", self);
    FILE *pipe = popen(command, "r");
    CHECK(fgets(line, sizeof line, pipe));
    pclose(pipe);
    CHECK(strstr(line, "block 77") && strstr(line, "stack 12582912"));
    return check_result();
}
