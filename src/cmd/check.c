/* `moirai check`: whether a program or library, or what it loads at its start, passes the preload by in ways that matter to
   condition variables (docs/limits.md). What it loads is told by the dynamic loader itself, which lists it without running
   any of it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/elf.h"

#define FOUND_STATUS      1
#define INCOMPLETE_STATUS 125

#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#else
#define LOADER "/lib/ld-linux-aarch64.so.1"
#endif

extern char **environ;

struct tally {
    unsigned objects, concerns, openers;
    bool incomplete;
};

/* ---- One object. */
static enum mo_elf_kind look(const char *path, struct mo_elf_facts *facts)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        fprintf(stderr, "moirai: cannot read %s: %s\n", path, fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0)
            close(fd);
        return MO_ELF_OTHER;
    }
    size_t size = (size_t)status.st_size;
    void *bytes = size > 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "moirai: %s is not a program or library\n", path);
        return MO_ELF_OTHER;
    }
    enum mo_elf_kind kind = mo_elf_look(bytes, size, facts);
    munmap(bytes, size);
    static const char *const said[] = {
        [MO_ELF_OTHER] = "is not a program or library",
        [MO_ELF_SCRIPT] = "is a script: check the program that runs it",
        [MO_ELF_FOREIGN] = "is for another machine",
        [MO_ELF_STATIC] = "is statically linked: no preload reaches it",
        [MO_ELF_DYNAMIC] = NULL,
    };
    if (said[kind])
        fprintf(stderr, "moirai: %s %s\n", path, said[kind]);
    return kind;
}

static void concern(struct tally *t, const char *path, const char *text)
{
    printf("%s: %s\n", path, text);
    t->concerns++;
}

static void judge(struct tally *t, const char *path, const struct mo_elf_facts *facts)
{
    t->objects++;
    if (facts->by_version)
        concern(t, path, "finds functions by their version (dlvsym): such calls pass the preload by");
    if (facts->deep_binding)
        concern(t, path, "opens objects with RTLD_DEEPBIND, by the look of its code: their calls pass the preload by");
    if (facts->flags_hidden && !facts->deep_binding)
        printf("%s: opens objects with flags that its code does not show; no concern by itself\n", path);
    t->openers += facts->opens;
}

static void look_at_needed(struct tally *t, const char *path)
{
    struct mo_elf_facts facts;
    if (look(path, &facts) == MO_ELF_DYNAMIC)
        judge(t, path, &facts);
    else
        t->incomplete = true;
}

/* ---- What it needs: "NAME => PATH (ADDRESS)", "PATH (ADDRESS)", "NAME => not found", or "NAME (ADDRESS)" for what comes
   from the kernel. */
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

/* ---- As the shell finds commands. NULL: nowhere. */
static char *find_program(const char *name)
{
    const char *folders = getenv("PATH");
    if (strchr(name, '/') || !folders)
        return strdup(name);
    for (const char *end; *folders; folders = *end ? end + 1 : end) {
        char *path = NULL;
        end = strchrnul(folders, ':');
        if (asprintf(&path, "%.*s/%s", (int)(end - folders), folders, name) < 0)
            return NULL;
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static int sum_up(const struct tally *t, const char *path)
{
    printf("%s: %u object%s looked at, %u concern%s", path, t->objects, t->objects == 1 ? "" : "s", t->concerns,
           t->concerns == 1 ? "" : "s");
    puts(t->concerns ? "; run it with MOIRAI_PTHREAD=mutex" : "");
    if (t->openers)
        printf("What %u of them open%s while the program runs is not seen.\n", t->openers, t->openers == 1 ? "s" : "");
    if (fflush(stdout) != 0)
        return INCOMPLETE_STATUS;
    return t->concerns ? FOUND_STATUS : t->incomplete ? INCOMPLETE_STATUS : 0;
}

static int check(const char *path)
{
    struct tally tally = {0};
    struct mo_elf_facts facts;
    if (look(path, &facts) != MO_ELF_DYNAMIC)
        return INCOMPLETE_STATUS;
    judge(&tally, path, &facts);
    fflush(stdout);
    look_at_all_needed(&tally, path);
    return sum_up(&tally, path);
}

int mo_cmd_check(int argc, char **argv)
{
    static const struct option known[] = {{NULL, 0, NULL, 0}};
    if (getopt_long(argc, argv, "+", known, NULL) != -1 || optind + 1 != argc) {
        fputs("usage: moirai check PROGRAM\n", stderr);
        return MO_CMD_USAGE_STATUS;
    }
    char *path = find_program(argv[optind]);
    if (!path) {
        fprintf(stderr, "moirai: %s is not found\n", argv[optind]);
        return INCOMPLETE_STATUS;
    }
    int status = check(path);
    free(path);
    return status;
}
