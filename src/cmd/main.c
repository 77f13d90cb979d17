#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static void print_usage(FILE *to)
{
    fputs("usage: moirai info [--config [--markdown]]\n"
          "       moirai run [OPTION...] [--] COMMAND [ARGUMENT...]\n"
          "       moirai check PROGRAM | PID\n"
          "       moirai top [--once] [--json] [--interval SECONDS] PID\n"
          "       moirai report [-o PAGE] RECORDING\n"
          "       moirai trace RECORDING\n"
          "       moirai --version | --help\n"
          "\n"
          "info  what Moirai finds here: libraries, machine, CPUs, settings\n"
          "run   run COMMAND under Moirai; without a command it lists the options\n"
          "check what Moirai takes over of a program or a process, and what will not work\n"
          "top   what the threads of a process that runs under Moirai do\n"
          "report  a page about what `moirai run --trace RECORDING` has recorded\n"
          "trace   the same as JSON for Perfetto and chrome://tracing, on standard output\n",
          to);
}

static int misuse(const char *word)
{
    if (word != NULL)
        fprintf(stderr, "moirai: no such command: %s\n", word);
    print_usage(stderr);
    return MO_CMD_USAGE_STATUS;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return misuse(NULL);
    if (strcmp(argv[1], "info") == 0)
        return mo_cmd_info(argc - 1, argv + 1);
    if (strcmp(argv[1], "run") == 0)
        return mo_cmd_run(argc - 1, argv + 1);
    if (strcmp(argv[1], "check") == 0)
        return mo_cmd_check(argc - 1, argv + 1);
    if (strcmp(argv[1], "top") == 0)
        return mo_cmd_top(argc - 1, argv + 1);
    if (strcmp(argv[1], "report") == 0)
        return mo_cmd_report(argc - 1, argv + 1);
    if (strcmp(argv[1], "trace") == 0)
        return mo_cmd_trace(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0) {
        puts("moirai " MO_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    return misuse(argv[1]);
}
