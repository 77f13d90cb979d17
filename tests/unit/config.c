#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
#include "capture.h"

/* What a knob says of itself after its variable was set; NULL unsets it. */
struct outcome {
    struct mo_knob_info info;
    char complaint[1024];
};

static void clear_environment(void)
{
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        struct mo_knob_info info;
        mo_knob_describe((enum mo_knob)k, &info);
        unsetenv(info.name);
        for (const char *at = info.alternatives; at != NULL; at = strchr(at, ',') ? strchr(at, ',') + 2 : NULL) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
            unsetenv(name);
        }
    }
}

static struct outcome outcome_of(enum mo_knob k, const char *name, const char *text)
{
    struct outcome outcome;
    clear_environment();
    if (text != NULL)
        setenv(name, text, 1);
    mo_config_reload_for_test();
    struct capture c = capture_begin();
    mo_knob_describe(k, &outcome.info);
    capture_end(c, outcome.complaint, sizeof outcome.complaint);
    return outcome;
}

struct example {
    enum mo_knob knob;
    const char *name, *text;
    const char *value; /* NULL: malformed */
};

#define EXAMPLE(knob, text, value)                                                                                     \
    {                                                                                                                  \
        MO_KNOB_##knob, #knob, text, value                                                                             \
    }
#define OUR_EXAMPLE(knob, text, value)                                                                                 \
    {                                                                                                                  \
        MO_KNOB_##knob, "MOIRAI_" #knob, text, value                                                                   \
    }

static const struct example examples[] = {
    EXAMPLE(OMP_NUM_THREADS, "3", "3"),
    EXAMPLE(OMP_NUM_THREADS, " 3 , 4\t,5 ", "3,4,5"),
    EXAMPLE(OMP_NUM_THREADS, "+3", "3"),
    EXAMPLE(OMP_NUM_THREADS, "1,2,3,4,5,6,7,8,9,10", "1,2,3,4,5,6,7,8,9,10"),
    EXAMPLE(OMP_NUM_THREADS,
            "65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535",
            "65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65535,65..."),
    EXAMPLE(OMP_NUM_THREADS, "3,", NULL),
    EXAMPLE(OMP_NUM_THREADS, ",3", NULL),
    EXAMPLE(OMP_NUM_THREADS, "0", NULL),
    EXAMPLE(OMP_NUM_THREADS, "-1", NULL),
    EXAMPLE(OMP_NUM_THREADS, "4x", NULL),
    EXAMPLE(OMP_NUM_THREADS, "", NULL),
    EXAMPLE(OMP_NUM_THREADS, "65536", NULL),
    EXAMPLE(OMP_NUM_THREADS, "18446744073709551617", NULL),
    EXAMPLE(OMP_SCHEDULE, "static", "static"),
    EXAMPLE(OMP_SCHEDULE, "dynamic", "dynamic,1"),
    EXAMPLE(OMP_SCHEDULE, " Guided , 7 ", "guided,7"),
    EXAMPLE(OMP_SCHEDULE, "auto", "auto,1"),
    EXAMPLE(OMP_SCHEDULE, "static,0", "static"),
    EXAMPLE(OMP_SCHEDULE, "dynamic,0", "dynamic,1"),
    EXAMPLE(OMP_SCHEDULE, "monotonic:dynamic,3", "monotonic:dynamic,3"),
    EXAMPLE(OMP_SCHEDULE, "monotonic:static,3", "static,3"),
    EXAMPLE(OMP_SCHEDULE, "nonmonotonic : static", "nonmonotonic:static"),
    EXAMPLE(OMP_SCHEDULE, "NONMONOTONIC:GUIDED,2", "guided,2"),
    EXAMPLE(OMP_SCHEDULE, "dynamic,2147483647", "dynamic,2147483647"),
    EXAMPLE(OMP_SCHEDULE, "dynamic,2147483648", NULL),
    EXAMPLE(OMP_SCHEDULE, "dynamic,-1", NULL),
    EXAMPLE(OMP_SCHEDULE, "dynamic,4x", NULL),
    EXAMPLE(OMP_SCHEDULE, "dynamic,", NULL),
    EXAMPLE(OMP_SCHEDULE, "dynamically", NULL),
    EXAMPLE(OMP_SCHEDULE, "monotonic dynamic", NULL),
    EXAMPLE(OMP_SCHEDULE, "", NULL),
    EXAMPLE(OMP_DYNAMIC, " TRUE ", "true"),
    EXAMPLE(OMP_DYNAMIC, "false", "false"),
    EXAMPLE(OMP_DYNAMIC, "1", NULL),
    EXAMPLE(OMP_NESTED, "yes", NULL),
    EXAMPLE(OMP_MAX_ACTIVE_LEVELS, "0", "0"),
    EXAMPLE(OMP_MAX_ACTIVE_LEVELS, "1000", "255"),
    EXAMPLE(OMP_MAX_ACTIVE_LEVELS, "-1", NULL),
    EXAMPLE(OMP_THREAD_LIMIT, "1", "1"),
    EXAMPLE(OMP_THREAD_LIMIT, "99999999999999999999999", "4294967295"),
    EXAMPLE(OMP_THREAD_LIMIT, "0", NULL),
    EXAMPLE(OMP_STACKSIZE, "64", "64K"),
    EXAMPLE(OMP_STACKSIZE, "65537b", "65537B"),
    EXAMPLE(OMP_STACKSIZE, " 64 m ", "64M"),
    EXAMPLE(OMP_STACKSIZE, "2048M", "2G"),
    EXAMPLE(OMP_STACKSIZE, "64kb", NULL),
    EXAMPLE(OMP_STACKSIZE, "1", NULL),
    EXAMPLE(OMP_STACKSIZE, "99999999999g", NULL),
    EXAMPLE(OMP_WAIT_POLICY, " Active ", "active"),
    EXAMPLE(OMP_WAIT_POLICY, "passive", "passive"),
    EXAMPLE(OMP_WAIT_POLICY, "act", NULL),
    EXAMPLE(OMP_MAX_TASK_PRIORITY, "2147483647", "2147483647"),
    EXAMPLE(OMP_MAX_TASK_PRIORITY, "2147483648", NULL),
    EXAMPLE(OMP_CANCELLATION, " True", "true"),
    EXAMPLE(OMP_CANCELLATION, "on", NULL),
    EXAMPLE(KMP_BLOCKTIME, "50", "50ms"),
    EXAMPLE(KMP_BLOCKTIME, "50us", "50us"),
    EXAMPLE(KMP_BLOCKTIME, " 2 S ", "2000ms"),
    EXAMPLE(KMP_BLOCKTIME, "0", "0ms"),
    EXAMPLE(KMP_BLOCKTIME, "Infinite", "infinite"),
    EXAMPLE(KMP_BLOCKTIME, "50m", NULL),
    EXAMPLE(KMP_BLOCKTIME, "-1", NULL),
    EXAMPLE(KMP_STACKSIZE, "65536", "64K"),
    EXAMPLE(KMP_STACKSIZE, "4m", "4M"),
    EXAMPLE(KMP_STACKSIZE, "64KB", "64K"),
    EXAMPLE(KMP_STACKSIZE, "100", NULL),
    EXAMPLE(KMP_LIBRARY, "turnaround", "turnaround"),
    EXAMPLE(KMP_LIBRARY, "fast", NULL),
    EXAMPLE(KMP_SETTINGS, "1", "on"),
    EXAMPLE(KMP_SETTINGS, "TRUE", "on"),
    EXAMPLE(KMP_SETTINGS, "no", "off"),
    EXAMPLE(KMP_SETTINGS, "2", NULL),
    EXAMPLE(KMP_WARNINGS, "on", "on"),
    EXAMPLE(KMP_AFFINITY, "granularity=fine,compact,1,0", "granularity=fine,compact,1,0"),
    EXAMPLE(KMP_AFFINITY, "compactly", NULL),
    EXAMPLE(KMP_HW_SUBSET, "1s,4c", "1s,4c"),
    EXAMPLE(KMP_HW_SUBSET, "4", NULL),
    EXAMPLE(KMP_DEVICE_THREAD_LIMIT, "9", "9"),
    EXAMPLE(KMP_DEVICE_THREAD_LIMIT, "0", NULL),
    EXAMPLE(OMP_PROC_BIND, "TRUE", "true"),
    EXAMPLE(OMP_PROC_BIND, " false ", "false"),
    EXAMPLE(OMP_PROC_BIND, " Close , SPREAD", "close,spread"),
    EXAMPLE(OMP_PROC_BIND, "master,primary", "primary,primary"),
    EXAMPLE(OMP_PROC_BIND, "close,true", NULL),
    EXAMPLE(OMP_PROC_BIND, "false,close", NULL),
    EXAMPLE(OMP_PROC_BIND, "close,", NULL),
    EXAMPLE(OMP_PROC_BIND, "", NULL),
    EXAMPLE(OMP_PROC_BIND, "closer", NULL),
    EXAMPLE(OMP_PLACES, "cores", "cores"),
    EXAMPLE(OMP_PLACES, " Numa_Domains ( 3 ) ", " Numa_Domains ( 3 ) "),
    EXAMPLE(OMP_PLACES, "cores(0)", NULL),
    EXAMPLE(OMP_PLACES, "{0,1},{2:4:2},!{0,1}", "{0,1},{2:4:2},!{0,1}"),
    EXAMPLE(OMP_PLACES, "{0,1", NULL),
    EXAMPLE(OMP_PLACES, "", NULL),
    EXAMPLE(GOMP_CPU_AFFINITY, "0 3 1-2 4-15:2", "0 3 1-2 4-15:2"),
    EXAMPLE(GOMP_CPU_AFFINITY, "{0}", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_alloc", "omp_default_mem_alloc"),
    EXAMPLE(OMP_ALLOCATOR, " OMP_Const_Mem_Alloc ", " OMP_Const_Mem_Alloc "),
    EXAMPLE(OMP_ALLOCATOR, "omp_large_cap_mem_space", "omp_large_cap_mem_space"),
    EXAMPLE(OMP_ALLOCATOR, "omp_low_lat_mem_space : Alignment = 64 , pinned=TRUE",
            "omp_low_lat_mem_space : Alignment = 64 , pinned=TRUE"),
    EXAMPLE(OMP_ALLOCATOR, "omp_null_allocator", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_alloc:alignment=64", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:alignment", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:alignment=", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:alignment=64,", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:alignment=48", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:alignment=0", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:pool_size=-1", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:pool_size=99999999999999999999", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:fallback=none", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:fb_data=omp_null_allocator", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_space:colour=red", NULL),
    EXAMPLE(OMP_ALLOCATOR, "omp_default_mem_spaces", NULL),
    EXAMPLE(OMP_ALLOCATOR, "1", NULL),
    EXAMPLE(OMP_ALLOCATOR, "", NULL),
    EXAMPLE(OMP_DISPLAY_AFFINITY, "true", "true"),
    EXAMPLE(OMP_DISPLAY_AFFINITY, "verbose", NULL),
    EXAMPLE(OMP_AFFINITY_FORMAT, "%n of %N", "%n of %N"),
    EXAMPLE(OMP_AFFINITY_FORMAT, "", ""),
    EXAMPLE(OMP_DISPLAY_ENV, "Verbose", "verbose"),
    EXAMPLE(OMP_DISPLAY_ENV, "1", NULL),
    EXAMPLE(OMP_DEFAULT_DEVICE, "2147483647", "2147483647"),
    EXAMPLE(OMP_DEFAULT_DEVICE, "-1", NULL),
    EXAMPLE(OMP_TARGET_OFFLOAD, "MANDATORY", "mandatory"),
    EXAMPLE(OMP_TARGET_OFFLOAD, "on", NULL),
    EXAMPLE(OMP_NUM_TEAMS, "4", "4"),
    EXAMPLE(OMP_NUM_TEAMS, "0", NULL),
    EXAMPLE(OMP_TEAMS_THREAD_LIMIT, "3", "3"),
    EXAMPLE(OMP_TEAMS_THREAD_LIMIT, "x", NULL),
    EXAMPLE(OMP_TOOL, "disabled", "disabled"),
    EXAMPLE(OMP_TOOL, "no", NULL),
    EXAMPLE(OMP_TOOL_LIBRARIES, "/a.so:/b.so", "/a.so:/b.so"),
    EXAMPLE(OMP_TOOL_VERBOSE_INIT, "stdout", "stdout"),
    EXAMPLE(OMP_DEBUG, "enabled", "enabled"),
    EXAMPLE(OMP_DEBUG, "", NULL),
    EXAMPLE(GOMP_SPINCOUNT, "0", "0"),
    EXAMPLE(GOMP_SPINCOUNT, "5k", "5000"),
    EXAMPLE(GOMP_SPINCOUNT, "5 M", "5000000"),
    EXAMPLE(GOMP_SPINCOUNT, "5g", "5000000000"),
    EXAMPLE(GOMP_SPINCOUNT, "5T", "5000000000000"),
    EXAMPLE(GOMP_SPINCOUNT, "INFINITE", "infinite"),
    EXAMPLE(GOMP_SPINCOUNT, "infinity", "infinite"),
    EXAMPLE(GOMP_SPINCOUNT, "5b", NULL),
    OUR_EXAMPLE(CPUS, "12", "12"),
    OUR_EXAMPLE(STEAL, "Half", "half"),
    OUR_EXAMPLE(STEAL, "two", NULL),
    OUR_EXAMPLE(TASK_CUTOFF, "1048577", NULL),
};

static void check_good(const struct example *example, const struct outcome *outcome)
{
    assert_string_equal(outcome->complaint, "");
    assert_string_equal(outcome->info.value, example->value);
    assert_non_null(outcome->info.set_by);
    assert_string_equal(outcome->info.set_by, example->name);
    assert_int_equal(mo_knob_source(example->knob), MO_SOURCE_ENV);
}

/* The line names the variable, the bad text and what is used instead. */
static void check_bad(const struct example *example, const struct outcome *outcome)
{
    char start[256];
    snprintf(start, sizeof start, "moirai: %s=\"%s\" is not ", example->name, example->text);
    assert_int_equal(count_lines(outcome->complaint), 1);
    assert_memory_equal(outcome->complaint, start, strlen(start));
    assert_non_null(strstr(outcome->complaint, outcome->info.initial));
    assert_string_equal(outcome->info.value, outcome->info.initial);
    assert_int_equal(mo_knob_source(example->knob), MO_SOURCE_DEFAULT);
}

static void texts_mean_what_the_table_says(void **state)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        print_message("%s=\"%s\"\n", example->name, example->text);
        struct outcome outcome = outcome_of(example->knob, example->name, example->text);
        if (example->value != NULL)
            check_good(example, &outcome);
        else
            check_bad(example, &outcome);
    }
}

/* What is shown can be set again, and gives the same. */
static void defaults_are_well_formed(void **state)
{
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        struct outcome outcome = outcome_of((enum mo_knob)k, NULL, NULL);
        assert_string_equal(outcome.info.value, outcome.info.initial);
        assert_null(outcome.info.set_by);
        if (strcmp(outcome.info.initial, "not set") == 0)
            continue;
        struct outcome again = outcome_of((enum mo_knob)k, outcome.info.name, outcome.info.initial);
        assert_string_equal(again.complaint, "");
        assert_string_equal(again.info.value, outcome.info.initial);
        assert_non_null(again.info.set_by);
    }
}

static void values_reach_the_getters(void **state)
{
    clear_environment();
    setenv("OMP_NUM_THREADS", "5,6", 1);
    setenv("OMP_SCHEDULE", "monotonic:guided,9", 1);
    setenv("OMP_STACKSIZE", "1M", 1);
    setenv("GOMP_SPINCOUNT", "infinite", 1);
    setenv("MOIRAI_STEAL", "quarter", 1);
    setenv("OMP_PROC_BIND", "spread,master", 1);
    mo_config_reload_for_test();
    const struct mo_knob_list *threads = mo_knob_list(MO_KNOB_OMP_NUM_THREADS);
    struct mo_schedule schedule = mo_knob_schedule(MO_KNOB_OMP_SCHEDULE);
    assert_int_equal(threads->count, 2);
    assert_int_equal(threads->item[1], 6);
    assert_int_equal(schedule.kind, MO_SCHED_GUIDED);
    assert_true(schedule.monotonic);
    assert_int_equal(schedule.chunk, 9);
    assert_int_equal(mo_knob(MO_KNOB_OMP_STACKSIZE), 1048576);
    assert_true(mo_knob(MO_KNOB_GOMP_SPINCOUNT) == MO_COUNT_INFINITE);
    assert_int_equal(mo_knob(MO_KNOB_STEAL), MO_STEAL_QUARTER);
    assert_int_equal(mo_knob_list(MO_KNOB_OMP_PROC_BIND)->item[0], MO_BIND_SPREAD);
    assert_int_equal(mo_knob_list(MO_KNOB_OMP_PROC_BIND)->item[1], MO_BIND_PRIMARY);
    assert_null(mo_knob_text(MO_KNOB_OMP_PLACES));
    assert_int_equal(mo_knob(MO_KNOB_OMP_THREAD_LIMIT), UINT32_MAX);
    assert_int_equal(mo_knob(MO_KNOB_OMP_WAIT_POLICY), MO_WAIT_UNDEFINED);
}

static void further_names_count_where_the_first_does_not(void **state)
{
    struct outcome outcome = outcome_of(MO_KNOB_OMP_STACKSIZE, "GOMP_STACKSIZE", "128");
    assert_string_equal(outcome.info.value, "128K");
    assert_string_equal(outcome.info.set_by, "GOMP_STACKSIZE");
    outcome = outcome_of(MO_KNOB_OMP_STACKSIZE, "OMP_STACKSIZE_ALL", "64");
    assert_string_equal(outcome.info.value, "64K");
    assert_string_equal(outcome.info.set_by, "OMP_STACKSIZE_ALL");
    outcome = outcome_of(MO_KNOB_OMP_NUM_THREADS, "OMP_NUM_THREADS_ALL", "x");
    assert_string_equal(outcome.info.value, "not set");
    assert_non_null(strstr(outcome.complaint, "OMP_NUM_THREADS_ALL=\"x\" is not a list of numbers"));
}

/* What several variables together make of one knob. */
static struct outcome outcome_of_these(enum mo_knob k, const char *const settings[][2])
{
    struct outcome outcome;
    clear_environment();
    for (int i = 0; settings[i][0] != NULL; i++)
        setenv(settings[i][0], settings[i][1], 1);
    mo_config_reload_for_test();
    struct capture c = capture_begin();
    mo_knob_describe(k, &outcome.info);
    capture_end(c, outcome.complaint, sizeof outcome.complaint);
    for (int i = 0; settings[i][0] != NULL; i++)
        unsetenv(settings[i][0]);
    return outcome;
}

static void the_first_of_several_names_counts(void **state)
{
    static const char *const alike[][2] = {{"OMP_STACKSIZE", "256"}, {"GOMP_STACKSIZE", "256k"}, {NULL, NULL}};
    struct outcome outcome = outcome_of_these(MO_KNOB_OMP_STACKSIZE, alike);
    assert_string_equal(outcome.info.value, "256K");
    assert_string_equal(outcome.complaint, "");
    static const char *const differ[][2] = {{"OMP_STACKSIZE", "1M"}, {"GOMP_STACKSIZE", "2M"}, {NULL, NULL}};
    outcome = outcome_of_these(MO_KNOB_OMP_STACKSIZE, differ);
    assert_string_equal(outcome.info.value, "1M");
    assert_string_equal(outcome.complaint,
                        "moirai: GOMP_STACKSIZE=\"2M\" is ignored: OMP_STACKSIZE is set too and is used (1M)\n");
    static const char *const general[][2] = {{"OMP_SCHEDULE", "guided"}, {"OMP_SCHEDULE_ALL", "static"}, {NULL, NULL}};
    outcome = outcome_of_these(MO_KNOB_OMP_SCHEDULE, general);
    assert_string_equal(outcome.info.value, "guided,1");
    assert_string_equal(outcome.complaint, "");
    static const char *const one_bad[][2] = {{"OMP_STACKSIZE", "much"}, {"GOMP_STACKSIZE", "2M"}, {NULL, NULL}};
    outcome = outcome_of_these(MO_KNOB_OMP_STACKSIZE, one_bad);
    assert_string_equal(outcome.info.value, "2M");
    assert_non_null(strstr(outcome.complaint, "ignored, GOMP_STACKSIZE is used (2M)\n"));
    assert_int_equal(count_lines(outcome.complaint), 1);
}

static void two_ways_to_give_places_are_one_too_many(void **state)
{
    static const char *const both[][2] = {{"OMP_PLACES", "{0}"}, {"GOMP_CPU_AFFINITY", "0"}, {NULL, NULL}};
    struct outcome outcome = outcome_of_these(MO_KNOB_OMP_PLACES, both);
    assert_string_equal(outcome.complaint, "moirai: GOMP_CPU_AFFINITY is ignored: OMP_PLACES is set too and is used\n");
}

static void values_for_devices_are_checked_and_change_nothing(void **state)
{
    static const char *const good[][2] = {
        {"OMP_NUM_THREADS_DEV", "3"}, {"OMP_NUM_THREADS_DEV_12", "4"}, {"OMP_NUM_THREADS_DEVICE", "x"}, {NULL, NULL}};
    struct outcome outcome = outcome_of_these(MO_KNOB_OMP_NUM_THREADS, good);
    assert_string_equal(outcome.info.value, "not set");
    assert_string_equal(outcome.complaint, "");
    static const char *const bad[][2] = {{"OMP_SCHEDULE_DEV_0", "soon"}, {NULL, NULL}};
    outcome = outcome_of_these(MO_KNOB_OMP_SCHEDULE, bad);
    assert_string_equal(outcome.complaint, "moirai: OMP_SCHEDULE_DEV_0=\"soon\" is not a schedule like dynamic,4: "
                                           "ignored, as there is no device\n");
}

static void lists_end_at_the_deepest_level(void **state)
{
    char list[2 * 256 + 1] = "";
    for (int i = 0; i < 255; i++)
        strcat(list, i ? ",2" : "2");
    assert_string_equal(outcome_of(MO_KNOB_OMP_NUM_THREADS, "OMP_NUM_THREADS", list).complaint, "");
    assert_int_equal(mo_knob_list(MO_KNOB_OMP_NUM_THREADS)->count, 255);
    strcat(list, ",2");
    struct outcome outcome = outcome_of(MO_KNOB_OMP_NUM_THREADS, "OMP_NUM_THREADS", list);
    assert_int_equal(count_lines(outcome.complaint), 1);
    assert_int_equal(mo_knob_list(MO_KNOB_OMP_NUM_THREADS)->count, 0);
}

/* A program may write over its environment. */
static void texts_are_copied(void **state)
{
    static char entry[] = "OMP_AFFINITY_FORMAT=%n";
    clear_environment();
    putenv(entry);
    mo_config_reload_for_test();
    assert_string_equal(mo_knob_text(MO_KNOB_OMP_AFFINITY_FORMAT), "%n");
    strcpy(strchr(entry, '=') + 1, "??");
    assert_string_equal(mo_knob_text(MO_KNOB_OMP_AFFINITY_FORMAT), "%n");
    unsetenv("OMP_AFFINITY_FORMAT");
    size_t huge_bytes = 1 << 17;
    char *huge = malloc(huge_bytes);
    memset(huge, 'x', huge_bytes);
    huge[huge_bytes - 1] = '\0';
    struct outcome outcome = outcome_of(MO_KNOB_OMP_TOOL_LIBRARIES, "OMP_TOOL_LIBRARIES", huge);
    assert_string_equal(outcome.complaint, "moirai: OMP_TOOL_LIBRARIES is too long: ignored\n");
    assert_null(mo_knob_text(MO_KNOB_OMP_TOOL_LIBRARIES));
    free(huge);
}

/* A setting changes only through the reload: what was read once stays. */
static void environment_is_read_at_first_use_and_once(void **state)
{
    clear_environment();
    mo_config_reload_for_test();
    setenv("MOIRAI_TASK_CUTOFF", "7", 1);
    assert_int_equal(mo_knob(MO_KNOB_TASK_CUTOFF), 7);
    setenv("MOIRAI_TASK_CUTOFF", "8", 1);
    assert_int_equal(mo_knob(MO_KNOB_TASK_CUTOFF), 7);
}

static void *read_cutoff(void *unused)
{
    return (void *)(uintptr_t)mo_knob(MO_KNOB_TASK_CUTOFF);
}

static void threads_may_race_for_the_first_look(void **state)
{
    for (int round = 0; round < 50; round++) {
        pthread_t threads[4];
        clear_environment();
        setenv("MOIRAI_TASK_CUTOFF", "9", 1);
        mo_config_reload_for_test();
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, read_cutoff, NULL), 0);
        for (int i = 0; i < 4; i++) {
            void *seen;
            pthread_join(threads[i], &seen);
            assert_int_equal((uintptr_t)seen, 9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_mean_what_the_table_says),
        cmocka_unit_test(defaults_are_well_formed),
        cmocka_unit_test(values_reach_the_getters),
        cmocka_unit_test(further_names_count_where_the_first_does_not),
        cmocka_unit_test(the_first_of_several_names_counts),
        cmocka_unit_test(two_ways_to_give_places_are_one_too_many),
        cmocka_unit_test(values_for_devices_are_checked_and_change_nothing),
        cmocka_unit_test(lists_end_at_the_deepest_level),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(environment_is_read_at_first_use_and_once),
        cmocka_unit_test(threads_may_race_for_the_first_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
