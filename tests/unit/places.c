/* Places of machines that are not this one: each test gives the CPUs that may be used and, for names, where they
   sit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "topo/places.h"
#include "topo/topo.h"

#define MANY 512 /* CPUs that the tests can write down */

static bool has(const struct mo_places *p, unsigned place, unsigned cpu)
{
    return cpu / MO_MASK_BITS < p->words && mo_place_mask(p, place)[cpu / MO_MASK_BITS] >> cpu % MO_MASK_BITS & 1;
}

/* Places as text: CPUs in braces, runs as "first-last". */
static const char *show(const struct mo_places *p)
{
    static char text[8192];
    char *at = text;
    *at = '\0';
    for (unsigned i = 0; i < p->count; i++) {
        const char *before = i ? ",{" : "{";
        for (unsigned cpu = 0; cpu < MANY; cpu++) {
            unsigned last = cpu;
            if (!has(p, i, cpu))
                continue;
            while (has(p, i, last + 1))
                last++;
            at += sprintf(at, last > cpu ? "%s%u-%u" : "%s%u", before, cpu, last);
            before = ",";
            cpu = last;
        }
        at += sprintf(at, "}");
    }
    return text;
}

/* Usable CPUs: a run, as that is what most processes have. */
struct cpus {
    unsigned long mask[MANY / MO_MASK_BITS];
    unsigned words;
};

static struct cpus run(unsigned first, unsigned last)
{
    struct cpus c = {{0}, last / MO_MASK_BITS + 1};
    for (unsigned cpu = first; cpu <= last; cpu++)
        c.mask[cpu / MO_MASK_BITS] |= 1ul << cpu % MO_MASK_BITS;
    return c;
}

/* The places, or what is wrong. */
static const char *list(const char *text, struct cpus usable, struct mo_places_loss *loss)
{
    struct mo_places places;
    const char *wrong = mo_places_from_list(text, false, usable.mask, usable.words, &places, loss);
    const char *shown = wrong ? wrong : show(&places);
    free(places.mask);
    return shown;
}

static const char *cpus(const char *text, struct cpus usable)
{
    struct mo_places places;
    struct mo_places_loss loss;
    const char *wrong = mo_places_from_list(text, true, usable.mask, usable.words, &places, &loss);
    const char *shown = wrong ? wrong : show(&places);
    free(places.mask);
    return shown;
}

static void lists_mean_what_openmp_says(void **state)
{
    static const char *const examples[][2] = {
        {"{0},{1}", "{0},{1}"},
        {" { 0 : 4 } : 4 : 4 ", "{0-3},{4-7},{8-11},{12-15}"},
        {"{0,1},{2:4:2},{0:4}:4:4", "{0-1},{2,4,6,8},{0-3},{4-7},{8-11},{12-15}"},
        {"{0:4},{4:4},{8:4},{12:4}", "{0-3},{4-7},{8-11},{12-15}"},
        {"{7,6}:2:-3", "{6-7},{3-4}"},
        {"{6,7}:4:-2,!{2,3}", "{6-7},{4-5},{0-1}"},
        {"{0,1},{3,2,4},{6,5,!6},{6},{7:2:-1,!6}", "{0-1},{2-4},{5},{6},{7}"},
        {"1,2,{2,3,!2},3,3,!3,!{5:3:-1,!4,!5},{4},5,!4,!5,1:2,!{1},!2,7:3:-2,!{5},!7,!3", "{1},{2},{3}"},
        {"{15:16:-1}", "{0-15}"},
        {"{3:3:0}", "{3}"},
        {"{3}:3:0", "{3},{3},{3}"},
        {"{0},{1},{0},!{0}", "{1},{0}"},
        {"{0:2}:2,!{2,1}", "{0-1}"},
        {"5:2", "{5},{6}"},
        {"{60:8}:3:64", "{60-67},{124-131},{188-195}"},
        {"{130:4}:3:-65", "{130-133},{65-68},{0-3}"},
        {"{0:256}", "{0-255}"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct mo_places_loss loss;
        assert_string_equal(list(examples[i][0], run(0, 255), &loss), examples[i][1]);
        assert_int_equal(loss.cpus, 0);
        assert_int_equal(loss.places, 0);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const malformed[] = {"",          "{",      "{}",      "{0",      "{0}}",      "{0},",
                                            ",{0}",      "{0}:0",  "{0}:-1",  "{0}:2:",  "{0:0}",     "{0:-2}",
                                            "{0:2:}",    "!",      "{0,}",    "{a}",     "{0}{1}",    "{-1}",
                                            "{0.5}",     "{!0:2}", "!{0}:2",  "{16384}", "{0:16385}", "{2:4:-1}",
                                            "{0}:40000", "0-3",    "{0} {1}", "cores"};
    struct mo_places_loss loss;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_string_equal(list(malformed[i], run(0, 255), &loss), "is malformed");
        assert_false(mo_places_read_list(malformed[i], NULL));
    }
    assert_string_equal(list("{0,!1}", run(0, 3), &loss), "takes a CPU out of a place that does not have it");
    assert_string_equal(list("{0,!0}", run(0, 3), &loss), "has a place without a CPU");
    assert_string_equal(list("{1}:3:-1", run(0, 3), &loss), "goes below CPU 0");
    assert_string_equal(list("{1},!{0}", run(0, 3), &loss), "takes out a place that it does not have");
    assert_string_equal(list("{0}:32767:0,{0}", run(0, 3), &loss), "has too many places");
    assert_string_equal(list("{9}", run(0, 3), &loss), "has no place that this process may use");
    assert_string_equal(list("{0},!{0}", run(0, 3), &loss), "has no place that this process may use");
}

static void what_is_not_usable_is_left_out(void **state)
{
    struct mo_places_loss loss;
    assert_string_equal(list("{0:4}:4:4", run(2, 9), &loss), "{2-3},{4-7},{8-9}");
    assert_int_equal(loss.places, 1);
    assert_int_equal(loss.cpus, 8);
    assert_string_equal(list("{0},{200},!{200}", run(0, 3), &loss), "{0}");
    assert_int_equal(loss.places, 0);
    assert_int_equal(loss.cpus, 0);
    assert_string_equal(list("{0}:20000:100", run(0, 3), &loss), "{0}");
    assert_int_equal(loss.places, 19999);
    assert_string_equal(list("{300,64},{0,64}", run(60, 70), &loss), "{64},{64}");
    assert_int_equal(loss.cpus, 2);
}

static void cpus_are_places_of_their_own(void **state)
{
    assert_string_equal(cpus("0 3 1-2 4-15:2", run(0, 15)), "{0},{3},{1},{2},{4},{6},{8},{10},{12},{14}");
    assert_string_equal(cpus("1,0 1 , 0", run(0, 15)), "{1},{0},{1},{0}");
    assert_string_equal(cpus(" 4-9:3 ", run(0, 15)), "{4},{7}");
    assert_string_equal(cpus("0 20", run(0, 15)), "{0}");
    static const char *const malformed[] = {"", "x", "0,,1", "0,", ",0", "3-1", "1-3:0", "0-", "{0}", "1:2", "16384"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_string_equal(cpus(malformed[i], run(0, 15)), "is malformed");
}

static void names_may_have_a_number(void **state)
{
    enum mo_places_name name;
    unsigned limit;
    assert_true(mo_places_read_name(" LL_Caches ( 12 ) ", &name, &limit));
    assert_int_equal(name, MO_PLACES_LL_CACHES);
    assert_int_equal(limit, 12);
    assert_true(mo_places_read_name("numa_domains", &name, &limit));
    assert_int_equal(name, MO_PLACES_NUMA_DOMAINS);
    assert_int_equal(limit, MO_PLACES_MAX);
    static const char *const malformed[] = {"",        "core",     "coress",    "cores(",
                                            "cores()", "cores(0)", "cores(1)x", "cores 2"};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_false(mo_places_read_name(malformed[i], &name, &limit));
}

/* 128 CPUs: 2 packages of 2 nodes of 2 caches of 8 cores of 2 CPUs. As many firmwares do, the first 64 numbers are the
   first CPUs of all cores and the rest their siblings. */
static struct mo_sites big_machine(void)
{
    struct mo_sites sites = {128, malloc(128 * sizeof *sites.site)};
    for (unsigned cpu = 0; cpu < 128; cpu++) {
        unsigned core = cpu % 64;
        sites.site[cpu] = (struct mo_site){.package = core / 32, .node = core / 16, .cache = core / 8, .core = core};
    }
    return sites;
}

static const char *name(enum mo_places_name kind, unsigned limit, const struct mo_sites *sites, struct cpus usable)
{
    struct mo_places places;
    assert_true(mo_places_from_name(kind, limit, sites, usable.mask, usable.words, &places));
    const char *shown = show(&places);
    free(places.mask);
    return shown;
}

static void names_follow_the_machine(void **state)
{
    struct mo_sites big = big_machine();
    struct cpus all = run(0, 127);
    assert_string_equal(name(MO_PLACES_SOCKETS, MO_PLACES_MAX, &big, all), "{0-31,64-95},{32-63,96-127}");
    assert_string_equal(name(MO_PLACES_NUMA_DOMAINS, MO_PLACES_MAX, &big, all),
                        "{0-15,64-79},{16-31,80-95},{32-47,96-111},{48-63,112-127}");
    assert_string_equal(name(MO_PLACES_LL_CACHES, 3, &big, all), "{0-7,64-71},{8-15,72-79},{16-23,80-87}");
    assert_string_equal(name(MO_PLACES_CORES, 2, &big, all), "{0,64},{1,65}");
    assert_string_equal(name(MO_PLACES_THREADS, 4, &big, all), "{0},{64},{1},{65}");
    free(big.site);
}

static void names_keep_to_the_usable_cpus(void **state)
{
    struct mo_sites big = big_machine();
    struct cpus some = run(30, 65);
    assert_string_equal(name(MO_PLACES_SOCKETS, MO_PLACES_MAX, &big, some), "{30-31,64-65},{32-63}");
    assert_string_equal(name(MO_PLACES_CORES, 3, &big, some), "{64},{65},{30}");
    assert_string_equal(name(MO_PLACES_NUMA_DOMAINS, 1, &big, some), "{64-65}");
    free(big.site);
}

/* A node of two packages, and a machine that does not know its caches. */
static void odd_machines(void **state)
{
    struct mo_site site[4] = {
        {0, 0, MO_SITE_NONE, 0}, {1, 0, MO_SITE_NONE, 1}, {0, 1, MO_SITE_NONE, 2}, {1, 1, MO_SITE_NONE, 3}};
    struct mo_sites sites = {4, site};
    assert_string_equal(name(MO_PLACES_NUMA_DOMAINS, MO_PLACES_MAX, &sites, run(0, 3)), "{0-1},{2-3}");
    assert_string_equal(name(MO_PLACES_LL_CACHES, MO_PLACES_MAX, &sites, run(0, 3)), "{0,2},{1,3}");
    assert_string_equal(name(MO_PLACES_CORES, MO_PLACES_MAX, &sites, run(2, 6)), "{2},{3},{4},{5},{6}");
    assert_string_equal(name(MO_PLACES_SOCKETS, MO_PLACES_MAX, NULL, run(1, 3)), "{1},{2},{3}");
}

static void make_file(const char *root, const char *path, const char *text)
{
    char command[1024];
    snprintf(command, sizeof command, "f='%s%s'; mkdir -p \"${f%%/*}\" && echo '%s' >\"$f\"", root, path, text);
    assert_int_equal(system(command), 0);
}

/* One package of two nodes; CPUs 0 and 2, 1 and 3 are siblings of a core each. */
static void write_sys(const char *root)
{
    for (int cpu = 0; cpu < 4; cpu++) {
        char path[200];
        const char *siblings = cpu % 2 ? "1,3" : "0,2";
#define CPU_FILE(name, text)                                                                                           \
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/" name, cpu);                                           \
    make_file(root, path, text);
        CPU_FILE("topology/thread_siblings_list", siblings)
        CPU_FILE("topology/core_siblings_list", "0-3")
        CPU_FILE("cache/index0/level", "1")
        CPU_FILE("cache/index0/shared_cpu_list", siblings)
        CPU_FILE("cache/index1/level", "3")
        CPU_FILE("cache/index1/shared_cpu_list", "0-3")
        CPU_FILE("cache/index2/level", "2")
        CPU_FILE("cache/index2/shared_cpu_list", siblings)
    }
    make_file(root, "/sys/devices/system/node/node0/cpulist", "0,2");
    make_file(root, "/sys/devices/system/node/node1/cpulist", "1,3");
}

static void sys_tells_where_cpus_are(void **state)
{
    char root[] = "/tmp/moirai-sys-XXXXXX", command[100];
    struct cpus all = run(0, 3);
    struct mo_sites sites;
    assert_non_null(mkdtemp(root));
    assert_false(mo_sites_read(root, all.mask, all.words, &sites));
    write_sys(root);
    assert_true(mo_sites_read(root, all.mask, all.words, &sites));
    assert_string_equal(name(MO_PLACES_SOCKETS, MO_PLACES_MAX, &sites, all), "{0-3}");
    assert_string_equal(name(MO_PLACES_LL_CACHES, MO_PLACES_MAX, &sites, all), "{0-3}");
    assert_string_equal(name(MO_PLACES_NUMA_DOMAINS, MO_PLACES_MAX, &sites, all), "{0,2},{1,3}");
    assert_string_equal(name(MO_PLACES_CORES, MO_PLACES_MAX, &sites, all), "{0,2},{1,3}");
    assert_string_equal(name(MO_PLACES_THREADS, MO_PLACES_MAX, &sites, all), "{0},{2},{1},{3}");
    free(sites.site);
    snprintf(command, sizeof command, "rm -r '%s'", root);
    assert_int_equal(system(command), 0);
}

static void hwloc_tells_where_cpus_are(void **state)
{
    struct cpus all = run(0, 127);
    struct mo_places places;
    assert_int_equal(mo_topo_places(MO_PLACES_LL_CACHES, 2, all.mask, all.words, &places), MO_PLACES_FOUND);
    assert_string_equal(show(&places), "{0-7},{8-15}");
    free(places.mask);
    assert_int_equal(mo_topo_places(MO_PLACES_NUMA_DOMAINS, MO_PLACES_MAX, all.mask, all.words, &places),
                     MO_PLACES_FOUND);
    assert_string_equal(show(&places), "{0-31},{32-63},{64-95},{96-127}");
    free(places.mask);
    assert_int_equal(mo_topo_places(MO_PLACES_CORES, MO_PLACES_MAX, all.mask, all.words, &places), MO_PLACES_FOUND);
    assert_int_equal(places.count, 64);
    free(places.mask);
}

int main(void)
{
    setenv("HWLOC_SYNTHETIC", "pack:2 node:2 l3:4 core:4 pu:2", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_mean_what_openmp_says),    cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(what_is_not_usable_is_left_out), cmocka_unit_test(cpus_are_places_of_their_own),
        cmocka_unit_test(names_may_have_a_number),        cmocka_unit_test(names_follow_the_machine),
        cmocka_unit_test(names_keep_to_the_usable_cpus),  cmocka_unit_test(odd_machines),
        cmocka_unit_test(sys_tells_where_cpus_are),       cmocka_unit_test(hwloc_tells_where_cpus_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
