/* `moirai run` prepares the environment and becomes the command: signals, exit status and process id are its own. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

/* What shells return for a command that is not there, and for one that cannot be run. */
#define NOT_FOUND_STATUS 127
#define NOT_RUN_STATUS   126
#define NOT_HERE_STATUS  125 /* the fault is ours, not the command's */

/* Put `item` in front of a list that the dynamic loader takes apart at each of `separators`. */
static bool prepend(const char *variable, const char *item, const char *separators)
{
    const char *old = getenv(variable);
    if (item[strcspn(item, separators)] != '\0') {
        fprintf(stderr, "moirai: %s cannot hold this path, move the libraries elsewhere: %s\n", variable, item);
        return false;
    }
    char *list = NULL;
    int length = old != NULL && old[0] != '\0' ? asprintf(&list, "%s:%s", item, old) : asprintf(&list, "%s", item);
    bool done = length >= 0 && setenv(variable, list, 1) == 0;
    if (!done)
        fprintf(stderr, "moirai: cannot set %s: %s\n", variable, strerror(errno));
    if (length >= 0)
        free(list);
    return done;
}

static bool add_library(const char *variable, const char *name, const char *separators)
{
    const char *path = mo_cmd_library(name);
    if (path == NULL)
        return false;
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "moirai: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    return prepend(variable, path, separators);
}

int mo_cmd_run(int argc, char **argv)
{
    static const struct option known[] = {{NULL, 0, NULL, 0}};
    if (getopt_long(argc, argv, "+", known, NULL) != -1 || optind == argc) {
        fputs("usage: moirai run [--] COMMAND [ARGUMENT...]\n", stderr);
        return MO_CMD_USAGE_STATUS;
    }
    if (!add_library("LD_PRELOAD", "libmoirai_preload.so", ": ") || !add_library("LD_LIBRARY_PATH", "compat", ":;"))
        return NOT_HERE_STATUS;
    execvp(argv[optind], argv + optind);
    int error = errno;
    fprintf(stderr, "moirai: cannot run %s: %s\n", argv[optind], strerror(error));
    return error == ENOENT ? NOT_FOUND_STATUS : NOT_RUN_STATUS;
}
