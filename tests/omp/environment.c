/* The OMP_* variables: the program starts itself again with a setting and reads what the runtime made of it. */
#include <omp.h>
#include <unistd.h>
#include "check.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static const char *self;

/* More stack than a thread has when nobody asks for more; the initial thread must not get it in the region's frame. */
__attribute__((noinline)) static int deep_stack(void)
{
    volatile char big[12 << 20];
    for (unsigned i = 0; i < sizeof big; i += 4096)
        big[i] = 1;
    return big[4096];
}

static void report(const char *what)
{
    omp_sched_t kind;
    int chunk, size = 0, inner = 0, deep = 0;
    omp_get_schedule(&kind, &chunk);
#pragma omp parallel reduction(+ : size, inner)
    {
        size += 1;
#pragma omp parallel reduction(+ : inner)
        inner += 1;
    }
    if (!strcmp(what, "stack"))
#pragma omp parallel num_threads(3) reduction(+ : deep)
        deep += omp_get_thread_num() ? deep_stack() : 1;
    printf("max %d size %d inner %d kind %u chunk %d dynamic %d nested %d levels %d limit %d deep %d cancel %d "
           "device %d teams %d each %d\n",
           omp_get_max_threads(), size, inner, (unsigned)kind & 0x7fffffff, chunk, omp_get_dynamic(),
           !!omp_get_nested(), omp_get_max_active_levels(), omp_get_thread_limit(), deep, omp_get_cancellation(),
           omp_get_default_device(), omp_get_max_teams(), omp_get_teams_thread_limit());
}

static void expect(const char *settings, const char *what, const char *field, int value)
{
    char command[1000], line[300] = "";
    int found = -12345;
    snprintf(command, sizeof command, "env %s '%s' %s", settings, self, what);
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

static void threads(void)
{
    expect("OMP_NUM_THREADS=3", "", "max", 3);
    expect("OMP_NUM_THREADS=3", "", "size", 3);
    expect("OMP_NUM_THREADS=3", "", "inner", 3);
    expect("OMP_NUM_THREADS=4,2", "", "size", 4);
    expect("OMP_NUM_THREADS=4,2", "", "inner", 8);
    expect("OMP_NUM_THREADS=' 2 , 3 '", "", "inner", 6);
    expect("OMP_NUM_THREADS=1,1,1,1,1,1,1,1,1,3", "", "max", 1);
    expect("OMP_NUM_THREADS=6 OMP_THREAD_LIMIT=4", "", "size", 4);
    expect("OMP_NUM_THREADS=6 OMP_THREAD_LIMIT=4", "", "limit", 4);
    expect("OMP_NUM_THREADS=2 OMP_THREAD_LIMIT=1", "", "size", 1);
    expect("OMP_DYNAMIC=true", "", "dynamic", 1);
    expect("OMP_DYNAMIC=FALSE", "", "dynamic", 0);
}

static void levels(void)
{
    expect("OMP_NUM_THREADS=2 OMP_NESTED=true", "", "nested", 1);
    expect("OMP_NUM_THREADS=2 OMP_NESTED=true", "", "inner", 4);
    expect("OMP_NUM_THREADS=2 OMP_NESTED=false", "", "inner", 2);
    expect("OMP_NUM_THREADS=2 OMP_MAX_ACTIVE_LEVELS=2", "", "levels", 2);
    expect("OMP_NUM_THREADS=2 OMP_MAX_ACTIVE_LEVELS=2", "", "inner", 4);
    expect("OMP_NUM_THREADS=3 OMP_MAX_ACTIVE_LEVELS=0", "", "size", 1);
}

static void cancellation(void)
{
    expect("-u OMP_CANCELLATION", "", "cancel", 0);
    expect("OMP_CANCELLATION=TRUE", "", "cancel", 1);
    expect("OMP_CANCELLATION=false", "", "cancel", 0);
}

static void devices_and_teams(void)
{
    expect("-u OMP_DEFAULT_DEVICE", "", "device", 0);
    expect("OMP_DEFAULT_DEVICE=3", "", "device", 3);
    expect("-u OMP_NUM_TEAMS", "", "teams", 0);
    expect("OMP_NUM_TEAMS=' 5 '", "", "teams", 5);
    expect("-u OMP_TEAMS_THREAD_LIMIT", "", "each", 0);
    expect("OMP_TEAMS_THREAD_LIMIT=6", "", "each", 6);
}

static void schedules(void)
{
    expect("OMP_SCHEDULE=static", "", "kind", omp_sched_static);
    expect("OMP_SCHEDULE=dynamic,5", "", "kind", omp_sched_dynamic);
    expect("OMP_SCHEDULE=dynamic,5", "", "chunk", 5);
    expect("OMP_SCHEDULE='guided , 7'", "", "chunk", 7);
    expect("OMP_SCHEDULE=GUIDED", "", "kind", omp_sched_guided);
    expect("OMP_SCHEDULE=auto", "", "kind", omp_sched_auto);
    expect("OMP_SCHEDULE=monotonic:dynamic,4", "", "chunk", 4);
    expect("OMP_SCHEDULE=nonmonotonic:guided", "", "kind", omp_sched_guided);
    expect("-u OMP_SCHEDULE", "", "kind", omp_sched_dynamic);
    expect("-u OMP_SCHEDULE", "", "chunk", 1);
}

static void stacks_and_waiting(void)
{
    expect("OMP_STACKSIZE=16M", "stack", "deep", 3);
    expect("OMP_STACKSIZE=16384", "stack", "deep", 3);
    expect("OMP_STACKSIZE='16384 k'", "stack", "deep", 3);
    expect("OMP_STACKSIZE=16777216B", "stack", "deep", 3);
    expect("OMP_WAIT_POLICY=passive OMP_NUM_THREADS=5", "", "size", 5);
    expect("OMP_WAIT_POLICY=ACTIVE OMP_NUM_THREADS=2", "", "size", 2);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 || getenv("TEST_REPORT")) {
        report(argc > 1 ? argv[1] : "");
        return 0;
    }
    setenv("TEST_REPORT", "1", 1);
    threads();
    levels();
    cancellation();
    devices_and_teams();
    schedules();
    stacks_and_waiting();
    return check_result();
}
