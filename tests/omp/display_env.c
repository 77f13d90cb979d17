/* The table of settings, as GCC 12's runtime prints it: by call and under OMP_DISPLAY_ENV. */
#include <omp.h>
#include "again.h"

static const char *const lines[][2] = {{"_OPENMP", "201511"},
                                       {"OMP_DYNAMIC", "FALSE"},
                                       {"OMP_NESTED", "FALSE"},
                                       {"OMP_NUM_THREADS", "2"},
                                       {"OMP_SCHEDULE", "DYNAMIC"},
                                       {"OMP_PROC_BIND", "FALSE"},
                                       {"OMP_PLACES", ""},
                                       {"OMP_STACKSIZE", "0"},
                                       {"OMP_WAIT_POLICY", "PASSIVE"},
                                       {"OMP_THREAD_LIMIT", "4294967295"},
                                       {"OMP_MAX_ACTIVE_LEVELS", "1"},
                                       {"OMP_NUM_TEAMS", "0"},
                                       {"OMP_TEAMS_THREAD_LIMIT", "0"},
                                       {"OMP_CANCELLATION", "FALSE"},
                                       {"OMP_DEFAULT_DEVICE", "0"},
                                       {"OMP_MAX_TASK_PRIORITY", "0"},
                                       {"OMP_DISPLAY_AFFINITY", "FALSE"},
                                       {"OMP_AFFINITY_FORMAT", "level %L thread %i affinity %A"},
                                       {"OMP_ALLOCATOR", "omp_default_mem_alloc"},
                                       {"OMP_TARGET_OFFLOAD", "DEFAULT"}};

/* The table where up to two lines are others. */
struct change {
    const char *name, *value;
};

static const char *table(struct change a, struct change b)
{
    static char text[AGAIN_BYTES];
    strcpy(text, "\nOPENMP DISPLAY ENVIRONMENT BEGIN\n");
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *value = lines[i][1];
        if (a.name && !strcmp(a.name, lines[i][0]))
            value = a.value;
        if (b.name && !strcmp(b.name, lines[i][0]))
            value = b.value;
        snprintf(text + strlen(text), sizeof text - strlen(text), "  %s = '%s'\n", lines[i][0], value);
    }
    return strcat(text, "OPENMP DISPLAY ENVIRONMENT END\n");
}

static void expect(const char *settings, struct change a, struct change b)
{
    again_expect(settings, "call", table(a, b));
}

static void calls(void)
{
    static const struct change none = {NULL, NULL};
    expect("", none, none);
    expect("OMP_NUM_THREADS=4,3 OMP_MAX_ACTIVE_LEVELS=1", (struct change){"OMP_NUM_THREADS", "4,3"}, none);
    expect("OMP_MAX_ACTIVE_LEVELS=3", (struct change){"OMP_MAX_ACTIVE_LEVELS", "3"},
           (struct change){"OMP_NESTED", "TRUE"});
    expect("OMP_SCHEDULE=guided,7", (struct change){"OMP_SCHEDULE", "GUIDED,7"}, none);
    expect("OMP_SCHEDULE=monotonic:dynamic,1", (struct change){"OMP_SCHEDULE", "MONOTONIC:DYNAMIC"}, none);
    expect("OMP_SCHEDULE=nonmonotonic:static,1", (struct change){"OMP_SCHEDULE", "NONMONOTONIC:STATIC,1"}, none);
    expect("OMP_STACKSIZE=64K OMP_DYNAMIC=true", (struct change){"OMP_STACKSIZE", "65536"},
           (struct change){"OMP_DYNAMIC", "TRUE"});
    expect("OMP_WAIT_POLICY=active OMP_THREAD_LIMIT=77", (struct change){"OMP_WAIT_POLICY", "ACTIVE"},
           (struct change){"OMP_THREAD_LIMIT", "77"});
    expect("OMP_NUM_TEAMS=3 OMP_TEAMS_THREAD_LIMIT=4", (struct change){"OMP_NUM_TEAMS", "3"},
           (struct change){"OMP_TEAMS_THREAD_LIMIT", "4"});
    expect("OMP_CANCELLATION=true OMP_DEFAULT_DEVICE=5", (struct change){"OMP_CANCELLATION", "TRUE"},
           (struct change){"OMP_DEFAULT_DEVICE", "5"});
    expect("OMP_AFFINITY_FORMAT='100%% %n' OMP_TARGET_OFFLOAD=disabled",
           (struct change){"OMP_AFFINITY_FORMAT", "100%% %n"}, (struct change){"OMP_TARGET_OFFLOAD", "DISABLED"});
}

static void binding(void)
{
    int a, b;
    char settings[200], places[200];
    again_cpus(&a, &b);
    snprintf(settings, sizeof settings, "OMP_PLACES='{%d},{%d}' OMP_PROC_BIND=master", a, b);
    snprintf(places, sizeof places, "{%d},{%d}", a, b);
    expect(settings, (struct change){"OMP_PROC_BIND", "MASTER"}, (struct change){"OMP_PLACES", places});
    if (b != a + 1)
        return;
    snprintf(settings, sizeof settings, "GOMP_CPU_AFFINITY='%d-%d'", a, b);
    expect(settings, (struct change){"OMP_PROC_BIND", "TRUE"}, (struct change){"OMP_PLACES", places});
    snprintf(settings, sizeof settings, "OMP_PLACES='{%d:2}'", a);
    snprintf(places, sizeof places, "{%d:2}", a);
    expect(settings, (struct change){"OMP_PROC_BIND", "TRUE"}, (struct change){"OMP_PLACES", places});
}

/* Under a preload, GCC's runtime is loaded too and prints first. */
static void at_first_use(void)
{
    char expected[2 * AGAIN_BYTES];
    const char *mode = getenv("TEST_MODE"), *once = table((struct change){NULL, NULL}, (struct change){NULL, NULL});
    snprintf(expected, sizeof expected, "%s%s", once, mode && !strcmp(mode, "preload") ? once : "");
    again_expect("OMP_DISPLAY_ENV=true", "use", expected);
    again_expect("OMP_DISPLAY_ENV=false", "use", "");
}

static void verbose(void)
{
    char text[AGAIN_BYTES], command[1000], self[500] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return;
    snprintf(command, sizeof command, "env GOMP_SPINCOUNT=123 OMP_STACKSIZE=1M '%s' verbose 2>&1", self);
    CHECK_EQ(again_read(command, text), 0);
    CHECK(strstr(text, "  GOMP_SPINCOUNT = '123'\n") != NULL);
    CHECK(strstr(text, "  GOMP_STACKSIZE = '1048576'\n") != NULL);
    CHECK(check_is_reference() || strstr(text, "  MOIRAI_STEAL = 'adaptive'\n") != NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (!strcmp(argv[1], "use"))
            return omp_get_max_threads() != 2;
        omp_display_env(!strcmp(argv[1], "verbose"));
        return 0;
    }
    unsetenv("OMP_WAIT_POLICY");
    calls();
    binding();
    at_first_use();
    verbose();
    return check_result();
}
