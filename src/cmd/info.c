#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/config.h"
#include "cmd/cmd.h"
#include "plat/uring.h"
#include "topo/topo.h"

struct options {
    bool config, markdown;
};

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"config", no_argument, NULL, 'c'}, {"markdown", no_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (letter == 'c')
            options->config = true;
        else if (letter == 'm')
            options->markdown = true;
        else
            return false;
    }
    return optind == argc && (options->config || !options->markdown);
}

static void print_library(const char *what, const char *name)
{
    const char *path = mo_cmd_library(name);
    if (path != NULL)
        printf("  %-14s %s%s\n", what, path, access(path, R_OK) == 0 ? "" : " (missing)");
}

static void print_libraries(void)
{
    puts("\nLibraries");
    print_library("preload", "libmoirai_preload.so");
    print_library("OpenMP", "libmoirai_omp.so.1");
    print_library("native", "libmoirai.so.1");
    print_library("compatible", "compat");
}

static void print_machine(void)
{
    struct mo_topo_summary machine;
    puts("\nMachine");
    if (mo_topo_load()) {
        mo_topo_summarize(&machine);
        printf("  %-14s %u\n  %-14s %u\n", "nodes", machine.nodes, "packages", machine.packages);
        printf("  %-14s %u\n  %-14s %u\n", "L3 caches", machine.l3_caches, "cores", machine.cores);
        printf("  %-14s %u\n", "CPUs", machine.pus);
    } else {
        printf("  %-14s %u\n", "nodes", mo_topo_nodes_online());
        puts("  hwloc (libhwloc.so.15) is not installed or fails: all CPUs count as equally near");
    }
}

static void print_share(void)
{
    unsigned quota = mo_topo_quota_cpus();
    puts("\nCPUs for this process");
    printf("  %-14s %u\n", "affinity mask", mo_topo_affinity_cpus());
    if (quota == UINT_MAX)
        printf("  %-14s none\n", "quota");
    else
        printf("  %-14s %u\n", "quota", quota);
    printf("  %-14s %u\n", "planned for", mo_topo_cpus());
}

/* As mo_uring_is_used() chooses. */
static void print_io(void)
{
    int fd;
    const char *why = mo_knob(MO_KNOB_IO) == MO_IO_CHOICE_EPOLL ? "MOIRAI_IO=epoll" : mo_plat_uring_open(&fd);
    puts("\nI/O");
    printf("  %-14s epoll\n  %-14s ", "descriptors", "files");
    if (why) {
        printf("threads (%s)\n", why);
        return;
    }
    puts("io_uring");
    mo_plat_uring_close();
}

static void print_values(void)
{
    puts("\nSettings");
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        struct mo_knob_info info;
        mo_knob_describe((enum mo_knob)k, &info);
        printf("  %-22s %s%s\n", info.name, info.value, info.set_by != NULL ? " *" : "");
    }
    puts("  * set in the environment");
}

int mo_cmd_info(int argc, char **argv)
{
    struct options options = {0};
    if (!parse_options(argc, argv, &options)) {
        fputs("usage: moirai info [--config [--markdown]]\n", stderr);
        return MO_CMD_USAGE_STATUS;
    }
    if (options.markdown) {
        mo_cmd_print_settings_page();
    } else if (options.config) {
        mo_cmd_print_settings();
    } else {
        puts("moirai " MO_VERSION);
        print_libraries();
        print_machine();
        print_share();
        print_io();
        print_values();
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
