#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

#define PATH_BYTES 4096

/* Cut the last component off. */
static void to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
}

const char *mo_cmd_library(const char *name)
{
    static char path[PATH_BYTES];
    char program[PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) {
        fprintf(stderr, "moirai: cannot find out where this program is: %s\n", strerror(errno));
        return NULL;
    }
    program[length] = '\0';
    to_parent(program);
    to_parent(program);
    if (snprintf(path, sizeof path, "%s/lib/%s", program, name) >= (int)sizeof path) {
        fputs("moirai: the path of this program is too long\n", stderr);
        return NULL;
    }
    return path;
}
