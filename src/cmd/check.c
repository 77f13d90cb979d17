/* `moirai check`: what Moirai takes over of a program or library and of what it loads at its start, which runtime it
   was built for, what is not there for it, and whether it passes the preload by in ways that matter to condition
   variables (docs/limits.md). What it loads is told by the dynamic loader itself, which lists it without running any of
   it; of a process, by the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/names.h"
#include "cmd/object.h"

#define FOUND_STATUS 1

#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#else
#define LOADER "/lib/ld-linux-aarch64.so.1"
#endif

extern char **environ;

struct tally {
    const struct mo_names *ours;
    unsigned objects, concerns, openers;
    unsigned bypasses; /* of the concerns */
    bool incomplete;
};

/* ---- One object. */
static void concern(struct tally *t, const char *path, const char *text)
{
    printf("%s: %s\n", path, text);
    t->concerns++;
}

static void judge(struct tally *t, const char *path, const struct mo_elf_facts *facts)
{
    unsigned before = t->concerns;
    if (facts->by_version)
        concern(t, path, "finds functions by their version (dlvsym): such calls pass the preload by");
    if (facts->deep_binding)
        concern(t, path, "opens objects with RTLD_DEEPBIND, by the look of its code: their calls pass the preload by");
    t->bypasses += t->concerns - before;
    if (facts->flags_hidden && !facts->deep_binding)
        printf("%s: opens objects with flags that its code does not show; no concern by itself\n", path);
    if (facts->sanitized)
        printf("%s: is built with a sanitizer: its locks stay the C library's\n", path);
    t->openers += facts->opens;
}

/* The imports of one object by what becomes of them. */
struct imports {
    const struct mo_names *ours;
    struct mo_names taken, missing;
    bool openacc;
};

static void sort_import(void *arg, const char *name)
{
    struct imports *i = arg;
    enum mo_face face = mo_face_of(name);
    if (face == MO_FACE_NONE)
        return;
    if (face == MO_FACE_OPENACC)
        i->openacc = true;
    else if (mo_names_have(i->ours, name))
        mo_names_add(&i->taken, name);
    else if (face != MO_FACE_PTHREAD) /* the C library's are still there */
        mo_names_add(&i->missing, name);
}

static void print_names(const char *path, const char *what, const struct mo_names *names)
{
    if (!names->count)
        return;
    printf("%s: %s", path, what);
    for (size_t i = 0; i < names->count; i++)
        printf(" %s", names->name[i]);
    putchar('\n');
}

static void print_runtimes(const char *path, unsigned runtimes)
{
    static const char *const name[] = {"GCC's, libgomp.so.1", "LLVM's, libomp.so.5", "Intel's, libiomp5.so"};
    for (unsigned k = 0; k < sizeof name / sizeof *name; k++)
        if (runtimes & 1u << k)
            printf("%s: is built for an OpenMP runtime: %s\n", path, name[k]);
}

static void judge_imports(struct tally *t, const char *path, const struct mo_object *o)
{
    struct imports i = {.ours = t->ours};
    mo_elf_each(o->bytes, o->size, false, sort_import, &i);
    mo_names_sort(&i.taken);
    mo_names_sort(&i.missing);
    print_runtimes(path, o->facts.runtimes);
    print_names(path, "Moirai takes over:", &i.taken);
    print_names(path, "Moirai does not have, so it stops at the start or at the first call:", &i.missing);
    t->concerns += i.missing.count != 0;
    if (i.openacc)
        concern(t, path, "uses OpenACC: its first such call ends the program with a message");
    mo_names_free(&i.taken);
    mo_names_free(&i.missing);
}

/* The runtimes themselves define what others import. */
static bool is_runtime(const char *path)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    return strncmp(name, "libgomp.", 8) == 0 || strncmp(name, "libomp.", 7) == 0 ||
           strncmp(name, "libiomp5.", 9) == 0 || strncmp(name, "libmoirai", 9) == 0 ||
           strncmp(name, "libc.so.", 8) == 0 || strncmp(name, "ld-linux", 8) == 0;
}

/* False: it is nothing that is loaded. */
static bool look_at(struct tally *t, const char *path)
{
    struct mo_object o;
    if (!mo_object_open(&o, path))
        return false;
    const char *problem = mo_object_problem(&o);
    if (problem) {
        fprintf(stderr, "moirai: %s %s\n", path, problem);
    } else {
        t->objects++;
        judge(t, path, &o.facts);
        if (!is_runtime(path))
            judge_imports(t, path, &o);
    }
    mo_object_close(&o);
    return !problem;
}

static void look_at_needed(struct tally *t, const char *path)
{
    if (!look_at(t, path))
        t->incomplete = true;
}

/* ---- What it needs: "NAME => PATH (ADDRESS)", "PATH (ADDRESS)", "NAME => not found", or "NAME (ADDRESS)" for what
   comes from the kernel. */
static void read_line(struct tally *t, char *line)
{
    char *arrow = strstr(line, " => "), *name = line + strspn(line, " \t");
    char *path = arrow ? arrow + strlen(" => ") : name;
    if (arrow)
        *arrow = '\0';
    char *end = strstr(path, " (0x");
    if (end)
        *end = '\0';
    if (arrow && strncmp(path, "not found", strlen("not found")) == 0) {
        fprintf(stderr, "moirai: %s is needed and not found\n", name);
        t->incomplete = true;
    } else if (end && path[0] == '/') {
        look_at_needed(t, path);
    }
}

static pid_t start_loader(const char *path, int *from)
{
    int ends[2];
    pid_t pid;
    char *arguments[] = {LOADER, (char *)path, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    setenv("LD_TRACE_LOADED_OBJECTS", "1", 1); /* list, and run nothing */
    unsetenv("LD_PRELOAD");                    /* the question is about the program */
    int err = posix_spawn(&pid, LOADER, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *from = ends[0];
    if (err == 0)
        return pid;
    close(ends[0]);
    errno = err;
    return -1;
}

static void look_at_all_needed(struct tally *t, const char *path)
{
    int from, status = 0;
    pid_t pid = start_loader(path, &from);
    FILE *list = pid > 0 ? fdopen(from, "r") : NULL;
    if (!list) {
        fprintf(stderr, "moirai: cannot run %s to find out what %s needs: %s\n", LOADER, path, strerror(errno));
        t->incomplete = true;
        return;
    }
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, list) > 0)
        read_line(t, line);
    free(line);
    fclose(list);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status != 0 && !t->incomplete) { /* the loader itself has said why */
        fprintf(stderr, "moirai: what %s needs cannot be listed\n", path);
        t->incomplete = true;
    }
}

static int sum_up(const struct tally *t, const char *path)
{
    printf("%s: %u object%s looked at, %u concern%s", path, t->objects, t->objects == 1 ? "" : "s", t->concerns,
           t->concerns == 1 ? "" : "s");
    puts(t->bypasses ? "; run it with MOIRAI_PTHREAD=mutex" : "");
    if (t->openers)
        printf("What %u of them open%s while the program runs is not seen.\n", t->openers, t->openers == 1 ? "s" : "");
    if (fflush(stdout) != 0)
        return MO_CMD_FAILED_STATUS;
    return t->concerns ? FOUND_STATUS : t->incomplete ? MO_CMD_FAILED_STATUS : 0;
}

static int check_program(struct tally *t, const char *name)
{
    char *path = mo_object_find(name);
    if (!path) {
        fprintf(stderr, "moirai: %s is not found\n", name);
        return MO_CMD_FAILED_STATUS;
    }
    int status = MO_CMD_FAILED_STATUS;
    if (look_at(t, path)) {
        fflush(stdout);
        look_at_all_needed(t, path);
        status = sum_up(t, path);
    }
    free(path);
    return status;
}

/* ---- A process: the files that it has mapped to be run. "ADDRESSES r-xp OFFSET DEVICE INODE PATH" */
static int check_process(struct tally *t, const char *pid)
{
    char maps[64], what[64], *line = NULL, *last = NULL;
    size_t room = 0;
    snprintf(maps, sizeof maps, "/proc/%s/maps", pid);
    snprintf(what, sizeof what, "process %s", pid);
    FILE *list = fopen(maps, "r");
    if (!list) {
        fprintf(stderr, "moirai: cannot look at process %s: %s\n", pid, strerror(errno));
        return MO_CMD_FAILED_STATUS;
    }
    while (getline(&line, &room, list) > 0) {
        char *path = strchr(line, '/'), *rights = strchr(line, ' ');
        if (!path || !rights || rights[3] != 'x' || (last && strcmp(last, path) == 0))
            continue;
        free(last);
        last = strdup(path);
        path[strcspn(path, "\n")] = '\0';
        if (strstr(path, "/libmoirai_preload.so"))
            printf("%s: runs under Moirai already\n", what);
        look_at_needed(t, path);
    }
    free(line);
    free(last);
    fclose(list);
    if (t->objects)
        return sum_up(t, what);
    fprintf(stderr, "moirai: process %s has nothing to look at: it has ended, or is the kernel's\n", pid);
    return MO_CMD_FAILED_STATUS;
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 11 && !text[digits];
}

int mo_cmd_check(int argc, char **argv)
{
    static const struct option known[] = {{NULL, 0, NULL, 0}};
    struct mo_names ours;
    if (getopt_long(argc, argv, "+", known, NULL) != -1 || optind + 1 != argc) {
        fputs("usage: moirai check PROGRAM | PID\n", stderr);
        return MO_CMD_USAGE_STATUS;
    }
    if (!mo_names_read(&ours))
        return MO_CMD_FAILED_STATUS;
    struct tally tally = {.ours = &ours};
    const char *what = argv[optind];
    int status = is_number(what) ? check_process(&tally, what) : check_program(&tally, what);
    mo_names_free(&ours);
    return status;
}
