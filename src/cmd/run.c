/* `moirai run` prepares the environment and becomes the command: signals, exit status and process id are its own. What
   keeps Moirai out of it is said in one line, and it runs all the same. */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/names.h"
#include "cmd/object.h"

/* What shells return for a command that is not there, and for one that cannot be run. */
#define NOT_FOUND_STATUS 127
#define NOT_RUN_STATUS   126

static const char usage[] =
    "usage: moirai run [OPTION...] [--] COMMAND [ARGUMENT...]\n"
    "\n"
    "--all        OpenMP and the C library's locks are Moirai's (default)\n"
    "--omp        OpenMP alone; locks stay the C library's\n"
    "--pthread    locks alone; the program keeps its own OpenMP runtime\n"
    "--jemalloc   the command's malloc() and Moirai's own memory are jemalloc's, with an arena for each NUMA node\n"
    "--threads N  threads of a parallel region that does not say how many\n"
    "--stats      what was counted, on standard error when the command ends; --stats=json:FILE: in a file\n"
    "--locks      which locks are waited for, where and how long; --locks=json:FILE: in a file\n"
    "--trace F    what threads do and when, recorded in a file F for `moirai report F`\n"
    "--metrics P  what is counted, for Prometheus, at a socket P\n"
    "--set N=V    a setting of `moirai info --config`, for this command; again for more\n";

enum parts { ALL, OMP, PTHREAD };

/* ---- Settings, which are looked at before the command starts: what it would warn of and ignore is refused here. */
static bool is_one_of(const char *names, const char *name, size_t length)
{
    while (names) {
        size_t this = strcspn(names, ",");
        if (this == length && strncmp(names, name, length) == 0)
            return true;
        names = names[this] ? names + this + strlen(", ") : NULL;
    }
    return false;
}

static const struct mo_knob_row *find_knob(const char *name, size_t length)
{
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++)
        if (is_one_of(mo_knob_rows[k].name, name, length) || is_one_of(mo_knob_rows[k].alternatives, name, length))
            return &mo_knob_rows[k];
    return NULL;
}

static bool set(const char *name, size_t length, const char *text)
{
    static struct mo_knob_value value; /* texts are kept in it */
    const struct mo_knob_row *row = find_knob(name, length);
    if (!row) {
        fprintf(stderr, "moirai: there is no setting %.*s; `moirai info --config` lists them\n", (int)length, name);
        return false;
    }
    if (!mo_parse_value(row, text, &value)) {
        fprintf(stderr, "moirai: %s does not take \"%s\"; `moirai info --config` says what it takes\n", row->name,
                text);
        return false;
    }
    char *variable = strndup(name, length);
    bool done = variable && setenv(variable, text, 1) == 0;
    if (!done)
        fprintf(stderr, "moirai: cannot set %s: %s\n", row->name, strerror(errno));
    free(variable);
    return done;
}

static bool set_by_option(const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (equals)
        return set(assignment, (size_t)(equals - assignment), equals + 1);
    fprintf(stderr, "moirai: --set takes NAME=VALUE, not %s\n", assignment);
    return false;
}

/* ---- What the loader is told. */
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

static bool add_libraries(enum parts parts)
{
    if (parts == PTHREAD)
        return add_library("LD_PRELOAD", "libmoirai_pthread.so", ": ");
    if (parts == OMP && !set_by_option("MOIRAI_PTHREAD=off"))
        return false;
    return add_library("LD_PRELOAD", "libmoirai_preload.so", ": ") && add_library("LD_LIBRARY_PATH", "compat", ":;");
}

#define JEMALLOC "libjemalloc.so.2"

/* Found by the loader, as everything else is. It need not be possible to load it here, this late: it takes static
   TLS. */
static bool add_jemalloc(void)
{
    if (!dlopen(JEMALLOC, RTLD_LAZY | RTLD_LOCAL) && strstr(dlerror(), "cannot open shared object file")) {
        fputs("moirai: there is no " JEMALLOC " for --jemalloc (Debian's package is libjemalloc2)\n", stderr);
        return false;
    }
    return prepend("LD_PRELOAD", JEMALLOC, ": ");
}

/* ---- What stands in the way. */
static void note_face(void *arg, const char *name)
{
    static const char *const telling[] = {"GOMP_parallel", "__kmpc_fork_call", "pthread_mutex_lock"};
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
        if (strcmp(name, telling[i]) == 0)
            *(const char **)arg = telling[i];
}

/* Others that are preloaded come after Moirai, and what both define is then Moirai's. */
static void check_preloads(void)
{
    char *list = getenv("LD_PRELOAD") ? strdup(getenv("LD_PRELOAD")) : NULL, *rest = list;
    for (char *path; list && (path = strsep(&rest, ": "));) {
        const char *face = NULL;
        struct mo_object o;
        if (!strchr(path, '/') || access(path, R_OK) != 0 || !mo_object_open(&o, path))
            continue;
        mo_elf_each(o.bytes, o.size, true, note_face, &face);
        if (face)
            fprintf(stderr, "moirai: %s is preloaded too and defines %s, as Moirai does, which comes first\n", path,
                    face);
        mo_object_close(&o);
    }
    free(list);
}

static bool is_privileged(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return false;
    return (s.st_mode & S_ISUID && s.st_uid != getuid()) || (s.st_mode & S_ISGID && s.st_gid != getgid());
}

/* The interpreter of a script is what runs; NULL: the first line names none. For the caller to free. */
static char *interpreter_of(const struct mo_object *script)
{
    const char *line = (const char *)script->bytes + 2;
    size_t size = script->size - 2, skip = 0;
    while (skip < size && (line[skip] == ' ' || line[skip] == '\t'))
        skip++;
    size_t length = 0;
    while (skip + length < size && !strchr(" \t\n", line[skip + length]))
        length++;
    return length ? strndup(line + skip, length) : NULL;
}

/* False: it is of another machine. */
static bool check_command(const char *path, bool is_interpreter)
{
    struct mo_object o;
    if (access(path, R_OK) != 0 || !mo_object_open(&o, path)) /* to run it need not be readable */
        return true;
    bool of_here = o.kind != MO_ELF_FOREIGN;
    if (o.kind == MO_ELF_SCRIPT && !is_interpreter) {
        char *interpreter = interpreter_of(&o);
        if (interpreter)
            check_command(interpreter, true);
        free(interpreter);
    } else if (o.kind == MO_ELF_FOREIGN || o.kind == MO_ELF_STATIC) {
        fprintf(stderr, "moirai: %s %s: it runs without Moirai%s\n", path, mo_object_problem(&o),
                of_here ? "" : ", if it runs at all");
    } else if (o.kind == MO_ELF_DYNAMIC && is_privileged(path)) {
        fprintf(stderr, "moirai: %s runs with others' rights, so the system preloads nothing: it runs without Moirai\n",
                path);
    } else if (o.kind == MO_ELF_DYNAMIC && o.facts.sanitized) {
        fprintf(stderr, "moirai: %s is built with a sanitizer: its locks stay the C library's\n", path);
    }
    mo_object_close(&o);
    return of_here;
}

static bool set_by_name(const char *name, const char *text)
{
    return set(name, strlen(name), text);
}

static bool set_prefixed(const char *name, const char *prefix, const char *text)
{
    char *value = NULL;
    bool done = asprintf(&value, "%s%s", prefix, text) >= 0 && set_by_name(name, value);
    free(value);
    return done;
}

static bool take_option(int letter, const char *argument)
{
    switch (letter) {
    case 't':
        return set_by_name("OMP_NUM_THREADS", argument);
    case 'S':
        return set_by_name("MOIRAI_STATS", argument ? argument : "1");
    case 'L':
        return set_by_name("MOIRAI_LOCKS", argument ? argument : "1");
    case 'T':
        return set_by_name("MOIRAI_TRACE", argument);
    case 'M':
        return set_prefixed("MOIRAI_METRICS", "unix:", argument);
    default:
        return set_by_option(argument);
    }
}

static bool parse_options(int argc, char **argv, enum parts *parts, bool *jemalloc)
{
    static const struct option known[] = {{"all", no_argument, NULL, 'a'},
                                          {"omp", no_argument, NULL, 'o'},
                                          {"pthread", no_argument, NULL, 'p'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"set", required_argument, NULL, 's'},
                                          {"stats", optional_argument, NULL, 'S'},
                                          {"locks", optional_argument, NULL, 'L'},
                                          {"trace", required_argument, NULL, 'T'},
                                          {"metrics", required_argument, NULL, 'M'},
                                          {"jemalloc", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
    for (int letter; (letter = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        if (letter == 'a' || letter == 'o' || letter == 'p')
            *parts = letter == 'a' ? ALL : letter == 'o' ? OMP : PTHREAD;
        else if (letter == 'j')
            *jemalloc = true;
        else if (letter == '?')
            return fputs(usage, stderr), false;
        else if (!take_option(letter, optarg))
            return false;
    }
    if (optind == argc)
        fputs(usage, stderr);
    return optind < argc;
}

int mo_cmd_run(int argc, char **argv)
{
    enum parts parts = ALL;
    bool jemalloc = false;
    if (!parse_options(argc, argv, &parts, &jemalloc))
        return MO_CMD_USAGE_STATUS;
    char *path = mo_object_find(argv[optind]);
    bool of_here = !path || check_command(path, false);
    check_preloads();
    if ((jemalloc && !add_jemalloc()) || !add_libraries(parts))
        return MO_CMD_FAILED_STATUS;
    if (of_here)
        execvp(argv[optind], argv + optind);
    else
        execv(path, argv + optind); /* execvp() would have a shell read what the system does not take */
    int error = errno;
    free(path);
    fprintf(stderr, "moirai: cannot run %s: %s\n", argv[optind], strerror(error));
    return error == ENOENT ? NOT_FOUND_STATUS : NOT_RUN_STATUS;
}
