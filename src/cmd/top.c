/* `moirai top`: what a process counts, read out of its memory. Nothing is left in the process, no thread of it is
   stopped, and it need not have been asked to count. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/object.h"
#include "plat/plat.h"
#include "watch/table.h"

#define ROWS_MAX 70000 /* more than there can be workers */

static const char usage[] = "usage: moirai top [--once] [--json] [--interval SECONDS] PID\n";

struct process {
    pid_t pid;
    char name[64];
    uint64_t at; /* of its table */
    struct mo_table table;
    int error; /* of the last read that failed */
};

static bool read_process(void *arg, uint64_t from, void *to, size_t bytes)
{
    struct process *p = arg;
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)from, bytes};
    ssize_t n = process_vm_readv(p->pid, &here, 1, &there, 1, 0);
    if (n == (ssize_t)bytes)
        return true;
    p->error = n < 0 ? errno : EFAULT;
    return false;
}

/* ---- Where its table is. */
static bool read_table(struct process *p, uint64_t at)
{
    struct mo_table *t = &p->table;
    memset(t, 0, sizeof *t);
    if (!read_process(p, at, t, offsetof(struct mo_table, program)) || memcmp(t->magic, MO_TABLE_MAGIC, 8) != 0)
        return false;
    if (t->version != MO_TABLE_VERSION) {
        fprintf(stderr, "moirai: process %d has a table of version %u, this command reads version %d\n", (int)p->pid,
                t->version, MO_TABLE_VERSION);
        return false;
    }
    size_t bytes = t->bytes < sizeof *t ? t->bytes : sizeof *t;
    p->at = at;
    return read_process(p, at, t, bytes);
}

/* "FIRST-LAST r--p OFFSET DEVICE INODE PATH": the file's first part. The path is looked up as the process sees it. */
static bool look_at_mapping(struct process *p, const char *line)
{
    char path[PATH_MAX], own[PATH_MAX + 64];
    unsigned long long first, offset;
    struct mo_object o;
    uint64_t value;
    if (sscanf(line, "%llx-%*x %*s %llx %*s %*s %4095[^\n]", &first, &offset, path) != 3 || offset ||
        !strstr(path, "/libmoirai"))
        return false;
    snprintf(own, sizeof own, "/proc/%d/root%s", (int)p->pid, path);
    if (!mo_object_open(&o, own))
        return false;
    bool found = o.kind == MO_ELF_DYNAMIC && mo_elf_find(o.bytes, o.size, "moirai_core_table_", &value) &&
                 read_table(p, first + value);
    mo_object_close(&o);
    return found;
}

static void read_name(struct process *p)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)p->pid);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(p->name, sizeof p->name, file))
        strcpy(p->name, "?");
    p->name[strcspn(p->name, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* False after a message. */
static bool find(struct process *p)
{
    char maps[64], *line = NULL;
    size_t room = 0;
    bool found = false, any = false;
    snprintf(maps, sizeof maps, "/proc/%d/maps", (int)p->pid);
    FILE *list = fopen(maps, "r");
    if (!list) {
        fprintf(stderr, "moirai: cannot look at process %d: %s\n", (int)p->pid, strerror(errno));
        return false;
    }
    while (!found && getline(&line, &room, list) > 0) {
        any = any || strstr(line, "/libmoirai");
        found = look_at_mapping(p, line);
    }
    free(line);
    fclose(list);
    if (!found && p->error)
        fprintf(stderr, "moirai: cannot read the memory of process %d: %s\n", (int)p->pid, strerror(p->error));
    else if (!found && any)
        fprintf(stderr, "moirai: no table of this version is in process %d\n", (int)p->pid);
    else if (!found)
        fprintf(stderr, "moirai: process %d does not run under Moirai\n", (int)p->pid);
    return found;
}

/* ---- Telling. */
static const unsigned shown[] = {
    MO_COUNT_REGIONS, MO_COUNT_BARRIERS, MO_COUNT_STOLEN,      MO_COUNT_STEALS_LOST,     MO_COUNT_WAITS_AWAKE,
    MO_COUNT_SLEEPS,  MO_COUNT_WAKES,    MO_COUNT_LOCKS_TAKEN, MO_COUNT_LOCKS_CONTENDED, MO_COUNT_CONDITION_WAITS};

static void print_line(const char *name, uint64_t now, uint64_t before, double seconds)
{
    printf("  %-18s %14llu", name, (unsigned long long)now);
    if (seconds > 0)
        printf(" %12.0f/s", (double)(now - before) / seconds);
    puts("");
}

static void print_threads(const struct mo_stats *s, unsigned lines)
{
    unsigned used = s->rows < s->room ? s->rows : s->room;
    printf("\n%10s %6s %12s %9s %10s %10s %12s %10s\n", "THREAD", "KIND", "TASKS", "WAITING", "BARRIERS", "STOLEN",
           "AWAKE", "SLEEPS");
    for (unsigned i = 0; i < used && lines > 0; i++) {
        const struct mo_row *r = &s->row[i];
        if (!r->tid)
            continue;
        lines--;
        printf("%10u %6s %12llu %9llu %10llu %10llu %12llu %10llu\n", r->tid,
               r->pooled   ? "pool"
               : r->worker ? "own"
                           : "other",
               (unsigned long long)(mo_stats_tasks_run(r->n) + r->n[MO_COUNT_JOBS_RUN]), (unsigned long long)r->waiting,
               (unsigned long long)r->n[MO_COUNT_BARRIERS], (unsigned long long)r->n[MO_COUNT_STOLEN],
               (unsigned long long)r->n[MO_COUNT_WAITS_AWAKE], (unsigned long long)r->n[MO_COUNT_SLEEPS]);
    }
}

/* "FILE+0xOFFSET" of an address of the process, the offset as its own maps have it; or the address. */
static void print_place(const struct process *p, uint64_t address)
{
    char path[64], *line = NULL;
    size_t room = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)p->pid);
    FILE *list = address ? fopen(path, "r") : NULL;
    while (list && !found && getline(&line, &room, list) > 0) {
        unsigned long long first, last, offset;
        char file[PATH_MAX];
        if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %4095[^\n]", &first, &last, &offset, file) != 4)
            continue;
        found = address >= first && address < last && file[0] == '/';
        if (found)
            printf("%s+0x%llx", strrchr(file, '/') + 1, (unsigned long long)address - first + offset);
    }
    if (!found && address)
        printf("0x%llx", (unsigned long long)address);
    free(line);
    if (list)
        fclose(list);
}

static void print_locks(const struct process *p, const struct mo_stats *s, unsigned lines)
{
    if (s->lock_rows == 0)
        return;
    printf("\n%18s %12s %14s  %s\n", "LOCK", "WAITS", "WAITED us", "LAST AT");
    for (unsigned i = 0; i < s->lock_rows && i < lines; i++) {
        printf("%#18llx %12llu %14.1f  ", (unsigned long long)s->lock[i].lock, (unsigned long long)s->lock[i].waits,
               (double)s->lock[i].ticks / (double)mo_plat_ticks_per_us());
        print_place(p, s->lock[i].site);
        puts("");
    }
}

static void print_executors(const struct mo_stats *s)
{
    struct mo_out o = {.fd = STDOUT_FILENO};
    fflush(stdout); /* the lines before come first */
    mo_stats_print_executors(&o, s);
    mo_out_flush(&o);
}

static void print_screen(const struct process *p, const struct mo_stats *s, const uint64_t *before, double seconds)
{
    uint64_t was[MO_COUNTS] = {0};
    if (seconds > 0)
        memcpy(was, before, sizeof was);
    printf("moirai top: %s (%d), Moirai %.15s\n", p->name, (int)p->pid, p->table.program);
    printf("  threads %u, teams %u of which %u in a region, tasks waiting %llu\n\n", s->threads, s->teams,
           s->teams_busy, (unsigned long long)s->waiting);
    print_line("tasks_created", mo_stats_tasks_created(s->total), mo_stats_tasks_created(was), seconds);
    print_line("tasks_run", mo_stats_tasks_run(s->total), mo_stats_tasks_run(was), seconds);
    print_line("jobs_run", s->total[MO_COUNT_JOBS_RUN], was[MO_COUNT_JOBS_RUN], seconds);
    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++)
        print_line(p->table.name[shown[i]], s->total[shown[i]], was[shown[i]], seconds);
    print_executors(s);
    print_locks(p, s, 5);
    print_threads(s, 24);
}

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    stopped = sig;
}

struct options {
    bool once, json;
    double interval;
};

static int show(struct process *p, const struct options *options, struct mo_stats *s)
{
    uint64_t before[MO_COUNTS];
    double seconds = 0;
    struct timespec pause = {.tv_sec = (time_t)options->interval,
                             .tv_nsec = (long)((options->interval - (double)(time_t)options->interval) * 1e9)};
    struct mo_source source = {read_process, p};
    for (;;) {
        p->error = 0;
        if (!mo_stats_collect(&source, &p->table, s)) {
            fprintf(stderr, "moirai: cannot read process %d any more: %s\n", (int)p->pid,
                    strerror(p->error ? p->error : EINVAL));
            return seconds > 0 && p->error == ESRCH ? 0 : MO_CMD_FAILED_STATUS;
        }
        if (options->json) {
            struct mo_out o = {.fd = STDOUT_FILENO};
            mo_stats_print_json(&o, s, (unsigned)p->pid, p->name);
        } else {
            if (!options->once && isatty(STDOUT_FILENO))
                fputs("\033[H\033[J", stdout);
            print_screen(p, s, before, seconds);
        }
        if (fflush(stdout) != 0)
            return MO_CMD_FAILED_STATUS;
        memcpy(before, s->total, sizeof before);
        if (options->once || stopped || (nanosleep(&pause, NULL) != 0 && stopped))
            return 0;
        seconds = options->interval;
    }
}

static bool parse(int argc, char **argv, struct options *o, pid_t *pid)
{
    static const struct option known[] = {{"once", no_argument, NULL, '1'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"interval", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    char *end = NULL;
    *o = (struct options){.interval = 1};
    for (int letter; (letter = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        if (letter == '?')
            return false;
        o->once = o->once || letter == '1';
        o->json = o->json || letter == 'j';
        if (letter == 'i') {
            o->interval = strtod(optarg, &end);
            if (*end || end == optarg || !(o->interval >= 0.05 && o->interval <= 3600))
                return false;
        }
    }
    if (optind + 1 != argc)
        return false;
    long number = strtol(argv[optind], &end, 10);
    *pid = (pid_t)number;
    return !*end && number > 0 && number <= INT_MAX;
}

int mo_cmd_top(int argc, char **argv)
{
    static struct process p;
    static struct mo_stats s;
    struct options options;
    if (!parse(argc, argv, &options, &p.pid)) {
        fputs(usage, stderr);
        return MO_CMD_USAGE_STATUS;
    }
    if (!find(&p))
        return MO_CMD_FAILED_STATUS;
    read_name(&p);
    s.row = calloc(ROWS_MAX, sizeof *s.row);
    s.room = s.row ? ROWS_MAX : 0;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int status = show(&p, &options, &s);
    free(s.row);
    return status;
}
